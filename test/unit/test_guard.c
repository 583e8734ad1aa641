/* SPDX-License-Identifier: BSD-2-Clause */
/* How far a sender may go: shares at their bounds, and what comes of them when a list is sent. */
#include "leadgate/guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct guard_limits limits = { .floor = 200, .warn = 5, .limit = 8 };

static void levels(void **state)
{
    static const struct {
        struct guard_count count;
        enum guard_level level;
        bool holds;
        int64_t share;
    } rows[] = {
        { { 0, 0, 0 }, GUARD_CALM, false, 0 },
        /* Below the floor: shares of 200. */
        { { 5, 5, 0 }, GUARD_CALM, false, 25 },
        { { 9, 9, 150 }, GUARD_CALM, false, 795 },
        { { 10, 10, 0 }, GUARD_WARN, false, 50 },
        { { 15, 15, 0 }, GUARD_WARN, false, 75 },
        { { 16, 16, 0 }, GUARD_LIMIT, true, 80 },
        { { 199, 15, 0 }, GUARD_WARN, false, 75 },
        { { 199, 16, 0 }, GUARD_LIMIT, true, 80 },
        /* Above it: of all. */
        { { 1000, 49, 900 }, GUARD_CALM, false, 499 },
        { { 1000, 50, 0 }, GUARD_WARN, false, 50 },
        { { 1000, 79, 0 }, GUARD_WARN, false, 79 },
        { { 1000, 80, 0 }, GUARD_LIMIT, true, 80 },
        { { 1001, 80, 0 }, GUARD_WARN, false, 79 },
        /* Under way: as if they were dead. */
        { { 100, 10, 5 }, GUARD_WARN, false, 75 },
        { { 100, 10, 6 }, GUARD_WARN, true, 80 },
        { { 1000, 50, 32 }, GUARD_WARN, false, 79 },
        { { 1000, 50, 33 }, GUARD_WARN, true, 80 },
        { { INT64_MAX / 2, INT64_MAX / 2, INT64_MAX / 4 }, GUARD_LIMIT, true, 1000 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (guard_level(&limits, &rows[i].count) != rows[i].level ||
            guard_holds(&limits, &rows[i].count) != rows[i].holds ||
            guard_share(&limits, &rows[i].count) != rows[i].share)
            fail_msg("row %zu: level %d, holds %d, share %lld", i, guard_level(&limits, &rows[i].count),
                     guard_holds(&limits, &rows[i].count), (long long)guard_share(&limits, &rows[i].count));
    }
}

static void defaults(void **state)
{
    struct guard_limits numbers;

    (void)state;
    guard_limits_default(&numbers);
    assert_int_equal(numbers.floor, 200);
    assert_int_equal(numbers.warn, 5);
    assert_int_equal(numbers.limit, 8);
}

static void risky(void **state)
{
    (void)state;
    assert_true(guard_is_risky(0, 0));
    assert_true(guard_is_risky(0, 5000));
    assert_true(guard_is_risky(1796083200, -1));
    assert_false(guard_is_risky(1796083200, 0));
    assert_false(guard_is_risky(1796083200, 200));
}

/* A list of new addresses with `dead` percent that do not exist, beside `good` mails a round to known leads;
 * the answers of a round come before, and are counted at, the next. Returns the worst share, in thousandths,
 * that the provider has seen from the floor on. */
static int64_t worst_share(int dead, int good, int batch, int late)
{
    enum { ROUNDS = 2000, LATE_MOST = 8 };
    struct {
        int64_t tries, invalid, risky;
    } under_way[LATE_MOST] = { { 0, 0, 0 } };
    struct guard_count count = { 0, 0, 0 };
    int64_t tries = 0, invalid = 0, worst = 0;
    unsigned seed = 7;

    for (int round = 0; round < ROUNDS; round++) {
        int at = round % late;

        count.tries += under_way[at].tries;
        count.invalid += under_way[at].invalid;
        count.flying -= under_way[at].risky;
        under_way[at].tries = good;
        under_way[at].invalid = under_way[at].risky = 0;
        for (int i = 0; i < batch && !guard_holds(&limits, &count); i++) {
            bool is_dead = rand_r(&seed) % 100 < dead;

            under_way[at].tries++;
            under_way[at].invalid += is_dead;
            /* Nobody asks how risky a lead is before the warning. */
            if (guard_level(&limits, &count) == GUARD_CALM)
                continue;
            under_way[at].risky++;
            count.flying++;
        }
        tries += under_way[at].tries;
        invalid += under_way[at].invalid;
        if (tries >= limits.floor && invalid * 1000 / tries > worst)
            worst = invalid * 1000 / tries;
    }
    return worst;
}

/* However bad the list and however late the answers: 10 %, at which providers turn, is not passed; unless a
 * lot was sent before the first answer. */
static void a_list_is_stopped_in_time(void **state)
{
    (void)state;
    for (int dead = 5; dead <= 100; dead += 5) {
        for (int late = 1; late <= 8; late *= 2) {
            int64_t worst = worst_share(dead, 20, 8 / late, late);

            if (worst > 100)
                fail_msg("%d %% dead, answers %d rounds late: %lld", dead, late, (long long)worst);
        }
    }
    assert_true(worst_share(15, 20, 400, 1) > 100);
}

/* A list that is good enough is not held up. */
static void a_good_list_passes(void **state)
{
    struct guard_count count = { 0, 0, 0 };

    (void)state;
    for (int i = 0; i < 10000; i++) {
        assert_false(guard_holds(&limits, &count));
        count.tries++;
        count.invalid += i % 25 == 24; /* 4 % */
    }
}

static void returns(void **state)
{
    int64_t passed = 0;

    (void)state;
    /* One an hour, whatever was sent; none for nothing beyond it. */
    assert_true(reentry_allows(2, 0, 0));
    assert_false(reentry_allows(2, 0, 1));
    assert_false(reentry_allows(2, 98, 1));
    assert_true(reentry_allows(2, 99, 1));
    assert_false(reentry_allows(2, 148, 2));
    assert_true(reentry_allows(2, 149, 2));
    assert_true(reentry_allows(100, 1, 1));
    assert_true(reentry_allows(0, 0, 1000000));
    /* All of them ask at once, among others: 2 % pass, all along the hour. */
    for (int64_t sent = 0; sent < 100000; sent++) {
        if (reentry_allows(2, sent, passed))
            passed++;
        assert_true(passed <= 1 + (sent + 1) / 50);
    }
    assert_int_equal(passed, 2000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels),
        cmocka_unit_test(defaults),
        cmocka_unit_test(risky),
        cmocka_unit_test(a_list_is_stopped_in_time),
        cmocka_unit_test(a_good_list_passes),
        cmocka_unit_test(returns),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
