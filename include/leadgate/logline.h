/* SPDX-License-Identifier: BSD-2-Clause */
/* logline: one line of `word key=value ...` per refusal, event or change, to syslog(3) or standard error.
 *
 * A line is built in the caller's buffer (no statics: the milter has threads) and sent in one write. Values
 * are made safe here and only here: bytes outside printable ASCII and UTF-8 letters become '?', a value that
 * is empty or holds a blank, a quote or '=' is put into double quotes with '"' and '\' escaped. So a line can
 * be split again by machine, and a remote server's words can never forge a field. */
#ifndef LEADGATE_LOGLINE_H
#define LEADGATE_LOGLINE_H

#include "leadgate/span.h"

#include <stdint.h>
#include <syslog.h>

enum log_sink { LOG_TO_STDERR, LOG_TO_SYSLOG };

/* Where lines go from now on, for the whole process; call it before threads exist. ident is kept, not copied.
 * syslog uses facility LOG_MAIL. Before the first call lines go to standard error. */
void log_open(enum log_sink sink, const char *ident);

struct logline {
    char text[2000];
    size_t n;
};

/* word: a fixed literal that says what happened: "refused", "event", "warning". */
void logline_start(struct logline *line, const char *word);
void logline_span(struct logline *line, const char *key, struct span value);
void logline_text(struct logline *line, const char *key, const char *value);
void logline_int(struct logline *line, const char *key, int64_t value);
/* Seconds since the epoch as 2026-11-22T09:53:05Z; 0 is left out. */
void logline_time(struct logline *line, const char *key, int64_t value);
/* priority: LOG_ERR, LOG_WARNING, LOG_NOTICE or LOG_INFO of syslog(3). */
void logline_send(const struct logline *line, int priority);

/* A line with one text: `warning text="..."`, the word after the priority. */
__attribute__((format(printf, 2, 3))) void log_say(int priority, const char *fmt, ...);

/* The form in which all programs write points in time for people: 2026-11-22T09:53:05Z. Returns dst. */
#define TIME_TEXT_SIZE 32
const char *time_text(char dst[TIME_TEXT_SIZE], int64_t seconds);

#endif
