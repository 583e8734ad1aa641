/* SPDX-License-Identifier: BSD-2-Clause */
/* Settings that are replaced while threads work by them. Under ASan and TSan the second test finds a snapshot
 * that is freed too early, or a race for it. */
#include "milter/snapshot.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* max_size marks which settings they are. */
static struct settings *settings_with(const char *bounce_address, int64_t max_size)
{
    struct settings *settings = settings_new();

    settings->milter.max_size = max_size;
    settings->milter.bounce_addresses.item = calloc(1, sizeof(char *));
    settings->milter.bounce_addresses.item[0] = strdup(bounce_address);
    settings->milter.bounce_addresses.n = 1;
    return settings;
}

static void reads_bounce_addresses(void **state)
{
    struct snapshot *snapshot;
    struct err err;

    (void)state;
    assert_null(snapshot_new(settings_with("no address", 1), &err));
    assert_non_null(strstr(err.text, "no address"));
    assert_non_null(snapshot = snapshot_new(settings_with("<Bounces@News.Example.>", 1), &err));
    assert_int_equal(snapshot_rules(snapshot)->n_bounce_addresses, 1);
    assert_string_equal(snapshot_rules(snapshot)->bounce_addresses[0].text, "bounces@news.example");
    assert_false(snapshot_rules(snapshot)->any_sender);
    snapshot_release(snapshot);
}

static void feedback_addresses_are_bounce_addresses(void **state)
{
    struct settings *settings = settings_with("bounces@news.example", 1);
    const struct message_rules *rules;
    struct snapshot *snapshot;
    struct err err;

    (void)state;
    settings->milter.feedback_addresses.item = calloc(1, sizeof(char *));
    settings->milter.feedback_addresses.item[0] = strdup("fbl@news.example");
    settings->milter.feedback_addresses.n = 1;
    assert_non_null(snapshot = snapshot_new(settings, &err));
    rules = snapshot_rules(snapshot);
    assert_int_equal(rules->n_bounce_addresses, 2);
    assert_string_equal(rules->bounce_addresses[1].text, "fbl@news.example");
    assert_true(rules->any_sender);
    snapshot_release(snapshot);
}

static void *use(void *slot)
{
    uintptr_t torn = 0;

    for (int i = 0; i < 2000; i++) {
        struct snapshot *snapshot = snapshot_slot_get(slot);
        const struct message_rules *rules = snapshot_rules(snapshot);

        torn += rules->settings != snapshot_settings(snapshot) || rules->settings->milter.max_size < 1 ||
                strcmp(rules->bounce_addresses[0].text, "bounces@news.example") != 0;
        snapshot_release(snapshot);
    }
    return (void *)torn;
}

static void replaces_settings_under_threads(void **state)
{
    struct err err;
    struct snapshot_slot *slot =
        snapshot_slot_new(snapshot_new(settings_with("bounces@news.example", 1), &err));
    struct snapshot *kept = snapshot_slot_get(slot);
    pthread_t threads[4];

    (void)state;
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, use, slot), 0);
    for (int64_t size = 2; size <= 200; size++)
        snapshot_slot_set(slot, snapshot_new(settings_with("bounces@news.example", size), &err));
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
        cmocka_unit_test(reads_bounce_addresses),
        cmocka_unit_test(feedback_addresses_are_bounce_addresses),
        cmocka_unit_test(replaces_settings_under_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
