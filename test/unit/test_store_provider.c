/* SPDX-License-Identifier: BSD-2-Clause */
/* What is counted of providers, on a real Redis: where it lands, what it adds up to, what an operator writes
 * into it, and what happens when Redis goes away. */
#include "leadgate/store_provider.h"
#include "leadgate/store_shares.h"
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

#include "some_address.h"

#define P             SPAN("big.example")
#define FIVE          ((int64_t)300)
#define DAY           ((int64_t)86400)
#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static struct private_redis redis;
static int64_t now; /* the middle of five minutes, and not the first of a day */

static int start(void **state)
{
    private_redis_init(&redis);
    redis.settings.timeout = 5000; /* nothing here waits for it */
    now = (int64_t)time(NULL) / FIVE * FIVE + 150;
    if (now % DAY < 3600)
        now += 3600;
    *state = NULL;
    return 0;
}

static int stop(void **state)
{
    (void)state;
    private_redis_deinit(&redis);
    return 0;
}

static int flush(void **state)
{
    (void)state;
    private_redis_cli(&redis, "FLUSHALL");
    return 0;
}

/* The event of one try, from the log, with an answer of that provider. */
static struct event event_of(enum event_type type, enum cause cause, const char *lead, int64_t at)
{
    return (struct event){ .type = type,
                           .source = SOURCE_LOG,
                           .lead = address_of(lead),
                           .cause = cause,
                           .at = at,
                           .provider = P,
                           .mail_stream = SPAN("news") };
}

static enum store_rc note(struct store *store, const struct event *event, bool known)
{
    struct answer answer = { .event = event, .known = known };
    struct err err;

    return store_note_answers(store, &answer, 1, now, &err);
}

static struct provider_sum sum(struct store *store, struct stretch stretch)
{
    const struct span provider = P;
    struct provider_sum sum;
    struct err err;

    assert_int_equal(store_sum_answers(store, &provider, 1, stretch, &sum, &err), STORE_OK);
    return sum;
}

static struct provider_sum sum_of_today(struct store *store)
{
    return sum(store, (struct stretch){ STRETCH_DAYS, now, now });
}

static struct provider_sum sum_of_minutes(struct store *store)
{
    return sum(store, (struct stretch){ STRETCH_FIVES, now, now });
}

static int64_t get(const char *fmt, int64_t number, const char *field)
{
    return atoll(private_redis_cli(&redis, fmt, (long long)number, field));
}

/* How long a key is kept, in seconds: from `now` on, which need not be Redis's. */
static int64_t life(const char *fmt, int64_t number)
{
    return atoll(private_redis_cli(&redis, fmt, (long long)number)) - now;
}

