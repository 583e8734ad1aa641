/* SPDX-License-Identifier: BSD-2-Clause */
/* The store on a real Redis: what operators write by hand, races, and everything that can be wrong with a
 * server. */
#include "leadgate/logline.h"
#include "leadgate/store.h"
#include "leadgate/store_position.h"
#include "private_redis.h"
#include "store/answer.h"
#include "store/commit.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "some_address.h"

#define NOW ((int64_t)time(NULL))

static struct private_redis redis;
static struct lead_settings lifecycle;

static struct event bounce(const char *lead, enum cause cause, int64_t at)
{
    return (struct event){ .type = EVENT_BOUNCE,
                           .source = SOURCE_MAILBOX,
                           .lead = address_of(lead),
                           .cause = cause,
                           .at = at,
                           .status = SPAN("5.2.2"),
                           .evidence = SPAN("552 5.2.2 mailbox full") };
}

static enum store_rc apply(struct store *store, struct event event, struct outcome *outcome, struct err *err)
{
    return store_apply(store, &lifecycle, &event, 1, NOW, outcome, err);
}

/* Design, section 2: whatever an operator writes, the next decision obeys. */
static void hand_written_keys(void **state)
{
    static const struct {
        const char *command;
        bool present, refused;
        enum cause cause; /* of the opt-out or the refusal */
        enum optout_kind kind;
    } rows[] = {
        { "PING", false, false, CAUSE_NONE, 0 },
        { "SET lead:{ann@example.com}:optout x", true, false, CAUSE_MANUAL, OPTOUT_PERMANENT },
        { "SETRANGE lead:{ann@example.com}:optout 0 kind=temporary", true, false, CAUSE_MANUAL,
          OPTOUT_PERMANENT },
        { "SETEX lead:{ann@example.com}:optout 604800 cause=mailbox-full", true, false, CAUSE_MAILBOX_FULL,
          OPTOUT_TEMPORARY },
        { "SETEX lead:{ann@example.com}:optout 604800 kind=permanent", true, false, CAUSE_MANUAL,
          OPTOUT_TEMPORARY },
        { "SETEX lead:{ann@example.com}:optout 604800 cause=nonsense", true, false, CAUSE_MANUAL,
          OPTOUT_TEMPORARY },
        { "HSET lead:{ann@example.com}:optout cause manual", true, false, CAUSE_MANUAL, OPTOUT_PERMANENT },
        { "LPUSH lead:{ann@example.com}:optout x", true, false, CAUSE_MANUAL, OPTOUT_PERMANENT },
        { "HSET lead:{ann@example.com}:refused * cause=complaint", false, true, CAUSE_COMPLAINT, 0 },
        { "HSET lead:{ann@example.com}:refused news whatever", false, true, CAUSE_MANUAL, 0 },
        { "SET lead:{ann@example.com}:refused x", false, true, CAUSE_MANUAL, 0 },
        { "SET lead:{ann@example.com} x", false, false, CAUSE_NONE, 0 },
    };
    static const char *const allows[] = { "SET lead:{ann@example.com}:allow x",
                                          "SADD lead:{ann@example.com}:allow x",
                                          "SET domain:{example.com}:allow x",
                                          "HSET domain:{example.com}:allow x y" };
    struct store *store = store_new(&redis.settings);
    struct address ann = address_of("Ann@Example.COM");
    struct suppression found;
    struct err err;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        private_redis_cli(&redis, "FLUSHALL");
        private_redis_cli(&redis, rows[i].command);
        assert_int_equal(store_find_suppressions(store, &ann, 1, NOW, &found, &err), STORE_OK);
        assert_int_equal(found.optout.present, rows[i].present);
        assert_int_equal(found.n_refusals, rows[i].refused);
        if (rows[i].present) {
            assert_int_equal(found.optout.cause, rows[i].cause);
            assert_int_equal(found.optout.kind, rows[i].kind);
            if (rows[i].kind == OPTOUT_TEMPORARY)
                assert_in_range(found.optout.until, NOW + 604798, NOW + 604801);
        }
        if (rows[i].refused)
            assert_int_equal(found.refusals[0].cause, rows[i].cause);
        /* Whitelisted by whatever key: health no longer counts, the recipient's will does. */
        for (size_t a = 0; a < sizeof(allows) / sizeof(allows[0]); a++) {
            private_redis_cli(&redis, allows[a]);
            assert_int_equal(store_find_suppressions(store, &ann, 1, NOW, &found, &err), STORE_OK);
            assert_int_equal(found.allowed, rows[i].present || rows[i].refused);
            assert_int_equal(found.n_refusals, rows[i].refused);
            private_redis_cli(&redis, "DEL lead:{ann@example.com}:allow domain:{example.com}:allow");
        }
    }
    store_free(store);
}

