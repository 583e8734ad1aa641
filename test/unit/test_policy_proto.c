/* SPDX-License-Identifier: BSD-2-Clause */
/* The policy protocol: what Postfix sends, cut at every byte; what it never sends; each limit from both
 * sides. */
#include "policy/policy_proto.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* As Postfix 3.7 sends it, at RCPT TO. */
#define FROM_POSTFIX                                                                                         \
    "request=smtpd_access_policy\nprotocol_state=RCPT\nprotocol_name=ESMTP\nclient_address=192.0.2.7\n"      \
    "client_name=app.example.com\nclient_port=51480\nreverse_client_name=app.example.com\n"                  \
    "server_address=192.0.2.1\nserver_port=25\nhelo_name=app.example.com\nsender=news@example.com\n"         \
    "recipient=a\"b=c@example.org\nrecipient_count=0\nqueue_id=\ninstance=3716.6b0277b2.e75bb.0\nsize=0\n"   \
    "etrn_domain=\nstress=\nsasl_method=plain\nsasl_username=shop\nsasl_sender=\nccert_subject=\n"           \
    "ccert_issuer=\nccert_fingerprint=A0:1F\nccert_pubkey_fingerprint=B0:2E\nencryption_protocol=\n"         \
    "encryption_cipher=\nencryption_keysize=0\npolicy_context=bulk\n\n"

/* Feeds text up to `cut` first, then all of it: from a heap copy of just that size, so that a sanitizer sees
 * reads beyond it. The values in *out are copied to `values` while the input lives. */
struct outcome {
    enum policy_feed feed;
    const char *why;
    size_t size;
    char value[POLICY_ATTRIBUTES][64];
};

static struct outcome feed_cut(struct span text, size_t cut)
{
    char *input = malloc(text.n > 0 ? text.n : 1);
    struct policy_parser parser = { 0 };
    struct policy_request request;
    struct outcome got = { .why = NULL };

    assert_non_null(input);
    memcpy(input, text.p, text.n);
    got.feed = policy_feed(&parser, (struct span){ input, cut }, &request, &got.why);
    if (got.feed == POLICY_MORE && cut < text.n)
        got.feed = policy_feed(&parser, (struct span){ input, text.n }, &request, &got.why);
    if (got.feed == POLICY_DONE) {
        got.size = request.size;
        for (size_t i = 0; i < POLICY_ATTRIBUTES; i++)
            span_excerpt(got.value[i], sizeof(got.value[i]), request.value[i]);
    }
    free(input);
    return got;
}

static void test_every_split(void **state)
{
    const struct span text = SPAN(FROM_POSTFIX);

    (void)state;
    for (size_t cut = 0; cut <= text.n; cut++) {
        struct outcome got = feed_cut(text, cut);

        assert_int_equal(got.feed, POLICY_DONE);
        assert_int_equal(got.size, text.n);
        assert_string_equal(got.value[POLICY_REQUEST], "smtpd_access_policy");
        assert_string_equal(got.value[POLICY_PROTOCOL_STATE], "RCPT");
        assert_string_equal(got.value[POLICY_SENDER], "news@example.com");
        assert_string_equal(got.value[POLICY_RECIPIENT], "a\"b=c@example.org");
        assert_string_equal(got.value[POLICY_CLIENT_ADDRESS], "192.0.2.7");
        assert_string_equal(got.value[POLICY_QUEUE_ID], "");
        assert_string_equal(got.value[POLICY_INSTANCE], "3716.6b0277b2.e75bb.0");
        assert_string_equal(got.value[POLICY_SASL_USERNAME], "shop");
        assert_string_equal(got.value[POLICY_SERVER_PORT], "25");
        assert_string_equal(got.value[POLICY_CONTEXT], "bulk");
        assert_string_equal(got.value[POLICY_CCERT_FINGERPRINT], "A0:1F");
        assert_string_equal(got.value[POLICY_CCERT_PUBKEY_FINGERPRINT], "B0:2E");
    }
}

