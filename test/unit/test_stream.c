/* SPDX-License-Identifier: BSD-2-Clause */
/* Which stream a mail is in, for each condition from both sides; and what of all that can stand against a
 * recipient counts there. */
#include "leadgate/settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define UNTIL 1800000000

static struct settings *load(const char *text)
{
    char path[] = "/tmp/test_stream_XXXXXX";
    struct settings *settings = NULL;
    struct err err = { "" };
    int fd = mkstemp(path);

    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    if (settings_load(&settings, path, &err) < 0)
        fail_msg("%s\n%s", text, err.text);
    unlink(path);
    return settings;
}

/* Of two streams, `it` with the conditions given, and the rest. */
static struct settings *load_match(const char *match)
{
    char text[600];

    snprintf(text, sizeof(text),
             "address: { default_domain: origin.example }\n"
             "streams: [ { name: it, match: { %s } }, { name: rest } ]\n",
             match);
    return load(text);
}

struct row {
    const char *match;
    struct stream_request request;
    bool holds;
};

static void check_matches(const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct settings *settings = load_match(rows[i].match);
        const char *want = rows[i].holds ? "it" : "rest";
        struct stream_request request = rows[i].request;

        request.sender_form = request.sender_form == 0 ? ADDRESS_INTERNAL : request.sender_form;
        if (strcmp(stream_find(settings, &request)->name, want) != 0)
            fail_msg("row %zu: %s is not %s", i, rows[i].match, want);
        settings_free(settings);
    }
}

#define CHECK_MATCHES(rows) check_matches(rows, sizeof(rows) / sizeof((rows)[0]))

#define FROM(text)                                                                                           \
    {                                                                                                        \
        .sender = { text, sizeof(text) - 1 }                                                                 \
    }
#define PATH(text)                                                                                           \
    {                                                                                                        \
        .sender = { text, sizeof(text) - 1 }, .sender_form = ADDRESS_MAILBOX                                 \
    }
#define LOGIN(text)                                                                                          \
    {                                                                                                        \
        .sasl_username = { text, sizeof(text) - 1 }                                                          \
    }
#define CLIENT(text)                                                                                         \
    {                                                                                                        \
        .client_address = { text, sizeof(text) - 1 }                                                         \
    }
#define PORT(text)                                                                                           \
    {                                                                                                        \
        .server_port = { text, sizeof(text) - 1 }                                                            \
    }
#define CONTEXT(text)                                                                                        \
    {                                                                                                        \
        .policy_context = { text, sizeof(text) - 1 }                                                         \
    }
#define CERT(text)                                                                                           \
    {                                                                                                        \
        .ccert_fingerprint = { text, sizeof(text) - 1 }                                                      \
    }
#define KEY(text)                                                                                            \
    {                                                                                                        \
        .ccert_pubkey_fingerprint = { text, sizeof(text) - 1 }                                               \
    }

