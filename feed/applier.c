/* SPDX-License-Identifier: BSD-2-Clause */
#include "feed/applier.h"

#include "leadgate/answers.h"
#include "leadgate/logline.h"
#include "leadgate/store_unverified.h"

#include <stdlib.h>

struct applier {
    const struct settings *settings;
    struct store *store;
    struct counters *counters;
    bool down; /* Redis was away the last time, and that was said */
};

struct applier *applier_new(const struct settings *settings, struct counters *counters)
{
    struct applier *applier = calloc(1, sizeof(*applier));

    if (applier == NULL)
        return NULL;
    applier->settings = settings;
    applier->counters = counters;
    if ((applier->store = store_new(&settings->redis)) == NULL) {
        free(applier);
        return NULL;
    }
    return applier;
}

void applier_free(struct applier *applier)
{
    if (applier == NULL)
        return;
    store_free(applier->store);
    free(applier);
}

/* Counts what failed, and says that Redis went away, or is back, when it is news. */
static enum store_rc note_state(struct applier *applier, enum store_rc rc, const struct err *err)
{
    bool down = rc == STORE_DOWN;

    if (down)
        counters_add(applier->counters, 1, "failures", "store", "feed", NULL);
    if (down && !applier->down)
        log_say(LOG_WARNING, "cannot commit to Redis: %s; what is to be read waits where it is", err->text);
    if (!down && applier->down)
        log_say(LOG_NOTICE, "Redis takes commits again");
    applier->down = down;
    return rc;
}

void applier_check(struct applier *applier)
{
    struct err warning = { "" }, err = { "" };

    note_state(applier, store_check(applier->store, &warning, &err), &err);
    if (warning.text[0] != '\0')
        log_say(LOG_WARNING, "%s", warning.text);
}

static bool is_worth_a_line(const struct event *event, const struct outcome *outcome)
{
    return (event->type != EVENT_DELIVERED && event->type != EVENT_DEFERRED) ||
           outcome->change.kind != CHANGE_NONE || outcome->odd;
}

static int64_t note_outcomes(struct applier *applier, const struct event *events,
                             const struct outcome *outcomes, size_t n)
{
    int64_t repeats = 0;

    for (size_t i = 0; i < n; i++) {
        counters_note_event(applier->counters, &events[i], &outcomes[i]);
        if (is_worth_a_line(&events[i], &outcomes[i]))
            outcome_log(&events[i], &outcomes[i]);
        repeats += outcomes[i].effect == EFFECT_REPEAT;
    }
    return repeats;
}

enum store_rc applier_apply(struct applier *applier, const struct event *events, size_t n, int64_t now,
                            int64_t *repeats, struct err *err)
{
    struct outcome *outcomes;
    enum store_rc rc = STORE_DOWN;
    int64_t known = 0;
    bool uncounted = false;

    if (repeats != NULL)
        *repeats = 0;
    /* Redis is not asked then, and nothing is known of how it does. */
    if (n == 0)
        return STORE_OK;
    if ((outcomes = calloc(n, sizeof(*outcomes))) == NULL)
        err_set(err, "out of memory");
    else
        rc = answers_apply(applier->settings, applier->store, events, n, now, outcomes, &uncounted, err);
    if (rc == STORE_OK)
        known = note_outcomes(applier, events, outcomes, n);
    if (repeats != NULL)
        *repeats = known;
    free(outcomes);
    note_state(applier, rc, err);
    if (uncounted)
        counters_add(applier->counters, 1, "failures", "store", "feed", NULL);
    if (rc == STORE_OK)
        applier_flush_due(applier);
    return rc;
}

void applier_note_lag(struct applier *applier, const char *source, int64_t seconds)
{
    counters_gauge(applier->counters, "lag", source, seconds);
}

enum store_rc applier_set_aside(struct applier *applier, const struct event *events, size_t n,
                                struct err *err)
{
    enum store_rc rc;

    if (n == 0)
        return STORE_OK;
    rc = store_set_aside(applier->store, events, n, err);
    for (size_t i = 0; rc == STORE_OK && i < n; i++) {
        unverified_log(&events[i]);
        counters_add(applier->counters, 1, "unverified", event_source_name(events[i].source), events[i].proof,
                     NULL);
    }
    return note_state(applier, rc, err);
}

void applier_flush(struct applier *applier)
{
    struct err err;

    if (counters_waiting(applier->counters))
        counters_flush(applier->counters, applier->store, &err);
}

bool applier_flush_due(struct applier *applier)
{
    if (counters_due(applier->counters))
        applier_flush(applier);
    return counters_waiting(applier->counters);
}

int64_t applier_session(const struct applier *applier)
{
    return store_session(applier->store);
}

enum store_rc applier_find_position(struct applier *applier, struct span source, char place[POSITION_SIZE],
                                    struct err *err)
{
    return note_state(applier, store_find_position(applier->store, source, place, err), err);
}

enum store_rc applier_keep_position(struct applier *applier, struct span source, struct span place,
                                    int64_t session, struct err *err)
{
    return note_state(applier, store_keep_position(applier->store, source, place, session, err), err);
}
