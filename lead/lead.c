/* SPDX-License-Identifier: BSD-2-Clause */
/* The life of a lead. lead_apply() looks only at its arguments, so that a replay, a simulation and the real
 * thing cannot differ. An event passes the rules in the order of the design: is it news (1), is it evidence
 * about now (2), is it another strike (3), and what follows from the strike (5, 6, 11). Deliveries and
 * engagement (3, 7) and the recipient's will (12) each have their own short way.
 *
 * Times are those of the evidence, not of its arrival: an opt-out begins when the bounce happened. So a
 * mailbox that is read a week late leaves every lead as if it had been read at once. */
#include "leadgate/lead.h"

#include "lead/score.h"
#include "lead/suspend.h"
#include "leadgate/hash.h"

#include <stdio.h>
#include <string.h>

#define HOURS(n) ((int64_t)(n)*60 * 60)
#define DAYS(n)  HOURS((n)*24)

void lead_settings_default(struct lead_settings *settings)
{
    *settings = (struct lead_settings){
        .strike_spacing = HOURS(6),
        .backoff = 2,
        .series_limit = DAYS(180),
        .longest = DAYS(30),
        .jitter = 5,
        .activity_grace = DAYS(7),
        .trust_window = DAYS(90),
        .trust_score = 5 * SCORE_UNIT,
        .doubt = DAYS(2),
        .sunset_sends = 20,
        .score = {
            .delivered = SCORE_UNIT / 5,
            .delivered_most = 3 * SCORE_UNIT,
            .soft = -SCORE_UNIT,
            .hard = -5 * SCORE_UNIT,
            .block = -SCORE_UNIT / 2,
            .complaint = -5 * SCORE_UNIT,
            .half_life = DAYS(90),
            .floor = -SCORE_MOST,
        },
        .engagement = {
            [ENGAGED_OPEN] = { SCORE_UNIT, true },
            [ENGAGED_MACHINE_OPEN] = { 0, false },
            [ENGAGED_CLICK] = { 2 * SCORE_UNIT, true },
            [ENGAGED_REPLY] = { 2 * SCORE_UNIT, true },
        },
    };
    for (int cause = 0; cause < CAUSES; cause++)
        settings->causes[cause] = cause_info((enum cause)cause)->defaults;
}

static int64_t at_most(int64_t value, int64_t limit)
{
    return value < limit ? value : limit;
}

/* The times of an event, none of them later than now: a clock that runs ahead elsewhere must not make all
 * later events look like repeats. A message whose time is not known is taken as sent when it bounced. */
struct times {
    int64_t at, sent;
};

static struct times times_of(const struct event *event, int64_t now)
{
    int64_t at = at_most(event->at, now);

    return (struct times){ at, event->sent == 0 ? at : at_most(event->sent, at) };
}

/* A message's name as a lead keeps it: whole when it fits, else its beginning and a hash of all of it. */
static void keep_message(char kept[LEAD_TEXT_SIZE], struct span message)
{
    char start[LEAD_TEXT_SIZE - 17];

    if (span_copy(kept, LEAD_TEXT_SIZE, message))
        return;
    span_excerpt(start, sizeof(start), message);
    snprintf(kept, LEAD_TEXT_SIZE, "%s~%016llx", start, (unsigned long long)hash_bytes(HASH_START, message));
}

/* Rule 1. Not later than the last of its kind, or about the message that was counted, or noted, last. The
 * milter names the time at which it saw a report, so a report that comes twice is told only by the message.
 */
static bool is_repeat_bounce(const struct lead *lead, const struct event *event, int64_t at)
{
    char kept[LEAD_TEXT_SIZE];

    keep_message(kept, event->message);
    return at <= lead->bounced ||
           (kept[0] != '\0' && (strcmp(kept, lead->message) == 0 || strcmp(kept, lead->noted) == 0));
}

/* Whether it happened while the current or last opt-out lasted. `until` decides only for history that is
 * applied late; now, the key in Redis does: an operator may have let the lead in early. */