/* A refusal for which there is no room under its name counts for every stream: none is lost. */
static void more_refusals_than_room(void **state)
{
    struct store *store = store_new(&redis.settings);
    struct address ann = address_of("ann@example.com");
    struct suppression found;
    struct err err;

    (void)state;
    for (int i = 0; i < REFUSALS_NAMED; i++)
        private_redis_cli(&redis, "HSET lead:{ann@example.com}:refused s%d cause=complaint", i);
    assert_int_equal(store_find_suppressions(store, &ann, 1, NOW, &found, &err), STORE_OK);
    assert_int_equal(found.n_refusals, REFUSALS_NAMED);
    assert_string_equal(found.refusals[REFUSALS_NAMED - 1].stream, "s7");
    for (int i = 0; i < 30; i++)
        private_redis_cli(&redis, "HSET lead:{ann@example.com}:refused t%d %s", i,
                          i % 3 == 0   ? "cause=complaint"
                          : i % 3 == 1 ? "cause=unsubscribe"
                                       : "cause=mailbox-full");
    assert_int_equal(store_find_suppressions(store, &ann, 1, NOW, &found, &err), STORE_OK);
    assert_int_equal(found.n_refusals, REFUSALS_MOST);
    for (size_t i = REFUSALS_NAMED; i < REFUSALS_MOST; i++)
        assert_string_equal(found.refusals[i].stream, "*");
    assert_int_equal(found.refusals[REFUSALS_NAMED].cause, CAUSE_COMPLAINT);
    assert_int_equal(found.refusals[REFUSALS_NAMED + 1].cause, CAUSE_UNSUBSCRIBE);
    assert_int_equal(found.refusals[REFUSALS_NAMED + 2].cause, CAUSE_MANUAL);

    private_redis_cli(&redis, "FLUSHALL");
    private_redis_cli(&redis, "HSET lead:{ann@example.com}:refused %064d cause=complaint", 1);
    assert_int_equal(store_find_suppressions(store, &ann, 1, NOW, &found, &err), STORE_OK);
    assert_string_equal(found.refusals[0].stream, "*");
    private_redis_cli(&redis, "DEL lead:{ann@example.com}:refused");
    private_redis_cli(&redis, "HSET lead:{ann@example.com}:refused %063d since=1700000000", 1);
    assert_int_equal(store_find_suppressions(store, &ann, 1, NOW, &found, &err), STORE_OK);
    assert_int_equal(strlen(found.refusals[0].stream), 63);
    assert_int_equal(found.refusals[0].since, 1700000000);
    store_free(store);
}

static void history_is_written_whole(void **state)
{
    struct store *store = store_new(&redis.settings);
    struct event events[] = { bounce("ann@example.com", CAUSE_MAILBOX_FULL, NOW - 86400),
                              bounce("bob@example.com", CAUSE_USER_UNKNOWN, NOW),
                              bounce("ann@example.com", CAUSE_MAILBOX_FULL, NOW) };
    struct outcome outcomes[3];
    struct err err;

    (void)state;
    assert_int_equal(store_apply(store, &lifecycle, events, 3, NOW, outcomes, &err), STORE_OK);
    assert_int_equal(outcomes[0].effect, EFFECT_STRIKE);
    assert_int_equal(outcomes[1].effect, EFFECT_OPTOUT);
    assert_int_equal(outcomes[2].effect, EFFECT_OPTOUT);
    assert_string_equal(private_redis_cli(&redis, "HGET lead:{ann@example.com} rev"), "2");
    assert_string_equal(private_redis_cli(&redis, "HGET lead:{ann@example.com} cause"), "mailbox-full");
    assert_in_range(atol(private_redis_cli(&redis, "TTL lead:{ann@example.com}")), 34560000 - 5, 34560000);
    assert_in_range(atol(private_redis_cli(&redis, "TTL lead:{ann@example.com}:optout")), 3 * 86400 - 2,
                    3 * 86400 * 21 / 20);
    assert_int_equal(strncmp(private_redis_cli(&redis, "GET lead:{ann@example.com}:optout"),
                             "kind=temporary cause=mailbox-full cycle=1 since=", 48),
                     0);
    assert_string_equal(private_redis_cli(&redis, "TTL lead:{bob@example.com}:optout"), "-1");
    assert_string_equal(private_redis_cli(&redis, "XLEN lead:{ann@example.com}:log"), "1");
    assert_non_null(strstr(private_redis_cli(&redis, "XRANGE lead:{bob@example.com}:log - +"),
                           "change optout kind permanent cause user-unknown event bounce source mailbox"));
    /* The end is read back to the second, by a clock that is a second late or early, too. */
    for (int64_t off = -1; off <= 1; off++) {
        struct suppression found;

        assert_int_equal(store_find_suppressions(store, &events[0].lead, 1, NOW + off, &found, &err),
                         STORE_OK);
        assert_int_equal(found.optout.until, outcomes[2].change.optout.until);
    }
    /* All of it again: nothing is written. */
    assert_int_equal(store_apply(store, &lifecycle, events, 3, NOW, outcomes, &err), STORE_OK);
    for (int i = 0; i < 3; i++)
        assert_int_equal(outcomes[i].effect, EFFECT_REPEAT);
    assert_string_equal(private_redis_cli(&redis, "HGET lead:{ann@example.com} rev"), "2");
    store_free(store);
}