/* Each kind of answer, and what it counts as. */
static void each_kind_of_answer(void **state)
{
    static const struct {
        enum event_type type;
        enum cause cause;
        bool known;
        int64_t delivered, faults, known_dead, invalid;
    } rows[] = {
        { EVENT_DELIVERED, CAUSE_NONE, false, 1, 0, 0, 0 },
        { EVENT_DELIVERED, CAUSE_NONE, true, 1, 0, 0, 0 },
        { EVENT_BOUNCE, CAUSE_USER_UNKNOWN, false, 0, 0, 0, 1 },
        { EVENT_BOUNCE, CAUSE_USER_UNKNOWN, true, 0, 0, 1, 1 },
        { EVENT_BOUNCE, CAUSE_DOMAIN_UNKNOWN, true, 0, 0, 1, 1 },
        { EVENT_BOUNCE, CAUSE_MAILBOX_FULL, true, 0, 0, 0, 0 },
        { EVENT_BOUNCE, CAUSE_SPAM_BLOCK, true, 0, 1, 0, 0 },
        { EVENT_BOUNCE, CAUSE_NETWORK_ERROR, false, 0, 1, 0, 0 },
        { EVENT_BOUNCE, CAUSE_EXPIRED, true, 0, 1, 0, 0 },
        { EVENT_BOUNCE, CAUSE_MESSAGE_TOO_BIG, true, 0, 0, 0, 0 },
        { EVENT_DEFERRED, CAUSE_NETWORK_ERROR, true, 0, 1, 0, 0 },
        { EVENT_DEFERRED, CAUSE_RATE_LIMITED, false, 0, 1, 0, 0 },
        { EVENT_DEFERRED, CAUSE_MAILBOX_FULL, true, 0, 0, 0, 0 },
        { EVENT_DEFERRED, CAUSE_USER_UNKNOWN, true, 0, 0, 0, 0 }, /* 450: it is not said for good */
    };
    struct store *store = store_new(&redis.settings);

    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct event event = event_of(rows[i].type, rows[i].cause, "ann@example.com", now);
        char cause[40];
        struct provider_sum got;

        private_redis_cli(&redis, "FLUSHALL");
        assert_int_equal(note(store, &event, rows[i].known), STORE_OK);
        got = sum_of_today(store);
        assert_int_equal(got.count.tries, 1);
        assert_int_equal(got.logged, 1);
        assert_int_equal(got.count.known, rows[i].known);
        assert_int_equal(got.delivered, rows[i].delivered);
        assert_int_equal(got.count.faults, rows[i].faults);
        assert_int_equal(got.count.known_dead, rows[i].known_dead);
        assert_int_equal(got.invalid, rows[i].invalid);
        snprintf(cause, sizeof(cause), "cause.%s", cause_name(rows[i].cause));
        assert_int_equal(get("HGET provider:{big.example}:five:%lld %s", now / FIVE, cause),
                         rows[i].cause != CAUSE_NONE);
    }
    store_free(store);
}

/* Who is only to come again has been tried, and nothing is wrong; who is not let in for good is another
 * matter. */
static void greylisting_is_no_fault(void **state)
{
    static const struct {
        enum event_type type;
        const char *rule;
        int64_t faults;
    } rows[] = {
        { EVENT_DEFERRED, "rate.greylisting", 0 },     { EVENT_DEFERRED, "our.own.greylisting", 0 },
        { EVENT_DEFERRED, "rate.limited", 1 },         { EVENT_DEFERRED, NULL, 1 },
        { EVENT_DEFERRED, "rate.greylisting.end", 1 }, { EVENT_DEFERRED, "greylisting", 1 },
        { EVENT_BOUNCE, "rate.greylisting", 1 },
    };
    struct store *store = store_new(&redis.settings);

    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct event event = event_of(rows[i].type, CAUSE_RATE_LIMITED, "ann@example.com", now);
        struct provider_sum got;

        event.rule = rows[i].rule;
        private_redis_cli(&redis, "FLUSHALL");
        assert_int_equal(note(store, &event, false), STORE_OK);
        got = sum_of_today(store);
        assert_int_equal(got.count.tries, 1);
        assert_int_equal(got.count.faults, rows[i].faults);
    }
    store_free(store);
}

