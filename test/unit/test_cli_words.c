/* SPDX-License-Identifier: BSD-2-Clause */
/* What the operator's command makes of words: times, reasons of other systems, typing errors, roles, syntax.
 */
#include "cli/domains.h"
#include "cli/reasons.h"
#include "cli/roles.h"
#include "cli/syntax.h"
#include "cli/typo.h"
#include "leadgate/times.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void times(void **state)
{
    static const struct {
        const char *text;
        int64_t want; /* 0 = is refused */
    } cases[] = {
        { "2026-12-24", 1798070400 },
        { "2026-12-24T10:00", 1798106400 },
        { "2026-12-24 10:00:00", 1798106400 },
        { "2026-12-24T10:00:00Z", 1798106400 },
        { "2026-12-24T10:00:00.123Z", 1798106400 },
        { "2026-12-24T10:00:00+02:00", 1798099200 },
        { "2026-12-24T10:00:00-0130", 1798111800 },
        { "Fri, 21 Oct 2011 11:02:55 GMT", 1319194975 },
        { "1319194975", 1319194975 },
        { "1319194975000", 1319194975 },
        { "1319194975.123", 1319194975 },
        { "1319194975.1.2", 0 },
        { "1319194975.x", 0 },
        { "20261224.5", 0 },
        { "2026-13-24", 0 },
        { "2026-11-31", 0 },
        { "2026-12-24x", 0 },
        { "2026-12-24T10:00+25:00", 0 },
        { "yesterday", 0 },
        { "2026", 0 },
        { "-5", 0 },
        { "", 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t got = 0;

        assert_int_equal(times_read(span_of(cases[i].text), &got), cases[i].want != 0);
        if (cases[i].want != 0)
            assert_int_equal(got, cases[i].want);
    }
}

static void lengths(void **state)
{
    static const struct {
        const char *text;
        int64_t want; /* 0 = is refused */
        const char *back;
    } cases[] = {
        { "90s", 90, "90 s" },     { "2m", 120, "2 min" },
        { "12h", 43200, "12 h" },  { "7d", 604800, "7 d" },
        { "2w", 1209600, "14 d" }, { "1d", 86400, "1 d" },
        { "25h", 90000, "25 h" },  { "36525d", INT64_C(3155760000), "36525 d" },
        { "36526d", 0, NULL },     { "0d", 0, NULL },
        { "-1d", 0, NULL },        { "d", 0, NULL },
        { "7", 0, NULL },          { "99999999999999999999d", 0, NULL },
    };
    char back[LENGTH_TEXT_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t got = 0;

        assert_int_equal(times_read_length(span_of(cases[i].text), &got), cases[i].want != 0);
        assert_int_equal(got, cases[i].want);
        if (cases[i].back != NULL)
            assert_string_equal(times_length_text(back, got), cases[i].back);
    }
    assert_string_equal(times_length_text(back, 10 * 86400 - 1), "10 d");
}

static void reasons(void **state)
{
    static const struct {
        const char *word;
        enum event_type type;
        enum cause cause;
    } cases[] = {
        { "Hard Bounce", EVENT_OPTOUT, CAUSE_USER_UNKNOWN },
        { "HardBounce", EVENT_OPTOUT, CAUSE_USER_UNKNOWN },
        { "BOUNCE", EVENT_OPTOUT, CAUSE_USER_UNKNOWN },
        { "SpamComplaint", EVENT_COMPLAINT, CAUSE_COMPLAINT },
        { "COMPLAINT", EVENT_COMPLAINT, CAUSE_COMPLAINT },
        { "unsubscribed", EVENT_UNSUBSCRIBE, CAUSE_UNSUBSCRIBE },
        { "ManualSuppression", EVENT_OPTOUT, CAUSE_MANUAL },
        { "mailbox-full", EVENT_OPTOUT, CAUSE_MAILBOX_FULL },
        { "suppressed", EVENT_OPTOUT, CAUSE_SUPPRESSED },
    };
    struct err err;
    struct classifier *classifier = classifier_new(NULL, 0, &err);
    struct bounce_context context = { .classifier = classifier };
    struct reason got;

    (void)state;
    assert_non_null(classifier);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_true(reason_of_word(span_of(cases[i].word), &got));
        assert_int_equal(got.type, cases[i].type);
        assert_int_equal(got.cause, cases[i].cause);
    }
    assert_false(reason_of_word(SPAN("because"), &got));
    assert_false(reason_of_word(SPAN(""), &got));
    /* SendGrid: the server's words are the reason. */
    assert_true(reason_of_refusal(&context, SPAN("5.1.1"), SPAN("550 5.1.1 no such user here"), &got));
    assert_int_equal(got.cause, CAUSE_USER_UNKNOWN);
    assert_true(reason_of_refusal(&context, SPAN_NONE, SPAN("552 5.2.2 mailbox full"), &got));
    assert_int_equal(got.cause, CAUSE_MAILBOX_FULL);
    assert_false(reason_of_refusal(&context, SPAN_NONE, SPAN("do not like her"), &got));
    assert_false(reason_of_refusal(&context, SPAN_NONE, SPAN_NONE, &got));
    classifier_free(classifier);
}

