/* SPDX-License-Identifier: BSD-2-Clause */
/* Counters on a real Redis: what arrives there is what was counted, once, whatever happens to Redis
 * meanwhile, and however many names there are. */
#include "leadgate/counters.h"

#include "captured_log.h"
#include "leadgate/lookup.h"
#include "private_redis.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <event2/event.h>

static struct private_redis redis;

/* What a test counts with; the log goes to a file that it can read. */
struct world {
    struct counters *counters;
    struct store *store;
    struct captured_log log;
};

static int open_world(void **state)
{
    struct world *world = calloc(1, sizeof(*world));

    private_redis_cli(&redis, "FLUSHALL");
    world->counters = counters_new();
    world->store = store_new(&redis.settings);
    captured_log_begin(&world->log);
    *state = world;
    return world->counters == NULL || world->store == NULL;
}

static int close_world(void **state)
{
    struct world *world = *state;

    captured_log_end(&world->log);
    store_free(world->store);
    counters_free(world->counters);
    free(world);
    return 0;
}

static size_t log_lines(struct world *world, const char *word)
{
    size_t lines = 0;

    for (const char *at = captured_log_text(&world->log); (at = strstr(at, word)) != NULL; at++)
        lines++;
    return lines;
}

static void flush(struct world *world, enum store_rc want)
{
    struct err err = { "" };

    assert_int_equal(counters_flush(world->counters, world->store, &err), want);
    assert_int_equal(err.text[0] != '\0', want == STORE_DOWN);
}

static int64_t count_of(const char *field)
{
    const char *text = private_redis_cli(&redis, "HGET leadgate:counters %s", field);
    int64_t value = 0;

    return span_int64(span_of(text), &value) ? value : -1;
}

static void adds_up(void **state)
{
    struct world *world = *state;

    for (int round = 0; round < 2; round++) {
        counters_add(world->counters, 2, "decisions", "refused", "mailbox-full", NULL);
        counters_add(world->counters, 1, "decisions", "passed", NULL);
        counters_add(world->counters, 3, "decisions", "refused", "mailbox-full", NULL);
        counters_add(world->counters, 0, "decisions", "exempt", NULL);
        counters_gauge(world->counters, "lag", "mx:/var/log/mail.log", 17 - round);
        assert_true(counters_waiting(world->counters));
        flush(world, STORE_OK);
        assert_false(counters_waiting(world->counters));
    }
    assert_int_equal(count_of("decisions.refused.mailbox-full"), 10);
    assert_int_equal(count_of("decisions.passed"), 2);
    assert_int_equal(count_of("lag.mx:/var/log/mail.log"), 16);
    assert_string_equal(private_redis_cli(&redis, "HLEN leadgate:counters"), "3");
}

static void nobody_counts(void **state)
{
    (void)state;
    counters_add(NULL, 1, "decisions", "passed", NULL);
    counters_gauge(NULL, "lag", "x", 1);
    counters_free(NULL);
}

/* The first flush is due at once, the next one a second later. */
static void due_once_a_second(void **state)
{
    struct world *world = *state;

    assert_false(counters_due(world->counters));
    counters_add(world->counters, 1, "a", NULL);
    assert_true(counters_due(world->counters));
    flush(world, STORE_OK);
    counters_add(world->counters, 1, "a", NULL);
    assert_false(counters_due(world->counters));
    while (!counters_due(world->counters))
        usleep(10000);
    flush(world, STORE_OK);
    assert_int_equal(count_of("a"), 2);
}

static void events_by_name(void **state)
{
    struct event bounce = {
        .type = EVENT_BOUNCE, .source = SOURCE_LOG, .cause = CAUSE_USER_UNKNOWN, .rule = "google-unknown"
    };
    struct event complaint = { .type = EVENT_COMPLAINT, .source = SOURCE_MAILBOX, .cause = CAUSE_COMPLAINT };
    struct event click = { .type = EVENT_CLICK, .source = SOURCE_APPLICATION, .rule = "sent" };
    struct outcome outcome = { .effect = EFFECT_OPTOUT, .change = { .kind = CHANGE_OPTOUT } };
    struct world *world = *state;

    counters_note_event(world->counters, &bounce, &outcome);
    outcome = (struct outcome){ .effect = EFFECT_REPEAT };
    counters_note_event(world->counters, &bounce, &outcome);
    counters_note_event(world->counters, &complaint, &outcome);
    outcome = (struct outcome){ .effect = EFFECT_GOOD, .change = { .kind = CHANGE_LIFT } };
    counters_note_event(world->counters, &click, &outcome);
    flush(world, STORE_OK);
    assert_int_equal(count_of("events.log.bounce.user-unknown"), 2);
    assert_int_equal(count_of("events.mailbox.complaint"), 1);
    assert_int_equal(count_of("events.application.click"), 1);
    assert_int_equal(count_of("effects.optout"), 1);
    assert_int_equal(count_of("effects.repeat"), 2);
    assert_int_equal(count_of("effects.good"), 1);
    assert_int_equal(count_of("effects.lift"), 1);
    assert_int_equal(count_of("rules.google-unknown"), 2);
    assert_string_equal(private_redis_cli(&redis, "HLEN leadgate:counters"), "8");
}

