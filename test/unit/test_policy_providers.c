/* SPDX-License-Identifier: BSD-2-Clause */
/* What is kept of providers, on a real Redis and a real loop: what an operator writes is seen within a
 * second, nothing is asked for twice in it, and room is never short. The clock is the test's. */
#include "leadgate/store_shares.h"
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

#define T0   INT64_C(1796083200000) /* the begin of an hour */
#define FIVE (T0 / 300000)          /* the number of its first five minutes */

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
    int counts_for;

    *closely = policy_providers_meet(world->providers, &lead, now, &counts_for) == LOOK_CLOSELY;
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
    int counts_for;
    enum lookup_look look = policy_providers_meet(world->providers, &lead, now, &counts_for);
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

/* The number that is set, or -1. */
static int64_t passed_in(const char *provider, int64_t five)
{
    const char *text = private_redis_cli(&redis, "HGET provider:{%s}:passed %lld", provider, (long long)five);

    return text[0] >= '0' && text[0] <= '9' ? atoll(text) : -1;
}

/* Who passed in the last quarter of an hour and was not answered for good, as Redis tells. */
static void who_is_under_way(void **state)
{
    static const struct {
        int64_t five, passed; /* one more; 0 = none */
        const char *share;
        int64_t tries, invalid, risky;
    } rows[] = {
        { 0, 0, "-", 0, 0, 0 },
        { FIVE, 30, "-", 0, 0, 30 },
        { FIVE - 3, 10, "-", 0, 0, 40 },
        { FIVE - 4, 50, "-", 0, 0, 40 },
        { FIVE - 13, 50, "-", 0, 0, 40 },
        { FIVE + 1, 2, "-", 0, 0, 42 },  /* another one's clock */
        { FIVE + 2, 50, "-", 0, 0, 42 }, /* one that was wrong */
        { 0, 0, "1000 20 25 5986941", 1000, 20, 17 },
        { 0, 0, "1000 20 99 5986941", 1000, 20, 0 },
        { 0, 0, "1000 20 0 5986943", 1000, 20, 32 },
        { 0, 0, "1000 20", 1000, 20, 42 }, /* by hand */
        { 0, 0, "1000 20 25", 1000, 20, 42 },
        { 0, 0, "1000 20 -25 5986941", 1000, 20, 42 },
        { 0, 0, "9223372036854775807 9223372036854775807", INT64_C(1000000000000), INT64_C(1000000000000),
          42 },
    };
    struct policy_place place;
    struct world world;
    bool closely;

    (void)state;
    assert_int_equal(FIVE - UNDER_WAY_FIVES, 5986941);
    begin(&world);
    private_redis_cli(&redis, "SET leadgate:followed x");
    private_redis_cli(&redis, "HSET domain:{example.com} provider big");
    private_redis_cli(&redis, "HSET provider:{big}:passed x 7");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].passed > 0)
            private_redis_cli(&redis, "HSET provider:{big}:passed %lld %lld", (long long)rows[i].five,
                              (long long)rows[i].passed);
        private_redis_cli(&redis, "HSET leadgate:shares big/* %s", rows[i].share);
        place = decide(&world, "ann@example.com", T0 + (int64_t)i * 1000, &closely);
        if (place.provider->counts[0].tries != rows[i].tries ||
            place.provider->counts[0].invalid != rows[i].invalid ||
            place.provider->counts[0].risky != rows[i].risky)
            fail_msg("row %zu: %lld under way", i, (long long)place.provider->counts[0].risky);
    }
    /* What is nobody's any more goes; and an odd key counts for nobody. */
    assert_int_equal(passed_in("big", FIVE - 13), -1);
    assert_int_equal(passed_in("big", FIVE + 2), -1);
    assert_int_equal(passed_in("big", FIVE - 4), 50);
    private_redis_cli(&redis, "DEL leadgate:shares provider:{big}:passed");
    private_redis_cli(&redis, "SET provider:{big}:passed x");
    place = decide(&world, "ann@example.com", T0 + 60000, &closely);
    assert_int_equal(place.provider->counts[0].risky, 0);
    place.provider->passed = 3;
    policy_providers_tell(world.providers, T0 + 60000);
    place = decide(&world, "ann@example.com", T0 + 61000, &closely);
    assert_int_equal(place.provider->counts[0].risky, 3);
    assert_string_equal(private_redis_cli(&redis, "GET provider:{big}:passed:odd"), "x");
    end(&world);
}

