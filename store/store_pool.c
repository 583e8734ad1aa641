/* SPDX-License-Identifier: BSD-2-Clause */
/* Idle stores are a stack under one lock: the one used last is taken first, so that few connections stay warm
 * and no thread waits for another's Redis. */
#include "leadgate/store_pool.h"

#include <pthread.h>
#include <stdlib.h>

enum { IDLE_MOST = 16 }; /* more idle connections than that are closed */

struct store_pool {
    const struct store_settings *settings;
    pthread_mutex_t lock;
    struct store *idle[IDLE_MOST];
    size_t n;
};

struct store_pool *store_pool_new(const struct store_settings *settings)
{
    struct store_pool *pool = calloc(1, sizeof(*pool));

    if (pool == NULL)
        return NULL;
    pool->settings = settings;
    pthread_mutex_init(&pool->lock, NULL);
    return pool;
}

void store_pool_free(struct store_pool *pool)
{
    if (pool == NULL)
        return;
    while (pool->n > 0)
        store_free(pool->idle[--pool->n]);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

struct store *store_pool_take(struct store_pool *pool)
{
    struct store *store = NULL;

    pthread_mutex_lock(&pool->lock);
    if (pool->n > 0)
        store = pool->idle[--pool->n];
    pthread_mutex_unlock(&pool->lock);
    return store != NULL ? store : store_new(pool->settings);
}

void store_pool_return(struct store_pool *pool, struct store *store)
{
    pthread_mutex_lock(&pool->lock);
    if (pool->n < IDLE_MOST) {
        pool->idle[pool->n++] = store;
        store = NULL;
    }
    pthread_mutex_unlock(&pool->lock);
    store_free(store);
}
