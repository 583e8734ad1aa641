/* SPDX-License-Identifier: BSD-2-Clause */
/* output: words on standard output. What comes from Redis, a list or a remote server may hold any byte:
 * nothing of it reaches a terminal as a control character, ends a line or forges a column. */
#ifndef LEADGATE_CLI_OUTPUT_H
#define LEADGATE_CLI_OUTPUT_H

#include "leadgate/span.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* As text: control characters and bytes that are no UTF-8 become '?'. */
void output_text(FILE *to, struct span text);

/* As a field of CSV (RFC 4180), quoted where needed, control characters made safe. */
void output_csv(FILE *to, struct span text);
/* A whole line. */
void output_csv_row(const struct span *fields, size_t n);

/* As a JSON string (RFC 8259) with its quotes. Bytes that are no UTF-8 become U+FFFD. */
void output_json(struct span text);
/* `"name":"value",`, `"name":12,`: members; first is true for the first one, and is then false. An empty
 * value, or a time of 0, is left out. */
void output_json_text(bool *first, const char *name, struct span value);
void output_json_int(bool *first, const char *name, int64_t value);
void output_json_time(bool *first, const char *name, int64_t value);

/* True when nobody reads any more, or nothing can be written: then going on is in vain. */
bool output_ends(void);

/* Whether a progress bar may be shown beside what is printed: never where standard output is a pipe (the
 * reader, less(1) for one, may use the same terminal), nor where the answer streams to the terminal itself.
 */
bool output_allows_bar(bool streams);

/* Writes a file anew: print() does, and need not look for errors. 0, or -1 after saying why it is not there
 * or not whole. */
int output_file(const char *path, void (*print)(FILE *to, const void *what), const void *what);

/* Flushes. status, or EX_IOERR after saying why what was printed did not arrive. A reader that has gone, as
 * `head` does, is no error. */
int output_finish(int status);

#endif
