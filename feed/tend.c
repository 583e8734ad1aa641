/* SPDX-License-Identifier: BSD-2-Clause */
/* The order in which an incident is tended: what was done and not told is told; what an operator has deleted
 * is let go; the bounces from before it was seen are taken back; then who passes is judged by the answers
 * since its last step.
 *
 * They are taken back twice: another program may have read that there was no incident just before it was
 * opened, and committed its bounces just after the first time. */
#include "feed/tend.h"

#include "leadgate/guard.h"
#include "leadgate/logline.h"
#include "leadgate/revert.h"

#include <inttypes.h>
#include <stdio.h>

#define FIVE INT64_C(300)
#define DAY  INT64_C(86400)

enum {
    PAST_DAYS = 30,
    CLEANINGS = 2,
    SETTLED = 3, /* seconds after which every program has seen that there is an incident */
};

/* --- telling --- */

/* An operator may have written the words: counters have names of ours only, and names in log lines are no
 * more than that. */
static const char *action_of(struct span words)
{
    static const char *const actions[] = { "open", "step", "hold", "over", "taken-back", "warn", "limit" };
    struct span word = span_cut(&words, ' ');

    if (!span_eq(span_cut(&word, '='), SPAN("action")))
        return "other";
    for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
        if (span_eq(word, span_of(actions[i])))
            return actions[i];
    return "other";
}

static void log_words(struct span provider, struct span words)
{
    struct logline line;
    char name[32];

    logline_start(&line, "incident");
    logline_span(&line, "provider", provider);
    while (words.n > 0) {
        struct span value = span_cut(&words, ' '), word = span_cut(&value, '=');

        if (stream_is_name(word) && span_copy(name, sizeof(name), word))
            logline_span(&line, name, value);
    }
    logline_send(&line, LOG_WARNING);
}

static void note_told(const struct tend *tend, struct span provider, const char *words)
{
    log_words(provider, span_of(words));
    counters_add(tend->counters, 1, "incidents", action_of(span_of(words)), NULL);
}

static enum store_rc tell(const struct tend *tend, struct span provider, const char *words, struct err *err)
{
    if (store_tell(tend->store, provider, words, tend->settings->redis.journal, err) == STORE_DOWN)
        return STORE_DOWN;
    note_told(tend, provider, words);
    return STORE_OK;
}

static enum store_rc tell_news(const struct tend *tend, struct span provider, struct incident_state *state,
                               struct err *err)
{
    if (state->news[0] == '\0')
        return STORE_OK;
    if (store_tell_incident(tend->store, provider, state->news, tend->settings->redis.journal, err) ==
        STORE_DOWN)
        return STORE_DOWN;
    note_told(tend, provider, state->news);
    state->news[0] = '\0';
    return STORE_OK;
}

/* --- changing --- */

static enum store_rc read_again(const struct tend *tend, struct span provider, struct incident_state *state,
                                struct err *err)
{
    return store_find_incidents(tend->store, &provider, 1, tend->now, state, err);
}

/* Changes the incident that was read to `after`, or ends it; afterwards *state is what is there. */
static enum store_rc change(const struct tend *tend, struct span provider, struct incident_state *state,
                            const struct incident *after, const struct incident_note *note, struct err *err)
{
    bool done;

    if (store_change_incident(tend->store, provider, state->open ? &state->incident : NULL, after, note,
                              tend->now, &done, err) == STORE_DOWN ||
        read_again(tend, provider, state, err) == STORE_DOWN)
        return STORE_DOWN;
    return tell_news(tend, provider, state, err);
}

static enum store_rc end(const struct tend *tend, struct span provider, struct incident_state *state,
                         const struct provider_count *count, const char *why, struct err *err)
{
    const struct incident_note note = { .action = "over", .by = tend->name, .why = why, .count = count };

    if (change(tend, provider, state, NULL, &note, err) == STORE_DOWN)
        return STORE_DOWN;
    if (state->open)
        return STORE_OK; /* another one by now */
    return store_drop_incident(tend->store, provider, tend->now, err);
}

/* --- taking back --- */

static uint64_t causes_of(enum incident_sign sign)
{
    uint64_t causes = 0;

    for (int cause = CAUSE_NONE + 1; cause < CAUSES; cause++)
        if (incident_explains(sign, (enum cause)cause))
            causes |= revert_cause((enum cause)cause);
    return causes;
}

