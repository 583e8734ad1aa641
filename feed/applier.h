/* SPDX-License-Identifier: BSD-2-Clause */
/* applier: the door through which every source's events go into Redis, and their log lines out. All sources
 * of a program share one, and with it one connection. It says when Redis goes away and when it is back, once
 * each. One thread. */
#ifndef FEED_APPLIER_H
#define FEED_APPLIER_H

#include "leadgate/counters.h"
#include "leadgate/err.h"
#include "leadgate/settings.h"
#include "leadgate/store.h"
#include "leadgate/store_position.h"

#include <stddef.h>
#include <stdint.h>

struct applier;

/* settings and counters are borrowed and must outlive the applier. NULL when out of memory. Does not connect.
 */
struct applier *applier_new(const struct settings *settings, struct counters *counters);
void applier_free(struct applier *applier); /* NULL is fine */

/* Whether Redis can be used; logs what an operator should know. For the start of a program that stays. */
void applier_check(struct applier *applier);

/* Applies n events, in order where they concern one lead. STORE_DOWN, with err: none, or only some, were
 * applied; apply all of them again later. *repeats: how many were known already; may be NULL. Each event has
 * its line in the log, but for deliveries and deferrals that changed nothing: there is no end of them. */
enum store_rc applier_apply(struct applier *applier, const struct event *events, size_t n, int64_t now,
                            int64_t *repeats, struct err *err);

/* Adds to leadgate:counters what has been counted; what Redis does not take stays counted. Applying does it,
 * too, at most once a second: this is for what that leaves, and for the end. */
void applier_flush(struct applier *applier);

/* As store_find_position() and store_keep_position(). */
enum store_rc applier_find_position(struct applier *applier, struct span source, char place[POSITION_SIZE],
                                    struct err *err);
enum store_rc applier_keep_position(struct applier *applier, struct span source, struct span place,
                                    struct err *err);

#endif
