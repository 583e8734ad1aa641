/* SPDX-License-Identifier: BSD-2-Clause */
/* What is remembered of messages: found again, within bounds, the oldest forgotten first; the same as a plain
 * model of it whatever is done in whatever order. */
#include "maillog/providers.h"
#include "maillog/queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct finding finding_of(const char *lead, const char *diag)
{
    struct finding finding = { .cause = CAUSE_MAILBOX_FULL,
                               .hardness = HARDNESS_SOFT,
                               .status = "4.2.2",
                               .reply = 452,
                               .rule = "rule" };

    finding.lead.n = (size_t)snprintf(finding.lead.text, sizeof(finding.lead.text), "%s", lead);
    finding.lead.at = (size_t)(strchr(finding.lead.text, '@') - finding.lead.text);
    snprintf(finding.diag, sizeof(finding.diag), "%s", diag);
    return finding;
}

static void put_waiting(struct queue *queue, struct queued *message, const char *to)
{
    struct finding finding = finding_of(to, "452 full");

    queue_wait(queue, message, span_of(to), &(struct waiting){ .finding = &finding, .relay = SPAN("mx") });
}

static size_t count_waiting(const struct queued *message)
{
    const struct waiter *waiter = queued_waiting(message);
    struct finding finding;
    struct waiting waiting;
    size_t n = 0;

    for (; waiter != NULL; n++)
        waiter = waiter_read(waiter, &waiting, &finding);
    return n;
}

static void keeps_texts(void **state)
{
    static const char *const texts[] = { "a", "", "news@shop.example", "a longer text than the one before it",
                                         "b" };
    struct queue *queue = queue_new(10);
    struct queued *message = queue_take(queue, SPAN("mx postfix A1B2C3D4E5"));
    char longest[1001];

    (void)state;
    assert_non_null(message);
    for (size_t i = 0; i < 625; i++) { /* each text in each place, beside each other */
        size_t n = i;

        for (int which = QUEUED_SENDER; which < QUEUED_TEXTS; which++, n /= 5)
            queued_set(message, (enum queued_text)which, span_of(texts[n % 5]));
        n = i;
        for (int which = QUEUED_SENDER; which < QUEUED_TEXTS; which++, n /= 5)
            assert_true(span_eq(queued_text(message, (enum queued_text)which), span_of(texts[n % 5])));
    }
    memset(longest, 'x', sizeof(longest));
    queued_set(message, QUEUED_CLIENT, (struct span){ longest, 1000 });
    assert_int_equal(queued_text(message, QUEUED_CLIENT).n, 1000);
    queued_set(message, QUEUED_CLIENT, (struct span){ longest, 1001 }); /* longer than any */
    assert_int_equal(queued_text(message, QUEUED_CLIENT).n, 0);
    assert_true(span_eq(queued_text(message, QUEUED_KEY), SPAN("mx postfix A1B2C3D4E5")));
    assert_null(queue_take(queue, (struct span){ longest, 1001 }));
    assert_ptr_equal(queue_find(queue, SPAN("mx postfix A1B2C3D4E5")), message);
    assert_null(queue_find(queue, SPAN("mx postfix A1B2C3D4E")));
    queue_free(queue);
}

static void keeps_who_waits(void **state)
{
    struct queue *queue = queue_new(10);
    struct queued *message = queue_take(queue, SPAN("a"));
    struct finding finding, told;
    struct waiting waiting;
    char words[512];

    (void)state;
    /* Words are cut inside of no character. */
    memset(words, 'x', sizeof(words));
    memcpy(words + 254, "\xc3\xa4y", 4);
    finding = finding_of("ann@b.example", words);
    snprintf(finding.provider, sizeof(finding.provider), "b.example");
    queue_wait(
        queue, message, SPAN("Ann@b.example"),
        &(struct waiting){
            .finding = &finding, .sent = 42, .relay = SPAN("mx.b.example"), .provider = SPAN("b.example") });
    assert_null(waiter_read(queued_waiting(message), &waiting, &told));
    assert_string_equal(told.lead.text, "ann@b.example");
    assert_int_equal(told.lead.n, 13);
    assert_int_equal(told.lead.at, 3);
    assert_int_equal(told.cause, CAUSE_MAILBOX_FULL);
    assert_int_equal(told.hardness, HARDNESS_SOFT);
    assert_string_equal(told.status, "4.2.2");
    assert_int_equal(told.reply, 452);
    assert_string_equal(told.rule, "rule");
    assert_string_equal(told.provider, "b.example");
    assert_int_equal(strlen(told.diag), 254);
    assert_int_equal(waiting.sent, 42);
    assert_true(span_eq(waiting.relay, SPAN("mx.b.example")));
    assert_true(span_eq(waiting.provider, SPAN("b.example")));
    put_waiting(queue, message, "Ann@b.example"); /* said again */
    put_waiting(queue, message, "bob@b.example");
    assert_int_equal(count_waiting(message), 2);
    queue_settle(queue, message, SPAN("cat@b.example"));
    queue_settle(queue, message, SPAN("Ann@b.example"));
    assert_int_equal(count_waiting(message), 1);
    queue_settle_all(queue, message);
    assert_int_equal(count_waiting(message), 0);
    queue_free(queue);
}

