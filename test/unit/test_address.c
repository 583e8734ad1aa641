/* SPDX-License-Identifier: BSD-2-Clause */
/* The normal form is part of keys that live for years: each row here is a promise. */
#include "leadgate/address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define INTERNAL ADDRESS_INTERNAL
#define MAILBOX  ADDRESS_MAILBOX
#define DSN      ADDRESS_DSN

static const struct address_rules folding = { .fold_local_part = true, .default_domain = "Origin.Example" };
static const struct address_rules keeping = { .fold_local_part = false };

static void check_form(const struct address *address)
{
    assert_int_equal(strlen(address->text), address->n);
    assert_true(address->n < ADDRESS_SIZE);
    assert_ptr_equal(strrchr(address->text, '@'), address->text + address->at);
    assert_true(address->at > 0 && address->at + 1 < address->n);
    for (size_t i = 0; i < address->n; i++)
        assert_true((unsigned char)address->text[i] >= 0x20 && strchr("{}\x7f", address->text[i]) == NULL);
}

static void check_stable(const struct address *address, const struct address_rules *rules)
{
    struct address again;
    struct err err;

    if (address_parse(&again, ADDRESS_INTERNAL, address_span(address), rules, &err) < 0)
        fail_msg("%s is a normal form, but: %s", address->text, err.text);
    assert_string_equal(again.text, address->text);
    assert_int_equal(again.at, address->at);
}

struct row {
    enum address_form form;
    struct span raw;
    const char *want; /* with a blank and "->": the words of the error */
};

static void check_rows(const struct row *rows, size_t n, const struct address_rules *rules)
{
    for (size_t i = 0; i < n; i++) {
        struct address got;
        struct err err = { "" };
        int rc = address_parse(&got, rows[i].form, rows[i].raw, rules, &err);

        if (strncmp(rows[i].want, "-> ", 3) == 0) {
            if (rc == 0 || strstr(err.text, rows[i].want + 3) == NULL)
                fail_msg("%.*s: want error \"%s\", got \"%s\"", SPAN_FMT(rows[i].raw), rows[i].want + 3,
                         rc == 0 ? got.text : err.text);
            continue;
        }
        if (rc < 0)
            fail_msg("%.*s: %s", SPAN_FMT(rows[i].raw), err.text);
        assert_string_equal(got.text, rows[i].want);
        check_form(&got);
        check_stable(&got, rules);
    }
}

#define ROW(form, raw, want)                                                                                 \
    {                                                                                                        \
        form, { raw, sizeof(raw) - 1 }, want                                                                 \
    }
#define CHECK(rows, rules) check_rows(rows, sizeof(rows) / sizeof((rows)[0]), rules)

