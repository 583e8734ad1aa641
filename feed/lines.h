/* SPDX-License-Identifier: BSD-2-Clause */
/* lines: bytes in, lines out, and how far they reach into their file. No I/O: whoever reads a file, a pipe or
 * a compressed file puts the bytes where lines_room() says.
 *
 * A line longer than LINES_MOST is handed out cut, and the rest of it passed over. NULs in front of a line
 * are none of it: they are the hole that a writer leaves whose file was cut off under it. */
#ifndef FEED_LINES_H
#define FEED_LINES_H

#include "leadgate/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINES_MOST ((size_t)64 * 1024)

struct lines;

struct lines *lines_new(void);        /* NULL when out of memory */
void lines_free(struct lines *lines); /* NULL is fine */

/* Forgets what it holds: the next byte is the one at `at` of its file. within: that byte is in the middle of
 * a line, of which nothing is handed out. */
void lines_start(struct lines *lines, int64_t at, bool within);

/* Where to put the bytes that follow; never less than LINES_MOST once lines_next() has said false. Lines
 * handed out before are gone with it. */
char *lines_room(struct lines *lines, size_t *size);
void lines_add(struct lines *lines, size_t n);

/* The next complete line, without its LF; valid until the next lines_room(). */
bool lines_next(struct lines *lines, struct span *line);

/* What is left when nothing more will come: a last line without LF. */
bool lines_last(struct lines *lines, struct span *line);

/* Where in the file that begins which has not been handed out. */
int64_t lines_at(const struct lines *lines);

#endif
