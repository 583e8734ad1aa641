/* SPDX-License-Identifier: BSD-2-Clause */
/* Taking bounces back on a real Redis, case by case. What holds of any history is in
 * test_revert_properties.c. */
#include "leadgate/revert.h"
#include "leadgate/store_admin.h"
#include "private_redis.h"
#include "store/undo.h"

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

/* What happens to ann behind her bounce, and whether that stands on it. */
static void what_stands_on_a_bounce(void **state)
{
    static const struct {
        enum event_type type;
        enum cause cause;
        const char *provider;
        int64_t after;
        bool stands;
    } rows[] = {
        { EVENT_DELIVERED, CAUSE_NONE, "gmail.com", 60, true },
        { EVENT_OPEN, CAUSE_NONE, "", 60, true },
        { EVENT_CLICK, CAUSE_NONE, "", 60, true },
        { EVENT_COMPLAINT, CAUSE_NONE, "", 60, true },
        { EVENT_FLUSH, CAUSE_NONE, "", 60, true },
        { EVENT_BOUNCE, CAUSE_MAILBOX_FULL, "gmail.com", 60, true },
        { EVENT_BOUNCE, CAUSE_USER_UNKNOWN, "example.net", 60, true },
        { EVENT_BOUNCE, CAUSE_USER_UNKNOWN, "", 60, true },
        { EVENT_BOUNCE, CAUSE_USER_UNKNOWN, "gmail.com", 2 * HOUR, true },
        { EVENT_BOUNCE, CAUSE_USER_UNKNOWN, "gmail.com", 60, false },
        { EVENT_DEFERRED, CAUSE_NONE, "gmail.com", 60, false },
        { EVENT_UNSUBSCRIBE, CAUSE_NONE, "", 60, false },
        { EVENT_RESUBSCRIBE, CAUSE_NONE, "", 60, false },
    };
    struct revert_plan plan = last_hour();

    (void)state;
    plan.causes = revert_cause(CAUSE_USER_UNKNOWN) | revert_cause(CAUSE_DOMAIN_UNKNOWN);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct event after = bounce("ann@example.com", rows[i].cause, now - 600 + rows[i].after);

        private_redis_cli(&redis, "FLUSHALL");
        apply(event_of("ann@example.com", EVENT_DELIVERED, now - DAY));
        apply(bounce("ann@example.com", CAUSE_USER_UNKNOWN, now - 600));
        after.type = rows[i].type;
        after.provider = span_of(rows[i].provider);
        assert_int_not_equal(apply(after), EFFECT_REPEAT);
        if (rows[i].stands)
            assert_tally(run(&plan, NULL, NULL), 0, 0, 0, 1);
        else
            assert_tally(run(&plan, NULL, NULL), 1, 1, 1, 0);
        assert_answer("EXISTS " ANN ":optout", rows[i].stands && rows[i].type != EVENT_OPEN &&
                                                       rows[i].type != EVENT_CLICK &&
                                                       rows[i].type != EVENT_FLUSH
                                                   ? "1"
                                                   : "0");
        assert_int_equal(atoi(private_redis_cli(&redis, "HEXISTS " ANN " struck")), rows[i].stands);
    }
}

/* A doubt, which ends by itself: she does not come back from what was taken back, whether it has ended or
 * not.
 */
static void nobody_comes_back_from_it(void **state)
{
    (void)state;
    for (int ended = 0; ended < 2; ended++) {
        private_redis_cli(&redis, "FLUSHALL");
        apply(event_of("ann@example.com", EVENT_CLICK, now - DAY));
        assert_int_equal(apply(bounce("ann@example.com", CAUSE_USER_UNKNOWN, now - 600)), EFFECT_OPTOUT);
        assert_answer("EXISTS " ANN ":returning", "1");
        if (ended)
            private_redis_cli(&redis, "DEL " ANN ":optout");
        assert_tally(run_last_hour(), 1, 1, !ended, 0);
        assert_answer("EXISTS " ANN ":returning " ANN ":optout", "0");
    }
}

