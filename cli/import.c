/* SPDX-License-Identifier: BSD-2-Clause */
/* leadgate import: another system's suppression list, as events of an operator. What a row says is turned
 * into an event by its reason; lead_apply() knows what follows, so a list that is read twice changes nothing
 * the second time, and never makes an opt-out lighter. */
#include "cli/command.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/reasons.h"
#include "cli/session.h"
#include "cli/table.h"
#include "leadgate/times.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>

#define DAY (24 * 60 * 60)

enum { BATCH = 64 };

/* An event and the texts that it borrows: the row is gone when it is applied. */
struct entry {
    char stream[64], status[16], evidence[256];
};

struct import {
    struct session *session;
    struct table table;
    bool has_default, dry_run;
    struct reason otherwise; /* --reason */
    struct event events[BATCH];
    struct entry entries[BATCH];
    struct outcome outcomes[BATCH];
    size_t n;
    int64_t rows, bad, never, unknown, undated, changed, same;
    int64_t by_cause[CAUSES];
    struct progress progress;
};

/* One bad line, on standard error. */
static void complain(struct import *import, int64_t line, const char *why)
{
    import->bad++;
    progress_pause(&import->progress);
    fprintf(stderr, "leadgate: line %" PRId64 ": ", line);
    output_text(stderr, span_of(why));
    fputc('\n', stderr);
}

static struct reason find_reason(struct import *import, const struct csv_row *row)
{
    struct span word = table_get(&import->table, row, COLUMN_REASON);
    struct span diag = table_get(&import->table, row, COLUMN_DIAG);
    struct reason reason = { .type = EVENT_OPTOUT, .cause = CAUSE_SUPPRESSED };
    struct bounce_context context = settings_bounce_context(import->session->settings);

    if (word.n > 0 && reason_of_word(word, &reason))
        return reason;
    if (reason_of_refusal(&context, table_get(&import->table, row, COLUMN_STATUS), diag.n > 0 ? diag : word,
                          &reason))
        return reason;
    if (import->has_default)
        return import->otherwise;
    import->unknown++;
    return reason;
}

/* When it ends. Our own export says so; else a soft cause's opt-out lasts as long as its first suspension,
 * from when it was listed: what is long over is not made up for. */
static int64_t end_of(const struct import *import, const struct csv_row *row, const struct event *event)
{
    const struct cause_settings *numbers = &import->session->settings->lead.causes[event->cause];
    int64_t until;

    if (times_read(table_get(&import->table, row, COLUMN_UNTIL), &until))
        return until;
    if (cause_info(event->cause)->hardness != HARDNESS_SOFT ||
        span_eq(table_get(&import->table, row, COLUMN_KIND), SPAN("permanent")))
        return 0;
    return event->at + numbers->first;
}

/* Recorded, but never an opt-out, by the settings: blocked for our reputation, a message too big. */
static bool says_nothing(const struct import *import, const struct event *event)
{
    return event->type == EVENT_OPTOUT && cause_info(event->cause)->hardness == HARDNESS_SOFT &&
           import->session->settings->lead.causes[event->cause].first == 0;
}

/* Our own export has addresses in their normal form. */
static int parse_address(const struct import *import, const struct csv_row *row, struct address *out,
                         struct err *err)
{
    struct span text = table_get(&import->table, row, COLUMN_ADDRESS);

    return import->table.at[COLUMN_KIND] >= 0 ? session_parse(import->session, text, out, err)
                                              : session_parse_listed(import->session, text, out, err);
}

/* 0, or -1 with err. */
static int make_event(struct import *import, const struct csv_row *row, struct event *event,
                      struct entry *entry, struct err *err)
{
    struct span date = table_get(&import->table, row, COLUMN_DATE), text;
    struct reason reason;

    /* Without a date: the beginning of today, so that the same list again says the same. */
    *event =
        (struct event){ .source = SOURCE_OPERATOR, .at = import->session->now - import->session->now % DAY };
    if (parse_address(import, row, &event->lead, err) < 0)
        return -1;
    /* Better suppressed from today on than not at all. */
    if (date.n > 0 && !times_read(date, &event->at))
        import->undated++;
    reason = find_reason(import, row);
    event->type = reason.type;
    event->cause = reason.cause;
    if (event->at > import->session->now)
        event->at = import->session->now;
    event->until = reason.type == EVENT_OPTOUT ? end_of(import, row, event) : 0;
    if (!span_copy(entry->stream, sizeof(entry->stream), table_get(&import->table, row, COLUMN_STREAM)))
        return err_set(err, "the name of the stream is too long");
    event->stream = span_of(entry->stream);
    text = table_get(&import->table, row, COLUMN_STATUS);
    if (text.n > 2 && text.p[1] == '.' && span_copy(entry->status, sizeof(entry->status), text))
        event->status = span_of(entry->status);
    text = table_get(&import->table, row, COLUMN_DIAG);
    if (text.n == 0)
        text = table_get(&import->table, row, COLUMN_REASON);
    span_excerpt(entry->evidence, sizeof(entry->evidence), text.n > 0 ? text : SPAN("imported list"));
    event->evidence = span_of(entry->evidence);
    return 0;
}

static int apply(struct import *import)
{
    struct session *session = import->session;
    size_t n = import->n;
    struct err err;

    import->n = 0;
    if (import->dry_run || n == 0)
        return GO_ON;
    if (store_apply(session->store, &session->settings->lead, import->events, n, session->now,
                    import->outcomes, &err) == STORE_DOWN) {
        progress_end(&import->progress);
        return session_fail(&err);
    }
    for (size_t i = 0; i < n; i++)
        if (import->outcomes[i].change.kind != CHANGE_NONE)
            import->changed++;
        else
            import->same++;
    return GO_ON;
}

