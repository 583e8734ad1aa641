/* SPDX-License-Identifier: BSD-2-Clause */
/* store_pool: stores for programs with threads (libmilter makes one per connection). A thread borrows a store
 * for one deed and gives it back; idle ones are kept connected. Safe in any thread. */
#ifndef LEADGATE_STORE_POOL_H
#define LEADGATE_STORE_POOL_H

#include "leadgate/store.h"

struct store_pool;

/* NULL when out of memory. settings is borrowed and must outlive the pool. */
struct store_pool *store_pool_new(const struct store_settings *settings);
/* Every store must have been returned. NULL is fine. */
void store_pool_free(struct store_pool *pool);

/* NULL when out of memory. */
struct store *store_pool_take(struct store_pool *pool);
void store_pool_return(struct store_pool *pool, struct store *store);

#endif