static void the_recipients_will_is_kept_apart(void **state)
{
    struct store *store = store_new(&redis.settings);
    struct event event = bounce("ann@example.com", CAUSE_NONE, NOW - 10);
    struct outcome outcome;
    struct err err;

    (void)state;
    event.type = EVENT_UNSUBSCRIBE;
    event.stream = SPAN("newsletter");
    assert_int_equal(apply(store, event, &outcome, &err), STORE_OK);
    assert_int_equal(strncmp(private_redis_cli(&redis, "HGETALL lead:{ann@example.com}:refused"),
                             "newsletter cause=unsubscribe since=", 35),
                     0);
    assert_string_equal(private_redis_cli(&redis, "TTL lead:{ann@example.com}:refused"), "-1");
    event.type = EVENT_RESUBSCRIBE;
    event.at = NOW;
    assert_int_equal(apply(store, event, &outcome, &err), STORE_OK);
    assert_string_equal(private_redis_cli(&redis, "EXISTS lead:{ann@example.com}:refused"), "0");
    assert_string_equal(private_redis_cli(&redis, "XLEN lead:{ann@example.com}:log"), "2");
    store_free(store);
}

/* Whoever signs up to one stream and leaves another in the same second means both; and it answers nothing of
 * what was said to another one, however late that is heard of. */
static void each_stream_is_signed_up_to_by_itself(void **state)
{
    static const struct {
        enum event_type type;
        const char *stream;
        int64_t at;
        enum effect effect;
    } said[] = {
        { EVENT_UNSUBSCRIBE, "news", 0, EFFECT_WILL },    { EVENT_UNSUBSCRIBE, "offers", 0, EFFECT_WILL },
        { EVENT_RESUBSCRIBE, "news", 9, EFFECT_WILL },    { EVENT_RESUBSCRIBE, "offers", 9, EFFECT_WILL },
        { EVENT_UNSUBSCRIBE, "tips", 9, EFFECT_WILL },    { EVENT_COMPLAINT, "", 5, EFFECT_WILL },
        { EVENT_UNSUBSCRIBE, "news", 0, EFFECT_REPEAT },  { EVENT_RESUBSCRIBE, "offers", 9, EFFECT_REPEAT },
        { EVENT_UNSUBSCRIBE, "offers", 10, EFFECT_WILL },
    };
    struct store *store = store_new(&redis.settings);
    struct outcome outcome;
    struct err err;

    (void)state;
    for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
        struct event event = bounce("ann@example.com", CAUSE_NONE, NOW - 100 + said[i].at);

        event.type = said[i].type;
        event.stream = span_of(said[i].stream);
        assert_int_equal(apply(store, event, &outcome, &err), STORE_OK);
        assert_int_equal(outcome.effect, said[i].effect);
    }
    assert_string_equal(private_redis_cli(&redis, "HKEYS lead:{ann@example.com}:refused"), "tips * offers");
    store_free(store);
}

/* An application that follows the journal can mirror the suppression list, also after a program died between
 * the commit and the journal's entry, and when the journal's key has been taken for something else. */
static void every_change_reaches_the_journal(void **state)
{
    struct store *store = store_new(&redis.settings);
    struct event event = bounce("ann@example.com", CAUSE_USER_UNKNOWN, NOW);
    struct outcome outcome;
    struct err err;

    (void)state;
    event.provider = SPAN("example.com");
    private_redis_cli(&redis, "SET leadgate:journal note");
    assert_int_equal(apply(store, event, &outcome, &err), STORE_OK);
    assert_string_equal(private_redis_cli(&redis, "GET leadgate:journal:odd"), "note");
    assert_string_equal(private_redis_cli(&redis, "XLEN leadgate:journal"), "1");
    assert_non_null(
        strstr(private_redis_cli(&redis, "XRANGE leadgate:journal - +"), "lead ann@example.com entry "));
    assert_non_null(
        strstr(private_redis_cli(&redis, "XRANGE leadgate:journal - +"),
               "change optout kind permanent cause user-unknown event bounce source mailbox status 5.2.2 "
               "provider example.com evidence 552 5.2.2 mailbox full"));
    assert_string_equal(private_redis_cli(&redis, "HEXISTS lead:{ann@example.com} journal"), "0");
    /* As if this program had died right after the commit: its mark is there, its entry is not. */
    private_redis_cli(&redis, "DEL leadgate:journal");
    private_redis_cli(
        &redis, "EVAL %s 2 lead:{ann@example.com} lead:{ann@example.com}:log",
        "local e = redis.call('XRANGE', KEYS[2], '-', '+')[1][1] return redis.call('HSET', KEYS[1], "
        "'journal', e)");
    assert_int_equal(apply(store, event, &outcome, &err), STORE_OK);
    assert_int_equal(outcome.effect, EFFECT_REPEAT);
    assert_string_equal(private_redis_cli(&redis, "XLEN leadgate:journal"), "1");
    assert_non_null(
        strstr(private_redis_cli(&redis, "XRANGE leadgate:journal - +"), "cause user-unknown event"));
    assert_string_equal(private_redis_cli(&redis, "HEXISTS lead:{ann@example.com} journal"), "0");
    /* A mark whose entry is gone from the log ends as well. */
    private_redis_cli(&redis, "HSET lead:{ann@example.com} journal 1-1");
    assert_int_equal(apply(store, event, &outcome, &err), STORE_OK);
    assert_string_equal(private_redis_cli(&redis, "HEXISTS lead:{ann@example.com} journal"), "0");
    store_free(store);
}

