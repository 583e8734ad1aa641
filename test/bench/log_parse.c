/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads a log from memory on one core and prints lines per second of processor time: `log_parse lines FILE`
 * only splits it into lines, `log_parse read FILE` reads them, and prints how many deliveries there were,
 * too. */
#include "leadgate/maillog.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double seconds_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static char *load(const char *path, size_t *n)
{
    FILE *fp = fopen(path, "rb");
    char *text = NULL;
    long size;

    if (fp == NULL || fseek(fp, 0, SEEK_END) != 0 || (size = ftell(fp)) < 0 || fseek(fp, 0, SEEK_SET) != 0)
        goto out;
    *n = (size_t)size;
    if ((text = malloc(*n + 1)) != NULL && fread(text, 1, *n, fp) != *n) {
        free(text);
        text = NULL;
    }
out:
    if (fp != NULL)
        fclose(fp);
    return text;
}

static struct maillog *new_maillog(struct classifier **classifier)
{
    struct network internal;
    struct err err;

    bounce_init();
    if ((*classifier = classifier_new(NULL, 0, &err)) == NULL ||
        !network_parse(&internal, SPAN("127.0.0.0/8"), &err)) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    return maillog_new(&(struct maillog_settings){
        .context = { .addresses = { .fold_local_part = true }, .classifier = *classifier },
        .messages = 100000,
    });
}

static void count(void *ctx, const struct delivery *delivery)
{
    int64_t *kinds = ctx;

    kinds[delivery->kind]++;
}

int main(int argc, char **argv)
{
    bool reads = argc == 3 && strcmp(argv[1], "read") == 0;
    int64_t lines = 0, kinds[DELIVERY_EXPIRED + 1] = { 0 }, now = time(NULL);
    struct classifier *classifier = NULL;
    struct maillog *maillog = NULL;
    struct span rest = { NULL, 0 };
    char *text;
    double begun;

    if (argc != 3 || (text = load(argv[2], &rest.n)) == NULL) {
        fprintf(stderr, "usage: log_parse lines|read FILE\n");
        return 1;
    }
    rest.p = text;
    if (reads && (maillog = new_maillog(&classifier)) == NULL)
        return 1;
    begun = seconds_now();
    while (rest.n > 0) {
        struct span line = span_cut(&rest, '\n');

        lines++;
        if (reads)
            maillog_line(maillog, line, now, count, kinds);
    }
    printf("%.0f\n", (double)lines / (seconds_now() - begun));
    for (int kind = DELIVERY_SENT; reads && kind <= DELIVERY_EXPIRED; kind++)
        printf("%lld\n", (long long)kinds[kind]);
    maillog_free(maillog);
    classifier_free(classifier);
    free(text);
    return 0;
}
