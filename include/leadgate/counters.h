/* SPDX-License-Identifier: BSD-2-Clause */
/* counters: what a program does, added up in the process and now and then added to the hash
 * leadgate:counters, for `redis-cli HGETALL leadgate:counters` and `leadgate stats`.
 *
 * A counter's name is some words with dots between them: decisions.refused.mailbox-full. The words come from
 * our own tables, the settings and the rules, never from a peer, so there is an end to their number; what
 * goes beyond COUNTERS_MOST names at a time is counted as `other`.
 *
 * What Redis does not take stays counted here and is added later. Whether it has added what was under way
 * when the connection broke nobody can tell: that is given up, so that nothing is ever added twice.
 *
 * Adding is safe in any thread. Where counters is NULL nothing is counted. */
#ifndef LEADGATE_COUNTERS_H
#define LEADGATE_COUNTERS_H

#include "leadgate/store.h"

#include <stdbool.h>
#include <stdint.h>

#define COUNTERS_MOST     1000
#define COUNTER_NAME_SIZE 256 /* a longer name is cut */

struct counters;

struct counters *counters_new(void);           /* NULL when out of memory */
void counters_free(struct counters *counters); /* NULL is fine */

/* Adds n to the counter of these words; NULL ends them. */
void counters_add(struct counters *counters, int64_t n, const char *word, ...) __attribute__((sentinel));

/* What is measured and not counted: the last value counts. `lag`, a source's name, how many seconds it is
 * behind. */
void counters_gauge(struct counters *counters, const char *group, const char *name, int64_t value);

/* One event, what it did, and of a failure or complaint the rule that classified it. */
void counters_note_event(struct counters *counters, const struct event *event, const struct outcome *outcome);

/* Whether anything waits to be flushed; and whether it is a second ago that it was tried. */
bool counters_waiting(struct counters *counters);
bool counters_due(struct counters *counters);

/* Adds all of it to Redis, in one write. STORE_DOWN with err when Redis could not be asked. What Redis
 * answers with an error (leadgate:counters is no hash, Redis takes no writes) is no reason to do without
 * anything else: it is logged once, until all is taken again. One thread at a time. */
enum store_rc counters_flush(struct counters *counters, struct store *store, struct err *err);

#endif
