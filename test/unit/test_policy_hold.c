/* SPDX-License-Identifier: BSD-2-Clause */
/* Who is held for the sake of her provider: every question alone, which one goes first, and what each of the
 * settings makes of it. */
#include "policy/policy_hold.h"

#include "policy/policy_reply.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "some_address.h"

static struct stream streams[2];
static char held_reply[] = "450 4.7.1 {lead}: {provider}, {cause}, {stream}, {until}";

static struct settings settings_with(int enforce)
{
    struct settings settings = { .policy = { .reply_held = held_reply } };

    streams[0] = (struct stream){ .name = "news", .enforce = enforce };
    streams[1] = (struct stream){ .name = "rest", .enforce = enforce };
    settings.streams = (struct streams){ streams, 2, enforce == ENFORCE_OFF };
    settings.incident.when_held = WHEN_HELD_DEFER;
    settings.guard.enforce = ENFORCE_ON;
    guard_limits_default(&settings.guard.limits);
    settings.reentry.share = 2;
    return settings;
}

static struct suppression found_with(int64_t delivered, int64_t score, bool returning, bool allowed)
{
    struct suppression found = { .allowed = allowed, .returning = returning };

    found.standing.known = true;
    found.standing.delivered = delivered;
    found.standing.score = score;
    return found;
}

/* The hold, and the percentage of the incident. */
static const struct hold_of {
    bool held;
    int percent;
} none = { false, 100 }, by_hand = { true, 100 }, shut = { true, 0 }, ajar = { false, 0 },
  both = { true, 99 };

enum { CALM, SOME, WARN, LIMIT, BRAKED, FULL };
static const struct guard_count shares[] = {
    [CALM] = { .tries = 1000, .invalid = 10 },
    [SOME] = { .tries = 1000, .invalid = 10, .risky = 30 },
    [WARN] = { .tries = 1000, .invalid = 60 },
    [LIMIT] = { .tries = 1000, .invalid = 90 },
    [BRAKED] = { .tries = 1000, .invalid = 60, .risky = 100 },
    [FULL] = { .tries = 1000, .invalid = 10, .risky = 900 },
};