/* Redis took the commit and does not take the entry: the mark stays, and whoever comes next writes the entry.
 */
static void a_refused_entry_is_made_up_for(void **state)
{
    struct store *store = store_new(&redis.settings);
    struct event event = bounce("ann@example.com", CAUSE_USER_UNKNOWN, NOW);
    struct outcome outcome;
    struct err err;

    (void)state;
    private_redis_cli(&redis, "ACL SETUSER default resetkeys ~lead:* ~domain:* ~leadgate:bounced:*");
    assert_int_equal(apply(store, event, &outcome, &err), STORE_DOWN);
    assert_non_null(strstr(err.text, "journal"));
    private_redis_cli(&redis, "ACL SETUSER default allkeys");
    assert_string_equal(private_redis_cli(&redis, "HEXISTS lead:{ann@example.com} journal"), "1");
    store_free(store);
    store = store_new(&redis.settings);
    assert_int_equal(apply(store, event, &outcome, &err), STORE_OK);
    assert_int_equal(outcome.effect, EFFECT_REPEAT);
    assert_string_equal(private_redis_cli(&redis, "XLEN leadgate:journal"), "1");
    assert_string_equal(private_redis_cli(&redis, "HEXISTS lead:{ann@example.com} journal"), "0");
    store_free(store);
}

/* Keys of ours with another type are set aside, and the event is not lost. */
static void foreign_types_are_set_aside(void **state)
{
    struct store *store = store_new(&redis.settings);
    struct outcome outcome;
    struct err err;

    (void)state;
    private_redis_cli(&redis, "SET lead:{ann@example.com} note");
    private_redis_cli(&redis, "LPUSH lead:{ann@example.com}:log note");
    assert_int_equal(apply(store, bounce("ann@example.com", CAUSE_USER_UNKNOWN, NOW), &outcome, &err),
                     STORE_OK);
    assert_int_equal(outcome.effect, EFFECT_OPTOUT);
    assert_true(outcome.odd);
    assert_string_equal(private_redis_cli(&redis, "GET lead:{ann@example.com}:odd"), "note");
    assert_string_equal(private_redis_cli(&redis, "LRANGE lead:{ann@example.com}:log:odd 0 -1"), "note");
    assert_string_equal(private_redis_cli(&redis, "TYPE lead:{ann@example.com}"), "hash");
    /* An opt-out of another type is obeyed, and so stays. */
    private_redis_cli(&redis, "FLUSHALL");
    private_redis_cli(&redis, "HSET lead:{ann@example.com}:optout by hand");
    private_redis_cli(&redis, "HSET lead:{ann@example.com} rev x strikes -1 bounced soon diag y");
    assert_int_equal(apply(store, bounce("ann@example.com", CAUSE_USER_UNKNOWN, NOW), &outcome, &err),
                     STORE_OK);
    assert_int_equal(outcome.effect, EFFECT_IN_FLIGHT);
    assert_string_equal(private_redis_cli(&redis, "HGETALL lead:{ann@example.com}:optout"), "by hand");
    assert_string_equal(private_redis_cli(&redis, "HGET lead:{ann@example.com} rev"), "1");
    store_free(store);
}

/* What was read no longer stands: the script writes nothing. Each of the things it compares, one at a time.
 */
static void a_commit_on_stale_reading_writes_nothing(void **state)
{
    static const char *const meanwhile[] = {
        "HSET lead:{ann@example.com} rev 8",
        "SET lead:{ann@example.com}:optout free",
        "HSET lead:{ann@example.com}:optout free hand",
        "SET lead:{ann@example.com}:allow 1",
        "DEL lead:{ann@example.com}",
    };
    struct event event = bounce("ann@example.com", CAUSE_USER_UNKNOWN, NOW);
    struct loaded loaded = { .lead = { .rev = 7 }, .rev = SPAN("7") };
    struct change change = { .kind = CHANGE_OPTOUT, .optout = { .present = true, .kind = OPTOUT_PERMANENT } };
    redisContext *context = redisConnectUnix(redis.settings.address.host);
    redisReply *script = redisCommand(context, "SCRIPT LOAD %s", commit_script);

    (void)state;
    assert_non_null(script);
    for (size_t i = 0; i <= sizeof(meanwhile) / sizeof(meanwhile[0]); i++) {
        bool raced = i < sizeof(meanwhile) / sizeof(meanwhile[0]);
        struct commit commit;
        redisReply *reply;

        private_redis_cli(&redis, "FLUSHALL");
        private_redis_cli(&redis, "HSET lead:{ann@example.com} rev 7");
        if (raced)
            private_redis_cli(&redis, meanwhile[i]);
        commit_make(&commit, script->str, &event, &loaded, &loaded.lead, &change, 1000, NOW);
        reply = redisCommandArgv(context, commit.argc, commit.argv, commit.len);
        assert_non_null(reply);
        assert_string_equal(reply->element[0]->str, raced ? "race" : "done");
        assert_string_equal(private_redis_cli(&redis, "EXISTS lead:{ann@example.com}:log"),
                            raced ? "0" : "1");
        freeReplyObject(reply);
    }
    freeReplyObject(script);
    redisFree(context);
}

