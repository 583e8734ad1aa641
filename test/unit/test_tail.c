/* SPDX-License-Identifier: BSD-2-Clause */
/* A log and its rotations in a folder of its own for each test. Nothing waits: each test says what happens to
 * the files between two looks. */
#include "feed/lines.h"
#include "feed/tail.h"

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

#define LOG "mail.log"

struct fixture {
    char folder[64];
    struct tail *tail;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    if (f == NULL)
        return -1;
    *state = f;
    snprintf(f->folder, sizeof(f->folder), "%s/leadgate-tail-XXXXXX", P_tmpdir);
    return mkdtemp(f->folder) == NULL || chdir(f->folder) < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    char command[128];
    int rc;

    tail_free(f->tail);
    snprintf(command, sizeof(command), "rm -rf '%s'", f->folder);
    rc = chdir("/") < 0 ? -1 : system(command);
    free(f);
    return rc;
}

/* --- what happens to the files --- */

/* A log's own beginning, longer than what a log is known by. */
static char long_beginning[1500];

static void append(const char *path, const char *text)
{
    FILE *fp = fopen(path, "a");

    assert_non_null(fp);
    assert_true(fputs(text, fp) >= 0);
    assert_int_equal(fclose(fp), 0);
}

static void run(const char *command)
{
    assert_int_equal(system(command), 0);
}

static void make_room(void)
{
    run("for n in 3 2 1; do for z in '' .gz; do"
        " if [ -e " LOG ".$n$z ]; then mv " LOG ".$n$z " LOG ".$((n+1))$z; fi; done; done");
}

static void rotate_by_renaming(void)
{
    make_room();
    assert_int_equal(rename(LOG, LOG ".1"), 0);
}

static void rotate_by_copying(void)
{
    make_room();
    run("cp " LOG " " LOG ".1");
    assert_int_equal(truncate(LOG, 0), 0);
}

/* --- what is read of them --- */

static void start(struct fixture *f, const struct place *place, int64_t history)
{
    tail_free(f->tail);
    f->tail = tail_new(LOG, place, history);
    assert_non_null(f->tail);
}

/* All lines that there are, each with a blank behind it; those from before the place in brackets. */
static const char *all_lines(struct fixture *f)
{
    static char text[8192];
    size_t n = 0;
    enum tail_rc rc;
    struct span line;

    text[0] = '\0';
    while ((rc = tail_line(f->tail, &line)) != TAIL_END && n < sizeof(text))
        n += (size_t)snprintf(text + n, sizeof(text) - n, rc == TAIL_PAST ? "[%.*s] " : "%.*s ",
                              SPAN_FMT(line));
    return text;
}

#define READS(f, text) assert_string_equal(all_lines(f), text)

static struct place place_of(struct fixture *f)
{
    struct place place;

    assert_true(tail_place(f->tail, &place));
    return place;
}

/* As after the program's end: another one goes on at the place, which has been text meanwhile. */
static void go_on(struct fixture *f, struct place place, int64_t history)
{
    char text[PLACE_TEXT_SIZE];
    struct place read;

    assert_true(place_parse(&read, span_of(place_text(text, &place))));
    assert_true(place_eq(&place, &read));
    start(f, &read, history);
}

/* --- tests --- */

static void reads_what_is_written(void **state)
{
    struct fixture *f = *state;
    struct place place;

    start(f, NULL, 0);
    READS(f, ""); /* missing */
    assert_false(tail_place(f->tail, &place));
    append(LOG, "");
    READS(f, "");
    assert_false(tail_place(f->tail, &place));
    append(LOG, "a\nb\nhal");
    READS(f, "a b ");
    assert_int_equal(place_of(f).offset, 4);
    READS(f, "");
    append(LOG, "f\n\nc\n");
    READS(f, "half  c ");
    assert_int_equal(tail_time(f->tail, 77), 77);
}

static void renamed(void **state)
{
    struct fixture *f = *state;

    append(LOG, "a\nb\n");
    start(f, NULL, 0);
    READS(f, "a b ");
    rotate_by_renaming();
    append(LOG ".1", "c\n"); /* the writer has it open still */
    READS(f, "c ");
    append(LOG, "");
    append(LOG ".1", "d\n");
    READS(f, "d ");
    append(LOG ".1", "e\n");
    append(LOG, "f\n"); /* now it has opened the new one */
    READS(f, "e f ");
    assert_int_equal(place_of(f).offset, 2);
}

/* The last line of a file that is over needs no LF. */
static void renamed_with_half_a_line(void **state)
{
    struct fixture *f = *state;

    append(LOG, "a\nb");
    start(f, NULL, 0);
    READS(f, "a ");
    rotate_by_renaming();
    READS(f, "");
    append(LOG, "c\n");
    READS(f, "b c ");
}