/* What Postfix's policy protocol hands over, and what trivial-rewrite(8) would make of it. */
static void test_internal(void **state)
{
    static const struct row rows[] = {
        ROW(INTERNAL, "ann@example.com", "ann@example.com"),
        ROW(INTERNAL, "Mixed.Case@DEST.Test", "mixed.case@dest.test"),
        ROW(INTERNAL, "john doe@dest.test", "john doe@dest.test"),
        ROW(INTERNAL, "a\"b=c@dest.test", "a\"b=c@dest.test"),
        ROW(INTERNAL, "a\\b@dest.test", "a\\b@dest.test"),
        ROW(INTERNAL, "a@b@dest.test", "a@b@dest.test"),
        ROW(INTERNAL, "dot@dest.test.", "dot@dest.test"),
        ROW(INTERNAL, "pct%dest.test", "pct@dest.test"),
        ROW(INTERNAL, "a%b%dest.test", "a%b@dest.test"),
        ROW(INTERNAL, "a%b@dest.test", "a%b@dest.test"),
        ROW(INTERNAL, "dest.test!bang", "bang@dest.test"),
        ROW(INTERNAL, "dest.test.!bang", "bang@dest.test"),
        ROW(INTERNAL, "x!y!a", "y!a@x"),
        ROW(INTERNAL, "x!a%b", "a%b@x"),
        ROW(INTERNAL, "x!a@dest.test", "x!a@dest.test"),
        ROW(INTERNAL, "unqual", "unqual@origin.example"),
        ROW(INTERNAL, "@r:ann@dest.test", "ann@dest.test"),
        ROW(INTERNAL, "@r,@s:ann@dest.test", "ann@dest.test"),
        ROW(INTERNAL, "@r:@s:ann@dest.test", "ann@dest.test"),
        ROW(INTERNAL, "@r:ann", "ann@origin.example"),
        ROW(INTERNAL, "ann@[192.0.2.1]", "ann@[192.0.2.1]"),
        ROW(INTERNAL, "ann@[IPv6:2001:DB8::1]", "ann@[ipv6:2001:db8::1]"),
        ROW(INTERNAL, "@ann@[IPv6:::1]", "@ann@[ipv6:::1]"),
        ROW(INTERNAL, "a_b@sub_domain.dest.test", "a_b@sub_domain.dest.test"),
        ROW(INTERNAL, "", "-> no local part"),
        ROW(INTERNAL, "@", "-> no local part"),
        ROW(INTERNAL, "@dest.test", "-> no local part"),
        ROW(INTERNAL, "ann@", "-> no domain"),
        ROW(INTERNAL, "!ann", "-> no domain"),
        ROW(INTERNAL, "ann@dest..test", "-> empty label"),
        ROW(INTERNAL, "ann@.dest.test", "-> empty label"),
        ROW(INTERNAL, "ann@dest.test..", "-> empty label"),
        ROW(INTERNAL, "ann@.", "-> empty label"),
        ROW(INTERNAL, "ann@dest test", "-> no domain has"),
        ROW(INTERNAL, "ann@dest.test ", "-> no domain has"),
        ROW(INTERNAL, "ann@dest.{test}", "-> no domain has"),
        ROW(INTERNAL, "ann@dest\0.test", "-> no domain has"),
        ROW(INTERNAL, "<ann@dest.test>", "-> no domain has"),
        ROW(INTERNAL, "ann@[]", "-> no address literal"),
        ROW(INTERNAL, "ann@[192.0.2.1", "-> no address literal"),
        ROW(INTERNAL, "ann@[{192.0.2.1}]", "-> no address literal"),
        ROW(INTERNAL, "a@aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "-> more than 63"),
    };

    (void)state;
    CHECK(rows, &folding);
}

/* Bytes that would break a Redis hash tag or a log line, and their fixed point. */
static void test_escapes(void **state)
{
    static const struct row rows[] = {
        ROW(INTERNAL, "a{b}@d.test", "a%7Bb%7D@d.test"),
        ROW(INTERNAL, "a%7Bb%7d@d.test", "a%7Bb%7D@d.test"),
        ROW(INTERNAL, "a\0b\nc\x7f@d.test", "a%00b%0Ac%7F@d.test"),
        ROW(INTERNAL, "a\xff\xc3@d.test", "a%FF%C3@d.test"),
        ROW(INTERNAL, "a\xed\xa0\x80@d.test", "a%ED%A0%80@d.test"), /* a surrogate is no UTF-8 */
        ROW(INTERNAL, "50%OFF@d.test", "50%off@d.test"),
        ROW(INTERNAL, "100%@d.test", "100%@d.test"),
        ROW(INTERNAL, "a%4B@d.test", "a%4b@d.test"),
    };
    static const struct row kept[] = {
        ROW(INTERNAL, "A{b%7b}@D.test", "A%7Bb%7b%7D@d.test"),
        ROW(INTERNAL, "A\xcc\x8a@D.test", "\xc3\x85@d.test"), /* NFC, case kept */
        ROW(INTERNAL, "ann", "-> no domain"),
    };

    (void)state;
    CHECK(rows, &folding);
    CHECK(kept, &keeping);
}

static void test_mailbox(void **state)
{
    static const struct row rows[] = {
        ROW(MAILBOX, "<Ann@Example.com>", "ann@example.com"),
        ROW(MAILBOX, " < ann@example.com > ", "ann@example.com"),
        ROW(MAILBOX, "ann@example.com\r\n", "ann@example.com"),
        ROW(MAILBOX, "\"a\"@d.test", "a@d.test"),
        ROW(MAILBOX, "\"a b\"@d.test", "a b@d.test"),
        ROW(MAILBOX, "<\" a\"@d.test >", " a@d.test"),
        ROW(MAILBOX, "\"a\\\"b\\\\c\"@d.test", "a\"b\\c@d.test"),
        ROW(MAILBOX, "\"a@b>\"@d.test", "a@b>@d.test"),
        ROW(MAILBOX, "<\"a>\"@d.test>", "a>@d.test"),
        ROW(MAILBOX, "a.\"b\".c@d.test", "a.b.c@d.test"),
        ROW(MAILBOX, "john doe@d.test", "john doe@d.test"),
        ROW(MAILBOX, "<@r,@s:ann@d.test>", "ann@d.test"),
        ROW(MAILBOX, "<postmaster>", "postmaster@origin.example"),
        ROW(MAILBOX, "a+2Bb@d.test", "a+2bb@d.test"), /* xtext belongs to DSN fields */
        ROW(MAILBOX, "<>", "-> no local part"),
        ROW(MAILBOX, "\"ann@d.test", "-> quote is not closed"),
        ROW(MAILBOX, "<ann@d.test", "-> does not end"),
        ROW(MAILBOX, "<ann@d.test> NOTIFY=NEVER", "-> does not end"),
        ROW(MAILBOX, "ann@d.test>", "-> no domain has"),
    };

    (void)state;
    CHECK(rows, &folding);
}

static void test_dsn(void **state)
{
    static const struct row rows[] = {
        ROW(DSN, "rfc822; ann@d.test", "ann@d.test"),
        ROW(DSN, "RFC822;ann@d.test", "ann@d.test"),
        ROW(DSN, " rfc822 ;\t<ann@d.test> ", "ann@d.test"),
        ROW(DSN, "LOCAL;<ann@d.test>", "ann@d.test"),
        ROW(DSN, "ann@d.test", "ann@d.test"),
        ROW(DSN, "\"a;b\"@d.test", "a;b@d.test"),
        ROW(DSN, "rfc822;\"a b\"@d.test", "a b@d.test"),
        ROW(DSN, "rfc822;ann+2Btag@d.test", "ann+tag@d.test"),
        ROW(DSN, "rfc822;v+2Bann+3Dd@e.test", "v+ann=d@e.test"),
        ROW(DSN, "rfc822;ann+2B2B@e.test", "ann+2b@e.test"), /* undone once */
        ROW(DSN, "rfc822;ann+20@d.test", "ann+20@d.test"),   /* tags, not xtext */
        ROW(DSN, "rfc822;ann+3d@d.test", "ann+3d@d.test"),
        ROW(DSN, "rfc822;ann+C3@d.test", "ann+c3@d.test"),
        ROW(DSN, "rfc822;ann+C3+41@d.test", "ann+c3+41@d.test"),
        ROW(DSN, "rfc822;ann+F@d.test", "ann+f@d.test"),
        ROW(DSN, "rfc822;+C3+BC@b+C3+BCcher.example", "\xc3\xbc@xn--bcher-kva.example"),
        ROW(DSN, "rfc822;+F0+9F+98+80@d.test", "\xf0\x9f\x98\x80@d.test"),
        ROW(DSN, "utf-8; \\x{FC}@b\\x{fc}cher.example", "\xc3\xbc@xn--bcher-kva.example"),
        ROW(DSN, "UTF-8;a\\x{2B}b\\x{5C}c@d.test", "a+b\\c@d.test"),
        ROW(DSN, "utf-8;\\x{1F600}@d.test", "\xf0\x9f\x98\x80@d.test"),
        ROW(DSN, "utf-8;\\x{D800}@d.test", "x%7Bd800%7D@d.test"), /* no character: a quoted pair */
        ROW(DSN, "utf-8;\\x{}\\x{@d.test", "x%7B%7Dx%7B@d.test"),
        ROW(DSN,
            "utf-8;\xc3\xbc@b\xc3\xbc"
            "cher.example",
            "\xc3\xbc@xn--bcher-kva.example"),
        ROW(DSN, "rfc822;", "-> no local part"),
        ROW(DSN, "", "-> no local part"),
        ROW(DSN, "rfc822;<>", "-> no local part"),
    };

    (void)state;
    CHECK(rows, &folding);
}

static void test_unicode(void **state)
{
    static const struct row rows[] = {
        ROW(INTERNAL,
            "\xc3\x9c@B\xc3\x9c"
            "CHER.example",
            "\xc3\xbc@xn--bcher-kva.example"),
        ROW(INTERNAL, "\xc3\xbc@XN--Bcher-KVA.example.", "\xc3\xbc@xn--bcher-kva.example"),
        ROW(INTERNAL,
            "u\xcc\x88@bu\xcc\x88"
            "cher.example",
            "\xc3\xbc@xn--bcher-kva.example"),
        ROW(INTERNAL,
            "a@stra\xc3\x9f"
            "e.example",
            "a@xn--strae-oqa.example"), /* IDNA 2008: not strasse */
        ROW(INTERNAL, "\xce\x91\xce\xa3@d.test", "\xce\xb1\xcf\x82@d.test"),
        ROW(INTERNAL, "\xc4\xb0@d.test", "i\xcc\x87@d.test"),
        ROW(INTERNAL, "a@d\xe3\x80\x82test\xe3\x80\x82", "a@d.test"), /* ideographic full stops */
        ROW(INTERNAL,
            "a@\xef\xbd\x9b"
            "d.test",
            "-> "), /* a wide brace is a brace */
        ROW(INTERNAL, "a@\xff.test", "-> no form in ASCII"),
        ROW(INTERNAL, "a@b\xc3\xbc\0.test", "-> NUL"),
    };

    (void)state;
    CHECK(rows, &folding);
}

/* Too long is an error at every place where it can happen, never a shorter address. */
static void test_length(void **state)
{
    char raw[4096];
    struct address got;
    struct err err;
    static const char domain[] = "@d.test";

    (void)state;
    for (size_t local = 1; local + sizeof(domain) < sizeof(raw); local++) {
        bool fits = local + sizeof(domain) <= ADDRESS_SIZE;

        memset(raw, 'a', local);
        memcpy(raw + local, domain, sizeof(domain));
        for (int form = ADDRESS_INTERNAL; form <= ADDRESS_DSN; form++)
            assert_int_equal(address_parse(&got, (enum address_form)form, span_of(raw), &folding, &err),
                             fits ? 0 : -1);
    }
    /* 200 bytes that become 600. */
    memset(raw, '{', 200);
    memcpy(raw + 200, domain, sizeof(domain));
    assert_int_equal(address_parse(&got, ADDRESS_INTERNAL, span_of(raw), &folding, &err), -1);
    assert_non_null(strstr(err.text, "too long"));
    /* U+0130 grows by a third when folded. */
    for (size_t i = 0; i < 250; i++)
        memcpy(raw + 2 * i, "\xc4\xb0", 2);
    memcpy(raw + 500, domain, sizeof(domain));
    assert_int_equal(address_parse(&got, ADDRESS_INTERNAL, span_of(raw), &folding, &err), -1);
    assert_non_null(strstr(err.text, "too long"));
}

/* A small generator, the same everywhere: a failure can be repeated. */
static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

/* Whatever comes in, what comes out is a normal form, and normalising it again changes nothing. Half of the
 * bytes are those that mean something. */
static void test_random_bytes(void **state)
{
    static const char special[] =
        "@@@..::%%!!{}\"\\<>;+[]= aAfF07xX\xc3\xbc\xcc\x88\xce\xa3\xcd\x85\xe2\x84\xaa";
    uint32_t seed = 20261122;
    int parsed = 0;

    (void)state;
    for (int round = 0; round < 60000; round++) {
        char raw[40];
        size_t n = next_random(&seed) % sizeof(raw);
        const struct address_rules *rules = round % 2 == 0 ? &folding : &keeping;
        struct address got;
        struct err err;

        for (size_t i = 0; i < n; i++)
            raw[i] = next_random(&seed) % 16 > 0 ? special[next_random(&seed) % (sizeof(special) - 1)]
                                                 : (char)next_random(&seed);
        for (int form = ADDRESS_INTERNAL; form <= ADDRESS_DSN; form++) {
            if (address_parse(&got, (enum address_form)form, (struct span){ raw, n }, rules, &err) < 0)
                continue;
            parsed++;
            check_form(&got);
            check_stable(&got, rules);
        }
    }
    assert_true(parsed > 10000);
}

/* Every character of the planes that have cases or compositions, as a local part: folding has a fixed point,
 * also behind an escape. */
static void test_every_character(void **state)
{
    (void)state;
    for (uint32_t c = 0x80; c < 0x30000; c++) {
        char raw[16];
        size_t n = 0;
        struct address got;
        struct err err;

        if (c >= 0xd800 && c <= 0xdfff)
            continue;
        raw[n++] = (char)0xfa; /* becomes %FA; the next may combine with that A */
        if (c >= 0x10000) {
            raw[n++] = (char)(0xf0 | c >> 18);
            raw[n++] = (char)(0x80 | (c >> 12 & 0x3f));
        } else if (c >= 0x800) {
            raw[n++] = (char)(0xe0 | c >> 12);
        }
        raw[n++] = (char)(c >= 0x800 ? 0x80 | (c >> 6 & 0x3f) : 0xc0 | c >> 6);
        raw[n++] = (char)(0x80 | (c & 0x3f));
        memcpy(raw + n, "@d.test", 8);
        assert_int_equal(address_parse(&got, ADDRESS_INTERNAL, span_of(raw), &folding, &err), 0);
        check_form(&got);
        check_stable(&got, &folding);
    }
}

static void test_parts(void **state)
{
    struct address got;
    struct err err;

    (void)state;
    assert_int_equal(address_parse(&got, ADDRESS_INTERNAL, SPAN("a@b@D.test"), &folding, &err), 0);
    assert_true(span_eq(address_span(&got), SPAN("a@b@d.test")));
    assert_true(span_eq(address_local(&got), SPAN("a@b")));
    assert_true(span_eq(address_domain(&got), SPAN("d.test")));
}

/* A base may have an extension of its own; what it covers has one more. */
static void test_covers(void **state)
{
    static const struct {
        const char *base, *address;
        bool covers;
    } rows[] = {
        { "ann@d.test", "ann@d.test", true },       { "ann@d.test", "ann+news@d.test", true },
        { "ann@d.test", "ann+@d.test", true },      { "ann@d.test", "anna@d.test", false },
        { "ann@d.test", "an@d.test", false },       { "ann@d.test", "ann@e.test", false },
        { "ann+a@d.test", "ann+a@d.test", true },   { "ann+a@d.test", "ann+a+b@d.test", true },
        { "ann+a@d.test", "ann+ab@d.test", false }, { "ann+a@d.test", "ann@d.test", false },
        { "ann@d.test", "+ann@d.test", false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct address base, address;
        struct err err;

        assert_int_equal(address_parse(&base, ADDRESS_INTERNAL, span_of(rows[i].base), &folding, &err), 0);
        assert_int_equal(address_parse(&address, ADDRESS_INTERNAL, span_of(rows[i].address), &folding, &err),
                         0);
        if (address_covers(&base, &address) != rows[i].covers)
            fail_msg("%s, %s", rows[i].base, rows[i].address);
    }
}

static void test_form_of(void **state)
{
    (void)state;
    assert_int_equal(address_form_of(SPAN("<ann@d.test>")), ADDRESS_MAILBOX);
    assert_int_equal(address_form_of(SPAN("\"john doe\"@d.test")), ADDRESS_MAILBOX);
    assert_int_equal(address_form_of(SPAN("john doe@d.test")), ADDRESS_INTERNAL);
    assert_int_equal(address_form_of(SPAN_NONE), ADDRESS_INTERNAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_internal),        cmocka_unit_test(test_escapes),
        cmocka_unit_test(test_mailbox),         cmocka_unit_test(test_dsn),
        cmocka_unit_test(test_unicode),         cmocka_unit_test(test_length),
        cmocka_unit_test(test_covers),          cmocka_unit_test(test_random_bytes),
        cmocka_unit_test(test_every_character), cmocka_unit_test(test_parts),
        cmocka_unit_test(test_form_of),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