static bool is_during_optout(const struct lead *lead, const struct optouts *optouts, int64_t at, int64_t now)
{
    bool over_by_itself = lead->since != 0 && lead->until != 0 && lead->until <= now;

    return optouts->optout.present || (over_by_itself && at < lead->until);
}

/* Rule 2. The mail had left before the current or last opt-out began, or bounced while that lasted. */
static bool is_in_flight(const struct lead *lead, const struct optouts *optouts, struct times times,
                         int64_t now)
{
    return is_during_optout(lead, optouts, times.at, now) || (lead->since != 0 && times.sent < lead->since);
}

/* Rule 3: reports so close together are about one fault. Only "no such user" is news after "mailbox full". */
static bool is_spaced(const struct lead_settings *settings, const struct lead *lead,
                      const struct event *event, int64_t at)
{
    bool graver = cause_info(event->cause)->hardness > cause_info(lead->cause)->hardness;

    return lead->strikes > 0 && at - lead->struck < settings->strike_spacing && !graver;
}

static void keep_words(struct lead *lead, const struct event *event)
{
    span_excerpt(lead->status, sizeof(lead->status), event->status);
    span_excerpt(lead->diag, sizeof(lead->diag), event->evidence);
}

static void note_bounce(struct lead *lead, const struct event *event, int64_t at)
{
    lead->bounced = at;
    keep_message(lead->noted, event->message);
    keep_words(lead, event);
}

/* Rule 3: another strike of the run, or the first of a new one. */
static void count_strike(struct lead *lead, const struct event *event, int64_t at)
{
    lead->strikes = event->cause == lead->cause ? lead->strikes + 1 : 1;
    lead->cause = event->cause;
    lead->struck = at;
    keep_message(lead->message, event->message);
    lead->noted[0] = '\0';
}

/* The lead's own record of an opt-out; only those for bounces belong to a series. */
static void begin_optout(struct lead *lead, const struct optout *optout)
{
    lead->since = optout->since;
    lead->until = optout->until;
}

/* A series ends for good one day: none begins with a bounce that anybody may have written. */
static void begin_suspension(struct lead *lead, const struct event *event, const struct optout *optout,
                             int64_t at)
{
    lead->strikes = 0;
    /* A doubt is not part of the series: it is no more than a question. */
    if (optout->cycle == lead->cycle) {
        lead->doubted = at;
        return;
    }
    if (lead->series == 0 && !event->unverified)
        lead->series = at;
    lead->cycle = optout->cycle;
}

static bool is_engaged_lately(const struct lead_settings *settings, const struct lead *lead, int64_t at)
{
    return lead->engaged != 0 && at - lead->engaged <= settings->activity_grace;
}

/* Rules 4 to 6: a strike has been counted. Writes the opt-out it leads to, if any. */
static bool suspend(const struct lead_settings *settings, const struct event *event, int64_t at,
                    struct lead *lead, struct optout *optout)
{
    const struct cause_settings *numbers = &settings->causes[event->cause];

    /* A cause without an end only counts: the settings have switched its opt-out off. */
    if (lead->strikes < numbers->strikes || numbers->end == END_NEVER)
        return false;
    if (cause_info(event->cause)->hardness != HARDNESS_HARD && is_engaged_lately(settings, lead, at))
        return false;
    *optout = suspend_for_bounce(settings, lead, event, at);
    begin_suspension(lead, event, optout, at);
    return true;
}

/* Rule 8: at the floor the lead rests, unless something graver follows from this event. Nothing stands
 * already: rule 2 has seen to that. */
static void rest_at_floor(const struct lead_settings *settings, const struct event *event, int64_t at,
                          const struct lead *lead, struct optout *optout)
{
    struct optout rest = suspend_for(settings, CAUSE_SCORE, event, at);

    if (lead->score <= settings->score.floor && optout_is_graver(&rest, optout))
        *optout = rest;
}

/* Anybody may have written it: that there is no such user is then no more than that it failed. */
static struct event milder(const struct event *event)
{
    struct event copy = *event;

