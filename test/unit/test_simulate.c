/* SPDX-License-Identifier: BSD-2-Clause */
/* The simulation: the worked example of the design to the mail, what must add up in any scenario, and what is
 * written of it. */
#include "cli/figures.h"
#include "cli/simulate_report.h"
#include "leadgate/simulate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct lead_settings default_settings(void)
{
    struct lead_settings settings;

    lead_settings_default(&settings);
    return settings;
}

static struct sim_plan plan_of(const struct lead_settings *settings, size_t scenario, int64_t leads)
{
    size_t n;
    const struct sim_scenario *scenarios = sim_scenarios(&n);

    assert_true(scenario < n);
    return (struct sim_plan){ .settings = settings,
                              .scenario = &scenarios[scenario],
                              .leads = leads,
                              .days = 30,
                              .every = 1,
                              .out = 3 };
}

static size_t kind_of(const struct sim_plan *plan, const char *name)
{
    for (size_t kind = 0; kind < plan->scenario->n; kind++)
        if (strcmp(plan->scenario->kinds[kind].name, name) == 0)
            return kind;
    fail_msg("no kind `%s`", name);
    return 0;
}

/* Design, section 4: with the default settings, jitter included. A hundredth of the leads: each is counted.
 */
static void worked_example(void **state)
{
    static const char mailed[] = "110001100000011000000000000110"; /* of the full mailboxes, by day */
    struct lead_settings settings = default_settings();
    struct sim_plan plan = plan_of(&settings, 0, 10000);
    struct sim_result *result = sim_run(&plan, NULL, NULL);
    const struct sim_count *with = &result->total.of[SIM_LEADGATE];
    const struct sim_count *without = &result->total.of[SIM_NO_SUPPRESSION];

    (void)state;
    assert_int_equal(settings.jitter, 5);
    assert_int_equal(result->leads[kind_of(&plan, "mailbox full")], 250);
    assert_int_equal(with->vain, 2000);
    assert_int_equal(without->vain, 7500);
    assert_int_equal(with->saved, 5500);
    assert_int_equal(with->missed, 0);
    assert_int_equal(with->sent, 9750 * 30 + 2000);
    assert_int_equal(without->sent, 10000 * 30);
    /* Of what is sent 97.5 % is delivered without, and 99.3 % with. */
    assert_int_equal((without->sent - without->vain) * 1000 / without->sent, 975);
    assert_int_equal((with->sent - with->vain) * 1000 / with->sent, 993);
    for (size_t day = 0; day < 30; day++) {
        bool is_mailed = mailed[day] == '1';

        assert_int_equal(result->by_day[day].of[SIM_LEADGATE].vain, is_mailed ? 250 : 0);
        assert_int_equal(result->by_day[day].of[SIM_LEADGATE].suspended, is_mailed ? 0 : 250);
    }
    sim_result_free(result);
}

static void check_sums(const struct sim_plan *plan, const struct sim_result *result)
{
    int64_t mails = (plan->days + plan->every - 1) / plan->every, leads = 0;

    for (size_t kind = 0; kind < plan->scenario->n; kind++)
        leads += result->leads[kind];
    assert_int_equal(leads, plan->leads);
    for (int policy = 0; policy < SIM_POLICIES; policy++) {
        struct sim_count days = { 0 };

        for (size_t kind = 0; kind < plan->scenario->n; kind++) {
            const struct sim_count *count = &result->by_kind[kind].of[policy];

            /* Each planned mail is sent, saved or missed. */
            assert_int_equal(count->sent + count->saved + count->missed, result->leads[kind] * mails);
            assert_in_range(count->vain, 0, count->sent);
            assert_in_range(count->lost, 0, plan->scenario->kinds[kind].alive ? result->leads[kind] : 0);
        }
        for (int64_t day = 0; day < plan->days; day++) {
            const struct sim_count *count = &result->by_day[day].of[policy];

            days.sent += count->sent;
            days.vain += count->vain;
            days.saved += count->saved;
            days.missed += count->missed;
            if (day % plan->every == 0)
                assert_int_equal(count->saved + count->missed, count->suspended);
            else
                assert_int_equal(count->sent + count->saved + count->missed, 0);
        }
        assert_int_equal(days.sent, result->total.of[policy].sent);
        assert_int_equal(days.vain, result->total.of[policy].vain);
        assert_int_equal(days.saved, result->total.of[policy].saved);
        assert_int_equal(days.missed, result->total.of[policy].missed);
    }
    /* What comes back does not depend on who sends it. */
    for (int policy = 0; policy < SIM_POLICIES; policy++)
        assert_int_equal(result->total.of[policy].vain + result->total.of[policy].saved,
                         result->total.of[SIM_NO_SUPPRESSION].vain);
    assert_int_equal(result->total.of[SIM_NO_SUPPRESSION].saved, 0);
    assert_int_equal(result->total.of[SIM_NO_SUPPRESSION].missed, 0);
}

