/* SPDX-License-Identifier: BSD-2-Clause */
/* chart: counts over days as SVG 1.1 that needs nothing else: panels one below the other over the same days,
 * with a line for each series. Write errors stay in the stream, for the caller to find at its end. */
#ifndef LEADGATE_CLI_CHART_H
#define LEADGATE_CLI_CHART_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define CHART_SERIES     3 /* at most; the first is Leadgate's, drawn on top of the others */
#define CHART_LABEL_SIZE 16

struct chart_panel {
    const char *title;
    int64_t unit; /* that much of a value is 1 on the axis: 1 for counts, 100 for hundredths of a percent */
    int64_t mark; /* a level to be seen, where the panel reaches it; 0 = none */
    const char *mark_name;
};

/* All texts are borrowed, and may hold any character of XML. */
struct chart {
    const char *title, *heading;
    const char *series[CHART_SERIES]; /* their names */
    const struct chart_panel *panels;
    size_t n_series, n_panels;
    const char *axis; /* what the days are */
    int64_t days;     /* at least 1 */
    int64_t ticks;    /* so many days, about, are named */
    /* day counts from 1. A negative value is none: the line goes on straight to the next one. */
    int64_t (*value)(const void *ctx, size_t panel, size_t series, int64_t day);
    void (*label)(char dst[CHART_LABEL_SIZE], const void *ctx, int64_t day);
    const void *ctx;
};

void chart_print(FILE *to, const struct chart *chart);

#endif