/* Where the counts are, under which names, and for how long. */
static void where_it_is_counted(void **state)
{
    struct event events[] = {
        event_of(EVENT_DELIVERED, CAUSE_NONE, "ann@example.com", now),
        event_of(EVENT_BOUNCE, CAUSE_USER_UNKNOWN, "bob@example.com", now),
        event_of(EVENT_DELIVERED, CAUSE_NONE, "ann@example.com", now - FIVE),
        event_of(EVENT_DELIVERED, CAUSE_NONE, "cid@example.com", now),
        event_of(EVENT_DELIVERED, CAUSE_NONE, "dan@example.com", now),
    };
    struct answer answers[LENGTH(events)];
    struct store *store = store_new(&redis.settings);
    struct err err;

    (void)state;
    events[3].mail_stream = SPAN("shop");
    events[4].mail_stream = SPAN_NONE;
    for (size_t i = 0; i < LENGTH(events); i++)
        answers[i] = (struct answer){ .event = &events[i], .known = i == 1 };
    assert_int_equal(store_note_answers(store, answers, LENGTH(events), now, &err), STORE_OK);
    assert_int_equal(get("HGET provider:{big.example}:five:%lld %s", now / FIVE, "tries"), 4);
    assert_int_equal(get("HGET provider:{big.example}:five:%lld %s", now / FIVE, "tries/news"), 2);
    assert_int_equal(get("HGET provider:{big.example}:five:%lld %s", now / FIVE, "tries/shop"), 1);
    assert_int_equal(get("HGET provider:{big.example}:five:%lld %s", now / FIVE, "invalid/news"), 1);
    assert_int_equal(get("HGET provider:{big.example}:five:%lld %s", now / FIVE, "known-dead"), 1);
    assert_int_equal(get("HGET provider:{big.example}:five:%lld %s", now / FIVE, "cause.user-unknown"), 1);
    assert_int_equal(
        get("HEXISTS provider:{big.example}:five:%lld %s", now / FIVE, "cause.user-unknown/news"), 0);
    assert_int_equal(get("HGET provider:{big.example}:five:%lld %s", now / FIVE - 1, "tries"), 1);
    assert_int_equal(get("HGET provider:{big.example}:day:%lld %s", now / DAY, "tries"), 5);
    assert_int_equal(get("HGET provider:{big.example}:day:%lld %s", now / DAY, "tries/news"), 3);
    assert_int_equal(get("PFCOUNT provider:{big.example}:five:%lld:leads", now / FIVE, ""), 4);
    assert_int_equal(life("EXPIRETIME provider:{big.example}:five:%lld", now / FIVE), 2 * DAY + FIVE / 2);
    assert_int_equal(life("EXPIRETIME provider:{big.example}:five:%lld:leads", now / FIVE),
                     2 * DAY + FIVE / 2);
    assert_in_range(life("EXPIRETIME provider:{big.example}:day:%lld", now / DAY), 31 * DAY, 32 * DAY);
    assert_int_equal(atoll(private_redis_cli(&redis, "ZSCORE leadgate:providers big.example")), now);
    assert_int_equal(sum_of_minutes(store).count.leads, 4);
    assert_int_equal(sum(store, (struct stretch){ STRETCH_FIVES, now - FIVE, now }).count.leads, 4);
    assert_int_equal(sum(store, (struct stretch){ STRETCH_FIVES, now - FIVE, now }).count.tries, 5);
    assert_int_equal(sum_of_today(store).count.leads, 0);
    /* Older news do not make the provider older. */
    events[0].at = now - 2 * FIVE;
    assert_int_equal(note(store, &events[0], false), STORE_OK);
    assert_int_equal(atoll(private_redis_cli(&redis, "ZSCORE leadgate:providers big.example")), now);
    store_free(store);
}

/* A log of last month: its days are counted as far as they are kept, its minutes are not. */
static void what_is_old(void **state)
{
    static const struct {
        int64_t age;
        bool five, day;
    } rows[] = { { 0, true, true },           { DAY, true, true },           { 2 * DAY - FIVE, true, true },
                 { 3 * DAY, false, true },    { 30 * DAY, false, true },     { 33 * DAY, false, false },
                 { 400 * DAY, false, false }, { -DAY, true, true /* now */ } };
    struct store *store = store_new(&redis.settings);

    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        int64_t at = now - rows[i].age, then = at < now ? at : now;
        struct event event = event_of(EVENT_DELIVERED, CAUSE_NONE, "ann@example.com", at);

        private_redis_cli(&redis, "FLUSHALL");
        assert_int_equal(note(store, &event, false), STORE_OK);
        assert_int_equal(sum(store, (struct stretch){ STRETCH_FIVES, then, then }).count.tries, rows[i].five);
        assert_int_equal(sum(store, (struct stretch){ STRETCH_DAYS, then, then }).count.tries, rows[i].day);
        assert_string_equal(
            private_redis_cli(&redis, "EXISTS provider:{big.example}:five:%lld", (long long)(then / FIVE)),
            rows[i].five ? "1" : "0");
    }
    store_free(store);
}