/* However many names there are, what is counted is; and a long name is cut at a whole character. */
static void bounded(void **state)
{
    struct world *world = *state;
    char name[2 * COUNTER_NAME_SIZE];

    for (int i = 0; i < COUNTERS_MOST + 50; i++) {
        snprintf(name, sizeof(name), "rule%d", i);
        counters_add(world->counters, 2, "rules", name, NULL);
    }
    counters_gauge(world->counters, "lag", "no room", 1);
    counters_add(world->counters, 1, "rules", "rule7", NULL);
    flush(world, STORE_OK);
    assert_int_equal(count_of("other"), 100);
    assert_int_equal(count_of("rules.rule7"), 3);
    assert_int_equal(strtol(private_redis_cli(&redis, "HLEN leadgate:counters"), NULL, 10),
                     COUNTERS_MOST + 1);

    private_redis_cli(&redis, "DEL leadgate:counters");
    for (size_t i = 0; i + 2 < sizeof(name); i += 2)
        memcpy(name + i, "\xc3\xa9", 3);
    counters_add(world->counters, 1, "x", name, NULL);
    flush(world, STORE_OK);
    assert_int_equal(strlen(private_redis_cli(&redis, "HKEYS leadgate:counters")), COUNTER_NAME_SIZE - 2);
}

static void away_and_back(void **state)
{
    struct world *world = *state;

    counters_add(world->counters, 5, "decisions", "passed", NULL);
    private_redis_stop(&redis);
    flush(world, STORE_DOWN);
    counters_add(world->counters, 6, "decisions", "passed", NULL);
    flush(world, STORE_DOWN);
    assert_true(counters_waiting(world->counters));
    private_redis_start(&redis, 0);
    store_free(world->store); /* and its back-off */
    world->store = store_new(&redis.settings);
    flush(world, STORE_OK);
    assert_int_equal(count_of("decisions.passed"), 11);
}

/* leadgate:counters is something else: said once, kept, and added when it is out of the way. */
static void a_key_of_a_wrong_type(void **state)
{
    struct world *world = *state;

    private_redis_cli(&redis, "SET leadgate:counters mine");
    for (int i = 0; i < 3; i++) {
        counters_add(world->counters, 1, "decisions", "passed", NULL);
        counters_gauge(world->counters, "lag", "x", i);
        flush(world, STORE_OK);
        assert_true(counters_waiting(world->counters));
    }
    assert_string_equal(private_redis_cli(&redis, "GET leadgate:counters"), "mine");
    assert_int_equal(log_lines(world, "WRONGTYPE"), 1);
    private_redis_cli(&redis, "DEL leadgate:counters");
    flush(world, STORE_OK);
    assert_int_equal(count_of("decisions.passed"), 3);
    assert_int_equal(count_of("lag.x"), 2);
    assert_int_equal(log_lines(world, "takes counts again"), 1);
}

/* One field that an operator wrote is in the way of itself only. */
static void a_field_that_is_no_number(void **state)
{
    struct world *world = *state;

    private_redis_cli(&redis, "HSET leadgate:counters decisions.passed many note hello");
    for (int i = 0; i < 2; i++) {
        counters_add(world->counters, 1, "decisions", "passed", NULL);
        counters_add(world->counters, 1, "decisions", "exempt", NULL);
        flush(world, STORE_OK);
    }
    assert_int_equal(log_lines(world, "not an integer"), 1);
    assert_int_equal(count_of("decisions.exempt"), 2);
    private_redis_cli(&redis, "HDEL leadgate:counters decisions.passed");
    flush(world, STORE_OK);
    assert_int_equal(count_of("decisions.passed"), 2);
    assert_int_equal(count_of("decisions.exempt"), 2);
    assert_string_equal(private_redis_cli(&redis, "HGET leadgate:counters note"), "hello");
}

/* The answers do not come: nobody knows whether Redis has added it, so it is not added again. */
static void lost_in_the_middle(void **state)
{
    struct world *world = *state;
    int64_t count;

    counters_add(world->counters, 1, "b", NULL);
    flush(world, STORE_OK);
    counters_add(world->counters, 1000, "a", NULL);
    kill(redis.pid, SIGSTOP);
    flush(world, STORE_DOWN);
    assert_false(counters_waiting(world->counters));
    counters_add(world->counters, 1, "a", NULL);
    kill(redis.pid, SIGCONT);
    store_free(world->store);
    world->store = store_new(&redis.settings);
    flush(world, STORE_OK);
    count = count_of("a");
    assert_true(count == 1 || count == 1001);
    assert_int_equal(count_of("b"), 1);
}

enum { THREADS = 4, TIMES = 20000 };