/* Read as leads are: whatever Postfix would take for the same sender is the same sender. */
static void test_sender(void **state)
{
    static const struct row rows[] = {
        { "sender: [ news@a.example ]", FROM("news@a.example"), true },
        { "sender: [ News@A.Example. ]", FROM("NEWS@a.EXAMPLE"), true },
        { "sender: [ news@a.example ]", FROM("news%a.example"), true },
        { "sender: [ news@a.example ]", FROM("news+c42@a.example"), true },
        { "sender: [ news+c42@a.example ]", FROM("news+c42@a.example"), true },
        { "sender: [ news+c42@a.example ]", FROM("news@a.example"), false },
        { "sender: [ news@a.example ]", FROM("newsletter@a.example"), false },
        { "sender: [ news@a.example ]", FROM("news@b.a.example"), false },
        { "sender: [ a.example ]", FROM("anyone@a.example"), true },
        { "sender: [ '@a.example' ]", FROM("anyone@A.example."), true },
        { "sender: [ a.example ]", FROM("anyone@b.a.example"), false },
        { "sender: [ a.example ]", FROM("anyone@ba.example"), false },
        { "sender: [ b\xc3\xbc"
          "cher.example ]",
          FROM("x@xn--bcher-kva.example"), true },
        { "sender: [ xn--bcher-kva.example ]",
          FROM("x@b\xc3\xbc"
               "cher.example"),
          true },
        { "sender: [ origin.example ]", FROM("cron"), true },
        { "sender: [ a.example, b.example ]", FROM("x@b.example"), true },
        { "sender: [ a.example ]", PATH("<x@a.example>"), true },
        { "sender: [ a.example ]", PATH("\"x y\"@a.example"), true },
        { "sender: [ '<>' ]", FROM(""), true },
        { "sender: [ '<>' ]", PATH("<>"), true },
        { "sender: [ '<>' ]", FROM("x@a.example"), false },
        { "sender: [ a.example, '<>' ]", FROM("x@a.example"), true },
        { "sender: [ a.example, origin.example ]", FROM(""), false },
        { "sender: [ a.example ]", FROM("x@"), false },
        { "sender: [ a.example ]", FROM("x@a.example b"), false },
    };

    (void)state;
    CHECK_MATCHES(rows);
}

static void test_client(void **state)
{
    static const struct row rows[] = {
        { "client_address: [ 192.0.2.7 ]", CLIENT("192.0.2.7"), true },
        { "client_address: [ 192.0.2.7 ]", CLIENT("192.0.2.8"), false },
        { "client_address: [ 192.0.2.0/24 ]", CLIENT("192.0.2.0"), true },
        { "client_address: [ 192.0.2.0/24 ]", CLIENT("192.0.2.255"), true },
        { "client_address: [ 192.0.2.0/24 ]", CLIENT("192.0.3.0"), false },
        { "client_address: [ 192.0.2.128/25 ]", CLIENT("192.0.2.128"), true },
        { "client_address: [ 192.0.2.128/25 ]", CLIENT("192.0.2.127"), false },
        { "client_address: [ 192.0.2.6/31 ]", CLIENT("192.0.2.7"), true },
        { "client_address: [ 192.0.2.6/31 ]", CLIENT("192.0.2.8"), false },
        { "client_address: [ 172.16.0.0/12 ]", CLIENT("172.31.255.255"), true },
        { "client_address: [ 172.16.0.0/12 ]", CLIENT("172.32.0.0"), false },
        { "client_address: [ 0.0.0.0/0 ]", CLIENT("203.0.113.9"), true },
        { "client_address: [ 0.0.0.0/0 ]", CLIENT("2001:db8::1"), false },
        { "client_address: [ '::/0' ]", CLIENT("203.0.113.9"), false },
        { "client_address: [ '2001:db8::/32' ]", CLIENT("2001:DB8:ffff::1"), true },
        { "client_address: [ '2001:db8::/32' ]", CLIENT("2001:db9::1"), false },
        { "client_address: [ '2001:db8:8000::/33' ]", CLIENT("2001:db8:7fff::1"), false },
        { "client_address: [ '2001:db8:8000::/33' ]", CLIENT("2001:db8:8000::1"), true },
        { "client_address: [ '2001:db8::7' ]", CLIENT("2001:db8:0:0:0:0:0:7"), true },
        { "client_address: [ 'fe80::/10' ]", CLIENT("fe80::1%eth0"), true },
        { "client_address: [ 10.0.0.1, 127.0.0.1 ]", CLIENT("127.0.0.1"), true },
        { "client_address: [ 0.0.0.0/0, '::/0' ]", CLIENT("unknown"), false },
        { "client_address: [ 0.0.0.0/0, '::/0' ]", CLIENT(""), false },
    };

    (void)state;
    CHECK_MATCHES(rows);
}

