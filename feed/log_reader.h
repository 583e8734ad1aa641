/* SPDX-License-Identifier: BSD-2-Clause */
/* log_reader: a log's lines in, the events that they tell of held until they are applied. What a followed log
 * and one that is read once have in common. One thread. */
#ifndef FEED_LOG_READER_H
#define FEED_LOG_READER_H

#include "feed/applier.h"
#include "leadgate/err.h"
#include "leadgate/maillog.h"
#include "leadgate/settings.h"
#include "leadgate/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct log_reader;

/* What has gone through, since log_reader_new(). */
struct log_tally {
    struct maillog_tally read;
    int64_t events, repeats; /* applied; of these: known already */
};

/* What it is given is borrowed and must outlive it. NULL with err. */
struct log_reader *log_reader_new(const struct settings *settings, struct applier *applier, struct err *err);
void log_reader_free(struct log_reader *reader); /* NULL is fine; what it holds has not happened */

/* Reads one line, written at `now` as far as is known. False when out of memory: then nothing that is held
 * may be taken for complete. */
bool log_reader_line(struct log_reader *reader, struct span line, int64_t now);
/* Reads one that was read before: it is only remembered. */
void log_reader_recall(struct log_reader *reader, struct span line, int64_t now);

size_t log_reader_held(const struct log_reader *reader);
/* Whether what is held is to be applied before the next line is read. */
bool log_reader_full(const struct log_reader *reader);

/* Applies what is held. It is held on until log_reader_drop(), and may be applied again: those are repeats.
 */
enum store_rc log_reader_apply(struct log_reader *reader, int64_t now, struct err *err);
/* Forgets what is held: it is applied, or is to be read again. */
void log_reader_drop(struct log_reader *reader);

/* When the last event that was applied happened; 0 = none was. */
int64_t log_reader_last(const struct log_reader *reader);

struct log_tally log_reader_tally(const struct log_reader *reader);
/* Says in a log line what has been read of the log `name`, where something has since the last time: each
 * hour, and at the end. */
void log_reader_say_hourly(struct log_reader *reader, const char *name);
void log_reader_say(struct log_reader *reader, const char *name);

#endif
