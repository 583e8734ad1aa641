/* SPDX-License-Identifier: BSD-2-Clause */
/* What Postfix is told: which requests are asked about at all, and every way that an answer can come out. */
#include "policy/policy_reply.h"

#include "leadgate/bounce.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "some_address.h"

#define UNTIL (1796083200 + 7 * 3600) /* 2026-12-01T07:00:00Z */

static char postmaster[] = "postmaster", abuse[] = "abuse";
static char *never_refuse[] = { postmaster, abuse };
static char temporary[] = "450 4.2.1 {lead} rests until {until} ({cause}, {kind})";
static char permanent[] = "550 5.1.1 {lead} is opted out until {until} ({cause}, {kind})";
static char unavailable[] = "451 4.3.0 not now, {lead}";

/* Of one stream, named here, unless a test makes more of it. */
static struct stream stream;

static struct settings settings_with(int enforce, int on_failure)
{
    stream = (struct stream){ .name = "news",
                              .enforce = enforce,
                              .causes = UINT32_MAX,
                              .reply_temporary = temporary,
                              .reply_permanent = permanent };
    return (struct settings){
        .fold_local_part = true,
        .policy = { .on_failure = on_failure,
                    .reply_unavailable = unavailable,
                    .never_refuse = { never_refuse, 2 } },
        .streams = { &stream, 1, enforce == ENFORCE_OFF },
    };
}

static struct policy_request request_for(const char *recipient)
{
    struct policy_request request = { .size = 1 };

    for (size_t i = 0; i < POLICY_ATTRIBUTES; i++)
        request.value[i] = SPAN_NONE;
    request.value[POLICY_REQUEST] = SPAN("smtpd_access_policy");
    request.value[POLICY_PROTOCOL_STATE] = SPAN("RCPT");
    request.value[POLICY_RECIPIENT] = span_of(recipient);
    return request;
}

