/* SPDX-License-Identifier: BSD-2-Clause */
/* The way of all that comes back into Redis: who answered, what an incident excuses, and what is counted, on
 * a real Redis. */
#include "leadgate/answers.h"
#include "private_redis.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define cli(...)      private_redis_cli(&redis, __VA_ARGS__)

static struct private_redis redis;
static struct store *store;
static struct settings *settings;
static int64_t now; /* not the beginning of a day */
static int messages;

static int start(void **state)
{
    (void)state;
    private_redis_init(&redis);
    redis.settings.timeout = 5000; /* nothing here waits for it */
    store = store_new(&redis.settings);
    settings = settings_new();
    now = (int64_t)time(NULL);
    if (now % 86400 < 3600)
        now += 3600;
    return store == NULL || settings == NULL ? -1 : 0;
}

static int stop(void **state)
{
    (void)state;
    store_free(store);
    settings_free(settings);
    private_redis_deinit(&redis);
    return 0;
}

/* Another store, too: one that remembers no domain. */
static int flush(void **state)
{
    (void)state;
    cli("FLUSHALL");
    store_free(store);
    store = store_new(&redis.settings);
    return store == NULL ? -1 : 0;
}

static struct event event_of(enum event_type type, const char *lead, const char *provider, int64_t at)
{
    static char names[1000][16];
    struct address_rules rules = { .fold_local_part = true };
    struct event event = { .type = type,
                           .source = SOURCE_LOG,
                           .cause = type == EVENT_BOUNCE     ? CAUSE_USER_UNKNOWN
                                    : type == EVENT_DEFERRED ? CAUSE_NETWORK_ERROR
                                                             : CAUSE_NONE,
                           .at = at,
                           .sent = at,
                           .provider = span_of(provider),
                           .mail_stream = SPAN("default") };
    struct err err;

    assert_int_equal(address_parse(&event.lead, ADDRESS_INTERNAL, span_of(lead), &rules, &err), 0);
    snprintf(names[messages % 1000], sizeof(names[0]), "m%d", messages);
    event.message = span_of(names[messages++ % 1000]);
    return event;
}

static struct outcome apply(struct event event)
{
    struct outcome outcome;
    struct err err;
    bool uncounted;

    assert_int_equal(answers_apply(settings, store, &event, 1, now, &outcome, &uncounted, &err), STORE_OK);
    assert_false(uncounted);
    return outcome;
}

static int64_t tries_at(const char *provider)
{
    return atoll(cli("HGET provider:{%s}:day:%lld tries", provider, (long long)(now / 86400)));
}

/* Who answered: the host that is named, else who answered for the domain before, else the domain. */
static void who_answered(void **state)
{
    struct event event = event_of(EVENT_DEFERRED, "ann@shop.example", "", now - 50);

    (void)state;
    assert_string_equal(apply(event).provider, "shop.example");
    assert_string_equal(cli("EXISTS domain:{shop.example}"), "0");
    assert_string_equal(apply(event_of(EVENT_BOUNCE, "bob@shop.example", "big.example", now - 40)).provider,
                        "big.example");
    assert_string_equal(cli("HGET domain:{shop.example} provider"), "big.example");
    event = event_of(EVENT_DEFERRED, "cid@shop.example", "", now - 30);
    assert_string_equal(apply(event).provider, "big.example");
    assert_string_equal(cli("HGET lead:{cid@shop.example} provider"), "big.example");
    /* It was taken by somebody whose name says nothing: that is news. */
    event = event_of(EVENT_DELIVERED, "dan@shop.example", "", now - 20);
    assert_string_equal(apply(event).provider, "shop.example");
    assert_string_equal(cli("HGET domain:{shop.example} provider"), "shop.example");
    assert_int_equal(tries_at("shop.example"), 2);
    assert_int_equal(tries_at("big.example"), 2);
    /* An address has no provider, and nothing is counted. */
    assert_string_equal(apply(event_of(EVENT_DELIVERED, "ann@[192.0.2.7]", "", now)).provider, "");
    assert_string_equal(cli("ZCARD leadgate:providers"), "2");
}

