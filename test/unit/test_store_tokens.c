/* SPDX-License-Identifier: BSD-2-Clause */
/* One token convicts once, on a real Redis: whatever else is new about the mail that brings it back. */
#include "leadgate/store.h"
#include "leadgate/store_admin.h"
#include "private_redis.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NOW   INT64_C(1796083200)
#define DAY   INT64_C(86400)
#define TOKEN "b3k7aaaaaaaaaaaaaaaaaaa"
#define OTHER "b3k7bbbbbbbbbbbbbbbbbbb"

static struct private_redis redis;
static struct lead_settings lifecycle;
static struct store *store;

static int start(void **state)
{
    (void)state;
    private_redis_init(&redis);
    redis.settings.retention = 400 * DAY;
    redis.settings.journal = 1000;
    lead_settings_default(&lifecycle);
    lifecycle.strike_spacing = 0;
    store = store_new(&redis.settings);
    return store == NULL;
}

static int stop(void **state)
{
    (void)state;
    store_free(store);
    private_redis_deinit(&redis);
    return 0;
}

static int forget_all(void **state)
{
    (void)state;
    private_redis_cli(&redis, "FLUSHALL");
    return 0;
}

static struct event event_of(enum event_type type, const char *lead, const char *token, const char *message,
                             int64_t at)
{
    struct address_rules rules = { .fold_local_part = true };
    struct event event = {
        .type = type, .source = SOURCE_MILTER, .cause = CAUSE_NONE, .at = at, .sent = at - 60
    };
    struct err err;

    assert_int_equal(address_parse(&event.lead, ADDRESS_MAILBOX, span_of(lead), &rules, &err), 0);
    if (type == EVENT_BOUNCE)
        event.cause = CAUSE_MAILBOX_FULL;
    event.token = span_of(token);
    event.message = span_of(message);
    return event;
}

static enum effect apply(struct event event)
{
    struct outcome outcome;
    struct err err;

    if (store_apply(store, &lifecycle, &event, 1, event.at, &outcome, &err) == STORE_DOWN)
        fail_msg("%s", err.text);
    return outcome.effect;
}

/* Everything that Redis holds of ann, as one text; to be freed. */
static char *all_of_ann(void)
{
    static const char *const reads[] = {
        "HGETALL lead:{ann@example.com}",         "GET lead:{ann@example.com}:optout",
        "HGETALL lead:{ann@example.com}:refused", "XRANGE lead:{ann@example.com}:log - +",
        "HGETALL lead:{ann@example.com}:tokens",  "XLEN leadgate:journal",
    };
    enum { ROOM = 65536 };
    char *all = calloc(1, ROOM);
    size_t n = 0;

    for (size_t i = 0; i < sizeof(reads) / sizeof(reads[0]); i++) {
        n += (size_t)snprintf(all + n, ROOM - n, "%s\n", private_redis_cli(&redis, reads[i]));
        assert_true(n < ROOM);
    }
    return all;
}

static void replayed(void **state)
{
    static const char *const spellings[] = { "ann@example.com", "Ann@Example.COM", "<ann@example.com.>" };
    char *before, *after;

    (void)state;
    assert_int_equal(apply(event_of(EVENT_BOUNCE, "ann@example.com", TOKEN, "m1", NOW)), EFFECT_STRIKE);
    before = all_of_ann();
    for (int i = 0; i < 9; i++) {
        char message[16];

        snprintf(message, sizeof(message), "replay%d", i);
        assert_int_equal(apply(event_of(EVENT_BOUNCE, spellings[i % 3], TOKEN, message, NOW + i * DAY + 1)),
                         EFFECT_REPEAT);
    }
    after = all_of_ann();
    assert_string_equal(before, after);
    free(before);
    free(after);
    /* Another mail that really bounced, another recipient of the same one. */
    assert_int_equal(apply(event_of(EVENT_BOUNCE, "bob@example.com", TOKEN, "m1", NOW + DAY)), EFFECT_STRIKE);
    assert_int_equal(apply(event_of(EVENT_BOUNCE, "ann@example.com", OTHER, "m2", NOW + DAY)), EFFECT_OPTOUT);
}

/* In one round with the true one, too. */
static void replayed_at_once(void **state)
{
    struct event events[4];
    struct outcome outcomes[4];
    struct err err;
    int strikes = 0;

    (void)state;
    for (int i = 0; i < 4; i++) {
        events[i] = event_of(EVENT_BOUNCE, "ann@example.com", TOKEN, "", NOW + i);
        events[i].message = SPAN_NONE;
    }
    assert_int_equal(store_apply(store, &lifecycle, events, 4, NOW + 10, outcomes, &err), STORE_OK);
    for (int i = 0; i < 4; i++)
        strikes += outcomes[i].effect == EFFECT_STRIKE;
    assert_int_equal(strikes, 1);
    assert_string_equal(private_redis_cli(&redis, "HGET lead:{ann@example.com} strikes"), "1");
}

