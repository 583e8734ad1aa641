/* SPDX-License-Identifier: BSD-2-Clause */
/* When a provider has a bad day, when it has not, and how it is let in again. */
#include "leadgate/incident.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MINUTE INT64_C(60)
#define HOUR   (60 * MINUTE)
#define T0     INT64_C(1796083200)

static struct incident_settings defaults(void)
{
    struct incident_settings settings;

    incident_settings_default(&settings);
    return settings;
}

/* Against sums of exact terms, for numbers that a double holds. */
static void tail(void **state)
{
    (void)state;
    for (int n = 1; n <= 40; n++) {
        for (int k = 0; k <= n; k++) {
            double chance = 0.07, sum = 0;

            for (int i = k; i <= n; i++) {
                double term = 1;

                for (int j = 1; j <= i; j++)
                    term *= (double)(n - i + j) / j * chance;
                sum += term * pow(1 - chance, n - i);
            }
            if (k > n * chance && fabs(binomial_tail(n, k, chance) - sum) > sum * 1e-9)
                fail_msg("n=%d k=%d: %g, not %g", n, k, binomial_tail(n, k, chance), sum);
        }
    }
    assert_true(binomial_tail(1000000, 20500, 0.02) > 1e-4);
    assert_true(binomial_tail(1000000, 21000, 0.02) < 1e-9);
    assert_true(binomial_tail(10, 11, 0.5) == 0 && binomial_tail(10, 0, 0.5) == 1);
    assert_true(binomial_tail(10, 10, 1) == 1 && binomial_tail(10, 1, 0) == 0);
}

static void detects(void **state)
{
    static const struct provider_count good = { 100000, 100000, 1000, 90000, 50 };
    static const struct {
        struct provider_count now;
        enum incident_sign sign;
    } rows[] = {
        { { 500, 500, 5, 450, 1 }, SIGN_NONE },
        { { 500, 500, 0, 300, 300 }, SIGN_DEAD },
        { { 500, 500, 450, 450, 0 }, SIGN_FAULTS },
        { { 49, 49, 49, 49, 49 }, SIGN_NONE },    /* below the floor */
        { { 50, 50, 0, 40, 40 }, SIGN_DEAD },     /* just there */
        { { 500, 500, 100, 450, 0 }, SIGN_NONE }, /* 20 % is not above 20 % */
        { { 500, 500, 101, 450, 0 }, SIGN_FAULTS },
        { { 500, 500, 0, 6, 6 }, SIGN_DEAD },       /* six who took mail, all of them dead now */
        { { 500, 500, 0, 1, 1 }, SIGN_NONE },       /* one may be: 0.5 % of them are, on any day */
        { { 60, 5000, 1500, 40, 0 }, SIGN_FAULTS }, /* the same mails, tried again and again */
        { { 50, 5000, 1050, 40, 0 }, SIGN_FAULTS },
        { { 500, 0, 0, 0, 0 }, SIGN_NONE },
    };
    /* A quarter of what it gets is deferred, and always was. */
    static const struct provider_count grey = { 100000, 100000, 25000, 90000, 50 };
    struct provider_count now = { 500, 500, 260, 450, 0 };
    struct incident_settings settings = defaults();

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (incident_detect(&settings, &rows[i].now, &good) != rows[i].sign)
            fail_msg("row %zu", i);
    assert_int_equal(incident_detect(&settings, &now, &grey), SIGN_NONE);
    now.faults = 400;
    assert_int_equal(incident_detect(&settings, &now, &grey), SIGN_FAULTS);
    /* Nothing is known of the past: the floor of what is normal. */
    assert_int_equal(incident_detect(&settings, &now, &(struct provider_count){ 0 }), SIGN_FAULTS);
}

