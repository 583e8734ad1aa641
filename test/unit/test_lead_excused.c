/* SPDX-License-Identifier: BSD-2-Clause */
/* Bounces that a provider's bad day explains (event.excused): recorded, and no more. */
#include "lead_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct event excused(struct world *world, enum cause cause, int64_t at)
{
    struct event event = bounce(world, cause, at);

    event.excused = true;
    event.status = SPAN("5.1.1");
    event.evidence = SPAN("550 5.1.1 does not exist");
    return event;
}

/* Of every cause, hard ones too: its time and its words, and nothing else. */
static void no_strike_and_no_score(void **state)
{
    (void)state;
    for (int c = CAUSE_USER_UNKNOWN; c <= CAUSE_UNDETERMINED; c++) {
        struct world world = new_world();
        struct lead before;

        apply(&world, other(EVENT_DELIVERED, T0));
        before = world.lead;
        assert_int_equal(apply(&world, excused(&world, (enum cause)c, T0 + DAY)), EFFECT_RECORDED);
        assert_int_equal(world.change.kind, CHANGE_NONE);
        assert_int_equal(world.lead.bounced, T0 + DAY);
        assert_string_equal(world.lead.noted, world.message);
        assert_string_equal(world.lead.status, "5.1.1");
        assert_string_equal(world.lead.diag, "550 5.1.1 does not exist");
        /* All else is as it was. */
        world.lead.bounced = before.bounced;
        memcpy(world.lead.noted, before.noted, sizeof(before.noted));
        memcpy(world.lead.status, before.status, sizeof(before.status));
        memcpy(world.lead.diag, before.diag, sizeof(before.diag));
        assert_memory_equal(&world.lead, &before, sizeof(before));
    }
}

/* It neither adds to a run of strikes nor ends one, nor stands between two as if they were one. */
static void the_run_goes_on(void **state)
{
    struct world world = new_world();

    (void)state;
    assert_int_equal(apply(&world, bounce(&world, CAUSE_MAILBOX_FULL, T0)), EFFECT_STRIKE);
    assert_int_equal(apply(&world, excused(&world, CAUSE_USER_UNKNOWN, T0 + 5 * HOUR)), EFFECT_RECORDED);
    assert_int_equal(world.lead.cause, CAUSE_MAILBOX_FULL);
    assert_int_equal(world.lead.strikes, 1);
    assert_int_equal(apply(&world, bounce(&world, CAUSE_MAILBOX_FULL, T0 + 6 * HOUR)), EFFECT_OPTOUT);
}

/* At the floor of the score nothing follows, and a doubt is not used up. */
static void no_rest_at_the_floor(void **state)
{
    struct world world = new_world();

    (void)state;
    world.lead.score = world.settings.score.floor;
    world.lead.scored = T0;
    assert_int_equal(apply(&world, excused(&world, CAUSE_USER_UNKNOWN, T0)), EFFECT_RECORDED);
    assert_false(world.optouts.optout.present);
    world = new_world();
    apply(&world, other(EVENT_CLICK, T0));
    apply(&world, excused(&world, CAUSE_USER_UNKNOWN, T0 + DAY));
    assert_int_equal(world.lead.doubted, 0);
    assert_int_equal(apply(&world, bounce(&world, CAUSE_USER_UNKNOWN, T0 + 2 * DAY)), EFFECT_OPTOUT);
    assert_int_equal(world.optouts.optout.kind, OPTOUT_TEMPORARY);
}

/* Told again when the bad day is over, as a log that is read a second time, it is old news. */
static void known_when_it_is_told_again(void **state)
{
    struct world world = new_world();
    struct event event = excused(&world, CAUSE_USER_UNKNOWN, T0);
    struct event later;

    (void)state;
    assert_int_equal(apply(&world, event), EFFECT_RECORDED);
    event.excused = false;
    assert_int_equal(apply_late(&world, event, T0 + DAY), EFFECT_REPEAT);
    later = event; /* the same message, from the mailbox a minute later */
    later.at += 60;
    assert_int_equal(apply_late(&world, later, T0 + DAY), EFFECT_REPEAT);
    assert_false(world.optouts.optout.present);
    /* The next mail's bounce counts. */
    assert_int_equal(apply(&world, bounce(&world, CAUSE_USER_UNKNOWN, T0 + DAY)), EFFECT_OPTOUT);
    assert_int_equal(world.optouts.optout.kind, OPTOUT_PERMANENT);
}

/* Whoever was opted out before stays it. */
static void opted_out_all_the_same(void **state)
{
    struct world world = new_world();

    (void)state;
    assert_int_equal(apply(&world, bounce(&world, CAUSE_USER_UNKNOWN, T0)), EFFECT_OPTOUT);
    assert_int_equal(apply(&world, excused(&world, CAUSE_USER_UNKNOWN, T0 + DAY)), EFFECT_RECORDED);
    assert_true(is_opted_out(&world, T0 + 365 * DAY));
    assert_int_equal(world.optouts.optout.since, T0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_strike_and_no_score), cmocka_unit_test(the_run_goes_on),
        cmocka_unit_test(no_rest_at_the_floor),   cmocka_unit_test(known_when_it_is_told_again),
        cmocka_unit_test(opted_out_all_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