static void judges(void **state)
{
    const struct suppression good = found_with(1796083200, 0, false, false);
    const struct suppression fresh = found_with(0, 0, false, false);
    const struct suppression disliked = found_with(1796083200, -1, false, false);
    const struct suppression allowed = found_with(0, 0, true, true);
    const struct suppression back = found_with(1796083200, 1000, true, false);
    const struct suppression fresh_back = found_with(0, 0, true, false);
    const struct {
        bool domain_held;
        const struct hold_of *hold;
        int all, news; /* of CALM... */
        bool released;
        int64_t sent, returned;
        const struct suppression *found;
        enum policy_why why;
        int64_t share;
    } rows[] = {
        /* Nothing is wrong. */
        { false, &none, CALM, CALM, false, 0, 0, &good, POLICY_WHY_NONE, 0 },
        { false, &none, CALM, CALM, false, 0, 0, &fresh, POLICY_WHY_NONE, 0 },
        { false, &none, CALM, CALM, false, 0, 0, &back, POLICY_WHY_NONE, 0 },
        /* A hold holds everybody but those who are whitelisted; an incident's, those beyond its percentage.
         */
        { false, &by_hand, CALM, CALM, false, 0, 0, &good, POLICY_WHY_HOLD, 0 },
        { true, &none, CALM, CALM, false, 0, 0, &good, POLICY_WHY_HOLD, 0 },
        { true, &by_hand, LIMIT, LIMIT, true, 0, 0, &allowed, POLICY_WHY_NONE, 0 },
        { false, &shut, CALM, CALM, false, 0, 0, &good, POLICY_WHY_INCIDENT, 0 },
        { false, &ajar, CALM, CALM, false, 0, 0, &good, POLICY_WHY_INCIDENT, 0 },
        { false, &both, CALM, CALM, false, 0, 0, &good, POLICY_WHY_INCIDENT, 0 },
        /* It goes before the guard; a release does not lift it. */
        { false, &by_hand, LIMIT, LIMIT, true, 0, 0, &fresh, POLICY_WHY_HOLD, 0 },
        /* Past the limit, of all mail or of the stream's: the risky ones wait. */
        { false, &none, LIMIT, CALM, false, 0, 0, &fresh, POLICY_WHY_GUARD, 90 },
        { false, &none, CALM, LIMIT, false, 0, 0, &fresh, POLICY_WHY_GUARD, 90 },
        { false, &none, LIMIT, LIMIT, false, 0, 0, &disliked, POLICY_WHY_GUARD, 90 },
        { false, &none, LIMIT, LIMIT, false, 0, 0, &good, POLICY_WHY_NONE, 0 },
        { false, &none, LIMIT, LIMIT, false, 0, 0, &allowed, POLICY_WHY_NONE, 0 },
        { false, &none, LIMIT, LIMIT, true, 0, 0, &fresh, POLICY_WHY_NONE, 0 },
        { false, &none, WARN, WARN, false, 0, 0, &fresh, POLICY_WHY_NONE, 0 },
        /* Before it: those who would make too many of those that are under way, to whichever stream these
         * belong.
         */
        { false, &none, BRAKED, CALM, false, 0, 0, &fresh, POLICY_WHY_UNANSWERED, 145 },
        { false, &none, BRAKED, CALM, false, 0, 0, &good, POLICY_WHY_NONE, 0 },
        { false, &none, FULL, CALM, false, 0, 0, &fresh, POLICY_WHY_UNANSWERED, 81 },
        { false, &none, SOME, CALM, false, 0, 0, &fresh, POLICY_WHY_NONE, 0 },
        { false, &none, SOME, WARN, false, 0, 0, &fresh, POLICY_WHY_UNANSWERED, 87 },
        { false, &none, FULL, CALM, false, 0, 0, &good, POLICY_WHY_NONE, 0 },
        { false, &none, FULL, CALM, true, 0, 0, &fresh, POLICY_WHY_NONE, 0 },
        /* One an hour, then 2 % of what was sent. */
        { false, &none, CALM, CALM, false, 50, 1, &back, POLICY_WHY_REENTRY, 20 },
        { false, &none, CALM, CALM, false, 99, 1, &back, POLICY_WHY_NONE, 0 },
        { false, &none, CALM, CALM, true, 50, 1, &back, POLICY_WHY_REENTRY, 20 },
        { false, &none, CALM, CALM, false, 0, 5, &back, POLICY_WHY_REENTRY, 0 },
        { false, &none, CALM, CALM, false, 50, 1, &allowed, POLICY_WHY_NONE, 0 },
        { false, &none, CALM, CALM, false, 50, 1, &good, POLICY_WHY_NONE, 0 },
        { false, &none, LIMIT, CALM, false, 50, 1, &fresh_back, POLICY_WHY_GUARD, 90 },
    };
    const struct address ann = address_of("ann@example.org");

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct guard_count counts[3] = { shares[rows[i].all], shares[rows[i].news], shares[CALM] };
        struct policy_provider provider = { .name = "example.org",
                                            .held = rows[i].hold->held,
                                            .percent = rows[i].hold->percent,
                                            .released = rows[i].released,
                                            .answering = true,
                                            .counts = counts,
                                            .n_counts = 3,
                                            .sent = rows[i].sent,
                                            .returned = rows[i].returned };
        struct settings settings = settings_with(ENFORCE_ON);
        struct policy_held held =
            policy_hold_judge(&settings, &streams[0], &provider, rows[i].domain_held, &ann, rows[i].found);

        if (held.why != rows[i].why || held.share != rows[i].share || held.observed)
            fail_msg("row %zu: %s, share %lld", i, policy_why_name(held.why), (long long)held.share);
        /* Who may be held for more than coming back is announced. */
        if (held.why != POLICY_WHY_NONE && held.why != POLICY_WHY_REENTRY)
            assert_true(policy_hold_is_near(&settings, &provider) || rows[i].domain_held);
        /* Of the other stream only what all mail did counts. */
        held = policy_hold_judge(&settings, &streams[1], &provider, rows[i].domain_held, &ann, rows[i].found);
        if (rows[i].all <= SOME && (rows[i].why == POLICY_WHY_GUARD || rows[i].why == POLICY_WHY_UNANSWERED))
            assert_int_equal(held.why, POLICY_WHY_NONE);
        else
            assert_int_equal(held.why, rows[i].why);
        /* observe says so, off does not even look. */
        streams[0].enforce = ENFORCE_OBSERVE;
        held = policy_hold_judge(&settings, &streams[0], &provider, rows[i].domain_held, &ann, rows[i].found);
        assert_int_equal(held.why, rows[i].why);
        assert_true(held.observed);
        streams[0].enforce = ENFORCE_OFF;
        held = policy_hold_judge(&settings, &streams[0], &provider, rows[i].domain_held, &ann, rows[i].found);
        assert_int_equal(held.why, POLICY_WHY_NONE);
    }
}