/* What came after an incident's step is counted for it, too. */
static void what_a_step_is_judged_by(void **state)
{
    struct event before = event_of(EVENT_BOUNCE, CAUSE_USER_UNKNOWN, "ann@example.com", now - 61);
    struct event after = event_of(EVENT_DELIVERED, CAUSE_NONE, "bob@example.com", now - 60);
    struct answer answers[] = { { .event = &before, .known = true, .since = now - 60 },
                                { .event = &after, .known = true, .since = now - 60 },
                                { .event = &after, .known = true } };
    struct store *store = store_new(&redis.settings);
    struct provider_sum step;
    struct err err;

    (void)state;
    assert_int_equal(store_note_answers(store, answers, 3, now, &err), STORE_OK);
    step = sum(store, (struct stretch){ STRETCH_STEP, now - 60, now - 60 });
    assert_int_equal(step.count.tries, 1);
    assert_int_equal(step.count.leads, 1);
    assert_int_equal(step.delivered, 1);
    assert_int_equal(step.count.known_dead, 0);
    assert_int_equal(sum_of_minutes(store).count.tries, 3);
    assert_int_equal(life("EXPIRETIME provider:{big.example}:step:%lld", now - 60), 2 * DAY);
    store_free(store);
}

/* As many providers, leads and minutes as come, more than go in one write. */
static void large_batches(void **state)
{
    enum { N = 1500 };
    struct event *events = calloc(N, sizeof(*events));
    struct answer *answers = calloc(N, sizeof(*answers));
    char(*names)[32] = calloc(N, sizeof(*names)), lead[64];
    struct store *store = store_new(&redis.settings);
    struct span providers[2] = { SPAN("p0.example"), SPAN("p6.example") };
    struct provider_sum sums[2];
    struct err err;

    (void)state;
    for (int i = 0; i < N; i++) {
        snprintf(names[i], sizeof(names[i]), "p%d.example", i < 1000 ? 0 : i % 500);
        snprintf(lead, sizeof(lead), "ann%d@%s", i, names[i]);
        events[i] = event_of(EVENT_DELIVERED, CAUSE_NONE, lead, now);
        events[i].provider = span_of(names[i]);
        answers[i] = (struct answer){ .event = &events[i], .learned = true };
    }
    assert_int_equal(store_note_answers(store, answers, N, now, &err), STORE_OK);
    assert_int_equal(
        store_sum_answers(store, providers, 2, (struct stretch){ STRETCH_FIVES, now, now }, sums, &err),
        STORE_OK);
    assert_int_equal(sums[0].count.tries, 1001);
    assert_in_range(sums[0].count.leads, 970, 1030);
    assert_int_equal(sums[1].count.tries, 1);
    assert_string_equal(private_redis_cli(&redis, "ZCARD leadgate:providers"), "500");
    assert_string_equal(private_redis_cli(&redis, "HGET domain:{p499.example} provider"), "p499.example");
    store_free(store);
    free(names);
    free(answers);
    free(events);
}

/* An operator's slip costs what stood there, and no more. */
static void hand_written_counts(void **state)
{
    static const char *const commands[] = {
        "SET provider:{big.example}:five:%lld x",
        "HSET provider:{big.example}:five:%lld tries many",
        "LPUSH provider:{big.example}:day:%lld x",
        "SET provider:{big.example}:five:%lld:leads x",
        "HSET provider:{big.example}:five:%lld:leads x y",
        "SET leadgate:providers x",
        "SET domain:{example.com} x",
    };
    struct store *store = store_new(&redis.settings);
    struct err err;

    (void)state;
    for (size_t i = 0; i < LENGTH(commands); i++) {
        struct event event = event_of(EVENT_DELIVERED, CAUSE_NONE, "ann@example.com", now);
        struct answer answer = { .event = &event, .learned = true };
        struct store *other = store_new(&redis.settings); /* remembers no domain */

        private_redis_cli(&redis, "FLUSHALL");
        private_redis_cli(&redis, commands[i],
                          (long long)(strstr(commands[i], ":day:") != NULL ? now / DAY : now / FIVE));
        (void)sum_of_minutes(store);
        assert_int_equal(store_note_answers(other, &answer, 1, now, &err), STORE_OK);
        assert_int_equal(sum_of_minutes(store).count.tries, 1);
        assert_int_equal(sum_of_minutes(store).count.leads, 1);
        assert_int_equal(sum_of_today(store).count.tries, 1);
        assert_string_equal(private_redis_cli(&redis, "ZCARD leadgate:providers"), "1");
        assert_string_equal(private_redis_cli(&redis, "HGET domain:{example.com} provider"), "big.example");
        store_free(other);
    }
    /* Somebody has flushed the scripts. */
    private_redis_cli(&redis, "FLUSHALL");
    private_redis_cli(&redis, "SCRIPT FLUSH");
    assert_int_equal(sum_of_minutes(store).count.tries, 0);
    private_redis_cli(&redis, "SCRIPT FLUSH");
    {
        struct event event = event_of(EVENT_DELIVERED, CAUSE_NONE, "ann@example.com", now);

        assert_int_equal(note(store, &event, false), STORE_OK);
    }
    assert_int_equal(sum_of_minutes(store).count.tries, 1);
    store_free(store);
}