/* lead:{ADDR}:returning: from a temporary opt-out until mail is taken again, or 30 days after its end. */
static void who_comes_back(void **state)
{
    static const struct {
        enum event_type type;
        enum cause cause;
        int64_t ago;
        bool returning;
        const char *then; /* by hand, after it */
    } steps[] = {
        { EVENT_BOUNCE, CAUSE_MAILBOX_FULL, 200, true, "DEL lead:{ann@example.com}:optout" },
        /* Let in early, she comes back all the same. From before the opt-out: says nothing of it. */
        { EVENT_DELIVERED, CAUSE_NONE, 300, true, "PING" },
        { EVENT_OPEN, CAUSE_NONE, 100, true, "PING" }, /* lifts nothing */
        { EVENT_DELIVERED, CAUSE_NONE, 0, false, "DEL lead:{ann@example.com}" },
        { EVENT_BOUNCE, CAUSE_MAILBOX_FULL, 200, true, "PING" },
        { EVENT_FLUSH, CAUSE_NONE, 0, false, "DEL lead:{ann@example.com}" },
        { EVENT_BOUNCE, CAUSE_MAILBOX_FULL, 200, true, "PING" },
        { EVENT_CLICK, CAUSE_NONE, 0, false, "DEL lead:{ann@example.com}" },
        /* Forgotten by hand, but for this. */
        { EVENT_BOUNCE, CAUSE_MAILBOX_FULL, 200, true,
          "DEL lead:{ann@example.com} lead:{ann@example.com}:optout" },
        { EVENT_DELIVERED, CAUSE_NONE, 0, false, "DEL lead:{ann@example.com}" },
        { EVENT_BOUNCE, CAUSE_MAILBOX_FULL, 200, true, "DEL lead:{ann@example.com}:optout" },
        { EVENT_BOUNCE, CAUSE_USER_UNKNOWN, 100, false,
          "DEL lead:{ann@example.com} lead:{ann@example.com}:optout" },
        { EVENT_DELIVERED, CAUSE_NONE, 0, false, "PING" },
        /* Heard of only now: she has taken mail since. */
        { EVENT_BOUNCE, CAUSE_MAILBOX_FULL, 200, false, "PING" },
    };
    struct store *store = store_new(&redis.settings);
    struct outcome outcome;
    struct err err;

    (void)state;
    lifecycle.causes[CAUSE_MAILBOX_FULL].strikes = 1;
    lifecycle.jitter = 0;
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        struct event event = bounce("ann@example.com", steps[i].cause, NOW - steps[i].ago);

        event.type = steps[i].type;
        assert_int_equal(apply(store, event, &outcome, &err), STORE_OK);
        if (i == 0) {
            assert_string_equal(private_redis_cli(&redis, "EXISTS domain:{example.com}:returning"), "1");
            assert_in_range(atoll(private_redis_cli(&redis, "TTL domain:{example.com}:returning")),
                            399 * 86400, 400 * 86400);
        }
        if (i == 0)
            assert_in_range(atoll(private_redis_cli(&redis, "TTL lead:{ann@example.com}:returning")),
                            33 * 86400 - 220, 33 * 86400 - 199);
        private_redis_cli(&redis, steps[i].then);
        if (strcmp(private_redis_cli(&redis, "EXISTS lead:{ann@example.com}:returning"),
                   steps[i].returning ? "1" : "0") != 0)
            fail_msg("step %zu: %s", i, effect_name(outcome.effect));
    }
    lead_settings_default(&lifecycle);
    /* For good is for good: nobody of this domain comes back. */
    assert_int_equal(apply(store, bounce("bob@example.net", CAUSE_USER_UNKNOWN, NOW), &outcome, &err),
                     STORE_OK);
    assert_int_equal(outcome.effect, EFFECT_OPTOUT);
    assert_string_equal(private_redis_cli(&redis, "EXISTS domain:{example.net}:returning"), "0");
    store_free(store);
}

/* Everything that makes Redis unable to serve is one answer, nothing is half done, and it works again
 * afterwards. */
