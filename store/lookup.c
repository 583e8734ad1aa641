/* SPDX-License-Identifier: BSD-2-Clause */
/* Questions to Redis on the loop. All questions of one turn share a write. Redis answers in order: the
 * question whose answer is next is the head of a list, and one timer, looking at that head, bounds the wait
 * for all.
 *
 * A question is a glance first: does anything stand against the recipient? With a million leads that made
 * 237,000 decisions a second of 107,000, at 100 connections, and it nearly always is the answer. A refused
 * recipient pays a second round trip; it saves Postfix a whole delivery. Who is looked at closely anyway,
 * since her provider is in trouble, is asked about in full at once.
 *
 * The connection is DOWN (waiting for the back-off), TRYING (connecting, greeting; that the script loads
 * tells that Redis serves) or UP. Only when UP is anything asked; else the answer is "nobody knows" at once,
 * because a mail server waits for it. */
#include "leadgate/lookup.h"

#include "store/answer.h"
#include "store/backoff.h"
#include "store/counters.h"
#include "store/domain.h"
#include "store/loop_adapter.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>

#include <event2/event.h>

enum state { STATE_DOWN = 1, STATE_TRYING, STATE_UP };

enum script { SCRIPT_QUESTION, SCRIPT_DOMAIN, SCRIPTS };

static const char *const scripts[SCRIPTS] = {
    [SCRIPT_QUESTION] = question_script, [SCRIPT_DOMAIN] = domain_script
};

/* One question under way: about a recipient, or about her domain. */
struct ask {
    struct lookup *lookup;
    struct ask *next;
    lookup_fn *fn;
    lookup_domain_fn *domain_fn;
    void *ctx;
    int64_t since; /* monotonic milliseconds */
    bool closely;
    struct address lead;
};

struct lookup {
    struct event_base *base;
    const struct store_settings *settings;
    lookup_state_fn *tell;
    void *tell_ctx;
    enum state state;
    redisAsyncContext *context; /* NULL: none, or one that is being freed */
    int64_t tried;              /* monotonic milliseconds, when the connection was begun */
    struct event *retry, *deadline;
    struct backoff backoff;
    struct ask *oldest, *newest, *spare;
    struct batch batch;    /* counters that are being added */
    int64_t batch_sent;    /* monotonic milliseconds */
    char sha[SCRIPTS][41]; /* of the loaded scripts, in hexadecimal */
    int loaded;            /* how many of them are, in a greeting */
    char reason[200];      /* why it is down, or what the greeting met; "" = nothing wrong */
    bool told;             /* that it is down */
};

static void on_glance(redisAsyncContext *context, void *data, void *arg);
static void on_reply(redisAsyncContext *context, void *reply, void *arg);

static struct timeval milliseconds(int64_t ms)
{
    return (struct timeval){ .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };
}

static void set_reason(struct lookup *lookup, const char *reason)
{
    span_excerpt(lookup->reason, sizeof(lookup->reason), span_of(reason));
}

/* The connection is gone or of no use: try again later. The caller has let go of the context. */
static void go_down(struct lookup *lookup)
{
    enum state before = lookup->state;
    struct timeval wait;

    backoff_failed(&lookup->backoff);
    wait = milliseconds(lookup->backoff.wait);
    lookup->context = NULL;
    lookup->state = STATE_DOWN;
    event_del(lookup->deadline);
    event_add(lookup->retry, &wait);
    /* Once per absence, and once at a start without Redis; not for each try in vain. */
    if (before == STATE_UP || !lookup->told)
        lookup->tell(lookup->tell_ctx, false, lookup->reason);
    lookup->told = true;
}

/* Ends a connection that does not answer. Its open questions are answered by hiredis's NULL replies, after
 * `context` is NULL, so that none of them is asked again on it. */
static void drop_connection(struct lookup *lookup, const char *reason)
{
    redisAsyncContext *context = lookup->context;

    set_reason(lookup, reason);
    go_down(lookup);
    context->data = NULL;
    redisAsyncFree(context);
}

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

    glance_make(&glance, &ask->lead);
    return redisAsyncCommandArgv(lookup->context, on_glance, ask, GLANCE_ARGS, glance.argv, glance.len) ==
           REDIS_OK;
}

/* sha: NULL for the script itself. */
static bool send_question(struct lookup *lookup, struct ask *ask, const char *sha)
{
    struct question question;

    question_make(&question, sha, &ask->lead, ask->closely);
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
    else if (send_question(ask->lookup, ask, ask->lookup->sha[SCRIPT_QUESTION]))
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
        redisAsyncCommand(context, NULL, NULL, "SCRIPT LOAD %s", domain_script);
    rc = domain_question_read(reply, &state, &err);
    ask_unlink(ask->lookup);
    ask->domain_fn(ask->ctx, &ask->lead, rc, rc == STORE_OK ? &state : NULL);
    ask_free(ask->lookup, ask);
}

