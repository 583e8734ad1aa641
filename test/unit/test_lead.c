/* SPDX-License-Identifier: BSD-2-Clause */
/* The rules of the lifecycle, as histories: each row is one event and what it must do to the lead that the
 * rows before it made. */
#include "lead_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Design, section 4: a full mailbox gets 8 of 30 daily mails, on these days. With the longest jitter, too. */
static void worked_example(void **state)
{
    static const int64_t expected[] = { 1, 2, 6, 7, 14, 15, 28, 29 };

    (void)state;
    for (int64_t jitter = 0; jitter <= 5; jitter += 5) {
        struct world world = new_world();
        size_t sent = 0;

        world.settings.jitter = jitter;
        for (int64_t day = 1; day <= 30; day++) {
            int64_t now = T0 + day * DAY;

            if (is_opted_out(&world, now))
                continue;
            assert_true(sent < 8);
            assert_int_equal(day, expected[sent++]);
            apply(&world, bounce(&world, CAUSE_MAILBOX_FULL, now + 60));
        }
        assert_int_equal(sent, 8);
        assert_int_equal(world.lead.cycle, 4);
    }
}

/* Each cause with the numbers of design section 3: that many strikes, that long, that end. */
static void every_cause_by_its_numbers(void **state)
{
    (void)state;
    for (int c = CAUSE_USER_UNKNOWN; c <= CAUSE_UNDETERMINED; c++) {
        enum cause cause = (enum cause)c;
        struct world world = new_world();
        const struct cause_settings *numbers = &world.settings.causes[cause];
        int64_t at = T0;

        for (int64_t strike = 1; strike < numbers->strikes; strike++, at += DAY)
            assert_int_equal(apply(&world, bounce(&world, cause, at)), EFFECT_STRIKE);
        if (numbers->strikes == 0) {
            for (int i = 0; i < 20; i++, at += DAY)
                assert_int_equal(apply(&world, bounce(&world, cause, at)), EFFECT_RECORDED);
            continue;
        }
        assert_int_equal(apply(&world, bounce(&world, cause, at)), EFFECT_OPTOUT);
        assert_int_equal(world.change.optout.cause, cause);
        assert_int_equal(world.change.optout.since, at);
        if (numbers->first == 0) {
            assert_int_equal(world.change.optout.kind, OPTOUT_PERMANENT);
        } else {
            assert_int_equal(world.change.optout.kind, OPTOUT_TEMPORARY);
            assert_int_equal(world.change.optout.until, at + numbers->first);
        }
    }
}

/* Strikes until the next opt-out; the time after it ended. */
static int64_t suspend_once(struct world *world, enum cause cause, int64_t at)
{
    enum effect effect;

    do {
        effect = apply(world, bounce(world, cause, at));
        at += DAY;
    } while (effect == EFFECT_STRIKE);
    assert_int_equal(effect, EFFECT_OPTOUT);
    return world->change.optout.kind == OPTOUT_PERMANENT ? 0 : world->change.optout.until;
}

/* Rules 5 and 6: doubling, never past the series' end, then permanent. */
static void series_ends_in_permanence(void **state)
{
    struct world world = new_world();
    int64_t end, at = T0, length, before = 0;

    (void)state;
    at = suspend_once(&world, CAUSE_MAILBOX_FULL, at);
    end = world.lead.series + world.settings.series_limit;
    while (at < end) {
        length = world.change.optout.until - world.change.optout.since;
        assert_true(length == 2 * before || before == 0 || at == end);
        before = length;
        at = suspend_once(&world, CAUSE_MAILBOX_FULL, at);
        assert_true(at <= end);
        if (at == 0)
            break;
    }
    if (at != 0)
        assert_int_equal(suspend_once(&world, CAUSE_MAILBOX_FULL, at), 0);
    assert_int_equal(world.optouts.optout.kind, OPTOUT_PERMANENT);
    assert_true(world.lead.since >= end);
}

