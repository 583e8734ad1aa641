/* SPDX-License-Identifier: BSD-2-Clause */
/* Where addresses begin and end in running text, and in fields that mailers wrote their own way. */
#include "bounce/mailbox.h"
#include "leadgate/bounce.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const struct address_rules rules = { .fold_local_part = true, .default_domain = NULL };

static void test_find(void **state)
{
    static const struct {
        const char *text, *found; /* NULL = none */
    } rows[] = {
        { "write to ann@example.com.", "ann@example.com" },
        { "<ann@example.com>: host said", "ann@example.com" },
        { "'ann@example.com' is unknown", "ann@example.com" },
        { "smtp:ann@example.com", "ann@example.com" },
        { "o=HQ;dda:SMTP=ann@example.com; on Fri", "ann@example.com" },
        { "bounce+ann=example.com@shop.example", "bounce+ann=example.com@shop.example" },
        { "\"john doe\"@example.com", "\"john doe\"@example.com" },
        { "(ann@[192.0.2.1])", "ann@[192.0.2.1]" },
        { "j\xc3\xb6rg@b\xc3\xbc\x63her.example", "j\xc3\xb6rg@b\xc3\xbc\x63her.example" },
        /* A sentence without blanks is no part of the address: "atesaki ann@... ni". */
        { "\xe5\xae\x9b\xe5\x85\x88"
          "ann@example.com\xe3\x81\xab",
          "ann@example.com" },
        { "\xf0\x9f\x90\x88@example.com", "\xf0\x9f\x90\x88@example.com" },
        { "<=?utf-8?b?8j+q?=@example.com>", "=?utf-8?b?8j+q?=@example.com" },
        { "10 @ 5.00, @ann, a@, @b.example, user@host", NULL },
        { "1.2@3.4", NULL },
        { "", NULL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct span found = SPAN_NONE;
        size_t from = 0;

        assert_int_equal(mailbox_find(span_of(rows[i].text), &from, &found), rows[i].found != NULL);
        if (!span_eq(found, span_of(rows[i].found)))
            fail_msg("%s: %.*s", rows[i].text, SPAN_FMT(found));
    }
}

static void test_find_each(void **state)
{
    static const char text[] = "a@x.example, b@y.example and <c@z.example>";
    static const char *const each[] = { "a@x.example", "b@y.example", "c@z.example" };
    struct span found;
    size_t from = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(each) / sizeof(each[0]); i++) {
        assert_true(mailbox_find(span_of(text), &from, &found));
        assert_true(span_eq(found, span_of(each[i])));
    }
    assert_false(mailbox_find(span_of(text), &from, &found));
}

static void test_fields(void **state)
{
    static const struct {
        const char *field, *lead; /* NULL = none */
    } rows[] = {
        { "rfc822; Ann@Example.COM", "ann@example.com" },
        { "rfc822;rfc822;ann@example.com", "ann@example.com" },
        { "rfc/822; ann@example.com", "ann@example.com" },
        { "= rfc822; ann@example.com", "ann@example.com" },
        { "RFC822; <ann@example.com>", "ann@example.com" },
        { "RFC822; ann@example.com>", "ann@example.com" },
        { "rfc822; <mailto:ann@example.com>", "ann@example.com" },
        { "smtp:ann@example.com", "ann@example.com" },
        { "ann@example.com", "ann@example.com" },
        { "rfc822; ann+2Bnews@example.com", "ann+news@example.com" },
        { "rfc822;\n ann@example.com", "ann@example.com" },
        { "rfc822; =?utf-8?Q?ann=40example.com?=", "ann@example.com" },
        { "x400; c=us;a= ;p=org;s=ann", NULL },
        { "rfc822; |/usr/bin/filter", NULL },
        { "local; ann", NULL },
        { "rfc822;", NULL },
        { "", NULL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct address lead;
        bool found = mailbox_of_field(&lead, span_of(rows[i].field), &rules);

        if (found != (rows[i].lead != NULL) || (found && strcmp(lead.text, rows[i].lead) != 0))
            fail_msg("%s: %s", rows[i].field, found ? lead.text : "none");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_find_each),
        cmocka_unit_test(test_fields),
    };

    bounce_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
