/* SPDX-License-Identifier: BSD-2-Clause */
/* A day has 288 steps, as Redis has windows of five minutes. Each lead has her own minute of the day at which
 * her mail goes out; what is held waits with the application and is tried again half an hour later, what the
 * provider defers waits with Postfix and is tried again an hour later, whatever is decided meanwhile.
 *
 * One provider only: leads do not differ but by whether they exist, and whether they have taken mail before.
 * What an incident does is done as the feed does it: detected at the end of a step from the last windows, the
 * bounces of those taken back, later ones recorded without a strike. */
#include "leadgate/trouble.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEP_SECONDS INT64_C(300)
#define DAY          (TROUBLE_STEPS * STEP_SECONDS)
#define START        (INT64_C(20000) * DAY)

enum {
    IMPORT_DAY = 10,
    HELD_WAITS = 6,   /* steps until the application comes again */
    QUEUE_WAITS = 12, /* and until Postfix tries again */
    NO_MAIL = -1,
};

/* One lead, and the mail that is on its way to her. */
struct subject {
    struct lead lead;
    struct optouts optouts;
    struct lead before; /* her last bounce, to be taken back */
    struct optouts before_optouts;
    int64_t bounced_step; /* when that was; 0 = none that could be */
    int64_t tried_step;   /* last try */
    int64_t next_try;     /* step of the next one; NO_MAIL = none is on its way */
    bool queued;          /* Postfix has it: nobody is asked any more */
    bool exists, imported;
};

struct run {
    const struct trouble_plan *plan;
    struct trouble_result *result;
    struct subject *subjects;
    int64_t n;
    struct provider_count *windows; /* of each step */
    int64_t *invalid;               /* of each step: tries of addresses that do not exist */
    struct guard_count day;         /* of the last 24 hours */
    struct provider_count past;     /* of all days before this one */
    struct incident incident;
    bool open;
    struct provider_count since; /* of the incident's step */
    int64_t from, to;            /* steps of the trouble */
    int64_t last_harm;           /* step at which a lead who exists was last held or suppressed for it */
};

static uint64_t mix(uint64_t n)
{
    n = (n ^ (n >> 30)) * 0xbf58476d1ce4e5b9u;
    n = (n ^ (n >> 27)) * 0x94d049bb133111ebu;
    return n ^ (n >> 31);
}

static int64_t time_of(int64_t step)
{
    return START + step * STEP_SECONDS;
}

static struct trouble_day *day_of(struct run *run, int64_t step)
{
    return &run->result->by_day[step / TROUBLE_STEPS];
}

static bool is_sick(const struct run *run, int64_t step)
{
    return step >= run->from && step < run->to;
}

/* --- what becomes of one mail --- */

static void name_lead(struct address *address, int64_t number)
{
    address->n =
        (size_t)snprintf(address->text, sizeof(address->text), "lead%lld@example.com", (long long)number);
    address->at = address->n - strlen("@example.com");
}

static void apply(struct run *run, int64_t number, enum event_type type, enum cause cause, const char *status,
                  int64_t step)
{
    struct subject *subject = &run->subjects[number];
    struct event event = { .type = type, .source = SOURCE_LOG, .cause = cause, .at = time_of(step) + 1 };
    struct change change;

    name_lead(&event.lead, number);
    event.sent = time_of(step);
    event.status = span_of(status);
    event.message = event.evidence = event.stream = event.token = event.provider = SPAN_NONE;
    lead_apply(run->plan->settings, &subject->lead, &subject->optouts, &event, event.at, &subject->lead,
               &change);
    if (change.kind == CHANGE_OPTOUT)
        subject->optouts.optout = change.optout;
    else if (change.kind == CHANGE_LIFT)
        subject->optouts.optout.present = false;
}

static void expire(struct subject *subject, int64_t step)
{
    struct optout *optout = &subject->optouts.optout;

    if (optout->present && optout->kind == OPTOUT_TEMPORARY && optout->until <= time_of(step))
        optout->present = false;
}

/* Counts the try in every place where counts are kept. */
static void count(struct run *run, struct subject *subject, int64_t step, bool failed, enum cause cause)
{
    struct provider_count *places[] = { &run->windows[step], &run->since };
    int64_t window = run->plan->incident->window / STEP_SECONDS;
    bool dead = failed && (cause == CAUSE_USER_UNKNOWN || cause == CAUSE_DOMAIN_UNKNOWN);
    bool known = subject->lead.delivered != 0;

    for (int i = 0; i < 2; i++) {
        places[i]->leads += subject->tried_step == 0 || step - subject->tried_step > window;
        places[i]->tries++;
        places[i]->faults += failed && !dead;
        places[i]->known += known;
        places[i]->known_dead += known && dead;
    }
    subject->tried_step = step;
    day_of(run, step)->sent++;
    day_of(run, step)->invalid += dead;
    run->invalid[step] += dead;
    run->day.tries++;
    run->day.invalid += dead;
    day_of(run, step)->wall += failed && subject->exists;
}

