/* SPDX-License-Identifier: BSD-2-Clause */
/* Settings that are replaced while threads work by them. Under ASan and TSan the second test finds a snapshot
 * that is freed too early, or a race for it. */
#include "milter/snapshot.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

/* max_size marks which settings they are. */
static struct settings *settings_with(int64_t max_size)
{
    struct settings *settings = settings_new();

    settings->milter.max_size = max_size;
    return settings;
}

static void *use(void *slot)
{
    uintptr_t torn = 0;

    for (int i = 0; i < 2000; i++) {
        struct snapshot *snapshot = snapshot_slot_get(slot);
        const struct message_rules *rules = snapshot_rules(snapshot);

        torn += rules->settings != snapshot_settings(snapshot) || rules->settings->milter.max_size < 1;
        snapshot_release(snapshot);
    }
    return (void *)torn;
}

static void replaces_settings_under_threads(void **state)
{
    struct err err;
    struct snapshot_slot *slot = snapshot_slot_new(snapshot_new(settings_with(1), NULL, &err));
    struct snapshot *kept = snapshot_slot_get(slot);
    pthread_t threads[4];

    (void)state;
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, use, slot), 0);
    for (int64_t size = 2; size <= 200; size++)
        snapshot_slot_set(slot, snapshot_new(settings_with(size), NULL, &err));
    for (size_t i = 0; i < 4; i++) {
        void *torn;

        pthread_join(threads[i], &torn);
        assert_null(torn);
    }
    assert_int_equal(snapshot_settings(kept)->milter.max_size, 1); /* the mail that began first */
    snapshot_release(kept);
    kept = snapshot_slot_get(slot);
    assert_int_equal(snapshot_settings(kept)->milter.max_size, 200);
    snapshot_release(kept);
    snapshot_slot_free(slot);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replaces_settings_under_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