/* NULL while Redis is away, or when out of memory. */
static struct ask *ask_new(struct lookup *lookup, const struct address *lead, void *ctx)
{
    struct ask *ask = lookup->spare;

    if (lookup->state != STATE_UP)
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

static void watch_deadline(struct lookup *lookup, int64_t ms)
{
    struct timeval wait = milliseconds(ms);

    event_add(lookup->deadline, &wait);
}

/* It has been sent. */
static void ask_wait(struct lookup *lookup, struct ask *ask)
{
    ask_link(lookup, ask);
    if (!event_pending(lookup->deadline, EV_TIMEOUT, NULL))
        watch_deadline(lookup, lookup->settings->timeout);
}

static void ask_recipient(struct lookup *lookup, const struct address *lead, bool closely, lookup_fn *fn,
                          void *ctx)
{
    struct ask *ask = ask_new(lookup, lead, ctx);

    if (ask != NULL) {
        ask->fn = fn;
        ask->closely = closely;
    }
    if (ask == NULL ||
        !(closely ? send_question(lookup, ask, lookup->sha[SCRIPT_QUESTION]) : send_glance(lookup, ask))) {
        free(ask);
        fn(ctx, STORE_DOWN, NULL);
        return;
    }
    ask_wait(lookup, ask);
}

void lookup_recipient(struct lookup *lookup, const struct address *lead, lookup_fn *fn, void *ctx)
{
    ask_recipient(lookup, lead, false, fn, ctx);
}

void lookup_closely(struct lookup *lookup, const struct address *lead, lookup_fn *fn, void *ctx)
{
    ask_recipient(lookup, lead, true, fn, ctx);
}

void lookup_domain(struct lookup *lookup, const struct address *lead, struct span otherwise,
                   struct span streams, lookup_domain_fn *fn, void *ctx)
{
    struct ask *ask = ask_new(lookup, lead, ctx);
    struct domain_question question;

    if (ask != NULL) {
        ask->domain_fn = fn;
        domain_question_make(&question, lookup->sha[SCRIPT_DOMAIN], lead, otherwise, streams);
    }
    if (ask == NULL || redisAsyncCommandArgv(lookup->context, on_domain, ask, question.argc, question.argv,
                                             question.len) != REDIS_OK) {
        free(ask);
        fn(ctx, lead, STORE_DOWN, NULL);
        return;
    }
    ask_wait(lookup, ask);
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

