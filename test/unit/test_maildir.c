/* SPDX-License-Identifier: BSD-2-Clause */
/* A Maildir in a folder of its own for each test. */
#include "feed/maildir.h"
#include "feed/names.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    char path[64];
    struct maildir maildir;
    struct names names;
};

static const char *const folders[] = { "new", "cur", "tmp" };

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    if (f == NULL)
        return -1;
    *state = f;
    snprintf(f->path, sizeof(f->path), "%s/leadgate-maildir-XXXXXX", P_tmpdir);
    if (mkdtemp(f->path) == NULL || chdir(f->path) < 0)
        return -1;
    for (size_t i = 0; i < 3; i++)
        if (mkdir(folders[i], 0700) < 0)
            return -1;
    f->maildir = MAILDIR_CLOSED(f->path);
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    char command[128];
    int rc;

    maildir_close(&f->maildir);
    names_free(&f->names);
    snprintf(command, sizeof(command), "rm -rf '%s'", f->path);
    rc = chdir("/") < 0 ? -1 : system(command);
    free(f);
    return rc;
}

static void put(const char *path, const char *text)
{
    FILE *fp = fopen(path, "w");

    assert_non_null(fp);
    assert_int_equal(fputs(text, fp) >= 0 && fclose(fp) == 0, 1);
}

static void list(struct fixture *f)
{
    struct err err;

    names_free(&f->names);
    assert_int_equal(maildir_list(&f->maildir, &f->names, &err), 0);
}

static void lists_the_oldest_first(void **state)
{
    static const char *const order[] = { "by-hand", "9.b.host", "100.a.host", "100.b.host", "1795324396.x" };
    struct fixture *f = *state;

    put("new/100.b.host", "");
    put("new/1795324396.x", "");
    put("new/by-hand", "");
    put("new/100.a.host", "");
    put("new/.hidden", "");
    put("new/9.b.host", "");
    put("cur/1.a.host:2,S", "");
    list(f);
    assert_int_equal(f->names.n, 5);
    for (size_t i = 0; i < 5; i++)
        assert_string_equal(f->names.item[i].text, order[i]);
}

static void lists_a_folder_that_was_replaced(void **state)
{
    struct fixture *f = *state;
    struct err err;

    put("new/1.a", "");
    list(f);
    assert_int_equal(rename("new", "old"), 0);
    names_free(&f->names);
    assert_int_equal(maildir_list(&f->maildir, &f->names, &err), -1);
    assert_non_null(strstr(err.text, "/new: No such file"));
    assert_int_equal(mkdir("new", 0700), 0);
    put("new/2.b", "");
    list(f);
    assert_int_equal(f->names.n, 1);
    assert_string_equal(f->names.item[0].text, "2.b");
}

static void reads_no_more_than_asked(void **state)
{
    struct fixture *f = *state;
    struct timespec times[2] = { { .tv_sec = 1000 }, { .tv_sec = 2000 } };
    char buffer[4];
    struct span mail;
    struct err err;
    int64_t arrived;

    put("new/1.a", "abcdefgh");
    put("new/2.b", "");
    assert_int_equal(utimensat(AT_FDCWD, "new/1.a", times, 0), 0);
    list(f);
    assert_int_equal(maildir_read(&f->maildir, "1.a", buffer, sizeof(buffer), &mail, &arrived, &err),
                     MAILDIR_OK);
    assert_true(span_eq(mail, SPAN("abcd")));
    assert_int_equal(arrived, 2000);
    assert_int_equal(maildir_read(&f->maildir, "2.b", buffer, sizeof(buffer), &mail, &arrived, &err),
                     MAILDIR_OK);
    assert_int_equal(mail.n, 0);
}

