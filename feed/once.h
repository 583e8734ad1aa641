/* SPDX-License-Identifier: BSD-2-Clause */
/* once: sources that are read to their end, each from beginning to end in one call. The answers are exit
 * statuses of sysexits.h; in all of them a run that failed, or was killed, can simply be repeated. */
#ifndef FEED_ONCE_H
#define FEED_ONCE_H

#include "feed/applier.h"
#include "feed/intake.h"
#include "leadgate/settings.h"

/* EX_OK; EX_NOINPUT: there is no such mbox; EX_TEMPFAIL: Redis was away before the end. Prints a summary. */
int once_mbox(struct intake *intake, const struct feed_settings *settings, const char *path);

/* Those Maildirs and, unless applier is NULL, what applications have reported. EX_OK; EX_NOINPUT: one of
 * the Maildirs cannot be read; EX_TEMPFAIL: Redis was away before the end. Prints a summary. */
int once_sources(struct intake *intake, struct applier *applier, const struct settings *settings,
                 const struct config_texts *maildirs);

/* One mail, for pipe(8), which takes EX_TEMPFAIL as "keep it in the queue": for all that goes wrong here. */
int once_stdin(struct intake *intake, const struct feed_settings *settings);

#endif