static void test_other_conditions(void **state)
{
    static const struct row rows[] = {
        { "sasl_username: [ shop, erp ]", LOGIN("erp"), true },
        { "sasl_username: [ shop ]", LOGIN("Shop"), false }, /* logins are not for us to fold */
        { "sasl_username: [ shop ]", LOGIN(""), false },
        { "policy_context: [ bulk ]", CONTEXT("bulk"), true },
        { "policy_context: [ bulk ]", CONTEXT("bulk2"), false },
        { "server_port: [ 25, 587 ]", PORT("587"), true },
        { "server_port: [ 25, 587 ]", PORT("5870"), false },
        { "ccert_fingerprint: [ 'ab:01' ]", CERT("AB:01"), true },
        { "ccert_fingerprint: [ 'AB:01' ]", KEY("ab:01"), true },
        { "ccert_fingerprint: [ 'AB:01' ]", KEY("AB:02"), false },
        { "ccert_fingerprint: [ 'AB:01' ]", CERT(""), false },
        /* Of a list any, of the conditions all. */
        { "sasl_username: [ x, shop ], server_port: [ 25, 587 ], policy_context: []",
          { .sasl_username = { "shop", 4 }, .server_port = { "25", 2 } },
          true },
        { "sasl_username: [ x, shop ], server_port: [ 25, 587 ]",
          { .sasl_username = { "shop", 4 }, .server_port = { "26", 2 } },
          false },
        { "sasl_username: [ shop ], sender: [ a.example ], client_address: [ 10.0.0.0/8 ]",
          { .sasl_username = { "shop", 4 },
            .sender = { "x@a.example", 11 },
            .client_address = { "10.9.9.9", 8 } },
          true },
        { "sasl_username: [ shop ], sender: [ a.example ], client_address: [ 10.0.0.0/8 ]",
          { .sasl_username = { "shop", 4 },
            .sender = { "x@b.example", 11 },
            .client_address = { "10.9.9.9", 8 } },
          false },
    };

    (void)state;
    CHECK_MATCHES(rows);
}

