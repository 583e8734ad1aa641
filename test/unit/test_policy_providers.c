/* SPDX-License-Identifier: BSD-2-Clause */
/* What is kept of providers, on a real Redis and a real loop: what an operator writes is seen within a
 * second, nothing is asked for twice in it, and room is never short. The clock is the test's. */
#include "policy/policy_providers.h"
#include "private_redis.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <event2/event.h>

#include "some_address.h"

#define T0 INT64_C(1796083200000) /* the begin of an hour */

static struct private_redis redis;
static struct settings *settings;

struct world {
    struct event_base *base;
    struct lookup *lookup;
    struct policy_providers *providers;
    bool waiting, up;
    enum store_rc rc;
};

static void on_state(void *ctx, bool up, const char *reason)
{
    struct world *world = ctx;

    (void)reason;
    world->up = up;
    event_base_loopbreak(world->base);
}

static void on_found(void *ctx, enum store_rc rc, const struct suppression *found)
{
    struct world *world = ctx;

    (void)found;
    world->waiting = false;
    world->rc = rc;
    event_base_loopbreak(world->base);
}

static void begin(struct world *world)
{
    *world = (struct world){ .base = event_base_new() };
    private_redis_cli(&redis, "FLUSHALL");
    world->lookup = lookup_new(world->base, &redis.settings, on_state, world);
    world->providers = policy_providers_new(world->lookup, settings);
    assert_non_null(world->providers);
    while (!world->up)
        event_base_dispatch(world->base);
}

static void end(struct world *world)
{
    lookup_free(world->lookup);
    policy_providers_free(world->providers);
    event_base_free(world->base);
}

/* A decision at `now`, its look at the recipient included. */
static struct policy_place decide(struct world *world, const char *name, int64_t now, bool *closely)
{
    struct address lead = address_of(name);

    *closely = policy_providers_meet(world->providers, &lead, now) == LOOK_CLOSELY;
    world->waiting = true;
    lookup_recipient(world->lookup, &lead, LOOK_BRIEFLY, on_found, world);
    while (world->waiting)
        event_base_dispatch(world->base);
    return policy_providers_find(world->providers, &lead, now);
}

/* How many scripts Redis has run. */
static int64_t scripts_run(void)
{
    const char *info = private_redis_cli(&redis, "INFO commandstats");
    const char *at = strstr(info, "cmdstat_evalsha:calls=");

    return at == NULL ? 0 : atoll(at + strlen("cmdstat_evalsha:calls="));
}

/* Each thing that may stand there: seen with the first decision after a second, and not before; and gone
 * likewise. */
