/* SPDX-License-Identifier: BSD-2-Clause */
#include "feed/mbox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Each row: a file and the mails in it. */
static const struct {
    const char *what, *file;
    const char *mails[4]; /* NULL-terminated */
} rows[] = {
    { "empty file", "", { NULL } },
    { "empty lines only", "\n\r\n\n", { NULL } },
    { "one mail", "From a\nA: 1\n\nbody\n", { "A: 1\n\nbody\n" } },
    { "one mail, no line end at the end", "From a\nA: 1\n\nbody", { "A: 1\n\nbody" } },
    { "two mails", "From a\nA: 1\n\nx\n\nFrom b\nB: 2\n\ny\n", { "A: 1\n\nx\n", "B: 2\n\ny\n" } },
    { "CRLF", "From a\r\nA: 1\r\n\r\nx\r\n\r\nFrom b\r\nB: 2\r\n", { "A: 1\r\n\r\nx\r\n", "B: 2\r\n" } },
    { "empty lines before the first", "\n\nFrom a\nA: 1\n", { "A: 1\n" } },
    { "From in running text is text", "From a\nA: 1\n\nx\nFrom b\ny\n", { "A: 1\n\nx\nFrom b\ny\n" } },
    { "From: is a field", "From a\nA: 1\n\nFrom: b\n", { "A: 1\n\nFrom: b\n" } },
    { "quoted From stays as it is", "From a\nA: 1\n\n>From b\n", { "A: 1\n\n>From b\n" } },
    { "a body's empty lines stay",
      "From a\nA: 1\n\n\n\nx\n\n\nFrom b\nB: 2\n",
      { "A: 1\n\n\n\nx\n\n", "B: 2\n" } },
    { "header only", "From a\nA: 1\n\nFrom b\nB: 2\n", { "A: 1\n", "B: 2\n" } },
    { "nothing between two", "From a\n\nFrom b\nB: 2\n", { "", "B: 2\n" } },
    { "separator line only", "From a", { "" } },
    { "separator line cut short is text", "From a\nA: 1\n\nFrom", { "A: 1\n\nFrom" } },
};

static void cuts_into_mails(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct mbox mbox;
        struct mbox_mail mail;
        struct err err;
        size_t n = 0;

        assert_int_equal(mbox_start(&mbox, span_of(rows[i].file), &err), 0);
        for (; rows[i].mails[n] != NULL; n++) {
            if (!mbox_next(&mbox, &mail))
                fail_msg("%s: mail %zu is missing", rows[i].what, n + 1);
            if (!span_eq(mail.mail, span_of(rows[i].mails[n])))
                fail_msg("%s: mail %zu is <%.*s>", rows[i].what, n + 1, SPAN_FMT(mail.mail));
        }
        if (mbox_next(&mbox, &mail))
            fail_msg("%s: one too many: <%.*s>", rows[i].what, SPAN_FMT(mail.mail));
        assert_false(mbox_next(&mbox, &mail));
    }
}

static void refuses_what_is_no_mbox(void **state)
{
    static const char *const files[] = { "Received: x\n\nFrom a\n", "From", "from a\n", " From a\n",
                                         "\0From a\n" };

    (void)state;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        struct mbox mbox;
        struct err err = { "" };

        /* One byte more: the last row's NUL is content. */
        assert_int_equal(mbox_start(&mbox, (struct span){ files[i], strlen(files[i]) + 1 }, &err), -1);
        assert_non_null(strstr(err.text, "not an mbox"));
    }
}

static void reads_the_separators_time(void **state)
{
    static const struct {
        const char *line;
        int64_t at;
    } times[] = {
        { "From MAILER-DAEMON  Sun Nov 22 05:13:16 2026\nA: 1\n", 1795324396 },
        { "From \"a b\"@example.com Sun Nov  1 05:13:16 2026\r\nA: 1\n", 1793509996 },
        { "From a Sun Nov 22 05:13:16 +0000 2026\nA: 1\n", 0 },
        { "From a\nSun Nov 22 05:13:16 2026\n", 0 },
        { "From Sun Nov 22 05:13:16 202x\n", 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        struct mbox mbox;
        struct mbox_mail mail;
        struct err err;

        assert_int_equal(mbox_start(&mbox, span_of(times[i].line), &err), 0);
        assert_true(mbox_next(&mbox, &mail));
        assert_int_equal(mail.at, times[i].at);
    }
}

/* A file that ends anywhere (disk full, still being written) is read to its end: every mail that is whole in
 * it comes out whole, and nothing is read behind it. */
static void bears_every_cut(void **state)
{
    static const char file[] =
        "From a\r\nA: 1\r\n\r\nx\r\n\r\nFrom b Sun Nov 22 05:13:16 2026\nB: 2\n\ny\n\nFrom c\nC\n";

    (void)state;
    for (size_t cut = 0; cut < sizeof(file); cut++) {
        char *copy = malloc(cut > 0 ? cut : 1); /* its own size, so that a sanitizer sees the end */
        struct mbox mbox;
        struct mbox_mail mail;
        struct err err;
        size_t n = 0;

        assert_non_null(copy);
        memcpy(copy, file, cut);
        if (mbox_start(&mbox, (struct span){ copy, cut }, &err) == 0) {
            for (; mbox_next(&mbox, &mail); n++)
                assert_true(mail.mail.p >= copy && mail.mail.p + mail.mail.n <= copy + cut);
            assert_int_equal(n, (cut > 0) + (cut >= 26) + (cut >= 67));
        } else {
            assert_in_range(cut, 1, 4);
        }
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cuts_into_mails),
        cmocka_unit_test(refuses_what_is_no_mbox),
        cmocka_unit_test(reads_the_separators_time),
        cmocka_unit_test(bears_every_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