static void test_first_match_wins(void **state)
{
    struct settings *settings = load("streams:\n"
                                     "  - { name: one, match: { sender: [ x@a.example ] } }\n"
                                     "  - { name: two, match: { sender: [ a.example ] } }\n"
                                     "  - { name: three, match: { server_port: [ 25 ] } }\n"
                                     "  - { name: four }\n");
    static const struct {
        struct stream_request request;
        const char *want;
    } rows[] = {
        { { .sender = { "x@a.example", 11 }, .server_port = { "25", 2 } }, "one" },
        { { .sender = { "y@a.example", 11 }, .server_port = { "25", 2 } }, "two" },
        { { .sender = { "y@b.example", 11 }, .server_port = { "25", 2 } }, "three" },
        { { .sender = { "y@b.example", 11 }, .server_port = { "26", 2 } }, "four" },
        { { .sender = { NULL, 0 } }, "four" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct stream_request request = rows[i].request;

        request.sender_form = ADDRESS_INTERNAL;
        assert_string_equal(stream_find(settings, &request)->name, rows[i].want);
    }
    settings_free(settings);
}

static void test_inheritance(void **state)
{
    static const char text[] =
        "policy: { enforce: observe, reply: { temporary: 450 4.1.1 wait, permanent: 550 5.1.1 no } }\n"
        "streams:\n"
        "  - { name: own, match: { server_port: [ 25 ] }, enforce: off, reply: { temporary: 451 4.2.2 own } "
        "}\n"
        "  - { name: rest }\n";
    struct settings *settings = load(text);
    const struct stream *own = &settings->streams.item[0], *rest = &settings->streams.item[1];

    (void)state;
    assert_int_equal(own->enforce, ENFORCE_OFF);
    assert_string_equal(own->reply_temporary, "451 4.2.2 own");
    assert_string_equal(own->reply_permanent, "550 5.1.1 no");
    assert_int_equal(rest->enforce, ENFORCE_OBSERVE);
    assert_string_equal(rest->reply_temporary, "450 4.1.1 wait");
    assert_true(settings->streams.some_off);
    settings_free(settings);
}

/* Each cause, and the groups that cover it; `all` covers each, and manual is always covered but by `none`. */
static void test_cause_groups(void **state)
{
    static const char *const groups[] = { "all",    "none",    "hard",      "soft", "lead",
                                          "sender", "message", "transient", "will" };
    static const struct {
        enum cause cause;
        const char *groups; /* but `all` */
    } rows[] = {
        { CAUSE_USER_UNKNOWN, "hard lead" },
        { CAUSE_RECIPIENT_MOVED, "hard lead" },
        { CAUSE_MAILBOX_FULL, "soft lead" },
        { CAUSE_SPAM_BLOCK, "soft sender" },
        { CAUSE_CONTENT_ERROR, "soft message" },
        { CAUSE_EXPIRED, "soft transient" },
        { CAUSE_COMPLAINT, "will" },
        { CAUSE_UNSUBSCRIBE, "will" },
        { CAUSE_SCORE, "lead" },
        { CAUSE_INACTIVE, "lead" },
        { CAUSE_SUPPRESSED, "" },
        { CAUSE_MANUAL, "hard soft lead sender message transient will" },
    };
    char text[100];

    (void)state;
    for (size_t g = 0; g < sizeof(groups) / sizeof(groups[0]); g++) {
        struct settings *settings;

        snprintf(text, sizeof(text), "streams: [ { name: a, causes: [ %s ] } ]\n", groups[g]);
        settings = load(text);
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
            bool want = g == 0 || strstr(rows[i].groups, groups[g]) != NULL;
            bool got = (settings->streams.item[0].causes & UINT32_C(1) << rows[i].cause) != 0;

            if (want != got)
                fail_msg("%s covers %s: %d", groups[g], cause_name(rows[i].cause), got);
        }
        settings_free(settings);
    }
}

static struct suppression refused(const char *stream, enum cause cause)
{
    struct suppression found = { .n_refusals = 1, .refusals = { { .cause = cause } } };

    assert_true(span_copy(found.refusals[0].stream, sizeof(found.refusals[0].stream), span_of(stream)));
    return found;
}

static struct suppression opted_out(enum cause cause, bool allowed)
{
    return (struct suppression){
        .allowed = allowed,
        .optout = { .present = true, .kind = OPTOUT_TEMPORARY, .cause = cause, .until = UNTIL }
    };
}

/* One stream by name, with a recipient against whom one thing stands. */
static void test_judge(void **state)
{
    static const char text[] =
        "streams:\n"
        "  - { name: invoices, match: { server_port: [ 1 ] }, causes: [ hard ] }\n"
        "  - { name: news, match: { server_port: [ 2 ] } }\n"
        "  - { name: offers, match: { server_port: [ 3 ] }, refusals_of: [ news ] }\n"
        "  - { name: digest, match: { server_port: [ 4 ] }, causes: [ complaint, expired ] }\n"
        "  - { name: open, match: { server_port: [ 5 ] }, causes: [ none ] }\n"
        "  - { name: rest }\n";
    const struct {
        struct suppression found;
        const char *held; /* the streams that refuse her, of those above */
    } rows[] = {
        { { .allowed = false }, "" },
        { opted_out(CAUSE_USER_UNKNOWN, false), "invoices news offers rest" },
        { opted_out(CAUSE_USER_UNKNOWN, true), "" },
        { opted_out(CAUSE_MAILBOX_FULL, false), "news offers rest" },
        { opted_out(CAUSE_EXPIRED, false), "news offers digest rest" },
        { opted_out(CAUSE_MANUAL, false), "invoices news offers digest rest" },
        { opted_out(CAUSE_MANUAL, true), "" },
        { refused("*", CAUSE_COMPLAINT), "news offers digest rest" },
        { refused("*", CAUSE_UNSUBSCRIBE), "news offers rest" },
        { refused("*", CAUSE_MANUAL), "invoices news offers digest rest" },
        { refused("news", CAUSE_COMPLAINT), "news offers" },
        { refused("news", CAUSE_MANUAL), "news offers" },
        { refused("offers", CAUSE_COMPLAINT), "offers" },
        { refused("digest", CAUSE_COMPLAINT), "digest" },
        { refused("digest", CAUSE_UNSUBSCRIBE), "" },
        { refused("invoices", CAUSE_UNSUBSCRIBE), "" },
        { refused("invoices", CAUSE_MANUAL), "invoices" },
        { refused("no-such-stream", CAUSE_COMPLAINT), "news offers digest rest" },
    };
    struct settings *settings = load(text);

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (size_t s = 0; s < settings->streams.n; s++) {
            const struct stream *stream = &settings->streams.item[s];
            struct ruling ruling = stream_judge(stream, &rows[i].found);

            if (ruling.holds != (strstr(rows[i].held, stream->name) != NULL))
                fail_msg("row %zu, %s: %d", i, stream->name, ruling.holds);
        }
    }
    settings_free(settings);
}