static void seen_within_a_second(void **state)
{
    static const struct {
        const char *set, *value, *key;
        bool domain_held, held, released, trouble;
        int percent;
        int64_t tries, invalid; /* of all mail */
    } rows[] = {
        { "SET provider:{big}:hold %s EX 60", "x", "provider:{big}:hold", false, true, false, true, 100, 0,
          0 },
        { "LPUSH provider:{big}:hold %s", "x", "provider:{big}:hold", false, true, false, true, 100, 0, 0 },
        { "SET domain:{example.com}:hold %s", "x", "domain:{example.com}:hold", true, false, false, false,
          100, 0, 0 },
        { "HSET provider:{big}:incident sign dead percent %s", "20", "provider:{big}:incident", false, false,
          false, true, 20, 0, 0 },
        { "HSET provider:{big}:incident news x percent %s", "100", "provider:{big}:incident", false, false,
          false, false, 100, 0, 0 },
        { "HSET provider:{big}:incident sign %s", "dead", "provider:{big}:incident", false, false, false,
          true, 0, 0, 0 },
        { "HSET provider:{big}:incident percent %s", "many", "provider:{big}:incident", false, false, false,
          true, 0, 0, 0 },
        { "SET provider:{big}:incident %s", "x", "provider:{big}:incident", false, false, false, true, 0, 0,
          0 },
        { "SET provider:{big}:release %s", "x", "provider:{big}:release", false, false, true, false, 100, 0,
          0 },
        { "HSET leadgate:shares big/* %s", "1000 90", "leadgate:shares", false, false, false, true, 100, 1000,
          90 },
        { "HSET leadgate:shares big/default %s big/* 300", "1000 90", "leadgate:shares", false, false, false,
          true, 100, 0, 0 },
        { "HSET leadgate:shares big/* %s", "1000 10 more", "leadgate:shares", false, false, false, false, 100,
          1000, 10 },
        { "HSET leadgate:shares big/* %s", "no 90", "leadgate:shares", false, false, false, false, 100, 0,
          0 },
        { "HSET leadgate:shares big/* %s", "50 -5", "leadgate:shares", false, false, false, false, 100, 0,
          0 },
        { "SET leadgate:shares %s", "x", "leadgate:shares", false, false, false, false, 100, 0, 0 },
    };
    struct policy_place place;
    struct world world;
    int64_t now = T0;
    bool closely;

    (void)state;
    begin(&world);
    private_redis_cli(&redis, "HSET domain:{example.com} provider big");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t before = scripts_run();
        const struct policy_provider *big;

        place = decide(&world, "ann@example.com", now, &closely);
        assert_string_equal(place.provider->name, "big");
        assert_false(place.domain_held || place.provider->trouble);
        if (strncmp(private_redis_cli(&redis, rows[i].set, rows[i].value), "(error)", 7) == 0)
            fail_msg("row %zu cannot be written", i);
        place = decide(&world, "bob@example.com", now + 999, &closely);
        assert_false(closely || place.domain_held || place.provider->trouble);
        assert_int_equal(scripts_run() - before, 1);
        place = decide(&world, "bob@example.com", now + 1000, &closely);
        big = place.provider;
        if (place.domain_held != rows[i].domain_held || big->held != rows[i].held ||
            big->released != rows[i].released || big->trouble != rows[i].trouble ||
            big->percent != rows[i].percent)
            fail_msg("row %zu: %d %d %d %d %d", i, place.domain_held, big->held, big->released, big->trouble,
                     big->percent);
        assert_int_equal(big->counts == NULL ? 0 : big->counts[0].tries, rows[i].tries);
        assert_int_equal(big->counts == NULL ? 0 : big->counts[0].invalid, rows[i].invalid);
        (void)decide(&world, "ann@example.com", now + 1001, &closely);
        assert_int_equal(closely, rows[i].trouble || rows[i].domain_held);
        private_redis_cli(&redis, "DEL %s", rows[i].key);
        now += 2000;
    }
    end(&world);
}

static enum lookup_look look_of(struct world *world, const char *name, int64_t now)
{
    struct address lead = address_of(name);
    enum lookup_look look = policy_providers_meet(world->providers, &lead, now);
    bool closely;

    (void)decide(world, name, now, &closely);
    return look;
}

/* Who comes back is asked for only where anybody may; and where that is not known. */
static void looks(void **state)
{
    struct world world;

    (void)state;
    begin(&world);
    private_redis_cli(&redis, "SET domain:{back.example}:returning 1");
    private_redis_cli(&redis, "SET provider:{held.example}:hold 1");
    assert_int_equal(look_of(&world, "ann@example.com", T0), LOOK_AT_RETURNS);
    assert_int_equal(look_of(&world, "ann@back.example", T0), LOOK_AT_RETURNS);
    assert_int_equal(look_of(&world, "ann@held.example", T0), LOOK_AT_RETURNS);
    assert_int_equal(look_of(&world, "ann@example.com", T0 + 1), LOOK_BRIEFLY);
    assert_int_equal(look_of(&world, "ann@back.example", T0 + 1), LOOK_AT_RETURNS);
    assert_int_equal(look_of(&world, "ann@held.example", T0 + 1), LOOK_CLOSELY);
    private_redis_cli(&redis, "SET domain:{example.com}:returning 1");
    assert_int_equal(look_of(&world, "ann@example.com", T0 + 999), LOOK_BRIEFLY);
    assert_int_equal(look_of(&world, "ann@example.com", T0 + 1000), LOOK_AT_RETURNS);
    private_redis_cli(&redis, "DEL domain:{example.com}:returning provider:{held.example}:hold");
    assert_int_equal(look_of(&world, "ann@example.com", T0 + 2000), LOOK_AT_RETURNS);
    assert_int_equal(look_of(&world, "ann@example.com", T0 + 2001), LOOK_BRIEFLY);
    assert_int_equal(look_of(&world, "ann@held.example", T0 + 2000), LOOK_CLOSELY);
    assert_int_equal(look_of(&world, "ann@held.example", T0 + 2001), LOOK_BRIEFLY);
    end(&world);
}