/* What of all that comes in is an answer of a provider's. */
static void what_is_counted(void **state)
{
    static const struct {
        enum event_type type;
        enum event_source source;
        enum cause cause;
        bool unverified, counted;
    } rows[] = {
        { EVENT_DELIVERED, SOURCE_LOG, CAUSE_NONE, false, true },
        { EVENT_BOUNCE, SOURCE_LOG, CAUSE_MAILBOX_FULL, false, true },
        { EVENT_DEFERRED, SOURCE_LOG, CAUSE_MAILBOX_FULL, false, true },
        { EVENT_BOUNCE, SOURCE_MAILBOX, CAUSE_USER_UNKNOWN, false, true },
        { EVENT_BOUNCE, SOURCE_MILTER, CAUSE_USER_UNKNOWN, false, true },
        { EVENT_BOUNCE, SOURCE_MILTER, CAUSE_USER_UNKNOWN, true, false },
        { EVENT_BOUNCE, SOURCE_MILTER, CAUSE_SUPPRESSED, false, false },
        { EVENT_BOUNCE, SOURCE_APPLICATION, CAUSE_USER_UNKNOWN, false, false },
        { EVENT_DELIVERED, SOURCE_APPLICATION, CAUSE_NONE, false, false },
        { EVENT_COMPLAINT, SOURCE_MILTER, CAUSE_COMPLAINT, false, false },
        { EVENT_CLICK, SOURCE_APPLICATION, CAUSE_NONE, false, false },
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct event event = event_of(rows[i].type, "ann@shop.example", "big.example", now);

        cli("FLUSHALL");
        event.source = rows[i].source;
        event.cause = rows[i].cause;
        event.unverified = rows[i].unverified;
        (void)apply(event);
        assert_int_equal(tries_at("big.example"), rows[i].counted);
        assert_int_equal(atoll(cli("HGET provider:{big.example}:day:%lld logged", (long long)(now / 86400))),
                         rows[i].source == SOURCE_LOG);
        /* Told again it is a repeat, and counts no more. */
        (void)apply(event);
        assert_int_equal(tries_at("big.example"), rows[i].counted);
    }
}

/* Known is who had taken mail before. */
static void who_is_known(void **state)
{
    (void)state;
    (void)apply(event_of(EVENT_DELIVERED, "ann@shop.example", "big.example", now - 100));
    (void)apply(event_of(EVENT_DELIVERED, "ann@shop.example", "big.example", now - 50));
    (void)apply(event_of(EVENT_BOUNCE, "ann@shop.example", "big.example", now));
    (void)apply(event_of(EVENT_BOUNCE, "bob@shop.example", "big.example", now));
    assert_string_equal(
        cli("HMGET provider:{big.example}:day:%lld tries known known-dead invalid", (long long)(now / 86400)),
        "4 2 1 2");
}

static void open_incident(const char *sign, int64_t since, int64_t step)
{
    cli("HSET provider:{big.example}:incident sign %s since %lld step %lld percent 0", sign, (long long)since,
        (long long)step);
}