static void everything_adds_up(void **state)
{
    static const struct {
        int64_t leads, days, every, out;
    } rows[] = {
        { 1, 1, 1, 1 },    { 1, 30, 1, 3 },     { 39, 30, 1, 3 },    { 10000, 30, 1, 3 },
        { 2000, 1, 1, 3 }, { 2000, 365, 7, 1 }, { 2000, 31, 30, 3 }, { 2000, 100, 2, 1000 },
    };
    struct lead_settings settings = default_settings();
    size_t n;

    (void)state;
    sim_scenarios(&n);
    for (size_t scenario = 0; scenario < n; scenario++)
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
            struct sim_plan plan = plan_of(&settings, scenario, rows[i].leads);
            struct sim_result *result;

            plan.days = rows[i].days;
            plan.every = rows[i].every;
            plan.out = rows[i].out;
            result = sim_run(&plan, NULL, NULL);
            check_sums(&plan, result);
            sim_result_free(result);
        }
}

/* What the comparison is for: passing faults lose no lead with Leadgate, dead addresses get one mail. */
static void mixed_loses_nobody(void **state)
{
    static const struct {
        const char *kind;
        int64_t lost_out; /* of a thousand, with three bounces and out */
    } rows[] = {
        { "good", 0 },
        { "opens now and then", 0 },
        { "mailbox full", 1000 },
        { "full for 5 days", 1000 },
        { "corporate filter", 0 },
        { "network trouble", 0 },
        { "spam-blocked", 1000 },
        { "expired in queue", 0 },
        { "dead address", 0 },
    };
    struct lead_settings settings = default_settings();
    struct sim_plan plan = plan_of(&settings, 1, 20000);
    struct sim_result *result = sim_run(&plan, NULL, NULL);

    (void)state;
    assert_int_equal(plan.scenario->n, sizeof(rows) / sizeof(rows[0]));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        size_t kind = kind_of(&plan, rows[i].kind);
        const struct sim_counts *counts = &result->by_kind[kind];

        assert_int_equal(counts->of[SIM_LEADGATE].lost, 0);
        assert_int_equal(counts->of[SIM_OUT].lost * 1000, rows[i].lost_out * result->leads[kind]);
        if (strcmp(rows[i].kind, "dead address") == 0) {
            assert_int_equal(counts->of[SIM_LEADGATE].sent, result->leads[kind]);
            assert_int_equal(counts->of[SIM_OUT].sent, 3 * result->leads[kind]);
        }
    }
    sim_result_free(result);
}

/* Without trust and doubt the corporate filter's one "no such user" is the end of an engaged lead. */
static void settings_decide(void **state)
{
    struct lead_settings settings = default_settings();
    struct sim_plan plan = plan_of(&settings, 1, 20000);
    struct sim_result *result;
    size_t kind = kind_of(&plan, "corporate filter");

    (void)state;
    settings.doubt = 0;
    result = sim_run(&plan, NULL, NULL);
    assert_true(result->by_kind[kind].of[SIM_LEADGATE].lost > result->leads[kind] / 2);
    sim_result_free(result);
}

/* What waits in the queue comes back days after it was sent, and counts then. */
static void delayed_bounces_come_back_later(void **state)
{
    static const struct sim_kind kinds[] = {
        { .name = "slow",
          .alive = true,
          .cause = CAUSE_EXPIRED,
          .status = "4.4.7",
          .days = SIM_ALWAYS,
          .delay = 5 },
    };
    static const struct sim_scenario scenario = { "slow", "", kinds, 1 };
    struct lead_settings settings = default_settings();
    struct sim_plan plan = plan_of(&settings, 0, 10);
    struct sim_result *result;

    (void)state;
    plan.scenario = &scenario;
    plan.days = 25;
    result = sim_run(&plan, NULL, NULL);
    /* The mails of days 1 to 3 come back behind those of days 6 to 8: the third strike. Those of days 4 to 8
     * were in flight then; the next strikes are the mails of days 12 to 14. */
    for (size_t day = 1; day <= 25; day++) {
        bool suspended = (day >= 9 && day <= 11) || day >= 20;

        assert_int_equal(result->by_day[day - 1].of[SIM_LEADGATE].suspended, suspended ? 10 : 0);
        assert_int_equal(result->by_day[day - 1].of[SIM_OUT].suspended, day >= 9 ? 10 : 0);
    }
    sim_result_free(result);
}

static void count_step(void *steps)
{
    ++*(int64_t *)steps;
}

static void each_lead_is_a_step(void **state)
{
    struct lead_settings settings = default_settings();
    struct sim_plan plan = plan_of(&settings, 1, 1234);
    int64_t steps = 0;

    (void)state;
    sim_result_free(sim_run(&plan, count_step, &steps));
    assert_int_equal(steps, 1234);
}

static void shares_leave_room_for_the_first_kind(void **state)
{
    size_t n;
    const struct sim_scenario *scenarios = sim_scenarios(&n);

    (void)state;
    for (size_t i = 0; i < n; i++) {
        int shares = 0;

        assert_int_equal(scenarios[i].kinds[0].share, 0);
        for (size_t kind = 1; kind < scenarios[i].n; kind++) {
            assert_true(scenarios[i].kinds[kind].share > 0);
            assert_in_range(scenarios[i].kinds[kind].delay, 0, 63);
            shares += scenarios[i].kinds[kind].share;
        }
        assert_true(shares < 1000000);
    }
}