static void test_byte_by_byte(void **state)
{
    const struct span text = SPAN(FROM_POSTFIX);
    struct policy_parser parser = { 0 };
    struct policy_request request;
    const char *why;

    (void)state;
    for (size_t n = 0; n < text.n; n++)
        assert_int_equal(policy_feed(&parser, (struct span){ text.p, n }, &request, &why), POLICY_MORE);
    assert_int_equal(policy_feed(&parser, text, &request, &why), POLICY_DONE);
    assert_true(span_eq(request.value[POLICY_RECIPIENT], SPAN("a\"b=c@example.org")));
}

/* Each DONE takes one request and leaves the others, whole or not, to the next calls. */
static void test_several_in_one_buffer(void **state)
{
    struct span rest = SPAN("recipient=1@d\n\nrecipient=2@d\nsender=s\n\nrecipient=3@d\n\nrecip");
    const char *const want[] = { "1@d", "2@d", "3@d" };
    struct policy_parser parser = { 0 };
    struct policy_request request;
    const char *why;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(policy_feed(&parser, rest, &request, &why), POLICY_DONE);
        assert_true(span_eq(request.value[POLICY_RECIPIENT], span_of(want[i])));
        assert_int_equal(request.value[POLICY_SENDER].n, i == 1 ? 1 : 0);
        rest = (struct span){ rest.p + request.size, rest.n - request.size };
    }
    assert_int_equal(policy_feed(&parser, rest, &request, &why), POLICY_MORE);
}

