/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the server, which knows connections, and lookup, which knows Redis. What is decided, and in which
 * words, is in policy_reply.c; here it is asked, answered and logged.
 *
 * One line for each recipient that was refused, none for those that passed: that is where the volume is, and
 * Postfix logs them. While Redis is away there is a line when that begins and one when it ends, with the
 * number of decisions made without it: one for each decision would only hide the reason.
 *
 * Counters go to Redis a second after the first decision that they count: they share a write with the
 * questions of that moment, and a server that nobody asks sleeps. */
#include "policy/policy_decide.h"

#include "leadgate/logline.h"
#include "leadgate/lookup.h"
#include "policy/policy_providers.h"
#include "policy/policy_reply.h"
#include "policy/policy_tally.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>

struct policy_decider {
    struct event_base *base;
    const struct settings *settings;
    struct lookup *lookup;
    struct policy_providers *providers;
    bool settled; /* it is known whether Redis is there */
    bool down;
    int64_t unasked; /* decisions without it */
    struct policy_tally tally;
    struct counters *counters;
    struct event *flush;
    bool flushing; /* the timer runs */
};

static int64_t wall_clock_ms(const struct policy_decider *decider)
{
    struct timeval now;

    event_base_gettimeofday_cached(decider->base, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_usec / 1000;
}

/* Something is counted: in a second it goes to Redis. */
static void flush_later(struct policy_decider *decider)
{
    static const struct timeval second = { .tv_sec = 1 };

    if (decider->flushing)
        return;
    decider->flushing = true;
    event_add(decider->flush, &second);
}

/* What Redis did not take yet is tried again. */
static void on_flush(evutil_socket_t fd, short what, void *arg)
{
    struct policy_decider *decider = arg;

    (void)fd;
    (void)what;
    decider->flushing = false;
    policy_providers_tell(decider->providers, wall_clock_ms(decider));
    policy_tally_move(&decider->tally, decider->counters);
    lookup_count(decider->lookup, decider->counters);
    if (counters_waiting(decider->counters))
        flush_later(decider);
}

static void log_attribute(struct logline *line, const char *key, const struct policy_request *request,
                          enum policy_attribute attribute)
{
    if (request->value[attribute].n > 0)
        logline_span(line, key, request->value[attribute]);
}

/* For whose sake, and how bad it is: `share=8.1`, in percent. */
static void log_held(struct logline *line, const struct policy_reply *reply)
{
    char share[24];

    logline_text(line, "why", policy_why_name(reply->held.why));
    logline_text(line, "provider", reply->provider);
    if (reply->held.why == POLICY_WHY_HOLD || reply->held.why == POLICY_WHY_INCIDENT)
        return;
    snprintf(share, sizeof(share), "%lld.%lld", (long long)(reply->held.share / 10),
             (long long)(reply->held.share % 10));
    logline_text(line, "share", share);
}

static void log_refusal(const char *word, const struct policy_question *question,
                        const struct policy_reply *reply)
{
    const struct policy_request *request = &question->request;
    struct logline line;

    logline_start(&line, word);
    logline_span(&line, "lead", address_span(&question->lead));
    if (reply->held.why != POLICY_WHY_NONE) {
        log_held(&line, reply);
    } else if (reply->verdict != POLICY_DEFERRED) {
        logline_text(&line, "cause", cause_name(reply->cause));
        logline_text(&line, "kind", optout_kind_name(reply->kind));
        logline_time(&line, "until", reply->until);
    }
    logline_text(&line, "stream", reply->stream->name);
    logline_span(&line, "sender", request->value[POLICY_SENDER]);
    logline_span(&line, "client", request->value[POLICY_CLIENT_ADDRESS]);
    /* Postfix has no queue id before it took a recipient; the instance is the same for the whole message. */
    log_attribute(&line, "queue", request, POLICY_QUEUE_ID);
    log_attribute(&line, "instance", request, POLICY_INSTANCE);
    log_attribute(&line, "sasl", request, POLICY_SASL_USERNAME);
    logline_send(&line, LOG_INFO);
}

/* A bounce that brings no token of ours. */
static void log_unsigned(const struct policy_question *question)
{
    struct logline line;

    logline_start(&line, "unsigned");
    logline_span(&line, "recipient", address_span(&question->lead));
    logline_span(&line, "client", question->request.value[POLICY_CLIENT_ADDRESS]);
    logline_send(&line, LOG_INFO);
}

static int64_t wall_clock(const struct policy_decider *decider)
{
    struct timeval now;

    event_base_gettimeofday_cached(decider->base, &now);
    return (int64_t)now.tv_sec;
}

/* Nothing stands against the recipient: its mail gets a token, where mail is signed. */
static void let_pass(struct policy_question *question)
{
    const struct policy_decider *decider = question->ctx;
    char action[POLICY_ACTION_MAX + 1];
    bool is_signed =
        question->lead.n > 0 && policy_sign(action, decider->settings, &question->request, &question->lead,
                                            &question->before, wall_clock(decider));

    policy_server_answer(question, is_signed ? action : "DUNNO");
}

/* Nothing stands against the recipient herself: what of her provider? False when more is to be known first:
 * of him, or of her because he is in trouble; once. */
static bool judge_provider(struct policy_question *question, const struct suppression *found,
                           struct policy_reply *reply)
{
    const struct policy_decider *decider = question->ctx;
    const struct settings *settings = decider->settings;
    struct policy_place place =
        policy_providers_find(decider->providers, &question->lead, wall_clock_ms(decider));
    bool trouble = place.provider == NULL || place.provider->trouble || place.domain_held;
    struct suppression bounced;

    if (trouble && !question->closely)
        return false;
    if (place.provider == NULL)
        return true;
    /* A bounce goes to whoever sent what bounced: no lead, and no risky one. */
    if (question->request.value[POLICY_SENDER].n == 0) {
        bounced = *found;
        bounced.standing.known = false;
        found = &bounced;
    }
    if (trouble || found->returning) {
        const struct stream *stream = policy_stream(settings, &question->request);
        struct policy_held held =
            policy_hold_judge(settings, stream, place.provider, place.domain_held, &question->lead, found);
        if (held.why != POLICY_WHY_NONE)
            policy_reply_hold(reply, settings, stream, &question->lead, &held, place.provider->name);
    }
    if (reply->verdict != POLICY_DEFERRED)
        policy_hold_pass(settings, place.provider, found, question->counts_for);
    return true;
}

static void on_found(void *ctx, enum store_rc rc, const struct suppression *found);

/* Once more, with all that there is to know. */
static void look_closely(struct policy_question *question)
{
    struct policy_decider *decider = question->ctx;

    (void)policy_providers_meet(decider->providers, &question->lead, wall_clock_ms(decider),
                                &question->counts_for);
    question->closely = true;
    question->counts_for = 1;
    lookup_recipient(decider->lookup, &question->lead, LOOK_CLOSELY, on_found, question);
}

/* A lookup_fn. */
static void on_found(void *ctx, enum store_rc rc, const struct suppression *found)
{
    struct policy_question *question = ctx;
    struct policy_decider *decider = question->ctx;
    struct policy_reply reply;

    policy_reply_make(&reply, decider->settings, &question->request, &question->lead, rc, found);
    if (rc == STORE_OK && reply.verdict == POLICY_PASSED && !judge_provider(question, found, &reply)) {
        look_closely(question);
        return;
    }
    if (rc == STORE_DOWN)
        decider->unasked++;
    policy_tally_note(&decider->tally, &reply, rc);
    flush_later(decider);
    switch (reply.verdict) {
    case POLICY_PASSED: let_pass(question); return;
    case POLICY_REFUSED: log_refusal("refused", question, &reply); break;
    case POLICY_OBSERVED:
        log_refusal("observed", question, &reply);
        let_pass(question);
        return;
    case POLICY_DEFERRED: log_refusal("deferred", question, &reply); break;
    }
    policy_server_answer(question, reply.action);
}

void policy_decide(struct policy_question *question)
{
    struct policy_decider *decider = question->ctx;
    bool ask = policy_reply_needs_lookup(decider->settings, &question->request, &question->lead);
    const char *refusal = question->lead.n == 0
                              ? NULL
                              : policy_refuse_unsigned(decider->settings, &question->request, &question->lead,
                                                       wall_clock(decider));

    if (refusal != NULL) {
        log_unsigned(question);
        policy_server_answer(question, refusal);
        return;
    }
    if (ask) {
        enum lookup_look look = policy_providers_meet(decider->providers, &question->lead,
                                                      wall_clock_ms(decider), &question->counts_for);

        question->closely = look == LOOK_CLOSELY;
        lookup_recipient(decider->lookup, &question->lead, look, on_found, question);
        return;
    }
    decider->tally.exempt++;
    flush_later(decider);
    let_pass(question);
}

/* A lookup_state_fn. */
static void on_state(void *ctx, bool up, const char *reason)
{
    struct policy_decider *decider = ctx;
    struct logline line;

    decider->settled = true;
    if (up != decider->down)
        return;
    decider->down = !up;
    if (up) {
        logline_start(&line, "redis-up");
        logline_int(&line, "decided-without", decider->unasked);
        logline_send(&line, LOG_NOTICE);
    } else {
        decider->unasked = 0;
        decider->tally.absences++;
        flush_later(decider);
        logline_start(&line, "redis-down");
        logline_text(&line, "reason", reason);
        logline_send(&line, LOG_WARNING);
    }
}

struct policy_decider *policy_decider_new(struct event_base *base, const struct settings *settings)
{
    struct policy_decider *decider = calloc(1, sizeof(*decider));

    if (decider == NULL)
        return NULL;
    decider->base = base;
    decider->settings = settings;
    decider->counters = counters_new();
    decider->flush = evtimer_new(base, on_flush, decider);
    if (decider->counters != NULL && decider->flush != NULL)
        decider->lookup = lookup_new(base, &settings->redis, on_state, decider);
    if (decider->lookup != NULL)
        decider->providers = policy_providers_new(decider->lookup, settings);
    if (decider->providers == NULL) {
        policy_decider_free(decider);
        return NULL;
    }
    return decider;
}

void policy_decider_free(struct policy_decider *decider)
{
    if (decider == NULL)
        return;
    lookup_free(decider->lookup);
    policy_providers_free(decider->providers);
    if (decider->flush != NULL)
        event_free(decider->flush);
    counters_free(decider->counters);
    free(decider);
}

static void await_counts(struct policy_decider *decider)
{
    while (lookup_is_counting(decider->lookup) && event_base_loop(decider->base, EVLOOP_ONCE) == 0)
        continue;
}

void policy_decider_flush(struct policy_decider *decider)
{
    event_del(decider->flush);
    policy_providers_tell(decider->providers, wall_clock_ms(decider));
    policy_tally_move(&decider->tally, decider->counters);
    await_counts(decider); /* what the timer began */
    lookup_count(decider->lookup, decider->counters);
    await_counts(decider);
}

void policy_decider_settle(struct policy_decider *decider)
{
    while (!decider->settled && event_base_loop(decider->base, EVLOOP_ONCE) == 0)
        continue;
}

void policy_decider_use(struct policy_decider *decider, const struct settings *settings)
{
    decider->settings = settings;
    policy_providers_use(decider->providers, settings);
}