/* Without streams all that stands there counts. */
static void test_default_stream(void **state)
{
    const struct suppression holding[] = { opted_out(CAUSE_SUPPRESSED, false),
                                           refused("news", CAUSE_COMPLAINT), refused("*", CAUSE_MANUAL) };
    struct stream_request request = { .sender_form = ADDRESS_INTERNAL };
    struct settings *settings = settings_new();
    const struct stream *stream = stream_find(settings, &request);
    struct suppression clear = opted_out(CAUSE_USER_UNKNOWN, true);

    (void)state;
    assert_string_equal(stream->name, "default");
    assert_int_equal(stream->enforce, ENFORCE_ON);
    for (size_t i = 0; i < sizeof(holding) / sizeof(holding[0]); i++)
        assert_true(stream_judge(stream, &holding[i]).holds);
    assert_false(stream_judge(stream, &clear).holds);
    settings_free(settings);
}

/* The recipient's will is the reason that is given, where it counts; else her health. */
static void test_will_goes_first(void **state)
{
    struct settings *settings = load("streams: [ { name: a, causes: [ lead, complaint ] } ]\n");
    const struct stream *stream = &settings->streams.item[0];
    struct suppression found = refused("a", CAUSE_COMPLAINT);
    struct ruling ruling;

    (void)state;
    found.optout = opted_out(CAUSE_MAILBOX_FULL, false).optout;
    ruling = stream_judge(stream, &found);
    assert_int_equal(ruling.cause, CAUSE_COMPLAINT);
    assert_int_equal(ruling.kind, OPTOUT_PERMANENT);
    assert_int_equal(ruling.until, 0);
    found.refusals[0].cause = CAUSE_UNSUBSCRIBE;
    ruling = stream_judge(stream, &found);
    assert_int_equal(ruling.cause, CAUSE_MAILBOX_FULL);
    assert_int_equal(ruling.kind, OPTOUT_TEMPORARY);
    assert_int_equal(ruling.until, UNTIL);
    /* Any of several will do. */
    found.n_refusals = 2;
    found.refusals[1] = refused("*", CAUSE_COMPLAINT).refusals[0];
    found.allowed = true;
    assert_int_equal(stream_judge(stream, &found).cause, CAUSE_COMPLAINT);
    settings_free(settings);
}