/* The shares of each stream stand where the stream stands. */
static void shares_of_streams(void **state)
{
    struct stream streams[3] = { { .name = "news" }, { .name = "offers" }, { .name = "rest" } };
    struct settings other = *settings;
    struct policy_place place;
    struct world world;
    bool closely;

    (void)state;
    other.streams = (struct streams){ streams, 3, false };
    begin(&world);
    private_redis_cli(&redis, "HSET leadgate:shares example.com/* %s example.com/offers %s", "1000 20",
                      "300 20");
    place = decide(&world, "ann@example.com", T0, &closely);
    assert_int_equal(place.provider->n_counts, 2);
    place.provider->sent = 100;
    policy_providers_use(world.providers, &other);
    place = decide(&world, "ann@example.com", T0 + 1, &closely);
    assert_int_equal(place.provider->sent, 100);
    assert_int_equal(place.provider->n_counts, 4);
    assert_int_equal(place.provider->counts[0].tries, 1000);
    assert_int_equal(place.provider->counts[1].tries, 0);
    assert_int_equal(place.provider->counts[2].tries, 300);
    assert_int_equal(place.provider->counts[2].invalid, 20);
    assert_true(place.provider->trouble);
    end(&world);
}

/* Whoever is not known is called by the registrable domain; many domains are one provider, whose numbers are
 * his however he is reached. */
static void who_answers(void **state)
{
    struct policy_place place, other;
    struct world world;
    bool closely;

    (void)state;
    begin(&world);
    private_redis_cli(&redis, "HSET domain:{a.example} provider big");
    private_redis_cli(&redis, "HSET domain:{b.example} provider big at 12");
    private_redis_cli(&redis, "SET domain:{c.example} x");
    private_redis_cli(&redis, "HSET domain:{d.example} provider %0100d", 7);
    place = decide(&world, "ann@a.example", T0, &closely);
    other = decide(&world, "ann@b.example", T0, &closely);
    assert_ptr_equal(place.provider, other.provider);
    assert_string_equal(decide(&world, "ann@c.example", T0, &closely).provider->name, "c.example");
    assert_string_equal(decide(&world, "ann@mail.c.example", T0, &closely).provider->name, "c.example");
    assert_string_equal(decide(&world, "ann@d.example", T0, &closely).provider->name, "");
    assert_string_equal(decide(&world, "ann@[192.0.2.1]", T0, &closely).provider->name, "");
    /* Nobody is held under no name, nor under one that is too long. */
    private_redis_cli(&redis, "SET provider:{}:hold x");
    private_redis_cli(&redis, "SET provider:{%0100d}:hold x", 7);
    assert_false(decide(&world, "ann@d.example", T0 + 1000, &closely).provider->held);
    assert_false(decide(&world, "ann@[192.0.2.1]", T0 + 1000, &closely).provider->held);
    /* What is asked for one of his domains is known of him. */
    private_redis_cli(&redis, "SET provider:{big}:hold x");
    (void)decide(&world, "ann@b.example", T0 + 1500, &closely);
    place = decide(&world, "ann@a.example", T0 + 1500, &closely);
    assert_true(closely && place.provider->held);
    end(&world);
}

/* An hour's numbers are that hour's. */
static void numbers_of_an_hour(void **state)
{
    const int64_t hour = 3600 * 1000;
    struct policy_place place;
    struct world world;
    bool closely;

    (void)state;
    begin(&world);
    place = decide(&world, "ann@example.com", T0, &closely);
    place.provider->sent = 100;
    place.provider->returned = 2;
    place = decide(&world, "ann@example.com", T0 + hour - 1, &closely);
    assert_int_equal(place.provider->sent, 100);
    place = decide(&world, "ann@example.com", T0 + hour, &closely);
    assert_int_equal(place.provider->sent, 0);
    assert_int_equal(place.provider->returned, 0);
    end(&world);
}

/* What is under way lands when it is heard of, whatever else the 24 hours gain and lose; or it is forgotten.
 */
