/* SPDX-License-Identifier: BSD-2-Clause */
/* applier: the door through which every source's events go into Redis, and their log lines out. All sources
 * of a program share one, and with it one connection. It says when Redis goes away and when it is back, once
 * each, and counts. One thread. */
#ifndef FEED_APPLIER_H
#define FEED_APPLIER_H

#include "leadgate/counters.h"
#include "leadgate/err.h"
#include "leadgate/settings.h"
#include "leadgate/store.h"
#include "leadgate/store_position.h"

#include <stdbool.h>
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

/* How far behind a source is, in seconds: for the counters. */
void applier_note_lag(struct applier *applier, const char *source, int64_t seconds);

/* Sets events aside that nothing vouches for, as store_set_aside(), each with its line. STORE_DOWN as above.
 */
enum store_rc applier_set_aside(struct applier *applier, const struct event *events, size_t n,
                                struct err *err);

/* Adds to leadgate:counters what has been counted; what Redis does not take stays counted. Whoever applies
 * does it, too, once a second at most: this is for what that left, and for the end. */
void applier_flush(struct applier *applier);
/* The same where it is a second since it was last done. Whether anything is left to be flushed. */
bool applier_flush_due(struct applier *applier);

/* As store_session(), store_find_position() and store_keep_position(). */
int64_t applier_session(const struct applier *applier);
enum store_rc applier_find_position(struct applier *applier, struct span source, char place[POSITION_SIZE],
                                    struct err *err);
enum store_rc applier_keep_position(struct applier *applier, struct span source, struct span place,
                                    int64_t session, struct err *err);

#endif
