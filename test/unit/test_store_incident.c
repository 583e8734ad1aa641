/* SPDX-License-Identifier: BSD-2-Clause */
/* Incidents and holds on a real Redis: each change once, whoever else is at it; what an operator writes is
 * obeyed; and what was done gets into the stream though its leader died. */
#include "leadgate/store_incident.h"
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

#define P              SPAN("big.example")
#define NOW            ((int64_t)time(NULL))
#define LENGTH(array)  (sizeof(array) / sizeof((array)[0]))
#define INCIDENT(rest) "provider:{big.example}:incident" rest
#define HOLD(rest)     "provider:{big.example}:hold" rest

static struct private_redis redis;
static struct store *store;
static struct incident_settings settings;

static int start(void **state)
{
    (void)state;
    private_redis_init(&redis);
    redis.settings.timeout = 5000; /* nothing here waits for it */
    store = store_new(&redis.settings);
    incident_settings_default(&settings);
    return store == NULL ? -1 : 0;
}

static int stop(void **state)
{
    (void)state;
    store_free(store);
    private_redis_deinit(&redis);
    return 0;
}

static int flush(void **state)
{
    (void)state;
    private_redis_cli(&redis, "FLUSHALL");
    return 0;
}

#define cli(...) private_redis_cli(&redis, __VA_ARGS__)

static struct incident_state find(void)
{
    const struct span provider = P;
    struct incident_state state;
    struct err err;

    assert_int_equal(store_find_incidents(store, &provider, 1, NOW, &state, &err), STORE_OK);
    return state;
}

static bool change(const struct incident *before, const struct incident *after, const char *action)
{
    const struct provider_count count = { 60, 70, 50, 65, 45 };
    const struct incident_note note = { .action = action, .by = "mx:12", .count = &count };
    struct err err;
    bool done;

    assert_int_equal(store_change_incident(store, P, before, after, &note, NOW, &done, &err), STORE_OK);
    return done;
}

static struct incident opened(void)
{
    struct incident incident;

    incident_open(&settings, SIGN_DEAD, 60, NOW, &incident);
    assert_true(change(NULL, &incident, "open"));
    return incident;
}

static struct incident stepped(const struct incident *before, int percent)
{
    struct incident after = *before;

    after.percent = percent;
    after.step = before->step + 10;
    assert_true(change(before, &after, "step"));
    return after;
}

/* Whom no leader has looked at for an hour, and who has an end at all. The numbers are those of the policy
 * server: test_policy_providers. */
static void one_that_is_neglected(void **state)
{
    (void)state;
    opened();
    assert_false(find().neglected);
    cli("EXPIRE " INCIDENT(" 82860"));
    assert_false(find().neglected);
    cli("EXPIRE " INCIDENT(" 82800"));
    assert_true(find().open && find().neglected);
    cli("PERSIST " INCIDENT(""));
    assert_false(find().neglected);
    cli("DEL " INCIDENT(""));
    assert_false(find().neglected);
}

/* All that an incident is comes back, through each of its steps. */
static void a_whole_incident(void **state)
{
    struct incident incident = opened(), next;
    struct incident_state got = find();
    struct provider_list open = { .n = 0 };
    struct err err;

    (void)state;
    assert_true(got.open);
    assert_memory_equal(&got.incident, &incident, sizeof(incident));
    assert_string_equal(got.by, "mx:12");
    assert_true(got.hold.present);
    assert_int_equal(got.hold.since, incident.since);
    assert_int_equal(got.hold.sign, SIGN_DEAD);
    /* It is held for longer than the incident says: until the leader has looked. */
    assert_in_range(got.hold.until, incident.until + 60, incident.until + 600);
    assert_int_equal(store_list_open(store, &open, &err), STORE_OK);
    assert_int_equal(open.n, 1);
    assert_true(provider_list_has(&open, P));
    provider_list_free(&open);

    next = stepped(&incident, 1);
    got = find();
    assert_memory_equal(&got.incident, &next, sizeof(next));
    assert_false(got.hold.present);
    /* While a leader keeps it, it stays. */
    assert_in_range(atol(cli("TTL " INCIDENT(""))), 80000, 86400);
    cli("EXPIRE " INCIDENT(" 100"));
    assert_int_equal(store_keep_incident(store, P, &err), STORE_OK);
    assert_in_range(atol(cli("TTL " INCIDENT(""))), 80000, 86400);
    /* It is not over: held again. */
    incident = next;
    next.percent = 0;
    next.length *= 2;
    next.step += 10;
    next.until += 100;
    assert_true(change(&incident, &next, "hold"));
    assert_int_equal(find().hold.since, incident.since);
    got = find();
    assert_memory_equal(&got.incident, &next, sizeof(next));

    assert_true(change(&next, NULL, "over"));
    got = find();
    assert_false(got.open);
    assert_false(got.hold.present);
    assert_in_range(got.ended, NOW - 5, NOW);
    assert_int_not_equal(got.news[0], '\0');
    assert_int_equal(store_tell_incident(store, P, got.news, 1000, &err), STORE_OK);
    assert_string_equal(cli("EXISTS " INCIDENT("")), "0");
    assert_int_equal(store_drop_incident(store, P, NOW, &err), STORE_OK);
    assert_string_equal(cli("EXISTS leadgate:open"), "0");
}

