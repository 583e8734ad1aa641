/* SPDX-License-Identifier: BSD-2-Clause */
/* Tables for people: the mails as they were sent, beside what would have been sent. The words are those of
 * leadgate simulate. */
#include "cli/replay_report.h"

#include "cli/figures.h"
#include "cli/output.h"
#include "cli/replay_tables.h"
#include "leadgate/logline.h"

struct replay_sent replay_sent(const struct rehearsal_count *count, int way)
{
    if (way == AS_IT_WAS)
        return (struct replay_sent){ count->mails, count->failed, count->invalid };
    return (struct replay_sent){ count->mails - count->saved - count->missed, count->failed - count->saved,
                                 count->invalid - count->saved_invalid };
}

static struct replay_sent total_of(const struct replay_report *report, int way)
{
    return replay_sent(&report->way[way < 0 ? 0 : way].result.count, way);
}

/* --- cells --- */

void replay_print_number(FILE *to, int width, int64_t number)
{
    char grouped[GROUPED_SIZE];

    fprintf(to, " %*s", width, figures_grouped(grouped, number));
}

static void print_percent(FILE *to, int width, int64_t part, int64_t whole)
{
    if (whole == 0)
        fprintf(to, " %*s", width, "-");
    else
        fprintf(to, " %*.2f %%", width - 2, 100.0 * (double)part / (double)whole);
}

const char *replay_way_name(int way)
{
    return way == AS_IT_WAS ? "as it was" : way == 0 ? "Leadgate" : "compared";
}

/* A title, and above its columns the ways. */
static void print_head(FILE *to, const struct replay_report *report, const char *title)
{
    fprintf(to, "\n%-32s", title);
    for (int way = AS_IT_WAS; way < (int)report->n; way++)
        fprintf(to, " %13s", replay_way_name(way));
    putc('\n', to);
}

/* value: negative = there is none. */
static void print_row(FILE *to, const struct replay_report *report, const char *name,
                      int64_t (*value)(const struct replay_report *report, int way))
{
    fprintf(to, "  %-30s", name);
    for (int way = AS_IT_WAS; way < (int)report->n; way++) {
        int64_t number = value(report, way);

        if (number < 0)
            fprintf(to, " %13s", "-");
        else
            replay_print_number(to, 13, number);
    }
    putc('\n', to);
}

/* --- what was read --- */

/* `1 mail`, `2,000 mails`. */
static void print_some(FILE *to, int64_t number, const char *noun)
{
    char grouped[GROUPED_SIZE];

    fprintf(to, "%s %s%s", figures_grouped(grouped, number), noun, number == 1 ? "" : "s");
}

static void print_reading(FILE *to, const struct replay_report *report)
{
    const struct rehearsal_result *result = &report->way[0].result;
    char from[TIME_TEXT_SIZE], until[TIME_TEXT_SIZE], number[GROUPED_SIZE];

    print_some(to, report->lines, "line");
    if (report->files > 1)
        fprintf(to, " of %s files", figures_grouped(number, report->files));
    if (report->foreign > 0)
        fprintf(to, ", %s of them not Postfix's", figures_grouped(number, report->foreign));
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
    print_some(to, result->count.mails, "mail");
    fputs(" to ", to);
    print_some(to, result->leads, "lead");
    putc('\n', to);
}

static void print_note(FILE *to, int64_t number, const char *noun, const char *what)
{
    if (number == 0)
        return;
    print_some(to, number, noun);
    fprintf(to, "%s\n", what);
}

static void print_notes(FILE *to, const struct replay_report *report)
{
    print_note(to, report->way[0].result.waiting, "mail", " still in the queue at the end: not counted");
    print_note(to, report->passed, "delivery line",
               " passed over: local, internal, to a bounce address, or our own refusals");
    print_note(to, report->left_out, "delivery line", " left out: not of that time");
    print_note(to, report->disordered, "delivery line", " behind later ones: taken at their own time");
    print_note(to, report->forgotten, "message", " forgotten too early: raise feed.log_messages");
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
    return way == AS_IT_WAS ? -1 : report->way[way].result.count.saved;
}

static int64_t missed(const struct replay_report *report, int way)
{
    return way == AS_IT_WAS ? -1 : report->way[way].result.count.missed;
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
        replay_print_number(to, 13, failed);
        for (size_t way = 0; way < report->n; way++)
            replay_print_number(to, 13, failed - report->way[way].result.of[cause].saved);
        putc('\n', to);
    }
}

/* --- the leads --- */

/* Column titles of two numbers for each way, below the names of the ways where there are two. */
void replay_print_head(FILE *to, const struct replay_report *report, const char *title,
                       const char *const names[], size_t n)
{
    fprintf(to, "\n%-32s", title);
    if (report->n > 1) {
        for (size_t way = 0; way < report->n; way++)
            fprintf(to, " %*s", (int)n * 11 - 1, replay_way_name((int)way));
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
        replay_print_number(to, 10, of[way]->leads);
        replay_print_number(to, 10, of[way]->ended);
        replay_print_number(to, 10, of[way]->optouts);
    }
    putc('\n', to);
}

static void print_optouts(FILE *to, const struct replay_report *report)
{
    const struct rehearsal_cause *of[REPLAY_WAYS];
    int64_t sum = 0;

    replay_print_head(to, report, "Leads opted out", out_names, 3);
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

        replay_print_number(to, 10, result->suspended_last + result->ended_last);
        replay_print_number(to, 10, result->ended_last);
        if (way + 1 < report->n)
            fprintf(to, " %10s", "");
    }
    putc('\n', to);
}

static void print_price(FILE *to, const struct replay_report *report)
{
    static const char *const names[] = { "leads", "for good", "mails" };
    const struct rehearsal_cause *of;

    replay_print_head(to, report, "The price: mails missed", names, 3);
    for (int cause = 0; cause <= CAUSES; cause++) {
        int64_t sum = 0;

        for (size_t way = 0; way < report->n; way++)
            sum += report->way[way].result.of[cause % CAUSES].missed;
        if (cause < CAUSES && sum == 0)
            continue;
        fprintf(to, "  %-30s", cause < CAUSES ? cause_name((enum cause)cause) : "all");
        for (size_t way = 0; way < report->n; way++) {
            of = cause < CAUSES ? &report->way[way].result.of[cause] : &report->way[way].result.all;
            replay_print_number(to, 10, of->missed_leads);
            replay_print_number(to, 10, of->missed_ended);
            replay_print_number(to, 10, of->missed);
        }
        putc('\n', to);
    }
}

/* --- in one sentence --- */

static void print_summary(FILE *to, const struct replay_report *report)
{
    putc('\n', to);
    for (size_t way = 0; way < report->n; way++) {
        const struct rehearsal_result *result = &report->way[way].result;
        char number[GROUPED_SIZE];

        fputs(way == 0 ? "With Leadgate " : "With the compared settings ", to);
        print_some(to, vain(report, (int)way), "mail");
        fprintf(to, " in vain instead of %s; missed: ", figures_grouped(number, vain(report, AS_IT_WAS)));
        print_some(to, result->all.missed, "good mail");
        fputs(" to ", to);
        print_some(to, result->all.missed_leads, "lead");
        fputs(".\n", to);
    }
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
    replay_print_providers(to, report);
    print_summary(to, report);
    fputs("\n"
          "in vain: sent, and bounced or expired     saved: not sent, and would have come back\n"
          "missed: not sent, although it arrived     for good: opted out without an end\n"
          "!  5 % or more invalid recipients, !!  8 % or more: near 10 % providers turn against a sender\n",
          to);
}