/* Rule 6, second half: the sender's fault never ends for good. */
static void senders_fault_stays_at_the_longest(void **state)
{
    struct world world = new_world();
    int64_t at = T0, length = 0;

    (void)state;
    for (int i = 0; i < 40; i++) {
        at = suspend_once(&world, CAUSE_SPAM_BLOCK, at);
        assert_int_not_equal(at, 0);
        length = world.change.optout.until - world.change.optout.since;
        assert_true(length <= world.settings.longest);
    }
    assert_int_equal(length, world.settings.longest);
}

/* Jitter is only ever longer, bounded, the same at each replay, and differs between leads. */
static void jitter_spreads_a_cohort(void **state)
{
    int64_t first_until = 0;
    bool differ = false;

    (void)state;
    for (int i = 0; i < 100; i++) {
        struct world world = new_world(), again;
        struct event event = bounce(&world, CAUSE_MAILBOX_FULL, T0 + DAY);
        int64_t length;

        world.settings.jitter = 5;
        apply(&world, bounce(&world, CAUSE_MAILBOX_FULL, T0));
        event = bounce(&world, CAUSE_MAILBOX_FULL, T0 + DAY);
        snprintf(event.lead.text, sizeof(event.lead.text), "lead%d@example.com", i);
        event.lead.n = strlen(event.lead.text);
        again = world;
        assert_int_equal(apply(&world, event), EFFECT_OPTOUT);
        length = world.change.optout.until - event.at;
        assert_in_range(length, 3 * DAY, 3 * DAY + 3 * DAY / 20);
        apply(&again, event);
        assert_int_equal(again.change.optout.until, world.change.optout.until);
        differ |= first_until != 0 && first_until != world.change.optout.until;
        first_until = world.change.optout.until;
    }
    assert_true(differ);
}

/* Rule 1: the same event, an older one, the same message from another source. */
static void repeats_change_nothing(void **state)
{
    struct world world = new_world();
    struct event first = bounce(&world, CAUSE_MAILBOX_FULL, T0);
    struct lead before;

    (void)state;
    first.message = SPAN("campaign-1@example.org");
    assert_int_equal(apply(&world, first), EFFECT_STRIKE);
    before = world.lead;
    assert_int_equal(apply_late(&world, first, T0 + 30 * DAY), EFFECT_REPEAT);
    first.at = T0 - 1;
    assert_int_equal(apply_late(&world, first, T0 + 30 * DAY), EFFECT_REPEAT);
    first.at = T0 + DAY; /* the log saw it later than the report says */
    assert_int_equal(apply(&world, first), EFFECT_REPEAT);
    assert_memory_equal(&before, &world.lead, sizeof(before));
    first.message = SPAN("campaign-2@example.org");
    assert_int_equal(apply(&world, first), EFFECT_OPTOUT);
}

/* A report that the milter is given twice has another time each time; it counts once, also where it is no
 * strike. */
static void a_report_given_twice(void **state)
{
    struct world world = new_world();
    struct event event = bounce(&world, CAUSE_REPUTATION_BLOCK, T0);
    struct lead before;

    (void)state;
    assert_int_equal(apply(&world, event), EFFECT_RECORDED);
    before = world.lead;
    event.at += 60;
    assert_int_equal(apply(&world, event), EFFECT_REPEAT);
    assert_memory_equal(&before, &world.lead, sizeof(before));
    event = bounce(&world, CAUSE_MAILBOX_FULL, T0 + DAY);
    assert_int_equal(apply(&world, event), EFFECT_STRIKE);
    event = bounce(&world, CAUSE_MAILBOX_FULL, T0 + DAY + HOUR);
    assert_int_equal(apply(&world, event), EFFECT_SPACED);
    event.at += 7 * HOUR;
    assert_int_equal(apply(&world, event), EFFECT_REPEAT);
}