/* Of two leaders at the same change one does it. */
static void each_change_once(void **state)
{
    struct incident incident = opened(), next = incident, other;

    (void)state;
    incident_open(&settings, SIGN_FAULTS, 99, NOW, &other);
    assert_false(change(NULL, &other, "open"));
    assert_int_equal(find().incident.sign, SIGN_DEAD);
    next = stepped(&incident, 1);
    assert_false(change(&incident, &next, "step"));
    assert_false(change(&incident, NULL, "over"));
    assert_int_equal(find().incident.percent, 1);
    assert_true(change(&next, NULL, "over"));
    assert_false(change(&next, NULL, "over"));
    assert_false(change(&next, &next, "hold"));
    assert_false(find().hold.present);
    /* It is over, though it has not been told: the next one can begin. */
    (void)opened();
    assert_true(find().open);
}

static void an_operators_hold_stays_his(void **state)
{
    struct incident incident, next;
    struct err err;

    (void)state;
    cli("SET " HOLD(" maintenance EX 3600"));
    assert_false(find().open);
    assert_true(find().hold.present);
    assert_int_equal(find().hold.since, 0);
    assert_in_range(find().hold.until, NOW + 3590, NOW + 3601);
    incident = opened();
    assert_string_equal(cli("GET " HOLD("")), "maintenance");
    next = stepped(&incident, 1);
    assert_string_equal(cli("GET " HOLD("")), "maintenance");
    incident = next;
    next.percent = 0;
    assert_true(change(&incident, &next, "hold"));
    assert_string_equal(cli("GET " HOLD("")), "maintenance");
    assert_in_range(find().hold.until, NOW + 3590, NOW + 3601);
    assert_true(change(&next, NULL, "over"));
    assert_string_equal(cli("GET " HOLD("")), "maintenance");
    assert_int_equal(store_drop_incident(store, P, NOW, &err), STORE_OK);
    assert_string_equal(cli("GET " HOLD("")), "maintenance");
}

/* Deleted is deleted: it does not come back by a change that was under way, and the rest of it goes. */
static void an_operator_deletes(void **state)
{
    struct incident incident = opened(), next = incident;
    struct err err;

    (void)state;
    next.percent = 1;
    cli("DEL " INCIDENT(""));
    assert_false(change(&incident, &next, "step"));
    assert_int_equal(store_keep_incident(store, P, &err), STORE_OK);
    assert_false(find().open);
    assert_true(find().hold.present);
    assert_int_equal(find().ended, 0);
    assert_int_equal(store_drop_incident(store, P, NOW, &err), STORE_OK);
    assert_false(find().hold.present);
    assert_in_range(find().ended, NOW - 5, NOW);
    assert_string_equal(cli("EXISTS leadgate:open"), "0");
    /* One that is there is not dropped, nor forgotten when it ended. */
    cli("SET provider:{big.example}:ended 1234");
    incident = opened();
    assert_int_equal(store_drop_incident(store, P, NOW, &err), STORE_OK);
    assert_true(find().hold.present);
    assert_true(find().open);
    assert_string_equal(cli("SMEMBERS leadgate:open"), "big.example");
    cli("DEL " INCIDENT(""));
    assert_int_equal(store_drop_incident(store, P, NOW, &err), STORE_OK);
    assert_int_equal(find().ended, 1234);
}

