/* SPDX-License-Identifier: BSD-2-Clause */
/* leadgate replay: a rehearsal. Past logs are read as leadgate-feed reads today's, and what the settings
 * would have made of it is worked out in memory, for one or two of them in one pass. Redis is not asked; only
 * --apply writes to it. */
#include "cli/command.h"
#include "cli/log_file.h"
#include "cli/log_order.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/replay_report.h"
#include "cli/replay_seed.h"
#include "cli/session.h"
#include "leadgate/maillog.h"
#include "leadgate/times.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>

#define DAY (INT64_C(24) * 60 * 60)

struct replay {
    struct session session;
    struct settings *compared; /* NULL = none */
    struct maillog *maillog;
    struct rehearsal *rehearsals[REPLAY_WAYS];
    const struct settings *settings[REPLAY_WAYS];
    struct seed *seed; /* NULL = Redis is left alone */
    int64_t since, until;
    int64_t latest; /* delivery so far */
    int status;     /* GO_ON, or why it ends */
    struct replay_report report;
    struct progress progress;
};

static int say(const char *text, int status)
{
    fputs("leadgate: ", stderr);
    output_text(stderr, span_of(text));
    fputc('\n', stderr);
    return status;
}

/* --- one delivery --- */

/* What of an opt-out would have kept this mail back. A stream that only observes is enforced here: this is
 * the place to observe. */
static uint32_t enforced_causes(const struct settings *settings, const struct delivery *delivery)
{
    const struct stream *stream;

    if (settings_never_refuses(settings, &delivery->finding.lead))
        return 0;
    stream = settings_delivery_stream(settings, delivery);
    return stream->enforce == ENFORCE_OFF ? 0 : stream->causes;
}

static void take_delivery(void *ctx, const struct delivery *delivery)
{
    struct replay *replay = ctx;
    struct event event;

    if (delivery->at < replay->since || delivery->at >= replay->until) {
        replay->report.left_out++;
        return;
    }
    replay->report.disordered += delivery->at < replay->latest;
    if (delivery->at > replay->latest)
        replay->latest = delivery->at;
    delivery_event(delivery, &event);
    for (size_t way = 0; way < replay->report.n; way++) {
        struct rehearsal_mail mail = { .event = &event,
                                       .id = delivery->queue_id,
                                       .enforced = enforced_causes(replay->settings[way], delivery) };

        if (rehearsal_add(replay->rehearsals[way], &mail) < 0)
            replay->status = say("out of memory", EX_OSERR);
    }
    event.mail_stream = span_of(settings_delivery_stream(replay->session.settings, delivery)->name);
    if (replay->status == GO_ON && replay->seed != NULL)
        replay->status = seed_add(replay->seed, &event);
}

/* --- the logs --- */

static int fail(struct replay *replay, const struct err *err, int status)
{
    progress_end(&replay->progress);
    return say(err->text, status);
}

/* A file without a line of Postfix's is the wrong file, or packed in a way that we do not know. An empty one
 * has just been rotated. */
static int check_file(struct replay *replay, const char *path, int64_t lines, int64_t foreign)
{
    struct err err;

    replay->report.lines += lines;
    replay->report.foreign += foreign;
    if (lines == 0 || foreign < lines)
        return GO_ON;
    err_set(&err, "%s: none of its lines is Postfix's; it reads logs, plain and gzip'd", path);
    return fail(replay, &err, EX_DATAERR);
}

static int read_lines(struct replay *replay, struct log_file *file)
{
    int64_t lines = 0, foreign = 0;
    uint64_t shown = 0;
    struct span line;
    struct err err;

    for (;;) {
        switch (log_file_next(file, &line, &err)) {
        case LOG_LINE: break;
        case LOG_END: return check_file(replay, file->path, lines, foreign);
        case LOG_BROKEN: return fail(replay, &err, EX_DATAERR);
        }
        lines++;
        foreign += !maillog_line(replay->maillog, line, file->now, take_delivery, replay);
        if (replay->status != GO_ON)
            return replay->status;
        progress_step(&replay->progress, file->taken - shown);
        shown = file->taken;
    }
}