static uint64_t draw(uint64_t *seed)
{
    *seed += 0x9e3779b97f4a7c15u;
    uint64_t z = *seed;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static int64_t draw_hits(uint64_t *seed, int64_t tries, double chance)
{
    int64_t hits = 0;

    for (int64_t i = 0; i < tries; i++)
        hits += (double)(draw(seed) >> 11) * 0x1p-53 < chance;
    return hits;
}

/* A year of quarter hours at twenty providers, whose shares of failures drift from day to day: no incident.
 */
static void a_quiet_year(void **state)
{
    struct incident_settings settings = defaults();
    uint64_t seed = 7;

    (void)state;
    for (int provider = 0; provider < 20; provider++) {
        double faults = 0.005 + 0.004 * provider, dead = 0.001 * (provider % 5);
        struct provider_count past = { 100000, 100000, (int64_t)(100000 * faults), 100000,
                                       (int64_t)(100000 * dead) };

        for (int quarter = 0; quarter < 365 * 24 * 4; quarter += 5) {
            double day = 0.5 + (double)((quarter / 96 * 37 + provider) % 100) / 100; /* 0.5 .. 1.5 */
            int64_t leads = 20 + (int64_t)(draw(&seed) % 400);
            struct provider_count now = { leads, leads, draw_hits(&seed, leads, faults * day), leads,
                                          draw_hits(&seed, leads, dead * day) };

            if (incident_detect(&settings, &now, &past) != SIGN_NONE)
                fail_msg("provider %d, quarter %d: %lld of %lld", provider, quarter, (long long)now.faults,
                         (long long)leads);
        }
    }
}

static void explains(void **state)
{
    (void)state;
    assert_true(incident_explains(SIGN_DEAD, CAUSE_USER_UNKNOWN));
    assert_false(incident_explains(SIGN_DEAD, CAUSE_MAILBOX_FULL));
    assert_true(incident_explains(SIGN_FAULTS, CAUSE_NETWORK_ERROR));
    assert_true(incident_explains(SIGN_FAULTS, CAUSE_REPUTATION_BLOCK));
    assert_false(incident_explains(SIGN_FAULTS, CAUSE_USER_UNKNOWN));
    assert_false(incident_explains(SIGN_NONE, CAUSE_USER_UNKNOWN));
}

static struct incident open_at(const struct incident_settings *settings, int64_t leads)
{
    struct incident incident;

    incident_open(settings, SIGN_DEAD, leads, T0, &incident);
    return incident;
}

/* It heals: 1, 5, 20, 50, all, each after enough answers. */
static void heals(void **state)
{
    static const struct {
        int percent;
        int64_t too_few, enough;
    } rows[] = { { 1, 2, 3 }, { 5, 12, 13 }, { 20, 49, 50 }, { 50, 49, 50 } };
    struct incident_settings settings = defaults();
    struct incident incident = open_at(&settings, 520);
    int64_t now = T0 + 30 * MINUTE;

    (void)state;
    assert_int_equal(incident_move(&settings, &incident, &(struct provider_count){ 0 }, now - 1), MOVE_NONE);
    assert_int_equal(incident_move(&settings, &incident, &(struct provider_count){ 0 }, now), MOVE_STEP);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct provider_count count = { rows[i].too_few, 1000, 0, 1000, 10 };
        bool last = i + 1 == sizeof(rows) / sizeof(rows[0]);

        assert_int_equal(incident.percent, rows[i].percent);
        assert_int_equal(incident_move(&settings, &incident, &count, ++now), MOVE_NONE);
        count.leads = rows[i].enough;
        assert_int_equal(incident_move(&settings, &incident, &count, ++now), last ? MOVE_OVER : MOVE_STEP);
        assert_int_equal(incident.step, now);
    }
}

/* It does not: each hold is twice as long, up to the longest. */
static void lasts(void **state)
{
    static const int64_t minutes[] = { 60, 120, 240, 480, 720, 720, 720 };
    struct incident_settings settings = defaults();
    struct incident incident = open_at(&settings, 500);
    struct provider_count sick = { 10, 10, 0, 10, 9 };

    (void)state;
    for (size_t i = 0; i < sizeof(minutes) / sizeof(minutes[0]); i++) {
        int64_t now = incident.until;

        assert_int_equal(incident_move(&settings, &incident, &sick, now), MOVE_STEP);
        assert_int_equal(incident.percent, 1);
        assert_int_equal(incident_move(&settings, &incident, &sick, now + 1), MOVE_HOLD);
        assert_int_equal(incident.percent, 0);
        assert_int_equal(incident.until, now + 1 + minutes[i] * MINUTE);
    }
    assert_int_equal(incident.since, T0);
}

static void settings_at_their_bounds(void **state)
{
    struct incident_settings settings = { .window = 1, .floor = 1, .share = 100, .hold = 1, .longest = 1 };
    struct provider_count all = { 1000, 1000, 1000, 1000, 1000 };
    struct incident incident;

    (void)state;
    assert_int_equal(incident_detect(&settings, &all, &(struct provider_count){ 0 }), SIGN_NONE); /* never */
    settings.share = 0;
    assert_int_equal(incident_detect(&settings, &all, &(struct provider_count){ 0 }), SIGN_DEAD);
    incident_open(&settings, SIGN_FAULTS, 0, T0, &incident);
    assert_int_equal(incident_move(&settings, &incident, &all, T0 + 1), MOVE_STEP);
    assert_int_equal(incident_move(&settings, &incident, &all, T0 + 2), MOVE_HOLD);
    assert_int_equal(incident.length, 1);
}

/* So many percent of the leads, and the same ones at each step. */
static void passes(void **state)
{
    static const int steps[] = { 0, 1, 5, 20, 50, 100 };
    int passed[6] = { 0 };

    (void)state;
    for (int i = 0; i < 100000; i++) {
        struct address lead = { .n = 0 };
        bool before = false;

        lead.n = (size_t)snprintf(lead.text, sizeof(lead.text), "lead%d@example.com", i);
        for (int s = 0; s < 6; s++) {
            bool now = incident_passes(steps[s], &lead);

            assert_true(now || !before);
            passed[s] += now;
            before = now;
        }
    }
    for (int s = 0; s < 6; s++)
        assert_in_range(passed[s], (uintmax_t)(steps[s] * 950), (uintmax_t)(steps[s] * 1050));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tail),         cmocka_unit_test(detects),
        cmocka_unit_test(a_quiet_year), cmocka_unit_test(explains),
        cmocka_unit_test(heals),        cmocka_unit_test(lasts),
        cmocka_unit_test(passes),       cmocka_unit_test(settings_at_their_bounds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