static void *count_in_a_thread(void *arg)
{
    for (int i = 0; i < TIMES; i++)
        counters_add(arg, 1, "n", i % 2 == 0 ? "even" : "odd", NULL);
    return NULL;
}

static void threads(void **state)
{
    struct world *world = *state;
    pthread_t thread[THREADS];

    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, count_in_a_thread, world->counters), 0);
    for (int i = 0; i < 50; i++)
        flush(world, STORE_OK);
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    flush(world, STORE_OK);
    assert_int_equal(count_of("n.even"), THREADS * TIMES / 2);
    assert_int_equal(count_of("n.odd"), THREADS * TIMES / 2);
}

/* --- behind the questions of a loop --- */

struct loop {
    struct event_base *base;
    struct lookup *lookup;
    bool up;
    int answered;
};

static void on_state(void *ctx, bool up, const char *reason)
{
    struct loop *loop = ctx;

    (void)reason;
    loop->up = up;
}

static void on_answer(void *ctx, enum store_rc rc, const struct suppression *found)
{
    struct loop *loop = ctx;

    (void)found;
    loop->answered += rc == STORE_OK;
}

static void turn(struct loop *loop)
{
    assert_true(event_base_loop(loop->base, EVLOOP_ONCE) >= 0);
}

static void open_loop(struct loop *loop)
{
    *loop = (struct loop){ .base = event_base_new() };
    loop->lookup = lookup_new(loop->base, &redis.settings, on_state, loop);
    assert_non_null(loop->lookup);
}

static void close_loop(struct loop *loop)
{
    lookup_free(loop->lookup);
    event_base_free(loop->base);
}

static void behind_questions(void **state)
{
    struct address_rules rules = { .fold_local_part = true, .default_domain = "" };
    struct world *world = *state;
    struct address lead;
    struct loop loop;
    struct err err;

    assert_int_equal(address_parse(&lead, ADDRESS_INTERNAL, SPAN("ann@example.com"), &rules, &err), 0);
    open_loop(&loop);
    counters_add(world->counters, 1, "a", NULL);
    lookup_count(loop.lookup, world->counters); /* not connected yet */
    assert_true(counters_waiting(world->counters));
    while (!loop.up)
        turn(&loop);
    for (int i = 0; i < 100; i++) {
        lookup_recipient(loop.lookup, &lead, LOOK_BRIEFLY, on_answer, &loop);
        counters_add(world->counters, 1, "a", NULL);
        counters_add(world->counters, 1, "b", NULL);
        lookup_count(loop.lookup, world->counters); /* once: the others while it is under way */
    }
    assert_true(lookup_is_counting(loop.lookup));
    while (loop.answered < 100 || lookup_is_counting(loop.lookup))
        turn(&loop);
    assert_int_equal(count_of("a"), 2);
    lookup_count(loop.lookup, world->counters);
    while (lookup_is_counting(loop.lookup))
        turn(&loop);
    assert_int_equal(count_of("a"), 101);
    assert_int_equal(count_of("b"), 100);
    close_loop(&loop);
}

/* A server that hangs is given up, also when nobody asks it anything; then what comes later is counted. */
static void a_loop_and_a_hanging_server(void **state)
{
    struct world *world = *state;
    struct loop loop;
    int64_t count;

    open_loop(&loop);
    while (!loop.up)
        turn(&loop);
    kill(redis.pid, SIGSTOP);
    counters_add(world->counters, 1000, "a", NULL);
    lookup_count(loop.lookup, world->counters);
    while (loop.up)
        turn(&loop);
    assert_false(lookup_is_counting(loop.lookup));
    counters_add(world->counters, 1, "a", NULL);
    lookup_count(loop.lookup, world->counters); /* away: it stays */
    assert_true(counters_waiting(world->counters));
    kill(redis.pid, SIGCONT);
    while (!loop.up)
        turn(&loop);
    lookup_count(loop.lookup, world->counters);
    while (lookup_is_counting(loop.lookup))
        turn(&loop);
    count = count_of("a");
    assert_true(count == 1 || count == 1001);
    counters_add(world->counters, 1, "a", NULL);
    lookup_count(loop.lookup, world->counters);
    close_loop(&loop); /* with answers to come */
}

static int start(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    private_redis_init(&redis);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    private_redis_deinit(&redis);
    return 0;
}

#define IN_A_WORLD(test) cmocka_unit_test_setup_teardown(test, open_world, close_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_WORLD(adds_up),
        IN_A_WORLD(due_once_a_second),
        IN_A_WORLD(events_by_name),
        IN_A_WORLD(bounded),
        IN_A_WORLD(away_and_back),
        IN_A_WORLD(a_key_of_a_wrong_type),
        IN_A_WORLD(a_field_that_is_no_number),
        IN_A_WORLD(lost_in_the_middle),
        IN_A_WORLD(threads),
        IN_A_WORLD(behind_questions),
        IN_A_WORLD(a_loop_and_a_hanging_server),
        cmocka_unit_test(nobody_counts),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