static void typing_errors(void **state)
{
    static const struct {
        const char *domain, *want; /* NULL = nothing is said */
    } cases[] = {
        { "gmial.com", "gmail.com" },
        { "gmai.com", "gmail.com" },
        { "gmaill.com", "gmail.com" },
        { "gamil.com", "gmail.com" },
        { "gmail.con", "gmail.com" },
        { "gmial.con", "gmail.com" },
        { "gmail.co", "gmail.com" },
        { "gmail.cm", "gmail.com" },
        { "gmail.comm", "gmail.com" },
        { "hotmial.com", "hotmail.com" },
        { "hotnail.com", "hotmail.com" },
        { "hotmal.co", "hotmail.com" },
        { "yaho.com", "yahoo.com" },
        { "yahooo.com", "yahoo.com" },
        { "outlok.com", "outlook.com" },
        { "ewb.de", "web.de" },
        { "gmx.ed", "gmx.de" },
        { "t-onlien.de", "t-online.de" },
        { "firm.con", "firm.com" },
        { "gmail.com", NULL },
        { "ymail.com", NULL },
        { "mail.com", NULL },
        { "yahoo.dk", NULL },
        { "gmx.at", NULL },
        { "wab.de", NULL },
        { "example.com", NULL },
        { "gmail.example.com", NULL },
        { "hotels.com", NULL },
        { "com", NULL },
        { "aon.at", NULL },
        { "sol.com", NULL },
        { "love.com", NULL },
        { "[192.0.2.1]", NULL },
    };
    char got[TYPO_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        bool said = typo_suggest(got, span_of(cases[i].domain));

        if (said != (cases[i].want != NULL))
            fail_msg("%s: %s", cases[i].domain, said ? got : "nothing");
        if (said)
            assert_string_equal(got, cases[i].want);
    }
}

static void distances(void **state)
{
    static const struct {
        const char *a, *b;
        size_t want;
    } cases[] = {
        { "abc", "abc", 0 }, { "abc", "acb", 1 }, { "abc", "ab", 1 },    { "", "ab", 2 },
        { "abc", "xbc", 1 }, { "ca", "abc", 3 },  { "abcd", "badc", 2 }, { "abcdef", "uvwxyz", 4 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(typo_distance(span_of(cases[i].a), span_of(cases[i].b), 3), cases[i].want);
        assert_int_equal(typo_distance(span_of(cases[i].b), span_of(cases[i].a), 3), cases[i].want);
    }
}

static void role_addresses(void **state)
{
    static const char *const roles[] = { "abuse",      "do-not-reply", "info",          "list-owner",
                                         "owner-news", "postmaster",   "staff-request", "www" };
    static const char *const persons[] = { "ann", "info.ann", "informatik", "inf", "", "owner-", "zz" };

    (void)state;
    for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
        assert_true(role_is(span_of(roles[i])));
    for (size_t i = 0; i < sizeof(persons) / sizeof(persons[0]); i++)
        assert_false(role_is(span_of(persons[i])));
}

static void syntax(void **state)
{
    static const struct {
        const char *text;
        bool fine;
    } cases[] = {
        { "ann@x.com", true },       { "<ann@x.com>", true }, { "\"a b\"@x.com", true },
        { "ann+tag@x.com", true },   { "a.b@x.com", true },   { "\xc3\xa4@x.com", true },
        { "ann@[192.0.2.1]", true }, { "a..b@x.com", false }, { ".a@x.com", false },
        { "a.@x.com", false },       { "ann@@x.com", false }, { "a b@x.com", false },
        { "ann,@x.com", false },     { "ann@x", false },      { "ann@1.2.3.4", false },
        { "ann@-x.com", false },     { "ann@x-.com", false },
    };
    const struct address_rules rules = { .fold_local_part = true };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct span raw = span_of(cases[i].text);
        struct address address;
        struct err err;
        bool fine = address_parse(&address, ADDRESS_MAILBOX, raw, &rules, &err) == 0 &&
                    syntax_fault(raw, &address) == NULL;

        if (fine != cases[i].fine)
            fail_msg("%s", cases[i].text);
    }
}

/* Through several doublings nothing is lost and nothing is found that was not put in. */
static void sets(void **state)
{
    struct domains domains = { .n = 0 };
    struct seen seen = { .n = 0 };
    char name[32];
    bool is_new;

    (void)state;
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 20000; i++) {
            struct domain *domain;

            snprintf(name, sizeof(name), "d%d.example", i);
            assert_int_equal(seen_add(&seen, span_of(name)), round);
            domain = domains_find(&domains, span_of(name), &is_new);
            assert_int_equal(is_new, round == 0);
            domain->recipients += i;
            assert_int_equal(domain->recipients, (round + 1) * i);
        }
    }
    assert_int_equal(domains.n, 20000);
    domains_free(&domains);
    seen_free(&seen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times),     cmocka_unit_test(lengths),       cmocka_unit_test(reasons),
        cmocka_unit_test(distances), cmocka_unit_test(typing_errors), cmocka_unit_test(role_addresses),
        cmocka_unit_test(syntax),    cmocka_unit_test(sets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
