/* SPDX-License-Identifier: BSD-2-Clause */
/* Recent activity, score, sunset and trust (rules 4, 8, 9 and 10), each with its boundaries to the second,
 * and what all rules have to stand: clocks that step back, events out of order, times far away. */
#include "lead/score.h"
#include "lead_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* A world whose lead has that score at that time. */
static struct world world_with_score(int64_t score, int64_t at)
{
    struct world world = new_world();

    world.lead.score = score;
    world.lead.scored = at;
    return world;
}

/* --- Rule 4: recent activity --- */

/* Every cause, at the strike that would suspend, to the second. Hard causes know no grace. */
static void grace_ends_to_the_second(void **state)
{
    (void)state;
    for (int c = CAUSE_USER_UNKNOWN; c <= CAUSE_UNDETERMINED; c++) {
        enum cause cause = (enum cause)c;
        bool soft = cause_info(cause)->hardness == HARDNESS_SOFT;

        for (int64_t late = 0; late <= 1; late++) {
            struct world world = new_world();
            int64_t strikes = world.settings.causes[cause].strikes;
            int64_t last = T0 + world.settings.activity_grace + late;

            if (strikes == 0)
                continue;
            apply(&world, other(EVENT_OPEN, T0));
            for (int64_t before = strikes - 1; before > 0; before--)
                assert_int_equal(apply(&world, bounce(&world, cause, last - before * 6 * HOUR)),
                                 EFFECT_STRIKE);
            assert_int_equal(apply(&world, bounce(&world, cause, last)),
                             soft && late == 0 ? EFFECT_STRIKE : EFFECT_OPTOUT);
            assert_int_equal(world.lead.strikes, soft && late == 0 ? strikes : 0);
        }
    }
}

/* Strikes go on counting in the grace: the first bounce after it suspends. */
static void strikes_of_the_grace_count_after_it(void **state)
{
    struct world world = new_world();
    int64_t grace = world.settings.activity_grace;

    (void)state;
    apply(&world, other(EVENT_CLICK, T0));
    for (int64_t day = 1; day <= 7; day++)
        assert_int_equal(apply(&world, bounce(&world, CAUSE_MAILBOX_FULL, T0 + day * DAY)), EFFECT_STRIKE);
    assert_int_equal(apply(&world, bounce(&world, CAUSE_MAILBOX_FULL, T0 + grace + DAY)), EFFECT_OPTOUT);
    assert_int_equal(world.change.optout.until - world.change.optout.since, 3 * DAY);
}

static void no_grace_where_the_settings_say_so(void **state)
{
    struct world world = new_world();

    (void)state;
    world.settings.activity_grace = 0;
    apply(&world, other(EVENT_CLICK, T0));
    apply(&world, bounce(&world, CAUSE_MAILBOX_FULL, T0 + 1));
    assert_int_equal(apply(&world, bounce(&world, CAUSE_MAILBOX_FULL, T0 + DAY)), EFFECT_OPTOUT);
}

/* --- Rule 8: score --- */

/* Each event's weight, on a lead that nothing is known of. */
static void every_weight(void **state)
{
    static const struct {
        enum event_type type;
        int64_t score;
    } rows[] = {
        { EVENT_DELIVERED, 200 },   { EVENT_OPEN, 1000 },      { EVENT_CLICK, 2000 },
        { EVENT_COMPLAINT, -5000 }, { EVENT_UNSUBSCRIBE, 0 },  { EVENT_RESUBSCRIBE, 0 },
        { EVENT_REPLY, 2000 },      { EVENT_MACHINE_OPEN, 0 }, { EVENT_DEFERRED, 0 },
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct world world = new_world();

        apply(&world, other(rows[i].type, T0));
        assert_int_equal(world.lead.score, rows[i].score);
        assert_int_equal(world.lead.scored, rows[i].score == 0 ? 0 : T0);
    }
}

static void every_weight_of_a_bounce(void **state)
{
    (void)state;
    for (int c = CAUSE_USER_UNKNOWN; c < CAUSES; c++) {
        const struct cause_info *info = cause_info((enum cause)c);
        struct world world = new_world();
        int64_t expected = 0;

        switch (info->fault) {
        case FAULT_LEAD: expected = info->hardness == HARDNESS_HARD ? -5000 : -1000; break;
        case FAULT_TRANSIENT: expected = -1000; break;
        case FAULT_SENDER: expected = -500; break;
        case FAULT_MESSAGE:
        case FAULT_WILL:
        case FAULT_NONE: break;
        }
        apply(&world, bounce(&world, (enum cause)c, T0));
        assert_int_equal(world.lead.score, expected);
    }
}

/* What is no evidence of now does not lower the score either. */
static void only_counted_bounces_weigh(void **state)
{
    struct world world = new_world();

    (void)state;
    apply(&world, bounce(&world, CAUSE_MAILBOX_FULL, T0));
    assert_int_equal(apply(&world, bounce(&world, CAUSE_MAILBOX_FULL, T0 + HOUR)), EFFECT_SPACED);
    assert_int_equal(world.lead.score, -1000);
    world.optouts.optout = (struct optout){ .present = true, .kind = OPTOUT_PERMANENT };
    assert_int_equal(apply(&world, bounce(&world, CAUSE_USER_UNKNOWN, T0 + DAY)), EFFECT_IN_FLIGHT);
    assert_int_equal(world.lead.score, -1000);
}