static void servers_in_trouble(void **state)
{
    static const struct {
        const char *trouble, *cure, *words;
    } rows[] = {
        { "REPLICAOF 127.0.0.1 1", "REPLICAOF NO ONE", "READONLY" },
        { "CONFIG SET maxmemory 1", "CONFIG SET maxmemory 0", "OOM" },
    };
    int64_t at = NOW - 1000;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct store *store = store_new(&redis.settings);
        struct outcome outcome;
        struct err err;

        private_redis_cli(&redis, "FLUSHALL");
        private_redis_cli(&redis, rows[i].trouble);
        assert_int_equal(apply(store, bounce("ann@example.com", CAUSE_USER_UNKNOWN, at), &outcome, &err),
                         STORE_DOWN);
        assert_non_null(strstr(err.text, rows[i].words));
        private_redis_cli(&redis, rows[i].cure);
        assert_string_equal(private_redis_cli(&redis, "KEYS *"), "");
        store_free(store);
        store = store_new(&redis.settings);
        assert_int_equal(apply(store, bounce("ann@example.com", CAUSE_USER_UNKNOWN, at), &outcome, &err),
                         STORE_OK);
        assert_int_equal(outcome.effect, EFFECT_OPTOUT);
        store_free(store);
    }
}

static void wrong_and_right_password(void **state)
{
    struct store_settings settings = redis.settings;
    char gate[] = "gate", wrong[] = "wrong", right[] = "secret";
    struct address ann = address_of("ann@example.com");
    struct suppression found;
    struct err err, warning;
    struct store *store;

    (void)state;
    private_redis_cli(&redis, "ACL SETUSER gate on >secret ~* &* +@all");
    private_redis_cli(&redis, "ACL SETUSER default nopass");
    settings.username = gate;
    settings.password = wrong;
    store = store_new(&settings);
    assert_int_equal(store_find_suppressions(store, &ann, 1, NOW, &found, &err), STORE_DOWN);
    assert_non_null(strstr(err.text, "WRONGPASS"));
    assert_null(strstr(err.text, "wrong\""));
    store_free(store);
    settings.password = right;
    settings.database = 3;
    store = store_new(&settings);
    assert_int_equal(store_check(store, &warning, &err), STORE_OK);
    assert_string_equal(warning.text, "");
    store_free(store);
}

/* A server that hangs costs the time-out, not for ever, and the back-off not even that. */
static void a_hanging_server(void **state)
{
    struct store *store = store_new(&redis.settings);
    struct address ann = address_of("ann@example.com");
    struct suppression found;
    struct timespec begin, end;
    struct err err;
    int64_t ms;

    (void)state;
    assert_int_equal(store_find_suppressions(store, &ann, 1, NOW, &found, &err), STORE_OK);
    kill(redis.pid, SIGSTOP);
    clock_gettime(CLOCK_MONOTONIC, &begin);
    assert_int_equal(store_find_suppressions(store, &ann, 1, NOW, &found, &err), STORE_DOWN);
    clock_gettime(CLOCK_MONOTONIC, &end);
    ms = (end.tv_sec - begin.tv_sec) * 1000 + (end.tv_nsec - begin.tv_nsec) / 1000000;
    assert_true(ms >= redis.settings.timeout - 20);
    assert_non_null(strstr(err.text, "did not answer"));
    kill(redis.pid, SIGCONT);
    store_free(store);
}

static void restarts_and_lost_scripts(void **state)
{
    struct store *store = store_new(&redis.settings);
    struct address ann = address_of("ann@example.com");
    struct suppression found;
    struct outcome outcome;
    struct err err;

    (void)state;
    assert_int_equal(apply(store, bounce("ann@example.com", CAUSE_MAILBOX_FULL, NOW - 90), &outcome, &err),
                     STORE_OK);
    private_redis_cli(&redis, "SCRIPT FLUSH");
    assert_int_equal(store_find_suppressions(store, &ann, 1, NOW, &found, &err), STORE_OK);
    private_redis_cli(&redis, "SCRIPT FLUSH");
    assert_int_equal(apply(store, bounce("bob@example.com", CAUSE_MAILBOX_FULL, NOW - 80), &outcome, &err),
                     STORE_OK);
    assert_int_equal(outcome.effect, EFFECT_STRIKE);
    private_redis_stop(&redis);
    private_redis_start(&redis, 0);
    /* The idle connection is dead; that is seen before it is used, and costs no failure. */
    assert_int_equal(apply(store, bounce("cid@example.com", CAUSE_MAILBOX_FULL, NOW - 70), &outcome, &err),
                     STORE_OK);
    private_redis_stop(&redis);
    assert_int_equal(apply(store, bounce("dan@example.com", CAUSE_MAILBOX_FULL, NOW), &outcome, &err),
                     STORE_DOWN);
    private_redis_start(&redis, 0);
    store_free(store);
}