/* --- What is written --- */

typedef void print_result(FILE *to, const struct sim_plan *plan, const struct sim_result *result);

static char *printed(print_result *print, const struct sim_plan *plan)
{
    char *text = NULL;
    size_t n = 0;
    FILE *to = open_memstream(&text, &n);
    struct sim_result *result = sim_run(plan, NULL, NULL);

    assert_non_null(to);
    print(to, plan, result);
    fclose(to);
    sim_result_free(result);
    return text;
}

static void print_text(FILE *to, const struct sim_plan *plan, const struct sim_result *result)
{
    simulate_print_text(to, plan, result, "the defaults");
}

static int count_of(const char *text, const char *what)
{
    int n = 0;

    for (const char *p = text; (p = strstr(p, what)) != NULL; p += strlen(what))
        n++;
    return n;
}

static void csv_has_a_line_for_each_day(void **state)
{
    struct lead_settings settings = default_settings();
    struct sim_plan plan = plan_of(&settings, 0, 40);
    char *csv;

    (void)state;
    plan.days = 3;
    csv = printed(simulate_print_csv, &plan);
    assert_string_equal(csv, "day,leadgate_sent,leadgate_delivered,leadgate_vain,leadgate_saved,leadgate_"
                             "missed,leadgate_suspended,"
                             "none_sent,none_delivered,none_vain,none_saved,none_missed,none_suspended,"
                             "out_sent,out_delivered,out_vain,out_saved,out_missed,out_suspended\n"
                             "1,40,39,1,0,0,0,40,39,1,0,0,0,40,39,1,0,0,0\n"
                             "2,40,39,1,0,0,0,40,39,1,0,0,0,40,39,1,0,0,0\n"
                             "3,39,39,0,1,0,1,40,39,1,0,0,0,40,39,1,0,0,0\n");
    free(csv);
}

static void text_has_the_worked_example(void **state)
{
    struct lead_settings settings = default_settings();
    struct sim_plan plan = plan_of(&settings, 0, 10000);
    char *text = printed(print_text, &plan);

    (void)state;
    assert_non_null(strstr(text, "With Leadgate 2,000 mails are sent in vain instead of 7,500: 5,500 saved.\n"
                                 "Of what is sent 99.3 % is delivered instead of 97.5 %.\n"));
    assert_non_null(strstr(text, "  mailbox full                 250       8.0         2,000 "));
    free(text);
    /* Long runs are shown in steps. */
    plan.days = 365;
    plan.leads = 40;
    text = printed(print_text, &plan);
    assert_non_null(strstr(text, "\n    361 "));
    assert_null(strstr(text, "\n    362 "));
    free(text);
}

/* A line for each policy in each of the two panels, and nothing that must be fetched. One day, too. */
static void svg_stands_alone(void **state)
{
    struct lead_settings settings = default_settings();
    struct sim_plan plan = plan_of(&settings, 1, 100);

    (void)state;
    for (int64_t days = 1; days <= 3650; days = days * 15 + 1) {
        char *svg;

        plan.days = days;
        svg = printed(simulate_print_svg, &plan);
        assert_ptr_equal(strstr(svg, "<svg xmlns=\"http://www.w3.org/2000/svg\""), svg);
        assert_string_equal(svg + strlen(svg) - strlen("</svg>\n"), "</svg>\n");
        assert_int_equal(count_of(svg, "<polyline"), 2 * SIM_POLICIES);
        assert_int_equal(count_of(svg, "http"), 1);
        assert_int_equal(count_of(svg, "nan") + count_of(svg, "inf"), 0);
        assert_int_equal(count_of(svg, "<text"), count_of(svg, "</text>"));
        free(svg);
    }
}

static void numbers_are_grouped(void **state)
{
    static const struct {
        int64_t number;
        const char *text;
    } rows[] = {
        { 0, "0" },
        { 999, "999" },
        { 1000, "1,000" },
        { 1234567, "1,234,567" },
        { -999, "-999" },
        { -1000, "-1,000" },
        { INT64_MIN, "-9,223,372,036,854,775,808" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[GROUPED_SIZE];

        assert_string_equal(figures_grouped(text, rows[i].number), rows[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(worked_example),
        cmocka_unit_test(everything_adds_up),
        cmocka_unit_test(mixed_loses_nobody),
        cmocka_unit_test(settings_decide),
        cmocka_unit_test(delayed_bounces_come_back_later),
        cmocka_unit_test(each_lead_is_a_step),
        cmocka_unit_test(shares_leave_room_for_the_first_kind),
        cmocka_unit_test(csv_has_a_line_for_each_day),
        cmocka_unit_test(text_has_the_worked_example),
        cmocka_unit_test(svg_stands_alone),
        cmocka_unit_test(numbers_are_grouped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
