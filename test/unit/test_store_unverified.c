/* SPDX-License-Identifier: BSD-2-Clause */
/* What is set aside, on a real Redis: it comes back as it was, there is an end to it, and what an operator
 * writes by hand breaks nothing. */
#include "leadgate/store_unverified.h"
#include "private_redis.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NOW INT64_C(1796083200)

static struct private_redis redis;
static struct store *store;

static int start(void **state)
{
    (void)state;
    private_redis_init(&redis);
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

static struct event event_of(const char *lead)
{
    struct address_rules rules = { .fold_local_part = false };
    struct event event = { .type = EVENT_BOUNCE,
                           .source = SOURCE_MILTER,
                           .cause = CAUSE_MAILBOX_FULL,
                           .at = NOW,
                           .sent = NOW - 3600,
                           .message = SPAN("m1@our.example"),
                           .status = SPAN("5.2.2"),
                           .evidence = SPAN("552 5.2.2 \xc3\xbc full"),
                           .stream = SPAN("news"),
                           .provider = SPAN("example.com"),
                           .token = SPAN_NONE,
                           .proof = "forged" };
    struct err err;

    assert_int_equal(address_parse(&event.lead, ADDRESS_INTERNAL, span_of(lead), &rules, &err), 0);
    return event;
}

static void set_aside(const struct event *events, size_t n)
{
    struct err err;

    if (store_set_aside(store, events, n, &err) == STORE_DOWN)
        fail_msg("%s", err.text);
}

/* Writes down the leads in the order in which they are told, up to `most`; drops them where drop says so. */
struct told {
    char leads[65536], last_id[64];
    size_t n, most, whole;
    bool drop;
};

static bool tell(void *ctx, const struct unverified *entry)
{
    struct told *told = ctx;
    struct err err;
    bool found;

    snprintf(told->leads + strlen(told->leads), sizeof(told->leads) - strlen(told->leads), "%.*s ",
             SPAN_FMT(entry->lead));
    assert_true(span_copy(told->last_id, sizeof(told->last_id), entry->id));
    told->whole += entry->whole;
    if (told->drop) {
        assert_int_equal(store_drop_unverified(store, entry->id, &found, &err), STORE_OK);
        assert_true(found);
    }
    return ++told->n != told->most;
}

static bool compare(void *ctx, const struct unverified *entry)
{
    const struct event *is = &entry->event, *was = ctx;

    assert_true(entry->whole);
    assert_string_equal(is->lead.text, was->lead.text);
    assert_int_equal(is->type, was->type);
    assert_int_equal(is->cause, was->cause);
    assert_int_equal(is->source, was->source);
    assert_int_equal(is->at, was->at);
    assert_int_equal(is->sent, was->sent);
    assert_true(span_eq(is->message, was->message));
    assert_true(span_eq(is->status, was->status));
    assert_true(span_eq(is->evidence, was->evidence));
    assert_true(span_eq(is->stream, was->stream));
    assert_true(span_eq(is->provider, was->provider));
    assert_true(span_eq(entry->reason, span_of(was->proof)));
    assert_false(is->unverified);
    return true;
}

static void comes_back_as_it_was(void **state)
{
    struct event events[] = { event_of("ann@example.com"),
                              event_of("Ann.O'Hara+x%7B@xn--bcher-kva.example") };
    struct told told = { .n = 0 };
    struct err err;
    bool found;

    (void)state;
    events[1].type = EVENT_COMPLAINT;
    events[1].cause = CAUSE_COMPLAINT;
    events[1].status = events[1].message = events[1].stream = events[1].provider = events[1].evidence =
        SPAN_NONE;
    events[1].sent = 0;
    for (int i = 0; i < 2; i++) {
        set_aside(&events[i], 1);
        assert_int_equal(store_each_unverified(store, false, compare, &events[i], &err), STORE_OK);
        assert_int_equal(store_each_unverified(store, true, tell, &told, &err), STORE_OK);
        assert_int_equal(
            store_find_unverified(store, span_of(told.last_id), compare, &events[i], &found, &err), STORE_OK);
        assert_true(found);
        private_redis_cli(&redis, "DEL leadgate:unverified");
    }
}

/* Page by page; also while they are taken out. */
static void both_ways(void **state)
{
    struct event events[500];
    struct err err;

    (void)state;
    for (int way = 0; way < 4; way++) {
        struct told told = { .drop = way >= 2 };
        char want[65536] = "";

        private_redis_cli(&redis, "FLUSHALL");
        for (int i = 0; i < 500; i++) {
            char lead[32];

            snprintf(lead, sizeof(lead), "l%d@x.example", i);
            events[i] = event_of(lead);
            snprintf(want + strlen(want), sizeof(want) - strlen(want), "l%d@x.example ",
                     way % 2 == 0 ? i : 499 - i);
        }
        set_aside(events, 500);
        assert_int_equal(store_each_unverified(store, way % 2 == 1, tell, &told, &err), STORE_OK);
        assert_string_equal(told.leads, want);
        assert_string_equal(private_redis_cli(&redis, "XLEN leadgate:unverified"), way >= 2 ? "0" : "500");
    }
}

static void stops_when_told(void **state)
{
    struct event events[] = { event_of("a@x.example"), event_of("b@x.example"), event_of("c@x.example") };
    struct told told = { .most = 2 };
    struct err err;

    (void)state;
    set_aside(events, 3);
    assert_int_equal(store_each_unverified(store, true, tell, &told, &err), STORE_OK);
    assert_string_equal(told.leads, "c@x.example b@x.example ");
}

/* Whoever forges millions fills no Redis. */
static void there_is_an_end(void **state)
{
    struct event events[500];

    (void)state;
    for (int i = 0; i < 500; i++)
        events[i] = event_of("ann@example.com");
    for (int i = 0; i < 10; i++)
        set_aside(events, 500);
    assert_in_range(atoi(private_redis_cli(&redis, "XLEN leadgate:unverified")), 1000, 1200);
}

static void names_of_no_entry(void **state)
{
    static const char *const ids[] = { "",    "-",   "+",     "1",    "1-",
                                       "0-1", "x-1", "1-1-1", "(1-1", "99999999999999999999-1" };
    struct event event = event_of("ann@example.com");
    struct told told = { .n = 0 };
    struct err err;
    bool found;

    (void)state;
    set_aside(&event, 1);
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        assert_int_equal(store_find_unverified(store, span_of(ids[i]), tell, &told, &found, &err), STORE_OK);
        assert_false(found);
        assert_int_equal(store_drop_unverified(store, span_of(ids[i]), &found, &err), STORE_OK);
        assert_false(found);
    }
    assert_int_equal(told.n, 0);
}