static void test_lines(void **state)
{
    const struct {
        struct span text;
        enum policy_feed feed;
        const char *recipient; /* POLICY_DONE */
        const char *note;
    } cases[] = {
        { SPAN("sender=s\nrecipient=r\nrequest=x\n\n"), POLICY_DONE, "r", "any order" },
        { SPAN("future=1\nrecipient=r\nx-y.z=\n\n"), POLICY_DONE, "r", "unknown attributes" },
        { SPAN("recipient==a=b=\n\n"), POLICY_DONE, "=a=b=", "the first '=' splits" },
        { SPAN("recipient=\n\n"), POLICY_DONE, "", "empty value" },
        { SPAN("\n"), POLICY_DONE, "", "empty request" },
        { SPAN("recipient=first\nrecipient=second\n\n"), POLICY_DONE, "first", "of repeated ones the first" },
        { SPAN("recipient=\nrecipient=second\n\n"), POLICY_DONE, "", "also when it is empty" },
        { SPAN("Recipient=r\nrecipients=r\nrecipien=r\n\n"), POLICY_DONE, "", "names are exact" },
        { SPAN("recipient=\xc3\xbc@b\xc3\xbc.example\n\n"), POLICY_DONE, "\xc3\xbc@b\xc3\xbc.example",
          "UTF-8" },
        { SPAN("recipient=a\x01\x0b\x7f\xff@d\n\n"), POLICY_DONE, "a\x01\x0b\x7f\xff@d", "a client's bytes" },
        { SPAN("recipient=r\n"), POLICY_MORE, NULL, "the empty line is still to come" },
        { SPAN(""), POLICY_MORE, NULL, "nothing yet" },
        { SPAN("recipient=r\r\n\r\n"), POLICY_BAD, NULL, "CRLF" },
        { SPAN("recipient=a\rb\n\n"), POLICY_BAD, NULL, "CR" },
        { SPAN("recipient=a\0b\n\n"), POLICY_BAD, NULL, "NUL in a value" },
        { SPAN("recip\0ient=a\n\n"), POLICY_BAD, NULL, "NUL in a name" },
        { SPAN("recipient=r\nEHLO example.com\n\n"), POLICY_BAD, NULL, "no '='" },
        { SPAN("=r\n\n"), POLICY_BAD, NULL, "no name" },
        { SPAN("\x16\x03\x01\x02\0\x01\0\x01\xfc\x03"), POLICY_BAD, NULL, "binary without a line end" },
        { SPAN("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), POLICY_BAD, NULL, "another protocol" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (size_t cut = 0; cut <= cases[i].text.n; cut++) {
            struct outcome got = feed_cut(cases[i].text, cut);

            if (got.feed != cases[i].feed)
                print_error("%s, cut at %zu\n", cases[i].note, cut);
            assert_int_equal(got.feed, cases[i].feed);
            if (got.feed == POLICY_BAD)
                assert_non_null(got.why);
            if (got.feed == POLICY_DONE)
                assert_string_equal(got.value[POLICY_RECIPIENT], cases[i].recipient);
        }
    }
}

/* A bad byte that belongs to the next request does not spoil this one, which is to be answered first. */
static void test_bad_behind_good(void **state)
{
    const struct span text = SPAN("recipient=r\n\n\0\0");
    struct policy_parser parser = { 0 };
    struct policy_request request;
    const char *why;

    (void)state;
    assert_int_equal(policy_feed(&parser, text, &request, &why), POLICY_DONE);
    assert_int_equal(request.size, text.n - 2);
    assert_int_equal(policy_feed(&parser, (struct span){ text.p + text.n - 2, 2 }, &request, &why),
                     POLICY_BAD);
    assert_string_equal(why, "a NUL byte");
}

/* Builds `lines` lines of `line` bytes each and the empty one, feeds them whole and cut in the middle. */
static struct outcome feed_lines(size_t lines, size_t line)
{
    size_t n = lines * (line + 1) + 1;
    char *text = malloc(n);
    struct outcome whole, halves;

    assert_non_null(text);
    memset(text, 'x', n);
    for (size_t i = 0; i < lines; i++) {
        text[i * (line + 1) + 1] = '=';
        text[i * (line + 1) + line] = '\n';
    }
    text[n - 1] = '\n';
    whole = feed_cut((struct span){ text, n }, n);
    halves = feed_cut((struct span){ text, n }, n / 2);
    free(text);
    assert_int_equal(whole.feed, halves.feed);
    return whole;
}

static void test_limits(void **state)
{
    const struct {
        size_t lines, line;
        enum policy_feed feed;
        const char *why;
    } cases[] = {
        { 1, POLICY_LINE_MAX, POLICY_DONE, NULL },
        { 1, POLICY_LINE_MAX + 1, POLICY_BAD, "a line that is too long" },
        { POLICY_LINES_MAX, 20, POLICY_DONE, NULL },
        { POLICY_LINES_MAX + 1, 20, POLICY_BAD, "too many attributes" },
        { 5, (POLICY_REQUEST_MAX - 1 - 5) / 5, POLICY_DONE, NULL },
        { 5, (POLICY_REQUEST_MAX - 1) / 5, POLICY_BAD, "a request that is too long" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct outcome got = feed_lines(cases[i].lines, cases[i].line);

        assert_int_equal(got.feed, cases[i].feed);
        if (cases[i].why != NULL)
            assert_string_equal(got.why, cases[i].why);
    }
}

/* The limits hold for what never ends, too: a buffer of POLICY_REQUEST_MAX bytes is always enough. */
static void test_endless(void **state)
{
    static char text[POLICY_REQUEST_MAX];
    struct policy_parser parser = { 0 };
    struct policy_request request;
    const char *why;
    size_t n = 0;

    (void)state;
    memset(text, 'x', sizeof(text));
    while (policy_feed(&parser, (struct span){ text, n }, &request, &why) == POLICY_MORE)
        n++;
    assert_int_equal(n, POLICY_LINE_MAX + 1);

    for (size_t i = 0; i < sizeof(text); i += 2048)
        memcpy(text + i, i == 0 ? "a=" : "\nb=", i == 0 ? 2 : 3);
    parser = (struct policy_parser){ 0 };
    assert_int_equal(policy_feed(&parser, (struct span){ text, sizeof(text) - 1 }, &request, &why),
                     POLICY_MORE);
    assert_int_equal(policy_feed(&parser, (struct span){ text, sizeof(text) }, &request, &why), POLICY_BAD);
    assert_string_equal(why, "a request that is too long");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_split),
        cmocka_unit_test(test_byte_by_byte),
        cmocka_unit_test(test_several_in_one_buffer),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_bad_behind_good),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_endless),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
