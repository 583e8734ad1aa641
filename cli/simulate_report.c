/* SPDX-License-Identifier: BSD-2-Clause */
/* The tables of a simulation. For people, each policy is one table with a line for each kind of lead, so that
 * a kind can be compared line by line; for programs, each day is one line. */
#include "cli/simulate_report.h"

#include "cli/figures.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* More days than that are shown in steps; the CSV has them all. */
#define DAYS_SHOWN 31

const char *simulate_policy_name(char dst[POLICY_NAME_SIZE], const struct sim_plan *plan,
                                 enum sim_policy policy)
{
    switch (policy) {
    case SIM_LEADGATE: return "Leadgate";
    case SIM_NO_SUPPRESSION: return "no suppression";
    case SIM_OUT:
        snprintf(dst, POLICY_NAME_SIZE, "%" PRId64 " bounce%s and out", plan->out, plan->out == 1 ? "" : "s");
        return dst;
    case SIM_POLICIES: break;
    }
    abort();
}

static void print_number(FILE *to, int width, int64_t number)
{
    char grouped[GROUPED_SIZE];

    fprintf(to, " %*s", width, figures_grouped(grouped, number));
}

static double share_delivered(const struct sim_count *count)
{
    return 100.0 * (double)(count->sent - count->vain) / (double)count->sent;
}

static void print_share(FILE *to, const struct sim_count *count)
{
    if (count->sent == 0)
        fprintf(to, " %9s", "-");
    else
        fprintf(to, " %7.1f %%", share_delivered(count));
}

static void print_line(FILE *to, const char *name, int64_t leads, const struct sim_count *count)
{
    fprintf(to, "  %-20s", name);
    print_number(to, 11, leads);
    fprintf(to, " %9.1f", leads == 0 ? 0.0 : (double)count->sent / (double)leads);
    print_number(to, 13, count->sent);
    print_number(to, 11, count->vain);
    print_number(to, 11, count->saved);
    print_number(to, 11, count->missed);
    print_share(to, count);
    print_number(to, 9, count->lost);
    putc('\n', to);
}

static void print_policy(FILE *to, const struct sim_plan *plan, const struct sim_result *result,
                         enum sim_policy policy)
{
    char name[POLICY_NAME_SIZE];

    fprintf(to, "%-22s %11s %9s %13s %11s %11s %11s %9s %9s\n", simulate_policy_name(name, plan, policy),
            "leads", "per lead", "mails sent", "in vain", "saved", "missed", "delivered", "lost");
    for (size_t kind = 0; kind < plan->scenario->n; kind++)
        print_line(to, plan->scenario->kinds[kind].name, result->leads[kind],
                   &result->by_kind[kind].of[policy]);
    print_line(to, "all", plan->leads, &result->total.of[policy]);
    putc('\n', to);
}

static void print_days(FILE *to, const struct sim_plan *plan, const struct sim_result *result)
{
    int64_t step = (plan->days + DAYS_SHOWN - 1) / DAYS_SHOWN;
    char name[POLICY_NAME_SIZE];

    fprintf(to, "Suspended leads\n  %5s %20s %20s\n", "day", simulate_policy_name(name, plan, SIM_LEADGATE),
            simulate_policy_name(name, plan, SIM_OUT));
    for (int64_t day = 1; day <= plan->days; day += step) {
        fprintf(to, "  %5" PRId64, day);
        print_number(to, 20, result->by_day[day - 1].of[SIM_LEADGATE].suspended);
        print_number(to, 20, result->by_day[day - 1].of[SIM_OUT].suspended);
        putc('\n', to);
    }
    putc('\n', to);
}

static void print_summary(FILE *to, const struct sim_result *result)
{
    const struct sim_count *with = &result->total.of[SIM_LEADGATE];
    const struct sim_count *without = &result->total.of[SIM_NO_SUPPRESSION];
    char with_vain[GROUPED_SIZE], without_vain[GROUPED_SIZE], saved[GROUPED_SIZE];

    fprintf(to, "With Leadgate %s mails are sent in vain instead of %s: %s saved.\n",
            figures_grouped(with_vain, with->vain), figures_grouped(without_vain, without->vain),
            figures_grouped(saved, with->saved));
    if (with->sent > 0)
        fprintf(to, "Of what is sent %.1f %% is delivered instead of %.1f %%.\n", share_delivered(with),
                share_delivered(without));
}

void simulate_print_text(FILE *to, const struct sim_plan *plan, const struct sim_result *result,
                         const char *settings)
{
    char leads[GROUPED_SIZE];

    fprintf(to, "%s: %s leads for %" PRId64 " day%s, a mail ", plan->scenario->name,
            figures_grouped(leads, plan->leads), plan->days, plan->days == 1 ? "" : "s");
    if (plan->every == 1)
        fputs("every day", to);
    else
        fprintf(to, "every %" PRId64 " days", plan->every);
    fprintf(to, "; settings: %s\n\n", settings);
    for (int policy = 0; policy < SIM_POLICIES; policy++)
        print_policy(to, plan, result, (enum sim_policy)policy);
    print_days(to, plan, result);
    print_summary(to, result);
    fputs("\n"
          "in vain: sent, and came back      saved: not sent, and would have come back\n"
          "missed: not sent, and would have arrived\n"
          "lost: leads whose mailbox exists and who are suppressed for good in the end\n",
          to);
}

void simulate_print_csv(FILE *to, const struct sim_plan *plan, const struct sim_result *result)
{
    static const char *const prefixes[SIM_POLICIES] = { "leadgate", "none", "out" };

    fputs("day", to);
    for (int policy = 0; policy < SIM_POLICIES; policy++)
        fprintf(to, ",%s_sent,%s_delivered,%s_vain,%s_saved,%s_missed,%s_suspended", prefixes[policy],
                prefixes[policy], prefixes[policy], prefixes[policy], prefixes[policy], prefixes[policy]);
    putc('\n', to);
    for (int64_t day = 1; day <= plan->days; day++) {
        fprintf(to, "%" PRId64, day);
        for (int policy = 0; policy < SIM_POLICIES; policy++) {
            const struct sim_count *count = &result->by_day[day - 1].of[policy];

            fprintf(to, ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64, count->sent,
                    count->sent - count->vain, count->vain, count->saved, count->missed, count->suspended);
        }
        putc('\n', to);
    }
}