/* Of each step exactly those pass of whom incident_passes() says so. */
static void an_incident_lets_its_percentage_pass(void **state)
{
    static const int steps[] = { 0, 1, 5, 20, 50, 100 };
    struct settings settings = settings_with(ENFORCE_ON);
    const struct suppression good = found_with(1796083200, 0, false, false);

    (void)state;
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        struct policy_provider provider = { .name = "example.org", .percent = steps[i] };
        int passed = 0;

        assert_int_equal(policy_hold_is_near(&settings, &provider), steps[i] < 100);
        for (int n = 0; n < 2000; n++) {
            struct policy_held held;
            struct address lead;
            char name[40];

            snprintf(name, sizeof(name), "lead%d@example.org", n);
            lead = address_of(name);
            held = policy_hold_judge(&settings, &streams[0], &provider, false, &lead, &good);
            assert_int_equal(held.why == POLICY_WHY_NONE, incident_passes(steps[i], &lead));
            passed += held.why == POLICY_WHY_NONE;
        }
        assert_in_range(passed, steps[i] * 16, steps[i] * 24);
    }
}

/* What the operator switched off is neither held nor announced. */
static void switched_off(void **state)
{
    struct guard_count counts[3] = { shares[LIMIT], shares[LIMIT], shares[LIMIT] };
    struct policy_provider provider = { .name = "example.org",
                                        .held = true,
                                        .percent = 0,
                                        .counts = counts,
                                        .n_counts = 3,
                                        .sent = 1,
                                        .returned = 1 };
    struct settings settings = settings_with(ENFORCE_ON);
    const struct suppression fresh_back = found_with(0, 0, true, false);
    const struct address ann = address_of("ann@example.org");
    struct policy_held held;

    (void)state;
    settings.incident.when_held = WHEN_HELD_ACCEPT;
    assert_true(policy_hold_is_near(&settings, &provider));
    held = policy_hold_judge(&settings, &streams[0], &provider, true, &ann, &fresh_back);
    assert_int_equal(held.why, POLICY_WHY_GUARD);
    settings.guard.enforce = ENFORCE_OBSERVE;
    held = policy_hold_judge(&settings, &streams[0], &provider, true, &ann, &fresh_back);
    assert_int_equal(held.why, POLICY_WHY_GUARD);
    assert_true(held.observed);
    settings.guard.enforce = ENFORCE_OFF;
    assert_false(policy_hold_is_near(&settings, &provider));
    held = policy_hold_judge(&settings, &streams[0], &provider, true, &ann, &fresh_back);
    assert_int_equal(held.why, POLICY_WHY_REENTRY);
    assert_false(held.observed);
    settings.reentry.share = 0;
    held = policy_hold_judge(&settings, &streams[0], &provider, true, &ann, &fresh_back);
    assert_int_equal(held.why, POLICY_WHY_NONE);
}

/* A risky lead who passes is under way, and counts for those that she stands for; others do not. */
static void counts_who_passes(void **state)
{
    struct guard_count counts[3] = { shares[CALM], shares[CALM], shares[CALM] };
    struct policy_provider provider = {
        .name = "example.org", .percent = 100, .counts = counts, .n_counts = 3
    };
    struct settings settings = settings_with(ENFORCE_ON);
    const struct suppression good = found_with(1796083200, 0, true, false);
    const struct suppression fresh = found_with(0, 0, false, false);
    const struct suppression unknown = { .allowed = false };

    (void)state;
    policy_hold_pass(&settings, &provider, &good, 16);
    policy_hold_pass(&settings, &provider, &unknown, 1);
    policy_hold_pass(&settings, &provider, &fresh, 16);
    policy_hold_pass(&settings, &provider, &fresh, 1);
    assert_int_equal(counts[0].risky, 17);
    assert_int_equal(provider.passed, 17);
    assert_int_equal(counts[1].risky + counts[2].risky, 0);
    assert_int_equal(provider.sent, 4);
    assert_int_equal(provider.returned, 1);
    provider.released = true; /* that ends, and she may still be under way */
    policy_hold_pass(&settings, &provider, &fresh, 1);
    assert_int_equal(provider.passed, 18);
    assert_false(provider.trouble);
    provider.counts = NULL;
    provider.n_counts = 0;
    policy_hold_pass(&settings, &provider, &fresh, 1);
    assert_int_equal(provider.passed, 18);
    assert_int_equal(provider.sent, 6);
}