/* A Redis that takes nothing tells all the same what it has. */
static void where_nothing_can_be_written(void **state)
{
    static const char *const rows[][2] = {
        { "CONFIG SET maxmemory 1", "CONFIG SET maxmemory 0" },
        { "REPLICAOF 127.0.0.1 1", "REPLICAOF NO ONE" },
    };
    struct policy_place place;
    struct world world;
    bool closely;

    (void)state;
    begin(&world);
    private_redis_cli(&redis, "SET leadgate:followed x");
    private_redis_cli(&redis, "CONFIG SET maxmemory-policy noeviction");
    private_redis_cli(&redis, "HSET domain:{example.com} provider big");
    private_redis_cli(&redis, "HSET provider:{big}:passed %lld 30 %lld 1", (long long)FIVE,
                      (long long)FIVE - 20);
    private_redis_cli(&redis, "HSET provider:{example.com}:passed %lld 40", (long long)FIVE);
    private_redis_cli(&redis, "SET provider:{big}:hold x");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        private_redis_cli(&redis, rows[i][0]);
        place = decide(&world, "ann@example.com", T0 + (int64_t)i * 1000, &closely);
        private_redis_cli(&redis, rows[i][1]);
        assert_true(place.provider->held);
        assert_int_equal(place.provider->counts[0].risky, 30);
    }
    place = decide(&world, "ann@example.com", T0 + 2000, &closely);
    assert_int_equal(place.provider->counts[0].risky, 70);
    end(&world);
}

/* Several policy servers, and a reload, count together: none twice, and none is forgotten. */
static void counted_together(void **state)
{
    struct policy_provider *mine, *theirs;
    struct policy_providers *other;
    struct world world;
    bool closely;

    (void)state;
    begin(&world);
    private_redis_cli(&redis, "SET leadgate:followed x");
    other = policy_providers_new(world.lookup, settings);
    mine = decide(&world, "ann@example.com", T0, &closely).provider;
    mine->passed = 30;
    mine->counts[0].risky = 30;
    mine = decide(&world, "ann@example.com", T0 + 1000, &closely).provider;
    assert_int_equal(mine->counts[0].risky, 30); /* not told yet */
    policy_providers_tell(world.providers, T0 + 1000);
    assert_int_equal(mine->passed, 0);
    mine->passed = 5;
    mine->counts[0].risky += 5;
    mine = decide(&world, "ann@example.com", T0 + 2000, &closely).provider;
    assert_int_equal(mine->counts[0].risky, 35);
    assert_int_equal(passed_in("example.com", FIVE), 30);
    assert_in_range(atoll(private_redis_cli(&redis, "TTL provider:{example.com}:passed")), 3800, 3900);
    policy_providers_use(world.providers, settings);
    assert_null(mine->counts);
    mine = decide(&world, "ann@example.com", T0 + 2001, &closely).provider;
    assert_int_equal(mine->counts[0].risky, 35);
    policy_providers_tell(world.providers, T0 + 2001);
    policy_providers_tell(world.providers, T0 + 2001);
    assert_int_equal(mine->counts[0].risky, 35);
    policy_providers_free(world.providers);
    world.providers = other;
    theirs = decide(&world, "ann@example.com", T0 + 2002, &closely).provider;
    assert_int_equal(theirs->counts[0].risky, 35);
    private_redis_cli(&redis, "HSET leadgate:shares example.com/* %s", "31 1 31 5986941");
    theirs = decide(&world, "ann@example.com", T0 + 3002, &closely).provider;
    assert_int_equal(theirs->counts[0].risky, 4);
    assert_string_equal(private_redis_cli(&redis, "ZRANGE leadgate:passed 0 -1"), "example.com");
    end(&world);
}