/* Of which stream a mail was that came back: by its List-Id, by its sender, or nobody knows. */
static void test_returned(void **state)
{
    static const char text[] =
        "streams:\n"
        "  - name: shop\n"
        "    match: { sender: [ shop.example ], sasl_username: [ shop ] }\n"
        "    list_ids: [ '<Receipts.Shop.Example>' ]\n"
        "  - { name: port, match: { server_port: [ 25 ] }, list_ids: [ letters.shop.example, a.b ] }\n"
        "  - { name: news, match: { sender: [ news@shop.example, '<>' ] } }\n"
        "  - { name: offers, match: { sender: [ shop.example ] }, list_ids: [ letters.shop.example ] }\n"
        "  - { name: rest, list_ids: [ rest.shop.example ] }\n";
    static const struct {
        const char *sender, *list_id, *want; /* "" = every stream */
    } rows[] = {
        { "", "", "" },
        { "", "<receipts.shop.example>", "shop" },
        { "", "RECEIPTS.shop.example", "shop" },
        { "", "Your \"<receipts>\" <receipts.shop.EXAMPLE> ", "shop" },
        { "", " < receipts.shop.example >", "shop" },
        { "", "<receipts.shop.example", "shop" },
        { "", "<other.shop.example>", "" },
        { "", "<x.receipts.shop.example>", "" },
        { "", "<>", "" },
        { "", "letters.shop.example", "port" }, /* the first */
        { "", "<rest.shop.example>", "rest" },
        /* The sender is asked when the List-Id says nothing, and only where he is all that is asked for. */
        { "news@shop.example", "", "news" },
        { "<News+c4@Shop.Example.>", "", "news" },
        { "someone@shop.example", "<other.shop.example>", "offers" },
        { "\"some one\"@shop.example", "", "offers" },
        { "news@shop.example", "a.b", "port" },
        { "news@elsewhere.example", "", "" },
        { "no address", "", "" },
        { "<>", "", "news" },
    };
    struct settings *settings = load(text), *none = settings_new();

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct span sender = span_of(rows[i].sender), list_id = span_of(rows[i].list_id);
        struct span got = stream_of_returned(settings, sender, list_id);

        if (!span_eq(got, span_of(rows[i].want)))
            fail_msg("%s %s: %.*s", rows[i].sender, rows[i].list_id, SPAN_FMT(got));
        assert_int_equal(stream_of_returned(none, sender, list_id).n, 0);
    }
    settings_free(none);
    settings_free(settings);
}

/* What is the recipient's will is about the stream; a bounce is about the address. */
static void test_events_name_their_stream(void **state)
{
    static const struct {
        enum mail_kind kind;
        enum cause cause;
        const char *want;
    } rows[] = {
        { MAIL_COMPLAINT, CAUSE_COMPLAINT, "news" },
        { MAIL_COMPLAINT, CAUSE_UNSUBSCRIBE, "news" },
        { MAIL_COMPLAINT, CAUSE_NONE, "news" }, /* not-spam */
        { MAIL_FAILURE, CAUSE_USER_UNKNOWN, "" },
    };
    struct settings *settings = load("streams: [ { name: news, list_ids: [ n.example ] } ]\n");

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct finding finding = { .cause = rows[i].cause, .lead = { "a@b.example", 11, 1 } };
        struct report report = {
            .kind = rows[i].kind, .findings = &finding, .n = 1, .at = 5, .list_id = "News <n.example>"
        };
        struct event event;

        settings_report_event(settings, &report, 0, SOURCE_MILTER, 10, &event);
        assert_true(span_eq(event.stream, span_of(rows[i].want)));
        assert_int_equal(event.source, SOURCE_MILTER);
        assert_int_equal(event.at, 5);
    }
    settings_free(settings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sender),
        cmocka_unit_test(test_client),
        cmocka_unit_test(test_other_conditions),
        cmocka_unit_test(test_first_match_wins),
        cmocka_unit_test(test_inheritance),
        cmocka_unit_test(test_cause_groups),
        cmocka_unit_test(test_judge),
        cmocka_unit_test(test_returned),
        cmocka_unit_test(test_events_name_their_stream),
        cmocka_unit_test(test_default_stream),
        cmocka_unit_test(test_will_goes_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
