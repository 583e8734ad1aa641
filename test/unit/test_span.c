/* SPDX-License-Identifier: BSD-2-Clause */
/* Borrowed bytes: the edges. Every text lies in an allocation of exactly its size, so that a byte read too
 * far is found by the sanitizer. */
#include "leadgate/span.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A copy without a byte to spare; free((char *)span.p). */
static struct span tight(const char *text, size_t n)
{
    char *p = malloc(n > 0 ? n : 1);

    assert_non_null(p);
    memcpy(p, text, n);
    return (struct span){ p, n };
}

static void drop(struct span s)
{
    free((char *)s.p);
}

static void assert_span(struct span got, const char *want)
{
    if (got.n != strlen(want) || memcmp(got.p, want, got.n) != 0)
        fail_msg("want \"%s\", got \"%.*s\"", want, SPAN_FMT(got));
}

static void test_equal(void **state)
{
    (void)state;
    assert_true(span_eq(SPAN("abc"), span_of("abc")));
    assert_false(span_eq(SPAN("abc"), SPAN("ab")));
    assert_false(span_eq(SPAN("abc"), SPAN("aBc")));
    assert_false(span_eq(SPAN("a\0b"), SPAN("a\0c")));
    assert_true(span_eq(span_of(NULL), SPAN_NONE));
    assert_true(span_eq_nocase(SPAN("aBc"), SPAN("AbC")));
    assert_false(span_eq_nocase(SPAN("abc"), SPAN("abcd")));
    assert_true(span_starts_nocase(SPAN("Status: 5"), SPAN("status:")));
    assert_false(span_starts_nocase(SPAN("Stat"), SPAN("status:")));
    assert_true(span_starts_nocase(SPAN("x"), SPAN_NONE));
}

static void test_find(void **state)
{
    struct span s = tight("over Quota", 10);

    (void)state;
    assert_ptr_equal(span_find_nocase(s, SPAN("quota")), s.p + 5);
    assert_ptr_equal(span_find_nocase(s, SPAN("OVER")), s.p);
    assert_null(span_find_nocase(s, SPAN("quotas")));
    assert_null(span_find_nocase(SPAN_NONE, SPAN("a")));
    drop(s);
}

static void test_trim(void **state)
{
    (void)state;
    assert_span(span_trim(SPAN(" \t a b\r\n")), "a b");
    assert_span(span_trim(SPAN(" \r\n\t")), "");
    assert_span(span_trim(SPAN_NONE), "");
    assert_span(span_trim(SPAN("\va")), "\va");
}

static void test_cut(void **state)
{
    struct span rest = SPAN("a;;b");

    (void)state;
    assert_span(span_cut(&rest, ';'), "a");
    assert_span(span_cut(&rest, ';'), "");
    assert_span(span_cut(&rest, ';'), "b");
    assert_span(rest, "");
    assert_span(span_cut(&rest, ';'), "");
    rest = SPAN("a;");
    assert_span(span_cut(&rest, ';'), "a");
    assert_span(rest, "");
}

/* LF, CRLF and a lone CR end a line; an empty line is a line; the last needs no end. */
static void test_lines(void **state)
{
    static const struct {
        const char *text, *lines; /* '|' after each */
    } rows[] = {
        { "", "" },
        { "a", "a|" },
        { "a\n", "a|" },
        { "a\r\n", "a|" },
        { "a\r", "a|" },
        { "a\nb\r\nc\rd", "a|b|c|d|" },
        { "\n", "|" },
        { "\n\n", "||" },
        { "\r\n\r\n", "||" },
        { "\r\r\n\n", "|||" },
        { "a\n\rb", "a||b|" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct span all = tight(rows[i].text, strlen(rows[i].text)), rest = all, line;
        char got[40] = "";
        size_t n = 0;

        while (span_line(&rest, &line)) {
            n += (size_t)snprintf(got + n, sizeof(got) - n, "%.*s|", SPAN_FMT(line));
            assert_true(n < sizeof(got));
        }
        assert_string_equal(got, rows[i].lines);
        drop(all);
    }
}

/* Too long, or a NUL inside, is an answer, not a shorter string. */
static void test_copy(void **state)
{
    char dst[4];

    (void)state;
    assert_true(span_copy(dst, sizeof(dst), SPAN("abc")));
    assert_string_equal(dst, "abc");
    assert_false(span_copy(dst, sizeof(dst), SPAN("abcd")));
    assert_string_equal(dst, "");
    assert_false(span_copy(dst, sizeof(dst), SPAN("a\0b")));
    assert_string_equal(dst, "");
    assert_true(span_copy(dst, 1, SPAN_NONE));
    assert_false(span_copy(dst, 1, SPAN("a")));
}

/* Cut for people, at a whole character, whatever the room. */
static void test_excerpt(void **state)
{
    static const char text[] = "a\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80z"; /* 1, 2, 3, 4 and 1 bytes */
    static const size_t ends[] = { 0, 1, 3, 6, 10, 11 };
    char dst[16];

    (void)state;
    for (size_t size = 1; size <= sizeof(dst); size++) {
        struct span s = tight(text, sizeof(text) - 1);
        size_t want = 0;

        for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
            if (ends[i] < size)
                want = ends[i];
        span_excerpt(dst, size, s);
        assert_int_equal(strlen(dst), want);
        assert_memory_equal(dst, text, want);
        drop(s);
    }
}

static void test_utf8(void **state)
{
    static const struct {
        struct span text;
        bool good;
    } rows[] = {
        { { "", 0 }, true },
        { { NULL, 0 }, true },
        { { "b\xc3\xbc\xe2\x82\xac\xf0\x9f\x90\xa6", 10 }, true },
        { { "a\0b", 3 }, true },
        { { "b\xfc", 2 }, false },    /* Latin-1 */
        { { "\xc3", 1 }, false },     /* cut */
        { { "\xc0\xaf", 2 }, false }, /* over-long */
        { { "\xed\xa0\x80", 3 }, false },
        { { "\xf4\x90\x80\x80", 4 }, false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(span_is_utf8(rows[i].text), rows[i].good);
}

static void test_int64(void **state)
{
    static const struct {
        const char *text;
        bool good;
        int64_t value;
    } rows[] = {
        { "0", true, 0 },
        { "-0", true, 0 },
        { "007", true, 7 },
        { "9223372036854775807", true, INT64_MAX },
        { "-9223372036854775808", true, INT64_MIN },
        { "9223372036854775808", false, 0 },
        { "-9223372036854775809", false, 0 },
        { "92233720368547758070", false, 0 },
        { "", false, 0 },
        { "-", false, 0 },
        { "+1", false, 0 },
        { " 1", false, 0 },
        { "1 ", false, 0 },
        { "1.0", false, 0 },
        { "0x1", false, 0 },
        { "--1", false, 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct span s = tight(rows[i].text, strlen(rows[i].text));
        int64_t value = 42;

        assert_int_equal(span_int64(s, &value), rows[i].good);
        assert_true(value == (rows[i].good ? rows[i].value : 42));
        drop(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal), cmocka_unit_test(test_find),    cmocka_unit_test(test_trim),
        cmocka_unit_test(test_cut),   cmocka_unit_test(test_lines),   cmocka_unit_test(test_copy),
        cmocka_unit_test(test_int64), cmocka_unit_test(test_excerpt), cmocka_unit_test(test_utf8),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