static void test_needs_lookup(void **state)
{
    const struct {
        const char *request, *protocol_state, *recipient;
        int enforce;
        const char *lead; /* NULL: let pass without a question */
    } cases[] = {
        { "smtpd_access_policy", "RCPT", "Ann@Example.ORG", ENFORCE_ON, "ann@example.org" },
        { "smtpd_access_policy", "RCPT", "Ann@Example.ORG", ENFORCE_OBSERVE, "ann@example.org" },
        { "smtpd_access_policy", "RCPT", "Ann@Example.ORG", ENFORCE_OFF, NULL },
        { "smtpd_access_policy", "RCPT", "ann%example.org", ENFORCE_ON, "ann@example.org" },
        { "smtpd_access_policy", "RCPT",
          "\xc3\xbc@b\xc3\xbc"
          "cher.example",
          ENFORCE_ON, "\xc3\xbc@xn--bcher-kva.example" },
        { "smtpd_access_policy", "CONNECT", "ann@example.org", ENFORCE_ON, NULL },
        { "smtpd_access_policy", "DATA", "ann@example.org", ENFORCE_ON, NULL },
        { "smtpd_access_policy", "END-OF-MESSAGE", "ann@example.org", ENFORCE_ON, NULL },
        { "smtpd_access_policy", "", "ann@example.org", ENFORCE_ON, NULL },
        { "junk_policy", "RCPT", "ann@example.org", ENFORCE_ON, NULL },
        { "", "RCPT", "ann@example.org", ENFORCE_ON, NULL },
        { "smtpd_access_policy", "RCPT", "", ENFORCE_ON, NULL },
        { "smtpd_access_policy", "RCPT", "ann", ENFORCE_ON, NULL },
        { "smtpd_access_policy", "RCPT", "@example.org", ENFORCE_ON, NULL },
        { "smtpd_access_policy", "RCPT", "ann@", ENFORCE_ON, NULL },
        { "smtpd_access_policy", "RCPT", "postmaster@example.org", ENFORCE_ON, NULL },
        { "smtpd_access_policy", "RCPT", "PostMaster@example.org", ENFORCE_ON, NULL },
        { "smtpd_access_policy", "RCPT", "ABUSE@example.org", ENFORCE_ON, NULL },
        { "smtpd_access_policy", "RCPT", "abuse@example.org.", ENFORCE_ON, NULL },
        { "smtpd_access_policy", "RCPT", "abuser@example.org", ENFORCE_ON, "abuser@example.org" },
        { "smtpd_access_policy", "RCPT", "x.abuse@example.org", ENFORCE_ON, "x.abuse@example.org" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct settings settings = settings_with(cases[i].enforce, ON_FAILURE_ACCEPT);
        struct policy_request request = request_for(cases[i].recipient);
        struct address lead;
        bool asked;

        request.value[POLICY_REQUEST] = span_of(cases[i].request);
        request.value[POLICY_PROTOCOL_STATE] = span_of(cases[i].protocol_state);
        asked = policy_reply_needs_lookup(&settings, &request, &lead);
        if (asked != (cases[i].lead != NULL))
            print_error("case %zu: %s\n", i, cases[i].recipient);
        assert_int_equal(asked, cases[i].lead != NULL);
        if (asked)
            assert_string_equal(lead.text, cases[i].lead);
    }
}

/* The ways a lead can stand, for the table below. */
static const struct suppression clear = { .allowed = false };
static const struct suppression resting = {
    .optout = { .present = true, .kind = OPTOUT_TEMPORARY, .cause = CAUSE_MAILBOX_FULL, .until = UNTIL }
};
static const struct suppression dead = {
    .optout = { .present = true, .kind = OPTOUT_PERMANENT, .cause = CAUSE_USER_UNKNOWN }
};
static const struct suppression allowed = {
    .allowed = true, .optout = { .present = true, .kind = OPTOUT_PERMANENT, .cause = CAUSE_USER_UNKNOWN }
};
static const struct suppression unwilling = { .n_refusals = 1,
                                              .refusals = { { .stream = "*", .cause = CAUSE_COMPLAINT } } };
static const struct suppression unwilling_allowed = {
    .allowed = true, .n_refusals = 1, .refusals = { { .stream = "news", .cause = CAUSE_UNSUBSCRIBE } }
};
static const struct suppression unwilling_resting = {
    .optout = { .present = true, .kind = OPTOUT_TEMPORARY, .cause = CAUSE_MAILBOX_FULL, .until = UNTIL },
    .n_refusals = 1,
    .refusals = { { .stream = "news", .cause = CAUSE_UNSUBSCRIBE } }
};

static void test_replies(void **state)
{
    const char *const rests =
        "450 4.2.1 ann@example.org rests until 2026-12-01 (mailbox-full, temporary) " LEADGATE_MARKER;
    const char *const out = "550 5.1.1 ann@example.org is opted out until further notice "
                            "(user-unknown, permanent) " LEADGATE_MARKER;
    const char *const complained = "550 5.1.1 ann@example.org is opted out until further notice "
                                   "(complaint, permanent) " LEADGATE_MARKER;
    const char *const unsubscribed = "550 5.1.1 ann@example.org is opted out until further notice "
                                     "(unsubscribe, permanent) " LEADGATE_MARKER;
    const char *const not_now = "451 4.3.0 not now, ann@example.org " LEADGATE_MARKER;
    const struct {
        int enforce, on_failure;
        const struct suppression *found; /* NULL: Redis is away */
        enum policy_verdict verdict;
        enum cause cause;
        const char *action;
    } cases[] = {
        { ENFORCE_ON, ON_FAILURE_ACCEPT, &clear, POLICY_PASSED, CAUSE_NONE, "DUNNO" },
        { ENFORCE_ON, ON_FAILURE_ACCEPT, &resting, POLICY_REFUSED, CAUSE_MAILBOX_FULL, rests },
        { ENFORCE_ON, ON_FAILURE_ACCEPT, &dead, POLICY_REFUSED, CAUSE_USER_UNKNOWN, out },
        { ENFORCE_ON, ON_FAILURE_ACCEPT, &allowed, POLICY_PASSED, CAUSE_NONE, "DUNNO" },
        { ENFORCE_ON, ON_FAILURE_ACCEPT, &unwilling, POLICY_REFUSED, CAUSE_COMPLAINT, complained },
        { ENFORCE_ON, ON_FAILURE_ACCEPT, &unwilling_allowed, POLICY_REFUSED, CAUSE_UNSUBSCRIBE,
          unsubscribed },
        { ENFORCE_ON, ON_FAILURE_ACCEPT, &unwilling_resting, POLICY_REFUSED, CAUSE_UNSUBSCRIBE,
          unsubscribed },
        { ENFORCE_ON, ON_FAILURE_DEFER, &clear, POLICY_PASSED, CAUSE_NONE, "DUNNO" },
        { ENFORCE_OBSERVE, ON_FAILURE_ACCEPT, &clear, POLICY_PASSED, CAUSE_NONE, "DUNNO" },
        { ENFORCE_OBSERVE, ON_FAILURE_ACCEPT, &resting, POLICY_OBSERVED, CAUSE_MAILBOX_FULL, "DUNNO" },
        { ENFORCE_OBSERVE, ON_FAILURE_ACCEPT, &unwilling, POLICY_OBSERVED, CAUSE_COMPLAINT, "DUNNO" },
        { ENFORCE_OFF, ON_FAILURE_ACCEPT, &dead, POLICY_PASSED, CAUSE_NONE, "DUNNO" },
        { ENFORCE_ON, ON_FAILURE_ACCEPT, NULL, POLICY_PASSED, CAUSE_NONE, "DUNNO" },
        { ENFORCE_ON, ON_FAILURE_DEFER, NULL, POLICY_DEFERRED, CAUSE_NONE, not_now },
        { ENFORCE_OBSERVE, ON_FAILURE_DEFER, NULL, POLICY_PASSED, CAUSE_NONE, "DUNNO" },
        { ENFORCE_OFF, ON_FAILURE_DEFER, NULL, POLICY_PASSED, CAUSE_NONE, "DUNNO" },
    };
    const struct address lead = address_of("ann@example.org");

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct settings settings = settings_with(cases[i].enforce, cases[i].on_failure);
        struct policy_request request = request_for("ann@example.org");
        struct policy_reply reply;

        policy_reply_make(&reply, &settings, &request, &lead, cases[i].found == NULL ? STORE_DOWN : STORE_OK,
                          cases[i].found);
        if (strcmp(reply.action, cases[i].action) != 0)
            print_error("case %zu\n", i);
        assert_string_equal(reply.action, cases[i].action);
        assert_int_equal(reply.verdict, cases[i].verdict);
        assert_int_equal(reply.cause, cases[i].cause);
    }
}