/* What an operator did by hand in between. */
static void what_was_written_by_hand(void **state)
{
    static const struct {
        const char *command;
        int leads, let_in, left_alone;
        const char *optout; /* afterwards */
    } rows[] = {
        { "DEL " ANN ":optout", 1, 0, 0, "(nil)" },
        { "EXPIRE " ANN ":optout 1000", 1, 1, 0, "(nil)" },
        { "SET " ANN ":allow friend", 1, 1, 0, "(nil)" },
        { "SET " ANN ":optout mine", 0, 0, 1, "mine" },
        { "SET " ANN ":optout cause=user-unknown EX 1000", 0, 0, 1, "cause=user-unknown" },
        { "DEL " ANN, 0, 0, 0, NULL },
        { "DEL " ANN ":undo", 0, 0, 0, NULL },
        { "SET " ANN ":undo nonsense", 0, 0, 0, NULL },
        { "SETRANGE " ANN ":undo 0 9999999999999999999999", 0, 0, 0, NULL },
        { "HSET " ANN " rev 7", 0, 0, 1, NULL },
        { "HSET " ANN " rev x", 0, 0, 1, NULL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        private_redis_cli(&redis, "FLUSHALL");
        apply(event_of("ann@example.com", EVENT_DELIVERED, now - DAY));
        apply(bounce("ann@example.com", CAUSE_USER_UNKNOWN, now - 600));
        private_redis_cli(&redis, rows[i].command);
        assert_tally(run_last_hour(), rows[i].leads, rows[i].leads, rows[i].let_in, rows[i].left_alone);
        if (rows[i].optout != NULL)
            assert_answer("GET " ANN ":optout", rows[i].optout);
        else
            assert_non_null(strstr(private_redis_cli(&redis, "GET " ANN ":optout"), "cause=user-unknown"));
    }
}

/* Keys of ours of another type are an operator's slip: set aside, and nothing is lost. */
static void foreign_types(void **state)
{
    char command[80];

    (void)state;
    snprintf(command, sizeof(command), "SET leadgate:bounced:%lld x", (long long)((now - 600) / HOUR));
    private_redis_cli(&redis, command);
    apply(event_of("ann@example.com", EVENT_DELIVERED, now - DAY));
    private_redis_cli(&redis, "HSET " ANN ":undo a b");
    private_redis_cli(&redis, "SET " ANN ":log c");
    assert_tally(run_last_hour(), 0, 0, 0, 0);
    apply(bounce("ann@example.com", CAUSE_USER_UNKNOWN, now - 600));
    assert_answer("HGET " ANN ":undo:odd a", "b");
    private_redis_cli(&redis, "DEL " ANN ":log");
    private_redis_cli(&redis, "SET " ANN ":log c");
    private_redis_cli(&redis, "HSET " ANN " journal 1-1");
    assert_tally(run_last_hour(), 1, 1, 1, 0);
    assert_answer("GET " ANN ":log:odd", "c");
}

/* Forgotten by hand, and known again: a rev that happens to be the same is not the same. */
static void another_life(void **state)
{
    (void)state;
    apply(bounce("ann@example.com", CAUSE_USER_UNKNOWN, now - 600));
    private_redis_cli(&redis, "DEL " ANN " " ANN ":optout");
    apply(event_of("ann@example.com", EVENT_DELIVERED, now - 60));
    assert_answer("HGET " ANN " rev", "1");
    assert_tally(run_last_hour(), 0, 0, 0, 0);
    assert_answer("HGET " ANN " deliveries", "1");
    /* What begins with a bounce begins with her first line. */
    private_redis_cli(&redis, "DEL " ANN);
    apply(bounce("ann@example.com", CAUSE_MAILBOX_FULL, now - 30));
    assert_tally(run_last_hour(), 1, 1, 0, 0);
    assert_answer("EXISTS " ANN ":undo", "0");
    assert_answer("HMGET " ANN " seen cause", "(nil) (nil)");
}

/* Of a lead with several bounces each is taken back by its own plan, and what is below comes to the top. */
static void one_after_the_other(void **state)
{
    struct revert_plan plan = last_hour();

    (void)state;
    apply(event_of("ann@example.com", EVENT_DELIVERED, now - 40 * HOUR));
    apply(bounce("ann@example.com", CAUSE_MAILBOX_FULL, now - 30 * HOUR));
    apply(bounce("ann@example.com", CAUSE_NETWORK_ERROR, now - 20 * HOUR));
    assert_int_equal(apply(bounce("ann@example.com", CAUSE_USER_UNKNOWN, now - 600)), EFFECT_OPTOUT);
    assert_tally(run(&plan, NULL, NULL), 1, 1, 1, 0);
    assert_answer("HMGET " ANN " cause strikes since", "network-error 1 (nil)");
    /* The one below stands under it. */
    plan.since = now - 2 * DAY;
    plan.causes = revert_cause(CAUSE_MAILBOX_FULL);
    assert_tally(run(&plan, NULL, NULL), 0, 0, 0, 1);
    assert_answer("HGET " ANN " strikes", "1");
    plan.causes = 0;
    assert_tally(run(&plan, NULL, NULL), 1, 2, 0, 0);
    assert_answer("HMGET " ANN " cause strikes struck score", "(nil) (nil) (nil) 0.2");
    assert_answer("EXISTS " ANN ":undo", "0");
    /* No opt-out changed by the last: the log has it, the journal has not. */
    assert_non_null(strstr(private_redis_cli(&redis, "XREVRANGE " ANN ":log + - COUNT 1"),
                           "change revert cause network-error bounces 2 event revert"));
    assert_answer("XLEN leadgate:journal", "2");
}

/* Any number of mails were on their way: but for the first their bounces led to nothing. */
static void many_in_flight(void **state)
{
    char words[64];

    (void)state;
    for (int i = 0; i < 100; i++)
        apply(bounce("ann@example.com", CAUSE_USER_UNKNOWN, now - 600 + i));
    assert_int_equal(atoi(private_redis_cli(&redis, "STRLEN " ANN ":undo")) < 300, true);
    assert_tally(run_last_hour(), 1, 1, 1, 0);

    /* With other words each they might be told apart; beyond some nobody remembers where it began. */
    for (int times = 20; times <= 60; times += 40) {
        private_redis_cli(&redis, "FLUSHALL");
        for (int i = 0; i < times; i++) {
            struct event event = bounce("ann@example.com", CAUSE_USER_UNKNOWN, now - 600 + i);

            snprintf(words, sizeof(words), "550 no, %d", i);
            event.evidence = span_of(words);
            apply(event);
        }
        assert_tally(run_last_hour(), times == 20, times == 20, times == 20, 0);
    }
    assert_answer("EXISTS " ANN ":optout", "1");
    assert_non_null(strstr(private_redis_cli(&redis, "GET " ANN ":undo"), "\ncut "));
}

static bool has_word(void *ctx, struct span words)
{
    return memmem(words.p, words.n, ctx, strlen(ctx)) != NULL;
}

static void only_what_the_plan_names(void **state)
{
    static const struct {
        const char *provider, *word;
        enum cause cause;
        int64_t since, until;
        int leads;
    } rows[] = {
        { "gmail.com", NULL, CAUSE_NONE, -HOUR, 0, 2 },
        { "example.net", NULL, CAUSE_NONE, -HOUR, 0, 1 },
        { "Gmail.com", NULL, CAUSE_NONE, -HOUR, 0, 2 },
        { "gmail.co", NULL, CAUSE_NONE, -HOUR, 0, 0 },
        { "", NULL, CAUSE_NONE, -HOUR, 0, 4 },
        { "", NULL, CAUSE_NONE, -HOUR, -HOUR, 0 },
        { "", NULL, CAUSE_NONE, -600, -600, 1 },
        { "", NULL, CAUSE_NONE, -2 * DAY, INT64_MAX / 2, 5 },
        { "", NULL, CAUSE_MAILBOX_FULL, -2 * DAY, 0, 1 },
        { "", NULL, CAUSE_SPAM_BLOCK, -2 * DAY, 0, 0 },
        { "", "does not exist", CAUSE_NONE, -2 * DAY, 0, 4 },
        { "", "quota", CAUSE_NONE, -2 * DAY, 0, 1 },
    };
    struct event full = bounce("dan@example.com", CAUSE_MAILBOX_FULL, now - 500);
    struct event other = bounce("cat@example.com", CAUSE_USER_UNKNOWN, now - 400);
    struct event nowhere = bounce("eve@example.com", CAUSE_USER_UNKNOWN, now - 300);

    (void)state;
    full.evidence = SPAN("552 over\tquota\n\r\0x\xff");
    other.provider = SPAN("example.net");
    nowhere.provider = SPAN_NONE;
    apply(bounce("ann@example.com", CAUSE_USER_UNKNOWN, now - 20 * HOUR));
    apply(bounce("bob@example.com", CAUSE_USER_UNKNOWN, now - 600));
    apply(full);
    apply(other);
    apply(nowhere);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct revert_plan plan = { .provider = span_of(rows[i].provider),
                                    .since = now + rows[i].since,
                                    .until = now + rows[i].until,
                                    .match = rows[i].word != NULL ? has_word : NULL,
                                    .match_ctx = (void *)rows[i].word,
                                    .dry_run = true,
                                    .by = SPAN("operator"),
                                    .why = SPAN("") };

        if (rows[i].cause != CAUSE_NONE)
            plan.causes = revert_cause(rows[i].cause);
        assert_int_equal(run(&plan, NULL, NULL).leads, rows[i].leads);
    }
}

