/* SPDX-License-Identifier: BSD-2-Clause */
/* Bounces that anybody may have written (event.unverified): one soft strike at most, and nothing for good. */
#include "lead_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct event forged(struct world *world, enum cause cause, int64_t at)
{
    struct event event = bounce(world, cause, at);

    event.unverified = true;
    return event;
}

/* Whatever it claims: a hard one is a failure whose cause nobody knows. */
static void one_soft_strike_at_most(void **state)
{
    (void)state;
    for (int c = CAUSE_USER_UNKNOWN; c <= CAUSE_UNDETERMINED; c++) {
        enum cause cause = (enum cause)c;
        const struct cause_info *info = cause_info(cause);
        enum cause counted = info->hardness == HARDNESS_HARD ? CAUSE_UNDETERMINED : cause;
        struct world world = new_world();
        enum effect effect = apply(&world, forged(&world, cause, T0));

        assert_int_equal(effect,
                         world.settings.causes[counted].strikes == 0 ? EFFECT_RECORDED : EFFECT_STRIKE);
        assert_int_equal(world.lead.strikes, effect == EFFECT_STRIKE);
        assert_int_equal(world.lead.cause, effect == EFFECT_STRIKE ? counted : CAUSE_NONE);
        assert_true(world.lead.score >= world.settings.score.soft);
        assert_false(world.optouts.optout.present);
    }
}

static void four_in_a_row_suspend_for_a_while(void **state)
{
    struct world world = new_world();

    (void)state;
    for (int i = 0; i < 3; i++)
        assert_int_equal(apply(&world, forged(&world, CAUSE_USER_UNKNOWN, T0 + i * DAY)), EFFECT_STRIKE);
    assert_int_equal(apply(&world, forged(&world, CAUSE_DOMAIN_UNKNOWN, T0 + 3 * DAY)), EFFECT_OPTOUT);
    assert_int_equal(world.optouts.optout.kind, OPTOUT_TEMPORARY);
    assert_int_equal(world.optouts.optout.cause, CAUSE_UNDETERMINED);
    assert_int_equal(world.optouts.optout.until, T0 + 6 * DAY);
}

/* Day after day for three years, of every cause, and whatever the settings say of it. */
static void never_for_good(void **state)
{
    (void)state;
    for (int c = CAUSE_USER_UNKNOWN; c <= CAUSE_UNDETERMINED; c++) {
        for (int at_once = 0; at_once <= 1; at_once++) {
            enum cause cause = (enum cause)c;
            struct world world = new_world();
            int64_t mails = 0;

            if (at_once) {
                world.settings.causes[cause].strikes = 1;
                world.settings.causes[cause].first = 0;
                world.settings.causes[cause].end = END_PERMANENT;
            }
            for (int64_t day = 0; day < 1100; day++) {
                if (is_opted_out(&world, T0 + day * DAY))
                    continue;
                apply(&world, forged(&world, cause, T0 + day * DAY));
                if (world.optouts.optout.present)
                    assert_int_equal(world.optouts.optout.kind, OPTOUT_TEMPORARY);
                mails++;
            }
            assert_true(mails > 1100 / 31);
            /* Neither did it prepare the ground: the first real fault is the first of its series. */
            assert_int_equal(world.lead.series, 0);
        }
    }
}

/* Behind the limit of a series that true bounces have begun. */
static void not_behind_the_limit_of_a_series(void **state)
{
    struct world world = new_world(), behind;
    int64_t at = T0 + 200 * DAY;

    (void)state;
    apply(&world, bounce(&world, CAUSE_MAILBOX_FULL, T0));
    assert_int_equal(apply(&world, bounce(&world, CAUSE_MAILBOX_FULL, T0 + DAY)), EFFECT_OPTOUT);
    behind = world;
    apply(&world, forged(&world, CAUSE_MAILBOX_FULL, at));
    assert_int_equal(apply(&world, forged(&world, CAUSE_MAILBOX_FULL, at + DAY)), EFFECT_OPTOUT);
    assert_int_equal(world.change.optout.kind, OPTOUT_TEMPORARY);
    apply(&behind, bounce(&behind, CAUSE_MAILBOX_FULL, at));
    assert_int_equal(apply(&behind, bounce(&behind, CAUSE_MAILBOX_FULL, at + DAY)), EFFECT_OPTOUT);
    assert_int_equal(behind.change.optout.kind, OPTOUT_PERMANENT);
}

/* What is true stays so, also within the spacing of a strike that was not. */
static void a_good_one_is_permanent_as_ever(void **state)
{
    (void)state;
    for (int64_t later = 1; later <= DAY; later += DAY - 1) {
        struct world world = new_world();

        apply(&world, forged(&world, CAUSE_USER_UNKNOWN, T0));
        assert_int_equal(apply(&world, bounce(&world, CAUSE_USER_UNKNOWN, T0 + later)), EFFECT_OPTOUT);
        assert_int_equal(world.change.optout.kind, OPTOUT_PERMANENT);
        assert_int_equal(world.change.optout.cause, CAUSE_USER_UNKNOWN);
    }
}

/* No doubt is raised by it, and none is confirmed. */
static void it_answers_no_doubt(void **state)
{
    struct world world = new_world();

    (void)state;
    apply(&world, other(EVENT_CLICK, T0));
    assert_int_equal(apply(&world, forged(&world, CAUSE_USER_UNKNOWN, T0 + DAY)), EFFECT_STRIKE);
    assert_int_equal(world.lead.doubted, 0);
    assert_int_equal(apply(&world, bounce(&world, CAUSE_USER_UNKNOWN, T0 + 2 * DAY)), EFFECT_OPTOUT);
    assert_int_equal(world.change.optout.kind, OPTOUT_TEMPORARY);
    assert_int_equal(apply(&world, forged(&world, CAUSE_USER_UNKNOWN, T0 + 10 * DAY)), EFFECT_STRIKE);
    assert_int_equal(apply(&world, bounce(&world, CAUSE_USER_UNKNOWN, T0 + 11 * DAY)), EFFECT_OPTOUT);
    assert_int_equal(world.change.optout.kind, OPTOUT_PERMANENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_soft_strike_at_most),
        cmocka_unit_test(four_in_a_row_suspend_for_a_while),
        cmocka_unit_test(never_for_good),
        cmocka_unit_test(not_behind_the_limit_of_a_series),
        cmocka_unit_test(a_good_one_is_permanent_as_ever),
        cmocka_unit_test(it_answers_no_doubt),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
