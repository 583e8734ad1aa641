/* SPDX-License-Identifier: BSD-2-Clause */
/* A step is: read some entries, apply what they say together, then take them out of the stream. Killed before
 * the commit, nothing has happened; killed behind it, the entries are still pending, are read again and say
 * the same of the same moment: repeats. */
#include "feed/backlog.h"

#include "feed/application.h"
#include "leadgate/logline.h"
#include "leadgate/store_inbox.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct backlog {
    const struct settings *settings;
    struct applier *applier;
    struct inbox *inbox;
    char reader[HOST_NAME_MAX + 1];
    bool trouble; /* it cannot be read, and that was said */
    struct backlog_tally tally;
    int64_t lag; /* as last told, seconds */
    /* One batch: what was understood of it. The events borrow from the applications. */
    struct application applications[INBOX_ENTRIES];
    struct event events[INBOX_ENTRIES];
};

/* Each host is one reader: after a restart it is the same one. */
static void name_reader(char *dst, size_t size)
{
    if (gethostname(dst, size) < 0 || dst[0] == '\0')
        snprintf(dst, size, "leadgate-feed");
    dst[size - 1] = '\0';
}

struct backlog *backlog_new(const struct settings *settings, struct applier *applier)
{
    struct backlog *backlog = calloc(1, sizeof(*backlog));

    if (backlog == NULL)
        return NULL;
    backlog->settings = settings;
    backlog->applier = applier;
    name_reader(backlog->reader, sizeof(backlog->reader));
    if ((backlog->inbox = inbox_new(&settings->redis, backlog->reader)) == NULL) {
        free(backlog);
        return NULL;
    }
    return backlog;
}

void backlog_free(struct backlog *backlog)
{
    if (backlog == NULL)
        return;
    inbox_free(backlog->inbox);
    free(backlog);
}

static void note_trouble(struct backlog *backlog, bool trouble, const struct err *err)
{
    if (trouble && !backlog->trouble)
        log_say(LOG_WARNING, "cannot read what applications report: %s; trying again", err->text);
    if (!trouble && backlog->trouble)
        log_say(LOG_NOTICE, "what applications report can be read again");
    backlog->trouble = trouble;
}

static void set_aside(struct backlog *backlog, const struct inbox_batch *batch, size_t i,
                      const struct err *why)
{
    struct logline line;

    logline_start(&line, "rejected");
    logline_span(&line, "id", batch->entries[i].id);
    logline_text(&line, "reason", why->text);
    logline_send(&line, LOG_INFO);
    inbox_reject(backlog->inbox, i, why->text);
}

/* How many events the batch makes; *rejected: how many entries it does not understand. */
static size_t make_events(struct backlog *backlog, const struct inbox_batch *batch, int64_t now,
                          int64_t *rejected)
{
    struct bounce_context context = settings_bounce_context(backlog->settings);
    size_t n = 0;

    *rejected = 0;
    for (size_t i = 0; i < batch->n; i++) {
        struct err why;

        if (application_read(&backlog->applications[n], &batch->entries[i], &context, now, &why) == 0) {
            backlog->events[n] = backlog->applications[n].event;
            n++;
        } else {
            set_aside(backlog, batch, i, &why);
            ++*rejected;
        }
    }
    return n;
}

/* How old the newest entry of a batch is: so far behind are we. */
static int64_t age_of(const struct inbox_batch *batch, int64_t now)
{
    struct span id = batch->n > 0 ? batch->entries[batch->n - 1].id : SPAN_NONE;
    int64_t milliseconds;

    if (!span_int64(span_cut(&id, '-'), &milliseconds) || milliseconds / 1000 > now)
        return 0;
    return now - milliseconds / 1000;
}

/* Where it is news, and while there is something to read: somebody may have deleted the counters. */
static void note_lag(struct backlog *backlog, int64_t lag, bool busy)
{
    if (busy || lag != backlog->lag)
        applier_note_lag(backlog->applier, "applications", lag);
    backlog->lag = lag;
}

enum backlog_rc backlog_step(struct backlog *backlog, int64_t now)
{
    struct inbox_batch batch;
    struct err err;
    int64_t rejected, lag, repeats = 0;
    size_t n;

    if (inbox_read(backlog->inbox, &batch, &err) == STORE_DOWN) {
        note_trouble(backlog, true, &err);
        return BACKLOG_DOWN;
    }
    note_trouble(backlog, false, &err);
    if (!batch.more) {
        note_lag(backlog, 0, false);
        return BACKLOG_DONE;
    }
    /* Ids are Redis's time. Where its clock is ahead of ours, ours would make another time of the same entry
     * each time that it is read. */
    if (batch.clock > now)
        now = batch.clock;
    n = make_events(backlog, &batch, now, &rejected);
    lag = age_of(&batch, now);
    if (n > 0 && applier_apply(backlog->applier, backlog->events, n, now, &repeats, &err) == STORE_DOWN)
        return BACKLOG_DOWN;
    if (inbox_settle(backlog->inbox, &err) == STORE_DOWN) {
        note_trouble(backlog, true, &err);
        return BACKLOG_DOWN;
    }
    backlog->tally.events += (int64_t)n;
    backlog->tally.repeats += repeats;
    backlog->tally.rejected += rejected;
    note_lag(backlog, lag, true);
    return BACKLOG_MORE;
}

const struct backlog_tally *backlog_tally(const struct backlog *backlog)
{
    return &backlog->tally;
}
