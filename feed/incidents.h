/* SPDX-License-Identifier: BSD-2-Clause */
/* incidents: of all feeds that run one leads, by a lock in Redis that ends by itself: it looks at every
 * provider that was heard of lately, tends the incidents, and puts the shares together by which recipients
 * are guarded. One loop, one thread. */
#ifndef FEED_INCIDENTS_H
#define FEED_INCIDENTS_H

#include "leadgate/counters.h"
#include "leadgate/err.h"
#include "leadgate/settings.h"

struct event_base;
struct incidents;

/* What it is given is borrowed and must outlive it. follows: this feed follows a log, which is said in Redis,
 * too. Begins at once. NULL with err. */
struct incidents *incidents_new(struct event_base *base, const struct settings *settings, bool follows,
                                struct counters *counters, struct err *err);
/* Lets go of the lead, so that another feed need not wait for it. NULL is fine. */
void incidents_free(struct incidents *incidents);

#endif