/* While it loads its data Redis knows nobody: that must not look like a clean lead. */
static void a_loading_server(void **state)
{
    struct address ann = address_of("ann@example.com");
    struct suppression found;
    struct store *store;
    struct err err;

    (void)state;
    private_redis_cli(&redis, "CONFIG SET rdbcompression no");
    private_redis_cli(&redis, "DEBUG POPULATE 100 key 2000");
    assert_string_equal(private_redis_cli(&redis, "SAVE"), "OK");
    private_redis_stop(&redis);
    private_redis_start(&redis, 50000);
    store = store_new(&redis.settings);
    assert_int_equal(store_find_suppressions(store, &ann, 1, NOW, &found, &err), STORE_DOWN);
    assert_non_null(strstr(err.text, "LOADING"));
    store_free(store);
    private_redis_stop(&redis);
    private_redis_start(&redis, 0);
}

static void warns_of_eviction(void **state)
{
    struct store *store = store_new(&redis.settings);
    struct err err, warning;

    (void)state;
    assert_int_equal(store_check(store, &warning, &err), STORE_OK);
    assert_string_equal(warning.text, "");
    private_redis_cli(&redis, "CONFIG SET maxmemory-policy volatile-lru");
    assert_int_equal(store_check(store, &warning, &err), STORE_OK);
    assert_non_null(strstr(warning.text, "volatile-lru"));
    private_redis_cli(&redis, "CONFIG SET maxmemory-policy noeviction");
    store_free(store);
}

enum { PROCESSES = 8, LEADS = 100, PER_LEAD = 40 };

/* One of the processes: takes numbers from the shared counters, which are the events' times, until none are
 * left. An event that is a repeat only because another process was faster gets the next later time, so each
 * counts once. */
static void race(int64_t *next, int64_t *clocks)
{
    struct store *store = store_new(&redis.settings);
    int64_t number;

    while ((number = __atomic_fetch_add(next, 1, __ATOMIC_SEQ_CST)) < LEADS * PER_LEAD) {
        size_t lead = (size_t)(number % LEADS);
        struct outcome outcome = { .effect = EFFECT_REPEAT };
        char name[64];
        struct err err;

        snprintf(name, sizeof(name), "lead%zu@example.com", lead);
        while (outcome.effect == EFFECT_REPEAT) {
            int64_t at = __atomic_add_fetch(&clocks[lead], 1, __ATOMIC_SEQ_CST);

            if (apply(store, bounce(name, CAUSE_MAILBOX_FULL, at), &outcome, &err) == STORE_DOWN)
                _exit(1);
        }
    }
    store_free(store);
    _exit(0);
}

static void no_strike_is_lost_among_processes(void **state)
{
    size_t size = (1 + LEADS) * sizeof(int64_t);
    int64_t *shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int64_t spacing = lifecycle.strike_spacing, strikes = lifecycle.causes[CAUSE_MAILBOX_FULL].strikes;
    pid_t children[PROCESSES];

    (void)state;
    assert_true(shared != MAP_FAILED);
    for (int i = 0; i < LEADS; i++)
        shared[1 + i] = 1790000000;
    lifecycle.strike_spacing = 0;
    lifecycle.causes[CAUSE_MAILBOX_FULL].strikes = 1000000;
    lifecycle.score.soft = 0;
    for (int i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0)
            race(shared, shared + 1);
    }
    for (int i = 0; i < PROCESSES; i++) {
        int status;

        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    for (int i = 0; i < LEADS; i++)
        assert_int_equal(atoi(private_redis_cli(&redis, "HGET lead:{lead%d@example.com} strikes", i)),
                         PER_LEAD);
    lifecycle.strike_spacing = spacing;
    lifecycle.causes[CAUSE_MAILBOX_FULL].strikes = strikes;
    munmap(shared, size);
}

static int flush(void **state)
{
    (void)state;
    private_redis_cli(&redis, "FLUSHALL");
    return 0;
}

static int start(void **state)
{
    (void)state;
    lead_settings_default(&lifecycle);
    private_redis_init(&redis);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    private_redis_deinit(&redis);
    return 0;
}

/* However many events of however few leads come at once: each lead's are applied in their order, for one that
 * came out of order would be a repeat. */
static void keeps_the_order_of_a_lead(void **state)
{
    enum { EVENTS = 1500 };
    static const int leads[] = { 1, 3, 100, EVENTS };
    struct store *store = store_new(&redis.settings);
    struct event *events = calloc(EVENTS, sizeof(*events));
    struct outcome *outcomes = calloc(EVENTS, sizeof(*outcomes));
    int64_t start = NOW - EVENTS;
    struct err err;

    (void)state;
    for (size_t i = 0; i < sizeof(leads) / sizeof(leads[0]); i++) {
        private_redis_cli(&redis, "FLUSHALL");
        for (int k = 0; k < EVENTS; k++) {
            char name[32];

            snprintf(name, sizeof(name), "lead%d@example.com", k % leads[i]);
            events[k] = (struct event){
                .type = EVENT_DELIVERED, .source = SOURCE_LOG, .lead = address_of(name), .at = start + k
            };
        }
        assert_int_equal(store_apply(store, &lifecycle, events, EVENTS, NOW, outcomes, &err), STORE_OK);
        for (int k = 0; k < EVENTS; k++)
            assert_int_equal(outcomes[k].effect, EFFECT_GOOD);
        assert_int_equal(atoi(private_redis_cli(&redis, "HGET lead:{lead0@example.com} deliveries")),
                         EVENTS / leads[i]);
    }
    free(outcomes);
    free(events);
    store_free(store);
}