static void renamed_several_times(void **state)
{
    struct fixture *f = *state;

    append(LOG, "a\nb\n");
    start(f, NULL, 0);
    READS(f, "a b ");
    append(LOG, "c\n");
    rotate_by_renaming();
    append(LOG, "d\n");
    rotate_by_renaming();
    append(LOG, ""); /* a quiet day */
    rotate_by_renaming();
    append(LOG, "e\n");
    READS(f, "c d e ");
}

static void copied_and_cut_off(void **state)
{
    struct fixture *f = *state;

    append(LOG, "a\nb\n");
    start(f, NULL, 0);
    READS(f, "a b ");
    append(LOG, "c\n");
    rotate_by_copying();
    READS(f, "c ");
    READS(f, "");
    append(LOG, "d\n");
    READS(f, "d ");
    /* It grows past the place before anybody looks; twice. */
    append(LOG, "e\n");
    rotate_by_copying();
    append(LOG, "f\ng\nh\n");
    rotate_by_copying();
    append(LOG, "i\nj\nk\nl\n");
    READS(f, "e f g h i j k l ");
}

/* A writer without O_APPEND leaves a hole. */
static void cut_off_with_a_hole(void **state)
{
    struct fixture *f = *state;
    FILE *writer = fopen(LOG, "w");

    assert_non_null(writer);
    for (int i = 0; i < 100000; i++)
        fputs("a\n", writer);
    fflush(writer);
    start(f, NULL, 0);
    all_lines(f);
    while (place_of(f).offset < 200000)
        all_lines(f);
    rotate_by_copying();
    READS(f, "");
    fputs("b\nc\n", writer);
    fclose(writer);
    READS(f, "b c ");
}

static void replaced_by_a_copy(void **state)
{
    struct fixture *f = *state;

    append(LOG, long_beginning);
    append(LOG, "\na\nb\n");
    start(f, NULL, 0);
    (void)all_lines(f);
    /* rsync(1): a new file, which goes on. */
    run("cp " LOG " new && echo c >> new && mv new " LOG);
    READS(f, "c ");
    append(LOG, "d\n");
    READS(f, "d ");
    /* sed -i: what is left is shorter; and as long again once it has gone on. */
    run("sed -i /a/d " LOG);
    assert_non_null(strstr(all_lines(f), " b c d "));
    run("sed -i /b/d " LOG " && echo e >> " LOG);
    assert_non_null(strstr(all_lines(f), " c d e "));
    append(LOG, "f\n");
    READS(f, "f ");
    rotate_by_renaming();
    append(LOG, "g\n");
    READS(f, "g ");
}

static void cut_off_without_a_copy(void **state)
{
    struct fixture *f = *state;

    append(LOG, "a\nb\n");
    start(f, NULL, 0);
    READS(f, "a b ");
    assert_int_equal(truncate(LOG, 0), 0);
    READS(f, "");
    append(LOG, "c\n");
    READS(f, "c ");
}

static void goes_on_at_a_place(void **state)
{
    static const char *const names[] = { LOG, LOG ".1", LOG ".7", LOG "-20261125", LOG ".20261125-062501" };
    struct fixture *f = *state;
    struct place place;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        for (int gz = 0; gz < 2; gz++) {
            run("rm -f *");
            append(LOG, "a\nb\n");
            start(f, NULL, 0);
            READS(f, "a b ");
            place = place_of(f);
            append(LOG, "c\n");
            if (i > 0) {
                assert_int_equal(rename(LOG, names[i]), 0);
                append(LOG, "d\n");
            }
            if (i > 0 && gz)
                run("gzip " LOG "?*");
            go_on(f, place, 0);
            READS(f, i > 0 ? "c d " : "c ");
        }
    }
}

/* A place is told by the first KiB; beyond that, too. */
static void goes_on_in_a_long_file(void **state)
{
    struct fixture *f = *state;
    struct place place;

    append(LOG, long_beginning);
    append(LOG, "\na\n");
    start(f, NULL, 0);
    all_lines(f);
    place = place_of(f);
    assert_int_equal(place.head, PLACE_HEAD);
    append(LOG, "b\n");
    rotate_by_renaming();
    append(LOG, "c\n");
    go_on(f, place, 0);
    READS(f, "b c ");
}

/* Rotations of all kinds while nobody was there. */
static void goes_on_through_all_rotations(void **state)
{
    struct fixture *f = *state;
    struct place place;

    append(LOG, "older\n");
    rotate_by_renaming();
    append(LOG, "a\n");
    start(f, NULL, 0);
    READS(f, "a ");
    place = place_of(f);
    append(LOG, "b\n");
    rotate_by_renaming();
    append(LOG, "c\n");
    rotate_by_renaming();
    run("gzip " LOG ".2");
    append(LOG, "d\n");
    rotate_by_copying();
    append(LOG, "e\nhalf");
    go_on(f, place, 0);
    READS(f, "b c d e ");
    /* And again, from within the chain. */
    go_on(f, place, 0);
    for (int i = 0; i < 2; i++) {
        struct span line;

        assert_int_equal(tail_line(f->tail, &line), TAIL_LINE);
    }
    place = place_of(f);
    append(LOG, "\nf\n");
    rotate_by_renaming();
    go_on(f, place, 0);
    READS(f, "d e half f ");
}

