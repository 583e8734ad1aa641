/* SPDX-License-Identifier: BSD-2-Clause */
/* Tables for people: the mails as they were sent, beside what would have been sent. The words are those of
 * leadgate simulate. */
#include "cli/replay_report.h"

#include "cli/figures.h"
#include "cli/output.h"
#include "leadgate/logline.h"

#include <stdlib.h>

#define DAY             (INT64_C(24) * 60 * 60)
#define PROVIDERS_SHOWN 10
#define DAY_FLOOR       200 /* mails; a day with fewer is not judged: the guard's floor */

/* In hundredths of a percent, as the guard has them. */
#define GUARD_WARN  500
#define GUARD_LIMIT 800

/* --- mails, as they were and as they would have been --- */

enum { AS_IT_WAS = -1 };

/* What is left of the counts with a way; with AS_IT_WAS all of them. */
struct sent {
    int64_t mails, vain, invalid;
};

static struct sent sent_of(const struct rehearsal_count *count, int way)
{
    if (way == AS_IT_WAS)
        return (struct sent){ count->mails, count->failed, count->invalid };
    return (struct sent){ count->mails - count->saved - count->missed, count->failed - count->saved,
                          count->invalid - count->saved_invalid };
}

static struct sent total_of(const struct replay_report *report, int way)
{
    return sent_of(&report->way[way < 0 ? 0 : way].result.count, way);
}

/* --- cells --- */

static void print_number(FILE *to, int width, int64_t number)
{
    char grouped[GROUPED_SIZE];

    fprintf(to, " %*s", width, figures_grouped(grouped, number));
}

static double percent(int64_t part, int64_t whole)
{
    return 100.0 * (double)part / (double)whole;
}

static void print_percent(FILE *to, int width, int64_t part, int64_t whole)
{
    if (whole == 0)
        fprintf(to, " %*s", width, "-");
    else
        fprintf(to, " %*.2f %%", width - 2, percent(part, whole));
}

static const char *way_name(int way)
{
    return way == AS_IT_WAS ? "as it was" : way == 0 ? "Leadgate" : "compared";
}

/* A title, and above its columns the ways. */
static void print_head(FILE *to, const struct replay_report *report, const char *title)
{
    fprintf(to, "\n%-32s", title);
    for (int way = AS_IT_WAS; way < (int)report->n; way++)
        fprintf(to, " %13s", way_name(way));
    putc('\n', to);
}

static void print_row(FILE *to, const struct replay_report *report, const char *name,
                      int64_t (*value)(const struct replay_report *report, int way))
{
    fprintf(to, "  %-30s", name);
    for (int way = AS_IT_WAS; way < (int)report->n; way++)
        print_number(to, 13, value(report, way));
    putc('\n', to);
}

/* --- what was read --- */

static void print_line_about(FILE *to, int64_t number, const char *what)
{
    char grouped[GROUPED_SIZE];

    if (number > 0)
        fprintf(to, "%s %s\n", figures_grouped(grouped, number), what);
}

static void print_reading(FILE *to, const struct replay_report *report)
{
    const struct rehearsal_result *result = &report->way[0].result;
    char from[TIME_TEXT_SIZE], until[TIME_TEXT_SIZE], number[GROUPED_SIZE];

    fprintf(to, "%s line%s", figures_grouped(number, report->lines), report->lines == 1 ? "" : "s");
    if (report->files > 1)
        fprintf(to, " of %s files", figures_grouped(number, report->files));
    if (report->foreign > 0)
        fprintf(to, ", of which %s are not Postfix's", figures_grouped(number, report->foreign));
    fputs("; settings: ", to);
    output_text(to, span_of(report->way[0].settings));
    if (report->n > 1) {
        fputs("; compared: ", to);
        output_text(to, span_of(report->way[1].settings));
    }
    putc('\n', to);
    if (result->first == 0) {
        fputs("No delivery in it.\n", to);
        return;
    }
    fprintf(to, "%s to %s: ", time_text(from, result->first), time_text(until, result->last));
    fprintf(to, "%s mails", figures_grouped(number, result->count.mails));
    fprintf(to, " to %s leads\n", figures_grouped(number, result->leads));
}

static void print_notes(FILE *to, const struct replay_report *report)
{
    const struct rehearsal_result *result = &report->way[0].result;

    print_line_about(to, result->waiting, "mails were still in the queue: not counted");
    print_line_about(to, report->left_out, "deliveries are not of that time: left out");
    print_line_about(to, report->disordered,
                     "deliveries stand behind later ones: each counts at its own time");
    print_line_about(to, report->forgotten,
                     "messages were forgotten too early: feed.log_messages should be higher");
}

