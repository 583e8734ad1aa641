/* SPDX-License-Identifier: BSD-2-Clause */
/* One lead after the other, each through all of her days and all policies at once: she stays in the cache,
 * and nothing is kept of her but the counts. What a mail becomes depends on the kind of lead and the day, not
 * on the policy; so what was not sent can be told apart into saved and missed.
 *
 * A day's mail goes out at the same hour. The answer of the remote server follows a minute later, an open an
 * hour later, and a mail that waits in the queue comes back so many days after, a minute past the mail of
 * that day. */
#include "leadgate/simulate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MINUTE INT64_C(60)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
#define START  (INT64_C(20000) * DAY) /* any day will do; some in 2024 */

/* One lead under one policy. */
struct state {
    struct lead lead;       /* Leadgate's */
    struct optouts optouts; /* and what Redis would hold */
    int64_t bounces;        /* N bounces and out */
    uint64_t returning;     /* bit n: the mail of n days ago will come back, or has */
};

/* One lead, whatever the policy. */
struct subject {
    const struct sim_plan *plan;
    const struct sim_kind *kind;
    struct event event;          /* with her address; the rest is filled in for each event */
    int64_t fault_day, open_day; /* 0..: on which days of her own cycles she has her fault and opens */
};

/* splitmix64's finaliser: spreads the leads' numbers over their cycles. */
static uint64_t mix(uint64_t n)
{
    n = (n ^ (n >> 30)) * 0xbf58476d1ce4e5b9u;
    n = (n ^ (n >> 27)) * 0x94d049bb133111ebu;
    return n ^ (n >> 31);
}

static bool is_faulty(const struct subject *subject, int64_t day)
{
    return (day + subject->fault_day) % SIM_MONTH < subject->kind->days;
}

static bool is_opening(const struct subject *subject, int64_t day)
{
    int opens = subject->kind->opens;

    return opens > 0 && (day + subject->open_day) % opens == 0;
}

static int64_t time_of_day(int64_t day)
{
    return START + day * DAY;
}

/* What Redis does by itself. */
static void expire_optout(struct optouts *optouts, int64_t now)
{
    struct optout *optout = &optouts->optout;

    if (optout->present && optout->kind == OPTOUT_TEMPORARY && optout->until <= now)
        optout->present = false;
}

static void apply(struct subject *subject, struct state *state, enum event_type type, int64_t at,
                  int64_t sent)
{
    struct event *event = &subject->event;
    struct change change;

    event->type = type;
    event->at = at;
    event->sent = sent;
    expire_optout(&state->optouts, at);
    lead_apply(subject->plan->settings, &state->lead, &state->optouts, event, at, &state->lead, &change);
    switch (change.kind) {
    case CHANGE_OPTOUT: state->optouts.optout = change.optout; break;
    case CHANGE_LIFT: state->optouts.optout.present = false; break;
    case CHANGE_REFUSE:
    case CHANGE_ACCEPT:
    case CHANGE_NONE: break;
    }
}

/* Whether today is the day on which an earlier mail, or today's, comes back. */
static bool is_returning(const struct subject *subject, const struct state *state)
{
    return (state->returning >> subject->kind->delay & 1) != 0;
}

static bool is_suppressed(const struct subject *subject, struct state *state, enum sim_policy policy,
                          int64_t now)
{
    switch (policy) {
    case SIM_LEADGATE: expire_optout(&state->optouts, now); return state->optouts.optout.present;
    case SIM_NO_SUPPRESSION: return false;
    case SIM_OUT: return state->bounces >= subject->plan->out;
    case SIM_POLICIES: break;
    }
    abort();
}

/* What comes back on a day, after its mail has gone out. */
static void learn(struct subject *subject, struct state *state, enum sim_policy policy, int64_t day,
                  bool delivered)
{
    int64_t now = time_of_day(day);

    switch (policy) {
    case SIM_LEADGATE:
        if (delivered)
            apply(subject, state, EVENT_DELIVERED, now + MINUTE, now);
        if (delivered && is_opening(subject, day))
            apply(subject, state, EVENT_OPEN, now + HOUR, now);
        if (is_returning(subject, state))
            apply(subject, state, EVENT_BOUNCE, now + MINUTE, now - subject->kind->delay * DAY);
        return;
    case SIM_NO_SUPPRESSION: return;
    case SIM_OUT: state->bounces += is_returning(subject, state); return;
    case SIM_POLICIES: break;
    }
    abort();
}

/* One day of one lead under one policy. */
static void live(struct subject *subject, struct state *state, enum sim_policy policy, int64_t day,
                 bool faulty, struct sim_count *count)
{
    bool mailed = (day - 1) % subject->plan->every == 0;
    bool suppressed = is_suppressed(subject, state, policy, time_of_day(day));
    bool sent = mailed && !suppressed;

    count->sent += sent;
    count->vain += sent && faulty;
    count->saved += mailed && suppressed && faulty;
    count->missed += mailed && suppressed && !faulty;
    count->suspended += suppressed;
    state->returning = state->returning << 1 | (sent && faulty);
    learn(subject, state, policy, day, sent && !faulty);
}

