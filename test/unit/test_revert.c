/* SPDX-License-Identifier: BSD-2-Clause */
/* Taking bounces back on a real Redis, case by case. What holds of any history is in
 * test_revert_properties.c. */
#include "leadgate/revert.h"
#include "leadgate/store_admin.h"
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

#define HOUR INT64_C(3600)
#define DAY  (24 * HOUR)
#define ANN  "lead:{ann@example.com}"

static struct private_redis redis;
static struct lead_settings lifecycle;
static struct store *store;
static int64_t now; /* the incident has just been noticed */
static int messages;

static int start(void **state)
{
    (void)state;
    private_redis_init(&redis);
    lead_settings_default(&lifecycle);
    lifecycle.jitter = 0;
    now = (int64_t)time(NULL);
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

static struct event event_of(const char *lead, enum event_type type, int64_t at)
{
    static char names[64][32];
    char *name = names[messages % 64];
    struct address_rules rules = { .fold_local_part = true };
    struct event event = { .type = type, .source = SOURCE_LOG, .at = at, .sent = at };
    struct err err;

    assert_int_equal(address_parse(&event.lead, ADDRESS_MAILBOX, span_of(lead), &rules, &err), 0);
    snprintf(name, sizeof(names[0]), "m%d@example.org", messages++);
    event.message = span_of(name);
    return event;
}

static struct event bounce(const char *lead, enum cause cause, int64_t at)
{
    struct event event = event_of(lead, EVENT_BOUNCE, at);

    event.cause = cause;
    event.status = SPAN("5.1.1");
    event.evidence = SPAN("550 5.1.1 The email account that you tried to reach does not exist");
    event.provider = SPAN("gmail.com");
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

static struct revert_plan last_hour(void)
{
    return (struct revert_plan){ .provider = SPAN("gmail.com"),
                                 .since = now - HOUR,
                                 .until = now,
                                 .by = SPAN("operator"),
                                 .why = SPAN("their bad day") };
}

static struct revert_tally run(const struct revert_plan *plan, revert_fn *fn, void *ctx)
{
    struct revert_tally tally;
    struct err err;

    if (revert_run(store, plan, now, fn, ctx, &tally, &err) == STORE_DOWN)
        fail_msg("%s", err.text);
    return tally;
}

static void assert_tally(struct revert_tally tally, int leads, int bounces, int let_in, int left_alone)
{
    assert_int_equal(tally.leads, leads);
    assert_int_equal(tally.bounces, bounces);
    assert_int_equal(tally.let_in, let_in);
    assert_int_equal(tally.left_alone, left_alone);
}

static struct revert_tally run_last_hour(void)
{
    struct revert_plan plan = last_hour();

    return run(&plan, NULL, NULL);
}

static void assert_answer(const char *command, const char *answer)
{
    assert_string_equal(private_redis_cli(&redis, command), answer);
}

/* The plain case, and what remains of it to be read. */
static void a_good_lead_is_let_in_again(void **state)
{
    struct event taken = bounce("ann@example.com", CAUSE_USER_UNKNOWN, now - 60);

    (void)state;
    apply(event_of("ann@example.com", EVENT_DELIVERED, now - DAY));
    assert_int_equal(apply(taken), EFFECT_OPTOUT);
    assert_tally(run_last_hour(), 1, 1, 1, 0);
    assert_answer("EXISTS " ANN ":optout " ANN ":undo", "0");
    assert_answer("HMGET " ANN " cause strikes cycle series since struck score rev deliveries",
                  "(nil) (nil) (nil) (nil) (nil) (nil) 0.2 3 1");
    /* That it happened is known. */
    assert_answer("HGET " ANN " status", "5.1.1");
    assert_int_equal(apply(taken), EFFECT_REPEAT);
    assert_non_null(strstr(private_redis_cli(&redis, "XREVRANGE " ANN ":log + - COUNT 1"),
                           "change lift cause user-unknown bounces 1 was kind=permanent cause=user-unknown"));
    assert_non_null(strstr(private_redis_cli(&redis, "XREVRANGE leadgate:journal + - COUNT 1"),
                           "event revert source operator provider gmail.com evidence their bad day"));
    assert_answer("HEXISTS " ANN " journal", "0");
    assert_tally(run_last_hour(), 0, 0, 0, 0);
    assert_answer("XLEN " ANN ":log", "2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_good_lead_is_let_in_again, forget_all),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