/* While there is an incident its bounces are excused, and what came after its step is counted for it. */
static void what_an_incident_excuses(void **state)
{
    static const struct {
        const char *sign, *provider;
        enum event_type type;
        enum cause cause;
        int64_t at; /* before now */
        bool excused, in_step;
    } rows[] = {
        { "dead", "big.example", EVENT_BOUNCE, CAUSE_USER_UNKNOWN, 0, true, true },
        { "dead", "big.example", EVENT_BOUNCE, CAUSE_DOMAIN_UNKNOWN, 0, true, true },
        { "dead", "big.example", EVENT_BOUNCE, CAUSE_MAILBOX_FULL, 0, false, true },
        { "dead", "big.example", EVENT_BOUNCE, CAUSE_NETWORK_ERROR, 0, false, true },
        { "dead", "else.example", EVENT_BOUNCE, CAUSE_USER_UNKNOWN, 0, false, false },
        { "faults", "big.example", EVENT_BOUNCE, CAUSE_NETWORK_ERROR, 0, true, true },
        { "faults", "big.example", EVENT_BOUNCE, CAUSE_SPAM_BLOCK, 0, true, true },
        { "faults", "big.example", EVENT_BOUNCE, CAUSE_USER_UNKNOWN, 0, false, true },
        { "nonsense", "big.example", EVENT_BOUNCE, CAUSE_USER_UNKNOWN, 0, false, true },
        { "faults", "big.example", EVENT_DEFERRED, CAUSE_NETWORK_ERROR, 0, false, true },
        { "dead", "big.example", EVENT_DELIVERED, CAUSE_NONE, 0, false, true },
        /* Of the minutes before it was seen, and heard of late; and of a day without one. */
        { "dead", "big.example", EVENT_BOUNCE, CAUSE_USER_UNKNOWN, 60, true, false },
        { "dead", "big.example", EVENT_BOUNCE, CAUSE_USER_UNKNOWN, 920, true, false },
        { "dead", "big.example", EVENT_BOUNCE, CAUSE_USER_UNKNOWN, 1000, false, false },
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct event event = event_of(rows[i].type, "ann@shop.example", rows[i].provider, now - rows[i].at);
        struct outcome outcome;

        cli("FLUSHALL");
        open_incident(rows[i].sign, now - 30, now - 20);
        event.cause = rows[i].cause;
        outcome = apply(event);
        assert_int_equal(outcome.excused, rows[i].excused);
        if (rows[i].excused)
            assert_int_equal(outcome.effect, EFFECT_RECORDED);
        else if (rows[i].cause == CAUSE_USER_UNKNOWN)
            assert_int_equal(outcome.effect, EFFECT_OPTOUT);
        assert_int_equal(atoll(cli("HGET provider:{big.example}:step:%lld tries", (long long)(now - 20))),
                         rows[i].in_step);
    }
    /* It is over, though its words are still there. */
    cli("FLUSHALL");
    open_incident("dead", now - 30, now - 20);
    cli("HSET provider:{big.example}:incident percent 100 news x");
    assert_int_equal(apply(event_of(EVENT_BOUNCE, "ann@shop.example", "big.example", now)).effect,
                     EFFECT_OPTOUT);
    cli("FLUSHALL");
    cli("SET provider:{big.example}:incident x");
    assert_int_equal(apply(event_of(EVENT_BOUNCE, "ann@shop.example", "big.example", now)).effect,
                     EFFECT_OPTOUT);
}

/* In one batch, each event finds its own. */
static void a_batch(void **state)
{
    enum { N = 600 };
    struct event *events = calloc(N, sizeof(*events));
    struct outcome *outcomes = calloc(N, sizeof(*outcomes));
    char lead[64], name[3][20] = { "big.example", "p1.example", "p2.example" };
    struct err err;
    bool uncounted;

    (void)state;
    open_incident("dead", now - 30, now - 20);
    for (int i = 0; i < N; i++) {
        snprintf(lead, sizeof(lead), "ann%d@shop%d.example", i, i % 3);
        events[i] = event_of(EVENT_BOUNCE, lead, i < 3 ? name[i] : "", now - 10 + i / 100);
    }
    /* Whose the domains are is learned by the first. */
    assert_int_equal(answers_apply(settings, store, events, 3, now, outcomes, &uncounted, &err), STORE_OK);
    assert_int_equal(answers_apply(settings, store, events + 3, N - 3, now, outcomes + 3, &uncounted, &err),
                     STORE_OK);
    assert_false(uncounted);
    for (int i = 0; i < N; i++) {
        assert_string_equal(outcomes[i].provider, name[i % 3]);
        assert_int_equal(outcomes[i].excused, i % 3 == 0);
        assert_int_equal(outcomes[i].effect, i % 3 == 0 ? EFFECT_RECORDED : EFFECT_OPTOUT);
    }
    assert_int_equal(tries_at("big.example"), N / 3);
    assert_int_equal(tries_at("p2.example"), N / 3);
    /* All of it again is nothing new. */
    assert_int_equal(answers_apply(settings, store, events, N, now, outcomes, NULL, &err), STORE_OK);
    assert_int_equal(tries_at("big.example"), N / 3);
    free(outcomes);
    free(events);
}

static void while_redis_is_away(void **state)
{
    struct event event = event_of(EVENT_BOUNCE, "ann@shop.example", "", now);
    struct outcome outcome;
    bool uncounted = true;
    struct err err;

    (void)state;
    private_redis_stop(&redis);
    assert_int_equal(answers_apply(settings, store, &event, 1, now, &outcome, &uncounted, &err), STORE_DOWN);
    assert_false(uncounted);
    assert_non_null(strstr(err.text, "Redis"));
    private_redis_start(&redis, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(who_answered, flush), cmocka_unit_test_setup(what_is_counted, flush),
        cmocka_unit_test_setup(who_is_known, flush), cmocka_unit_test_setup(what_an_incident_excuses, flush),
        cmocka_unit_test_setup(a_batch, flush),      cmocka_unit_test_setup(while_redis_is_away, flush),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