/* Drift, in thousandths, rounded to the nearest. */
static void half_life_exactly(void **state)
{
    static const struct {
        int64_t score, days, expected;
    } rows[] = {
        { 8000, 0, 8000 },   { 8000, 45, 5657 },   { 8000, 90, 4000 },    { 8000, 180, 2000 },
        { 8000, 270, 1000 }, { -8000, 90, -4000 }, { -10000, 30, -7937 }, { 1, 89, 1 },
        { 1, 91, 0 },        { 0, 90, 0 },         { 10000, 36500, 0 },   { -10000, 36500, 0 },
        { 8000, -1, 8000 },  { 10000, 900, 10 },   { 10000, 365, 601 },
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct world world = world_with_score(rows[i].score, T0);

        assert_int_equal(score_at(&world.settings, &world.lead, T0 + rows[i].days * DAY), rows[i].expected);
    }
}

/* The drift is worked out when the score is touched, and only then. */
static void drift_comes_before_the_weight(void **state)
{
    struct world world = world_with_score(8000, T0);

    (void)state;
    apply(&world, other(EVENT_OPEN, T0 + 90 * DAY));
    assert_int_equal(world.lead.score, 4000 + 1000);
    assert_int_equal(world.lead.scored, T0 + 90 * DAY);
    /* Old news has drifted since it happened. */
    apply_late(&world, other(EVENT_COMPLAINT, T0), T0 + 91 * DAY);
    assert_int_equal(world.lead.score, 5000 - 2500);
    assert_int_equal(world.lead.scored, T0 + 90 * DAY);
}

static void deliveries_alone_reach_their_most(void **state)
{
    struct world world = new_world();

    (void)state;
    for (int64_t i = 1; i <= 15; i++) {
        apply(&world, other(EVENT_DELIVERED, T0 + i));
        assert_int_equal(world.lead.score, i * 200);
    }
    apply(&world, other(EVENT_DELIVERED, T0 + 16));
    assert_int_equal(world.lead.score, 3000);
    /* Near it, up to it; above it, neither up nor down. */
    world = world_with_score(2900, T0);
    apply(&world, other(EVENT_DELIVERED, T0));
    assert_int_equal(world.lead.score, 3000);
    world = world_with_score(3001, T0);
    apply(&world, other(EVENT_DELIVERED, T0));
    assert_int_equal(world.lead.score, 3001);
}

static void score_stays_in_its_bounds(void **state)
{
    static const struct {
        int64_t score, expected;
        enum event_type type;
    } rows[] = {
        { 9000, 10000, EVENT_OPEN },       { 9001, 10000, EVENT_OPEN },
        { 8999, 9999, EVENT_OPEN },        { 8000, 10000, EVENT_CLICK },
        { 10000, 10000, EVENT_CLICK },     { -5000, -10000, EVENT_COMPLAINT },
        { -4999, -9999, EVENT_COMPLAINT }, { -5001, -10000, EVENT_COMPLAINT },
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct world world = world_with_score(rows[i].score, T0);

        apply(&world, other(rows[i].type, T0));
        assert_int_equal(world.lead.score, rows[i].expected);
    }
}

/* At the floor any bounce with a weight opts out, even one that never strikes. */
static void floor_opts_out(void **state)
{
    static const struct {
        int64_t score, floor;
        bool out;
    } rows[] = {
        { -9499, -10000, false }, { -9500, -10000, true }, { -9501, -10000, true },
        { -7499, -8000, false },  { -7500, -8000, true },
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct world world = world_with_score(rows[i].score, T0);
        struct optout *optout = &world.change.optout;

        world.settings.score.floor = rows[i].floor;
        assert_int_equal(apply(&world, bounce(&world, CAUSE_REPUTATION_BLOCK, T0)),
                         rows[i].out ? EFFECT_OPTOUT : EFFECT_RECORDED);
        if (!rows[i].out)
            continue;
        assert_int_equal(optout->kind, OPTOUT_TEMPORARY);
        assert_int_equal(optout->cause, CAUSE_SCORE);
        assert_int_equal(optout->since, T0);
        assert_int_equal(optout->until, T0 + 30 * DAY);
        assert_int_equal(world.lead.since, T0);
        assert_int_equal(world.lead.until, T0 + 30 * DAY);
        /* It is no part of a series of suspensions. */
        assert_int_equal(world.lead.cycle, 0);
        assert_int_equal(world.lead.series, 0);
    }
}