    if (lookup->state != STATE_UP || lookup_is_counting(lookup) || !batch_take(&lookup->batch, counters))
        return;
    while (*rest != NULL && send_counter(lookup, *rest))
        rest = &(*rest)->next;
    batch_keep(&lookup->batch, rest);
    lookup->batch_sent = monotonic_ms();
    if (!event_pending(lookup->deadline, EV_TIMEOUT, NULL))
        watch_deadline(lookup, lookup->settings->timeout);
}

bool lookup_is_counting(const struct lookup *lookup)
{
    return lookup->batch.first != NULL;
}

/* Since when an answer is waited for; 0 = for none. */
static int64_t waits_since(const struct lookup *lookup)
{
    if (lookup->state == STATE_TRYING)
        return lookup->tried;
    if (lookup->oldest != NULL)
        return lookup->oldest->since;
    return lookup_is_counting(lookup) ? lookup->batch_sent : 0;
}

static void on_deadline(evutil_socket_t fd, short what, void *data)
{
    struct lookup *lookup = data;
    int64_t since = waits_since(lookup);
    int64_t left = since + lookup->settings->timeout - monotonic_ms();
    char reason[64];

    (void)fd;
    (void)what;
    if (since == 0)
        return;
    if (left > 0) {
        watch_deadline(lookup, left);
        return;
    }
    snprintf(reason, sizeof(reason), "no answer within %lld ms", (long long)lookup->settings->timeout);
    drop_connection(lookup, reason);
}

/* Answers to AUTH and SELECT: an error there means that nothing can be asked. */
static void on_greeting(redisAsyncContext *context, void *data, void *unused)
{
    struct lookup *lookup = context->data;
    redisReply *reply = data;

    (void)unused;
    if (lookup != NULL && reply != NULL && reply->type == REDIS_REPLY_ERROR)
        set_reason(lookup, reply->str);
}

/* A script is loaded; with the last one it is known that Redis serves. */
static void on_loaded(redisAsyncContext *context, void *data, void *unused)
{
    struct lookup *lookup = context->data;
    redisReply *reply = data;

    on_greeting(context, data, unused);
    if (lookup == NULL || reply == NULL)
        return;
    if (lookup->reason[0] != '\0' ||
        !span_copy(lookup->sha[lookup->loaded], sizeof(lookup->sha[0]), answer_text(reply))) {
        go_down(lookup);
        context->data = NULL;
        redisAsyncDisconnect(context);
        return;
    }
    if (++lookup->loaded < SCRIPTS)
        return;
    lookup->state = STATE_UP;
    backoff_succeeded(&lookup->backoff);
    lookup->tell(lookup->tell_ctx, true, "");
}

/* The context is freed by hiredis after these two. */
static void on_connect(const redisAsyncContext *context, int status)
{
    struct lookup *lookup = context->data;

    if (lookup == NULL || status == REDIS_OK)
        return;
    set_reason(lookup, context->errstr);
    go_down(lookup);
}

static void on_disconnect(const redisAsyncContext *context, int status)
{
    struct lookup *lookup = context->data;

    (void)status;
    if (lookup == NULL)
        return;
    set_reason(lookup, context->errstr[0] != '\0' ? context->errstr : "connection closed");
    go_down(lookup);
}

static void send_greeting(struct lookup *lookup)
{
    const struct store_settings *settings = lookup->settings;
    redisAsyncContext *context = lookup->context;

    if (settings->password != NULL && settings->password[0] != '\0') {
        if (settings->username != NULL && settings->username[0] != '\0')
            redisAsyncCommand(context, on_greeting, NULL, "AUTH %s %s", settings->username,
                              settings->password);
        else
            redisAsyncCommand(context, on_greeting, NULL, "AUTH %s", settings->password);
    }
    if (settings->database != 0)
        redisAsyncCommand(context, on_greeting, NULL, "SELECT %lld", (long long)settings->database);
    lookup->loaded = 0;
    for (int i = 0; i < SCRIPTS; i++)
        redisAsyncCommand(context, on_loaded, NULL, "SCRIPT LOAD %s", scripts[i]);
}

static void start_connecting(struct lookup *lookup)
{
    const struct endpoint *address = &lookup->settings->address;
    redisAsyncContext *context = address->kind == ENDPOINT_UNIX
                                     ? redisAsyncConnectUnix(address->host)
                                     : redisAsyncConnect(address->host, address->port);

    lookup->reason[0] = '\0';
    if (context == NULL || context->err != 0 || !loop_adapter_attach(context, lookup->base)) {
        set_reason(lookup, context == NULL ? "out of memory" : context->errstr);
        go_down(lookup);
        if (context != NULL)
            redisAsyncFree(context);
        return;
    }
    context->data = lookup;
    lookup->context = context;
    lookup->state = STATE_TRYING;
    lookup->tried = monotonic_ms();
    redisAsyncSetConnectCallback(context, on_connect);
    redisAsyncSetDisconnectCallback(context, on_disconnect);
    send_greeting(lookup);
    watch_deadline(lookup, lookup->settings->timeout);
}

static void on_retry(evutil_socket_t fd, short what, void *data)
{
    (void)fd;
    (void)what;
    start_connecting(data);
}

struct lookup *lookup_new(struct event_base *base, const struct store_settings *settings,
                          lookup_state_fn *state, void *state_ctx)
{
    struct lookup *lookup = calloc(1, sizeof(*lookup));

    if (lookup == NULL)
        return NULL;
    lookup->base = base;
    lookup->settings = settings;
    lookup->tell = state;
    lookup->tell_ctx = state_ctx;
    lookup->state = STATE_DOWN;
    lookup->retry = evtimer_new(base, on_retry, lookup);
    lookup->deadline = evtimer_new(base, on_deadline, lookup);
    if (lookup->retry == NULL || lookup->deadline == NULL) {
        lookup_free(lookup);
        return NULL;
    }
    start_connecting(lookup);
    return lookup;
}

void lookup_free(struct lookup *lookup)
{
    redisAsyncContext *context;

    if (lookup == NULL)
        return;
    context = lookup->context;
    lookup->state = STATE_DOWN;
    if (context != NULL) {
        context->data = NULL;
        redisAsyncFree(context);
    }
    while (lookup->spare != NULL) {
        struct ask *ask = lookup->spare;

        lookup->spare = ask->next;
        free(ask);
    }
    if (lookup->retry != NULL)
        event_free(lookup->retry);
    if (lookup->deadline != NULL)
        event_free(lookup->deadline);
    free(lookup);
}