/* What a Maildir should not hold is a defined answer, and none of them blocks (a FIFO would). */
static void tells_what_is_no_mail(void **state)
{
    static const char *const names[] = { "fifo", "folder", "link" };
    struct fixture *f = *state;
    char buffer[16];
    struct span mail;
    int64_t arrived;
    struct err err;

    put("elsewhere", "secret");
    assert_int_equal(mkfifo("new/fifo", 0600), 0);
    assert_int_equal(mkdir("new/folder", 0700), 0);
    assert_int_equal(symlink("../elsewhere", "new/link"), 0);
    list(f);
    assert_int_equal(f->names.n, 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(maildir_read(&f->maildir, names[i], buffer, sizeof(buffer), &mail, &arrived, &err),
                         MAILDIR_FAILED);
    assert_int_equal(maildir_read(&f->maildir, "gone", buffer, sizeof(buffer), &mail, &arrived, &err),
                     MAILDIR_GONE);
}

static void settles_each_fate(void **state)
{
    static const struct {
        const char *name;
        enum maildir_fate fate;
        const char *then; /* NULL: nowhere */
    } rows[] = {
        { "1.a", FATE_KEEP, "cur/1.a:2,S" },
        { "2.b:2,F", FATE_KEEP, "cur/2.b:2,F" },
        { "3.c", FATE_DELETE, NULL },
        { "4.d", FATE_UNRECOGNISED, ".Unrecognised/new/4.d" },
        { "5.e", FATE_UNRECOGNISED, ".Unrecognised/new/5.e" },
    };
    struct fixture *f = *state;
    char path[64];
    struct err err;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        snprintf(path, sizeof(path), "new/%s", rows[i].name);
        put(path, "x");
        list(f);
        assert_int_equal(maildir_settle(&f->maildir, rows[i].name, rows[i].fate, &err), MAILDIR_OK);
        assert_int_equal(access(path, F_OK), -1);
        if (rows[i].then != NULL && access(rows[i].then, F_OK) != 0)
            fail_msg("%s is not there", rows[i].then);
        /* Another feeder was faster. */
        assert_int_equal(maildir_settle(&f->maildir, rows[i].name, rows[i].fate, &err), MAILDIR_GONE);
    }
}

static void makes_the_folder_like_the_maildir(void **state)
{
    static const char *const made[] = { ".Unrecognised", ".Unrecognised/new", ".Unrecognised/cur",
                                        ".Unrecognised/tmp" };
    struct fixture *f = *state;
    struct stat like, st;
    struct err err;

    assert_int_equal(chmod(".", 02750), 0);
    assert_int_equal(stat(".", &like), 0);
    put("new/1.a", "x");
    list(f);
    assert_int_equal(maildir_settle(&f->maildir, "1.a", FATE_UNRECOGNISED, &err), MAILDIR_OK);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(stat(made[i], &st), 0);
        assert_int_equal(st.st_mode, like.st_mode);
        assert_int_equal(st.st_uid, like.st_uid);
        assert_int_equal(st.st_gid, like.st_gid);
    }
    assert_int_equal(access(".Unrecognised/maildirfolder", F_OK), 0);
}

/* Without cur/ the mail stays, and that is not taken for a mail that is gone. */
static void says_that_cur_is_missing(void **state)
{
    struct fixture *f = *state;
    struct err err;

    put("new/1.a", "x");
    list(f);
    assert_int_equal(rmdir("cur"), 0);
    assert_int_equal(maildir_settle(&f->maildir, "1.a", FATE_KEEP, &err), MAILDIR_FAILED);
    assert_non_null(strstr(err.text, "cur is missing"));
    assert_int_equal(access("new/1.a", F_OK), 0);
}

static void names_are_a_sorted_set(void **state)
{
    struct names all = { .item = NULL }, some = { .item = NULL };

    (void)state;
    assert_true(names_insert(&some, "20.b"));
    assert_true(names_insert(&some, "3.c"));
    assert_true(names_insert(&some, "100.a"));
    assert_false(names_insert(&some, "20.b"));
    assert_int_equal(some.n, 3);
    assert_string_equal(some.item[0].text, "3.c");
    assert_string_equal(some.item[2].text, "100.a");
    assert_true(names_find(&some, "100.a"));
    assert_false(names_find(&some, "100"));
    assert_true(names_append(&all, "3.c") && names_append(&all, "1.z") && names_append(&all, "20.b"));
    names_sort(&all);
    names_filter(&some, &all, true);
    assert_int_equal(some.n, 2);
    names_filter(&all, &some, false);
    assert_int_equal(all.n, 1);
    assert_string_equal(all.item[0].text, "1.z");
    names_free(&all);
    names_free(&some);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(lists_the_oldest_first),   TEST(lists_a_folder_that_was_replaced),
        TEST(reads_no_more_than_asked), TEST(tells_what_is_no_mail),
        TEST(settles_each_fate),        TEST(makes_the_folder_like_the_maildir),
        TEST(says_that_cur_is_missing), cmocka_unit_test(names_are_a_sorted_set),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