/* Where one bounce leads to an opt-out of its own and to the floor, the graver wins. */
static void graver_wins_over_lighter(void **state)
{
    static const struct {
        enum cause cause;
        int64_t first; /* of the cause */
        enum cause expected;
        enum optout_kind kind;
        int64_t days;
    } rows[] = {
        { CAUSE_USER_UNKNOWN, 0, CAUSE_USER_UNKNOWN, OPTOUT_PERMANENT, 0 },
        { CAUSE_MAILBOX_FULL, 3 * DAY, CAUSE_SCORE, OPTOUT_TEMPORARY, 30 },
        { CAUSE_MAILBOX_FULL, 30 * DAY - 1, CAUSE_SCORE, OPTOUT_TEMPORARY, 30 },
        { CAUSE_MAILBOX_FULL, 30 * DAY, CAUSE_MAILBOX_FULL, OPTOUT_TEMPORARY, 30 },
        { CAUSE_MAILBOX_FULL, 31 * DAY, CAUSE_MAILBOX_FULL, OPTOUT_TEMPORARY, 31 },
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct world world = world_with_score(-10000, T0);
        const struct optout *optout = &world.change.optout;

        world.settings.causes[rows[i].cause].strikes = 1;
        world.settings.causes[rows[i].cause].first = rows[i].first;
        assert_int_equal(apply(&world, bounce(&world, rows[i].cause, T0)), EFFECT_OPTOUT);
        assert_int_equal(optout->cause, rows[i].expected);
        assert_int_equal(optout->kind, rows[i].kind);
        assert_int_equal(optout->until, rows[i].kind == OPTOUT_PERMANENT ? 0 : T0 + rows[i].days * DAY);
        assert_int_equal(world.lead.until, optout->until);
    }
}

/* Nothing that happens to a lead at the floor replaces what an operator has said. */
static void an_operators_optout_stays(void **state)
{
    (void)state;
    for (int type = EVENT_BOUNCE; type <= EVENT_RESUBSCRIBE; type++) {
        struct world world = world_with_score(-10000, T0);
        struct event event = other((enum event_type)type, T0 + 60 * DAY);

        world.settings.sunset_after = DAY;
        world.settings.sunset_sends = 1;
        world.lead.seen = T0;
        world.optouts.optout = (struct optout){
            .present = true, .kind = OPTOUT_TEMPORARY, .cause = CAUSE_MANUAL, .until = T0 + 61 * DAY
        };
        if (type == EVENT_BOUNCE)
            event = bounce(&world, CAUSE_USER_UNKNOWN, event.at);
        apply(&world, event);
        assert_int_not_equal(world.change.kind, CHANGE_OPTOUT);
        assert_int_not_equal(world.change.kind, CHANGE_LIFT);
        assert_true(world.optouts.optout.present);
    }
}

/* Two systems' lists, one after the other: which of them stands. */
static void graver_lists_win(void **state)
{
    static const struct {
        int64_t stands, comes; /* their ends, in days; 0 = for good */
        bool replaced;
    } rows[] = {
        { 10, 11, true }, { 10, 10, false }, { 10, 9, false },
        { 10, 0, true },  { 0, 10, false },  { 0, 0, false },
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct world world = new_world();
        struct event event = other(EVENT_OPTOUT, T0);

        event.cause = CAUSE_MAILBOX_FULL;
        event.until = rows[i].stands == 0 ? 0 : T0 + rows[i].stands * DAY;
        assert_int_equal(apply(&world, event), EFFECT_OPTOUT);
        event.at = T0 + DAY;
        event.until = rows[i].comes == 0 ? 0 : T0 + rows[i].comes * DAY;
        assert_int_equal(apply(&world, event), rows[i].replaced ? EFFECT_OPTOUT : EFFECT_REPEAT);
    }
}

static void an_allowed_lead_is_scored_and_stays(void **state)
{
    struct world world = world_with_score(-9000, T0);

    (void)state;
    world.optouts.allowed = true;
    assert_int_equal(apply(&world, bounce(&world, CAUSE_USER_UNKNOWN, T0)), EFFECT_RECORDED);
    assert_int_equal(world.lead.score, -10000);
    assert_int_equal(world.change.kind, CHANGE_NONE);
}

/* --- Rule 9: sunset --- */

static struct world world_with_sunset(void)
{
    struct world world = new_world();

    world.settings.sunset_sends = 20;
    world.settings.sunset_after = 100 * DAY;
    return world;
}

/* n deliveries, a second apart, from `at` on. */
static void deliver(struct world *world, int64_t n, int64_t at)
{
    for (int64_t i = 0; i < n; i++)
        assert_int_equal(apply(world, other(EVENT_DELIVERED, at + i)), EFFECT_GOOD);
}

static void no_sunset_by_default(void **state)
{
    struct world world = new_world();

    (void)state;
    for (int64_t week = 0; week < 520; week++)
        deliver(&world, 1, T0 + week * 7 * DAY);
    assert_int_equal(world.lead.deliveries, 520);
}

static void sunset_to_the_second_and_the_send(void **state)
{
    static const struct {
        int64_t before; /* deliveries before the one that decides */
        int64_t late;   /* seconds past sunset.after */
        bool out;
    } rows[] = {
        { 18, 1, false }, { 19, 0, false }, { 19, 1, true }, { 20, 0, false }, { 20, 1, true },
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct world world = world_with_sunset();
        int64_t at = T0 + 100 * DAY + rows[i].late;

        deliver(&world, rows[i].before, T0);
        assert_int_equal(apply(&world, other(EVENT_DELIVERED, at)),
                         rows[i].out ? EFFECT_OPTOUT : EFFECT_GOOD);
        if (!rows[i].out)
            continue;
        assert_int_equal(world.change.optout.cause, CAUSE_INACTIVE);
        assert_int_equal(world.change.optout.kind, OPTOUT_TEMPORARY);
        assert_int_equal(world.change.optout.until, at + 30 * DAY);
        assert_int_equal(world.lead.since, at);
        /* Let in again, she is tried again: one mail for each sunset. */
        assert_int_equal(apply(&world, other(EVENT_DELIVERED, at + 30 * DAY)), EFFECT_OPTOUT);
    }
}

