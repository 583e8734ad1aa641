/* SPDX-License-Identifier: BSD-2-Clause */
/* csv: rows out of a file (RFC 4180), or plain lines. Written here and not taken from libcsv, which has had
 * no release since 2013, because two things matter for lists that people made by hand: the line on which a
 * row begins, and going on behind a quotation mark that is never closed, which to libcsv is the rest of the
 * file. */
#ifndef LEADGATE_CLI_CSV_H
#define LEADGATE_CLI_CSV_H

#include "leadgate/span.h"

#include <stdbool.h>
#include <stdint.h>

#define CSV_FIELDS   128         /* more fields than that in a row are passed over */
#define CSV_ROW_SIZE (64 * 1024) /* bytes of one row at most */
#define CSV_LINES    '\0'        /* as a separator: each line is one field, quotation marks mean nothing */

/* One row. The fields live until the next one is read. */
struct csv_row {
    struct span fields[CSV_FIELDS];
    size_t n;
    int64_t line;  /* on which it begins, from 1 */
    int64_t lines; /* that it takes up */
};

enum csv_found {
    CSV_MORE = 1, /* the row is not complete */
    CSV_ROW,
    CSV_BAD, /* a quoted field without an end, or too long a row; *used is its first line */
};

/* Takes one row off text, without I/O; *used is its length with the line end. last: nothing follows text.
 * Quoted fields are unquoted in place once the row is complete. */
enum csv_found csv_split(struct csv_row *row, char *text, size_t n, bool last, char separator, size_t *used);

/* The separator that a first line speaks for: comma, semicolon or tab. */
char csv_guess_separator(struct span line);

struct csv_file {
    int fd;
    char *buffer;
    size_t at, n;
    bool end;
    char separator;
    int64_t line;
    uint64_t taken; /* bytes that have been read as rows */
};

/* Opens path, `-` is standard input, and passes over a byte order mark. 0, or -1 with errno. */
int csv_open(struct csv_file *file, const char *path);
void csv_close(struct csv_file *file);

/* The first line, without taking it. */
struct span csv_peek(const struct csv_file *file);

enum csv_next { CSV_NEXT_ROW = 1, CSV_NEXT_BAD, CSV_NEXT_END, CSV_NEXT_FAILED };

/* The next row that is not empty. CSV_NEXT_BAD: row->line cannot be read, the next call goes on behind it.
 * CSV_NEXT_FAILED: errno says why. */
enum csv_next csv_next(struct csv_file *file, struct csv_row *row);

#endif
