/* SPDX-License-Identifier: BSD-2-Clause */
/* applications: what applications report, as a source of events on a libevent loop: looks five times a
 * second, at once while there is more, and with back-off while Redis is away. Has the shape that watch.h
 * describes. */
#ifndef FEED_APPLICATIONS_H
#define FEED_APPLICATIONS_H

#include "feed/applier.h"
#include "leadgate/err.h"
#include "leadgate/settings.h"

struct event_base;
struct applications;

/* Looks for the first time when the loop turns. settings and applier are borrowed and must outlive it. NULL
 * with err when out of memory. */
struct applications *applications_new(struct event_base *base, const struct settings *settings,
                                      struct applier *applier, struct err *err);
void applications_free(struct applications *applications); /* NULL is fine */

#endif