static void bounds_who_waits(void **state)
{
    struct queue *queue = queue_new(5000);
    struct queued *message;
    char to[32];

    (void)state;
    for (int i = 0; i < 4000; i++) {
        snprintf(to, sizeof(to), "old %d", i);
        queue_take(queue, span_of(to));
    }
    message = queue_take(queue, SPAN("a"));
    for (int i = 0; i < 1200; i++) {
        snprintf(to, sizeof(to), "lead%d@b.example", i);
        put_waiting(queue, message, to);
    }
    assert_int_equal(count_waiting(message), QUEUE_WAITING);
    assert_int_equal(queue_forgotten(queue), 0); /* 4001 messages, 999 who wait beside the first */
    message = queue_take(queue, SPAN("b"));
    assert_int_equal(queue_forgotten(queue), 1);
    put_waiting(queue, message, "ann@b.example");
    put_waiting(queue, message, "bob@b.example");
    assert_int_equal(queue_forgotten(queue), 2);
    queue_settle_all(queue, queue_find(queue, SPAN("a")));
    for (int i = 0; i < 998; i++) {
        snprintf(to, sizeof(to), "new %d", i);
        queue_take(queue, span_of(to));
    }
    assert_int_equal(queue_forgotten(queue), 2);
    queue_free(queue);
    /* A message of its own cannot be more than all. */
    queue = queue_new(1);
    message = queue_take(queue, SPAN("a"));
    put_waiting(queue, message, "ann@b.example");
    put_waiting(queue, message, "bob@b.example");
    assert_int_equal(count_waiting(message), 1);
    message = queue_take(queue, SPAN("b"));
    assert_int_equal(count_waiting(message), 0);
    assert_null(queue_find(queue, SPAN("a")));
    queue_free(queue);
}

/* --- against a model --- */

#define LIMIT  7
#define KEYS   20
#define LEADS  4
#define ROUNDS 300000

struct model {
    struct {
        bool present, waits[LEADS];
        int used; /* when */
        char sender[16];
    } messages[KEYS];
    int now;
    int64_t forgotten;
};

static int model_waits(const struct model *model, int key)
{
    int n = 0;

    for (int lead = 0; lead < LEADS; lead++)
        n += model->messages[key].waits[lead];
    return n;
}

static void model_forget(struct model *model, int more)
{
    for (;;) {
        int all = more, present = 0, oldest = -1;

        for (int key = 0; key < KEYS; key++) {
            int waits = model_waits(model, key);

            if (!model->messages[key].present)
                continue;
            present++;
            all += waits > 1 ? waits : 1;
            if (oldest < 0 || model->messages[key].used < model->messages[oldest].used)
                oldest = key;
        }
        if (all <= LIMIT || present == 0 || (more == 0 && present == 1))
            return;
        memset(&model->messages[oldest], 0, sizeof(model->messages[oldest]));
        model->forgotten++;
    }
}

static void compare(const struct queued *message, const struct model *model, int key)
{
    assert_int_equal(message != NULL, model->messages[key].present);
    if (message == NULL)
        return;
    assert_int_equal(count_waiting(message), model_waits(model, key));
    assert_true(span_eq(queued_text(message, QUEUED_SENDER), span_of(model->messages[key].sender)));
}