static int read_file(struct replay *replay, const char *path)
{
    struct log_file file;
    struct err err;
    int status;

    if (log_file_open(&file, path, replay->session.now, &err) < 0)
        status = fail(replay, &err, EX_NOINPUT);
    else
        status = read_lines(replay, &file);
    log_file_close(&file);
    return status;
}

/* Bytes on disk; 0 when one of the sizes is not known. */
static uint64_t size_of_all(char **paths, int n)
{
    uint64_t sum = 0;
    struct stat stat_of;

    for (int i = 0; i < n; i++) {
        if (strcmp(paths[i], "-") == 0 || stat(paths[i], &stat_of) < 0 || !S_ISREG(stat_of.st_mode))
            return 0;
        sum += (uint64_t)stat_of.st_size;
    }
    return sum;
}

static int read_all(struct replay *replay, char **paths, int n)
{
    struct maillog_settings settings = settings_maillog(replay->session.settings);
    int status = GO_ON;
    struct err err;

    if (log_order(paths, (size_t)n, &settings, replay->session.now, &err) < 0)
        return say(err.text, EX_NOINPUT);
    replay->progress = progress_begin("bytes", size_of_all(paths, n));
    replay->progress.shown = replay->progress.shown && output_allows_bar(false);
    for (int i = 0; status == GO_ON && i < n; i++)
        status = read_file(replay, paths[i]);
    progress_end(&replay->progress);
    if (status == GO_ON && replay->seed != NULL)
        status = seed_finish(replay->seed);
    if (status == GO_ON && replay->report.lines == 0)
        status = say("there is not a line in it", EX_DATAERR);
    return status;
}

/* --- the answer --- */

static void print_csv(FILE *to, const void *report)
{
    replay_print_csv(to, report);
}

static void print_svg(FILE *to, const void *report)
{
    replay_print_svg(to, report);
}

static void sum_up(struct replay *replay)
{
    struct replay_report *report = &replay->report;
    struct maillog_tally tally = maillog_tally(replay->maillog);

    report->forgotten = tally.forgotten;
    report->passed = tally.local;
    for (size_t way = 0; way < report->n; way++) {
        rehearsal_sum(replay->rehearsals[way], &report->way[way].result);
        report->way[way].providers =
            rehearsal_providers(replay->rehearsals[way], &report->way[way].n_providers);
    }
}

static int print_all(struct replay *replay, const char *csv, const char *svg)
{
    const struct replay_report *report = &replay->report;
    bool csv_to_stdout = csv != NULL && strcmp(csv, "-") == 0;
    FILE *to = csv_to_stdout ? stderr : stdout;
    int status = EX_OK;

    sum_up(replay);
    if (csv_to_stdout)
        replay_print_csv(stdout, report);
    else
        replay_print_text(stdout, report);
    if (replay->seed != NULL)
        seed_print(to, replay->seed, report->way[0].result.leads);
    if (csv != NULL && !csv_to_stdout && output_file(csv, print_csv, report) < 0)
        status = 1;
    if (svg != NULL && output_file(svg, print_svg, report) < 0)
        status = 1;
    return status;
}

/* --- the command --- */

static const char usage[] =
    "usage: leadgate replay [-c FILE] [--compare FILE] [--since TIME] [--until TIME] [--csv FILE]\n"
    "                       [--svg FILE] [--apply] LOG...\n"
    "\n"
    "Reads Postfix logs of the past (plain or gzip'd; - is standard input) and says what Leadgate would "
    "have\n"
    "made of them: mails that would not have been sent, leads opted out, the share of invalid recipients at\n"
    "each provider before and after, and the good mails that would have been missed. Redis is left alone.\n"
    "\n"
    "  --compare FILE  other settings, side by side with those of -c\n"
    "  --since, --until TIME\n"
    "                  only deliveries from TIME on, and before TIME: 2026-12-24, 2026-12-24T10:00, or 30d "
    "for\n"
    "                  30 days ago\n"
    "  --csv FILE      write a line for each day and provider; - writes it to standard output, and no table\n"
    "  --svg FILE      draw the days\n"
    "  --apply         put the same history into Redis, as leadgate-feed would have; again changes nothing\n"
    "\n"
    "Several logs are one history, read in the order of their first deliveries (with - among them: in the\n"
    "order given). Times like `Nov 22 05:13:16` are local (TZ) and have no year: it is the latest one in "
    "which\n"
    "the line is not later than a day after its file was last written; for -, than a day from now.\n"
    "\n"
    "Exit status: 0; 1 when a file could not be written; 64; 65 (no Postfix log, or a damaged file); 66 (no "
    "such\n"
    "file), 75 (--apply: Redis is away: run it again), 78 (settings).\n";

