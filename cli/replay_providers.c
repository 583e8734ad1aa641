/* SPDX-License-Identifier: BSD-2-Clause */
/* The tables of a rehearsal that have a line for each provider. Of many providers the largest, or the worst,
 * are shown; the CSV has them all. */
#include "cli/output.h"
#include "cli/replay_tables.h"
#include "leadgate/logline.h"

#include <stdlib.h>

#define DAY             (INT64_C(24) * 60 * 60)
#define PROVIDERS_SHOWN 10
#define DAY_FLOOR       200 /* mails; a day with fewer is not judged: the guard's floor */

/* In hundredths of a percent: where the guard warns, and where it stops (design: "Guard"). */
#define GUARD_WARN  500
#define GUARD_LIMIT 800

/* A provider with the sums and the days that are shown of her. */
struct line {
    size_t at; /* in providers[] */
    int64_t mails, out;
    const struct rehearsal_day
        *worst[1 + REPLAY_WAYS]; /* as it was, then each way; NULL = no day is judged */
};

static struct replay_sent day_of(const struct rehearsal_day *day, int way)
{
    return replay_sent(&day->count, way);
}

/* Whether day a is worse than b; days with too few mails are none. */
static bool is_worse(const struct rehearsal_day *a, const struct rehearsal_day *b, int way)
{
    struct replay_sent left = day_of(a, way), right;

    if (left.mails < DAY_FLOOR || b == NULL)
        return left.mails >= DAY_FLOOR;
    right = day_of(b, way);
    return (double)left.invalid * (double)right.mails > (double)right.invalid * (double)left.mails;
}

static void fill_line(struct line *line, const struct replay_report *report, size_t at)
{
    const struct rehearsal_provider *first = &report->way[0].providers[at];

    *line = (struct line){ .at = at };
    for (size_t day = 0; day < first->n; day++) {
        line->mails += first->days[day].count.mails;
        for (int way = AS_IT_WAS; way < (int)report->n; way++) {
            const struct rehearsal_day *candidate = &report->way[way < 0 ? 0 : way].providers[at].days[day];

            if (is_worse(candidate, line->worst[way + 1], way))
                line->worst[way + 1] = candidate;
        }
    }
    for (size_t way = 0; way < report->n; way++)
        line->out += report->way[way].providers[at].leads;
}

/* The largest first. */
static int compare_mails(const void *left, const void *right)
{
    const struct line *a = left, *b = right;

    return (b->mails > a->mails) - (b->mails < a->mails);
}

/* The worst day as it was first; without one, the largest. */
static int compare_worst(const void *left, const void *right)
{
    const struct line *a = left, *b = right;
    const struct rehearsal_day *x = a->worst[0], *y = b->worst[0];

    if (x == NULL || y == NULL)
        return (x == NULL) - (y == NULL);
    if (is_worse(x, y, AS_IT_WAS) != is_worse(y, x, AS_IT_WAS))
        return is_worse(x, y, AS_IT_WAS) ? -1 : 1;
    return compare_mails(left, right);
}

static void print_provider_name(FILE *to, const char *name)
{
    char shown[31];

    span_excerpt(shown, sizeof(shown), name[0] != '\0' ? span_of(name) : SPAN("(no host reached)"));
    fputs("  ", to);
    output_text(to, span_of(shown));
    fprintf(to, "%*s", 30 - (int)span_of(shown).n, "");
}

static void print_provider_optouts(FILE *to, const struct replay_report *report, struct line *lines, size_t n)
{
    static const char *const names[] = { "leads", "for good" };

    qsort(lines, n, sizeof(*lines), compare_mails);
    replay_print_head(to, report, "Leads opted out, by provider", names, 2);
    for (size_t i = 0; i < n && i < PROVIDERS_SHOWN; i++) {
        print_provider_name(to, report->way[0].providers[lines[i].at].name);
        for (size_t way = 0; way < report->n; way++) {
            replay_print_number(to, 10, report->way[way].providers[lines[i].at].leads);
            replay_print_number(to, 10, report->way[way].providers[lines[i].at].ended);
        }
        putc('\n', to);
    }
    if (n > PROVIDERS_SHOWN)
        fprintf(to, "  (the %d largest of %zu)\n", PROVIDERS_SHOWN, n);
}

static const char *guard_mark(struct replay_sent sent)
{
    if (sent.invalid * 10000 >= GUARD_LIMIT * sent.mails)
        return "!!";
    return sent.invalid * 10000 >= GUARD_WARN * sent.mails ? "!" : "";
}

static void print_worst(FILE *to, const struct rehearsal_day *day, int way)
{
    char text[TIME_TEXT_SIZE];
    struct replay_sent sent;

    if (day == NULL) {
        fprintf(to, " %21s", "-");
        return;
    }
    sent = day_of(day, way);
    fprintf(to, " %2s %.10s %5.2f %%", guard_mark(sent), time_text(text, day->day * DAY),
            100.0 * (double)sent.invalid / (double)sent.mails);
}

static void print_worst_days(FILE *to, const struct replay_report *report, struct line *lines, size_t n)
{
    size_t judged = 0;

    qsort(lines, n, sizeof(*lines), compare_worst);
    while (judged < n && lines[judged].worst[0] != NULL)
        judged++;
    fprintf(to, "\n%-32s", "Invalid recipients, worst day");
    for (int way = AS_IT_WAS; way < (int)report->n; way++)
        fprintf(to, " %21s", replay_way_name(way));
    putc('\n', to);
    for (size_t i = 0; i < judged && i < PROVIDERS_SHOWN; i++) {
        print_provider_name(to, report->way[0].providers[lines[i].at].name);
        for (int way = AS_IT_WAS; way < (int)report->n; way++)
            print_worst(to, lines[i].worst[way + 1], way);
        putc('\n', to);
    }
    if (judged == 0)
        fprintf(to, "  (no provider got %d mails on one day)\n", DAY_FLOOR);
    else if (judged > PROVIDERS_SHOWN)
        fprintf(to, "  (the %d worst of %zu that got %d mails on one day)\n", PROVIDERS_SHOWN, judged,
                DAY_FLOOR);
}

void replay_print_providers(FILE *to, const struct replay_report *report)
{
    size_t all = report->way[0].n_providers, n = 0;
    struct line *lines = calloc(all + 1, sizeof(*lines));

    if (lines == NULL)
        return;
    for (size_t at = 0; at < all; at++) {
        fill_line(&lines[n], report, at);
        n += lines[n].mails > 0;
    }
    print_provider_optouts(to, report, lines, n);
    print_worst_days(to, report, lines, n);
    free(lines);
}