/* The fields that the log line takes from the reply. */
static void test_kind_and_end(void **state)
{
    const struct settings settings = settings_with(ENFORCE_OBSERVE, ON_FAILURE_ACCEPT);
    const struct policy_request request = request_for("ann@example.org");
    const struct address lead = address_of("ann@example.org");
    struct policy_reply reply;

    (void)state;
    policy_reply_make(&reply, &settings, &request, &lead, STORE_OK, &resting);
    assert_int_equal(reply.kind, OPTOUT_TEMPORARY);
    assert_int_equal(reply.until, UNTIL);
    policy_reply_make(&reply, &settings, &request, &lead, STORE_OK, &unwilling_resting);
    assert_int_equal(reply.kind, OPTOUT_PERMANENT);
    assert_int_equal(reply.until, 0);
}

/* Whatever template, address or end: the marker is the last word, all is printable, and it fits. */
static void test_odd_texts(void **state)
{
    static char big[2000], local[400];
    const struct {
        const char *template;
        const char *lead;
        int64_t until;
        const char *want; /* NULL: only the invariants */
    } cases[] = {
        { "550 5.7.1", "a@d.example", UNTIL, "550 5.7.1 " LEADGATE_MARKER },
        { "550 5.7.1 {lead}{lead}", "a@d.example", UNTIL,
          "550 5.7.1 a@d.examplea@d.example " LEADGATE_MARKER },
        { "550 5.7.1 {", "a@d.example", UNTIL, "550 5.7.1 { " LEADGATE_MARKER },
        { "550 5.7.1 {stream}: {lead}", "a@d.example", UNTIL,
          "550 5.7.1 news: a@d.example " LEADGATE_MARKER },
        { "550 5.7.1 {leads} {} }{until", "a@d.example", UNTIL,
          "550 5.7.1 {leads} {} }{until " LEADGATE_MARKER },
        { "550 5.7.1 %s%n {kind} ", "a@d.example", UNTIL, "550 5.7.1 %s%n temporary " LEADGATE_MARKER },
        { "550 5.7.1 caf\xc3\xa9\n\x01 x", "a@d.example", UNTIL, "550 5.7.1 caf??? x " LEADGATE_MARKER },
        { "550 5.7.1 {lead}", "\xc3\xbc@d.example", UNTIL, "550 5.7.1 ?@d.example " LEADGATE_MARKER },
        { "550 5.7.1 {lead} {cause}", "{cause}@d.example", UNTIL,
          "550 5.7.1 %7Bcause%7D@d.example mailbox-full " LEADGATE_MARKER },
        { "550 5.7.1 {until}", "a@d.example", UNTIL - 7 * 3600, "550 5.7.1 2026-12-01 " LEADGATE_MARKER },
        { "550 5.7.1 {until}", "a@d.example", UNTIL - 7 * 3600 - 1, "550 5.7.1 2026-11-30 " LEADGATE_MARKER },
        { "550 5.7.1 {until}", "a@d.example", INT64_MAX, "550 5.7.1 further notice " LEADGATE_MARKER },
        { big, "a@d.example", UNTIL, NULL },
        { "550 5.7.1 {lead} {lead} {until}", local, UNTIL, NULL },
    };

    (void)state;
    memset(big, 'x', sizeof(big) - 1);
    memcpy(big, "550 5.7.1 ", 10);
    memset(local, 'l', sizeof(local) - 1);
    memcpy(local + sizeof(local) - 11, "@d.example", 10);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct settings settings = settings_with(ENFORCE_ON, ON_FAILURE_ACCEPT);
        struct policy_request request = request_for("ann@example.org");
        struct suppression found = resting;
        struct address lead = address_of(cases[i].lead);
        const size_t marker = strlen(" " LEADGATE_MARKER);
        char template[sizeof(big)];
        struct policy_reply reply;
        size_t n;

        snprintf(template, sizeof(template), "%s", cases[i].template);
        stream.reply_temporary = template;
        found.optout.until = cases[i].until;
        policy_reply_make(&reply, &settings, &request, &lead, STORE_OK, &found);
        n = strlen(reply.action);
        if (cases[i].want != NULL)
            assert_string_equal(reply.action, cases[i].want);
        assert_true(strlen("action=") + n <= 400);
        assert_memory_equal(reply.action, "550 5.7.1 ", 10);
        assert_string_equal(reply.action + n - marker, " " LEADGATE_MARKER);
        for (size_t j = 0; j < n; j++)
            assert_true(reply.action[j] >= ' ' && reply.action[j] <= '~');
    }
}

