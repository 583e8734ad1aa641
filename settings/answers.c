/* SPDX-License-Identifier: BSD-2-Clause */
/* What is changed about an event is changed on a copy: the caller's may come again, after Redis was away,
 * when an incident is over.
 *
 * Counted is what a mail server answered to us: in the delivery log, in a bounce that something vouches for.
 * What an application reports may have gone through another system, and one that reports failures only would
 * make any provider look bad. */
#include "leadgate/answers.h"

#include "leadgate/hash.h"
#include "leadgate/store_provider.h"

#include <stdlib.h>
#include <string.h>

/* One batch under way. */
struct batch {
    const struct settings *settings;
    struct store *store;
    struct event *events;         /* copies */
    char (*names)[PROVIDER_SIZE]; /* of their providers */
    struct answer *answers;
    size_t n;
    /* Each provider once, and whether there is an incident; and where each event's stands among them. */
    struct span *asked;
    uint64_t *hashes;
    struct incident_brief *briefs;
    size_t n_asked, *places;
};

static bool is_try(const struct event *event)
{
    return event->type == EVENT_BOUNCE || event->type == EVENT_DELIVERED || event->type == EVENT_DEFERRED;
}

/* Whether somebody whose word counts says what became of our mail. A refusal of ours is no answer of
 * anybody's. */
static bool is_answer(const struct event *event)
{
    return is_try(event) && event->source <= SOURCE_LOG && !event->unverified &&
           event->cause != CAUSE_SUPPRESSED;
}

/* --- who answered --- */

static void set_provider(struct batch *batch, size_t i, struct span name)
{
    (void)span_copy(batch->names[i], PROVIDER_SIZE, name);
    batch->events[i].provider = span_of(batch->names[i]);
}

/* No host was reached, or its name is not known: then who answered for the domain before. A delivery always
 * had a host: where that says nothing, it is the lead's domain. */
static bool is_guess(const struct event *event)
{
    return is_answer(event) && event->provider.n == 0 && event->type != EVENT_DELIVERED;
}

static enum store_rc find_guesses(struct batch *batch, struct err *err)
{
    struct span *domains = calloc(batch->n + 1, sizeof(*domains));
    char(*names)[PROVIDER_SIZE] = calloc(batch->n + 1, sizeof(*names));
    enum store_rc rc = STORE_DOWN;
    size_t asked = 0;

    if (domains == NULL || names == NULL) {
        err_set(err, "out of memory");
        goto out;
    }
    for (size_t i = 0; i < batch->n; i++)
        if (is_guess(&batch->events[i]))
            domains[asked++] = address_domain(&batch->events[i].lead);
    if ((rc = store_find_domains(batch->store, domains, asked, names, err)) == STORE_DOWN)
        goto out;
    asked = 0;
    for (size_t i = 0; i < batch->n; i++)
        if (is_guess(&batch->events[i]))
            set_provider(batch, i, span_of(names[asked++]));
out:
    free(names);
    free(domains);
    return rc;
}

static enum store_rc find_providers(struct batch *batch, struct err *err)
{
    bool guesses = false;

    for (size_t i = 0; i < batch->n; i++) {
        const struct event *event = &batch->events[i];

        batch->answers[i] =
            (struct answer){ .event = event, .learned = is_answer(event) && !is_guess(event) };
        if (batch->answers[i].learned || event->provider.n > 0)
            set_provider(batch, i, settings_provider(batch->settings, event->provider, &event->lead));
        guesses |= is_guess(event);
    }
    if (guesses && find_guesses(batch, err) == STORE_DOWN)
        return STORE_DOWN;
    for (size_t i = 0; i < batch->n; i++)
        if (is_guess(&batch->events[i]))
            set_provider(batch, i, settings_provider(batch->settings, SPAN_NONE, &batch->events[i].lead));
    return STORE_OK;
}

/* --- whether there is an incident --- */

/* The place of a provider among those that are asked about; it is added where it is new. */
static size_t place_of(struct batch *batch, struct span provider)
{
    uint64_t hash = hash_bytes(HASH_START, provider);
    size_t i = 0;

    while (i < batch->n_asked && (batch->hashes[i] != hash || !span_eq(batch->asked[i], provider)))
        i++;
    if (i == batch->n_asked) {
        batch->asked[i] = provider;
        batch->hashes[i] = hash;
        batch->n_asked++;
    }
    return i;
}

static bool is_of_provider(const struct event *event)
{
    return is_try(event) && event->provider.n > 0;
}

