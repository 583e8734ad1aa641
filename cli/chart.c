/* SPDX-License-Identifier: BSD-2-Clause */
/* SVG is written as it is: lines, text, nothing that a browser would have to fetch. The series differ by
 * dashes as well as by colour, for those who print in black or see colours otherwise. */
#include "cli/chart.h"

#include "cli/figures.h"

#include <stdlib.h>

#define WIDTH        880
#define LEFT         96
#define RIGHT        24
#define PLOT_WIDTH   (WIDTH - LEFT - RIGHT)
#define PANEL_HEIGHT 230
#define PANEL_STEP   (PANEL_HEIGHT + 78)
#define FIRST_TOP    112
#define BELOW        50

static const struct {
    const char *colour, *dash;
} styles[CHART_SERIES] = {
    { "#00695c", "none" },
    { "#b71c1c", "8 4" },
    { "#e68a00", "2 3" },
};

static void put_text(FILE *to, const char *text)
{
    for (; *text != '\0'; text++)
        switch (*text) {
        case '&': fputs("&amp;", to); break;
        case '<': fputs("&lt;", to); break;
        case '>': fputs("&gt;", to); break;
        default: putc(*text, to);
        }
}

/* The next of 1, 2, 5, 10, 20, 50, ... that is at least so much. */
static int64_t round_step(int64_t least)
{
    int64_t step = 1;

    for (int i = 0; step < least; i++)
        step = i % 3 == 1 ? step / 2 * 5 : step * 2;
    return step;
}

static int64_t highest(const struct chart *chart, size_t panel)
{
    int64_t most = 1;

    for (int64_t day = 1; day <= chart->days; day++)
        for (size_t series = 0; series < chart->n_series; series++) {
            int64_t value = chart->value(chart->ctx, panel, series, day);

            most = value > most ? value : most;
        }
    return most;
}

/* One panel's place and scale. */
struct frame {
    const struct chart *chart;
    size_t panel;
    int top;
    int64_t step, most; /* of the axis */
};

/* Days 1 to the last over the width; a single day stands at the left. */
static double x_of(const struct chart *chart, int64_t day)
{
    return LEFT + (chart->days == 1 ? 0 : (double)(day - 1) * PLOT_WIDTH / (double)(chart->days - 1));
}

static double y_of(const struct frame *frame, int64_t value)
{
    return frame->top + PANEL_HEIGHT * (1 - (double)value / (double)frame->most);
}

static void draw_level(FILE *to, const struct frame *frame, int64_t value)
{
    int64_t unit = frame->chart->panels[frame->panel].unit;
    double y = y_of(frame, value);
    char label[GROUPED_SIZE];

    fprintf(to, "<line x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\" stroke=\"%s\"/>\n", LEFT, y,
            LEFT + PLOT_WIDTH, y, value == 0 ? "#444" : "#ddd");
    fprintf(to, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">", LEFT - 10, y + 4);
    if (frame->step % unit == 0)
        fputs(figures_grouped(label, value / unit), to);
    else
        fprintf(to, "%g", (double)value / (double)unit);
    fputs("</text>\n", to);
}

static void draw_mark(FILE *to, const struct frame *frame)
{
    const struct chart_panel *panel = &frame->chart->panels[frame->panel];
    double y = y_of(frame, panel->mark);

    if (panel->mark == 0 || panel->mark > frame->most)
        return;
    fprintf(to, "<line x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\" stroke=\"#777\"/>\n", LEFT, y,
            LEFT + PLOT_WIDTH, y);
    fprintf(to, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\" fill=\"#777\">", LEFT + PLOT_WIDTH - 4, y - 5);
    put_text(to, panel->mark_name);
    fputs("</text>\n", to);
}

static void draw_axes(FILE *to, const struct frame *frame)
{
    const struct chart *chart = frame->chart;
    int64_t step = round_step((chart->days + chart->ticks - 2) / (chart->ticks - 1));

    fprintf(to, "<text x=\"%d\" y=\"%d\" font-size=\"15\" font-weight=\"bold\">", LEFT, frame->top - 14);
    put_text(to, chart->panels[frame->panel].title);
    fputs("</text>\n", to);
    for (int64_t value = 0; value <= frame->most; value += frame->step)
        draw_level(to, frame, value);
    draw_mark(to, frame);
    for (int64_t day = 1; day <= chart->days; day = day == 1 && step > 1 ? step : day + step) {
        char label[CHART_LABEL_SIZE];

        chart->label(label, chart->ctx, day);
        fprintf(to, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>\n", x_of(chart, day),
                frame->top + PANEL_HEIGHT + 20, label);
    }
    fprintf(to, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">", LEFT + PLOT_WIDTH / 2,
            frame->top + PANEL_HEIGHT + 38);
    put_text(to, chart->axis);
    fputs("</text>\n", to);
}

static void draw_line(FILE *to, const struct frame *frame, size_t series)
{
    const struct chart *chart = frame->chart;
    const char *blank = "";

    fprintf(to,
            "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"2.5\" stroke-linejoin=\"round\" "
            "stroke-linecap=\"round\" stroke-dasharray=\"%s\" points=\"",
            styles[series].colour, styles[series].dash);
    for (int64_t day = 1; day <= chart->days; day++) {
        int64_t value = chart->value(chart->ctx, frame->panel, series, day);

        if (value < 0)
            continue;
        fprintf(to, "%s%.1f,%.1f", blank, x_of(chart, day), y_of(frame, value));
        blank = " ";
    }
    fputs("\"/>\n", to);
}

static void draw_panel(FILE *to, const struct chart *chart, size_t panel)
{
    int64_t most = highest(chart, panel), step = round_step((most + 4) / 5);
    struct frame frame = {
        .chart = chart,
        .panel = panel,
        .top = FIRST_TOP + (int)panel * PANEL_STEP,
        .step = step,
        .most = (most + step - 1) / step * step,
    };

    draw_axes(to, &frame);
    for (size_t series = chart->n_series; series-- > 0;)
        draw_line(to, &frame, series);
}

static void draw_legend(FILE *to, const struct chart *chart)
{
    for (size_t series = 0; series < chart->n_series; series++) {
        int x = LEFT + (int)series * 190;

        fprintf(to,
                "<line x1=\"%d\" y1=\"66\" x2=\"%d\" y2=\"66\" stroke=\"%s\" stroke-width=\"2.5\" "
                "stroke-dasharray=\"%s\"/>\n<text x=\"%d\" y=\"70\">",
                x, x + 36, styles[series].colour, styles[series].dash, x + 44);
        put_text(to, chart->series[series]);
        fputs("</text>\n", to);
    }
}

void chart_print(FILE *to, const struct chart *chart)
{
    int height = FIRST_TOP + (int)chart->n_panels * PANEL_STEP - (PANEL_STEP - PANEL_HEIGHT) + BELOW;

    fprintf(to,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" "
            "font-family=\"sans-serif\" font-size=\"13\" fill=\"#222\" role=\"img\">\n<title>",
            WIDTH, height, WIDTH, height);
    put_text(to, chart->title);
    fprintf(to, "</title>\n<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n", WIDTH, height);
    fprintf(to, "<text x=\"%d\" y=\"36\" font-size=\"19\">", LEFT);
    put_text(to, chart->heading);
    fputs("</text>\n", to);
    draw_legend(to, chart);
    for (size_t panel = 0; panel < chart->n_panels; panel++)
        draw_panel(to, chart, panel);
    fputs("</svg>\n", to);
}