/* --- the mails --- */

static int64_t mails(const struct replay_report *report, int way)
{
    return total_of(report, way).mails;
}

static int64_t delivered(const struct replay_report *report, int way)
{
    return total_of(report, way).mails - total_of(report, way).vain;
}

static int64_t vain(const struct replay_report *report, int way)
{
    return total_of(report, way).vain;
}

static int64_t saved(const struct replay_report *report, int way)
{
    return way == AS_IT_WAS ? 0 : report->way[way].result.count.saved;
}

static int64_t missed(const struct replay_report *report, int way)
{
    return way == AS_IT_WAS ? 0 : report->way[way].result.count.missed;
}

static void print_shares(FILE *to, const struct replay_report *report)
{
    fprintf(to, "  %-30s", "share delivered");
    for (int way = AS_IT_WAS; way < (int)report->n; way++)
        print_percent(to, 13, delivered(report, way), mails(report, way));
    fprintf(to, "\n  %-30s", "share of invalid recipients");
    for (int way = AS_IT_WAS; way < (int)report->n; way++)
        print_percent(to, 13, total_of(report, way).invalid, mails(report, way));
    putc('\n', to);
}

static void print_mails(FILE *to, const struct replay_report *report)
{
    print_head(to, report, "Mails");
    print_row(to, report, "sent", mails);
    print_row(to, report, "delivered", delivered);
    print_row(to, report, "in vain", vain);
    print_row(to, report, "saved", saved);
    print_row(to, report, "missed", missed);
    print_shares(to, report);
}

static void print_causes(FILE *to, const struct replay_report *report)
{
    if (report->way[0].result.count.failed == 0)
        return;
    print_head(to, report, "In vain, by cause");
    for (int cause = 0; cause < CAUSES; cause++) {
        int64_t failed = report->way[0].result.of[cause].failed;

        if (failed == 0)
            continue;
        fprintf(to, "  %-30s", cause_name((enum cause)cause));
        print_number(to, 13, failed);
        for (size_t way = 0; way < report->n; way++)
            print_number(to, 13, failed - report->way[way].result.of[cause].saved);
        putc('\n', to);
    }
}

/* --- the leads --- */

/* Column titles of two numbers for each way, below the names of the ways where there are two. */
static void print_pair_head(FILE *to, const struct replay_report *report, const char *title,
                            const char *const names[], size_t n)
{
    fprintf(to, "\n%-32s", title);
    if (report->n > 1) {
        for (size_t way = 0; way < report->n; way++)
            fprintf(to, " %*s", (int)n * 11 - 1, way_name((int)way));
        fprintf(to, "\n%-32s", "");
    }
    for (size_t way = 0; way < report->n; way++)
        for (size_t i = 0; i < n; i++)
            fprintf(to, " %10s", names[i]);
    putc('\n', to);
}

static const char *const out_names[] = { "leads", "for good", "times" };

static void print_out(FILE *to, const struct replay_report *report, const char *name,
                      const struct rehearsal_cause *const of[])
{
    fprintf(to, "  %-30s", name);
    for (size_t way = 0; way < report->n; way++) {
        print_number(to, 10, of[way]->leads);
        print_number(to, 10, of[way]->ended);
        print_number(to, 10, of[way]->optouts);
    }
    putc('\n', to);
}

static void print_optouts(FILE *to, const struct replay_report *report)
{
    const struct rehearsal_cause *of[REPLAY_WAYS];
    int64_t sum = 0;

    print_pair_head(to, report, "Leads opted out", out_names, 3);
    for (int cause = 0; cause < CAUSES; cause++) {
        int64_t optouts = 0;

        for (size_t way = 0; way < report->n; way++) {
            of[way] = &report->way[way].result.of[cause];
            optouts += of[way]->optouts;
        }
        sum += optouts;
        if (optouts > 0)
            print_out(to, report, cause_name((enum cause)cause), of);
    }
    for (size_t way = 0; way < report->n; way++)
        of[way] = &report->way[way].result.all;
    print_out(to, report, "all", of);
    if (sum == 0)
        return;
    fprintf(to, "  %-30s", "still at the end");
    for (size_t way = 0; way < report->n; way++) {
        const struct rehearsal_result *result = &report->way[way].result;

        print_number(to, 10, result->suspended_last + result->ended_last);
        print_number(to, 10, result->ended_last);
        fprintf(to, " %10s", "");
    }
    putc('\n', to);
}

