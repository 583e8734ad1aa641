/* SPDX-License-Identifier: BSD-2-Clause */
/* store_unverified: bounces and complaints that nothing vouches for, set aside in the stream
 * leadgate:unverified, which keeps about redis.unverified of them: for an operator, who may accept them
 * afterwards. A mail that is read twice is set aside twice; accepted twice it is a repeat.
 *
 * Arguments are borrowed for the call; STORE_DOWN is as in store.h. */
#ifndef LEADGATE_STORE_UNVERIFIED_H
#define LEADGATE_STORE_UNVERIFIED_H

#include "leadgate/store.h"

/* Sets n events aside, with event.proof as the reason. STORE_DOWN: none, or only some, were. */
enum store_rc store_set_aside(struct store *store, const struct event *events, size_t n, struct err *err);

/* One log line for an event that was set aside. */
void unverified_log(const struct event *event);

/* An entry. The spans live for the call. */
struct unverified {
    struct span id;     /* in the stream */
    struct span reason; /* proof_name() */
    struct span lead;   /* as it stands there */
    bool whole;         /* `event` is what was set aside; false for what somebody wrote by hand */
    struct event event; /* its lead is empty where there is none to be read */
};

/* Returns false to end. It may use the store. */
typedef bool store_unverified_fn(void *ctx, const struct unverified *entry);

/* Tells of all entries that were there at the beginning, the newest or the oldest first. */
enum store_rc store_each_unverified(struct store *store, bool newest_first, store_unverified_fn *fn,
                                    void *ctx, struct err *err);
/* Tells of one; *found is false when it is not there, or id is none. */
enum store_rc store_find_unverified(struct store *store, struct span id, store_unverified_fn *fn, void *ctx,
                                    bool *found, struct err *err);
/* Deletes one; *found as above. */
enum store_rc store_drop_unverified(struct store *store, struct span id, bool *found, struct err *err);

#endif
