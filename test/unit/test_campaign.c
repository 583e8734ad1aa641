/* SPDX-License-Identifier: BSD-2-Clause */
/* Who has been sent a campaign, on a real Redis: once, by whichever mail was first, for as long as is said.
 */
#include "leadgate/campaign.h"
#include "private_redis.h"
#include "store/keys.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "some_address.h"

#define ANN_KEY "lead:{ann@example.com}:sent:00000000000000ab"

static struct private_redis redis;

static bool is_seen(struct store *store, uint64_t name, const char *queue, const char *lead)
{
    const struct campaign campaign = { name, span_of(queue), 600 };
    struct address address = address_of(lead);
    bool seen = false;
    struct err err;

    if (store_note_campaign(store, &campaign, &address, 1, &seen, &err) != STORE_OK)
        fail_msg("%s", err.text);
    return seen;
}

static void the_second_mail_is_seen(void **state)
{
    struct store *store = store_new(&redis.settings);

    (void)state;
    assert_false(is_seen(store, 0xab, "Q1", "ann@example.com"));
    assert_false(is_seen(store, 0xab, "Q1", "ann@example.com")); /* asked again about the same mail */
    assert_true(is_seen(store, 0xab, "Q2", "Ann@Example.com"));
    assert_true(is_seen(store, 0xab, "Q3", "ann@example.com"));
    assert_false(is_seen(store, 0xab, "Q1", "ann@example.com"));
    assert_false(is_seen(store, 0xab, "Q2", "bob@example.com"));
    assert_false(is_seen(store, 0xac, "Q2", "ann@example.com")); /* another campaign */
    assert_string_equal(private_redis_cli(&redis, "GET " ANN_KEY), "Q1");
    assert_in_range(atoi(private_redis_cli(&redis, "TTL " ANN_KEY)), 595, 600);
    private_redis_cli(&redis, "DEL " ANN_KEY); /* as when its time is over */
    assert_false(is_seen(store, 0xab, "Q4", "ann@example.com"));
    store_free(store);
}

static void many_at_once(void **state)
{
    struct store *store = store_new(&redis.settings);
    struct campaign campaign = { 7, SPAN("Q1"), 600 };
    struct address leads[128];
    bool seen[128];
    struct err err;

    (void)state;
    for (int i = 0; i < 128; i++) {
        char text[40];

        snprintf(text, sizeof(text), "lead%d@example.com", i);
        leads[i] = address_of(text);
        if (i % 3 == 0)
            assert_false(is_seen(store, 7, "Q0", text));
    }
    leads[2] = leads[1]; /* twice in one mail: no other mail's */
    assert_int_equal(store_note_campaign(store, &campaign, leads, 128, seen, &err), STORE_OK);
    for (int i = 0; i < 128; i++)
        assert_int_equal(seen[i], i % 3 == 0);
    store_free(store);
}

/* Whatever stands there, it stands there; and an address as long as may be has a key, too. */
static void odd_keys(void **state)
{
    struct store *store = store_new(&redis.settings);
    char text[ADDRESS_SIZE];

    (void)state;
    private_redis_cli(&redis, "HSET " ANN_KEY " a b");
    assert_true(is_seen(store, 0xab, "Q1", "ann@example.com"));
    snprintf(text, sizeof(text), "%064d@%060d.%060d.%060d.example", 1, 2, 3, 4);
    assert_false(is_seen(store, UINT64_MAX, "Q1", text));
    assert_true(is_seen(store, UINT64_MAX, "Q2", text));
    store_free(store);
}

static void a_server_in_trouble(void **state)
{
    struct store *store = store_new(&redis.settings);
    const struct campaign campaign = { 1, SPAN("Q1"), 600 };
    struct address ann = address_of("ann@example.com");
    bool seen;
    struct err err;

    (void)state;
    private_redis_cli(&redis, "REPLICAOF 127.0.0.1 1"); /* read-only */
    assert_int_equal(store_note_campaign(store, &campaign, &ann, 1, &seen, &err), STORE_DOWN);
    assert_non_null(strstr(err.text, "READONLY"));
    private_redis_cli(&redis, "REPLICAOF NO ONE");
    store_free(store);
    store = store_new(&redis.settings);
    private_redis_stop(&redis);
    assert_int_equal(store_note_campaign(store, &campaign, &ann, 1, &seen, &err), STORE_DOWN);
    private_redis_start(&redis, 0);
    store_free(store);
}

enum { PROCESSES = 4, LEADS = 200 };

/* In each process: how many of the leads it was the first to mail. */
static void mail_all(int process, int *firsts)
{
    struct store *store = store_new(&redis.settings);
    char queue[8];

    snprintf(queue, sizeof(queue), "Q%d", process);
    for (int i = 0; i < LEADS; i++) {
        char text[40];

        snprintf(text, sizeof(text), "lead%d@example.com", i);
        firsts[process] += !is_seen(store, 9, queue, text);
    }
    store_free(store);
    _exit(0);
}

static void of_many_mails_one_is_the_first(void **state)
{
    int *firsts =
        mmap(NULL, sizeof(int[PROCESSES]), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t children[PROCESSES];
    int all = 0;

    (void)state;
    for (int i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        if (children[i] == 0)
            mail_all(i, firsts);
    }
    for (int i = 0; i < PROCESSES; i++) {
        int status;

        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
        all += firsts[i];
    }
    assert_int_equal(all, LEADS);
    munmap(firsts, sizeof(int[PROCESSES]));
}

static int flush(void **state)
{
    (void)state;
    private_redis_cli(&redis, "FLUSHALL");
    return 0;
}

static int start(void **state)
{
    (void)state;
    private_redis_init(&redis);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    private_redis_deinit(&redis);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_second_mail_is_seen, flush),
        cmocka_unit_test_setup(many_at_once, flush),
        cmocka_unit_test_setup(odd_keys, flush),
        cmocka_unit_test_setup(a_server_in_trouble, flush),
        cmocka_unit_test_setup(of_many_mails_one_is_the_first, flush),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
