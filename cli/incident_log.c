/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/incident_log.h"

#include "cli/output.h"
#include "cli/session.h"

#include <stdio.h>

/* The fields of an entry, in the order in which they are printed. The first three are columns of their own
 * in text. */
static const char *const names[] = { "at",     "provider",   "action",     "stream",  "sign",
                                     "since",  "percent",    "until",      "leads",   "tries",
                                     "faults", "known",      "known-dead", "invalid", "bounces",
                                     "let-in", "left-alone", "why",        "by" };

#define NAMES (sizeof(names) / sizeof(names[0]))

enum { COLUMNS_IN_TEXT = 3 };

static struct span find(const struct log_field *fields, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (span_eq(fields[i].name, span_of(name)))
            return fields[i].value;
    return SPAN_NONE;
}

void incident_log_csv_header(void)
{
    for (size_t i = 0; i < NAMES; i++)
        printf("%s%s", i > 0 ? "," : "", names[i]);
    putchar('\n');
}

static void print_text(const struct log_field *fields, size_t n)
{
    for (size_t i = 0; i < NAMES; i++) {
        struct span value = find(fields, n, names[i]);

        if (i < COLUMNS_IN_TEXT) {
            output_text(stdout, value.n > 0 ? value : SPAN("-"));
            putchar('\t');
        } else if (value.n > 0) {
            printf("%s=", names[i]);
            output_text(stdout, value);
            putchar(' ');
        }
    }
    putchar('\n');
}

static void print_csv(const struct log_field *fields, size_t n)
{
    struct span row[NAMES];

    for (size_t i = 0; i < NAMES; i++)
        row[i] = find(fields, n, names[i]);
    output_csv_row(row, NAMES);
}

static void print_json(const struct log_field *fields, size_t n)
{
    bool first = true;
    int64_t number;

    putchar('{');
    for (size_t i = 0; i < NAMES; i++) {
        struct span value = find(fields, n, names[i]);

        if (span_int64(value, &number))
            output_json_int(&first, names[i], number);
        else
            output_json_text(&first, names[i], value);
    }
    puts("}");
}

void incident_log_print(void *ctx, const struct log_field *fields, size_t n)
{
    const int *format = ctx;

    switch (*format) {
    case FORMAT_CSV: print_csv(fields, n); break;
    case FORMAT_JSON: print_json(fields, n); break;
    default: print_text(fields, n);
    }
}
