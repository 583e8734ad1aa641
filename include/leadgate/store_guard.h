/* SPDX-License-Identifier: BSD-2-Clause */
/* store_guard: what the guard goes by, and an operator's word that a provider is released from it. STORE_DOWN
 * is as in store.h. */
#ifndef LEADGATE_STORE_GUARD_H
#define LEADGATE_STORE_GUARD_H

#include "leadgate/store.h"
#include "leadgate/store_shares.h"

/* All that leadgate:shares says, in no order. What cannot be read, or is no provider's, is passed over. */
enum store_rc store_read_shares(struct store *store, struct share_list *out, struct err *err);

struct release {
    bool present;
    int64_t until; /* by the key's TTL; 0 = it has no end */
};

/* Of n providers, in one round trip. */
enum store_rc store_find_releases(struct store *store, const struct span *providers, size_t n, int64_t now,
                                  struct release *out, struct err *err);

/* Adds the providers to whom risky leads were let pass lately: in an hour or somewhat more. */
enum store_rc store_list_passed(struct store *store, struct provider_list *list, struct err *err);

/* How many risky leads of n providers were let pass in the five minutes from since[i] on, in one round trip.
 */
enum store_rc store_count_passed(struct store *store, const struct span *providers, size_t n,
                                 const int64_t *since, int64_t *out, struct err *err);

/* Releases a provider for so many seconds. why: kept as the key's value. */
enum store_rc store_release(struct store *store, struct span provider, int64_t seconds, struct span why,
                            struct err *err);

#endif