static void what_lands(void **state)
{
    static const struct {
        const char *share;
        int64_t at, flying, risky;
    } rows[] = {
        { "1000 60", 1000, 50, 30 },          { "1020 63", 2000, 30, 18 },
        { "900 60", 3000, 30, 18 },           /* by hand, and less: nothing came */
        { "910 60 5000", 4000, 0, 0 },        /* more than was under way */
        { "910 60 5000", 5000, 0, 0 },        /* 60 of 60 risky ones from now on */
        { "870 60 5015", 6000, 45, 45 },      /* yesterday's went, 15 came */
        { "870 60 5015", 59 * 1000, 45, 45 }, /* a minute */
        { "870 60 5015", 60 * 1000, 22, 22 }, /* half of it is forgotten */
        { "870 60 5015", 61 * 1000, 22, 22 }, /* once */
        { "870 60 5015", 180 * 1000, 5, 5 },  /* twice */
        { "870 60 20", 190 * 1000, 5, 5 },    /* a day began */
        { "870 60 22", 191 * 1000, 3, 3 },
    };
    struct guard_count *count;
    struct policy_place place;
    struct world world;
    bool closely;

    (void)state;
    begin(&world);
    private_redis_cli(&redis, "HSET leadgate:shares example.com/* %s", "1000 60");
    place = decide(&world, "ann@example.com", T0, &closely);
    count = &place.provider->counts[0];
    count->flying = 50;
    count->risky = 30;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        private_redis_cli(&redis, "HSET leadgate:shares example.com/* %s", rows[i].share);
        (void)decide(&world, "ann@example.com", T0 + rows[i].at, &closely);
        if (count->flying != rows[i].flying || count->risky != rows[i].risky)
            fail_msg("row %zu: %lld, %lld", i, (long long)count->flying, (long long)count->risky);
        if (rows[i].at == 5000)
            count->flying = count->risky = 60;
    }
    end(&world);
}

/* Answers are waited for where a log is followed, and from whoever gives some. */
static void who_is_waited_for(void **state)
{
    const int64_t minute = 60 * 1000;
    struct policy_place place;
    struct world world;
    bool closely;

    (void)state;
    begin(&world);
    place = decide(&world, "ann@example.com", T0, &closely);
    assert_false(place.provider->answering);
    assert_null(place.provider->counts);
    private_redis_cli(&redis, "SET leadgate:followed x PX 30000");
    place = decide(&world, "ann@example.com", T0 + 1000, &closely);
    assert_true(place.provider->answering);
    assert_false(place.provider->trouble);
    assert_int_equal(place.provider->n_counts, settings->streams.n + 1);
    /* From half the way on it matters who is mailed. */
    place.provider->counts[0].flying = place.provider->counts[0].risky = 2000;
    (void)decide(&world, "ann@example.com", T0 + 2000, &closely);
    (void)decide(&world, "ann@example.com", T0 + 2001, &closely);
    assert_true(closely);
    /* Nothing is heard for five minutes, and again something. */
    place = decide(&world, "ann@example.com", T0 + 5 * minute, &closely);
    assert_true(place.provider->answering);
    place = decide(&world, "ann@example.com", T0 + 5 * minute + 2000, &closely);
    assert_false(place.provider->answering || place.provider->trouble);
    private_redis_cli(&redis, "HSET leadgate:shares example.com/* %s", "10 0");
    place = decide(&world, "ann@example.com", T0 + 5 * minute + 3000, &closely);
    assert_true(place.provider->answering);
    private_redis_cli(&redis, "DEL leadgate:followed");
    place = decide(&world, "ann@example.com", T0 + 5 * minute + 4000, &closely);
    assert_false(place.provider->answering);
    /* Nobody has no name. */
    private_redis_cli(&redis, "SET leadgate:followed x");
    assert_false(decide(&world, "ann@[192.0.2.1]", T0, &closely).provider->answering);
    end(&world);
}