/* A time, or how long ago. */
static bool read_time(const char *text, int64_t now, int64_t *out)
{
    int64_t length;

    if (text == NULL || times_read(span_of(text), out))
        return true;
    if (!times_read_length(span_of(text), &length))
        return false;
    *out = now - length;
    return true;
}

static int load_compared(struct replay *replay, const char *path)
{
    struct err err;

    replay->settings[0] = replay->session.settings;
    replay->report.n = 1;
    if (path == NULL)
        return GO_ON;
    if (settings_load(&replay->compared, path, &err) < 0)
        return say(err.text, EX_CONFIG);
    replay->settings[1] = replay->compared;
    replay->report.way[1].settings = path;
    replay->report.n = 2;
    return GO_ON;
}

static int make_stage(struct replay *replay, bool apply)
{
    struct maillog_settings settings = settings_maillog(replay->session.settings);
    struct err warning, err;

    replay->status = GO_ON;
    if ((replay->maillog = maillog_new(&settings)) == NULL)
        return say("out of memory", EX_OSERR);
    for (size_t way = 0; way < replay->report.n; way++)
        if ((replay->rehearsals[way] = rehearsal_new(&replay->settings[way]->lead)) == NULL)
            return say("out of memory", EX_OSERR);
    if (!apply)
        return GO_ON;
    if ((replay->seed = seed_new(&replay->session)) == NULL)
        return say("out of memory", EX_OSERR);
    /* Better now than after a gigabyte of log. */
    return store_check(replay->session.store, &warning, &err) == STORE_DOWN ? session_fail(&err) : GO_ON;
}

static void tear_down(struct replay *replay)
{
    seed_free(replay->seed);
    for (size_t way = 0; way < REPLAY_WAYS; way++)
        rehearsal_free(replay->rehearsals[way]);
    maillog_free(replay->maillog);
    settings_free(replay->compared);
    session_close(&replay->session);
}

int command_replay(int argc, char **argv)
{
    const char *compare = NULL, *csv = NULL, *svg = NULL, *since = NULL, *until = NULL;
    bool apply = false;
    const struct cli_option options[] = { { "compare", &compare, NULL }, { "csv", &csv, NULL },
                                          { "svg", &svg, NULL },         { "since", &since, NULL },
                                          { "until", &until, NULL },     { "apply", NULL, &apply } };
    struct cli_arguments arguments;
    struct replay replay = { .status = GO_ON };
    int status =
        cli_read_arguments(usage, options, sizeof(options) / sizeof(options[0]), argc, argv, &arguments);

    if (status != GO_ON)
        return status;
    if (arguments.n == 0)
        return cli_fail_usage(usage, "which logs?");
    bounce_init();
    if ((status = session_open(&replay.session, arguments.config)) != GO_ON)
        goto out;
    replay.until = replay.session.now + DAY; /* what is later is a clock that was wrong */
    replay.since = 1;
    if (!read_time(since, replay.session.now, &replay.since) ||
        !read_time(until, replay.session.now, &replay.until)) {
        status = cli_fail_usage(usage, "--since and --until take a time, or a length like 30d");
        goto out;
    }
    replay.report.files = arguments.n;
    replay.report.way[0].settings = session_settings_name(arguments.config);
    if ((status = load_compared(&replay, compare)) != GO_ON ||
        (status = make_stage(&replay, apply)) != GO_ON ||
        (status = read_all(&replay, arguments.operand, arguments.n)) != GO_ON)
        goto out;
    status = output_finish(print_all(&replay, csv, svg));
out:
    tear_down(&replay);
    return status;
}
