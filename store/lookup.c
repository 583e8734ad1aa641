/* SPDX-License-Identifier: BSD-2-Clause */
/* Questions to Redis on the loop. All questions of one turn share a write. Redis answers in order: the
 * question whose answer is next is the head of a list, and one timer, looking at that head, bounds the wait
 * for all.
 *
 * A question is a glance first: does anything stand against the recipient? With a million leads that made
 * 237,000 decisions a second of 107,000, at 100 connections, and it nearly always is the answer. A refused
 * recipient pays a second round trip; it saves Postfix a whole delivery. Who only comes back from an opt-out
 * pays a third: there are few of them at a time. Who is looked at closely anyway,
 * since her provider is in trouble, is asked about in full at once. */
#include "leadgate/lookup.h"

#include "store/answer.h"
#include "store/domain.h"
#include "store/lookup_link.h"

#include <stdlib.h>

#include <event2/event.h>

/* One question under way: about a recipient, or about her domain. */
struct ask {
    struct lookup *lookup;
    struct ask *next;
    lookup_fn *fn;
    lookup_domain_fn *domain_fn;
    void *ctx;
    int64_t since; /* monotonic milliseconds */
    enum lookup_look look;
    struct address lead;
};

static void on_glance(redisAsyncContext *context, void *data, void *arg);
static void on_reply(redisAsyncContext *context, void *reply, void *arg);

static void ask_link(struct lookup *lookup, struct ask *ask)
{
    ask->next = NULL;
    if (lookup->newest != NULL)
        lookup->newest->next = ask;
    else
        lookup->oldest = ask;
    lookup->newest = ask;
}

/* Answers come in order: the one that has come is the oldest's. */
static void ask_unlink(struct lookup *lookup)
{
    lookup->oldest = lookup->oldest->next;
    if (lookup->oldest == NULL)
        lookup->newest = NULL;
}

static int64_t wall_clock(struct lookup *lookup)
{
    struct timeval now;

    event_base_gettimeofday_cached(lookup->base, &now);
    return (int64_t)now.tv_sec;
}

/* False when the context takes no more: it is going down, or there is no memory. */
static bool send_glance(struct lookup *lookup, struct ask *ask)
{
    struct glance glance;

    glance_make(&glance, &ask->lead, ask->look == LOOK_AT_RETURNS);
    return redisAsyncFormattedCommand(lookup->context, on_glance, ask, glance.text, glance.n) == REDIS_OK;
}

/* sha: NULL for the script itself. */
static bool send_question(struct lookup *lookup, struct ask *ask, const char *sha)
{
    struct question question;

    question_make(&question, sha, &ask->lead, ask->look == LOOK_CLOSELY);
    return redisAsyncCommandArgv(lookup->context, on_reply, ask, question.argc, question.argv,
                                 question.len) == REDIS_OK;
}

static void ask_free(struct lookup *lookup, struct ask *ask)
{
    ask->next = lookup->spare;
    lookup->spare = ask;
}

static void finish(struct ask *ask, enum store_rc rc, const struct suppression *found)
{
    struct lookup *lookup = ask->lookup;

    ask_unlink(lookup);
    ask->fn(ask->ctx, rc, rc == STORE_OK ? found : NULL);
    ask_free(lookup, ask);
}

/* Behind all that is asked already. */
static void ask_again(struct ask *ask)
{
    ask_unlink(ask->lookup);
    ask_link(ask->lookup, ask);
}

/* Whether there is anything against the recipient. For nearly all there is not, and that is the answer. */
static void on_glance(redisAsyncContext *context, void *data, void *arg)
{
    static const struct suppression none = { .allowed = false };
    const redisReply *reply = data;
    struct ask *ask = arg;

    (void)context;
    if (reply == NULL || reply->type != REDIS_REPLY_INTEGER)
        finish(ask, STORE_DOWN, NULL);
    else if (reply->integer == 0)
        finish(ask, STORE_OK, &none);
    else if (send_question(ask->lookup, ask, ask->lookup->sha[LOOKUP_QUESTION]))
        ask_again(ask);
    else
        finish(ask, STORE_DOWN, NULL);
}

static void on_reply(redisAsyncContext *context, void *reply, void *arg)
{
    struct ask *ask = arg;
    struct suppression found;
    enum store_rc rc;
    struct err err;

    (void)context;
    /* Somebody has flushed Redis's scripts. */
    if (reply != NULL && answer_is_no_script(reply) && send_question(ask->lookup, ask, NULL)) {
        ask_again(ask);
        return;
    }
    /* She only comes back. */
    if (reply != NULL && question_is_open(reply) && ask->look != LOOK_CLOSELY) {
        ask->look = LOOK_CLOSELY;
        if (send_question(ask->lookup, ask, ask->lookup->sha[LOOKUP_QUESTION])) {
            ask_again(ask);
            return;
        }
    }
    rc = question_read(reply, wall_clock(ask->lookup), &found, &err);
    finish(ask, rc, &found);
}