static const char *domain_of(struct store *store, const char *domain)
{
    static char provider[1][PROVIDER_SIZE];
    struct span span = span_of(domain);
    struct err err;

    assert_int_equal(store_find_domains(store, &span, 1, provider, &err), STORE_OK);
    return provider[0];
}

static void learn(struct store *store, const char *provider, int64_t at)
{
    struct event event = event_of(EVENT_DELIVERED, CAUSE_NONE, "ann@shop.example", at);
    struct answer answer = { .event = &event, .learned = true };
    struct err err;

    event.provider = span_of(provider);
    assert_int_equal(store_note_answers(store, &answer, 1, now, &err), STORE_OK);
}

/* Whose a domain is, is remembered when it was seen, by the latest word, for 90 days. */
static void domains_and_their_providers(void **state)
{
    struct store *store = store_new(&redis.settings), *other = store_new(&redis.settings);
    struct event guess = event_of(EVENT_BOUNCE, CAUSE_DOMAIN_UNKNOWN, "bob@typo.example", now);

    (void)state;
    assert_string_equal(domain_of(store, "shop.example"), "");
    learn(store, "big.example", now - DAY);
    assert_string_equal(domain_of(store, "shop.example"), "big.example");
    assert_string_equal(domain_of(other, "shop.example"), "big.example");
    assert_int_equal(atoll(private_redis_cli(&redis, "HGET domain:{shop.example} at")), now - DAY);
    assert_int_equal(life("EXPIRETIME domain:{shop.example}", 0), 89 * DAY);
    /* Seen again within a day: nothing is written; another day, or another provider: it is. */
    learn(store, "big.example", now - 1);
    assert_int_equal(atoll(private_redis_cli(&redis, "HGET domain:{shop.example} at")), now - DAY);
    learn(store, "big.example", now);
    assert_int_equal(atoll(private_redis_cli(&redis, "HGET domain:{shop.example} at")), now);
    learn(store, "else.example", now);
    assert_string_equal(domain_of(store, "shop.example"), "else.example");
    assert_string_equal(private_redis_cli(&redis, "HGET domain:{shop.example} provider"), "else.example");
    /* Old news from elsewhere do not count. */
    learn(other, "big.example", now - 5 * DAY);
    assert_string_equal(private_redis_cli(&redis, "HGET domain:{shop.example} provider"), "else.example");
    /* A guess teaches nothing. */
    assert_int_equal(note(store, &guess, false), STORE_OK);
    assert_string_equal(private_redis_cli(&redis, "EXISTS domain:{typo.example}"), "0");
    /* By hand. */
    private_redis_cli(&redis, "HSET domain:{hand.example} provider google");
    assert_string_equal(domain_of(store, "hand.example"), "google");
    private_redis_cli(&redis, "SET domain:{odd.example} x");
    assert_string_equal(domain_of(store, "odd.example"), "");
    private_redis_cli(&redis, "HSET domain:{long.example} provider %064d", 1);
    assert_string_equal(domain_of(store, "long.example"), "");
    store_free(store);
    store_free(other);
}