/* It counts from the last sign of life, and a sign of life ends it. */
static void engagement_puts_off_the_sunset(void **state)
{
    struct world world = world_with_sunset();
    int64_t open = T0 + 50 * DAY;

    (void)state;
    deliver(&world, 19, T0);
    apply(&world, other(EVENT_OPEN, open));
    assert_int_equal(apply(&world, other(EVENT_DELIVERED, open + 100 * DAY)), EFFECT_GOOD);
    assert_int_equal(apply(&world, other(EVENT_DELIVERED, open + 100 * DAY + 1)), EFFECT_OPTOUT);
    assert_int_equal(apply(&world, other(EVENT_OPEN, open + 101 * DAY)), EFFECT_GOOD);
    assert_int_equal(world.change.kind, CHANGE_LIFT);
    assert_int_equal(apply(&world, other(EVENT_DELIVERED, open + 102 * DAY)), EFFECT_GOOD);
}

static void allowed_leads_see_no_sunset(void **state)
{
    struct world world = world_with_sunset();

    (void)state;
    world.optouts.allowed = true;
    deliver(&world, 20, T0);
    deliver(&world, 20, T0 + 200 * DAY);
}

/* Deliveries that are read a year late leave the lead as if they had been read at once: what was delivered
 * while she was opted out had been in flight. */
static void late_deliveries_equal_live_ones(void **state)
{
    static const int64_t days[] = { 101, 102, 110, 130, 131, 132, 161, 170 };
    struct world live = world_with_sunset(), late = world_with_sunset();

    (void)state;
    deliver(&live, 20, T0);
    deliver(&late, 20, T0);
    for (size_t i = 0; i < LENGTH(days); i++) {
        struct event event = other(EVENT_DELIVERED, T0 + days[i] * DAY);
        enum effect expected = apply(&live, event);

        assert_int_equal(apply_late(&late, event, T0 + 365 * DAY), expected);
    }
    assert_memory_equal(&live.lead, &late.lead, sizeof(live.lead));
    assert_int_equal(live.lead.since, T0 + 161 * DAY);
}

/* --- Rule 10: trust --- */

/* Who engaged within the window, or scores high enough, is believed more than the bounce, once. */
static void trust_to_the_second_and_the_thousandth(void **state)
{
    static const struct {
        int64_t engaged; /* days before the bounce; -1 = never */
        int64_t late;    /* seconds more */
        int64_t score;
        bool doubted;
    } rows[] = {
        { -1, 0, 0, false },    { 90, 0, 0, true },    { 90, 1, 0, false },
        { -1, 0, 4999, false }, { -1, 0, 5000, true }, { 91, 0, 5000, true },
    };
    static const enum cause causes[] = { CAUSE_USER_UNKNOWN, CAUSE_DOMAIN_UNKNOWN, CAUSE_RECIPIENT_MOVED };

    (void)state;
    for (size_t i = 0; i < LENGTH(rows) * LENGTH(causes); i++) {
        size_t row = i / LENGTH(causes);
        enum cause cause = causes[i % LENGTH(causes)];
        struct world world = world_with_score(rows[row].score, T0);
        const struct optout *optout = &world.change.optout;

        if (rows[row].engaged >= 0)
            world.lead.engaged = T0 - rows[row].engaged * DAY - rows[row].late;
        assert_int_equal(apply(&world, bounce(&world, cause, T0)), EFFECT_OPTOUT);
        assert_int_equal(optout->cause, cause);
        assert_int_equal(optout->kind, rows[row].doubted ? OPTOUT_TEMPORARY : OPTOUT_PERMANENT);
        assert_int_equal(optout->until, rows[row].doubted ? T0 + 2 * DAY : 0);
        assert_int_equal(world.lead.doubted, rows[row].doubted ? T0 : 0);
        assert_int_equal(world.lead.strikes, 0);
        /* A doubt is a question: it begins no series. */
        assert_int_equal(world.lead.series, rows[row].doubted ? 0 : T0);
        assert_int_equal(world.lead.cycle, rows[row].doubted ? 0 : 1);
    }
}

/* The score that counts is the one before the bounce, as it has drifted by then. */
static void trust_by_a_score_that_drifted(void **state)
{
    for (int64_t late = 0; late <= 1; late++) {
        struct world world = world_with_score(10000, T0);

        (void)state;
        apply(&world, bounce(&world, CAUSE_USER_UNKNOWN, T0 + 90 * DAY + late * HOUR));
        assert_int_equal(world.change.optout.kind, late == 0 ? OPTOUT_TEMPORARY : OPTOUT_PERMANENT);
    }
}

/* A lead that has opened a mail at T0 and is doubted since. */
static struct world doubted_world(void)
{
    struct world world = new_world();

    apply(&world, other(EVENT_OPEN, T0 - DAY));
    assert_int_equal(apply(&world, bounce(&world, CAUSE_USER_UNKNOWN, T0)), EFFECT_OPTOUT);
    assert_int_equal(world.change.optout.kind, OPTOUT_TEMPORARY);
    return world;
}