static int take_row(struct import *import, const struct csv_row *row)
{
    struct event *event = &import->events[import->n];
    struct entry *entry = &import->entries[import->n];
    struct err err;

    import->rows++;
    *entry = (struct entry){ .stream = "" };
    if (make_event(import, row, event, entry, &err) < 0) {
        complain(import, row->line, err.text);
        return GO_ON;
    }
    if (says_nothing(import, event)) {
        import->never++;
        return GO_ON;
    }
    import->by_cause[event->cause]++;
    return ++import->n == BATCH ? apply(import) : GO_ON;
}

static int take_rows(struct import *import, const char *path)
{
    struct csv_row row;
    int status = GO_ON;

    while (status == GO_ON) {
        uint64_t before = import->table.file.taken;

        switch (csv_next(&import->table.file, &row)) {
        case CSV_NEXT_ROW: status = take_row(import, &row); break;
        case CSV_NEXT_BAD:
            import->rows++;
            complain(import, row.line, "a quotation mark is never closed, or the line is too long");
            break;
        case CSV_NEXT_END: return apply(import);
        case CSV_NEXT_FAILED: fprintf(stderr, "leadgate: %s: %s\n", path, strerror(errno)); return EX_NOINPUT;
        }
        progress_step(&import->progress, import->table.file.taken - before);
    }
    return status;
}

static void print_summary(const struct import *import)
{
    printf("%" PRId64 " rows read, %" PRId64 " bad\n", import->rows, import->bad);
    for (int cause = 0; cause < CAUSES; cause++)
        if (import->by_cause[cause] > 0)
            printf("  %-21s %" PRId64 "\n", cause_name((enum cause)cause), import->by_cause[cause]);
    if (import->unknown > 0)
        printf("%" PRId64 " with no reason that is known: taken as suppressed\n", import->unknown);
    if (import->undated > 0)
        printf("%" PRId64 " with a date that cannot be read: taken as today\n", import->undated);
    if (import->never > 0)
        printf("%" PRId64 " left out: their reason is no fault of the lead\n", import->never);
    if (import->dry_run)
        puts("dry run: nothing was changed");
    else
        printf("%" PRId64 " changed, %" PRId64 " stood already or were over\n", import->changed,
               import->same);
}

/* Bytes of a file; 0 = not known. */
static uint64_t size_of(int fd)
{
    struct stat stat;

    return fstat(fd, &stat) == 0 && S_ISREG(stat.st_mode) ? (uint64_t)stat.st_size : 0;
}

static int run(struct session *session, struct import *import, const char *path, enum table_form form)
{
    struct err err;
    int status;

    import->session = session;
    if (table_open(&import->table, path, form, NULL, &err) < 0) {
        fprintf(stderr, "leadgate: %s\n", err.text);
        table_close(&import->table);
        return EX_NOINPUT;
    }
    import->progress = progress_begin("bytes", size_of(import->table.file.fd));
    import->progress.shown = import->progress.shown && output_allows_bar(false);
    status = take_rows(import, path);
    progress_end(&import->progress);
    table_close(&import->table);
    if (status != GO_ON)
        return status;
    print_summary(import);
    return import->bad > 0 ? 1 : EX_OK;
}

int command_import(int argc, char **argv)
{
    static const char usage[] =
        "usage: leadgate import [-c FILE] [--format csv|list] [--reason WORD] [--dry-run] FILE\n"
        "\n"
        "Reads the suppression list of another system (- is standard input): CSV whose first line names the\n"
        "columns for address, reason and date, or one address a line. Lines that cannot be read are "
        "reported\n"
        "and passed over. Read twice it changes nothing the second time.\n"
        "\n"
        "  --format       instead of finding out by the first line\n"
        "  --reason WORD  where a row has none that is known: bounce, complaint, unsubscribe, manual, or "
        "any\n"
        "                 cause; default suppressed\n"
        "  --dry-run      read and count, change nothing\n"
        "\n"
        "Exit status: 0; 1 when lines were passed over; 64, 66 (no such file), 75 (Redis is away: run it\n"
        "again), 78 (settings).\n";
    static const char *const forms[] = { "", "csv", "list", NULL };
    const char *format = NULL, *reason = NULL;
    bool dry_run = false;
    const struct cli_option options[] = { { "format", &format, NULL },
                                          { "reason", &reason, NULL },
                                          { "dry-run", NULL, &dry_run } };
    struct cli_arguments arguments;
    struct import *import;
    struct session session = { .now = 0 };
    int status = cli_read_arguments(usage, options, 3, argc, argv, &arguments), form = TABLE_GUESS;

    if (status != GO_ON)
        return status;
    if (arguments.n != 1)
        return cli_fail_usage(usage, NULL);
    if (format != NULL && (form = cli_read_format(format, forms + TABLE_CSV) + TABLE_CSV) < TABLE_CSV)
        return EX_USAGE;
    if ((import = calloc(1, sizeof(*import))) == NULL)
        return EX_OSERR;
    import->dry_run = dry_run;
    import->has_default = reason != NULL;
    if (reason != NULL && !reason_of_word(span_of(reason), &import->otherwise))
        status = cli_fail_usage(usage, "--reason takes a word like bounce, complaint, unsubscribe, manual");
    else if ((status = session_open(&session, arguments.config)) == GO_ON)
        status = output_finish(run(&session, import, arguments.operand[0], (enum table_form)form));
    session_close(&session);
    free(import);
    return status;
}