static enum store_rc find_incidents(struct batch *batch, struct err *err)
{
    for (size_t i = 0; i < batch->n; i++)
        if (is_of_provider(&batch->events[i]))
            batch->places[i] = place_of(batch, batch->events[i].provider);
    return store_find_briefs(batch->store, batch->asked, batch->n_asked, batch->briefs, err);
}

/* A log that is read late tells of days on which there was no incident. */
static bool is_of_incident(const struct settings *settings, const struct incident_brief *brief, int64_t at)
{
    return brief->open && at >= brief->since - settings->incident.numbers.window;
}

bool answers_excuse(const struct settings *settings, const struct incident_brief *brief, enum cause cause,
                    int64_t at)
{
    return is_of_incident(settings, brief, at) && incident_explains(brief->sign, cause);
}

static void judge_by_incidents(struct batch *batch)
{
    for (size_t i = 0; i < batch->n; i++) {
        struct event *event = &batch->events[i];
        const struct incident_brief *brief = &batch->briefs[batch->places[i]];

        if (!is_of_provider(event) || !is_of_incident(batch->settings, brief, event->at))
            continue;
        event->excused =
            event->type == EVENT_BOUNCE && answers_excuse(batch->settings, brief, event->cause, event->at);
        batch->answers[i].since = brief->step;
    }
}

/* --- and what they are to Redis --- */

static void complete(const struct batch *batch, struct outcome *outcomes)
{
    for (size_t i = 0; i < batch->n; i++) {
        memcpy(outcomes[i].provider, batch->names[i], PROVIDER_SIZE);
        outcomes[i].excused = batch->events[i].excused;
    }
}

/* Of mail about which the policy server does not look nobody was counted when it was let pass. */
static bool is_counted(const struct settings *settings, const struct event *event)
{
    const struct streams *streams = &settings->streams;

    for (size_t i = 0; streams->some_off && i < streams->n; i++)
        if (span_eq(span_of(streams->item[i].name), event->mail_stream))
            return streams->item[i].enforce != ENFORCE_OFF;
    return true;
}

static enum store_rc count_answers(struct batch *batch, const struct outcome *outcomes, int64_t now,
                                   struct err *err)
{
    size_t n = 0;

    for (size_t i = 0; i < batch->n; i++) {
        const struct event *event = &batch->events[i];

        if (!is_answer(event) || event->provider.n == 0 || outcomes[i].effect == EFFECT_REPEAT)
            continue;
        batch->answers[i].known = outcomes[i].known;
        batch->answers[i].risky = outcomes[i].risky && is_counted(batch->settings, event);
        batch->answers[n++] = batch->answers[i];
    }
    return store_note_answers(batch->store, batch->answers, n, now, err);
}

static bool batch_open(struct batch *batch, const struct event *events)
{
    size_t n = batch->n;

    batch->events = malloc((n + 1) * sizeof(*batch->events));
    batch->names = calloc(n + 1, sizeof(*batch->names));
    batch->answers = calloc(n + 1, sizeof(*batch->answers));
    batch->asked = calloc(n + 1, sizeof(*batch->asked));
    batch->hashes = calloc(n + 1, sizeof(*batch->hashes));
    batch->briefs = calloc(n + 1, sizeof(*batch->briefs));
    batch->places = calloc(n + 1, sizeof(*batch->places));
    if (batch->events == NULL || batch->names == NULL || batch->answers == NULL || batch->asked == NULL ||
        batch->hashes == NULL || batch->briefs == NULL || batch->places == NULL)
        return false;
    memcpy(batch->events, events, n * sizeof(*events));
    return true;
}

static void batch_close(struct batch *batch)
{
    free(batch->events);
    free(batch->names);
    free(batch->answers);
    free(batch->asked);
    free(batch->hashes);
    free(batch->briefs);
    free(batch->places);
}

enum store_rc answers_apply(const struct settings *settings, struct store *store, const struct event *events,
                            size_t n, int64_t now, struct outcome *outcomes, bool *uncounted, struct err *err)
{
    struct batch batch = { .settings = settings, .store = store, .n = n };
    struct err uncounted_err;
    bool lost = false;
    enum store_rc rc = STORE_DOWN;

    if (!batch_open(&batch, events)) {
        err_set(err, "out of memory");
    } else if (find_providers(&batch, err) == STORE_OK && find_incidents(&batch, err) == STORE_OK) {
        judge_by_incidents(&batch);
        rc = store_apply(store, &settings->lead, batch.events, n, now, outcomes, err);
    }
    if (rc == STORE_OK) {
        complete(&batch, outcomes);
        lost = count_answers(&batch, outcomes, now, &uncounted_err) == STORE_DOWN;
    }
    batch_close(&batch);
    if (uncounted != NULL)
        *uncounted = lost;
    return rc;
}