    if (cause_info(event->cause)->hardness == HARDNESS_HARD)
        copy.cause = CAUSE_UNDETERMINED;
    return copy;
}

static enum effect apply_bounce(const struct lead_settings *settings, const struct optouts *optouts,
                                const struct event *event, int64_t now, struct lead *lead,
                                struct change *change)
{
    const struct cause_settings *numbers = &settings->causes[event->cause];
    struct times times = times_of(event, now);
    struct optout optout = { .present = false };
    enum effect effect = EFFECT_STRIKE;

    if (is_repeat_bounce(lead, event, times.at))
        return EFFECT_REPEAT;
    note_bounce(lead, event, times.at);
    if (event->excused)
        return EFFECT_RECORDED;
    if (is_in_flight(lead, optouts, times, now))
        return EFFECT_IN_FLIGHT;
    if (is_spaced(settings, lead, event, times.at))
        return EFFECT_SPACED;
    if (numbers->strikes == 0 || optouts->allowed)
        effect = EFFECT_RECORDED;
    else
        count_strike(lead, event, times.at);
    /* Trust is judged by what was known before this bounce. */
    if (effect == EFFECT_STRIKE && suspend(settings, event, times.at, lead, &optout))
        effect = EFFECT_OPTOUT;
    score_add(settings, lead, times.at, score_of_bounce(settings, event->cause), SCORE_MOST);
    if (!optouts->allowed)
        rest_at_floor(settings, event, times.at, lead, &optout);
    if (!optout.present)
        return effect;
    begin_optout(lead, &optout);
    *change = (struct change){ .kind = CHANGE_OPTOUT, .optout = optout };
    return EFFECT_OPTOUT;
}

/* Rule 9: mailed often and long enough, and never a sign of life. */
static bool is_sunset(const struct lead_settings *settings, const struct lead *lead, int64_t at)
{
    int64_t sign = lead->engaged > lead->seen ? lead->engaged : lead->seen;

    return settings->sunset_after > 0 && lead->seen != 0 && lead->deliveries >= settings->sunset_sends &&
           at - sign > settings->sunset_after;
}

/* A delivery ends the run of strikes, and a series that is past its limit: else one fault long after a good
 * year would be permanent at once. */
static enum effect apply_delivery(const struct lead_settings *settings, const struct optouts *optouts,
                                  const struct event *event, int64_t now, struct lead *lead,
                                  struct change *change)
{
    int64_t at = at_most(event->at, now);

    if (at <= lead->delivered)
        return EFFECT_REPEAT;
    lead->delivered = at;
    lead->deliveries++;
    score_add(settings, lead, at, settings->score.delivered, settings->score.delivered_most);
    if (at > lead->doubted)
        lead->doubted = 0;
    /* Older than the strike: that mail went through before the fault began. */
    if (at >= lead->struck)
        lead->strikes = 0;
    if (lead->series != 0 && at - lead->series >= settings->series_limit && at >= lead->since) {
        lead->series = 0;
        lead->cycle = 0;
    }
    if (is_sunset(settings, lead, at) && !optouts->allowed && !is_during_optout(lead, optouts, at, now)) {
        change->kind = CHANGE_OPTOUT;
        change->optout = suspend_for(settings, CAUSE_INACTIVE, event, at);
        begin_optout(lead, &change->optout);
        return EFFECT_OPTOUT;
    }
    return EFFECT_GOOD;
}

/* A try that failed for now is no strike, and no news where something later is known. */
static enum effect apply_deferral(const struct event *event, int64_t now, struct lead *lead)
{
    int64_t at = at_most(event->at, now);

    if (at <= lead->deferred || at <= lead->bounced || at <= lead->delivered)
        return EFFECT_REPEAT;
    lead->deferred = at;
    keep_words(lead, event);
    return EFFECT_RECORDED;
}

static const enum event_type engagements[ENGAGEMENTS] = {
    [ENGAGED_OPEN] = EVENT_OPEN,
    [ENGAGED_MACHINE_OPEN] = EVENT_MACHINE_OPEN,
    [ENGAGED_CLICK] = EVENT_CLICK,
    [ENGAGED_REPLY] = EVENT_REPLY,
};