static void on_domain(redisAsyncContext *context, void *reply, void *arg)
{
    struct ask *ask = arg;
    struct provider_state state;
    enum store_rc rc;
    struct err err;

    /* Somebody has flushed Redis's scripts: there is one again for whoever asks after this. */
    if (reply != NULL && answer_is_no_script(reply))
        redisAsyncCommand(context, NULL, NULL, "SCRIPT LOAD %s", place_script);
    rc = domain_question_read(reply, &state, &err);
    ask_unlink(ask->lookup);
    ask->domain_fn(ask->ctx, &ask->lead, rc, rc == STORE_OK ? &state : NULL);
    ask_free(ask->lookup, ask);
}

/* NULL while Redis is away, or when out of memory. */
static struct ask *ask_new(struct lookup *lookup, const struct address *lead, void *ctx)
{
    struct ask *ask = lookup->spare;

    if (lookup->state != LOOKUP_UP)
        return NULL;
    if (ask != NULL)
        lookup->spare = ask->next;
    else if ((ask = malloc(sizeof(*ask))) == NULL)
        return NULL;
    ask->lookup = lookup;
    ask->ctx = ctx;
    ask->since = monotonic_ms();
    ask->lead = *lead;
    return ask;
}

/* It has been sent. */
static void ask_wait(struct lookup *lookup, struct ask *ask)
{
    ask_link(lookup, ask);
    lookup_watch(lookup);
}

static bool send_ask(struct lookup *lookup, struct ask *ask)
{
    return ask->look == LOOK_CLOSELY ? send_question(lookup, ask, lookup->sha[LOOKUP_QUESTION])
                                     : send_glance(lookup, ask);
}

void lookup_recipient(struct lookup *lookup, const struct address *lead, enum lookup_look look, lookup_fn *fn,
                      void *ctx)
{
    struct ask *ask = ask_new(lookup, lead, ctx);

    if (ask != NULL) {
        ask->fn = fn;
        ask->look = look;
    }
    if (ask == NULL || !send_ask(lookup, ask)) {
        free(ask);
        fn(ctx, STORE_DOWN, NULL);
        return;
    }
    ask_wait(lookup, ask);
}

void lookup_domain(struct lookup *lookup, const struct address *lead, struct span otherwise,
                   struct span streams, int64_t now, lookup_domain_fn *fn, void *ctx)
{
    struct ask *ask = ask_new(lookup, lead, ctx);
    struct domain_question question;

    if (ask != NULL) {
        ask->domain_fn = fn;
        domain_question_make(&question, lookup->sha[LOOKUP_DOMAIN], lead, otherwise, streams, now);
    }
    if (ask == NULL || redisAsyncCommandArgv(lookup->context, on_domain, ask, question.argc, question.argv,
                                             question.len) != REDIS_OK) {
        free(ask);
        fn(ctx, lead, STORE_DOWN, NULL);
        return;
    }
    ask_wait(lookup, ask);
}

bool lookup_pass(struct lookup *lookup, struct span provider, int64_t n, int64_t now)
{
    struct passed_command command;

    if (lookup->state != LOOKUP_UP)
        return false;
    passed_command_make(&command, provider, n, now);
    return redisAsyncCommandArgv(lookup->context, NULL, NULL, command.query.argc, command.query.argv,
                                 command.query.len) == REDIS_OK;
}

/* The answer to HINCRBY or HSET. */
static void on_counted(redisAsyncContext *context, void *reply, void *arg)
{
    struct lookup *lookup = arg;

    (void)context;
    batch_answer(&lookup->batch, reply);
}

static bool send_counter(struct lookup *lookup, const struct counter *counter)
{
    struct counter_command command;

    counter_command_make(&command, counter);
    return redisAsyncCommandArgv(lookup->context, on_counted, lookup, COUNTER_ARGS, command.argv,
                                 command.len) == REDIS_OK;
}

void lookup_count(struct lookup *lookup, struct counters *counters)
{
    struct counter **rest = &lookup->batch.first;

    if (lookup->state != LOOKUP_UP || lookup_is_counting(lookup) || !batch_take(&lookup->batch, counters))
        return;
    while (*rest != NULL && send_counter(lookup, *rest))
        rest = &(*rest)->next;
    batch_keep(&lookup->batch, rest);
    lookup->batch_sent = monotonic_ms();
    lookup_watch(lookup);
}

bool lookup_is_counting(const struct lookup *lookup)
{
    return lookup->batch.first != NULL;
}

int64_t lookup_waits_since(const struct lookup *lookup)
{
    if (lookup->oldest != NULL)
        return lookup->oldest->since;
    return lookup_is_counting(lookup) ? lookup->batch_sent : 0;
}

void lookup_free_asks(struct lookup *lookup)
{
    while (lookup->spare != NULL) {
        struct ask *ask = lookup->spare;

        lookup->spare = ask->next;
        free(ask);
    }
}
