/* SPDX-License-Identifier: BSD-2-Clause */
/* The chart of a simulation: two panels over the same days. SVG is written as it is: lines, text, nothing
 * that a browser would have to fetch. The policies differ by dashes as well as by colour, for those who print
 * in black or see colours otherwise. */
#include "cli/simulate_report.h"

#include <inttypes.h>

#define WIDTH        880
#define HEIGHT       700
#define LEFT         96
#define RIGHT        24
#define PLOT_WIDTH   (WIDTH - LEFT - RIGHT)
#define PANEL_HEIGHT 230
#define FIRST_TOP    112
#define SECOND_TOP   (FIRST_TOP + PANEL_HEIGHT + 78)

static const struct {
    const char *colour, *dash;
} styles[SIM_POLICIES] = {
    [SIM_LEADGATE] = { "#00695c", "none" },
    [SIM_NO_SUPPRESSION] = { "#b71c1c", "8 4" },
    [SIM_OUT] = { "#e68a00", "2 3" },
};

/* One panel: a count per day and policy. */
struct panel {
    const char *title;
    int top;
    int64_t (*value)(const struct sim_count *count);
};

static int64_t suspended(const struct sim_count *count)
{
    return count->suspended;
}

static int64_t vain(const struct sim_count *count)
{
    return count->vain;
}

/* The next of 1, 2, 5, 10, 20, 50, ... that is at least so much. */
static int64_t round_step(int64_t least)
{
    int64_t step = 1;

    for (int i = 0; step < least; i++)
        step = i % 3 == 1 ? step / 2 * 5 : step * 2;
    return step;
}

static int64_t highest(const struct panel *panel, const struct sim_plan *plan,
                       const struct sim_result *result)
{
    int64_t most = 1;

    for (int64_t day = 0; day < plan->days; day++)
        for (int policy = 0; policy < SIM_POLICIES; policy++) {
            int64_t value = panel->value(&result->by_day[day].of[policy]);

            most = value > most ? value : most;
        }
    return most;
}

/* Days 1 to the last over the width; a single day stands at the left. */
static double x_of(const struct sim_plan *plan, int64_t day)
{
    return LEFT + (plan->days == 1 ? 0 : (double)(day - 1) * PLOT_WIDTH / (double)(plan->days - 1));
}

static double y_of(const struct panel *panel, int64_t value, int64_t top_value)
{
    return panel->top + PANEL_HEIGHT * (1 - (double)value / (double)top_value);
}

static void draw_axes(FILE *to, const struct panel *panel, const struct sim_plan *plan, int64_t step,
                      int64_t top_value)
{
    int64_t day_step = round_step((plan->days + 15) / 16);
    char label[GROUPED_SIZE];

    fprintf(to, "<text x=\"%d\" y=\"%d\" font-size=\"15\" font-weight=\"bold\">%s</text>\n", LEFT,
            panel->top - 14, panel->title);
    for (int64_t value = 0; value <= top_value; value += step) {
        double y = y_of(panel, value, top_value);

        fprintf(to, "<line x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\" stroke=\"%s\"/>\n", LEFT, y,
                LEFT + PLOT_WIDTH, y, value == 0 ? "#444" : "#ddd");
        fprintf(to, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n", LEFT - 10, y + 4,
                simulate_grouped(label, value));
    }
    for (int64_t day = 1; day <= plan->days; day = day == 1 && day_step > 1 ? day_step : day + day_step)
        fprintf(to, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%" PRId64 "</text>\n", x_of(plan, day),
                panel->top + PANEL_HEIGHT + 20, day);
    fprintf(to, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">day</text>\n", LEFT + PLOT_WIDTH / 2,
            panel->top + PANEL_HEIGHT + 38);
}

static void draw_line(FILE *to, const struct panel *panel, const struct sim_plan *plan,
                      const struct sim_result *result, enum sim_policy policy, int64_t top_value)
{
    fprintf(to,
            "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"2.5\" stroke-linejoin=\"round\" "
            "stroke-linecap=\"round\" stroke-dasharray=\"%s\" points=\"",
            styles[policy].colour, styles[policy].dash);
    for (int64_t day = 1; day <= plan->days; day++)
        fprintf(to, "%s%.1f,%.1f", day == 1 ? "" : " ", x_of(plan, day),
                y_of(panel, panel->value(&result->by_day[day - 1].of[policy]), top_value));
    fputs("\"/>\n", to);
}

/* Leadgate's line is drawn last, on top of the others. */
static void draw_panel(FILE *to, const struct panel *panel, const struct sim_plan *plan,
                       const struct sim_result *result)
{
    int64_t most = highest(panel, plan, result);
    int64_t step = round_step((most + 4) / 5), top_value = (most + step - 1) / step * step;

    draw_axes(to, panel, plan, step, top_value);
    for (int policy = SIM_POLICIES - 1; policy >= 0; policy--)
        draw_line(to, panel, plan, result, (enum sim_policy)policy, top_value);
}

static void draw_legend(FILE *to, const struct sim_plan *plan)
{
    char name[POLICY_NAME_SIZE];

    for (int policy = 0; policy < SIM_POLICIES; policy++) {
        int x = LEFT + policy * 190;

        fprintf(to,
                "<line x1=\"%d\" y1=\"66\" x2=\"%d\" y2=\"66\" stroke=\"%s\" stroke-width=\"2.5\" "
                "stroke-dasharray=\"%s\"/>\n<text x=\"%d\" y=\"70\">%s</text>\n",
                x, x + 36, styles[policy].colour, styles[policy].dash, x + 44,
                simulate_policy_name(name, plan, (enum sim_policy)policy));
    }
}

void simulate_print_svg(FILE *to, const struct sim_plan *plan, const struct sim_result *result)
{
    static const struct panel panels[] = {
        { "Suspended leads", FIRST_TOP, suspended },
        { "Mails in vain per day", SECOND_TOP, vain },
    };
    char leads[GROUPED_SIZE];

    fprintf(to,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" "
            "font-family=\"sans-serif\" font-size=\"13\" fill=\"#222\" role=\"img\">\n",
            WIDTH, HEIGHT, WIDTH, HEIGHT);
    fprintf(to, "<title>leadgate simulate: %s</title>\n", plan->scenario->name);
    fprintf(to, "<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n", WIDTH, HEIGHT);
    fprintf(to, "<text x=\"%d\" y=\"36\" font-size=\"19\">Scenario %s: %s leads, %" PRId64 " days</text>\n",
            LEFT, plan->scenario->name, simulate_grouped(leads, plan->leads), plan->days);
    draw_legend(to, plan);
    for (size_t i = 0; i < sizeof(panels) / sizeof(panels[0]); i++)
        draw_panel(to, &panels[i], plan, result);
    fputs("</svg>\n", to);
}
