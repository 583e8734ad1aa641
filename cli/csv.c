/* SPDX-License-Identifier: BSD-2-Clause */
/* A row is looked for twice: first where it ends, which leaves the bytes alone, so that it can be tried again
 * when more of the file is there; then its fields, which are unquoted in place. */
#include "cli/csv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Where the row ends: the offset of its LF, n when text ends before; *open: within quotation marks, or they
 * make no sense: what opened on one line closes on another one in the middle of a field, so it has swallowed
 * rows. */
static size_t find_end(const char *text, size_t n, char separator, bool *open)
{
    size_t opened = 0, closed = n;
    bool at_start = true;

    *open = false;
    if (separator == CSV_LINES) {
        const char *end = n > 0 ? memchr(text, '\n', n) : NULL;

        return end != NULL ? (size_t)(end - text) : n;
    }
    for (size_t i = 0; i < n; i++) {
        /* A doubled quotation mark closes and opens again: for finding the end that is the same. */
        if (*open && text[i] == '"') {
            closed = i;
            *open = false;
            if (i + 1 < n && text[i + 1] != separator && memchr("\r\n\"", text[i + 1], 3) == NULL &&
                memchr(text + opened, '\n', i - opened) != NULL) {
                *open = true;
                return i;
            }
        } else if (!*open && text[i] == '\n') {
            return i;
        } else if (!*open && text[i] == '"' && (at_start || closed + 1 == i)) {
            opened = at_start ? i : opened;
            *open = true;
        }
        at_start = !*open && text[i] == separator;
    }
    return n;
}

/* Takes a quoted field off text and unquotes it; text behind its end belongs to it, as spreadsheets have it.
 */
static struct span take_quoted(char *text, size_t n, char separator, size_t *used)
{
    size_t from = 1, to = 0;
    bool open = true;

    for (; from < n; from++) {
        if (text[from] == '"' && open && from + 1 < n && text[from + 1] == '"')
            text[to++] = text[from++];
        else if (text[from] == '"' && open)
            open = false;
        else if (!open && text[from] == separator)
            break;
        else
            text[to++] = text[from];
    }
    *used = from;
    return (struct span){ text, to };
}

static void split_fields(struct csv_row *row, char *text, size_t n, char separator)
{
    row->n = 0;
    for (;;) {
        const char *end;
        struct span field;
        size_t used;

        if (n > 0 && text[0] == '"' && separator != CSV_LINES) {
            field = take_quoted(text, n, separator, &used);
        } else {
            end = separator != CSV_LINES && n > 0 ? memchr(text, separator, n) : NULL;
            used = end != NULL ? (size_t)(end - text) : n;
            field = (struct span){ text, used };
        }
        if (row->n < CSV_FIELDS)
            row->fields[row->n++] = field;
        if (used >= n)
            return;
        text += used + 1;
        n -= used + 1;
    }
}

/* The length of the first line with its end. */
static size_t first_line(const char *text, size_t n)
{
    const char *end = n > 0 ? memchr(text, '\n', n) : NULL;

    return end != NULL ? (size_t)(end - text) + 1 : n;
}

enum csv_found csv_split(struct csv_row *row, char *text, size_t n, bool last, char separator, size_t *used)
{
    size_t end, length;
    bool open;

    end = find_end(text, n, separator, &open);
    if (end == n && !last && n < CSV_ROW_SIZE)
        return CSV_MORE;
    if (open || end >= CSV_ROW_SIZE) {
        *used = first_line(text, n);
        row->lines = 1;
        return CSV_BAD;
    }
    *used = end < n ? end + 1 : n;
    row->lines = 0;
    for (size_t i = 0; i < *used; i++)
        row->lines += text[i] == '\n';
    length = end > 0 && text[end - 1] == '\r' ? end - 1 : end;
    split_fields(row, text, length, separator);
    return CSV_ROW;
}

char csv_guess_separator(struct span line)
{
    static const char separators[] = { ',', ';', '\t' };
    size_t most = 0;
    char guess = ',';

    for (size_t s = 0; s < sizeof(separators); s++) {
        size_t n = 0;

        for (size_t i = 0; i < line.n; i++)
            n += line.p[i] == separators[s];
        if (n > most) {
            most = n;
            guess = separators[s];
        }
    }
    return guess;
}

/* Fills the buffer up. 0, or -1 with errno. */
static int refill(struct csv_file *file)
{
    memmove(file->buffer, file->buffer + file->at, file->n - file->at);
    file->n -= file->at;
    file->at = 0;
    while (!file->end && file->n < 2 * CSV_ROW_SIZE) {
        ssize_t got = read(file->fd, file->buffer + file->n, 2 * CSV_ROW_SIZE - file->n);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        file->end = got == 0;
        file->n += (size_t)got;
    }
    return 0;
}

int csv_open(struct csv_file *file, const char *path)
{
    static const char mark[] = { '\xef', '\xbb', '\xbf' };

    *file = (struct csv_file){ .fd = -1, .separator = CSV_LINES, .line = 1 };
    if ((file->buffer = malloc(2 * CSV_ROW_SIZE)) == NULL)
        return -1;
    file->fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (file->fd < 0 || refill(file) < 0)
        return -1;
    if (file->n >= sizeof(mark) && memcmp(file->buffer, mark, sizeof(mark)) == 0)
        file->at = sizeof(mark);
    file->taken = file->at;
    return 0;
}

void csv_close(struct csv_file *file)
{
    if (file->fd > STDIN_FILENO)
        close(file->fd);
    free(file->buffer);
    *file = (struct csv_file){ .fd = -1 };
}

struct span csv_peek(const struct csv_file *file)
{
    const char *text = file->buffer + file->at;

    return span_trim((struct span){ text, first_line(text, file->n - file->at) });
}

static void take(struct csv_file *file, const struct csv_row *row, size_t used)
{
    file->line += row->lines;
    file->at += used;
    file->taken += used;
}

enum csv_next csv_next(struct csv_file *file, struct csv_row *row)
{
    for (;;) {
        char *text = file->buffer + file->at;
        size_t used = 0, n = file->n - file->at;

        if (n == 0 && file->end)
            return CSV_NEXT_END;
        row->line = file->line;
        switch (csv_split(row, text, n, file->end, file->separator, &used)) {
        case CSV_MORE:
            if (refill(file) < 0)
                return CSV_NEXT_FAILED;
            break;
        case CSV_BAD: take(file, row, used); return CSV_NEXT_BAD;
        case CSV_ROW:
            take(file, row, used);
            if (row->n > 1 || row->fields[0].n > 0)
                return CSV_NEXT_ROW;
            break;
        }
    }
}
