/* SPDX-License-Identifier: BSD-2-Clause */
/* The asynchronous lookup on a real Redis and a real loop: right answers, in bulk, and "nobody
 * knows" at once while the server is away or hangs. */
#include "leadgate/lookup.h"
#include "private_redis.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <event2/event.h>

static struct private_redis redis;

/* What a test has been told so far. */
struct seen {
    struct event_base *base;
    struct lookup *lookup;
    int up, down; /* how often Redis was said to be so */
    int waiting;  /* answers still to come */
    int known, holding, lost;
    bool twice; /* a question was answered that had its answer already */
};

struct question_of {
    struct seen *seen;
    bool answered;
};

static void on_state(void *ctx, bool up, const char *reason)
{
    struct seen *seen = ctx;

    assert_true(up || reason[0] != '\0');
    if (up)
        seen->up++;
    else
        seen->down++;
    event_base_loopbreak(seen->base);
}

static void on_answer(void *ctx, enum store_rc rc, const struct suppression *found)
{
    struct question_of *question = ctx;
    struct seen *seen = question->seen;

    seen->twice |= question->answered;
    question->answered = true;
    if (rc == STORE_OK) {
        seen->known++;
        seen->holding += found->optout.present && !found->allowed;
    } else {
        assert_null(found);
        seen->lost++;
    }
    if (--seen->waiting == 0)
        event_base_loopbreak(seen->base);
}

static void ask(struct seen *seen, struct question_of *question, int number)
{
    struct address_rules rules = { .fold_local_part = true, .default_domain = "" };
    struct address lead;
    struct err err;
    char name[64];

    snprintf(name, sizeof(name), "lead%d@example.com", number);
    assert_int_equal(address_parse(&lead, ADDRESS_INTERNAL, span_of(name), &rules, &err), 0);
    *question = (struct question_of){ seen, false };
    seen->waiting++;
    lookup_recipient(seen->lookup, &lead, LOOK_BRIEFLY, on_answer, question);
}

static void begin(struct seen *seen)
{
    *seen = (struct seen){ .base = event_base_new() };
    seen->lookup = lookup_new(seen->base, &redis.settings, on_state, seen);
    assert_non_null(seen->lookup);
}

static void end(struct seen *seen)
{
    lookup_free(seen->lookup);
    event_base_free(seen->base);
}

static void run(struct seen *seen)
{
    assert_true(event_base_dispatch(seen->base) >= 0);
}

/* More questions in one turn than a unix socket takes small writes (some 280): each is answered once. */
static void thousands_at_once(void **state)
{
    enum { N = 5000 };
    static struct question_of questions[N];
    struct seen seen;

    (void)state;
    for (int i = 0; i < N; i += 2)
        private_redis_cli(&redis, "SET lead:{lead%d@example.com}:optout x", i);
    private_redis_cli(&redis, "SET lead:{lead0@example.com}:allow x");
    begin(&seen);
    run(&seen);
    assert_int_equal(seen.up, 1);
    for (int i = 0; i < N; i++)
        ask(&seen, &questions[i], i);
    run(&seen);
    assert_int_equal(seen.known, N);
    assert_int_equal(seen.holding, N / 2 - 1);
    assert_false(seen.twice);
    end(&seen);
}

/* Away: the answer comes before lookup_recipient() returns. Back: nobody needs to restart anything. */
static void away_and_back(void **state)
{
    struct question_of questions[3];
    struct seen seen;

    (void)state;
    private_redis_stop(&redis);
    begin(&seen);
    ask(&seen, &questions[0], 0);
    assert_int_equal(seen.lost, 1);
    private_redis_start(&redis, 0);
    while (seen.up == 0)
        run(&seen);
    assert_int_equal(seen.down, 1);
    ask(&seen, &questions[1], 1);
    run(&seen);
    assert_int_equal(seen.known, 1);
    private_redis_stop(&redis);
    while (seen.down < 2)
        run(&seen);
    ask(&seen, &questions[2], 2);
    assert_int_equal(seen.lost, 2);
    end(&seen);
    private_redis_start(&redis, 0);
}