static enum store_rc tell_taken_back(const struct tend *tend, struct span provider,
                                     const struct revert_plan *plan, const struct revert_tally *tally,
                                     struct err *err)
{
    char words[200], since[TIME_TEXT_SIZE], at[TIME_TEXT_SIZE];

    snprintf(words, sizeof(words),
             "action=taken-back at=%s since=%s by=%s leads=%" PRId64 " bounces=%" PRId64 " let-in=%" PRId64
             " left-alone=%" PRId64,
             time_text(at, tend->now), time_text(since, plan->since), tend->name, tally->leads,
             tally->bounces, tally->let_in, tally->left_alone);
    return tell(tend, provider, words, err);
}

static enum store_rc take_back(const struct tend *tend, struct span provider, struct incident_state *state,
                               struct err *err)
{
    const struct incident *incident = &state->incident;
    const struct revert_plan plan = {
        .provider = provider,
        .since = (incident->since - tend->settings->incident.numbers.window) / FIVE * FIVE,
        .until = INT64_MAX, /* what is on its way would stand on them */
        .causes = causes_of(incident->sign),
        .by = SPAN("incident"),
        .why = SPAN("the provider's bad day"),
    };
    struct revert_tally tally = { .leads = 0 };

    if (incident->sign == SIGN_DEAD &&
        store_forgive_invalid(tend->store, provider, plan.since, tend->now, err) == STORE_DOWN)
        return STORE_DOWN;
    /* No cause would stand for all of them. */
    if (plan.causes != 0 && revert_run(tend->store, &plan, tend->now, NULL, NULL, &tally, err) == STORE_DOWN)
        return STORE_DOWN;
    if ((state->cleaned == 0 || tally.leads > 0) &&
        tell_taken_back(tend, provider, &plan, &tally, err) == STORE_DOWN)
        return STORE_DOWN;
    state->cleaned++;
    return store_note_cleaned(tend->store, provider, incident, state->cleaned, err);
}

static bool is_to_be_cleaned(const struct tend *tend, const struct incident_state *state)
{
    return state->cleaned < 1 || (state->cleaned < CLEANINGS && tend->now >= state->incident.since + SETTLED);
}

/* --- who passes --- */

static enum store_rc move(const struct tend *tend, struct span provider, struct incident_state *state,
                          struct err *err)
{
    const struct stretch step = { STRETCH_STEP, state->incident.step, state->incident.step };
    struct incident after = state->incident;
    struct provider_sum sum;
    struct incident_note note = { .by = tend->name, .count = &sum.count };

    if (store_sum_answers(tend->store, &provider, 1, step, &sum, err) == STORE_DOWN)
        return STORE_DOWN;
    switch (incident_move(&tend->settings->incident.numbers, &after, &sum.count, tend->now)) {
    case MOVE_NONE: return store_keep_incident(tend->store, provider, err);
    case MOVE_STEP: note.action = "step"; break;
    case MOVE_HOLD: note.action = "hold"; break;
    case MOVE_OVER: return end(tend, provider, state, &sum.count, NULL, err);
    }
    return change(tend, provider, state, &after, &note, err);
}

/* An operator has let all of the provider's leads in before it was time. */
static bool is_let_in(const struct tend *tend, const struct incident_state *state)
{
    return state->incident.percent == 0 && !state->hold.present && tend->now < state->incident.until;
}

/* The hold that is there is an operator's, and nobody passes. */
static bool is_in_other_hands(const struct incident_state *state)
{
    return state->hold.present && state->hold.since != state->incident.since;
}

/* It is not there, and nobody has ended it: an operator has deleted it, or no feed has run for a day. */
static enum store_rc let_go(const struct tend *tend, struct span provider, bool listed,
                            struct incident_state *state, struct err *err)
{
    bool left = state->hold.present && state->hold.since != 0;
    char words[100], at[TIME_TEXT_SIZE];

    if (!listed && !left)
        return STORE_OK;
    snprintf(words, sizeof(words), "action=over at=%s why=gone", time_text(at, tend->now));
    if ((left || state->ended == 0) && tell(tend, provider, words, err) == STORE_DOWN)
        return STORE_DOWN;
    if (store_drop_incident(tend->store, provider, tend->now, err) == STORE_DOWN)
        return STORE_DOWN;
    return read_again(tend, provider, state, err);
}