/* The same token convicts nobody again, in whatever mail it comes. */
static void a_used_token_stays_used(void **state)
{
    struct event event = bounce("ann@example.com", CAUSE_USER_UNKNOWN, now - 600);

    (void)state;
    event.token = SPAN("b3k7aaaaaaaaaaaaaaaaaaa");
    assert_int_equal(apply(event), EFFECT_OPTOUT);
    assert_tally(run_last_hour(), 1, 1, 1, 0);
    event.at = now - 300;
    event.message = SPAN("another@example.org");
    assert_int_equal(apply(event), EFFECT_REPEAT);
    assert_answer("EXISTS " ANN ":optout", "0");
}

/* A report of the same message that is seen later: the message tells it, though its strike is no more. */
static void a_second_report_is_a_repeat(void **state)
{
    struct event event = bounce("ann@example.com", CAUSE_USER_UNKNOWN, now - 600);

    (void)state;
    assert_int_equal(apply(event), EFFECT_OPTOUT);
    assert_tally(run_last_hour(), 1, 1, 1, 0);
    event.source = SOURCE_MILTER;
    event.at = now - 300;
    assert_int_equal(apply(event), EFFECT_REPEAT);
}

struct seen {
    int told, let_in;
    int64_t strikes_was, strikes_is;
};