/* A Message-ID that is too long to keep is still told from its neighbour. */
static void long_message_ids_differ(void **state)
{
    static const char a[] =
        "0123456789012345678901234567890123456789012345678901234567890123456789.a@example.org";
    static const char b[] =
        "0123456789012345678901234567890123456789012345678901234567890123456789.b@example.org";
    struct world world = new_world();
    struct event event = bounce(&world, CAUSE_MAILBOX_FULL, T0);

    (void)state;
    event.message = span_of(a);
    assert_int_equal(apply(&world, event), EFFECT_STRIKE);
    event.at += DAY;
    assert_int_equal(apply(&world, event), EFFECT_REPEAT);
    event.message = span_of(b);
    assert_int_equal(apply(&world, event), EFFECT_OPTOUT);
}

/* Rule 2, to the second: sent before the opt-out began is old evidence, whenever it comes. */
static void in_flight_mail_is_no_strike(void **state)
{
    struct world world = new_world();
    struct event event;
    int64_t since, until;

    (void)state;
    until = suspend_once(&world, CAUSE_MAILBOX_FULL, T0);
    since = world.lead.since;
    assert_int_equal(apply(&world, bounce(&world, CAUSE_MAILBOX_FULL, since + HOUR)), EFFECT_IN_FLIGHT);
    event = bounce(&world, CAUSE_MAILBOX_FULL, until + DAY);
    event.sent = since - 1;
    assert_int_equal(apply(&world, event), EFFECT_IN_FLIGHT);
    assert_int_equal(world.lead.strikes, 0);
    assert_int_equal(world.lead.bounced, until + DAY);
    event = bounce(&world, CAUSE_MAILBOX_FULL, until + DAY + 1);
    event.sent = since;
    assert_int_equal(apply(&world, event), EFFECT_STRIKE);
}

/* A mailbox read a month late leaves the lead as if it had been read at once. */
static void late_history_equals_live_history(void **state)
{
    static const int64_t hours[] = { 0, 24, 30, 50, 97, 121, 145, 200, 400, 420, 500, 700 };
    struct world live = new_world(), late = new_world();

    (void)state;
    for (size_t i = 0; i < sizeof(hours) / sizeof(hours[0]); i++) {
        int64_t at = T0 + hours[i] * HOUR;
        enum effect expected = apply(&live, bounce(&live, CAUSE_MAILBOX_FULL, at));

        assert_int_equal(apply_late(&late, bounce(&late, CAUSE_MAILBOX_FULL, at), T0 + 60 * DAY), expected);
    }
    assert_memory_equal(&live.lead, &late.lead, sizeof(live.lead));
    assert_true(live.lead.cycle >= 2);
}

/* An operator's DEL lets her in at once: what bounces then is a strike again. */
static void early_flush_is_respected(void **state)
{
    struct world world = new_world();
    int64_t since;

    (void)state;
    suspend_once(&world, CAUSE_MAILBOX_FULL, T0);
    since = world.lead.since;
    world.optouts.optout.present = false;
    assert_int_equal(apply(&world, bounce(&world, CAUSE_MAILBOX_FULL, since + 12 * HOUR)), EFFECT_STRIKE);
}

/* Rule 3: spacing to the second, from the last strike and not from the last bounce. */
static void close_bounces_are_one_strike(void **state)
{
    struct world world = new_world();

    (void)state;
    world.settings.causes[CAUSE_MAILBOX_FULL].strikes = 10;
    assert_int_equal(apply(&world, bounce(&world, CAUSE_MAILBOX_FULL, T0)), EFFECT_STRIKE);
    assert_int_equal(apply(&world, bounce(&world, CAUSE_MAILBOX_FULL, T0 + 5 * HOUR)), EFFECT_SPACED);
    assert_int_equal(apply(&world, bounce(&world, CAUSE_MAILBOX_FULL, T0 + 6 * HOUR - 1)), EFFECT_SPACED);
    assert_int_equal(apply(&world, bounce(&world, CAUSE_MAILBOX_FULL, T0 + 6 * HOUR)), EFFECT_STRIKE);
    assert_int_equal(world.lead.strikes, 2);
    /* "no such user" an hour after "mailbox full" is news. */
    assert_int_equal(apply(&world, bounce(&world, CAUSE_USER_UNKNOWN, T0 + 7 * HOUR)), EFFECT_OPTOUT);
}

