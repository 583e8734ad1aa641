/* SPDX-License-Identifier: BSD-2-Clause */
/* What each sign of life is worth, by the settings (rule 7); and deferrals, which are no sign of anything yet
 * but the last that is known. */
#include "lead_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static const enum event_type signs[] = { EVENT_OPEN, EVENT_MACHINE_OPEN, EVENT_CLICK, EVENT_REPLY };

/* A lead that is opted out, with everything that a sign of life takes back. */
static struct world world_opted_out(void)
{
    struct world world = new_world();

    apply(&world, bounce(&world, CAUSE_MAILBOX_FULL, T0 - DAY));
    apply(&world, bounce(&world, CAUSE_MAILBOX_FULL, T0));
    assert_true(world.optouts.optout.present);
    return world;
}

/* With the defaults a mail proxy's fetch is not even worth a write. */
static void a_machine_open_changes_nothing(void **state)
{
    struct world worlds[] = { new_world(), world_opted_out() };

    (void)state;
    for (size_t i = 0; i < LENGTH(worlds); i++) {
        struct world before = worlds[i];

        assert_int_equal(apply(&worlds[i], other(EVENT_MACHINE_OPEN, T0 + HOUR)), EFFECT_REPEAT);
        assert_int_equal(worlds[i].change.kind, CHANGE_NONE);
        assert_memory_equal(&worlds[i].lead, &before.lead, sizeof(before.lead));
        assert_int_equal(worlds[i].optouts.optout.present, before.optouts.optout.present);
    }
}

/* With a weight, and nothing else, it scores: once per time, and no more. */
static void a_machine_open_with_a_weight_scores(void **state)
{
    struct world world = world_opted_out();
    struct lead before = world.lead;
    int64_t score = score_at(&world.settings, &world.lead, T0 + HOUR);

    (void)state;
    world.settings.engagement[ENGAGED_MACHINE_OPEN].weight = 300;
    assert_int_equal(apply(&world, other(EVENT_MACHINE_OPEN, T0 + HOUR)), EFFECT_RECORDED);
    assert_int_equal(world.change.kind, CHANGE_NONE);
    assert_int_equal(world.lead.score, score + 300);
    assert_int_equal(world.lead.noticed, T0 + HOUR);
    assert_int_equal(world.lead.engaged, 0);
    assert_int_equal(world.lead.cycle, before.cycle);
    assert_int_equal(world.lead.series, before.series);
    assert_true(world.optouts.optout.present);
    assert_int_equal(apply(&world, other(EVENT_MACHINE_OPEN, T0 + HOUR)), EFFECT_REPEAT);
    assert_int_equal(apply(&world, other(EVENT_MACHINE_OPEN, T0 + HOUR - 1)), EFFECT_REPEAT);
    assert_int_equal(world.lead.score, score + 300);
    assert_int_equal(apply(&world, other(EVENT_MACHINE_OPEN, T0 + HOUR + 1)), EFFECT_RECORDED);
    assert_int_equal(world.lead.score, score + 600);
}

/* Nor is there a grace after it, or trust. */
static void a_machine_open_is_no_activity(void **state)
{
    struct world world = new_world();

    (void)state;
    world.settings.engagement[ENGAGED_MACHINE_OPEN].weight = 300;
    apply(&world, other(EVENT_MACHINE_OPEN, T0));
    assert_int_equal(apply(&world, bounce(&world, CAUSE_USER_UNKNOWN, T0 + 1)), EFFECT_OPTOUT);
    assert_int_equal(world.change.optout.kind, OPTOUT_PERMANENT);
}

/* Whichever kind reactivates lifts, and ends the series; whichever does not, does none of it. */
static void what_reactivates_lifts(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * LENGTH(signs); i++) {
        bool reactivates = i % 2 == 1;
        enum event_type sign = signs[i / 2];
        struct world world = world_opted_out();
        enum engagement engagement;

        assert_true(event_engagement(sign, &engagement));
        assert_string_equal(engagement_name(engagement), event_type_name(sign));
        world.settings.engagement[engagement] = (struct engagement_settings){ 700, reactivates };
        assert_int_equal(apply(&world, other(sign, T0 + HOUR)), reactivates ? EFFECT_GOOD : EFFECT_RECORDED);
        assert_int_equal(world.change.kind, reactivates ? CHANGE_LIFT : CHANGE_NONE);
        assert_int_equal(world.lead.engaged, reactivates ? T0 + HOUR : 0);
        assert_int_equal(world.lead.noticed, reactivates ? 0 : T0 + HOUR);
        assert_int_equal(world.lead.cycle, reactivates ? 0 : 1);
        assert_int_equal(world.lead.series, reactivates ? 0 : T0);
    }
}

