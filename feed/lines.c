/* SPDX-License-Identifier: BSD-2-Clause */
#include "feed/lines.h"

#include <stdlib.h>
#include <string.h>

enum { CAPACITY = 256 * 1024 };

struct lines {
    size_t start, end; /* of what has not been handed out */
    size_t searched;   /* no LF stands before here */
    int64_t at;        /* of start, in the file */
    bool within;       /* passing over the rest of a line */
    char buffer[CAPACITY];
};

struct lines *lines_new(void)
{
    struct lines *lines = malloc(sizeof(*lines));

    if (lines != NULL)
        lines_start(lines, 0, false);
    return lines;
}

void lines_free(struct lines *lines)
{
    free(lines);
}

void lines_start(struct lines *lines, int64_t at, bool within)
{
    lines->start = lines->end = lines->searched = 0;
    lines->at = at;
    lines->within = within;
}

char *lines_room(struct lines *lines, size_t *size)
{
    size_t held = lines->end - lines->start;

    memmove(lines->buffer, lines->buffer + lines->start, held);
    lines->searched -= lines->start;
    lines->start = 0;
    lines->end = held;
    *size = CAPACITY - held;
    return lines->buffer + held;
}

void lines_add(struct lines *lines, size_t n)
{
    lines->end += n;
}

/* Lets go of n bytes. */
static void pass(struct lines *lines, size_t n)
{
    lines->start += n;
    lines->at += (int64_t)n;
    if (lines->searched < lines->start)
        lines->searched = lines->start;
}

static void pass_nuls(struct lines *lines)
{
    size_t n = 0;

    while (lines->start + n < lines->end && lines->buffer[lines->start + n] == '\0')
        n++;
    pass(lines, n);
}

/* Hands out n bytes and passes over those behind them. */
static struct span hand_out(struct lines *lines, size_t n, size_t behind)
{
    struct span line = { lines->buffer + lines->start, n };

    pass(lines, n + behind);
    return line;
}

/* How long what begins at start is, up to its LF or, where none has come yet (false), as far as it goes. */
static bool find_end(struct lines *lines, size_t *n)
{
    const char *lf = memchr(lines->buffer + lines->searched, '\n', lines->end - lines->searched);

    lines->searched = lf != NULL ? (size_t)(lf - lines->buffer) : lines->end;
    *n = lines->searched - lines->start;
    return lf != NULL;
}

/* The rest of a line of which no more is handed out; false: it goes on. */
static bool pass_rest(struct lines *lines)
{
    size_t n;
    bool whole = find_end(lines, &n);

    pass(lines, n + whole);
    lines->within = !whole;
    return whole;
}

bool lines_next(struct lines *lines, struct span *line)
{
    bool whole;
    size_t n;

    if (lines->within && !pass_rest(lines))
        return false;
    pass_nuls(lines);
    whole = find_end(lines, &n);
    if (!whole && n <= LINES_MOST)
        return false;
    lines->within = n > LINES_MOST;
    *line = lines->within ? hand_out(lines, LINES_MOST, 0) : hand_out(lines, n, 1);
    return true;
}

bool lines_last(struct lines *lines, struct span *line)
{
    if (lines_next(lines, line))
        return true;
    if (lines->start == lines->end)
        return false;
    *line = hand_out(lines, lines->end - lines->start, 0);
    return true;
}

int64_t lines_at(const struct lines *lines)
{
    return lines->at;
}
