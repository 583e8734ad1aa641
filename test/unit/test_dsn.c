/* SPDX-License-Identifier: BSD-2-Clause */
/* Delivery status fields: groups as RFC 3464 has them, and as they arrive. */
#include "bounce/dsn.h"
#include "bounce/fields.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Shows the groups as `[original|final|action|status]...`. */
static void show(char *dst, size_t size, struct span text)
{
    struct dsn_reader reader;
    struct dsn_message message;
    struct dsn_recipient group;
    size_t n = 0;

    dst[0] = '\0';
    dsn_start(&reader, text, &message);
    while (dsn_next(&reader, &group) && n < size)
        n += (size_t)snprintf(dst + n, size - n, "[%.*s|%.*s|%.*s|%.*s]", SPAN_FMT(group.original),
                              SPAN_FMT(group.final), SPAN_FMT(group.action), SPAN_FMT(group.status));
}

static const struct {
    const char *why, *text, *groups;
} cases[] = {
    { "as RFC 3464 has it",
      "Reporting-MTA: dns; m\n\nOriginal-Recipient: o1\nFinal-Recipient: f1\nAction: failed\nStatus: "
      "5.1.1\n\n"
      "Final-Recipient: f2\nAction: delayed\nStatus: 4.2.2\n",
      "[o1|f1|failed|5.1.1][|f2|delayed|4.2.2]" },
    { "Final-Recipient first (Postfix)",
      "Reporting-MTA: dns; m\n\nFinal-Recipient: f1\nOriginal-Recipient: o1\nAction: failed\nStatus: "
      "5.1.1\n\n"
      "Final-Recipient: f2\nOriginal-Recipient: o2\nAction: failed\nStatus: 5.1.1\n",
      "[o1|f1|failed|5.1.1][o2|f2|failed|5.1.1]" },
    { "no empty line at all",
      "Reporting-MTA: dns; m\nFinal-Recipient: f1\nOriginal-Recipient: o1\nAction: failed\nStatus: 5.1.1\n"
      "Final-Recipient: f2\nOriginal-Recipient: o2\nAction: failed\nStatus: 5.2.2\n",
      "[o1|f1|failed|5.1.1][o2|f2|failed|5.2.2]" },
    { "no empty line, and only the second group has an Original-Recipient",
      "Final-Recipient: f1\nAction: failed\nOriginal-Recipient: o2\nFinal-Recipient: f2\nAction: failed\n",
      "[|f1|failed|][o2|f2|failed|]" },
    { "every line end doubled",
      "Reporting-MTA: dns; m\n\nFinal-Recipient: f1\n\nAction: failed\n\nStatus: 5.1.1\n\nFinal-Recipient: "
      "f2\n\n"
      "Action: failed\n\nStatus: 5.2.2\n",
      "[|f1|failed|5.1.1][|f2|failed|5.2.2]" },
    { "no fields about the message", "Final-Recipient: f1\nAction: failed\n", "[|f1|failed|]" },
    { "Action before the recipient", "Action: failed\nStatus: 5.1.1\nFinal-Recipient: f1\n",
      "[|f1|failed|5.1.1]" },
    { "a group without a recipient is still a group",
      "Final-Recipient: f1\nAction: failed\n\nAction: delayed\nStatus: 4.0.0\n",
      "[|f1|failed|][||delayed|4.0.0]" },
    { "repeated within a group: the first counts",
      "Final-Recipient: f1\nAction: failed\nStatus: 5.1.1\nStatus: 5.9.9\n", "[|f1|failed|5.1.1]" },
    { "case, blanks before the colon, CRLF", "FINAL-RECIPIENT : f1\r\naction : Failed\r\n\r\n",
      "[|f1|Failed|]" },
    { "lines that are no field", "Final-Recipient: f1\n*** junk ***\nAction: failed\n", "[|f1|failed|]" },
    { "a line of blanks separates",
      "Final-Recipient: f1\n  \t\nOriginal-Recipient: o2\nFinal-Recipient: f2\n", "[|f1||][o2|f2||]" },
    { "no empty line, Status without Action",
      "Final-Recipient: f1\nStatus: 5.1.1\nOriginal-Recipient: o2\nFinal-Recipient: f2\n",
      "[|f1||5.1.1][o2|f2||]" },
    { "only fields about the message", "Reporting-MTA: dns; m\nArrival-Date: today\n", "" },
    { "nothing", "", "" },
};

static void test_groups(void **state)
{
    char shown[512];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        show(shown, sizeof(shown), span_of(cases[i].text));
        if (strcmp(shown, cases[i].groups) != 0)
            fail_msg("%s: %s", cases[i].why, shown);
    }
}