/* mail.log.1.gz is being written, mail.log.1 is there still. */
static void passes_over_what_is_being_compressed(void **state)
{
    struct fixture *f = *state;
    struct place place;

    append(LOG, "a\nb\n");
    start(f, NULL, 0);
    READS(f, "a b ");
    place = place_of(f);
    append(LOG, "c\n");
    rotate_by_renaming();
    append(LOG, "d\n");
    run("printf 'a\\nb\\n' | gzip >" LOG ".1.gz");
    go_on(f, place, 0);
    READS(f, "c d ");
    /* What is not ours is not read, whatever its date. */
    append(LOG ".1.swp", "x\n");
    append(LOG ".old", "x\n");
    append(LOG "-notes.1", "x\n");
    append("other.log.1", "x\n");
    go_on(f, place, 0);
    READS(f, "c d ");
}

static void compressed_under_the_reader(void **state)
{
    struct fixture *f = *state;
    struct span line;

    append(LOG, "a\nb\n");
    rotate_by_renaming();
    append(LOG, "c\n");
    rotate_by_renaming();
    append(LOG, "d\n");
    start(f, NULL, 0);
    READS(f, "d "); /* no place: older files are not read */
    append(LOG, "e\n");
    rotate_by_renaming();
    append(LOG, "f\n");
    rotate_by_renaming();
    append(LOG, "g\n");
    assert_int_equal(tail_line(f->tail, &line), TAIL_LINE); /* e */
    run("gzip " LOG ".1 " LOG ".2");
    READS(f, "f g ");
}

static void no_file_has_the_place(void **state)
{
    static const struct place nowhere = { .offset = 5, .head = 5, .hash = 1 };
    struct fixture *f = *state;
    struct place place;

    start(f, &nowhere, 0);
    READS(f, "");
    append(LOG ".1", "x\n");
    append(LOG, "a\nb\n");
    READS(f, "a b ");
    /* The right beginning, but it ends too early. */
    place = place_of(f);
    place.offset = 100;
    go_on(f, place, 0);
    READS(f, "a b ");
}

static void no_file_at_all(void **state)
{
    struct fixture *f = *state;

    start(f, NULL, 0);
    assert_int_equal(mkdir(LOG, 0700), 0);
    READS(f, "");
    assert_int_equal(rmdir(LOG), 0);
    append(LOG, "a\n");
    READS(f, "a ");
    /* Replaced by a folder while it is read: what is open is read on. */
    rotate_by_renaming();
    assert_int_equal(mkdir(LOG, 0700), 0);
    append(LOG ".1", "b\n");
    READS(f, "b ");
    assert_int_equal(rmdir(LOG), 0);
    append(LOG, "c\n");
    READS(f, "c ");
}

/* What follows is remembered only, up to the place; in older files, too. */
static void reads_history(void **state)
{
    struct fixture *f = *state;
    struct place place;

    append(LOG, "1\n2\n");
    rotate_by_renaming();
    append(LOG, "3\n4\n");
    rotate_by_renaming();
    append(LOG, "5\n6\n");
    start(f, NULL, 0);
    READS(f, "5 6 ");
    place = place_of(f);
    append(LOG, "7\n");
    go_on(f, place, 2);
    READS(f, "[6] 7 ");
    go_on(f, place, 3); /* within a line */
    READS(f, "[6] 7 ");
    go_on(f, place, 4);
    READS(f, "[5] [6] 7 ");
    go_on(f, place, 6);
    READS(f, "[4] [5] [6] 7 ");
    go_on(f, place, 1000);
    /* As long as it is the past, the place stays. */
    for (int i = 0; i < 6; i++) {
        struct place now = place_of(f);
        struct span line;

        assert_true(place_eq(&place, &now));
        assert_int_equal(tail_line(f->tail, &line), TAIL_PAST);
    }
    READS(f, "7 ");
    run("gzip " LOG ".1");
    rotate_by_renaming();
    append(LOG, "8\n");
    go_on(f, place, 6);
    READS(f, "[4] [5] [6] 7 8 ");
    /* A place at the end of a file that is over. */
    go_on(f, place, 0);
    all_lines(f);
    place = place_of(f);
    rotate_by_renaming();
    append(LOG, "9\n");
    go_on(f, place, 4);
    READS(f, "[7] [8] 9 ");
}

