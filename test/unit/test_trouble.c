/* SPDX-License-Identifier: BSD-2-Clause */
/* A month with a provider's bad day, with and without what is done about it; and a list with dead addresses.
 */
#include "leadgate/trouble.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define LEADS 6000 /* so that each quarter of an hour has more than incident.floor of them */
#define HOUR  3600

static struct trouble_result *run(enum trouble_kind kind, bool handled)
{
    static struct lead_settings settings;
    static struct incident_settings incident;
    static struct guard_limits guard;
    struct trouble_plan plan = { .settings = &settings,
                                 .incident = &incident,
                                 .guard = &guard,
                                 .kind = kind,
                                 .leads = LEADS,
                                 .list = 4 * LEADS,
                                 .days = 30,
                                 .handled = handled };
    struct trouble_result *result;

    lead_settings_default(&settings);
    incident_settings_default(&incident);
    guard_limits_default(&guard);
    assert_non_null(result = trouble_run(&plan, NULL, NULL));
    return result;
}

/* Six hours of the day: a quarter of those who exist are lost for good, or none at all. */
static void no_such_user_for_six_hours(void **state)
{
    struct trouble_result *without = run(TROUBLE_UNKNOWN, false), *with = run(TROUBLE_UNKNOWN, true);

    (void)state;
    assert_in_range(without->lost, LEADS * 22 / 100, LEADS * 27 / 100);
    assert_int_equal(without->recovery, -1);
    assert_int_equal(without->lost, without->total.wall);
    assert_int_equal(with->lost, 0);
    assert_in_range(with->total.wall, 1, LEADS * 4 / 100); /* until it was seen, and the probes */
    assert_in_range(with->recovery, 0, 12 * HOUR);
    /* On other days nothing is held. */
    for (int day = 0; day < 30; day++)
        assert_true(day == 15 || (with->by_day[day].held == 0 && with->by_day[day].wall == 0));
    trouble_result_free(without);
    trouble_result_free(with);
}

/* Nobody is lost by deferrals; but a wall that nobody looks at is run into again and again. */
static void everything_deferred_for_two_days(void **state)
{
    struct trouble_result *without = run(TROUBLE_DEFERS, false), *with = run(TROUBLE_DEFERS, true);

    (void)state;
    assert_int_equal(without->lost, 0);
    assert_int_equal(with->lost, 0);
    assert_true(with->total.wall * 5 < without->total.wall);
    assert_in_range(with->recovery, 0, 24 * HOUR);
    trouble_result_free(without);
    trouble_result_free(with);
}

static int64_t per_mille(const struct trouble_day *day)
{
    return day->invalid * 1000 / day->sent;
}

/* Without the guard the day of the import is above the ten per cent at which providers turn; with it none is,
 * and all of the list has had its mail in the end. Those who take mail are never held: they are not risky. */
static void a_list_with_dead_addresses(void **state)
{
    struct trouble_result *without = run(TROUBLE_DIRTY_LIST, false), *with = run(TROUBLE_DIRTY_LIST, true);

    (void)state;
    assert_true(per_mille(&without->by_day[9]) > 110);
    for (int day = 0; day < 30; day++)
        assert_true(per_mille(&with->by_day[day]) <= 82);
    assert_int_equal(with->total.invalid, without->total.invalid); /* later, not never */
    assert_int_equal(with->waiting, 0);
    assert_true(with->by_day[9].held > 0);
    trouble_result_free(without);
    trouble_result_free(with);
}

static void the_same_twice(void **state)
{
    struct trouble_result *one = run(TROUBLE_UNKNOWN, true), *two = run(TROUBLE_UNKNOWN, true);

    (void)state;
    assert_memory_equal(one->by_day, two->by_day, 30 * sizeof(*one->by_day));
    assert_int_equal(one->recovery, two->recovery);
    trouble_result_free(one);
    trouble_result_free(two);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_such_user_for_six_hours),
        cmocka_unit_test(everything_deferred_for_two_days),
        cmocka_unit_test(a_list_with_dead_addresses),
        cmocka_unit_test(the_same_twice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