static void by_hand(void **state)
{
    static const char *const rows[] = {
        "XADD leadgate:unverified * note whatever",
        "XADD leadgate:unverified * lead broken@ type bounce cause mailbox-full at 2026-01-01T00:00:00Z",
        "XADD leadgate:unverified * lead a@x.example type flush at 2026-01-01T00:00:00Z",
        "XADD leadgate:unverified * lead b@x.example type bounce cause none at 2026-01-01T00:00:00Z",
        "XADD leadgate:unverified * lead c@x.example type bounce cause mailbox-full",
        "XADD leadgate:unverified * lead d@x.example type bounce cause mailbox-full at soon",
    };
    struct told told = { .n = 0 }, none = { .n = 0 };
    struct event event = event_of("ann@example.com");
    struct err err;
    bool found;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        private_redis_cli(&redis, rows[i]);
    assert_int_equal(store_each_unverified(store, true, tell, &told, &err), STORE_OK);
    assert_int_equal(told.n, 6);
    assert_int_equal(told.whole, 0);
    /* A key of another type: nothing is listed, and it is set aside when something comes. */
    private_redis_cli(&redis, "FLUSHALL");
    private_redis_cli(&redis, "SET leadgate:unverified x");
    assert_int_equal(store_each_unverified(store, true, tell, &none, &err), STORE_OK);
    assert_int_equal(store_find_unverified(store, SPAN("1-1"), tell, &none, &found, &err), STORE_OK);
    assert_int_equal(store_drop_unverified(store, SPAN("1-1"), &found, &err), STORE_OK);
    assert_int_equal(none.n, 0);
    set_aside(&event, 1);
    assert_string_equal(private_redis_cli(&redis, "GET leadgate:unverified:odd"), "x");
    assert_string_equal(private_redis_cli(&redis, "XLEN leadgate:unverified"), "1");
}

static void while_redis_takes_nothing(void **state)
{
    struct event event = event_of("ann@example.com");
    struct err err;

    (void)state;
    private_redis_cli(&redis, "CONFIG SET maxmemory 1");
    assert_int_equal(store_set_aside(store, &event, 1, &err), STORE_DOWN);
    assert_non_null(strstr(err.text, "OOM"));
    private_redis_cli(&redis, "CONFIG SET maxmemory 0");
    while (store_set_aside(store, &event, 1, &err) == STORE_DOWN)
        assert_non_null(strstr(err.text, "OOM")); /* until the back-off is over */
    assert_string_equal(private_redis_cli(&redis, "XLEN leadgate:unverified"), "1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(comes_back_as_it_was, forget_all),
        cmocka_unit_test_setup(both_ways, forget_all),
        cmocka_unit_test_setup(stops_when_told, forget_all),
        cmocka_unit_test_setup(there_is_an_end, forget_all),
        cmocka_unit_test_setup(names_of_no_entry, forget_all),
        cmocka_unit_test_setup(by_hand, forget_all),
        cmocka_unit_test_setup(while_redis_takes_nothing, forget_all),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