/* Gone with questions open, and asked again from within the answer: each is answered exactly once. */
static void dies_with_questions_open(void **state)
{
    struct question_of questions[100];
    struct seen seen;

    (void)state;
    begin(&seen);
    run(&seen);
    kill(redis.pid, SIGSTOP);
    for (int i = 0; i < 100; i++)
        ask(&seen, &questions[i], i);
    event_base_loop(seen.base, EVLOOP_ONCE); /* they are written */
    private_redis_stop(&redis);
    while (seen.waiting > 0)
        run(&seen);
    assert_int_equal(seen.lost, 100);
    assert_false(seen.twice);
    end(&seen);
    private_redis_start(&redis, 0);
}

/* A server that hangs costs its open questions the time-out, and the next ones nothing. */
static void a_hanging_server(void **state)
{
    struct question_of questions[2];
    struct timespec start, stop;
    struct seen seen;
    int64_t ms;

    (void)state;
    begin(&seen);
    run(&seen);
    kill(redis.pid, SIGSTOP);
    clock_gettime(CLOCK_MONOTONIC, &start);
    ask(&seen, &questions[0], 0);
    while (seen.waiting > 0)
        run(&seen);
    clock_gettime(CLOCK_MONOTONIC, &stop);
    ms = (stop.tv_sec - start.tv_sec) * 1000 + (stop.tv_nsec - start.tv_nsec) / 1000000;
    assert_int_equal(seen.lost, 1);
    assert_true(ms >= redis.settings.timeout - 20);
    ask(&seen, &questions[1], 1);
    assert_int_equal(seen.lost, 2);
    kill(redis.pid, SIGCONT);
    while (seen.up < 2)
        run(&seen);
    end(&seen);
}

/* Freed with questions open: they are answered, so nobody waits for ever. */
static void freed_with_questions_open(void **state)
{
    struct question_of question;
    struct seen seen;

    (void)state;
    begin(&seen);
    run(&seen);
    ask(&seen, &question, 0);
    lookup_free(seen.lookup);
    assert_int_equal(seen.lost, 1);
    event_base_free(seen.base);
}

static void on_full(void *ctx, enum store_rc rc, const struct suppression *found)
{
    struct suppression *out = ctx;

    assert_int_equal(rc, STORE_OK);
    *out = *found;
}

/* Asked closely, everything is told, of one against whom nothing stands, too; nothing that stands there by
 * hand is more than it can be. */
static void looked_at_closely(void **state)
{
    static const struct {
        const char *set;
        bool allowed, returning;
        int64_t delivered, score;
    } rows[] = {
        { "PING", false, false, 0, 0 },
        { "HSET lead:{ann@example.com} delivered 1796083200 score -1.5", false, false, 1796083200, -1500 },
        { "HSET lead:{ann@example.com} delivered soon score x", false, false, 0, 0 },
        { "SET lead:{ann@example.com} x", false, false, 0, 0 },
        { "SET lead:{ann@example.com}:returning x EX 9", false, true, 0, 0 },
        { "SADD lead:{ann@example.com}:returning x", false, true, 0, 0 },
        { "SET lead:{ann@example.com}:allow x", true, false, 0, 0 },
        { "SET domain:{example.com}:allow x", true, false, 0, 0 },
    };
    struct address_rules rules = { .fold_local_part = true, .default_domain = "" };
    struct suppression found;
    struct address ann;
    struct seen seen;
    struct err err;

    (void)state;
    assert_int_equal(address_parse(&ann, ADDRESS_INTERNAL, SPAN("ann@example.com"), &rules, &err), 0);
    begin(&seen);
    run(&seen);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        private_redis_cli(&redis, "FLUSHALL");
        private_redis_cli(&redis, rows[i].set);
        found.standing.known = false;
        lookup_recipient(seen.lookup, &ann, LOOK_CLOSELY, on_full, &found);
        while (!found.standing.known)
            event_base_loop(seen.base, EVLOOP_ONCE);
        if (found.allowed != rows[i].allowed || found.returning != rows[i].returning ||
            found.standing.delivered != rows[i].delivered || found.standing.score != rows[i].score ||
            found.optout.present || found.n_refusals != 0)
            fail_msg("row %zu", i);
    }
    end(&seen);
}