static void print_price(FILE *to, const struct replay_report *report)
{
    static const char *const names[] = { "leads", "for good", "mails" };
    const struct rehearsal_cause *of;

    print_pair_head(to, report, "The price: missed by leads out for", names, 3);
    for (int cause = 0; cause <= CAUSES; cause++) {
        int64_t sum = 0;

        for (size_t way = 0; way < report->n; way++)
            sum += report->way[way].result.of[cause % CAUSES].missed;
        if (cause < CAUSES && sum == 0)
            continue;
        fprintf(to, "  %-30s", cause < CAUSES ? cause_name((enum cause)cause) : "all");
        for (size_t way = 0; way < report->n; way++) {
            of = cause < CAUSES ? &report->way[way].result.of[cause] : &report->way[way].result.all;
            print_number(to, 10, of->missed_leads);
            print_number(to, 10, of->missed_ended);
            print_number(to, 10, of->missed);
        }
        putc('\n', to);
    }
}

/* --- the providers --- */

/* A provider with the sums and the days that are shown of her. */
struct line {
    size_t at; /* in providers[] */
    int64_t mails, out;
    const struct rehearsal_day
        *worst[1 + REPLAY_WAYS]; /* as it was, then each way; NULL = no day is judged */
};

static struct sent day_of(const struct rehearsal_day *day, int way)
{
    return sent_of(&day->count, way);
}

/* Whether day a is worse than b; days with too few mails are none. */
static bool is_worse(const struct rehearsal_day *a, const struct rehearsal_day *b, int way)
{
    struct sent left = day_of(a, way), right;

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
    print_pair_head(to, report, "Leads opted out, by provider", names, 2);
    for (size_t i = 0; i < n && i < PROVIDERS_SHOWN; i++) {
        print_provider_name(to, report->way[0].providers[lines[i].at].name);
        for (size_t way = 0; way < report->n; way++) {
            print_number(to, 10, report->way[way].providers[lines[i].at].leads);
            print_number(to, 10, report->way[way].providers[lines[i].at].ended);
        }
        putc('\n', to);
    }
    if (n > PROVIDERS_SHOWN)
        fprintf(to, "  (the %d largest of %zu)\n", PROVIDERS_SHOWN, n);
}

static const char *guard_mark(struct sent sent)
{
    if (sent.invalid * 10000 >= GUARD_LIMIT * sent.mails)
        return "!!";
    return sent.invalid * 10000 >= GUARD_WARN * sent.mails ? "! " : "  ";
}

static void print_worst(FILE *to, const struct rehearsal_day *day, int way)
{
    char text[TIME_TEXT_SIZE];
    struct sent sent;

    if (day == NULL) {
        fprintf(to, " %24s", "-");
        return;
    }
    sent = day_of(day, way);
    fprintf(to, "  %.10s %7.2f %% %s", time_text(text, day->day * DAY), percent(sent.invalid, sent.mails),
            guard_mark(sent));
}

static void print_worst_days(FILE *to, const struct replay_report *report, struct line *lines, size_t n)
{
    size_t judged = 0;

    qsort(lines, n, sizeof(*lines), compare_worst);
    while (judged < n && lines[judged].worst[0] != NULL)
        judged++;
    fprintf(to, "\n%-32s", "Invalid recipients, worst day of");
    for (int way = AS_IT_WAS; way < (int)report->n; way++)
        fprintf(to, " %21s   ", way_name(way));
    putc('\n', to);
    for (size_t i = 0; i < judged && i < PROVIDERS_SHOWN; i++) {
        print_provider_name(to, report->way[0].providers[lines[i].at].name);
        for (int way = AS_IT_WAS; way < (int)report->n; way++)
            print_worst(to, lines[i].worst[way + 1], way);
        putc('\n', to);
    }
    if (judged == 0)
        fprintf(to, "  (no provider got %d mails on a day)\n", DAY_FLOOR);
    else if (judged > PROVIDERS_SHOWN)
        fprintf(to, "  (the %d worst of %zu that got %d mails on a day)\n", PROVIDERS_SHOWN, judged,
                DAY_FLOOR);
}

static void print_providers(FILE *to, const struct replay_report *report)
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

void replay_print_text(FILE *to, const struct replay_report *report)
{
    print_reading(to, report);
    print_notes(to, report);
    if (report->way[0].result.first == 0)
        return;
    print_mails(to, report);
    print_causes(to, report);
    print_optouts(to, report);
    print_price(to, report);
    print_providers(to, report);
    fputs("\n"
          "in vain: sent, and bounced or expired     saved: not sent, and would have come back\n"
          "missed: not sent, although it arrived     for good: opted out without an end\n"
          "!  5 % or more invalid recipients, !!  8 % or more: near 10 % providers turn against a sender\n",
          to);
}
