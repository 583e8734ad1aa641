/* SPDX-License-Identifier: BSD-2-Clause */
/* snapshot: one set of settings with its connections to Redis. Never changed: a reload makes a new one and
 * puts it into the slot, mails that are under way keep the one they began with, and the last of them frees
 * it. Any thread. */
#ifndef LEADGATE_MILTER_SNAPSHOT_H
#define LEADGATE_MILTER_SNAPSHOT_H

#include "milter/message.h"

struct snapshot;

/* Takes settings over, also when it fails; counters is borrowed and outlives every snapshot. The caller holds
 * the result. NULL with err when out of memory. */
struct snapshot *snapshot_new(struct settings *settings, struct counters *counters, struct err *err);
void snapshot_release(struct snapshot *snapshot); /* NULL is fine */

const struct settings *snapshot_settings(const struct snapshot *snapshot);
const struct message_rules *snapshot_rules(const struct snapshot *snapshot);
/* True once: what the MTA cannot do is said once for these settings, not with each connection. */
bool snapshot_may_complain(struct snapshot *snapshot);
/* counters_flush() and store_check() on one of its connections. */
enum store_rc snapshot_flush_counters(struct snapshot *snapshot, struct err *err);
enum store_rc snapshot_check_store(struct snapshot *snapshot, struct err *warning, struct err *err);

/* Where the threads find the snapshot of the day. */
struct snapshot_slot;

struct snapshot_slot *snapshot_slot_new(struct snapshot *first); /* takes it over; NULL when out of memory */
void snapshot_slot_free(struct snapshot_slot *slot); /* once no thread can reach it; NULL is fine */
/* The caller holds the result. */
struct snapshot *snapshot_slot_get(struct snapshot_slot *slot);
/* Takes next over and lets go of the one before. */
void snapshot_slot_set(struct snapshot_slot *slot, struct snapshot *next);

#endif
