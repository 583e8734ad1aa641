/* SPDX-License-Identifier: BSD-2-Clause */
/* The chart of a rehearsal: mails in vain and the share of invalid recipients, as it was and as it would have
 * been. */
#include "cli/chart.h"
#include "cli/figures.h"
#include "cli/replay_report.h"
#include "leadgate/logline.h"

#include <stdlib.h>
#include <string.h>

#define DAY       (INT64_C(24) * 60 * 60)
#define DAYS_MOST 3660 /* a log with a wrong clock in it has days all over the calendar: the last ones */

enum { PANEL_VAIN, PANEL_INVALID, PANELS };
enum { SERIES_LEADGATE, SERIES_AS_IT_WAS, SERIES_COMPARED };

static const struct chart_panel panels[PANELS] = {
    [PANEL_VAIN] = { .title = "Mails in vain per day", .unit = 1 },
    [PANEL_INVALID] = { .title = "Invalid recipients per day, in % of the mails sent",
                        .unit = 100,
                        .mark = 1000,
                        .mark_name = "10 %: providers turn against the sender" },
};

/* All providers of a day together. */
struct days {
    int64_t first, n;
    struct rehearsal_count *of[REPLAY_WAYS];
};

static void find_span(const struct replay_report *report, struct days *days)
{
    int64_t first = INT64_MAX, last = INT64_MIN;

    for (size_t i = 0; i < report->way[0].n_providers; i++) {
        const struct rehearsal_provider *provider = &report->way[0].providers[i];

        if (provider->n == 0)
            continue;
        first = provider->days[0].day < first ? provider->days[0].day : first;
        last = provider->days[provider->n - 1].day > last ? provider->days[provider->n - 1].day : last;
    }
    if (first > last)
        first = last = report->way[0].result.first / DAY;
    if (last - first >= DAYS_MOST)
        first = last - DAYS_MOST + 1;
    days->first = first;
    days->n = last - first + 1;
}

static void add(struct rehearsal_count *sum, const struct rehearsal_count *count)
{
    sum->mails += count->mails;
    sum->failed += count->failed;
    sum->invalid += count->invalid;
    sum->saved += count->saved;
    sum->saved_invalid += count->saved_invalid;
    sum->missed += count->missed;
}

static void add_days(struct days *days, size_t way, const struct rehearsal_provider *provider)
{
    for (size_t i = 0; i < provider->n; i++)
        if (provider->days[i].day >= days->first)
            add(&days->of[way][provider->days[i].day - days->first], &provider->days[i].count);
}

static void free_days(struct days *days)
{
    for (size_t way = 0; way < REPLAY_WAYS; way++)
        free(days->of[way]);
}

/* False when out of memory. */
static bool sum_days(const struct replay_report *report, struct days *days)
{
    find_span(report, days);
    for (size_t way = 0; way < report->n; way++) {
        if ((days->of[way] = calloc((size_t)days->n, sizeof(*days->of[way]))) == NULL)
            return false;
        for (size_t i = 0; i < report->way[way].n_providers; i++)
            add_days(days, way, &report->way[way].providers[i]);
    }
    return true;
}

static int64_t value(const void *ctx, size_t panel, size_t series, int64_t day)
{
    const struct days *days = ctx;
    const struct rehearsal_count *count = &days->of[series == SERIES_COMPARED][day - 1];
    bool all = series == SERIES_AS_IT_WAS;
    int64_t mails = count->mails - (all ? 0 : count->saved + count->missed);

    if (panel == PANEL_VAIN)
        return count->failed - (all ? 0 : count->saved);
    return mails == 0 ? -1 : (count->invalid - (all ? 0 : count->saved_invalid)) * 10000 / mails;
}

static void label(char dst[CHART_LABEL_SIZE], const void *ctx, int64_t day)
{
    const struct days *days = ctx;
    char text[TIME_TEXT_SIZE];

    snprintf(dst, CHART_LABEL_SIZE, "%.5s", time_text(text, (days->first + day - 1) * DAY) + 5);
}

static void draw(FILE *to, const struct replay_report *report, const struct days *days)
{
    const struct rehearsal_result *result = &report->way[0].result;
    char heading[200], axis[80], mails[GROUPED_SIZE], leads[GROUPED_SIZE], from[TIME_TEXT_SIZE],
        until[TIME_TEXT_SIZE];
    const struct chart chart = {
        .title = "leadgate replay",
        .heading = heading,
        .series = { "Leadgate", "as it was", "compared" },
        .n_series = report->n + 1,
        .panels = panels,
        .n_panels = PANELS,
        .axis = axis,
        .days = days->n,
        .ticks = 12,
        .value = value,
        .label = label,
        .ctx = days,
    };

    snprintf(heading, sizeof(heading), "Rehearsal: %s mails to %s leads",
             figures_grouped(mails, result->count.mails), figures_grouped(leads, result->leads));
    snprintf(axis, sizeof(axis), "%.10s to %.10s (UTC)", time_text(from, days->first * DAY),
             time_text(until, (days->first + days->n - 1) * DAY));
    chart_print(to, &chart);
}

void replay_print_svg(FILE *to, const struct replay_report *report)
{
    struct days days = { .n = 0 };

    if (sum_days(report, &days))
        draw(to, report, &days);
    free_days(&days);
}