static const struct share *find_share(const struct share_list *list, const char *provider, const char *stream)
{
    for (size_t i = 0; i < list->n; i++)
        if (strcmp(list->item[i].provider, provider) == 0 && strcmp(list->item[i].stream, stream) == 0)
            return &list->item[i];
    return NULL;
}

/* Tries of a stream at P, so many of them in vain, all at one time. */
/* A Redis that has lost what it was told is told again. */
static void domains_after_a_restart(void **state)
{
    struct store *store = store_new(&redis.settings);

    (void)state;
    learn(store, "big.example", now);
    private_redis_stop(&redis);
    private_redis_start(&redis, 0);
    learn(store, "big.example", now + 1);
    learn(store, "big.example", now + 2);
    assert_int_equal(atoll(private_redis_cli(&redis, "HGET domain:{shop.example} at")), now);
    store_free(store);
}

static void try(struct store *store, const char *stream, int tries, int invalid, int64_t at)
{
    struct event *events = calloc((size_t)tries, sizeof(*events));
    struct answer *answers = calloc((size_t)tries, sizeof(*answers));
    struct err err;

    for (int i = 0; i < tries; i++) {
        events[i] = event_of(i < invalid ? EVENT_BOUNCE : EVENT_DELIVERED,
                             i < invalid ? CAUSE_USER_UNKNOWN : CAUSE_NONE, "ann@example.com", at);
        events[i].mail_stream = span_of(stream);
        answers[i].event = &events[i];
    }
    assert_int_equal(store_note_answers(store, answers, (size_t)tries, now, &err), STORE_OK);
    free(answers);
    free(events);
}

/* Of 24 hours, to five minutes; for all mail and for each stream. */
static void shares_of_a_day(void **state)
{
    const struct span providers[] = { SPAN("none.example"), P };
    struct store *store = store_new(&redis.settings);
    struct share_list shares = { .n = 0 };
    struct provider_list shared = { .n = 0 };
    char expected[64];
    struct err err;

    (void)state;
    try(store, "news", 40, 4, now);
    try(store, "shop", 20, 1, now - DAY + FIVE);
    try(store, "", 5, 1, now - 3600);
    try(store, "news", 100, 100, now - DAY - 2 * FIVE); /* too old */
    snprintf(expected, sizeof(expected), "65 6 0 %lld", (long long)(now / FIVE - 3));
    assert_int_equal(store_sum_shares(store, providers, 2, now, 10, &shares, &err), STORE_OK);
    assert_int_equal(shares.n, 3);
    assert_int_equal(find_share(&shares, "big.example", "*")->tries, 65);
    assert_int_equal(find_share(&shares, "big.example", "*")->invalid, 6);
    assert_int_equal(find_share(&shares, "big.example", "news")->tries, 40);
    assert_int_equal(find_share(&shares, "big.example", "news")->invalid, 4);
    assert_int_equal(find_share(&shares, "big.example", "shop")->invalid, 1);
    private_redis_cli(&redis, "SET leadgate:shares x");
    assert_int_equal(store_list_shared(store, &shared, &err), STORE_OK);
    assert_int_equal(store_write_shares(store, &shares, &err), STORE_OK);
    assert_string_equal(private_redis_cli(&redis, "HGET leadgate:shares big.example/*"), expected);
    assert_string_equal(private_redis_cli(&redis, "HGET leadgate:shares big.example/shop"), "20 1");
    assert_in_range(atol(private_redis_cli(&redis, "TTL leadgate:shares")), 3000, 3600);
    assert_int_equal(store_list_shared(store, &shared, &err), STORE_OK);
    assert_int_equal(shared.n, 1);
    assert_true(provider_list_has(&shared, P));
    provider_list_free(&shared);
    /* What is not in it any more goes. */
    share_list_free(&shares);
    assert_int_equal(store_write_shares(store, &shares, &err), STORE_OK);
    assert_string_equal(private_redis_cli(&redis, "EXISTS leadgate:shares"), "0");
    /* Too few to say anything. */
    assert_int_equal(store_sum_shares(store, providers, 2, now, 1000, &shares, &err), STORE_OK);
    assert_int_equal(shares.n, 0);
    share_list_free(&shares);
    store_free(store);
}