/* And is activity: within the grace a full mailbox opts nobody out. */
static void what_reactivates_is_activity(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * LENGTH(signs); i++) {
        bool reactivates = i % 2 == 1;
        enum event_type sign = signs[i / 2];
        struct world world = new_world();
        enum engagement engagement;

        assert_true(event_engagement(sign, &engagement));
        world.settings.engagement[engagement] = (struct engagement_settings){ 700, reactivates };
        apply(&world, other(sign, T0));
        apply(&world, bounce(&world, CAUSE_MAILBOX_FULL, T0 + HOUR));
        assert_int_equal(apply(&world, bounce(&world, CAUSE_MAILBOX_FULL, T0 + DAY)),
                         reactivates ? EFFECT_STRIKE : EFFECT_OPTOUT);
    }
}

/* Where only clicks are believed, an open scores and no more. */
static void opens_that_do_not_reactivate(void **state)
{
    struct world world = world_opted_out();
    int64_t score = world.lead.score;

    (void)state;
    world.settings.engagement[ENGAGED_OPEN].reactivates = false;
    assert_int_equal(apply(&world, other(EVENT_OPEN, T0)), EFFECT_RECORDED);
    assert_int_equal(world.change.kind, CHANGE_NONE);
    assert_int_equal(world.lead.score, score + 1000);
    /* The click in the same second is news all the same. */
    assert_int_equal(apply(&world, other(EVENT_CLICK, T0)), EFFECT_GOOD);
    assert_int_equal(world.change.kind, CHANGE_LIFT);
    assert_int_equal(world.lead.score, score + 3000);
}

static void opens_that_put_off_no_sunset(void **state)
{
    (void)state;
    for (int reactivates = 0; reactivates <= 1; reactivates++) {
        struct world world = new_world();

        world.settings.engagement[ENGAGED_OPEN].reactivates = reactivates != 0;
        world.settings.sunset_after = 10 * DAY;
        world.settings.sunset_sends = 1;
        apply(&world, other(EVENT_OPEN, T0));
        apply(&world, other(EVENT_OPEN, T0 + 9 * DAY));
        assert_int_equal(apply(&world, other(EVENT_DELIVERED, T0 + 10 * DAY + 1)),
                         reactivates ? EFFECT_GOOD : EFFECT_OPTOUT);
    }
}

static void a_reply_is_as_a_click(void **state)
{
    struct world click = world_opted_out(), reply = world_opted_out();

    (void)state;
    assert_int_equal(apply(&click, other(EVENT_CLICK, T0 + HOUR)), EFFECT_GOOD);
    assert_int_equal(apply(&reply, other(EVENT_REPLY, T0 + HOUR)), EFFECT_GOOD);
    assert_int_equal(reply.change.kind, CHANGE_LIFT);
    assert_memory_equal(&click.lead, &reply.lead, sizeof(click.lead));
}

/* An operator's opt-out stands, and a refusal too, whatever shows that somebody is there. */
static void signs_of_life_lift_no_word_of_people(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(signs); i++) {
        struct world world = world_opted_out();

        for (int k = 0; k < ENGAGEMENTS; k++)
            world.settings.engagement[k].reactivates = true;
        world.optouts.optout.cause = CAUSE_MANUAL;
        world.optouts.refused = true;
        assert_int_equal(apply(&world, other(signs[i], T0 + HOUR)), EFFECT_GOOD);
        assert_int_equal(world.change.kind, CHANGE_NONE);
    }
}

/* --- deferrals --- */

static struct event deferral(struct world *world, int64_t at)
{
    struct event event = bounce(world, CAUSE_MAILBOX_FULL, at);