/* Cut anywhere, in a heap block of just that size: the sanitizers see any byte read beyond. */
static void test_every_cut_ends(void **state)
{
    char shown[512];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t n = strlen(cases[i].text);

        for (size_t cut = 0; cut <= n; cut++) {
            char *copy = malloc(cut + (cut == 0));

            assert_non_null(copy);
            memcpy(copy, cases[i].text, cut);
            show(shown, sizeof(shown), (struct span){ copy, cut });
            free(copy);
        }
    }
}

static void test_many_recipients(void **state)
{
    static const char group[] = "Final-Recipient: rfc822; a@example.com\nAction: failed\nStatus: 5.1.1\n\n";
    const size_t many = 10000, each = sizeof(group) - 1;
    char *text = malloc(many * each);
    struct dsn_reader reader;
    struct dsn_message message;
    struct dsn_recipient out;
    size_t n = 0;

    (void)state;
    assert_non_null(text);
    for (size_t i = 0; i < many; i++)
        memcpy(text + i * each, group, each);
    dsn_start(&reader, (struct span){ text, many * each }, &message);
    while (dsn_next(&reader, &out))
        n += dsn_recipient_action(&out) == DSN_FAILED;
    assert_int_equal(n, many);
    free(text);
}

static void test_message_fields(void **state)
{
    struct dsn_reader reader;
    struct dsn_message message;
    struct dsn_recipient group;

    (void)state;
    dsn_start(
        &reader,
        SPAN("Reporting-MTA: dns; mx.example\nX-Postfix-Queue-ID: 4A1B\nArrival-Date: Tue, 3 Nov 2026\n"
             "  07:30:00 +0100\n\nFinal-Recipient: f\nRemote-MTA: dns; r\nDiagnostic-Code: smtp; 550\n no\n"),
        &message);
    assert_true(span_eq(message.reporting_mta, SPAN("dns; mx.example")));
    assert_true(span_eq(message.queue_id, SPAN("4A1B")));
    assert_true(span_eq(message.arrival_date, SPAN("Tue, 3 Nov 2026\n  07:30:00 +0100")));
    assert_true(dsn_next(&reader, &group));
    assert_true(span_eq(group.remote_mta, SPAN("dns; r")));
    assert_true(span_eq(group.diagnostic, SPAN("smtp; 550\n no")));
}

static void test_actions(void **state)
{
    static const struct {
        const char *action, *status;
        enum dsn_action want;
    } rows[] = {
        { "failed", "5.1.1", DSN_FAILED },     { "FAILED (no such user)", "", DSN_FAILED },
        { "failure", "4.4.7", DSN_FAILED },    { "expired", "4.4.7", DSN_FAILED },
        { "failed", "2.0.0", DSN_FAILED }, /* the word is the verdict */
        { "delayed", "5.0.0", DSN_DELAYED },   { "Delivered", "2.0.0", DSN_DELIVERED },
        { "relayed", "2.0.0", DSN_DELIVERED }, { "expanded", "", DSN_DELIVERED },
        { "", "5.2.1", DSN_FAILED },           { "", "4.2.1", DSN_DELAYED },
        { "", "2.1.5", DSN_DELIVERED },        { "", "", DSN_UNCLEAR },
        { "unheard-of", "5.0.0", DSN_FAILED }, { "", "553 no", DSN_UNCLEAR },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct dsn_recipient group = { .action = span_of(rows[i].action), .status = span_of(rows[i].status) };

        if (dsn_recipient_action(&group) != rows[i].want)
            fail_msg("Action: %s, Status: %s", rows[i].action, rows[i].status);
    }
}

static void test_unfold(void **state)
{
    static const struct {
        struct span value;
        const char *want;
    } rows[] = {
        { { "a\r\n\tb\n   c", 10 }, "a b c" },
        { { " \n a \n ", 7 }, "a " },
        { { "a\0b\x1b[1m", 7 }, "a b [1m" },
        { { "\xc3\xbc \xfc \xed\xa0\x80", 8 }, "\xc3\xbc ? ???" },
        { { "", 0 }, "" },
    };
    char dst[64], small[4];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        size_t n = field_unfold(dst, sizeof(dst), rows[i].value);

        assert_string_equal(dst, rows[i].want);
        assert_int_equal(n, strlen(rows[i].want));
    }
    /* Cut at a whole character. */
    assert_int_equal(field_unfold(small, sizeof(small), SPAN("ab\xc3\xbc")), 2);
    assert_string_equal(small, "ab");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_groups),          cmocka_unit_test(test_every_cut_ends),
        cmocka_unit_test(test_many_recipients), cmocka_unit_test(test_message_fields),
        cmocka_unit_test(test_actions),         cmocka_unit_test(test_unfold),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