static void the_second_hard_bounce_is_believed(void **state)
{
    struct world world = doubted_world();

    (void)state;
    assert_int_equal(apply(&world, bounce(&world, CAUSE_USER_UNKNOWN, T0 + 2 * DAY)), EFFECT_OPTOUT);
    assert_int_equal(world.change.optout.kind, OPTOUT_PERMANENT);
}

/* What had been on its way is the same answer, given twice. */
static void mail_in_flight_answers_no_doubt(void **state)
{
    struct world world = doubted_world();
    struct event event;

    (void)state;
    assert_int_equal(apply(&world, bounce(&world, CAUSE_USER_UNKNOWN, T0 + 1)), EFFECT_IN_FLIGHT);
    assert_int_equal(apply(&world, bounce(&world, CAUSE_USER_UNKNOWN, T0 + 2 * DAY - 1)), EFFECT_IN_FLIGHT);
    event = bounce(&world, CAUSE_USER_UNKNOWN, T0 + 3 * DAY);
    event.sent = T0 - 1;
    assert_int_equal(apply(&world, event), EFFECT_IN_FLIGHT);
    assert_int_equal(world.change.kind, CHANGE_NONE);
    event = bounce(&world, CAUSE_USER_UNKNOWN, T0 + 3 * DAY + 1);
    event.sent = T0;
    assert_int_equal(apply(&world, event), EFFECT_OPTOUT);
    assert_int_equal(world.change.optout.kind, OPTOUT_PERMANENT);
}

/* A sign of life after the doubt answers it; the next one is doubted anew. One from before does not. */
static void a_sign_of_life_answers_the_doubt(void **state)
{
    static const enum event_type types[] = { EVENT_DELIVERED, EVENT_OPEN, EVENT_CLICK };

    (void)state;
    for (size_t i = 0; i < 2 * LENGTH(types); i++) {
        struct world world = doubted_world();
        int64_t after = i % 2 == 0 ? 0 : 1; /* seconds */

        apply_late(&world, other(types[i / 2], T0 + after), T0 + 3 * DAY);
        assert_int_equal(world.lead.doubted, after == 0 ? T0 : 0);
        assert_int_equal(apply(&world, bounce(&world, CAUSE_USER_UNKNOWN, T0 + 4 * DAY)), EFFECT_OPTOUT);
        assert_int_equal(world.change.optout.kind, after == 0 ? OPTOUT_PERMANENT : OPTOUT_TEMPORARY);
    }
}

static void no_doubt_where_the_settings_say_so(void **state)
{
    struct world world = new_world();

    (void)state;
    world.settings.doubt = 0;
    apply(&world, other(EVENT_CLICK, T0 - 1));
    apply(&world, bounce(&world, CAUSE_USER_UNKNOWN, T0));
    assert_int_equal(world.change.optout.kind, OPTOUT_PERMANENT);
}

/* Doubt is for hard bounces: a full mailbox at the end of its series goes the way of all full mailboxes. */
static void soft_causes_are_not_doubted(void **state)
{
    struct world world = world_with_score(10000, T0 + 180 * DAY);

    (void)state;
    world.lead.series = T0;
    world.lead.cycle = 6;
    apply(&world, bounce(&world, CAUSE_MAILBOX_FULL, T0 + 180 * DAY));
    assert_int_equal(apply(&world, bounce(&world, CAUSE_MAILBOX_FULL, T0 + 181 * DAY)), EFFECT_OPTOUT);
    assert_int_equal(world.change.optout.kind, OPTOUT_PERMANENT);
}

/* --- All rules --- */

/* A suspension is over in the second in which it ends, for what is heard of then, too. */
static void suspensions_end_to_the_second(void **state)
{
    (void)state;
    for (int64_t late = -1; late <= 0; late++) {
        struct world world = new_world();
        int64_t until = T0 + 4 * DAY;

        apply(&world, bounce(&world, CAUSE_MAILBOX_FULL, T0));
        apply(&world, bounce(&world, CAUSE_MAILBOX_FULL, T0 + DAY));
        assert_int_equal(world.lead.until, until);
        assert_int_equal(apply_late(&world, bounce(&world, CAUSE_MAILBOX_FULL, until + late), until),
                         late < 0 ? EFFECT_IN_FLIGHT : EFFECT_STRIKE);
    }
}

/* The last suspension of a series ends with it; then, to the second, the next is for good. */
static void series_end_to_the_second(void **state)
{
    (void)state;
    for (int64_t left = 1; left >= 0; left--) {
        struct world world = new_world();
        int64_t end = T0 + 180 * DAY;

        world.lead.series = T0;
        world.lead.cycle = 6;
        apply(&world, bounce(&world, CAUSE_MAILBOX_FULL, end - DAY));
        assert_int_equal(apply(&world, bounce(&world, CAUSE_MAILBOX_FULL, end - left)), EFFECT_OPTOUT);
        assert_int_equal(world.change.optout.kind, left > 0 ? OPTOUT_TEMPORARY : OPTOUT_PERMANENT);
        assert_int_equal(world.change.optout.until, left > 0 ? end : 0);
    }
}