/* Of a burst to a provider who takes much one lead in so many stands for all, until it matters who is risky;
 * of one to a provider of whom nothing is known each is looked at. Whose answers do not come holds nobody. */
static void a_burst(void **state)
{
    struct guard_count counts[3] = { { .tries = 3000 } };
    struct policy_provider provider = {
        .name = "example.org", .percent = 100, .answering = true, .counts = counts, .n_counts = 3
    };
    struct settings settings = settings_with(ENFORCE_ON);
    const struct suppression fresh = found_with(0, 0, false, false), unknown = { .allowed = false };
    const struct address ann = address_of("ann@example.org");
    struct policy_held held = { .why = POLICY_WHY_NONE };
    int passed = 0;

    (void)state;
    assert_true(policy_hold_counts(&settings, &provider));
    assert_false(policy_hold_is_near(&settings, &provider));
    for (; !provider.trouble && passed < 10000; passed++)
        policy_hold_pass(&settings, &provider, passed % GUARD_SAMPLE == 7 ? &fresh : &unknown, GUARD_SAMPLE);
    assert_int_equal(passed, 15 * GUARD_SAMPLE + 8);
    for (; held.why == POLICY_WHY_NONE && passed < 10000; passed++) {
        policy_hold_pass(&settings, &provider, &fresh, 1);
        held = policy_hold_judge(&settings, &streams[0], &provider, false, &ann, &fresh);
    }
    assert_in_range(passed, 3000 - GUARD_SAMPLE, 3000);
    assert_int_equal(held.why, POLICY_WHY_UNANSWERED);
    assert_int_equal(held.share, 80);
    provider.answering = false;
    held = policy_hold_judge(&settings, &streams[0], &provider, false, &ann, &fresh);
    assert_int_equal(held.why, POLICY_WHY_NONE);
    assert_false(policy_hold_is_near(&settings, &provider));
    assert_true(policy_hold_counts(&settings, &provider));
    counts[0] = (struct guard_count){ .tries = 0 };
    provider.answering = true;
    assert_true(policy_hold_is_near(&settings, &provider));
}

/* In the operator's words. What means nothing to a held mail stays as it is. */
static void replies(void **state)
{
    struct settings settings = settings_with(ENFORCE_ON);
    const struct address ann = address_of("ann@example.org");
    struct policy_held held = { .why = POLICY_WHY_GUARD, .share = 90 };
    struct policy_request request = { .size = 1 };
    struct suppression clear = { .allowed = false };
    struct policy_reply reply;

    (void)state;
    policy_reply_make(&reply, &settings, &request, &ann, STORE_OK, &clear);
    policy_reply_hold(&reply, &settings, &streams[0], &ann, &held, "example.net");
    assert_int_equal(reply.verdict, POLICY_DEFERRED);
    assert_string_equal(
        reply.action, "450 4.7.1 ann@example.org: example.net, guard, news, further notice " LEADGATE_MARKER);
    policy_reply_make(&reply, &settings, &request, &ann, STORE_OK, &clear);
    held.observed = true;
    policy_reply_hold(&reply, &settings, &streams[0], &ann, &held, "example.net");
    assert_int_equal(reply.verdict, POLICY_OBSERVED);
    assert_string_equal(reply.action, "DUNNO");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judges),       cmocka_unit_test(an_incident_lets_its_percentage_pass),
        cmocka_unit_test(switched_off), cmocka_unit_test(counts_who_passes),
        cmocka_unit_test(a_burst),      cmocka_unit_test(replies),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