/* Risky leads who were answered for good, in the time for which they are waited for. */
static void answers_to_risky_leads(void **state)
{
    static const struct {
        enum event_type type;
        enum cause cause;
        bool risky;
        int64_t ago, under_way, answered; /* seconds; until then */
    } rows[] = {
        { EVENT_DELIVERED, CAUSE_NONE, true, 0, 0, 1 },
        { EVENT_DELIVERED, CAUSE_NONE, false, 0, 0, 1 },
        { EVENT_BOUNCE, CAUSE_USER_UNKNOWN, true, 0, 30, 2 },
        { EVENT_BOUNCE, CAUSE_MAILBOX_FULL, true, 3 * FIVE, 1, 3 },
        { EVENT_BOUNCE, CAUSE_MAILBOX_FULL, true, 0, 3 * FIVE, 4 },
        { EVENT_DEFERRED, CAUSE_RATE_LIMITED, true, 0, 0, 4 }, /* it will be tried again */
        { EVENT_BOUNCE, CAUSE_USER_UNKNOWN, true, 4 * FIVE, 1, 4 },
        { EVENT_BOUNCE, CAUSE_USER_UNKNOWN, true, 0, 4 * FIVE, 4 }, /* let pass too long ago */
        { EVENT_DELIVERED, CAUSE_NONE, true, 0, 90 * FIVE, 4 },
        { EVENT_DELIVERED, CAUSE_NONE, true, 0, -FIVE, 5 }, /* nothing is sent after its answer */
    };
    struct store *store = store_new(&redis.settings);
    const struct span provider = P;
    struct err err;

    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct event event = event_of(rows[i].type, rows[i].cause, "ann@example.com", now - rows[i].ago);
        struct answer answer = { .event = &event, .risky = rows[i].risky };
        struct share_list shares = { .n = 0 };

        event.sent = rows[i].under_way == 0 ? 0 : event.at - rows[i].under_way;
        assert_int_equal(store_note_answers(store, &answer, 1, now, &err), STORE_OK);
        assert_int_equal(store_sum_shares(store, &provider, 1, now, 1, &shares, &err), STORE_OK);
        assert_int_equal(find_share(&shares, "big.example", "*")->answered, rows[i].answered);
        assert_int_equal(find_share(&shares, "big.example", "*")->since, now / FIVE - 3);
        share_list_free(&shares);
    }
    store_free(store);
}

/* What a provider's bad day made of it is taken back, in the minutes and in their day; and what an incident
 * explains was never counted so. */
static void invalid_is_forgiven(void **state)
{
    struct store *store = store_new(&redis.settings);
    struct event excused = event_of(EVENT_BOUNCE, CAUSE_USER_UNKNOWN, "ann@example.com", now);
    struct err err;

    (void)state;
    try(store, "news", 10, 4, now - 3 * FIVE);
    try(store, "news", 10, 5, now - FIVE);
    try(store, "", 10, 6, now);
    excused.excused = true;
    assert_int_equal(note(store, &excused, true), STORE_OK);
    assert_int_equal(sum_of_today(store).invalid, 15);
    assert_int_equal(sum_of_today(store).count.known_dead, 1);
    for (int twice = 0; twice < 2; twice++) {
        assert_int_equal(store_forgive_invalid(store, P, now - FIVE, now, &err), STORE_OK);
        assert_int_equal(sum_of_today(store).invalid, 4);
        assert_int_equal(sum_of_minutes(store).invalid, 0);
        assert_int_equal(sum_of_today(store).count.tries, 31);
        assert_int_equal(get("HGET provider:{big.example}:day:%lld %s", now / DAY, "invalid/news"), 4);
    }
    store_free(store);
}

