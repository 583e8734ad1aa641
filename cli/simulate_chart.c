/* SPDX-License-Identifier: BSD-2-Clause */
/* The chart of a simulation: suspended leads and mails in vain, a line for each policy. */
#include "cli/chart.h"
#include "cli/figures.h"
#include "cli/simulate_report.h"

#include <inttypes.h>

enum { PANEL_SUSPENDED, PANEL_VAIN, PANELS };

static const struct chart_panel panels[PANELS] = {
    [PANEL_SUSPENDED] = { .title = "Suspended leads", .unit = 1 },
    [PANEL_VAIN] = { .title = "Mails in vain per day", .unit = 1 },
};

_Static_assert(SIM_POLICIES <= CHART_SERIES, "a line for each policy");

static int64_t value(const void *ctx, size_t panel, size_t policy, int64_t day)
{
    const struct sim_result *result = ctx;
    const struct sim_count *count = &result->by_day[day - 1].of[policy];

    return panel == PANEL_SUSPENDED ? count->suspended : count->vain;
}

static void label(char dst[CHART_LABEL_SIZE], const void *ctx, int64_t day)
{
    (void)ctx;
    snprintf(dst, CHART_LABEL_SIZE, "%" PRId64, day);
}

void simulate_print_svg(FILE *to, const struct sim_plan *plan, const struct sim_result *result)
{
    char names[SIM_POLICIES][POLICY_NAME_SIZE], title[100], heading[200], leads[GROUPED_SIZE];
    struct chart chart = {
        .title = title,
        .heading = heading,
        .panels = panels,
        .n_panels = PANELS,
        .n_series = SIM_POLICIES,
        .axis = "day",
        .days = plan->days,
        .ticks = 17,
        .value = value,
        .label = label,
        .ctx = result,
    };

    snprintf(title, sizeof(title), "leadgate simulate: %s", plan->scenario->name);
    snprintf(heading, sizeof(heading), "Scenario %s: %s leads, %" PRId64 " days", plan->scenario->name,
             figures_grouped(leads, plan->leads), plan->days);
    for (int policy = 0; policy < SIM_POLICIES; policy++)
        chart.series[policy] = simulate_policy_name(names[policy], plan, (enum sim_policy)policy);
    chart_print(to, &chart);
}