static void another_cause_starts_a_new_run(void **state)
{
    struct world world = new_world();

    (void)state;
    for (int64_t day = 0; day < 8; day++) {
        enum cause cause = day % 2 == 0 ? CAUSE_MAILBOX_FULL : CAUSE_MAILBOX_DISABLED;

        assert_int_equal(apply(&world, bounce(&world, cause, T0 + day * DAY)), EFFECT_STRIKE);
        assert_int_equal(world.lead.strikes, 1);
    }
    /* The sender's own trouble in between breaks no run. */
    assert_int_equal(apply(&world, bounce(&world, CAUSE_REPUTATION_BLOCK, T0 + 8 * DAY)), EFFECT_RECORDED);
    assert_int_equal(apply(&world, bounce(&world, CAUSE_MAILBOX_DISABLED, T0 + 9 * DAY)), EFFECT_OPTOUT);
}

static void a_delivery_ends_the_run(void **state)
{
    struct world world = new_world();

    (void)state;
    apply(&world, bounce(&world, CAUSE_MAILBOX_FULL, T0));
    assert_int_equal(apply(&world, other(EVENT_DELIVERED, T0 + DAY)), EFFECT_GOOD);
    assert_int_equal(world.lead.strikes, 0);
    assert_int_equal(apply(&world, other(EVENT_DELIVERED, T0 + DAY)), EFFECT_REPEAT);
    assert_int_equal(apply(&world, bounce(&world, CAUSE_MAILBOX_FULL, T0 + 2 * DAY)), EFFECT_STRIKE);
    /* A delivery that was before the strike takes nothing back. */
    assert_int_equal(apply_late(&world, other(EVENT_DELIVERED, T0 + DAY + 1), T0 + 3 * DAY), EFFECT_GOOD);
    assert_int_equal(world.lead.strikes, 1);
}

/* A fault long after a good year is a first fault again. */
static void a_delivery_past_the_limit_ends_the_series(void **state)
{
    struct world world = new_world();
    int64_t year = T0 + 365 * DAY;

    (void)state;
    suspend_once(&world, CAUSE_MAILBOX_FULL, T0);
    apply(&world, other(EVENT_DELIVERED, world.lead.series + 180 * DAY - 1));
    assert_int_equal(world.lead.cycle, 1);
    apply(&world, other(EVENT_DELIVERED, world.lead.series + 180 * DAY));
    assert_int_equal(world.lead.cycle, 0);
    assert_int_not_equal(suspend_once(&world, CAUSE_MAILBOX_FULL, year), 0);
    assert_int_equal(world.change.optout.until - world.change.optout.since, 3 * DAY);
}

/* Rule 7: a click lifts temporary and permanent opt-outs, but not an operator's and never the recipient's
 * will. */