/* Bounces alone, without a log that tells of deliveries, would be a share of everything. */
static void no_share_without_a_log(void **state)
{
    struct event event = event_of(EVENT_BOUNCE, CAUSE_USER_UNKNOWN, "ann@example.com", now);
    struct store *store = store_new(&redis.settings);
    struct share_list shares = { .n = 0 };
    const struct span provider = P;
    struct err err;

    (void)state;
    event.source = SOURCE_MILTER;
    for (int i = 0; i < 20; i++)
        assert_int_equal(note(store, &event, false), STORE_OK);
    assert_int_equal(store_sum_shares(store, &provider, 1, now, 10, &shares, &err), STORE_OK);
    assert_int_equal(shares.n, 0);
    event.source = SOURCE_LOG;
    assert_int_equal(note(store, &event, false), STORE_OK);
    assert_int_equal(store_sum_shares(store, &provider, 1, now, 10, &shares, &err), STORE_OK);
    assert_int_equal(find_share(&shares, "big.example", "*")->tries, 21);
    share_list_free(&shares);
    store_free(store);
}

/* An incident of an operator's hand may begin whenever; Redis is busy with what can be there, and no longer.
 */
static void forgiven_since_ever(void **state)
{
    struct event event = event_of(EVENT_BOUNCE, CAUSE_USER_UNKNOWN, "ann@example.com", now);
    struct store *store = store_new(&redis.settings);
    const char *calls;
    struct err err;

    (void)state;
    assert_int_equal(note(store, &event, false), STORE_OK);
    assert_int_equal(sum_of_today(store).invalid, 1);
    private_redis_cli(&redis, "CONFIG RESETSTAT");
    assert_int_equal(store_forgive_invalid(store, P, -900, now, &err), STORE_OK);
    calls = strstr(private_redis_cli(&redis, "INFO commandstats"), "cmdstat_hgetall:calls=");
    assert_non_null(calls);
    assert_in_range(atoll(calls + strlen("cmdstat_hgetall:calls=")), 1, 577);
    assert_int_equal(sum_of_today(store).invalid, 0);
    store_free(store);
}

/* Without Redis nothing is counted, and nothing is counted twice when it is back. */
static void while_redis_is_away(void **state)
{
    struct store *store = store_new(&redis.settings);
    struct event event = event_of(EVENT_DELIVERED, CAUSE_NONE, "ann@example.com", now);
    const struct span provider = P;
    struct provider_sum got;
    struct err err;

    (void)state;
    assert_int_equal(note(store, &event, false), STORE_OK);
    private_redis_stop(&redis);
    assert_int_equal(note(store, &event, false), STORE_DOWN);
    assert_int_equal(
        store_sum_answers(store, &provider, 1, (struct stretch){ STRETCH_FIVES, now, now }, &got, &err),
        STORE_DOWN);
    private_redis_start(&redis, 0);
    store_free(store);
    store = store_new(&redis.settings); /* without a back-off */
    assert_int_equal(note(store, &event, false), STORE_OK);
    assert_int_equal(sum_of_minutes(store).count.tries, 1);
    store_free(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(each_kind_of_answer, flush),
        cmocka_unit_test_setup(greylisting_is_no_fault, flush),
        cmocka_unit_test_setup(forgiven_since_ever, flush),
        cmocka_unit_test_setup(where_it_is_counted, flush),
        cmocka_unit_test_setup(what_is_old, flush),
        cmocka_unit_test_setup(what_a_step_is_judged_by, flush),
        cmocka_unit_test_setup(large_batches, flush),
        cmocka_unit_test_setup(hand_written_counts, flush),
        cmocka_unit_test_setup(domains_and_their_providers, flush),
        cmocka_unit_test_setup(domains_after_a_restart, flush),
        cmocka_unit_test_setup(shares_of_a_day, flush),
        cmocka_unit_test_setup(answers_to_risky_leads, flush),
        cmocka_unit_test_setup(invalid_is_forgiven, flush),
        cmocka_unit_test_setup(no_share_without_a_log, flush),
        cmocka_unit_test_setup(while_redis_is_away, flush),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
