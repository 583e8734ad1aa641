/* SPDX-License-Identifier: BSD-2-Clause */
/* How far a sender may go: shares at their bounds, and what comes of them when a list is sent. */
#include "leadgate/guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct guard_limits limits = { .floor = 200, .warn = 5, .limit = 8, .unanswered = 16 };

static void levels(void **state)
{
    static const struct {
        int64_t tries, invalid, risky;
        enum guard_level level;
        bool near, holds;
        int64_t share;
    } rows[] = {
        { 0, 0, 0, GUARD_CALM, true, false, 0 },
        /* Below the floor: shares of 200. */
        { 5, 5, 0, GUARD_CALM, true, false, 25 },
        { 10, 10, 0, GUARD_WARN, true, false, 50 },
        { 15, 15, 0, GUARD_WARN, true, false, 75 },
        { 16, 16, 0, GUARD_LIMIT, true, true, 80 },
        { 199, 15, 0, GUARD_WARN, true, false, 75 },
        { 199, 16, 0, GUARD_LIMIT, true, true, 80 },
        /* Above it: of all. */
        { 1000, 50, 0, GUARD_WARN, true, false, 50 },
        { 1000, 79, 0, GUARD_WARN, true, false, 79 },
        { 1000, 80, 0, GUARD_LIMIT, true, true, 80 },
        { 1001, 80, 0, GUARD_WARN, true, false, 79 },
        /* Under way, from the warning on: as if they were dead. */
        { 100, 10, 5, GUARD_WARN, true, false, 75 },
        { 100, 10, 6, GUARD_WARN, true, true, 80 },
        { 1000, 50, 32, GUARD_WARN, true, false, 79 },
        { 1000, 50, 33, GUARD_WARN, true, true, 80 },
        /* Before it: 16 % of them; and from half the way on it matters who they are, or where few may pass.
         */
        { 2999, 0, 987, GUARD_CALM, false, false, 39 },
        { 2999, 0, 988, GUARD_CALM, true, false, 39 },
        { 1024, 0, 0, GUARD_CALM, true, false, 0 },
        { 1025, 0, 0, GUARD_CALM, false, false, 0 },
        { 0, 0, 99, GUARD_CALM, true, false, 79 },
        { 0, 0, 100, GUARD_CALM, true, true, 80 },
        { 1000, 0, 1000, GUARD_CALM, true, true, 80 },
        { 1000, 20, 499, GUARD_CALM, true, false, 66 },
        { 1000, 49, 387, GUARD_CALM, true, false, 79 },
        { 1000, 49, 388, GUARD_CALM, true, true, 80 },
        { INT64_MAX / 2, INT64_MAX / 2, INT64_MAX / 4, GUARD_LIMIT, true, true, 1000 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct guard_count count = { rows[i].tries, rows[i].invalid, rows[i].risky };

        if (guard_level(&limits, &count) != rows[i].level || guard_is_near(&limits, &count) != rows[i].near ||
            guard_holds(&limits, &count) != rows[i].holds || guard_share(&limits, &count) != rows[i].share)
            fail_msg("row %zu: level %d, near %d, holds %d, share %lld", i, guard_level(&limits, &count),
                     guard_is_near(&limits, &count), guard_holds(&limits, &count),
                     (long long)guard_share(&limits, &count));
    }
}

/* With 0 only what is known counts, until the warning. */
static void nothing_feared(void **state)
{
    struct guard_limits none = limits;

    (void)state;
    none.unanswered = 0;
    assert_false(guard_holds(&none, &(struct guard_count){ 1000, 49, 100000 }));
    assert_false(guard_is_near(&none, &(struct guard_count){ 1000, 49, 100000 }));
    none.unanswered = limits.limit; /* and by no more than the limit it is never reached */
    assert_false(guard_holds(&none, &(struct guard_count){ 9, 9, 100000 }));
    assert_false(guard_is_near(&none, &(struct guard_count){ 9, 9, 100000 }));
    assert_true(guard_holds(&none, &(struct guard_count){ 1000, 50, 33 }));
}

static void defaults(void **state)
{
    struct guard_limits numbers;

    (void)state;
    guard_limits_default(&numbers);
    assert_int_equal(numbers.floor, 200);
    assert_int_equal(numbers.warn, 5);
    assert_int_equal(numbers.limit, 8);
    assert_int_equal(numbers.unanswered, 16);
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

/* A list of so many unknown leads of whom `dead` percent do not exist, beside `good` mails a round to known
 * ones. All that the guard lets pass is sent at once; the answers come `late` rounds later, and those who are
 * held come again in each round. The worst share, in thousandths, that the provider has seen from the floor
 * on, and how many passed. */
static int64_t worst_share(int list, int dead, int good, int late, int *passed)
{
    enum { ROUNDS = 400, LATE_MOST = 8 };
    struct guard_count under_way[LATE_MOST] = { { .tries = 0 } }, count = { .tries = 0 };
    int64_t tries = 0, invalid = 0, worst = 0;
    unsigned seed = 7;

    *passed = 0;
    for (int round = 0; round < ROUNDS; round++) {
        struct guard_count *now = &under_way[round % late];

        count.tries += now->tries;
        count.invalid += now->invalid;
        count.risky -= now->risky;
        *now = (struct guard_count){ .tries = good };
        while (*passed < list && !guard_holds(&limits, &count)) {
            now->invalid += rand_r(&seed) % 100 < dead;
            now->tries++;
            now->risky++;
            count.risky++;
            ++*passed;
        }
        tries += now->tries;
        invalid += now->invalid;
        if (tries >= limits.floor && invalid * 1000 / tries > worst)
            worst = invalid * 1000 / tries;
    }
    return worst;
}

/* As bad a list as it was made for, in one burst, at whatever pace the answers come: 10 %, at which providers
 * turn, is not passed. A worse one is stopped after one round. */
static void a_list_is_stopped_in_time(void **state)
{
    int passed;

    (void)state;
    for (int dead = 1; dead <= 17; dead++) {
        for (int late = 1; late <= 8; late *= 2) {
            for (int good = 0; good <= 100; good += 20) {
                int64_t worst = worst_share(5000, dead, good, late, &passed);

                if (worst > 100)
                    fail_msg("%d %% dead, %d good ones, answers %d rounds late: %lld", dead, good, late,
                             (long long)worst);
            }
        }
    }
    (void)worst_share(5000, 100, 0, 1, &passed);
    assert_int_equal(passed, 100);
}

/* A list that is good enough is not held up for long: each round of answers lets more of it pass. */
static void a_good_list_passes(void **state)
{
    struct guard_count count = { .tries = 0 };
    int rounds, passed;

    (void)state;
    for (rounds = 0; count.tries < 100000; rounds++) {
        while (!guard_holds(&limits, &count))
            count.risky++;
        count.tries += count.risky;
        count.invalid = count.tries / 50; /* 2 % */
        count.risky = 0;
    }
    assert_in_range(rounds, 5, 16);
    (void)worst_share(100000, 4, 0, 1, &passed);
    assert_int_equal(passed, 100000);
    for (int i = 0; i < 10000; i++) { /* one by one it never is */
        count = (struct guard_count){ .tries = i, .invalid = i / 25 };
        assert_false(guard_holds(&limits, &count));
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
        cmocka_unit_test(nothing_feared),
        cmocka_unit_test(defaults),
        cmocka_unit_test(risky),
        cmocka_unit_test(a_list_is_stopped_in_time),
        cmocka_unit_test(a_good_list_passes),
        cmocka_unit_test(returns),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