/* A delivery past the series' end, from before the opt-out and heard of late, takes nothing back of it. */
static void an_old_delivery_ends_no_series(void **state)
{
    (void)state;
    for (int64_t late = -1; late <= 0; late++) {
        struct world world = new_world();

        world.lead.series = T0;
        world.lead.cycle = 6;
        world.lead.since = world.lead.struck = T0 + 200 * DAY;
        apply_late(&world, other(EVENT_DELIVERED, world.lead.since + late), T0 + 201 * DAY);
        assert_int_equal(world.lead.series, late < 0 ? T0 : 0);
        assert_int_equal(world.lead.cycle, late < 0 ? 6 : 0);
    }
}

/* No message was sent after it bounced, whatever its Date field says. */
static void a_date_in_the_future_is_not_believed(void **state)
{
    struct world world = new_world();
    struct event event = other(EVENT_OPTOUT, T0);

    (void)state;
    event.cause = CAUSE_MANUAL;
    apply(&world, event);
    world.optouts.optout.present = false; /* DEL */
    event = bounce(&world, CAUSE_MAILBOX_FULL, T0 - 1);
    event.sent = T0 + 1;
    assert_int_equal(apply_late(&world, event, T0 + DAY), EFFECT_IN_FLIGHT);
}

/* An operator's SET leaves no trace in the history: its flush says nothing of what had been before. */
static void flushing_what_was_set_by_hand(void **state)
{
    struct world world = new_world();

    (void)state;
    world.optouts.optout =
        (struct optout){ .present = true, .kind = OPTOUT_PERMANENT, .cause = CAUSE_MANUAL };
    assert_int_equal(apply(&world, other(EVENT_FLUSH, T0)), EFFECT_GOOD);
    assert_int_equal(apply_late(&world, bounce(&world, CAUSE_MAILBOX_FULL, T0 - DAY), T0 + 1), EFFECT_STRIKE);
}

/* What is over when it is said has not been said. */
static void an_optout_that_is_over(void **state)
{
    struct world world = new_world();
    struct event event = other(EVENT_OPTOUT, T0);

    (void)state;
    event.cause = CAUSE_MANUAL;
    event.until = T0 + DAY;
    assert_int_equal(apply_late(&world, event, T0 + DAY), EFFECT_REPEAT);
    assert_int_equal(apply_late(&world, event, T0 + DAY - 1), EFFECT_OPTOUT);
}

/* Every suspension gets its jitter: the doubt and the rests, too. */
static void every_suspension_has_jitter(void **state)
{
    static const enum cause causes[] = { CAUSE_USER_UNKNOWN, CAUSE_SCORE, CAUSE_INACTIVE };

    (void)state;
    for (size_t i = 0; i < LENGTH(causes); i++) {
        int64_t shortest = INT64_MAX, longest = 0,
                length = causes[i] == CAUSE_USER_UNKNOWN ? 2 * DAY : 30 * DAY;

        for (int64_t n = 0; n < 200; n++) {
            struct world world = new_world();
            struct event event = bounce(&world, CAUSE_USER_UNKNOWN, T0 + n);
            int64_t took;

            world.settings.jitter = 5;
            world.settings.sunset_after = world.settings.sunset_sends = 1;
            world.lead.seen = T0 - DAY;
            if (causes[i] == CAUSE_USER_UNKNOWN)
                world.lead.engaged = T0 - 1;
            if (causes[i] == CAUSE_SCORE)
                event.cause = CAUSE_REPUTATION_BLOCK;
            world.lead.score = causes[i] == CAUSE_SCORE ? -10000 : 0;
            world.lead.scored = T0;
            if (causes[i] == CAUSE_INACTIVE)
                event.type = EVENT_DELIVERED;
            assert_int_equal(apply(&world, event), EFFECT_OPTOUT);
            assert_int_equal(world.change.optout.cause, causes[i]);
            took = world.change.optout.until - event.at;
            shortest = took < shortest ? took : shortest;
            longest = took > longest ? took : longest;
        }
        /* 200 draws come close to both ends. */
        assert_in_range(shortest, length, length + length / 200);
        assert_in_range(longest, length + length * 9 / 200, length + length / 20);
    }
}

/* The clock steps back an hour: what happens meanwhile looks old and is left out; nothing is undone, and
 * afterwards all goes on. */
static void a_clock_that_steps_back(void **state)
{
    static const enum event_type types[] = { EVENT_BOUNCE, EVENT_DELIVERED, EVENT_OPEN, EVENT_CLICK };

    (void)state;
    for (size_t i = 0; i < LENGTH(types); i++) {
        struct world world = new_world();
        struct lead before;
        struct event event = bounce(&world, CAUSE_NETWORK_ERROR, T0);

        event.type = types[i];
        apply(&world, event);
        before = world.lead;
        event = bounce(&world, CAUSE_NETWORK_ERROR, T0 - HOUR);
        event.type = types[i];
        assert_int_equal(apply(&world, event), EFFECT_REPEAT);
        /* Another machine's clock is still ahead. */
        event.at = T0 + DAY;
        assert_int_equal(apply_late(&world, event, T0 - HOUR), EFFECT_REPEAT);
        assert_memory_equal(&before, &world.lead, sizeof(before));
        assert_int_not_equal(apply(&world, event), EFFECT_REPEAT);
    }
}