/* Her whole time. Who opens now and then has done so before the first day, too. */
static void live_all(struct subject *subject, struct sim_counts *days, int64_t lost[])
{
    struct state states[SIM_POLICIES] = { 0 };
    const struct optout *optout = &states[SIM_LEADGATE].optouts.optout;

    if (subject->kind->opens > 0)
        apply(subject, &states[SIM_LEADGATE], EVENT_OPEN,
              time_of_day(-(subject->open_day % subject->kind->opens)), 0);
    for (int64_t day = 1; day <= subject->plan->days; day++) {
        bool faulty = is_faulty(subject, day);

        for (int policy = 0; policy < SIM_POLICIES; policy++)
            live(subject, &states[policy], (enum sim_policy)policy, day, faulty, &days[day - 1].of[policy]);
    }
    if (!subject->kind->alive)
        return;
    lost[SIM_LEADGATE] += optout->present && optout->kind == OPTOUT_PERMANENT;
    lost[SIM_OUT] += states[SIM_OUT].bounces >= subject->plan->out;
}

/* A subject of that kind. Her number makes her address, from which the jitter comes. */
static void set_subject(struct subject *subject, int64_t number)
{
    struct address *address = &subject->event.lead;
    uint64_t spread = mix((uint64_t)number + 1);
    int n = snprintf(address->text, sizeof(address->text), "lead%lld@example.com", (long long)number);

    address->n = (size_t)n;
    address->at = (size_t)n - strlen("@example.com");
    subject->fault_day = (int64_t)(spread % SIM_MONTH);
    subject->open_day = (int64_t)(spread >> 32);
}

static void add(struct sim_count *to, const struct sim_count *count)
{
    to->sent += count->sent;
    to->vain += count->vain;
    to->saved += count->saved;
    to->missed += count->missed;
    to->suspended += count->suspended;
    to->lost += count->lost;
}

static void count_leads(const struct sim_plan *plan, int64_t leads[])
{
    leads[0] = plan->leads;
    for (size_t kind = 1; kind < plan->scenario->n; kind++) {
        leads[kind] = plan->leads * plan->scenario->kinds[kind].share / 1000000;
        leads[0] -= leads[kind];
    }
}

/* The days of one kind of lead into the result. */
static void sum_up(const struct sim_plan *plan, size_t kind, const struct sim_counts *days,
                   const int64_t lost[], struct sim_result *result)
{
    for (int policy = 0; policy < SIM_POLICIES; policy++) {
        struct sim_count *sum = &result->by_kind[kind].of[policy];

        for (int64_t day = 0; day < plan->days; day++) {
            add(sum, &days[day].of[policy]);
            add(&result->by_day[day].of[policy], &days[day].of[policy]);
        }
        sum->suspended = 0;
        sum->lost = lost[policy];
        add(&result->total.of[policy], sum);
    }
}

static struct sim_result *result_new(const struct sim_plan *plan)
{
    struct sim_result *result = calloc(1, sizeof(*result));

    if (result == NULL)
        return NULL;
    result->leads = calloc(plan->scenario->n, sizeof(*result->leads));
    result->by_kind = calloc(plan->scenario->n, sizeof(*result->by_kind));
    result->by_day = calloc((size_t)plan->days, sizeof(*result->by_day));
    if (result->leads != NULL && result->by_kind != NULL && result->by_day != NULL)
        return result;
    sim_result_free(result);
    return NULL;
}

void sim_result_free(struct sim_result *result)
{
    if (result == NULL)
        return;
    free(result->leads);
    free(result->by_kind);
    free(result->by_day);
    free(result);
}

/* All leads of one kind. */
static void run_kind(struct subject *subject, int64_t first, int64_t leads, struct sim_counts *days,
                     int64_t lost[], void (*step)(void *arg), void *arg)
{
    subject->event.cause = subject->kind->cause;
    subject->event.status = span_of(subject->kind->status);
    for (int64_t number = first; number < first + leads; number++) {
        set_subject(subject, number);
        live_all(subject, days, lost);
        if (step != NULL)
            step(arg);
    }
}

struct sim_result *sim_run(const struct sim_plan *plan, void (*step)(void *arg), void *arg)
{
    size_t days_size = (size_t)plan->days * sizeof(struct sim_counts);
    struct sim_counts *days = malloc(days_size);
    struct sim_result *result = result_new(plan);
    struct subject subject = { .plan = plan, .event = { .source = SOURCE_LOG } };
    int64_t first = 0;

    if (days == NULL || result == NULL) {
        sim_result_free(result);
        result = NULL;
        goto out;
    }
    count_leads(plan, result->leads);
    for (size_t kind = 0; kind < plan->scenario->n; kind++) {
        int64_t lost[SIM_POLICIES] = { 0 };

        memset(days, 0, days_size);
        subject.kind = &plan->scenario->kinds[kind];
        run_kind(&subject, first, result->leads[kind], days, lost, step, arg);
        sum_up(plan, kind, days, lost, result);
        first += result->leads[kind];
    }
out:
    free(days);
    return result;
}