/* A complaint about a mail is another word than its bounce; that it was none is a third. */
static void each_event_once(void **state)
{
    static const struct {
        enum event_type type;
        const char *token;
        enum effect effect;
    } rows[] = {
        { EVENT_BOUNCE, TOKEN, EFFECT_STRIKE },      { EVENT_COMPLAINT, TOKEN, EFFECT_WILL },
        { EVENT_COMPLAINT, TOKEN, EFFECT_REPEAT },   { EVENT_RESUBSCRIBE, TOKEN, EFFECT_WILL },
        { EVENT_COMPLAINT, TOKEN, EFFECT_REPEAT },   { EVENT_COMPLAINT, OTHER, EFFECT_WILL },
        { EVENT_RESUBSCRIBE, TOKEN, EFFECT_REPEAT }, { EVENT_RESUBSCRIBE, OTHER, EFFECT_WILL },
        { EVENT_UNSUBSCRIBE, "u1", EFFECT_WILL },    { EVENT_RESUBSCRIBE, "", EFFECT_WILL },
        { EVENT_UNSUBSCRIBE, "u1", EFFECT_WILL }, /* he signed up again, and means it again */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (apply(event_of(rows[i].type, "ann@example.com", rows[i].token, "", NOW + (int64_t)i)) !=
            rows[i].effect)
            fail_msg("row %zu", i);
    assert_string_equal(private_redis_cli(&redis, "HEXISTS lead:{ann@example.com}:tokens bounce:" TOKEN),
                        "1");
    assert_string_equal(private_redis_cli(&redis, "HLEN lead:{ann@example.com}:tokens"), "5");
}

/* No token is good as long as that. Who is mailed every day for years has no more of them than that. */
static void remembered_for_a_while(void **state)
{
    char token[24];

    (void)state;
    for (int day = 0; day < 400; day++) {
        snprintf(token, sizeof(token), "b%022d", day);
        apply(event_of(EVENT_BOUNCE, "ann@example.com", token, "", NOW + day * DAY));
    }
    assert_true(atoi(private_redis_cli(&redis, "HLEN lead:{ann@example.com}:tokens")) <= 101);
    assert_true(atoi(private_redis_cli(&redis, "HLEN lead:{ann@example.com}:tokens")) >= 70);
    assert_true(atoi(private_redis_cli(&redis, "TTL lead:{ann@example.com}:tokens")) > 69 * DAY);
    for (int day = 400 - 70; day < 400; day++) {
        snprintf(token, sizeof(token), "b%022d", day);
        assert_int_equal(apply(event_of(EVENT_BOUNCE, "ann@example.com", token, "", NOW + 400 * DAY)),
                         EFFECT_REPEAT);
    }
}

static void without_a_token(void **state)
{
    (void)state;
    assert_int_equal(apply(event_of(EVENT_BOUNCE, "ann@example.com", "", "m1", NOW)), EFFECT_STRIKE);
    assert_int_equal(apply(event_of(EVENT_BOUNCE, "ann@example.com", "", "m2", NOW + 1)), EFFECT_OPTOUT);
    assert_string_equal(private_redis_cli(&redis, "EXISTS lead:{ann@example.com}:tokens"), "0");
}

static void an_operators_slip(void **state)
{
    (void)state;
    private_redis_cli(&redis, "SET lead:{ann@example.com}:tokens hand");
    assert_int_equal(apply(event_of(EVENT_BOUNCE, "ann@example.com", TOKEN, "m1", NOW)), EFFECT_STRIKE);
    assert_int_equal(apply(event_of(EVENT_BOUNCE, "ann@example.com", TOKEN, "m2", NOW + 1)), EFFECT_REPEAT);
    assert_string_equal(private_redis_cli(&redis, "GET lead:{ann@example.com}:tokens:odd"), "hand");
}

static void forgotten_with_the_lead(void **state)
{
    struct admin *admin = admin_new(&redis.settings);
    struct event event = event_of(EVENT_BOUNCE, "ann@example.com", TOKEN, "m1", NOW);
    struct deed deed = { .subject = { .lead = event.lead }, .why = SPAN("asked"), .at = NOW };
    struct err err;
    bool changed;

    (void)state;
    apply(event);
    private_redis_cli(&redis, "SET lead:{ann@example.com}:returning x");
    assert_int_equal(admin_forget(admin, &deed, &changed, &err), STORE_OK);
    assert_true(changed);
    assert_string_equal(private_redis_cli(&redis, "KEYS lead:*"), "");
    admin_free(admin);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(replayed, forget_all),
        cmocka_unit_test_setup(replayed_at_once, forget_all),
        cmocka_unit_test_setup(each_event_once, forget_all),
        cmocka_unit_test_setup(remembered_for_a_while, forget_all),
        cmocka_unit_test_setup(without_a_token, forget_all),
        cmocka_unit_test_setup(an_operators_slip, forget_all),
        cmocka_unit_test_setup(forgotten_with_the_lead, forget_all),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