/* Until the log tells who answers for a domain it goes by its own name; what is under way is his then. */
static void handed_over(void **state)
{
    struct policy_place place;
    struct world world;
    bool closely;

    (void)state;
    begin(&world);
    private_redis_cli(&redis, "SET leadgate:followed x");
    place = decide(&world, "ann@example.com", T0, &closely);
    assert_string_equal(place.provider->name, "example.com");
    place.provider->counts[0].flying = 40;
    place.provider->counts[0].risky = 30;
    private_redis_cli(&redis, "HSET domain:{example.com} provider big");
    private_redis_cli(&redis, "HSET leadgate:shares big/* %s", "20 1");
    place = decide(&world, "ann@example.com", T0 + 1000, &closely);
    assert_string_equal(place.provider->name, "big");
    assert_int_equal(place.provider->counts[0].flying, 20);
    assert_int_equal(place.provider->counts[0].risky, 15);
    /* Of one who is known nothing is taken away. */
    private_redis_cli(&redis, "HSET domain:{example.com} provider other");
    place = decide(&world, "ann@example.com", T0 + 2000, &closely);
    assert_string_equal(place.provider->name, "other");
    assert_int_equal(place.provider->counts[0].flying, 0);
    end(&world);
}

/* More domains and providers than there is room for: each decision knows its own all the same, and those who
 * are mailed to all the time stay. */
static void more_than_there_is_room_for(void **state)
{
    struct policy_place place;
    struct world world;
    bool closely;

    (void)state;
    begin(&world);
    private_redis_cli(&redis, "SET provider:{d77.example}:hold x");
    for (int i = 0; i < 20000; i++) {
        char name[40];

        snprintf(name, sizeof(name), "ann@d%d.example", i);
        place = decide(&world, name, T0 + i / 10, &closely);
        assert_string_equal(place.provider->name, name + 4);
        assert_int_equal(place.provider->held, i == 77);
        place = decide(&world, "ann@often.example", T0 + i / 10, &closely);
        assert_string_equal(place.provider->name, "often.example");
        assert_int_equal(place.provider->sent, i);
        place.provider->sent++;
    }
    end(&world);
}

/* A flush of the scripts, or of everything, is over with the next question; Redis away is nothing known. */
static void redis_in_trouble(void **state)
{
    struct policy_place place;
    struct world world;
    bool closely;

    (void)state;
    begin(&world);
    private_redis_cli(&redis, "SET provider:{example.com}:hold x");
    private_redis_cli(&redis, "SCRIPT FLUSH");
    place = decide(&world, "ann@example.com", T0, &closely);
    assert_null(place.provider);
    place = decide(&world, "ann@example.com", T0, &closely);
    assert_true(place.provider->held);
    private_redis_stop(&redis);
    while (world.up)
        event_base_dispatch(world.base);
    place = decide(&world, "ann@fresh.example", T0, &closely);
    assert_int_equal(world.rc, STORE_DOWN);
    assert_null(place.provider);
    private_redis_start(&redis, 0);
    while (!world.up)
        event_base_dispatch(world.base);
    place = decide(&world, "ann@fresh.example", T0, &closely);
    assert_string_equal(place.provider->name, "fresh.example");
    end(&world);
}

/* A clock that is set back keeps nothing for longer than a second. */
static void a_clock_that_is_set(void **state)
{
    struct policy_place place;
    struct world world;
    bool closely;

    (void)state;
    begin(&world);
    (void)decide(&world, "ann@example.com", T0, &closely);
    private_redis_cli(&redis, "SET provider:{example.com}:hold x");
    place = decide(&world, "ann@example.com", T0 - 86400000, &closely);
    assert_true(place.provider->held);
    end(&world);
}

static int start(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    private_redis_init(&redis);
    settings = settings_new();
    return settings == NULL ? -1 : 0;
}

static int stop(void **state)
{
    (void)state;
    settings_free(settings);
    private_redis_deinit(&redis);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seen_within_a_second),
        cmocka_unit_test(shares_of_streams),
        cmocka_unit_test(looks),
        cmocka_unit_test(who_answers),
        cmocka_unit_test(numbers_of_an_hour),
        cmocka_unit_test(what_lands),
        cmocka_unit_test(who_is_waited_for),
        cmocka_unit_test(handed_over),
        cmocka_unit_test(more_than_there_is_room_for),
        cmocka_unit_test(redis_in_trouble),
        cmocka_unit_test(a_clock_that_is_set),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