static void note(void *ctx, const struct reverted *lead)
{
    struct seen *seen = ctx;

    seen->told++;
    seen->let_in += lead->optout.present;
    seen->strikes_was += lead->was->strikes;
    seen->strikes_is += lead->is->strikes;
    assert_int_equal(lead->cause, CAUSE_MAILBOX_FULL);
    assert_true(span_eq(lead->provider, SPAN("gmail.com")));
    assert_non_null(memmem(lead->words.p, lead->words.n, "does not exist", 14));
}

/* More leads than a batch, in more entries than a page, over two hours; each is told of once. */
static void many_leads(void **state)
{
    enum { LEADS = 700 };
    struct revert_plan plan = last_hour();
    struct revert_tally tally, dry;
    struct seen seen = { 0 }, seen_dry = { 0 };
    char name[32];

    (void)state;
    plan.since = now - 10 * HOUR;
    for (int i = 0; i < LEADS; i++) {
        snprintf(name, sizeof(name), "lead%d@example.com", i);
        apply(bounce(name, CAUSE_MAILBOX_FULL, now - 9 * HOUR));
        if (i % 2 == 0)
            apply(bounce(name, CAUSE_MAILBOX_FULL, now - 600));
        if (i % 7 == 0)
            apply(event_of(name, EVENT_OPEN, now - 60));
    }
    plan.dry_run = true;
    dry = run(&plan, note, &seen_dry);
    plan.dry_run = false;
    tally = run(&plan, note, &seen);
    assert_memory_equal(&dry, &tally, sizeof(dry));
    assert_memory_equal(&seen_dry, &seen, sizeof(seen));
    assert_tally(tally, 600, 900, 300, 100);
    assert_int_equal(seen.told, LEADS);
    assert_int_equal(seen.strikes_was, 300);
    assert_int_equal(seen.strikes_is, 0);
    assert_int_equal(seen.let_in, 300);
    assert_tally(run(&plan, NULL, NULL), 0, 0, 0, 100);
}

/* Until it is over; the store does not ask more often than its back-off allows. */
static struct revert_tally run_when_it_is_back(void)
{
    const struct timespec moment = { .tv_nsec = 10000000 };
    struct revert_plan plan = last_hour();
    struct revert_tally tally;
    struct err err;