static void bounce(struct run *run, int64_t number, int64_t step)
{
    struct subject *subject = &run->subjects[number];

    count(run, subject, step, true, CAUSE_USER_UNKNOWN);
    subject->next_try = NO_MAIL;
    /* As the feed does: it is known and counted, and strikes nobody. */
    if (run->open && incident_explains(run->incident.sign, CAUSE_USER_UNKNOWN))
        return;
    subject->before = subject->lead;
    subject->before_optouts = subject->optouts;
    subject->bounced_step = step;
    apply(run, number, EVENT_BOUNCE, CAUSE_USER_UNKNOWN, "5.1.1", step);
}

static void deliver(struct run *run, int64_t number, int64_t step)
{
    struct subject *subject = &run->subjects[number];

    count(run, subject, step, false, CAUSE_NONE);
    subject->next_try = NO_MAIL;
    subject->queued = false;
    subject->bounced_step = 0;
    apply(run, number, EVENT_DELIVERED, CAUSE_NONE, "2.0.0", step);
}

static void send(struct run *run, int64_t number, int64_t step)
{
    struct subject *subject = &run->subjects[number];
    bool sick = is_sick(run, step);

    if (sick && run->plan->kind == TROUBLE_DEFERS) {
        count(run, subject, step, true, CAUSE_NETWORK_ERROR);
        subject->queued = true;
        subject->next_try = step + QUEUE_WAITS;
    } else if (sick || !subject->exists) {
        bounce(run, number, step);
    } else {
        deliver(run, number, step);
    }
}

/* --- the door --- */

static bool is_held(const struct run *run, const struct subject *subject, int64_t number)
{
    struct address address;

    if (!run->plan->handled)
        return false;
    if (run->plan->kind == TROUBLE_DIRTY_LIST)
        return guard_is_risky(subject->lead.delivered, subject->lead.score) &&
               guard_holds(run->plan->guard, &run->day);
    name_lead(&address, number);
    return run->open && !incident_passes(run->incident.percent, &address);
}

static void try_mail(struct run *run, int64_t number, int64_t step)
{
    struct subject *subject = &run->subjects[number];

    expire(subject, step);
    if (!subject->queued && subject->optouts.optout.present) {
        subject->next_try = NO_MAIL;
        if (subject->exists && step >= run->from)
            run->last_harm = step;
    } else if (!subject->queued && is_held(run, subject, number)) {
        subject->next_try = step + HELD_WAITS;
        day_of(run, step)->held++;
        if (subject->exists)
            run->last_harm = step;
    } else {
        send(run, number, step);
    }
}

/* Her minute of the day: what is still on its way is not sent twice. */
static void hand_in(struct run *run, int64_t number, int64_t step)
{
    struct subject *subject = &run->subjects[number];
    bool there = !subject->imported || step / TROUBLE_STEPS + 1 >= IMPORT_DAY;

    if (there && subject->next_try == NO_MAIL &&
        step % TROUBLE_STEPS == (int64_t)(mix((uint64_t)number + 1) % TROUBLE_STEPS))
        subject->next_try = step;
}

/* --- incidents --- */

static void add(struct provider_count *to, const struct provider_count *count)
{
    to->leads += count->leads;
    to->tries += count->tries;
    to->faults += count->faults;
    to->known += count->known;
    to->known_dead += count->known_dead;
}

static void take_back(struct run *run, int64_t step, int64_t window)
{
    for (int64_t i = 0; i < run->n; i++) {
        struct subject *subject = &run->subjects[i];

        if (subject->bounced_step == 0 || subject->bounced_step <= step - window)
            continue;
        subject->lead = subject->before;
        subject->optouts = subject->before_optouts;
        subject->bounced_step = 0;
    }
}

static void watch(struct run *run, int64_t step)
{
    const struct incident_settings *settings = run->plan->incident;
    int64_t window = settings->window / STEP_SECONDS, now = time_of(step + 1);
    struct provider_count count = { .leads = 0 };
    enum incident_sign sign;

    if (run->open) {
        enum incident_move move = incident_move(settings, &run->incident, &run->since, now);

        if (move != MOVE_NONE)
            run->since = (struct provider_count){ .leads = 0 };
        run->open = move != MOVE_OVER;
        return;
    }
    for (int64_t i = step - window + 1; i <= step; i++)
        if (i >= 0)
            add(&count, &run->windows[i]);
    if ((sign = incident_detect(settings, &count, &run->past)) == SIGN_NONE)
        return;
    incident_open(settings, sign, count.leads, now, &run->incident);
    run->open = true;
    run->since = (struct provider_count){ .leads = 0 };
    if (incident_explains(sign, CAUSE_USER_UNKNOWN))
        take_back(run, step, window);
}