static void on_domain(void *ctx, const struct address *lead, enum store_rc rc,
                      const struct provider_state *domain_state)
{
    struct question_of *question = ctx;

    assert_true(lead->n > 0 && (rc == STORE_OK) == (domain_state != NULL));
    on_answer(question, rc == STORE_OK ? STORE_OK : STORE_DOWN, NULL);
}

/* Questions about domains are answered once, too, whatever becomes of Redis; and before what was asked after
 * them. */
static void domains_among_recipients(void **state)
{
    static struct question_of questions[200];
    struct address lead = { .text = "ann@example.com", .n = 15, .at = 3 };
    struct seen seen;

    (void)state;
    begin(&seen);
    run(&seen);
    kill(redis.pid, SIGSTOP);
    for (int i = 0; i < 200; i += 2) {
        questions[i] = (struct question_of){ &seen, false };
        seen.waiting++;
        lookup_domain(seen.lookup, &lead, SPAN("big"), SPAN("news offers"), 1796083200, on_domain,
                      &questions[i]);
        ask(&seen, &questions[i + 1], i);
    }
    event_base_loop(seen.base, EVLOOP_ONCE); /* they are written */
    private_redis_stop(&redis);
    while (seen.waiting > 0)
        run(&seen);
    assert_int_equal(seen.lost, 200);
    questions[0] = (struct question_of){ &seen, false };
    seen.waiting++;
    lookup_domain(seen.lookup, &lead, SPAN("big"), SPAN(""), 1796083200, on_domain, &questions[0]);
    assert_int_equal(seen.lost, 201);
    assert_false(seen.twice);
    end(&seen);
    private_redis_start(&redis, 0);
}

/* An operator's SCRIPT FLUSH costs a question nothing but time. */
static void flushed_scripts(void **state)
{
    static struct question_of questions[300];
    struct seen seen;

    (void)state;
    private_redis_cli(&redis, "FLUSHALL");
    private_redis_cli(&redis, "SET lead:{lead7@example.com}:optout x");
    begin(&seen);
    run(&seen);
    private_redis_cli(&redis, "SCRIPT FLUSH");
    for (int i = 0; i < 300; i++)
        ask(&seen, &questions[i], i);
    run(&seen);
    assert_int_equal(seen.known, 300);
    assert_int_equal(seen.holding, 1);
    assert_false(seen.twice);
    end(&seen);
}

/* LOADING and a wrong password are no connection, however well the socket connects. */
static void connected_but_of_no_use(void **state)
{
    struct store_settings settings = redis.settings;
    char wrong[] = "wrong";
    struct seen seen;

    (void)state;
    settings.password = wrong;
    seen = (struct seen){ .base = event_base_new() };
    seen.lookup = lookup_new(seen.base, &settings, on_state, &seen);
    run(&seen);
    assert_int_equal(seen.up, 0);
    assert_int_equal(seen.down, 1);
    end(&seen);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(thousands_at_once),         cmocka_unit_test(away_and_back),
        cmocka_unit_test(dies_with_questions_open),  cmocka_unit_test(a_hanging_server),
        cmocka_unit_test(freed_with_questions_open), cmocka_unit_test(flushed_scripts),
        cmocka_unit_test(connected_but_of_no_use),   cmocka_unit_test(looked_at_closely),
        cmocka_unit_test(domains_among_recipients),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
