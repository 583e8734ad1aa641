/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/check_report.h"

#include "cli/output.h"
#include "cli/session.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { PROVIDERS_SHOWN = 20 };

static const struct {
    const char *word, *title;
} kinds[FINDINGS] = {
    [FINDING_SYNTAX] = { "syntax", "bad syntax" },
    [FINDING_DUPLICATE] = { "duplicate", "duplicates" },
    [FINDING_OPTED_OUT] = { "opted-out", "opted out" },
    [FINDING_REFUSED] = { "refused", "refused by the recipient" },
    [FINDING_ROLE] = { "role", "role addresses" },
    [FINDING_TYPO] = { "typo", "likely typing errors" },
    [FINDING_HOLD] = { "hold", "domain on hold" },
};

void check_print_header(int format)
{
    if (format == FORMAT_CSV)
        puts("line,address,finding,detail");
}

void check_print_finding(int format, int64_t line, struct span address, enum finding_kind kind,
                         struct span detail)
{
    bool first = true;

    switch (format) {
    case FORMAT_CSV: {
        const struct span fields[] = { address, span_of(kinds[kind].word), detail };

        printf("%" PRId64 ",", line);
        output_csv_row(fields, 3);
        return;
    }
    case FORMAT_JSON:
        putchar('{');
        output_json_int(&first, "line", line);
        output_json_text(&first, "address", address);
        output_json_text(&first, "finding", span_of(kinds[kind].word));
        output_json_text(&first, "detail", detail);
        puts("}");
        return;
    default:
        printf("line %" PRId64 ": ", line);
        output_text(stdout, address);
        printf("%s%s", address.n > 0 ? ": " : "", kinds[kind].word);
        if (detail.n > 0)
            fputs(": ", stdout);
        output_text(stdout, detail);
        putchar('\n');
    }
}

static double percent(int64_t part, int64_t whole)
{
    return whole > 0 ? (double)part * 100 / (double)whole : 0;
}

static bool is_over(int64_t invalid, int64_t recipients, const struct check_limits *limits)
{
    return invalid * 100000 > limits->limit * recipients;
}

/* The worst first, then the largest. */
static int compare(const void *left, const void *right)
{
    const struct domain *a = *(const struct domain *const *)left, *b = *(const struct domain *const *)right;
    double worse = percent(b->invalid, b->recipients) - percent(a->invalid, a->recipients);

    if (worse != 0)
        return worse > 0 ? 1 : -1;
    return (b->recipients > a->recipients) - (b->recipients < a->recipients);
}

/* The domains that are judged, sorted; *n may be 0. NULL: out of memory. */
static const struct domain **judged_domains(const struct domains *domains, const struct check_limits *limits,
                                            size_t *n)
{
    const struct domain **judged = calloc(domains->n + 1, sizeof(const struct domain *));

    *n = 0;
    if (judged == NULL)
        return NULL;
    for (size_t i = 0; i < domains->room; i++)
        if (domains->slots[i].name != NULL && domains->slots[i].recipients >= limits->floor)
            judged[(*n)++] = &domains->slots[i];
    qsort(judged, *n, sizeof(const struct domain *), compare);
    return judged;
}

static void print_text(FILE *to, const struct tally *tally, const struct domain **judged, size_t n,
                       const struct check_limits *limits)
{
    fprintf(to, "%" PRId64 " rows, %" PRId64 " different recipients\n", tally->rows, tally->recipients);
    for (int kind = 0; kind < FINDINGS; kind++)
        fprintf(to, "  %-25s %10" PRId64 "  %6.2f %%\n", kinds[kind].title, tally->found[kind],
                percent(tally->found[kind], tally->rows));
    fprintf(to, "invalid recipients, limit %g %%:\n", (double)limits->limit / 1000);
    fprintf(to, "  %-25s %10" PRId64 "  %6.2f %%%s\n", "whole list", tally->invalid,
            percent(tally->invalid, tally->recipients),
            is_over(tally->invalid, tally->recipients, limits) ? "  over the limit" : "");
    for (size_t i = 0; i < n; i++) {
        bool over = is_over(judged[i]->invalid, judged[i]->recipients, limits);

        if (i >= PROVIDERS_SHOWN && !over)
            break;
        fprintf(to, "  %-25s %10" PRId64 "  %6.2f %% of %" PRId64 "%s\n", judged[i]->name, judged[i]->invalid,
                percent(judged[i]->invalid, judged[i]->recipients), judged[i]->recipients,
                over ? "  over the limit" : "");
    }
}

static void print_json(const struct tally *tally, const struct domain **judged, size_t n, bool fit,
                       const struct check_limits *limits)
{
    bool first = true;

    fputs("{\"summary\":{", stdout);
    output_json_int(&first, "rows", tally->rows);
    output_json_int(&first, "recipients", tally->recipients);
    output_json_int(&first, "invalid", tally->invalid);
    for (int kind = 0; kind < FINDINGS; kind++)
        output_json_int(&first, kinds[kind].word, tally->found[kind]);
    printf(",\"limit\":%g,\"fit\":%s,\"providers\":[", (double)limits->limit / 1000, fit ? "true" : "false");
    for (size_t i = 0; i < n; i++) {
        first = true;
        fputs(i > 0 ? ",{" : "{", stdout);
        output_json_text(&first, "provider", span_of(judged[i]->name));
        output_json_int(&first, "recipients", judged[i]->recipients);
        output_json_int(&first, "invalid", judged[i]->invalid);
        putchar('}');
    }
    puts("]}}");
}

bool check_print_summary(int format, const struct tally *tally, const struct domains *domains,
                         const struct check_limits *limits)
{
    bool fit = !is_over(tally->invalid, tally->recipients, limits);
    size_t n;
    const struct domain **judged = judged_domains(domains, limits, &n);
    FILE *to = format == FORMAT_CSV ? stderr : stdout;

    for (size_t i = 0; judged != NULL && i < n; i++)
        fit = fit && !is_over(judged[i]->invalid, judged[i]->recipients, limits);
    if (format == FORMAT_JSON) {
        print_json(tally, judged, n, fit, limits);
    } else {
        print_text(to, tally, judged, n, limits);
        fputs(fit ? "the list is fit\n" : "the list is not fit\n", to);
    }
    free(judged);
    return fit;
}