/* The attributes of the request choose the stream; its rules, its switch and its words decide. */
static void test_streams(void **state)
{
    static const char yaml[] =
        "policy: { on_failure: defer, reply: { permanent: 550 5.1.1 no } }\n"
        "streams:\n"
        "  - { name: sender, match: { sender: [ '@one.example' ] }, causes: [ hard ] }\n"
        "  - { name: login, match: { sasl_username: [ shop ] }, enforce: observe }\n"
        "  - { name: client, match: { client_address: [ 192.0.2.0/24 ] }, enforce: off }\n"
        "  - { name: context, match: { policy_context: [ bulk ] }, reply: { permanent: 550 5.1.9 gone } }\n"
        "  - { name: port, match: { server_port: [ 587 ] }, causes: [ none ] }\n"
        "  - { name: cert, match: { ccert_fingerprint: [ 'a0:1f' ] }, causes: [ will ] }\n"
        "  - { name: rest }\n";
    static const struct {
        enum policy_attribute attribute;
        const char *value;
        bool asked;
        enum policy_verdict of_dead, of_unwilling, of_unknown; /* unknown: Redis is away */
        const char *stream, *action;                           /* for a dead lead */
    } cases[] = {
        { POLICY_SENDER, "a@one.example", true, POLICY_REFUSED, POLICY_PASSED, POLICY_DEFERRED, "sender",
          "550 5.1.1 no " LEADGATE_MARKER },
        { POLICY_SASL_USERNAME, "shop", true, POLICY_OBSERVED, POLICY_OBSERVED, POLICY_PASSED, "login",
          "DUNNO" },
        { POLICY_CLIENT_ADDRESS, "192.0.2.9", false, POLICY_PASSED, POLICY_PASSED, POLICY_PASSED, "client",
          "DUNNO" },
        { POLICY_CONTEXT, "bulk", true, POLICY_REFUSED, POLICY_REFUSED, POLICY_DEFERRED, "context",
          "550 5.1.9 gone " LEADGATE_MARKER },
        { POLICY_SERVER_PORT, "587", true, POLICY_PASSED, POLICY_PASSED, POLICY_DEFERRED, "port", "DUNNO" },
        { POLICY_CCERT_FINGERPRINT, "A0:1F", true, POLICY_PASSED, POLICY_REFUSED, POLICY_DEFERRED, "cert",
          "DUNNO" },
        { POLICY_CCERT_PUBKEY_FINGERPRINT, "A0:1F", true, POLICY_PASSED, POLICY_REFUSED, POLICY_DEFERRED,
          "cert", "DUNNO" },
        { POLICY_QUEUE_ID, "587", true, POLICY_REFUSED, POLICY_REFUSED, POLICY_DEFERRED, "rest",
          "550 5.1.1 no " LEADGATE_MARKER },
    };
    const struct address lead = address_of("ann@example.org");
    char path[] = "/tmp/test_policy_reply_XXXXXX";
    struct settings *settings = NULL;
    struct err err = { "" };
    int fd = mkstemp(path);

    (void)state;
    assert_int_equal(write(fd, yaml, sizeof(yaml) - 1), sizeof(yaml) - 1);
    close(fd);
    if (settings_load(&settings, path, &err) < 0)
        fail_msg("%s", err.text);
    unlink(path);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct policy_request request = request_for("ann@example.org");
        struct policy_reply reply;
        struct address asked;

        request.value[cases[i].attribute] = span_of(cases[i].value);
        assert_int_equal(policy_reply_needs_lookup(settings, &request, &asked), cases[i].asked);
        policy_reply_make(&reply, settings, &request, &lead, STORE_OK, &unwilling);
        assert_int_equal(reply.verdict, cases[i].of_unwilling);
        policy_reply_make(&reply, settings, &request, &lead, STORE_DOWN, NULL);
        assert_int_equal(reply.verdict, cases[i].of_unknown);
        policy_reply_make(&reply, settings, &request, &lead, STORE_OK, &dead);
        assert_int_equal(reply.verdict, cases[i].of_dead);
        assert_string_equal(reply.stream->name, cases[i].stream);
        assert_string_equal(reply.action, cases[i].action);
        policy_reply_make(&reply, settings, &request, &lead, STORE_OK, &clear);
        assert_int_equal(reply.verdict, POLICY_PASSED);
        assert_null(reply.stream);
    }
    settings_free(settings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_needs_lookup), cmocka_unit_test(test_replies),
        cmocka_unit_test(test_kind_and_end), cmocka_unit_test(test_odd_texts),
        cmocka_unit_test(test_streams),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
