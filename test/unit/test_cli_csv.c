/* SPDX-License-Identifier: BSD-2-Clause */
/* Rows as spreadsheets and other systems write them, cut anywhere; what the header's names mean. */
#include "cli/csv.h"
#include "cli/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* The fields of all rows: `|` between fields, `/` behind a row, `!` for a line that cannot be read. */
static void read_all(const char *text, char separator, char *out, size_t size)
{
    size_t n = strlen(text), used;
    char *copy = malloc(n + 1), *p = copy;
    FILE *to = fmemopen(out, size, "w");
    struct csv_row row;

    memcpy(copy, text, n + 1);
    while (n > 0) {
        enum csv_found found = csv_split(&row, p, n, true, separator, &used);

        assert_int_not_equal(found, CSV_MORE);
        for (size_t i = 0; found == CSV_ROW && i < row.n; i++)
            fprintf(to, "%s%.*s", i > 0 ? "|" : "", SPAN_FMT(row.fields[i]));
        fputs(found == CSV_ROW ? "/" : "!", to);
        p += used;
        n -= used;
    }
    fclose(to);
    free(copy);
}

static void rows_and_fields(void **state)
{
    static const struct {
        const char *text;
        char separator;
        const char *want;
    } cases[] = {
        { "a,b\r\nc,d\n", ',', "a|b/c|d/" },
        { "a;b,c;d", ';', "a|b,c|d/" },
        { "a\t\tb\n", '\t', "a||b/" },
        { "\"a,b\",c\n", ',', "a,b|c/" },
        { "\"a \"\"b\"\"\",c\n", ',', "a \"b\"|c/" },
        { "\"a\nb\",c\nd,e\n", ',', "a\nb|c/d|e/" },
        { "\"\",x\n", ',', "|x/" },
        { "a,\n,b\n", ',', "a|/|b/" },
        { "5\" nail,b\nc\n", ',', "5\" nail|b/c/" },
        { "\"a\"b,c\n", ',', "ab|c/" },
        /* Never closed: its line is lost, what follows is not. */
        { "x,\"open\nann,b\n", ',', "!ann|b/" },
        /* Closed, as it seems, by a field that has swallowed rows. */
        { "\"open,x\nann,b\ncarl,\"d\"\n", ',', "!ann|b/carl|d/" },
        { "\"a\",b\n", CSV_LINES, "\"a\",b/" },
        { "a\n\"\n", CSV_LINES, "a/\"/" },
    };
    char got[256];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        memset(got, 0, sizeof(got));
        read_all(cases[i].text, cases[i].separator, got, sizeof(got));
        assert_string_equal(got, cases[i].want);
    }
}

/* A row is taken only when it is there to its end, and its bytes are left alone until then. */
static void every_cut(void **state)
{
    static const char text[] = "\"a \"\"b\"\"\n\",c;\"d\"\n";
    struct csv_row row;
    size_t used;

    (void)state;
    for (size_t cut = 0; cut < sizeof(text) - 1; cut++) {
        char copy[sizeof(text)];

        memcpy(copy, text, sizeof(text));
        if (cut > 0)
            assert_int_equal(csv_split(&row, copy, cut, false, ',', &used), CSV_MORE);
        assert_string_equal(copy, text);
        assert_int_equal(csv_split(&row, copy, sizeof(text) - 1, false, ',', &used), CSV_ROW);
        assert_int_equal(used, sizeof(text) - 1);
        assert_int_equal(row.lines, 2);
        assert_true(span_eq(row.fields[0], SPAN("a \"b\"\n")));
    }
}

/* A file in $TMPDIR; the caller unlinks it. */
static void write_file(char path[32], const char *text)
{
    int fd;

    snprintf(path, 32, "/tmp/leadgate-csv.XXXXXX");
    fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

static void files_keep_count_of_lines(void **state)
{
    static const char text[] = "\xef\xbb\xbf"
                               "Name;E-Mail\r\n\r\n\"two\nlines\";ann@x.com\r\n\"open;y\r\nz;bob@x.com";
    struct table table;
    struct csv_row row;
    char path[32];
    struct err err;

    (void)state;
    write_file(path, text);
    assert_int_equal(table_open(&table, path, TABLE_GUESS, NULL, &err), 0);
    assert_int_equal(csv_next(&table.file, &row), CSV_NEXT_ROW);
    assert_int_equal(row.line, 3);
    assert_true(span_eq(table_get(&table, &row, COLUMN_ADDRESS), SPAN("ann@x.com")));
    assert_int_equal(csv_next(&table.file, &row), CSV_NEXT_BAD);
    assert_int_equal(row.line, 5);
    assert_int_equal(csv_next(&table.file, &row), CSV_NEXT_ROW);
    assert_int_equal(row.line, 6);
    assert_true(span_eq(table_get(&table, &row, COLUMN_ADDRESS), SPAN("bob@x.com")));
    assert_int_equal(csv_next(&table.file, &row), CSV_NEXT_END);
    table_close(&table);
    unlink(path);
}

static void lists_without_a_header(void **state)
{
    struct table table;
    struct csv_row row;
    char path[32];
    struct err err;

    (void)state;
    write_file(path, "ann@x.com\n\nbob@x.com\n");
    assert_int_equal(table_open(&table, path, TABLE_GUESS, NULL, &err), 0);
    assert_int_equal(csv_next(&table.file, &row), CSV_NEXT_ROW);
    assert_true(span_eq(table_get(&table, &row, COLUMN_ADDRESS), SPAN("ann@x.com")));
    assert_int_equal(table_get(&table, &row, COLUMN_REASON).n, 0);
    table_close(&table);
    /* Told to be CSV, it must name its columns. */
    assert_int_equal(table_open(&table, path, TABLE_CSV, NULL, &err), -1);
    table_close(&table);
    assert_int_equal(table_open(&table, path, TABLE_GUESS, "mobile", &err), -1);
    table_close(&table);
    unlink(path);
}

static void headers_of_other_systems(void **state)
{
    static const struct {
        const char *name;
        enum column column;
    } cases[] = {
        { "address", COLUMN_ADDRESS },
        { "E-Mail", COLUMN_ADDRESS },
        { "Email Address", COLUMN_ADDRESS },
        { "EmailAddress", COLUMN_ADDRESS },
        { "RECIPIENT", COLUMN_ADDRESS },
        { "Reason", COLUMN_REASON },
        { "SuppressionReason", COLUMN_REASON },
        { "type", COLUMN_REASON },
        { "created_at", COLUMN_DATE },
        { "CreatedAt", COLUMN_DATE },
        { "LastUpdateTime", COLUMN_DATE },
        { "UNSUB_TIME", COLUMN_DATE },
        { "status", COLUMN_STATUS },
        { "error", COLUMN_DIAG },
        { "First Name", COLUMNS },
        { "", COLUMNS },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(column_of(span_of(cases[i].name)), cases[i].column);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_and_fields),           cmocka_unit_test(every_cut),
        cmocka_unit_test(files_keep_count_of_lines), cmocka_unit_test(lists_without_a_header),
        cmocka_unit_test(headers_of_other_systems),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