/* An opt-out may have been made by a clock that was ahead: her lead stays in until the key ends. */
static void an_optout_from_the_future(void **state)
{
    struct world world = new_world();

    (void)state;
    world.lead.since = T0 + DAY;
    world.lead.until = T0 + 4 * DAY;
    assert_int_equal(apply(&world, bounce(&world, CAUSE_MAILBOX_FULL, T0)), EFFECT_IN_FLIGHT);
    assert_int_equal(apply(&world, bounce(&world, CAUSE_MAILBOX_FULL, T0 + 5 * DAY)), EFFECT_STRIKE);
}

/* What came before the strike, or before the opt-out, takes nothing of it back, whenever it is heard of. */
static void old_signs_of_life_take_nothing_back(void **state)
{
    static const enum event_type types[] = { EVENT_DELIVERED, EVENT_OPEN, EVENT_CLICK };

    (void)state;
    for (size_t i = 0; i < LENGTH(types); i++) {
        struct world world = new_world();

        apply(&world, bounce(&world, CAUSE_NETWORK_ERROR, T0));
        apply_late(&world, other(types[i], T0 - 1), T0 + 1);
        assert_int_equal(world.lead.strikes, 1);
        apply_late(&world, other(types[i], T0), T0 + 1);
        assert_int_equal(world.lead.strikes, 0);
    }
}

/* The provider is who runs the server that answers for her; who passes a complaint on is taken for that only
 * as long as none has. */
static void a_complaint_and_the_provider(void **state)
{
    struct world world = new_world();
    struct event complaint = other(EVENT_COMPLAINT, T0), delivery = other(EVENT_DELIVERED, T0 + 60);

    (void)state;
    complaint.provider = SPAN("hotmail.com");
    assert_int_equal(apply(&world, complaint), EFFECT_WILL);
    assert_string_equal(world.lead.provider, "hotmail.com");
    delivery.provider = SPAN("outlook.com");
    assert_int_equal(apply(&world, delivery), EFFECT_GOOD);
    assert_string_equal(world.lead.provider, "outlook.com");
    complaint.at = T0 + DAY;
    assert_int_equal(apply(&world, complaint), EFFECT_WILL);
    assert_string_equal(world.lead.provider, "outlook.com");
}

/* A complaint after an unsubscribe, or after another complaint, is news; a resubscribe from before it, heard
 * of late, does not answer it. */
static void a_new_complaint_is_news(void **state)
{
    static const enum event_type firsts[] = { EVENT_UNSUBSCRIBE, EVENT_COMPLAINT };

    (void)state;
    for (size_t i = 0; i < LENGTH(firsts); i++) {
        struct world world = new_world();
        int64_t score;

        assert_int_equal(apply(&world, other(firsts[i], T0)), EFFECT_WILL);
        score = world.lead.score;
        assert_int_equal(apply(&world, other(EVENT_COMPLAINT, T0)), EFFECT_REPEAT);
        assert_int_equal(apply(&world, other(EVENT_COMPLAINT, T0 + 10)), EFFECT_WILL);
        assert_int_equal(world.change.kind, CHANGE_REFUSE);
        assert_int_equal(world.lead.score, score - 5000);
        assert_int_equal(apply(&world, other(EVENT_UNSUBSCRIBE, T0 + 11)), EFFECT_REPEAT);
        assert_int_equal(apply_late(&world, other(EVENT_RESUBSCRIBE, T0 + 9), T0 + DAY), EFFECT_REPEAT);
        assert_int_equal(apply_late(&world, other(EVENT_RESUBSCRIBE, T0 + 11), T0 + DAY), EFFECT_WILL);
    }
    /* In the same second the resubscribe wins. */
    struct world same = new_world();
    assert_int_equal(apply(&same, other(EVENT_UNSUBSCRIBE, T0)), EFFECT_WILL);
    assert_int_equal(apply(&same, other(EVENT_RESUBSCRIBE, T0)), EFFECT_WILL);
    assert_int_equal(same.change.kind, CHANGE_ACCEPT);
    /* An operator's words without a time are not written over. */
    struct world world = new_world();
    world.optouts.refused = true;
    assert_int_equal(apply(&world, other(EVENT_COMPLAINT, T0)), EFFECT_REPEAT);
}

/* An open that is heard of after the suspension it would have lifted: what bounced behind it counts. */
static void a_late_open_lifts_in_the_past(void **state)
{
    struct world world = new_world();
    int64_t now = T0 + 30 * DAY;

    (void)state;
    apply_late(&world, bounce(&world, CAUSE_MAILBOX_FULL, T0), now);
    assert_int_equal(apply_late(&world, bounce(&world, CAUSE_MAILBOX_FULL, T0 + DAY), now), EFFECT_OPTOUT);
    assert_int_equal(world.lead.until, T0 + 4 * DAY);
    apply_late(&world, other(EVENT_OPEN, T0 + 2 * DAY), now);
    assert_int_equal(world.change.kind, CHANGE_NONE);
    assert_int_equal(world.lead.until, T0 + 2 * DAY);
    assert_int_equal(apply_late(&world, bounce(&world, CAUSE_MAILBOX_FULL, T0 + 3 * DAY), now),
                     EFFECT_STRIKE);
}

