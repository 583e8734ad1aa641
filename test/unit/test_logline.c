/* SPDX-License-Identifier: BSD-2-Clause */
/* A log line can be split again by machine, and a remote server's words cannot forge a field. */
#include "leadgate/logline.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void test_values(void **state)
{
    static const struct {
        struct span value;
        const char *shown;
    } rows[] = {
        { { "5.1.1", 5 }, "5.1.1" },
        { { "", 0 }, "\"\"" },
        { { "a b", 3 }, "\"a b\"" },
        { { "a=b", 3 }, "\"a=b\"" },
        { { "say \"no\"", 8 }, "\"say \\\"no\\\"\"" },
        { { "a\\b", 3 }, "\"a\\\\b\"" },
        { { "\"", 1 }, "\"\\\"\"" },
        { { "a\nb\r\tc", 6 }, "a?b??c" },
        { { "a\0b\x7f\x1b[1m", 8 }, "a?b??[1m" },
        { { "\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80", 9 }, "\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80" },
        { { "\xff\xc3", 2 }, "??" },           /* no UTF-8, and cut UTF-8 */
        { { "\xc0\xaf", 2 }, "??" },           /* over-long */
        { { "\xed\xa0\x80", 3 }, "???" },      /* a surrogate */
        { { "\xf4\x90\x80\x80", 4 }, "????" }, /* past the last character */
        { { "\xc2\x85"
            "a",
            3 },
          "??a" }, /* NEL, a C1 control */
        { { "\xe2\x80\xa8"
            "a\xe2\x80\xae",
            7 },
          "???a???" }, /* line separator, right-to-left override */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct logline line;
        char want[100];
        char *tight = malloc(rows[i].value.n + 1);

        assert_non_null(tight);
        memcpy(tight, rows[i].value.p, rows[i].value.n);
        logline_start(&line, "event");
        logline_span(&line, "diag", (struct span){ tight, rows[i].value.n });
        snprintf(want, sizeof(want), "event diag=%s", rows[i].shown);
        assert_string_equal(line.text, want);
        assert_int_equal(line.n, strlen(want));
        free(tight);
    }
}

static void test_fields(void **state)
{
    struct logline line;

    (void)state;
    logline_start(&line, "refused");
    logline_text(&line, "lead", "ann@example.com");
    logline_int(&line, "strikes", -3);
    logline_time(&line, "until", 1795341185);
    logline_time(&line, "since", 0);
    logline_text(&line, "cause", NULL);
    assert_string_equal(line.text,
                        "refused lead=ann@example.com strikes=-3 until=2026-11-22T09:53:05Z cause=\"\"");
}

/* Splits a line as a reader would: a word, then key=value with quotes undone. Fails on anything else. */
static size_t count_fields(const struct logline *line)
{
    const char *p = line->text;
    size_t n = 0;

    assert_int_equal(strlen(line->text), line->n);
    p += strcspn(p, " ");
    for (; *p == ' '; n++) {
        p += 1 + strcspn(p + 1, "= \"");
        assert_int_equal(*p, '=');
        p++;
        if (*p != '"') {
            p += strcspn(p, " \"=");
            continue;
        }
        for (p++; *p != '"'; p++) {
            if (*p == '\\')
                p++;
            assert_int_not_equal(*p, '\0');
        }
        p++;
    }
    assert_int_equal(*p, '\0');
    return n;
}

/* A value too long for the line is cut with "...", inside its quotes, at every length around the edge; a
 * field after it is there or is not, but the line stays one that can be split. */
static void test_long_values(void **state)
{
    static const char *const patterns[] = { "a", "\"",   "\\", "\xc3\xbc", "\xf0\x9f\x98\x80",
                                            " ", "\xff", "=\n" };
    char value[2100];

    (void)state;
    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
        for (size_t n = 1900; n < 2100; n++) {
            struct logline line;
            size_t length = strlen(patterns[i]);

            for (size_t j = 0; j < n; j++)
                value[j] = patterns[i][j % length];
            logline_start(&line, "event");
            logline_span(&line, "diag", (struct span){ value, n });
            assert_int_equal(count_fields(&line), 1);
            assert_true(n < 2000 || strstr(line.text, "...") != NULL);
            logline_text(&line, "status", "5.1.1");
            assert_in_range(count_fields(&line), 1, 2);
        }
    }
}

/* What reaches standard error: the name, the line, one line end. */
static void test_stderr(void **state)
{
    static const char want[] = "leadgate-x: event status=5.1.1\n"
                               "leadgate-x: warning text=\"cannot a=1 \\\"b\\\"?c\"\n";
    char got[200];
    int ends[2], saved = dup(STDERR_FILENO);
    struct logline line;
    ssize_t n;

    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_true(saved >= 0 && dup2(ends[1], STDERR_FILENO) >= 0);
    log_open(LOG_TO_STDERR, "leadgate-x");
    logline_start(&line, "event");
    logline_text(&line, "status", "5.1.1");
    logline_send(&line, LOG_INFO);
    log_say(LOG_WARNING, "cannot %s \"b\"\nc", "a=1");
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(ends[1]);
    n = read(ends[0], got, sizeof(got) - 1);
    close(ends[0]);
    assert_true(n >= 0);
    got[n] = '\0';
    assert_string_equal(got, want);
}

static void test_time_text(void **state)
{
    char dst[TIME_TEXT_SIZE];

    (void)state;
    assert_string_equal(time_text(dst, 0), "1970-01-01T00:00:00Z");
    assert_string_equal(time_text(dst, 1795341185), "2026-11-22T09:53:05Z");
    assert_string_equal(time_text(dst, -1), "1969-12-31T23:59:59Z");
    assert_string_equal(time_text(dst, INT64_MAX), "9223372036854775807");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values), cmocka_unit_test(test_fields),    cmocka_unit_test(test_long_values),
        cmocka_unit_test(test_stderr), cmocka_unit_test(test_time_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
