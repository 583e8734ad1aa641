/* SPDX-License-Identifier: BSD-2-Clause */
/* The logs of the past: their lines, plain and gzip'd, whole and damaged; and which log is the oldest. */
#include "cli/log_file.h"
#include "cli/log_order.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#define CLOCK INT64_C(1795000000) /* some day in 2026 */

static char folder[] = "/tmp/leadgate-log-XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

struct place {
    char path[100];
};

static struct place in_folder(const char *name)
{
    struct place place;

    snprintf(place.path, sizeof(place.path), "%s/%s", folder, name);
    return place;
}

static void write_plain(const char *path, struct span text)
{
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(text.p, 1, text.n, file), text.n);
    fclose(file);
}

/* mode "ab" adds a member, as `cat a.gz b.gz` does. */
static void write_packed(const char *path, const char *mode, struct span text)
{
    gzFile file = gzopen(path, mode);

    assert_non_null(file);
    assert_int_equal(gzwrite(file, text.p, (unsigned)text.n), (int)text.n);
    assert_int_equal(gzclose(file), Z_OK);
}

/* All lines, each behind its length in angle brackets when it is a long one. */
static enum log_next read_all(const char *path, char *dst, size_t size, struct err *err)
{
    struct log_file file;
    struct span line;
    enum log_next next;
    size_t n = 0;

    assert_int_equal(log_file_open(&file, path, CLOCK, err), 0);
    dst[0] = '\0';
    while ((next = log_file_next(&file, &line, err)) == LOG_LINE)
        n += (size_t)(line.n < 100 ? snprintf(dst + n, size - n, "[%.*s]", SPAN_FMT(line))
                                   : snprintf(dst + n, size - n, "[%c%zu]", line.p[0], line.n));
    assert_true(n < size);
    if (next == LOG_END)
        assert_true(file.size == 0 || file.taken == file.size);
    log_file_close(&file);
    log_file_close(&file);
    return next;
}

static void lines_end_as_they_may(void **state)
{
    static const struct {
        const char *text, *lines;
    } rows[] = {
        { "", "" },     { "a\nb\n", "[a][b]" }, { "a\nb", "[a][b]" }, { "a\r\n\r\n\nb\r", "[a][][][b]" },
        { "\n", "[]" },
    };
    struct place plain = in_folder("plain"), packed = in_folder("packed");
    char lines[100];
    struct err err;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        write_plain(plain.path, span_of(rows[i].text));
        assert_int_equal(read_all(plain.path, lines, sizeof(lines), &err), LOG_END);
        assert_string_equal(lines, rows[i].lines);
        write_packed(packed.path, "wb", span_of(rows[i].text));
        assert_int_equal(read_all(packed.path, lines, sizeof(lines), &err), LOG_END);
        assert_string_equal(lines, rows[i].lines);
    }
    unlink(plain.path);
    unlink(packed.path);
}

/* Of a line that is too long the beginning counts, and the next one is whole; wherever the buffer ends. */
static void long_lines_are_cut(void **state)
{
    static const size_t lengths[] = { LOG_LINE_MOST - 1,     LOG_LINE_MOST,         LOG_LINE_MOST + 1,
                                      4 * LOG_LINE_MOST - 1, 4 * LOG_LINE_MOST,     4 * LOG_LINE_MOST + 1,
                                      9 * LOG_LINE_MOST,     12 * LOG_LINE_MOST - 1 };
    struct place place = in_folder("long");
    char *text = malloc(16 * LOG_LINE_MOST), lines[100], want[100];
    struct err err;

    (void)state;
    assert_non_null(text);
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        size_t n = lengths[i], kept = n < LOG_LINE_MOST ? n : LOG_LINE_MOST;

        memset(text, 'x', n);
        memcpy(text + n, "\nnext\n", 6);
        write_plain(place.path, (struct span){ text, n + 6 });
        assert_int_equal(read_all(place.path, lines, sizeof(lines), &err), LOG_END);
        snprintf(want, sizeof(want), "[x%zu][next]", kept);
        assert_string_equal(lines, want);
        /* The last line, without an end. */
        write_plain(place.path, (struct span){ text, n });
        assert_int_equal(read_all(place.path, lines, sizeof(lines), &err), LOG_END);
        snprintf(want, sizeof(want), "[x%zu]", kept);
        assert_string_equal(lines, want);
    }
    free(text);
    unlink(place.path);
}

static void packed_in_pieces(void **state)
{
    struct place place = in_folder("pieces.gz");
    char lines[100];
    struct err err;

    (void)state;
    write_packed(place.path, "wb", SPAN("a\nb"));
    write_packed(place.path, "ab", SPAN("c\nd\n"));
    assert_int_equal(read_all(place.path, lines, sizeof(lines), &err), LOG_END);
    assert_string_equal(lines, "[a][bc][d]");
    unlink(place.path);
}