bool event_engagement(enum event_type type, enum engagement *out)
{
    for (int i = 0; i < ENGAGEMENTS; i++) {
        if (engagements[i] == type) {
            *out = (enum engagement)i;
            return true;
        }
    }
    return false;
}

const char *engagement_name(size_t engagement)
{
    return engagement < ENGAGEMENTS ? event_type_name(engagements[engagement]) : NULL;
}

/* What tells little of a person, by the settings: its weight counts, and no more. */
static enum effect apply_notice(const struct lead_settings *settings, int64_t weight, int64_t at,
                                struct lead *lead)
{
    if (weight == 0 || at <= lead->noticed)
        return EFFECT_REPEAT;
    lead->noticed = at;
    score_add(settings, lead, at, weight, SCORE_MOST);
    return EFFECT_RECORDED;
}

/* Rule 7: who opens or clicks is there. An operator's word stands. */
static enum effect apply_engagement(const struct lead_settings *settings, const struct optouts *optouts,
                                    const struct event *event, enum engagement engagement, int64_t now,
                                    struct lead *lead, struct change *change)
{
    const struct engagement_settings *numbers = &settings->engagement[engagement];
    const struct optout *optout = &optouts->optout;
    int64_t at = at_most(event->at, now);

    if (!numbers->reactivates)
        return apply_notice(settings, numbers->weight, at, lead);
    if (at <= lead->engaged)
        return EFFECT_REPEAT;
    lead->engaged = at;
    score_add(settings, lead, at, numbers->weight, SCORE_MOST);
    if (at > lead->doubted)
        lead->doubted = 0;
    /* A click from before the opt-out, or the strike, says nothing about what came after it. */
    if (at < lead->since)
        return EFFECT_GOOD;
    if (at >= lead->struck)
        lead->strikes = 0;
    lead->cycle = 0;
    lead->series = 0;
    if (optout->present && optout->cause == CAUSE_MANUAL)
        return EFFECT_GOOD;
    if (optout->present)
        change->kind = CHANGE_LIFT;
    /* Heard of in time, it would have lifted what is over by now. */
    if (is_during_optout(lead, optouts, at, now))
        lead->until = at;
    return EFFECT_GOOD;
}

/* Whether a refusal that stands says it already. A new complaint says more: it is graver than an unsubscribe,
 * and a resubscribe from before it does not answer it. What an operator wrote without a time stays. */
static bool is_said_already(const struct optouts *optouts, const struct event *event, int64_t at)
{
    return optouts->refused &&
           (event->type == EVENT_UNSUBSCRIBE || optouts->refused_since == 0 || at <= optouts->refused_since);
}

/* Rule 12. Strikes do not come into it: this is the recipient's own word. Said twice it is the same word, and
 * one that is older than the opposite one changes nothing. */
static enum effect apply_will(const struct lead_settings *settings, const struct optouts *optouts,
                              const struct event *event, int64_t now, struct lead *lead,
                              struct change *change)
{
    int64_t at = at_most(event->at, now);

    if (at <= lead->resubscribed)
        return EFFECT_REPEAT;
    if (event->type != EVENT_RESUBSCRIBE) {
        if (is_said_already(optouts, event, at))
            return EFFECT_REPEAT;
        change->kind = CHANGE_REFUSE;
        if (event->type == EVENT_COMPLAINT)
            score_add(settings, lead, at, settings->score.complaint, SCORE_MOST);
        return EFFECT_WILL;
    }
    if (optouts->refused && at < optouts->refused_since)
        return EFFECT_REPEAT;
    lead->resubscribed = at;
    if (optouts->refused)
        change->kind = CHANGE_ACCEPT;
    return EFFECT_WILL;
}

/* By an operator, or from another system's list. It replaces a lighter opt-out, and says nothing new of a
 * graver one. */