    event.type = EVENT_DEFERRED;
    event.status = SPAN("4.2.2");
    event.evidence = SPAN("452 4.2.2 try again later");
    return event;
}

static void a_deferral_is_no_strike(void **state)
{
    struct world world = new_world();

    (void)state;
    for (int64_t i = 0; i < 100; i++) {
        assert_int_equal(apply(&world, deferral(&world, T0 + i * DAY)), EFFECT_RECORDED);
        assert_int_equal(world.change.kind, CHANGE_NONE);
        assert_int_equal(world.lead.strikes, 0);
        assert_int_equal(world.lead.bounced, 0);
        assert_int_equal(world.lead.score, 0);
        assert_int_equal(world.lead.deferred, T0 + i * DAY);
    }
    assert_int_equal(world.lead.seen, T0);
}

/* It neither ends a run of bounces nor stands in its way; that the mail bounces in the end is news. */
static void a_deferral_between_two_bounces(void **state)
{
    struct world world = new_world();
    struct event event;

    (void)state;
    apply(&world, bounce(&world, CAUSE_MAILBOX_FULL, T0));
    apply(&world, deferral(&world, T0 + HOUR));
    assert_int_equal(world.lead.strikes, 1);
    event = bounce(&world, CAUSE_MAILBOX_FULL, T0 + DAY);
    apply(&world, (struct event){ .type = EVENT_DEFERRED, .at = event.at - 60, .message = event.message });
    assert_int_equal(apply(&world, event), EFFECT_OPTOUT);
}

/* What was said last is what the operator sees, until a bounce says more. */
static void a_deferral_keeps_the_last_words(void **state)
{
    struct world world = new_world();
    struct event event;

    (void)state;
    apply(&world, bounce(&world, CAUSE_MAILBOX_FULL, T0));
    apply(&world, deferral(&world, T0 + HOUR));
    assert_string_equal(world.lead.status, "4.2.2");
    assert_string_equal(world.lead.diag, "452 4.2.2 try again later");
    event = bounce(&world, CAUSE_MAILBOX_FULL, T0 + DAY);
    event.status = SPAN("5.2.2");
    event.evidence = SPAN("552 full");
    apply(&world, event);
    assert_string_equal(world.lead.status, "5.2.2");
    assert_string_equal(world.lead.diag, "552 full");
}

/* Older than what is known by now, or as old, it is no news. */
static void a_deferral_that_is_over_is_a_repeat(void **state)
{
    static const enum event_type laters[] = { EVENT_BOUNCE, EVENT_DELIVERED, EVENT_DEFERRED };

    (void)state;
    for (size_t i = 0; i < LENGTH(laters); i++) {
        for (int64_t earlier = 0; earlier <= 1; earlier++) {
            struct world world = new_world();
            struct event later = bounce(&world, CAUSE_NETWORK_ERROR, T0);
            struct lead before;

            later.type = laters[i];
            apply(&world, later);
            before = world.lead;
            assert_int_equal(apply_late(&world, deferral(&world, T0 - earlier), T0 + HOUR), EFFECT_REPEAT);
            assert_memory_equal(&world.lead, &before, sizeof(before));
            assert_int_equal(apply(&world, deferral(&world, T0 + 1)), EFFECT_RECORDED);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_machine_open_changes_nothing),
        cmocka_unit_test(a_machine_open_with_a_weight_scores),
        cmocka_unit_test(a_machine_open_is_no_activity),
        cmocka_unit_test(what_reactivates_lifts),
        cmocka_unit_test(what_reactivates_is_activity),
        cmocka_unit_test(opens_that_do_not_reactivate),
        cmocka_unit_test(opens_that_put_off_no_sunset),
        cmocka_unit_test(a_reply_is_as_a_click),
        cmocka_unit_test(signs_of_life_lift_no_word_of_people),
        cmocka_unit_test(a_deferral_is_no_strike),
        cmocka_unit_test(a_deferral_between_two_bounces),
        cmocka_unit_test(a_deferral_keeps_the_last_words),
        cmocka_unit_test(a_deferral_that_is_over_is_a_repeat),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
