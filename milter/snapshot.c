/* SPDX-License-Identifier: BSD-2-Clause */
/* A snapshot is counted: the slot holds it once, each mail under way once. The lock of the slot covers only
 * the step from "which one" to "I hold it"; everything behind the pointer is constant, but for the pool of
 * connections, which has a lock of its own. */
#include "milter/snapshot.h"

#include "leadgate/answers.h"
#include "leadgate/store_pool.h"
#include "leadgate/store_unverified.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct snapshot {
    atomic_int holders;
    struct settings *settings;
    struct store_pool *pool;
    struct message_rules rules;
    atomic_bool complained;
};

struct snapshot_slot {
    pthread_mutex_t lock;
    struct snapshot *current;
};

/* NULL with err. It goes back by store_pool_return(). */
static struct store *take_store(struct snapshot *snapshot, struct err *err)
{
    struct store *store = store_pool_take(snapshot->pool);

    if (store == NULL)
        err_set(err, "out of memory");
    return store;
}

static enum store_rc find_in_pool(void *ctx, const struct address *leads, size_t n, int64_t now,
                                  struct suppression *found, struct err *err)
{
    struct snapshot *snapshot = ctx;
    struct store *store = take_store(snapshot, err);
    enum store_rc rc;

    if (store == NULL)
        return STORE_DOWN;
    rc = store_find_suppressions(store, leads, n, now, found, err);
    store_pool_return(snapshot->pool, store);
    return rc;
}

static enum store_rc apply_in_pool(void *ctx, const struct event *events, size_t n, int64_t now,
                                   struct outcome *outcomes, struct err *err)
{
    struct snapshot *snapshot = ctx;
    struct store *store = take_store(snapshot, err);
    enum store_rc rc;

    if (store == NULL)
        return STORE_DOWN;
    rc = answers_apply(snapshot->settings, store, events, n, now, outcomes, NULL, err);
    store_pool_return(snapshot->pool, store);
    return rc;
}

static enum store_rc set_aside_in_pool(void *ctx, const struct event *events, size_t n, struct err *err)
{
    struct snapshot *snapshot = ctx;
    struct store *store = take_store(snapshot, err);
    enum store_rc rc;

    if (store == NULL)
        return STORE_DOWN;
    rc = store_set_aside(store, events, n, err);
    store_pool_return(snapshot->pool, store);
    return rc;
}

static enum store_rc note_in_pool(void *ctx, const struct campaign *campaign, const struct address *leads,
                                  size_t n, bool *seen, struct err *err)
{
    struct snapshot *snapshot = ctx;
    struct store *store = take_store(snapshot, err);
    enum store_rc rc;

    if (store == NULL)
        return STORE_DOWN;
    rc = store_note_campaign(store, campaign, leads, n, seen, err);
    store_pool_return(snapshot->pool, store);
    return rc;
}

struct snapshot *snapshot_new(struct settings *settings, struct counters *counters, struct err *err)
{
    struct snapshot *snapshot = calloc(1, sizeof(*snapshot));

    if (snapshot == NULL) {
        err_set(err, "out of memory");
        settings_free(settings);
        return NULL;
    }
    atomic_init(&snapshot->holders, 1);
    atomic_init(&snapshot->complained, false);
    snapshot->settings = settings;
    if ((snapshot->pool = store_pool_new(&settings->redis)) == NULL) {
        err_set(err, "out of memory");
        snapshot_release(snapshot);
        return NULL;
    }
    snapshot->rules = (struct message_rules){
        .settings = settings,
        .store = { .find = find_in_pool,
                   .apply = apply_in_pool,
                   .set_aside = set_aside_in_pool,
                   .note_campaign = note_in_pool,
                   .ctx = snapshot },
        .counters = counters,
    };
    return snapshot;
}

void snapshot_release(struct snapshot *snapshot)
{
    if (snapshot == NULL || atomic_fetch_sub(&snapshot->holders, 1) > 1)
        return;
    store_pool_free(snapshot->pool); /* borrows the settings: goes first */
    settings_free(snapshot->settings);
    free(snapshot);
}

const struct settings *snapshot_settings(const struct snapshot *snapshot)
{
    return snapshot->settings;
}

const struct message_rules *snapshot_rules(const struct snapshot *snapshot)
{
    return &snapshot->rules;
}

bool snapshot_may_complain(struct snapshot *snapshot)
{
    return !atomic_exchange(&snapshot->complained, true);
}

enum store_rc snapshot_flush_counters(struct snapshot *snapshot, struct err *err)
{
    struct store *store = take_store(snapshot, err);
    enum store_rc rc;

    if (store == NULL)
        return STORE_DOWN;
    rc = counters_flush(snapshot->rules.counters, store, err);
    store_pool_return(snapshot->pool, store);
    return rc;
}

enum store_rc snapshot_check_store(struct snapshot *snapshot, struct err *warning, struct err *err)
{
    struct store *store = take_store(snapshot, err);
    enum store_rc rc;

    if (store == NULL)
        return STORE_DOWN;
    rc = store_check(store, warning, err);
    store_pool_return(snapshot->pool, store);
    return rc;
}

struct snapshot_slot *snapshot_slot_new(struct snapshot *first)
{
    struct snapshot_slot *slot = calloc(1, sizeof(*slot));

    if (slot == NULL)
        return NULL;
    pthread_mutex_init(&slot->lock, NULL);
    slot->current = first;
    return slot;
}

void snapshot_slot_free(struct snapshot_slot *slot)
{
    if (slot == NULL)
        return;
    snapshot_release(slot->current);
    pthread_mutex_destroy(&slot->lock);
    free(slot);
}

struct snapshot *snapshot_slot_get(struct snapshot_slot *slot)
{
    struct snapshot *snapshot;

    pthread_mutex_lock(&slot->lock);
    snapshot = slot->current;
    atomic_fetch_add(&snapshot->holders, 1);
    pthread_mutex_unlock(&slot->lock);
    return snapshot;
}

void snapshot_slot_set(struct snapshot_slot *slot, struct snapshot *next)
{
    struct snapshot *before;

    pthread_mutex_lock(&slot->lock);
    before = slot->current;
    slot->current = next;
    pthread_mutex_unlock(&slot->lock);
    snapshot_release(before);
}
