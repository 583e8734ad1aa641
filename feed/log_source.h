/* SPDX-License-Identifier: BSD-2-Clause */
/* log_source: a Postfix log as a source of events on a libevent loop (the shape of a source: watch.h). Its
 * place is kept in Redis behind the events that stand before it, so that after whatever end it goes on where
 * it was; who sent which message, and to whom it is still deferred, is read up from the log again. */
#ifndef FEED_LOG_SOURCE_H
#define FEED_LOG_SOURCE_H

#include "feed/applier.h"
#include "leadgate/err.h"
#include "leadgate/settings.h"

struct event_base;
struct log_source;

/* Looks for the first time when the loop turns. What it is given is borrowed and must outlive it. NULL with
 * err. */
struct log_source *log_source_new(struct event_base *base, const char *path, const struct settings *settings,
                                  struct applier *applier, struct err *err);
void log_source_free(struct log_source *source); /* NULL is fine; says what it has read */

#endif