static enum effect apply_optout(const struct optouts *optouts, const struct event *event, int64_t now,
                                struct lead *lead, struct change *change)
{
    struct optout optout = {
        .present = true,
        .kind = event->until == 0 ? OPTOUT_PERMANENT : OPTOUT_TEMPORARY,
        .cause = event->cause,
        .since = at_most(event->at, now),
        .until = event->until,
    };

    if (!optout_is_graver(&optout, &optouts->optout) || (event->until != 0 && event->until <= now))
        return EFFECT_REPEAT;
    change->kind = CHANGE_OPTOUT;
    change->optout = optout;
    begin_optout(lead, &optout);
    return EFFECT_OPTOUT;
}

static enum effect apply_flush(const struct optouts *optouts, const struct event *event, int64_t now,
                               struct lead *lead, struct change *change)
{
    if (!optouts->optout.present)
        return EFFECT_REPEAT;
    change->kind = CHANGE_LIFT;
    lead->strikes = 0;
    lead->until = at_most(event->at, now);
    return EFFECT_GOOD;
}

enum effect lead_apply(const struct lead_settings *settings, const struct lead *before,
                       const struct optouts *optouts, const struct event *event, int64_t now,
                       struct lead *after, struct change *change)
{
    enum effect effect = EFFECT_REPEAT;
    enum engagement engagement;
    struct event believed;

    if (after != before)
        *after = *before;
    change->kind = CHANGE_NONE;
    /* None of these touches the lead before it has told a repeat. */
    switch (event->type) {
    case EVENT_BOUNCE:
        if (event->unverified) {
            believed = milder(event);
            event = &believed;
        }
        effect = apply_bounce(settings, optouts, event, now, after, change);
        break;
    case EVENT_DELIVERED: effect = apply_delivery(settings, optouts, event, now, after, change); break;
    case EVENT_DEFERRED: effect = apply_deferral(event, now, after); break;
    case EVENT_OPEN:
    case EVENT_MACHINE_OPEN:
    case EVENT_CLICK:
    case EVENT_REPLY:
        if (event_engagement(event->type, &engagement))
            effect = apply_engagement(settings, optouts, event, engagement, now, after, change);
        break;
    case EVENT_COMPLAINT:
    case EVENT_UNSUBSCRIBE:
    case EVENT_RESUBSCRIBE: effect = apply_will(settings, optouts, event, now, after, change); break;
    case EVENT_OPTOUT: effect = apply_optout(optouts, event, now, after, change); break;
    case EVENT_FLUSH: effect = apply_flush(optouts, event, now, after, change); break;
    case EVENT_TYPES: break;
    }
    if (effect == EFFECT_REPEAT)
        return effect;
    if (after->seen == 0 || at_most(event->at, now) < after->seen)
        after->seen = at_most(event->at, now);
    /* Who passes a complaint on need not be who runs her mailbox: a server that answered is the better word.
     */
    if (event->provider.n > 0 && (effect != EFFECT_WILL || after->provider[0] == '\0'))
        span_excerpt(after->provider, sizeof(after->provider), event->provider);
    return effect;
}

const char *effect_name(enum effect effect)
{
    switch (effect) {
    case EFFECT_REPEAT: return "repeat";
    case EFFECT_RECORDED: return "recorded";
    case EFFECT_IN_FLIGHT: return "in-flight";
    case EFFECT_SPACED: return "spaced";
    case EFFECT_STRIKE: return "strike";
    case EFFECT_OPTOUT: return "optout";
    case EFFECT_GOOD: return "good";
    case EFFECT_WILL: return "will";
    case EFFECTS: break;
    }
    return "?";
}

const char *change_name(enum change_kind kind)
{
    switch (kind) {
    case CHANGE_NONE: return "none";
    case CHANGE_OPTOUT: return "optout";
    case CHANGE_LIFT: return "lift";
    case CHANGE_REFUSE: return "refuse";
    case CHANGE_ACCEPT: return "accept";
    }
    return "?";
}

const char *optout_kind_name(enum optout_kind kind)
{
    switch (kind) {
    case OPTOUT_TEMPORARY: return "temporary";
    case OPTOUT_PERMANENT: return "permanent";
    }
    return "none";
}