static void step(struct queue *queue, struct model *model, unsigned random)
{
    int key = (int)(random % KEYS), lead = (int)(random / KEYS % LEADS);
    char name[16], to[32];
    struct queued *message;

    snprintf(name, sizeof(name), "mx postfix %d", key);
    snprintf(to, sizeof(to), "lead%d@b.example", lead);
    message = queue_find(queue, span_of(name));
    compare(message, model, key);
    if (message == NULL) {
        model_forget(model, 1);
        model->messages[key].present = true;
        message = queue_take(queue, span_of(name));
        assert_non_null(message);
    }
    model->messages[key].used = ++model->now;
    switch (random / KEYS / LEADS % 8) {
    case 0:
    case 1:
    case 2:
        put_waiting(queue, message, to);
        model->messages[key].waits[lead] = true;
        model_forget(model, 0);
        break;
    case 3:
        queue_settle(queue, message, span_of(to));
        model->messages[key].waits[lead] = false;
        break;
    case 4:
        queue_remove(queue, message);
        memset(&model->messages[key], 0, sizeof(model->messages[key]));
        break;
    case 5:
        queue_restart(queue, message);
        memset(model->messages[key].waits, 0, sizeof(model->messages[key].waits));
        model->messages[key].sender[0] = '\0';
        break;
    default:
        queued_set(message, QUEUED_SENDER, span_of(to));
        memcpy(model->messages[key].sender, to, sizeof(model->messages[key].sender) - 1);
        model->messages[key].sender[15] = '\0';
        queued_set(message, QUEUED_SENDER, span_of(model->messages[key].sender));
    }
    assert_int_equal(queue_forgotten(queue), model->forgotten);
}

static void forgets_as_a_model_does(void **state)
{
    struct queue *queue = queue_new(LIMIT);
    struct model model = { .now = 0 };
    uint64_t seed = 1;

    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        step(queue, &model, (unsigned)(seed >> 40));
    }
    assert_true(model.forgotten > ROUNDS / 10);
    queue_free(queue);
}

/* More messages than the first table has room for are all found again. */
static void grows(void **state)
{
    struct queue *queue = queue_new(100000);
    char name[32];

    (void)state;
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 20000; i++) {
            snprintf(name, sizeof(name), "mx postfix %X", i);
            assert_int_equal(queue_find(queue, span_of(name)) != NULL, round == 1);
            assert_non_null(queue_take(queue, span_of(name)));
        }
    for (int i = 0; i < 20000; i += 2) {
        snprintf(name, sizeof(name), "mx postfix %X", i);
        queue_remove(queue, queue_find(queue, span_of(name)));
    }
    for (int i = 0; i < 20000; i++) {
        snprintf(name, sizeof(name), "mx postfix %X", i);
        assert_int_equal(queue_find(queue, span_of(name)) != NULL, i % 2 == 1);
    }
    assert_int_equal(queue_forgotten(queue), 0);
    queue_free(queue);
    queue_free(NULL);
}

/* Many more hosts than are kept: each has its own provider, every time. */
static void remembers_providers(void **state)
{
    static struct providers providers;
    char host[200], longest[200], provider[PROVIDER_SIZE], want[PROVIDER_SIZE];

    (void)state;
    for (int i = 0; i < 6000; i++) {
        snprintf(host, sizeof(host), i % 7 == 6 ? "192.0.2.%d" : "mx%d.firm%d.example", i % 3, i / 2 % 1000);
        assert_int_equal(providers_find(&providers, provider, span_of(host)), i % 7 != 6);
        (void)provider_of_host(want, span_of(host));
        assert_string_equal(provider, want);
    }
    memset(longest, 'x', sizeof(longest));
    for (size_t n = 90; n < 150; n++) {
        snprintf(host, sizeof(host), "%.50s.%.*s.firm.example", longest, (int)n - 50, longest);
        assert_true(providers_find(&providers, provider, span_of(host)));
        assert_string_equal(provider, "firm.example");
    }
    assert_false(providers_find(&providers, provider, SPAN_NONE));
    assert_string_equal(provider, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_texts),
        cmocka_unit_test(keeps_who_waits),
        cmocka_unit_test(bounds_who_waits),
        cmocka_unit_test(forgets_as_a_model_does),
        cmocka_unit_test(grows),
        cmocka_unit_test(remembers_providers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