enum store_rc tend_incident(const struct tend *tend, struct span provider, bool listed,
                            struct incident_state *state, struct err *err)
{
    if (tell_news(tend, provider, state, err) == STORE_DOWN)
        return STORE_DOWN;
    if (!state->open)
        return let_go(tend, provider, listed, state, err);
    if (is_let_in(tend, state))
        return end(tend, provider, state, NULL, "hold-deleted", err);
    if (is_to_be_cleaned(tend, state) && take_back(tend, provider, state, err) == STORE_DOWN)
        return STORE_DOWN;
    if (is_in_other_hands(state))
        return store_keep_incident(tend->store, provider, err);
    return move(tend, provider, state, err);
}

/* --- whether there is one --- */

struct stretch tend_window(const struct tend *tend)
{
    return (struct stretch){ STRETCH_FIVES, tend->now - tend->settings->incident.numbers.window, tend->now };
}

/* What belongs to an incident that is over is not another one: only what was counted in whole five minutes
 * after it. False when there are none yet. */
static enum store_rc sum_after(const struct tend *tend, struct span provider, int64_t ended,
                               struct provider_sum *sum, struct err *err)
{
    struct stretch window = tend_window(tend);
    int64_t begin = (ended / FIVE + 1) * FIVE;

    if (ended == 0 || begin <= window.from)
        return STORE_OK;
    *sum = (struct provider_sum){ .logged = 0 };
    window.from = begin;
    return begin > tend->now ? STORE_OK : store_sum_answers(tend->store, &provider, 1, window, sum, err);
}

/* Without the log's word on a single try nobody knows of deliveries, and failures are all that there is. */
static enum store_rc find_sign(const struct tend *tend, struct span provider, const struct provider_sum *sum,
                               enum incident_sign *sign, struct err *err)
{
    const struct incident_settings *numbers = &tend->settings->incident.numbers;
    const struct provider_count none = { .tries = 0 };
    struct stretch days = { STRETCH_DAYS, tend->now - PAST_DAYS * DAY, tend->now - DAY };
    struct provider_sum past, today;

    /* A past of which nothing is known is the best that is believed. */
    *sign = incident_detect(numbers, &sum->count, &none);
    if (*sign == SIGN_NONE)
        return STORE_OK;
    if (store_sum_answers(tend->store, &provider, 1, days, &past, err) == STORE_DOWN)
        return STORE_DOWN;
    days.from = days.to = tend->now;
    if (store_sum_answers(tend->store, &provider, 1, days, &today, err) == STORE_DOWN)
        return STORE_DOWN;
    *sign = past.logged + today.logged > 0 ? incident_detect(numbers, &sum->count, &past.count) : SIGN_NONE;
    return STORE_OK;
}

enum store_rc tend_look(const struct tend *tend, struct span provider, const struct incident_state *state,
                        const struct provider_sum *sum, struct err *err)
{
    struct incident_state now = *state;
    struct provider_sum after = *sum;
    struct incident incident;
    enum incident_sign sign;
    const struct incident_note note = { .action = "open", .by = tend->name, .count = &after.count };

    /* What an operator holds, he has seen. */
    if (state->open || state->hold.present || sum->count.leads < tend->settings->incident.numbers.floor)
        return STORE_OK;
    if (sum_after(tend, provider, state->ended, &after, err) == STORE_DOWN ||
        find_sign(tend, provider, &after, &sign, err) == STORE_DOWN)
        return STORE_DOWN;
    if (sign == SIGN_NONE)
        return STORE_OK;
    incident_open(&tend->settings->incident.numbers, sign, after.count.leads, tend->now, &incident);
    if (change(tend, provider, &now, &incident, &note, err) == STORE_DOWN)
        return STORE_DOWN;
    return tend_incident(tend, provider, true, &now, err);
}

/* --- shares --- */

enum store_rc tend_share(const struct tend *tend, const struct share *share, struct err *err)
{
    const struct guard_count count = { .tries = share->tries, .invalid = share->invalid };
    enum guard_level level = guard_level(&tend->settings->guard.limits, &count);
    const char *action = level == GUARD_LIMIT ? "limit" : "warn";
    char words[200], at[TIME_TEXT_SIZE];
    bool first;

    if (level == GUARD_CALM)
        return STORE_OK;
    if (store_note_warning(tend->store, span_of(share->provider), span_of(share->stream), action, DAY, &first,
                           err) == STORE_DOWN)
        return STORE_DOWN;
    if (!first)
        return STORE_OK;
    snprintf(words, sizeof(words), "action=%s at=%s stream=%s tries=%" PRId64 " invalid=%" PRId64, action,
             time_text(at, tend->now), share->stream, share->tries, share->invalid);
    return tell(tend, span_of(share->provider), words, err);
}