static void positions_are_kept(void **state)
{
    struct store *store = store_new(&redis.settings);
    char place[POSITION_SIZE];
    struct err err;

    (void)state;
    assert_int_equal(store_find_position(store, SPAN("host:/a b"), place, &err), STORE_OK);
    assert_string_equal(place, "");
    assert_int_equal(
        store_keep_position(store, SPAN("host:/a b"), SPAN("12 3 x"), store_session(store), &err), STORE_OK);
    assert_int_equal(store_keep_position(store, SPAN("host:/c"), SPAN("y"), store_session(store), &err),
                     STORE_OK);
    assert_int_equal(store_find_position(store, SPAN("host:/a b"), place, &err), STORE_OK);
    assert_string_equal(place, "12 3 x");
    assert_string_equal(private_redis_cli(&redis, "HLEN leadgate:positions"), "2");
    /* What an operator wrote there: too long, then of another type. */
    private_redis_cli(&redis, "HSET leadgate:positions host:/c %0200d", 1);
    assert_int_equal(store_find_position(store, SPAN("host:/c"), place, &err), STORE_OK);
    assert_string_equal(place, "");
    private_redis_cli(&redis, "SET leadgate:positions x");
    assert_int_equal(store_find_position(store, SPAN("host:/c"), place, &err), STORE_OK);
    assert_string_equal(place, "");
    assert_int_equal(store_keep_position(store, SPAN("host:/c"), SPAN("z"), store_session(store), &err),
                     STORE_OK);
    assert_string_equal(private_redis_cli(&redis, "HGET leadgate:positions host:/c"), "z");
    assert_string_equal(private_redis_cli(&redis, "GET leadgate:positions:odd"), "x");
    /* Not now is not nothing. */
    private_redis_cli(&redis, "CONFIG SET maxmemory 1");
    assert_int_equal(store_keep_position(store, SPAN("host:/c"), SPAN("zz"), store_session(store), &err),
                     STORE_DOWN);
    private_redis_cli(&redis, "CONFIG SET maxmemory 0");
    private_redis_stop(&redis);
    assert_int_equal(store_find_position(store, SPAN("host:/c"), place, &err), STORE_DOWN);
    private_redis_start(&redis, 0);
    store_free(store);
}

/* Redis has come back, and nobody was told meanwhile: what was committed on the connection before may be
 * lost. */
static void a_place_is_kept_on_its_connection(void **state)
{
    struct store *store = store_new(&redis.settings);
    char place[POSITION_SIZE];
    int64_t session;
    struct err err;

    (void)state;
    assert_int_equal(store_find_position(store, SPAN("x"), place, &err), STORE_OK);
    session = store_session(store);
    assert_int_equal(store_keep_position(store, SPAN("x"), SPAN("1"), session, &err), STORE_OK);
    private_redis_stop(&redis);
    private_redis_start(&redis, 0);
    assert_int_equal(store_keep_position(store, SPAN("x"), SPAN("2"), session, &err), STORE_DOWN);
    assert_string_equal(private_redis_cli(&redis, "EXISTS leadgate:positions"), "0");
    assert_int_equal(store_find_position(store, SPAN("x"), place, &err), STORE_OK);
    assert_int_not_equal(store_session(store), session);
    assert_int_equal(store_keep_position(store, SPAN("x"), SPAN("2"), store_session(store), &err), STORE_OK);
    store_free(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(hand_written_keys, flush),
        cmocka_unit_test_setup(more_refusals_than_room, flush),
        cmocka_unit_test_setup(history_is_written_whole, flush),
        cmocka_unit_test_setup(the_recipients_will_is_kept_apart, flush),
        cmocka_unit_test_setup(each_stream_is_signed_up_to_by_itself, flush),
        cmocka_unit_test_setup(every_change_reaches_the_journal, flush),
        cmocka_unit_test_setup(a_refused_entry_is_made_up_for, flush),
        cmocka_unit_test_setup(foreign_types_are_set_aside, flush),
        cmocka_unit_test_setup(a_commit_on_stale_reading_writes_nothing, flush),
        cmocka_unit_test_setup(who_comes_back, flush),
        cmocka_unit_test_setup(keeps_the_order_of_a_lead, flush),
        cmocka_unit_test_setup(positions_are_kept, flush),
        cmocka_unit_test_setup(a_place_is_kept_on_its_connection, flush),
        cmocka_unit_test_setup(servers_in_trouble, flush),
        cmocka_unit_test_setup(wrong_and_right_password, flush),
        cmocka_unit_test_setup(a_hanging_server, flush),
        cmocka_unit_test_setup(restarts_and_lost_scripts, flush),
        cmocka_unit_test_setup(warns_of_eviction, flush),
        cmocka_unit_test_setup(no_strike_is_lost_among_processes, flush),
        cmocka_unit_test_setup(a_loading_server, flush),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