    while (revert_run(store, &plan, now, NULL, NULL, &tally, &err) == STORE_DOWN)
        nanosleep(&moment, NULL);
    return tally;
}

/* Nothing is done, until it can be. */
static void a_server_in_trouble(void **state)
{
    static const struct {
        const char *trouble, *cure, *words;
    } rows[] = {
        { "REPLICAOF 127.0.0.1 1", "REPLICAOF NO ONE", "READONLY" },
        { "CONFIG SET maxmemory 1", "CONFIG SET maxmemory 0", "OOM" },
    };
    struct revert_plan plan = last_hour();
    struct revert_tally tally;
    struct err err;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        private_redis_cli(&redis, "FLUSHALL");
        apply(bounce("ann@example.com", CAUSE_USER_UNKNOWN, now - 600));
        private_redis_cli(&redis, rows[i].trouble);
        assert_int_equal(revert_run(store, &plan, now, NULL, NULL, &tally, &err), STORE_DOWN);
        assert_non_null(strstr(err.text, rows[i].words));
        assert_tally(tally, 0, 0, 0, 0);
        private_redis_cli(&redis, rows[i].cure);
        assert_answer("EXISTS " ANN ":optout " ANN ":undo", "2");
        assert_tally(run_when_it_is_back(), 1, 1, 1, 0);
        assert_answer("XLEN leadgate:journal", "2");
    }
}

/* Whatever stands there by hand is read without harm; what comes of it lies inside. */
static void any_value_can_be_read(void **state)
{
    static const char letters[] = "0123 \t\n=-cutseen%";
    uint64_t seed = 1;
    char value[200];

    (void)state;
    for (int i = 0; i < 200000; i++) {
        struct undo undo;
        size_t n;

        seed = seed * 6364136223846793005u + 1442695040888963407u;
        n = (size_t)(seed >> 33) % sizeof(value);
        for (size_t k = 0; k < n; k++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            value[k] = letters[(seed >> 33) % (sizeof(letters) - 1)];
        }
        undo_read(&undo, (struct span){ value, n });
        assert_true(undo.n <= UNDO_RECORDS);
        for (size_t k = 0; k < undo.n; k++) {
            struct lead lead = { .rev = 0 };

            undo_restore(&undo.records[k], &lead);
            assert_true(undo.records[k].tail.p + undo.records[k].tail.n == value + n);
            assert_true(undo.records[k].rest.p + undo.records[k].rest.n == value + n);
        }
    }
}

/* Forgetting by command forgets that, too. */
static void forgetting(void **state)
{
    struct admin *admin = admin_new(&redis.settings);
    struct deed deed = { .at = now, .why = SPAN("asked for it") };
    bool changed;
    struct err err;

    (void)state;
    apply(bounce("ann@example.com", CAUSE_USER_UNKNOWN, now - 600));
    deed.subject.lead = event_of("ann@example.com", EVENT_OPEN, now).lead;
    assert_int_equal(admin_forget(admin, &deed, &changed, &err), STORE_OK);
    assert_answer("EXISTS " ANN ":undo", "0");
    admin_free(admin);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_good_lead_is_let_in_again, forget_all),
        cmocka_unit_test_setup(what_stands_on_a_bounce, forget_all),
        cmocka_unit_test_setup(what_was_written_by_hand, forget_all),
        cmocka_unit_test_setup(nobody_comes_back_from_it, forget_all),
        cmocka_unit_test_setup(foreign_types, forget_all),
        cmocka_unit_test_setup(another_life, forget_all),
        cmocka_unit_test_setup(one_after_the_other, forget_all),
        cmocka_unit_test_setup(many_in_flight, forget_all),
        cmocka_unit_test_setup(only_what_the_plan_names, forget_all),
        cmocka_unit_test_setup(a_used_token_stays_used, forget_all),
        cmocka_unit_test_setup(a_second_report_is_a_repeat, forget_all),
        cmocka_unit_test_setup(many_leads, forget_all),
        cmocka_unit_test_setup(a_server_in_trouble, forget_all),
        cmocka_unit_test_setup(any_value_can_be_read, forget_all),
        cmocka_unit_test_setup(forgetting, forget_all),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