static void old_files_have_their_own_time(void **state)
{
    struct timespec times[2] = { { .tv_sec = 1000 }, { .tv_sec = 2000 } };
    struct fixture *f = *state;
    struct place place;
    struct span line;

    append(LOG, "a\n");
    start(f, NULL, 0);
    READS(f, "a ");
    place = place_of(f);
    append(LOG, "b\n");
    rotate_by_renaming();
    assert_int_equal(utimensat(AT_FDCWD, LOG ".1", times, 0), 0);
    append(LOG, "c\n");
    go_on(f, place, 0);
    assert_int_equal(tail_line(f->tail, &line), TAIL_LINE);
    assert_int_equal(tail_time(f->tail, 77), 2000);
    assert_int_equal(tail_line(f->tail, &line), TAIL_LINE);
    assert_int_equal(tail_time(f->tail, 77), 77);
}

static void places_that_are_none(void **state)
{
    static const char *const texts[] = { "",
                                         "12",
                                         "12 10",
                                         "12 10 123",
                                         "-1 10 0123456789abcdef",
                                         "12 0 0123456789abcdef",
                                         "12 1025 0123456789abcdef",
                                         "12 10 0123456789abcdeg",
                                         "12 10 -123456789abcdef",
                                         "12 10 0123456789abcdef " };
    struct place place;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_false(place_parse(&place, span_of(texts[i])));
    assert_true(place_parse(&place, SPAN("12 10 0123456789abcdef")));
    assert_true(place_eq(&place, &(struct place){ 12, 10, 0x0123456789abcdef }));
}

/* --- lines --- */

static void add_bytes(struct lines *lines, const char *bytes, size_t n)
{
    size_t size;
    char *room = lines_room(lines, &size);

    assert_true(n <= size);
    memcpy(room, bytes, n);
    lines_add(lines, n);
}

static void lines_survive_every_cut(void **state)
{
    static const char text[] = "one\n\ntwo\n\0\0three\nfour";
    static const char *const each[] = { "one", "", "two", "three", "four" };
    struct lines *lines = lines_new();
    struct span line;

    (void)state;
    for (size_t cut = 0; cut < sizeof(text); cut++) {
        size_t n = 0;

        lines_start(lines, 10, false);
        add_bytes(lines, text, cut);
        while (lines_next(lines, &line))
            assert_true(span_eq(line, span_of(each[n++])));
        add_bytes(lines, text + cut, sizeof(text) - 1 - cut);
        while (lines_last(lines, &line))
            assert_true(span_eq(line, span_of(each[n++])));
        assert_int_equal(n, 5);
        assert_int_equal(lines_at(lines), 10 + sizeof(text) - 1);
    }
    lines_free(lines);
}

static void long_lines_are_cut(void **state)
{
    static const size_t lengths[] = { LINES_MOST - 1, LINES_MOST, LINES_MOST + 1, 2 * LINES_MOST + 1,
                                      10 * LINES_MOST };
    struct lines *lines = lines_new();
    struct span line;

    (void)state;
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        size_t n = 0, seen = 0;

        lines_start(lines, 0, false);
        while (n < lengths[i] + 1) {
            size_t size, part = lengths[i] + 1 - n;
            char *room = lines_room(lines, &size);

            part = part < 50000 ? part : 50000;
            assert_true(part <= size);
            memset(room, 'x', part);
            n += part;
            if (n == lengths[i] + 1)
                room[part - 1] = '\n';
            lines_add(lines, part);
            while (lines_next(lines, &line)) {
                assert_int_equal(line.n, lengths[i] < LINES_MOST ? lengths[i] : LINES_MOST);
                seen++;
            }
        }
        add_bytes(lines, "y\n", 2);
        assert_int_equal(seen, 1);
        assert_true(lines_next(lines, &line) && span_eq(line, SPAN("y")));
        assert_int_equal(lines_at(lines), lengths[i] + 3);
    }
    lines_free(lines);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(reads_what_is_written),
        TEST(renamed),
        TEST(renamed_with_half_a_line),
        TEST(renamed_several_times),
        TEST(copied_and_cut_off),
        TEST(cut_off_with_a_hole),
        TEST(replaced_by_a_copy),
        TEST(cut_off_without_a_copy),
        TEST(goes_on_at_a_place),
        TEST(goes_on_in_a_long_file),
        TEST(goes_on_through_all_rotations),
        TEST(passes_over_what_is_being_compressed),
        TEST(compressed_under_the_reader),
        TEST(no_file_has_the_place),
        TEST(no_file_at_all),
        TEST(reads_history),
        TEST(old_files_have_their_own_time),
        cmocka_unit_test(places_that_are_none),
        cmocka_unit_test(lines_survive_every_cut),
        cmocka_unit_test(long_lines_are_cut),
    };

    memset(long_beginning, 'x', sizeof(long_beginning) - 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