/* Cut off anywhere behind its first bytes, it says so. */
static void a_damaged_file_is_told(void **state)
{
    struct place place = in_folder("damaged.gz");
    char bytes[200], lines[200];
    struct err err;
    FILE *file;
    size_t n;

    (void)state;
    write_packed(place.path, "wb", SPAN("the first line\nthe second line, which is longer\nand one more\n"));
    file = fopen(place.path, "rb");
    assert_non_null(file);
    n = fread(bytes, 1, sizeof(bytes), file);
    fclose(file);
    for (size_t cut = 20; cut < n; cut++) {
        write_plain(place.path, (struct span){ bytes, cut });
        assert_int_equal(read_all(place.path, lines, sizeof(lines), &err), LOG_BROKEN);
        assert_non_null(strstr(err.text, "damaged.gz: "));
    }
    bytes[n - 8] = (char)(bytes[n - 8] ^ 1); /* its checksum */
    write_plain(place.path, (struct span){ bytes, n });
    assert_int_equal(read_all(place.path, lines, sizeof(lines), &err), LOG_BROKEN);
    unlink(place.path);
}

static void what_cannot_be_opened(void **state)
{
    struct place place = in_folder("nothing");
    struct log_file file;
    struct err err;

    (void)state;
    assert_int_equal(log_file_open(&file, place.path, CLOCK, &err), -1);
    assert_non_null(strstr(err.text, "nothing: No such file"));
    log_file_close(&file);
    assert_int_equal(log_file_open(&file, folder, CLOCK, &err), -1);
    assert_non_null(strstr(err.text, ": Is a directory"));
    log_file_close(&file);
}

/* --- the order of several --- */

static void write_log(const char *path, const char *time, int64_t changed)
{
    struct timespec times[2] = { { .tv_sec = changed }, { .tv_sec = changed } };
    char text[400] = "";

    if (time != NULL)
        snprintf(
            text, sizeof(text),
            "%s mx postfix/qmgr[1]: 1C7D3AAE587: from=<s@example.org>, size=1, nrcpt=1 (queue active)\n"
            "%s mx postfix/smtp[1]: 1C7D3AAE587: to=<ann@example.com>, relay=mx.example.net[192.0.2.1]:25, "
            "delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 ok)\n",
            time, time);
    write_plain(path, span_of(text));
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void check_order(char **paths, size_t n, const char *want)
{
    struct maillog_settings settings = { .messages = 10 };
    char got[32] = "";
    struct err err;

    settings.context.classifier = classifier_new(NULL, 0, &err);
    assert_non_null(settings.context.classifier);
    assert_int_equal(log_order(paths, n, &settings, CLOCK, &err), 0);
    for (size_t i = 0; i < n; i++)
        strncat(got, paths[i] + strlen(paths[i]) - 1, 1);
    assert_string_equal(got, want);
    classifier_free((struct classifier *)(uintptr_t)settings.context.classifier);
}

static void the_oldest_goes_first(void **state)
{
    struct place a = in_folder("a"), b = in_folder("b"), c = in_folder("c"), d = in_folder("d");
    char *paths[] = { a.path, b.path, c.path, d.path }, *one[] = { a.path };
    char *with_input[] = { c.path, a.path, (char[]){ "-" }, b.path };
    char *missing[] = { a.path, (char[]){ "/nonexistent/x" } };
    struct maillog_settings settings = { .messages = 10 };
    struct err err;

    (void)state;
    setenv("TZ", "UTC", 1);
    write_log(a.path, "2026-10-05T00:00:00Z", CLOCK);
    /* Of December; the file was last changed on 3 January 2026, so it is that of 2025. */
    write_log(b.path, "Dec 31 23:00:00", INT64_C(1767398400));
    /* Nothing in it yet: it stands where it was made, on 1 October 2026. */
    write_log(c.path, NULL, INT64_C(1790812800));
    write_log(d.path, "2026-10-05T00:00:00Z", CLOCK);
    check_order(paths, 4, "bcad");
    /* Equal ones stay as they were. */
    check_order((char *[]){ d.path, c.path, b.path, a.path }, 4, "bcda");
    check_order(with_input, 4, "ca-b");
    check_order(one, 1, "a");
    assert_int_equal(log_order(missing, 2, &settings, CLOCK, &err), -1);
    assert_non_null(strstr(err.text, "/nonexistent/x: No such file"));
    for (size_t i = 0; i < 4; i++)
        unlink(paths[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_end_as_they_may), cmocka_unit_test(long_lines_are_cut),
        cmocka_unit_test(packed_in_pieces),      cmocka_unit_test(a_damaged_file_is_told),
        cmocka_unit_test(what_cannot_be_opened), cmocka_unit_test(the_oldest_goes_first),
    };

    bounce_init();
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