static void what_an_operator_writes(void **state)
{
    static const struct {
        const char *command;
        bool open, present;
        enum incident_sign sign;
    } rows[] = {
        { "PING", false, false, SIGN_NONE },
        { "SET " HOLD(" x"), false, true, SIGN_NONE },
        { "SETEX " HOLD(" 60 percent=20"), false, true, SIGN_NONE },
        { "SETEX " HOLD(" 60 incident=x,sign=dead"), false, true, SIGN_NONE },
        { "HSET " HOLD(" a b"), false, true, SIGN_NONE },
        { "LPUSH " HOLD(" a"), false, true, SIGN_NONE },
        { "HSET " INCIDENT(" sign dead"), true, false, SIGN_DEAD },
        { "HSET " INCIDENT(" sign soon since yesterday percent 999999999999"), false, false, SIGN_NONE },
        { "SET " INCIDENT(" x"), true, false, SIGN_NONE },
        { "SET provider:{big.example}:ended x", false, false, SIGN_NONE },
    };
    struct incident none = { .since = 0 }, next;
    struct incident_state got;

    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        cli("FLUSHALL");
        assert_int_not_equal(strncmp(cli(rows[i].command), "(error)", 7), 0);
        got = find();
        assert_int_equal(got.open, rows[i].open);
        assert_int_equal(got.hold.present, rows[i].present);
        assert_int_equal(got.open ? got.incident.sign : SIGN_NONE, rows[i].sign);
        assert_int_equal(got.ended, 0);
    }
    /* An incident of an operator's hand goes its way like any other. */
    cli("FLUSHALL");
    cli("HSET " INCIDENT(" sign faults"));
    got = find();
    assert_memory_equal(&got.incident.step, &none.step, sizeof(none.step));
    next = got.incident;
    next.percent = 1;
    assert_true(change(&got.incident, &next, "step"));
    assert_true(change(&next, NULL, "over"));
    /* One of another type is set aside. */
    cli("FLUSHALL");
    cli("SET " INCIDENT(" x"));
    (void)opened();
    assert_true(find().open);
    assert_string_equal(cli("GET " INCIDENT(":odd")), "x");
}

static void parses_holds(void **state)
{
    struct hold hold = { .until = 7 };

    (void)state;
    hold_parse(&hold, SPAN("incident=2026-11-25T02:10:00Z sign=faults percent=0 until=2026-11-25T03:10:00Z"));
    assert_true(hold.present);
    assert_int_equal(hold.sign, SIGN_FAULTS);
    assert_int_equal(hold.since, 1795572600);
    assert_int_equal(hold.until, 7);
    hold_parse(&hold, SPAN_NONE);
    assert_true(hold.present);
    assert_int_equal(hold.since, 0);
    hold_parse(&hold, SPAN("= == percent= percent sign= incident=  since=5x"));
    assert_true(hold.present);
    assert_int_equal(hold.since, 0);
}

/* Each change is in the stream once it has been told, with its numbers, in order. */
static void the_stream(void **state)
{
    struct incident incident = opened(), next;
    struct incident_state got = find();
    const char *entry;
    struct err err;

    (void)state;
    assert_string_equal(cli("EXISTS leadgate:incidents"), "0"); /* its leader died here */
    assert_int_equal(store_tell_incident(store, P, got.news, 1000, &err), STORE_OK);
    assert_int_equal(find().news[0], '\0');
    entry = cli("XRANGE leadgate:incidents - +");
    assert_non_null(strstr(entry, "provider big.example action open at 20"));
    assert_non_null(strstr(entry, "sign dead since 20"));
    assert_non_null(strstr(entry, "percent 0 until 20"));
    assert_non_null(strstr(entry, "by mx:12 leads 60 tries 70 faults 50 known 65 known-dead 45"));
    next = stepped(&incident, 1);
    got = find();
    /* Somebody tells it late, when there are newer ones: those stay. */
    incident = next;
    (void)stepped(&incident, 5);
    assert_int_equal(store_tell_incident(store, P, got.news, 1000, &err), STORE_OK);
    assert_non_null(strstr(find().news, "percent=5"));
    assert_int_equal(store_tell(store, P, "action=taken-back leads=12", 1000, &err), STORE_OK);
    assert_string_equal(cli("XLEN leadgate:incidents"), "3");
    assert_non_null(strstr(cli("XREVRANGE leadgate:incidents + - COUNT 1"),
                           "provider big.example action taken-back leads 12"));
    /* A key of another type is set aside. */
    cli("DEL leadgate:incidents");
    cli("SET leadgate:incidents x");
    assert_int_equal(store_tell(store, P, "action=x", 1000, &err), STORE_OK);
    assert_string_equal(cli("XLEN leadgate:incidents"), "1");
}