/* First seen is the first that happened, not the first that was heard of. */
static void first_seen_whatever_the_order(void **state)
{
    struct world world = new_world();

    (void)state;
    apply(&world, other(EVENT_DELIVERED, T0 + DAY));
    assert_int_equal(world.lead.seen, T0 + DAY);
    apply_late(&world, other(EVENT_OPEN, T0), T0 + 2 * DAY);
    assert_int_equal(world.lead.seen, T0);
    apply(&world, other(EVENT_OPEN, T0 + 3 * DAY));
    assert_int_equal(world.lead.seen, T0);
}

static int64_t moved(int64_t time, int64_t by)
{
    return time == 0 ? 0 : time - by;
}

/* A history means the same in every century. */
static void times_far_away(void **state)
{
    static const struct {
        enum event_type type;
        enum cause cause;
        int64_t hours;
    } rows[] = {
        { EVENT_DELIVERED, CAUSE_NONE, 0 },        { EVENT_OPEN, CAUSE_NONE, 1 },
        { EVENT_BOUNCE, CAUSE_USER_UNKNOWN, 24 },  { EVENT_DELIVERED, CAUSE_NONE, 96 },
        { EVENT_BOUNCE, CAUSE_MAILBOX_FULL, 300 }, { EVENT_BOUNCE, CAUSE_MAILBOX_FULL, 324 },
        { EVENT_BOUNCE, CAUSE_MAILBOX_FULL, 400 }, { EVENT_BOUNCE, CAUSE_MAILBOX_FULL, 424 },
        { EVENT_COMPLAINT, CAUSE_NONE, 430 },      { EVENT_RESUBSCRIBE, CAUSE_NONE, 440 },
        { EVENT_BOUNCE, CAUSE_SPAM_BLOCK, 9000 },
    };
    static const int64_t shifts[] = { INT64_C(1) << 32, INT64_C(1) << 40, INT64_C(1) << 60 };

    (void)state;
    for (size_t s = 0; s < LENGTH(shifts); s++) {
        struct world near = new_world(), far = new_world();

        for (size_t i = 0; i < LENGTH(rows); i++) {
            struct event event = bounce(&near, rows[i].cause, T0 + rows[i].hours * HOUR);
            enum effect expected;

            event.type = rows[i].type;
            expected = apply(&near, event);
            event.at += shifts[s];
            event.sent += shifts[s];
            assert_int_equal(apply(&far, event), expected);
            assert_int_equal(moved(far.lead.until, shifts[s]), near.lead.until);
            assert_int_equal(moved(far.lead.series, shifts[s]), near.lead.series);
            assert_int_equal(moved(far.lead.doubted, shifts[s]), near.lead.doubted);
            assert_int_equal(far.lead.score, near.lead.score);
            assert_int_equal(far.lead.cycle, near.lead.cycle);
        }
        assert_int_equal(near.lead.cycle, 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grace_ends_to_the_second),
        cmocka_unit_test(strikes_of_the_grace_count_after_it),
        cmocka_unit_test(no_grace_where_the_settings_say_so),
        cmocka_unit_test(every_weight),
        cmocka_unit_test(every_weight_of_a_bounce),
        cmocka_unit_test(only_counted_bounces_weigh),
        cmocka_unit_test(half_life_exactly),
        cmocka_unit_test(drift_comes_before_the_weight),
        cmocka_unit_test(deliveries_alone_reach_their_most),
        cmocka_unit_test(score_stays_in_its_bounds),
        cmocka_unit_test(floor_opts_out),
        cmocka_unit_test(graver_wins_over_lighter),
        cmocka_unit_test(an_operators_optout_stays),
        cmocka_unit_test(graver_lists_win),
        cmocka_unit_test(an_allowed_lead_is_scored_and_stays),
        cmocka_unit_test(no_sunset_by_default),
        cmocka_unit_test(sunset_to_the_second_and_the_send),
        cmocka_unit_test(engagement_puts_off_the_sunset),
        cmocka_unit_test(allowed_leads_see_no_sunset),
        cmocka_unit_test(late_deliveries_equal_live_ones),
        cmocka_unit_test(trust_to_the_second_and_the_thousandth),
        cmocka_unit_test(trust_by_a_score_that_drifted),
        cmocka_unit_test(the_second_hard_bounce_is_believed),
        cmocka_unit_test(mail_in_flight_answers_no_doubt),
        cmocka_unit_test(a_sign_of_life_answers_the_doubt),
        cmocka_unit_test(no_doubt_where_the_settings_say_so),
        cmocka_unit_test(soft_causes_are_not_doubted),
        cmocka_unit_test(suspensions_end_to_the_second),
        cmocka_unit_test(series_end_to_the_second),
        cmocka_unit_test(an_old_delivery_ends_no_series),
        cmocka_unit_test(a_date_in_the_future_is_not_believed),
        cmocka_unit_test(flushing_what_was_set_by_hand),
        cmocka_unit_test(an_optout_that_is_over),
        cmocka_unit_test(every_suspension_has_jitter),
        cmocka_unit_test(a_clock_that_steps_back),
        cmocka_unit_test(an_optout_from_the_future),
        cmocka_unit_test(old_signs_of_life_take_nothing_back),
        cmocka_unit_test(a_new_complaint_is_news),
        cmocka_unit_test(a_complaint_and_the_provider),
        cmocka_unit_test(a_late_open_lifts_in_the_past),
        cmocka_unit_test(first_seen_whatever_the_order),
        cmocka_unit_test(times_far_away),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