/* --- all of it --- */

/* What is older than 24 hours is none of the guard's business. */
static void forget(struct run *run, int64_t step)
{
    if (step < TROUBLE_STEPS)
        return;
    run->day.tries -= run->windows[step - TROUBLE_STEPS].tries;
    run->day.invalid -= run->invalid[step - TROUBLE_STEPS];
}

static void run_step(struct run *run, int64_t step)
{
    forget(run, step);
    for (int64_t i = 0; i < run->n; i++) {
        hand_in(run, i, step);
        if (run->subjects[i].next_try == step)
            try_mail(run, i, step);
    }
    if (run->plan->handled && run->plan->kind != TROUBLE_DIRTY_LIST)
        watch(run, step);
}

static void end_day(struct run *run, int64_t day)
{
    for (int64_t step = (day - 1) * TROUBLE_STEPS; step < day * TROUBLE_STEPS; step++)
        add(&run->past, &run->windows[step]);
}

static void sum_up(struct run *run)
{
    struct trouble_result *result = run->result;

    for (int64_t day = 0; day < run->plan->days; day++) {
        result->total.sent += result->by_day[day].sent;
        result->total.wall += result->by_day[day].wall;
        result->total.invalid += result->by_day[day].invalid;
        result->total.held += result->by_day[day].held;
    }
    for (int64_t i = 0; i < run->n; i++) {
        const struct subject *subject = &run->subjects[i];
        const struct optout *optout = &subject->optouts.optout;

        result->lost += subject->exists && optout->present && optout->kind == OPTOUT_PERMANENT;
        result->waiting += subject->imported && subject->tried_step == 0;
    }
    result->recovery = run->last_harm < run->to ? 0 : (run->last_harm - run->to) * STEP_SECONDS;
    if (result->lost > 0)
        result->recovery = -1;
}

/* One in fifty of those who were mailed before has died since; of an imported list 15 in a hundred never
 * lived. */
static void set_subjects(struct run *run)
{
    for (int64_t i = 0; i < run->n; i++) {
        struct subject *subject = &run->subjects[i];
        uint64_t spread = mix((uint64_t)i * 2 + 7) % 1000;

        subject->imported = i >= run->plan->leads;
        subject->next_try = NO_MAIL;
        subject->exists = spread >= (subject->imported ? 150 : 20);
    }
}

static void set_trouble(struct run *run)
{
    int64_t day = run->plan->days / 2;

    switch (run->plan->kind) {
    case TROUBLE_UNKNOWN:
        run->from = day * TROUBLE_STEPS + 9 * 12;
        run->to = run->from + 6 * 12;
        break;
    case TROUBLE_DEFERS:
        run->from = day * TROUBLE_STEPS;
        run->to = run->from + 2 * TROUBLE_STEPS;
        break;
    case TROUBLE_DIRTY_LIST: run->from = run->to = run->plan->days * TROUBLE_STEPS; break;
    }
}

struct trouble_result *trouble_run(const struct trouble_plan *plan, void (*step)(void *arg), void *arg)
{
    struct run run = { .plan = plan, .n = plan->leads + (plan->kind == TROUBLE_DIRTY_LIST ? plan->list : 0) };
    struct trouble_result *result = calloc(1, sizeof(*result));

    run.subjects = calloc((size_t)run.n + 1, sizeof(*run.subjects));
    run.windows = calloc((size_t)plan->days * TROUBLE_STEPS, sizeof(*run.windows));
    run.invalid = calloc((size_t)plan->days * TROUBLE_STEPS, sizeof(*run.invalid));
    if (result != NULL)
        result->by_day = calloc((size_t)plan->days + 1, sizeof(*result->by_day));
    if (result == NULL || result->by_day == NULL || run.subjects == NULL || run.windows == NULL ||
        run.invalid == NULL) {
        trouble_result_free(result);
        result = NULL;
        goto out;
    }
    run.result = result;
    set_subjects(&run);
    set_trouble(&run);
    for (int64_t day = 1; day <= plan->days; day++) {
        for (int64_t i = (day - 1) * TROUBLE_STEPS; i < day * TROUBLE_STEPS; i++)
            run_step(&run, i);
        end_day(&run, day);
        if (step != NULL)
            step(arg);
    }
    sum_up(&run);
out:
    free(run.invalid);
    free(run.windows);
    free(run.subjects);
    return result;
}

void trouble_result_free(struct trouble_result *result)
{
    if (result == NULL)
        return;
    free(result->by_day);
    free(result);
}