static void engagement_lets_in(void **state)
{
    static const struct {
        enum optout_kind kind;
        enum cause cause;
        bool lifted;
    } rows[] = {
        { OPTOUT_TEMPORARY, CAUSE_MAILBOX_FULL, true },
        { OPTOUT_PERMANENT, CAUSE_USER_UNKNOWN, true },
        { OPTOUT_TEMPORARY, CAUSE_MANUAL, false },
        { OPTOUT_PERMANENT, CAUSE_MANUAL, false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct world world = new_world();

        world.lead =
            (struct lead){ .cycle = 3, .strikes = 1, .series = T0, .since = T0, .cause = rows[i].cause };
        world.optouts.refused = true;
        world.optouts.optout = (struct optout){
            .present = true, .kind = rows[i].kind, .cause = rows[i].cause, .since = T0, .until = T0 + 9 * DAY
        };
        assert_int_equal(apply(&world, other(i % 2 == 0 ? EVENT_CLICK : EVENT_OPEN, T0 + DAY)), EFFECT_GOOD);
        assert_int_equal(world.change.kind, rows[i].lifted ? CHANGE_LIFT : CHANGE_NONE);
        assert_int_equal(world.lead.cycle, 0);
        assert_int_equal(world.lead.series, 0);
        assert_int_equal(world.lead.strikes, 0);
        assert_true(world.optouts.refused);
    }
}

/* Old news: a click that was made before the opt-out began. */
static void an_old_click_lifts_nothing(void **state)
{
    struct world world = new_world();

    (void)state;
    suspend_once(&world, CAUSE_MAILBOX_FULL, T0);
    apply_late(&world, other(EVENT_CLICK, world.lead.since - 1), world.lead.since + HOUR);
    assert_int_equal(world.change.kind, CHANGE_NONE);
    apply_late(&world, other(EVENT_CLICK, world.lead.since), world.lead.since + HOUR);
    assert_int_equal(world.change.kind, CHANGE_LIFT);
}

/* Rule 11: recorded, never opted out, and no strike waits for the end of the whitelisting. */
static void allowed_leads_stay(void **state)
{
    struct world world = new_world();

    (void)state;
    world.optouts.allowed = true;
    for (int64_t day = 0; day < 50; day++)
        assert_int_equal(apply(&world, bounce(&world, CAUSE_USER_UNKNOWN, T0 + day * DAY)), EFFECT_RECORDED);
    assert_int_equal(world.lead.bounced, T0 + 49 * DAY);
    assert_int_equal(world.lead.strikes, 0);
}

/* Rule 12. */
static void the_recipients_will(void **state)
{
    struct world world = new_world();

    (void)state;
    assert_int_equal(apply(&world, other(EVENT_COMPLAINT, T0)), EFFECT_WILL);
    assert_int_equal(world.change.kind, CHANGE_REFUSE);
    assert_int_equal(apply(&world, other(EVENT_COMPLAINT, T0)), EFFECT_REPEAT);
    assert_int_equal(apply(&world, other(EVENT_UNSUBSCRIBE, T0 + 1)), EFFECT_REPEAT);
    assert_int_equal(apply_late(&world, other(EVENT_RESUBSCRIBE, T0 - 1), T0 + DAY), EFFECT_REPEAT);
    assert_true(world.optouts.refused);
    assert_int_equal(apply(&world, other(EVENT_RESUBSCRIBE, T0 + DAY)), EFFECT_WILL);
    assert_false(world.optouts.refused);
    assert_int_equal(apply_late(&world, other(EVENT_COMPLAINT, T0), T0 + 2 * DAY), EFFECT_REPEAT);
    assert_int_equal(apply(&world, other(EVENT_UNSUBSCRIBE, T0 + 2 * DAY)), EFFECT_WILL);
    assert_true(world.optouts.refused);
    /* No strike, no opt-out for health comes of it. */
    assert_int_equal(world.lead.strikes, 0);
    assert_false(world.optouts.optout.present);
}

/* What an operator says by command: as graver or lighter than what stands. */
static void an_operators_word(void **state)
{
    struct world world = new_world();
    struct event event = other(EVENT_OPTOUT, T0);

    (void)state;
    event.cause = CAUSE_MANUAL;
    event.until = T0 + DAY;
    assert_int_equal(apply(&world, event), EFFECT_OPTOUT);
    assert_int_equal(world.optouts.optout.until, T0 + DAY);
    assert_int_equal(apply(&world, event), EFFECT_REPEAT);
    event.until = T0 + DAY - 1;
    assert_int_equal(apply(&world, event), EFFECT_REPEAT);
    event.until = T0 - 1;
    assert_int_equal(apply(&world, event), EFFECT_REPEAT);
    event.until = 0;
    assert_int_equal(apply(&world, event), EFFECT_OPTOUT);
    assert_int_equal(world.optouts.optout.kind, OPTOUT_PERMANENT);
    assert_int_equal(apply(&world, bounce(&world, CAUSE_MAILBOX_FULL, T0 + HOUR)), EFFECT_IN_FLIGHT);
    assert_int_equal(apply(&world, other(EVENT_FLUSH, T0 + DAY)), EFFECT_GOOD);
    assert_false(world.optouts.optout.present);
    assert_int_equal(apply(&world, other(EVENT_FLUSH, T0 + DAY)), EFFECT_REPEAT);
    assert_int_equal(apply(&world, bounce(&world, CAUSE_MAILBOX_FULL, T0 + DAY + 60)), EFFECT_STRIKE);
}

/* A clock that runs ahead elsewhere must not make everything after it look old. */
static void the_future_is_now(void **state)
{
    struct world world = new_world();

    (void)state;
    assert_int_equal(apply_late(&world, bounce(&world, CAUSE_MAILBOX_FULL, T0 + 999 * DAY), T0),
                     EFFECT_STRIKE);
    assert_int_equal(world.lead.bounced, T0);
    assert_int_equal(apply(&world, bounce(&world, CAUSE_MAILBOX_FULL, T0 + DAY)), EFFECT_OPTOUT);
}

/* Settings at their bounds do not overflow. */
static void extreme_settings(void **state)
{
    struct world world = new_world();
    int64_t at = T0;

    (void)state;
    world.settings.backoff = 10;
    world.settings.series_limit = 3650 * DAY;
    world.settings.longest = 3650 * DAY;
    world.settings.jitter = 100;
    world.settings.strike_spacing = 0;
    for (int i = 0; i < 60; i++) {
        int64_t next = suspend_once(&world, CAUSE_NETWORK_ERROR, at);

        assert_true(next > at);
        assert_true(next - world.lead.since <= 2 * 3650 * DAY);
        at = next;
    }
}

/* The table of design section 3 has a row for every cause, and each word is read back as its own cause. */
static void every_cause_has_its_row(void **state)
{
    (void)state;
    for (int c = CAUSE_NONE + 1; c < CAUSES; c++) {
        const struct cause_info *info = cause_info((enum cause)c);
        enum cause back;

        assert_non_null(info->name);
        assert_non_null(info->note);
        assert_int_not_equal(info->fault, 0);
        assert_true(cause_parse(span_of(info->name), &back));
        assert_int_equal(back, c);
        /* Only a suspension that has a first length can grow. */
        assert_true(info->defaults.end != END_LONGEST || info->defaults.first > 0);
    }
    enum cause none;
    assert_false(cause_parse(SPAN("mailbox"), &none));
    assert_int_equal(none, CAUSE_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cause_has_its_row),
        cmocka_unit_test(worked_example),
        cmocka_unit_test(every_cause_by_its_numbers),
        cmocka_unit_test(series_ends_in_permanence),
        cmocka_unit_test(senders_fault_stays_at_the_longest),
        cmocka_unit_test(jitter_spreads_a_cohort),
        cmocka_unit_test(repeats_change_nothing),
        cmocka_unit_test(a_report_given_twice),
        cmocka_unit_test(long_message_ids_differ),
        cmocka_unit_test(in_flight_mail_is_no_strike),
        cmocka_unit_test(late_history_equals_live_history),
        cmocka_unit_test(early_flush_is_respected),
        cmocka_unit_test(close_bounces_are_one_strike),
        cmocka_unit_test(another_cause_starts_a_new_run),
        cmocka_unit_test(a_delivery_ends_the_run),
        cmocka_unit_test(a_delivery_past_the_limit_ends_the_series),
        cmocka_unit_test(engagement_lets_in),
        cmocka_unit_test(an_old_click_lifts_nothing),
        cmocka_unit_test(allowed_leads_stay),
        cmocka_unit_test(the_recipients_will),
        cmocka_unit_test(an_operators_word),
        cmocka_unit_test(the_future_is_now),
        cmocka_unit_test(extreme_settings),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
