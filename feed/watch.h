/* SPDX-License-Identifier: BSD-2-Clause */
/* watch: a Maildir as a source of events on a libevent loop: looks when inotify(7) tells of a new mail, once
 * a minute all the same, and again with back-off while the Maildir is missing or Redis is away. Every source
 * has this shape: made on a loop with an intake, works in small turns, freed by the program. */
#ifndef FEED_WATCH_H
#define FEED_WATCH_H

#include "feed/intake.h"
#include "leadgate/err.h"
#include "leadgate/settings.h"

struct event_base;
struct watch;

/* Looks for the first time when the loop turns. path, settings and intake are borrowed and must outlive it.
 * NULL with err when the system has no room for it. */
struct watch *watch_new(struct event_base *base, const char *path, const struct feed_settings *settings,
                        struct intake *intake, struct err *err);
void watch_free(struct watch *watch); /* NULL is fine */

#endif
