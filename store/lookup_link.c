/* SPDX-License-Identifier: BSD-2-Clause */
/* The connection. What is asked on it, and in which order it is answered, is in lookup.c. */
#include "store/lookup_link.h"

#include "store/answer.h"
#include "store/domain.h"
#include "store/loop_adapter.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>

#include <event2/event.h>

static const char *const scripts[LOOKUP_SCRIPTS] = {
    [LOOKUP_QUESTION] = question_script, [LOOKUP_DOMAIN] = place_script
};

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
    enum lookup_state before = lookup->state;
    struct timeval wait;

    backoff_failed(&lookup->backoff);
    wait = milliseconds(lookup->backoff.wait);
    lookup->context = NULL;
    lookup->state = LOOKUP_DOWN;
    event_del(lookup->deadline);
    event_add(lookup->retry, &wait);
    /* Once per absence, and once at a start without Redis; not for each try in vain. */
    if (before == LOOKUP_UP || !lookup->told)
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

static void watch_deadline(struct lookup *lookup, int64_t ms)
{
    struct timeval wait = milliseconds(ms);

    event_add(lookup->deadline, &wait);
}

void lookup_watch(struct lookup *lookup)
{
    if (!event_pending(lookup->deadline, EV_TIMEOUT, NULL))
        watch_deadline(lookup, lookup->settings->timeout);
}

static void on_deadline(evutil_socket_t fd, short what, void *data)
{
    struct lookup *lookup = data;
    int64_t since = lookup->state == LOOKUP_TRYING ? lookup->tried : lookup_waits_since(lookup);
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
    if (++lookup->loaded < LOOKUP_SCRIPTS)
        return;
    lookup->state = LOOKUP_UP;
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
    for (int i = 0; i < LOOKUP_SCRIPTS; i++)
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
    lookup->state = LOOKUP_TRYING;
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
    lookup->state = LOOKUP_DOWN;
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
    lookup->state = LOOKUP_DOWN;
    if (context != NULL) {
        context->data = NULL;
        redisAsyncFree(context);
    }
    lookup_free_asks(lookup);
    if (lookup->retry != NULL)
        event_free(lookup->retry);
    if (lookup->deadline != NULL)
        event_free(lookup->deadline);
    free(lookup);
}
