/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/log_order.h"

#include "cli/log_file.h"

#include <stdlib.h>
#include <string.h>

/* So many lines are looked at: some thousand mails can be handed in before the first one is delivered. */
#define LINES_MOST 20000

struct log {
    char *path;
    size_t place; /* on the command line */
    int64_t at;
};

static int compare(const void *left, const void *right)
{
    const struct log *a = left, *b = right;

    if (a->at != b->at)
        return a->at < b->at ? -1 : 1;
    return (a->place > b->place) - (a->place < b->place);
}

static void note_first(void *ctx, const struct delivery *delivery)
{
    int64_t *at = ctx;

    if (*at == 0)
        *at = delivery->at;
}

/* 0, or -1 with err. What is wrong further on in the file is found when it is read. */
static int find_time(struct log *log, const struct maillog_settings *settings, int64_t clock, struct err *err)
{
    struct maillog *maillog = NULL;
    struct log_file file;
    struct err unread;
    struct span line;
    int64_t first = 0;
    int rc = log_file_open(&file, log->path, clock, err);

    if (rc == 0 && (maillog = maillog_new(settings)) == NULL)
        rc = err_set(err, "out of memory");
    for (int i = 0; rc == 0 && first == 0 && i < LINES_MOST; i++) {
        if (log_file_next(&file, &line, &unread) != LOG_LINE)
            break;
        maillog_line(maillog, line, file.now, note_first, &first);
    }
    log->at = first != 0 ? first : file.now;
    maillog_free(maillog);
    log_file_close(&file);
    return rc;
}

static bool has_standard_input(char **paths, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(paths[i], "-") == 0)
            return true;
    return false;
}

int log_order(char **paths, size_t n, const struct maillog_settings *settings, int64_t clock, struct err *err)
{
    struct maillog_settings few = *settings;
    struct log *logs;
    int rc = 0;

    if (n < 2 || has_standard_input(paths, n))
        return 0;
    if ((logs = calloc(n, sizeof(*logs))) == NULL)
        return err_set(err, "out of memory");
    few.messages = 1000;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        logs[i] = (struct log){ .path = paths[i], .place = i };
        rc = find_time(&logs[i], &few, clock, err);
    }
    if (rc == 0)
        qsort(logs, n, sizeof(*logs), compare);
    for (size_t i = 0; rc == 0 && i < n; i++)
        paths[i] = logs[i].path;
    free(logs);
    return rc;
}
