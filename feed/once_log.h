/* SPDX-License-Identifier: BSD-2-Clause */
/* once_log: a log that is read to its end. Prints a summary. No place is kept: what is applied again changes
 * nothing. */
#ifndef FEED_ONCE_LOG_H
#define FEED_ONCE_LOG_H

#include "feed/applier.h"
#include "leadgate/settings.h"

/* A file, plain or gzip'd. EX_OK; EX_NOINPUT: it cannot be read, or not to its end; EX_TEMPFAIL: Redis was
 * away, read it again. */
int once_log(struct applier *applier, const struct settings *settings, const char *path);

/* Standard input, which is read only once, by a program that stays: events are applied as they come; while
 * Redis is away no more is read, and the writer waits. EX_OK at its end, or on SIGTERM or SIGINT, when all
 * that was read is applied; a second signal ends it at once: EX_TEMPFAIL, and what was held is lost. */
int once_log_stdin(struct applier *applier, const struct settings *settings);

#endif
