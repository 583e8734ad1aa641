/* SPDX-License-Identifier: BSD-2-Clause */
/* leadgate stats: how many leads stand where, counted in one walk, and what the programs counted. A lead that
 * refused several streams counts with each one's cause, and once in the sum. The counters are printed as they
 * are found: an operator may have written some, too. */
#include "cli/command.h"
#include "cli/output.h"
#include "cli/walk.h"

#include <inttypes.h>
#include <stdio.h>
#include <sysexits.h>

/* Rows of the answer; a whitelisting has no cause and stands in the first column. */
enum { KIND_TEMPORARY, KIND_PERMANENT, KIND_REFUSED, KIND_ALLOWED, KINDS };

static const char *const kind_names[KINDS] = { "temporary", "permanent", "refused", "allowed" };

struct counts {
    int64_t by_cause[KINDS][CAUSES];
    int64_t total[KINDS];
    uint64_t keys, journal;
};

static bool count(void *ctx, const struct standing *standing)
{
    struct counts *counts = ctx;
    int kind = KIND_ALLOWED;

    switch (standing->kind) {
    case STANDING_OPTOUT:
        kind = standing->optout.kind == OPTOUT_TEMPORARY ? KIND_TEMPORARY : KIND_PERMANENT;
        break;
    case STANDING_REFUSED: kind = KIND_REFUSED; break;
    case STANDING_ALLOWED: break;
    }
    counts->total[kind] += !standing->again;
    if (kind != KIND_ALLOWED)
        counts->by_cause[kind][standing->optout.cause]++;
    return true;
}

static void print_row(int format, const char *kind, const char *cause, int64_t n)
{
    bool first = true;

    switch (format) {
    case FORMAT_CSV: printf("%s,%s,%" PRId64 "\n", kind, cause, n); return;
    case FORMAT_JSON:
        putchar('{');
        output_json_text(&first, "kind", span_of(kind));
        output_json_text(&first, "cause", span_of(cause));
        output_json_int(&first, "count", n);
        puts("}");
        return;
    default: printf("%-10s %-21s %12" PRId64 "\n", kind, cause, n);
    }
}

static void print_counts(int format, const struct counts *counts)
{
    if (format == FORMAT_CSV)
        puts("kind,cause,count");
    for (int kind = 0; kind < KINDS; kind++) {
        for (int cause = 0; cause < CAUSES; cause++)
            if (counts->by_cause[kind][cause] > 0)
                print_row(format, kind_names[kind], cause_name((enum cause)cause),
                          counts->by_cause[kind][cause]);
        print_row(format, kind_names[kind], "", counts->total[kind]);
    }
    print_row(format, "journal", "", (int64_t)counts->journal);
    print_row(format, "keys", "", (int64_t)counts->keys);
}

/* A counter's name is its group, a dot and the rest. */
static struct span group_of(struct span *name)
{
    return span_cut(name, '.');
}

static void print_padded(struct span text, size_t width)
{
    output_text(stdout, text);
    for (size_t n = text.n; n <= width; n++)
        putchar(' ');
}

/* An empty line before each group, and all figures in one column. */
static void print_counters_as_text(const struct log_field *fields, size_t n)
{
    size_t group_width = 10, width = 21; /* the columns above */
    struct span before = SPAN_NONE;

    for (size_t i = 0; i < n; i++) {
        struct span name = fields[i].name, group = group_of(&name);

        group_width = group.n > group_width ? group.n : group_width;
        width = name.n > width ? name.n : width;
    }
    for (size_t i = 0; i < n; i++) {
        struct span name = fields[i].name, group = group_of(&name);

        if (i == 0 || !span_eq(group, before))
            putchar('\n');
        print_padded(group, group_width);
        print_padded(name, width);
        for (size_t pad = fields[i].value.n; pad < 12; pad++)
            putchar(' ');
        output_text(stdout, fields[i].value);
        putchar('\n');
        before = group;
    }
}

static void print_counter_as_json(const struct log_field *field)
{
    bool first = true;
    int64_t value;

    putchar('{');
    output_json_text(&first, "kind", SPAN("counter"));
    output_json_text(&first, "name", field->name);
    if (span_int64(field->value, &value))
        output_json_int(&first, "count", value);
    else
        output_json_text(&first, "value", field->value);
    puts("}");
}

/* An admin_counters_fn; ctx is the format. */
static void print_counters(void *ctx, const struct log_field *fields, size_t n)
{
    const int *format = ctx;

    if (*format == FORMAT_TEXT) {
        print_counters_as_text(fields, n);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        const struct span row[] = { SPAN("counter"), fields[i].name, fields[i].value };

        if (*format == FORMAT_CSV)
            output_csv_row(row, 3);
        else
            print_counter_as_json(&fields[i]);
    }
}

static int stats_of_counters(struct session *session, int format)
{
    struct err err;
    bool odd;

    if (admin_read_counters(session->admin, print_counters, &format, &odd, &err) == STORE_DOWN)
        return session_fail(&err);
    if (odd)
        fputs("leadgate: leadgate:counters is no hash: rename or delete it, and the programs count again\n",
              stderr);
    return EX_OK;
}

static int stats(struct session *session, int format)
{
    struct counts counts = { .keys = 0 };
    struct err err;
    int status;

    if (admin_count(session->admin, &counts.keys, &counts.journal, &err) == STORE_DOWN)
        return session_fail(&err);
    status = walk(session, STANDING_OPTOUT | STANDING_REFUSED | STANDING_ALLOWED, false, count, &counts);
    if (status != EX_OK)
        return status;
    print_counts(format, &counts);
    return stats_of_counters(session, format);
}

int command_stats(int argc, char **argv)
{
    static const char usage[] = "usage: leadgate stats [-c FILE] [--format text|csv|json]\n"
                                "\n"
                                "Counts opt-outs, refusals and whitelistings by kind and cause, entries of "
                                "the journal and keys, and\n"
                                "prints what the programs have counted (leadgate:counters).\n"
                                "\n"
                                "Exit status: 0; 64, 75 (Redis is away), 78 (settings).\n";
    const char *format = NULL;
    const struct cli_option options[] = { { "format", &format, NULL } };
    struct cli_arguments arguments;
    struct session session;
    int status = cli_read_arguments(usage, options, 1, argc, argv, &arguments), index;

    if (status != GO_ON)
        return status;
    if (arguments.n != 0)
        return cli_fail_usage(usage, NULL);
    if ((index = cli_read_format(format, cli_formats)) < 0)
        return EX_USAGE;
    if ((status = session_open(&session, arguments.config)) == GO_ON)
        status = output_finish(stats(&session, index));
    session_close(&session);
    return status;
}