/* Answers are waited for where a log is followed, and from whoever gives some, or had no time to yet. */
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
    private_redis_cli(&redis, "HSET provider:{example.com}:passed %lld 2000", (long long)FIVE);
    private_redis_cli(&redis, "SET leadgate:followed x PX 30000");
    place = decide(&world, "ann@example.com", T0 + 1000, &closely);
    assert_true(place.provider->answering && place.provider->trouble);
    assert_int_equal(place.provider->n_counts, settings->streams.n + 1);
    (void)decide(&world, "ann@example.com", T0 + 1001, &closely);
    assert_true(closely);
    /* In five minutes, and not in ten: no log tells of him. More who pass change nothing for an hour. */
    place = decide(&world, "ann@example.com", T0 + 10 * minute - 1, &closely);
    assert_true(place.provider->answering);
    private_redis_cli(&redis, "HSET provider:{example.com}:passed %lld 2000", (long long)(FIVE + 2));
    place = decide(&world, "ann@example.com", T0 + 10 * minute + 1000, &closely);
    assert_false(place.provider->answering || place.provider->trouble);
    assert_true(policy_hold_counts(settings, place.provider));
    private_redis_cli(&redis, "ZADD leadgate:providers %lld example.com", (long long)(T0 / 1000 - 86400));
    place = decide(&world, "ann@example.com", T0 + 60 * minute, &closely);
    assert_false(place.provider->answering);
    private_redis_cli(&redis, "ZADD leadgate:providers %lld example.com", (long long)(T0 / 1000 - 80000));
    place = decide(&world, "ann@example.com", T0 + 60 * minute + 1000, &closely);
    assert_true(place.provider->answering);
    private_redis_cli(&redis, "HSET provider:{example.com}:passed %lld 2000", (long long)(FIVE + 12));
    place = decide(&world, "ann@example.com", T0 + 60 * minute + 2000, &closely);
    assert_true(place.provider->answering && place.provider->trouble);
    private_redis_cli(&redis, "DEL leadgate:followed");
    place = decide(&world, "ann@example.com", T0 + 60 * minute + 3000, &closely);
    assert_false(place.provider->answering);
    /* Nobody has no name. */
    private_redis_cli(&redis, "SET leadgate:followed x");
    assert_false(decide(&world, "ann@[192.0.2.1]", T0, &closely).provider->answering);
    end(&world);
}

/* Until the log tells who answers for a domain it goes by its own name; what is under way is his then, and
 * whoever goes by such a name otherwise keeps what is his. */
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
    private_redis_cli(&redis, "HSET provider:{example.com}:passed %lld 40", (long long)FIVE);
    private_redis_cli(&redis, "HSET provider:{big}:passed %lld 2", (long long)FIVE);
    private_redis_cli(&redis, "HSET domain:{example.com} provider big");
    private_redis_cli(&redis, "HSET leadgate:shares big/* %s", "20 1 0 0");
    place = decide(&world, "ann@example.com", T0 + 1000, &closely);
    assert_string_equal(place.provider->name, "big");
    assert_int_equal(place.provider->counts[0].risky, 42);
    assert_int_equal(passed_in("big", FIVE), 42);
    assert_int_equal(passed_in("example.com", FIVE), -1);
    private_redis_cli(&redis, "HSET provider:{example.com}:passed %lld 40", (long long)FIVE);
    private_redis_cli(&redis, "ZADD leadgate:providers %lld example.com", (long long)(T0 / 1000));
    place = decide(&world, "ann@example.com", T0 + 2000, &closely);
    assert_int_equal(place.provider->counts[0].risky, 42);
    assert_int_equal(passed_in("example.com", FIVE), 40);
    end(&world);
}

/* As long as it does not matter who is risky one in so many is looked at closely, and in no order; nobody
 * where no log is followed; and each whose provider is not known. */