static void how_often_it_was_cleaned(void **state)
{
    struct incident incident = opened(), other = incident;
    struct err err;

    (void)state;
    assert_int_equal(find().cleaned, 0);
    assert_int_equal(store_note_cleaned(store, P, &incident, 1, &err), STORE_OK);
    assert_int_equal(find().cleaned, 1);
    other.since--;
    assert_int_equal(store_note_cleaned(store, P, &other, 2, &err), STORE_OK);
    assert_int_equal(find().cleaned, 1);
    (void)change(&incident, NULL, "over");
    (void)opened();
    assert_int_equal(find().cleaned, 0);
}

static bool takes_lead(const char *name, int64_t ms)
{
    struct err err;
    bool leads;

    assert_int_equal(store_take_lead(store, name, ms, &leads, &err), STORE_OK);
    return leads;
}

static void one_leads(void **state)
{
    const struct timespec moment = { .tv_nsec = 5000000 };
    struct err err;

    (void)state;
    assert_true(takes_lead("a:1", 60000));
    assert_true(takes_lead("a:1", 60000));
    assert_false(takes_lead("b:2", 60000));
    assert_in_range(atol(cli("PTTL leadgate:leader")), 50000, 60000);
    assert_int_equal(store_leave_lead(store, "b:2", &err), STORE_OK);
    assert_false(takes_lead("b:2", 60000));
    assert_int_equal(store_leave_lead(store, "a:1", &err), STORE_OK);
    assert_true(takes_lead("b:2", 60000));
    /* It has died: its time ends. */
    assert_true(takes_lead("b:2", 20));
    while (!takes_lead("a:1", 60000))
        nanosleep(&moment, NULL);
    assert_string_equal(cli("GET leadgate:leader"), "a:1");
    /* An operator wants nobody to lead. */
    cli("SET leadgate:leader nobody");
    assert_false(takes_lead("a:1", 60000));
    cli("DEL leadgate:leader");
    cli("HSET leadgate:leader a b");
    assert_false(takes_lead("a:1", 60000));
    assert_int_equal(store_leave_lead(store, "a:1", &err), STORE_OK);
}

static void lists_of_providers(void **state)
{
    struct provider_list list = { .n = 0 }, open = { .n = 0 };
    struct err err;

    (void)state;
    for (int i = 0; i < 200; i++)
        cli("ZADD leadgate:providers %d p%d.example", i, i);
    cli("ZADD leadgate:providers 300 %064d", 1); /* no name of ours */
    cli("HSET leadgate:shares p7.example/* 1 p7.example/news 1 shared.example/* 2 odd 3");
    assert_int_equal(store_list_providers(store, 150, &list, &err), STORE_OK);
    assert_int_equal(list.n, 50);
    assert_true(provider_list_has(&list, SPAN("p150.example")));
    assert_false(provider_list_has(&list, SPAN("p149.example")));
    cli("SADD leadgate:open p150.example other.example");
    assert_int_equal(store_list_open(store, &list, &err), STORE_OK);
    assert_int_equal(list.n, 51);
    assert_int_equal(store_list_shared(store, &list, &err), STORE_OK);
    assert_int_equal(list.n, 54);
    assert_true(provider_list_has(&list, SPAN("p7.example")));
    assert_int_equal(store_list_open(store, &open, &err), STORE_OK);
    assert_true(provider_list_add(&open, SPAN("new.example")));
    assert_true(provider_list_unite(&list, &open));
    assert_int_equal(list.n, 55);
    provider_list_free(&open);
    provider_list_free(&list);
    cli("DEL leadgate:providers");
    cli("SET leadgate:providers x");
    assert_int_equal(store_list_providers(store, 0, &list, &err), STORE_OK);
    assert_int_equal(list.n, 0);
    provider_list_free(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(one_that_is_neglected, flush),
        cmocka_unit_test_setup(a_whole_incident, flush),
        cmocka_unit_test_setup(each_change_once, flush),
        cmocka_unit_test_setup(an_operators_hold_stays_his, flush),
        cmocka_unit_test_setup(an_operator_deletes, flush),
        cmocka_unit_test_setup(what_an_operator_writes, flush),
        cmocka_unit_test(parses_holds),
        cmocka_unit_test_setup(the_stream, flush),
        cmocka_unit_test_setup(how_often_it_was_cleaned, flush),
        cmocka_unit_test_setup(one_leads, flush),
        cmocka_unit_test_setup(lists_of_providers, flush),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