static void samples(void **state)
{
    struct address lead = address_of("ann@example.com"), other = address_of("ann@other.example");
    int counts_for, places[GUARD_SAMPLE] = { 0 }, used = 0;
    struct world world;
    bool closely;

    (void)state;
    begin(&world);
    (void)decide(&world, "ann@example.com", T0, &closely);
    for (int i = 0; i < 100; i++)
        assert_int_equal(policy_providers_meet(world.providers, &lead, T0 + 1, &counts_for), LOOK_BRIEFLY);
    assert_int_equal(policy_providers_meet(world.providers, &other, T0 + 1, &counts_for), LOOK_AT_RETURNS);
    private_redis_cli(&redis, "SET leadgate:followed x");
    private_redis_cli(&redis, "HSET leadgate:shares example.com/* %s", "5000 0 0 0");
    (void)decide(&world, "ann@example.com", T0 + 1000, &closely);
    for (int block = 0; block < 10 * GUARD_SAMPLE; block++) {
        int seen = 0;

        for (int i = 0; i < GUARD_SAMPLE; i++) {
            if (policy_providers_meet(world.providers, &lead, T0 + 1001, &counts_for) != LOOK_CLOSELY)
                continue;
            assert_int_equal(counts_for, GUARD_SAMPLE);
            places[i]++;
            seen++;
        }
        assert_int_equal(seen, 1);
    }
    for (int i = 0; i < GUARD_SAMPLE; i++)
        used += places[i] > 0;
    assert_in_range(used, GUARD_SAMPLE - 4, GUARD_SAMPLE);
    other = address_of("ann@new.example");
    assert_int_equal(policy_providers_meet(world.providers, &other, T0 + 1001, &counts_for), LOOK_CLOSELY);
    assert_int_equal(counts_for, 1);
    end(&world);
}

/* Of three questions about a domain whose provider had to make room, one knew him, and none counts twice. */
static void several_questions_at_once(void **state)
{
    struct address lead = address_of("ann@example.com");
    struct policy_place place;
    struct world world;
    bool closely;
    int counts_for;

    (void)state;
    begin(&world);
    private_redis_cli(&redis, "SET leadgate:followed x");
    (void)decide(&world, "ann@example.com", T0, &closely);
    for (int i = 0; i < 5000; i++) {
        char name[40];

        snprintf(name, sizeof(name), "ann@sub%d.d%d.example", i % 2, i);
        place = decide(&world, name, T0 + 1 + i % 900, &closely);
        place.provider->passed = 10; /* told when the place is given away: each has told something */
    }
    private_redis_cli(&redis, "DEL provider:{example.com}:passed");
    for (int i = 0; i < 3; i++)
        (void)policy_providers_meet(world.providers, &lead, T0 + 2000 + i * 1000, &counts_for);
    place = decide(&world, "ann@example.com", T0 + 4001, &closely);
    assert_int_equal(place.provider->counts[0].risky, 0);
    end(&world);
}

/* Of an incident that no feed has looked at for an hour nobody is held any more; one of an operator's hand
 * has no end. */
static void a_neglected_incident(void **state)
{
    static const struct {
        const char *life;
        int percent;
    } rows[] = { { "86400", 20 }, { "82900", 20 }, { "82700", 100 }, { "60", 100 } };
    struct world world;
    bool closely;

    (void)state;
    begin(&world);
    private_redis_cli(&redis, "HSET provider:{example.com}:incident percent 20");
    assert_int_equal(decide(&world, "ann@example.com", T0, &closely).provider->percent, 20);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        private_redis_cli(&redis, "EXPIRE provider:{example.com}:incident %s", rows[i].life);
        assert_int_equal(
            decide(&world, "ann@example.com", T0 + 1000 + (int64_t)i * 1000, &closely).provider->percent,
            rows[i].percent);
    }
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
        place.provider->passed = i == 5 ? 7 : 0;
        place = decide(&world, "ann@often.example", T0 + i / 10, &closely);
        assert_string_equal(place.provider->name, "often.example");
        assert_int_equal(place.provider->sent, i);
        place.provider->sent++;
    }
    /* Who had to go is not forgotten. */
    assert_int_equal(passed_in("d5.example", FIVE), 7);
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
        cmocka_unit_test(who_is_under_way),
        cmocka_unit_test(where_nothing_can_be_written),
        cmocka_unit_test(counted_together),
        cmocka_unit_test(who_is_waited_for),
        cmocka_unit_test(handed_over),
        cmocka_unit_test(samples),
        cmocka_unit_test(several_questions_at_once),
        cmocka_unit_test(a_neglected_incident),
        cmocka_unit_test(more_than_there_is_room_for),
        cmocka_unit_test(redis_in_trouble),
        cmocka_unit_test(a_clock_that_is_set),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
