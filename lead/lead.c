/* SPDX-License-Identifier: BSD-2-Clause */
/* The life of a lead. lead_apply() looks only at its arguments, so that a replay, a simulation and the real
 * thing cannot differ. An event passes the rules in the order of the design: is it news (1), is it evidence
 * about now (2), is it another strike (3), and what follows from the strike (5, 6, 11). Deliveries and
 * engagement (3, 7) and the recipient's will (12) each have their own short way.
 *
 * Times are those of the evidence, not of its arrival: an opt-out begins when the bounce happened. So a
 * mailbox that is read a week late leaves every lead as if it had been read at once. */
#include "leadgate/lead.h"

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

static uint64_t hash_bytes(uint64_t hash, struct span bytes)
{
    for (size_t i = 0; i < bytes.n; i++)
        hash = (hash ^ (unsigned char)bytes.p[i]) * 1099511628211u;
    return hash;
}

#define HASH_START 14695981039346656037u /* FNV-1a, 64 bits */

/* A message's name as a lead keeps it: whole when it fits, else its beginning and a hash of all of it. */
static void keep_message(char kept[LEAD_TEXT_SIZE], struct span message)
{
    char start[LEAD_TEXT_SIZE - 17];

    if (span_copy(kept, LEAD_TEXT_SIZE, message))
        return;
    span_excerpt(start, sizeof(start), message);
    snprintf(kept, LEAD_TEXT_SIZE, "%s~%016llx", start, (unsigned long long)hash_bytes(HASH_START, message));
}

/* Rule 1. Not later than the last of its kind, or about the message that was counted last. */
static bool is_repeat_bounce(const struct lead *lead, const struct event *event, int64_t at)
{
    char kept[LEAD_TEXT_SIZE];

    keep_message(kept, event->message);
    return at <= lead->bounced || (kept[0] != '\0' && strcmp(kept, lead->message) == 0);
}

/* Rule 2. The mail had left before the current or last opt-out began, or bounced while that lasted. `until`
 * decides only for history that is applied late; now, the key in Redis does: an operator may have let the
 * lead in early. */
static bool is_in_flight(const struct lead *lead, const struct optouts *optouts, struct times times,
                         int64_t now)
{
    bool over_by_itself = lead->until != 0 && lead->until <= now;

    if (optouts->optout.present)
        return true;
    return lead->since != 0 && (times.sent < lead->since || (over_by_itself && times.at < lead->until));
}

/* A number that is the same at every replay and differs between leads. */
static uint64_t spread(const struct address *address, int64_t at)
{
    uint64_t hash = hash_bytes(HASH_START, address_span(address));

    hash = hash_bytes(hash, (struct span){ (const char *)&at, sizeof(at) });
    return hash ^ (hash >> 32);
}

/* first x backoff^cycle, not beyond limit; the limit also keeps the product from overflowing. */
static int64_t suspension(const struct lead_settings *settings, int64_t first, int64_t cycle, int64_t limit)
{
    int64_t length = at_most(first, limit);

    for (int64_t i = 0; i < cycle && length < limit; i++) {
        if (__builtin_mul_overflow(length, settings->backoff, &length))
            return limit;
        if (settings->backoff == 1)
            break;
    }
    return at_most(length, limit);
}

/* Rules 5 and 6: what reaching the number of strikes leads to. */
static struct optout optout_of(const struct lead_settings *settings, const struct lead *lead,
                               const struct event *event, int64_t at)
{
    const struct cause_settings *numbers = &settings->causes[event->cause];
    int64_t series_end = (lead->series == 0 ? at : lead->series) + settings->series_limit;
    int64_t limit = numbers->end == END_LONGEST ? settings->longest : series_end - at;
    struct optout optout = { .present = true, .cause = event->cause, .cycle = lead->cycle + 1, .since = at };
    int64_t length, jitter;

    span_excerpt(optout.status, sizeof(optout.status), event->status);
    if (numbers->end == END_PERMANENT && (numbers->first == 0 || limit <= 0)) {
        optout.kind = OPTOUT_PERMANENT;
        return optout;
    }
    length = suspension(settings, numbers->first == 0 ? limit : numbers->first, lead->cycle, limit);
    jitter = length * settings->jitter / 100;
    if (jitter > 0)
        length += (int64_t)(spread(&event->lead, at) % (uint64_t)(jitter + 1));
    optout.kind = OPTOUT_TEMPORARY;
    optout.until = at + (numbers->end == END_PERMANENT ? at_most(length, limit) : length);
    return optout;
}

/* Rule 3: reports so close together are about one fault. Only "no such user" is news after "mailbox full". */
static bool is_spaced(const struct lead_settings *settings, const struct lead *lead,
                      const struct event *event, int64_t at)
{
    bool graver = cause_info(event->cause)->hardness > cause_info(lead->cause)->hardness;

    return lead->strikes > 0 && at - lead->struck < settings->strike_spacing && !graver;
}

static void note_bounce(struct lead *lead, const struct event *event, int64_t at)
{
    lead->bounced = at;
    span_excerpt(lead->status, sizeof(lead->status), event->status);
    span_excerpt(lead->diag, sizeof(lead->diag), event->evidence);
}

/* Rule 3: another strike of the run, or the first of a new one. */
static void count_strike(struct lead *lead, const struct event *event, int64_t at)
{
    lead->strikes = event->cause == lead->cause ? lead->strikes + 1 : 1;
    lead->cause = event->cause;
    lead->struck = at;
    keep_message(lead->message, event->message);
}

static void begin_optout(struct lead *lead, const struct optout *optout)
{
    if (lead->series == 0)
        lead->series = optout->since;
    lead->strikes = 0;
    lead->cycle = optout->cycle;
    lead->since = optout->since;
    lead->until = optout->until;
}

static enum effect apply_bounce(const struct lead_settings *settings, const struct optouts *optouts,
                                const struct event *event, int64_t now, struct lead *lead,
                                struct change *change)
{
    const struct cause_settings *numbers = &settings->causes[event->cause];
    struct times times = times_of(event, now);

    if (is_repeat_bounce(lead, event, times.at))
        return EFFECT_REPEAT;
    note_bounce(lead, event, times.at);
    if (numbers->strikes == 0 || optouts->allowed)
        return EFFECT_RECORDED;
    if (is_in_flight(lead, optouts, times, now))
        return EFFECT_IN_FLIGHT;
    if (is_spaced(settings, lead, event, times.at))
        return EFFECT_SPACED;
    count_strike(lead, event, times.at);
    /* A cause without an end only counts: the settings have switched its opt-out off. */
    if (lead->strikes < numbers->strikes || numbers->end == END_NEVER)
        return EFFECT_STRIKE;
    change->kind = CHANGE_OPTOUT;
    change->optout = optout_of(settings, lead, event, times.at);
    begin_optout(lead, &change->optout);
    return EFFECT_OPTOUT;
}

/* A delivery ends the run of strikes, and a series that is past its limit: else one fault long after a good
 * year would be permanent at once. */
static enum effect apply_delivery(const struct lead_settings *settings, const struct event *event,
                                  int64_t now, struct lead *lead)
{
    int64_t at = at_most(event->at, now);

    if (at <= lead->delivered)
        return EFFECT_REPEAT;
    lead->delivered = at;
    /* Older than the strike: that mail went through before the fault began. */
    if (at >= lead->struck)
        lead->strikes = 0;
    if (lead->series != 0 && at - lead->series >= settings->series_limit && at >= lead->since) {
        lead->series = 0;
        lead->cycle = 0;
    }
    return EFFECT_GOOD;
}

/* Rule 7: who opens or clicks is there. An operator's word stands. */
static enum effect apply_engagement(const struct optouts *optouts, const struct event *event, int64_t now,
                                    struct lead *lead, struct change *change)
{
    const struct optout *optout = &optouts->optout;
    int64_t at = at_most(event->at, now);

    if (at <= lead->engaged)
        return EFFECT_REPEAT;
    lead->engaged = at;
    /* A click from before the opt-out says nothing about what came after it. */
    if (at < lead->since)
        return EFFECT_GOOD;
    lead->strikes = 0;
    lead->cycle = 0;
    lead->series = 0;
    if (optout->present && optout->cause != CAUSE_MANUAL) {
        change->kind = CHANGE_LIFT;
        lead->until = at;
    }
    return EFFECT_GOOD;
}

/* Rule 12. Strikes and score do not come into it: this is the recipient's own word. Said twice it is the same
 * word, and one that is older than the opposite one changes nothing. */
static enum effect apply_will(const struct optouts *optouts, const struct event *event, int64_t now,
                              struct lead *lead, struct change *change)
{
    int64_t at = at_most(event->at, now);

    if (at <= lead->resubscribed)
        return EFFECT_REPEAT;
    if (event->type != EVENT_RESUBSCRIBE) {
        if (optouts->refused)
            return EFFECT_REPEAT;
        change->kind = CHANGE_REFUSE;
        return EFFECT_WILL;
    }
    if (optouts->refused && at < optouts->refused_since)
        return EFFECT_REPEAT;
    lead->resubscribed = at;
    if (optouts->refused)
        change->kind = CHANGE_ACCEPT;
    return EFFECT_WILL;
}

enum effect lead_apply(const struct lead_settings *settings, const struct lead *before,
                       const struct optouts *optouts, const struct event *event, int64_t now,
                       struct lead *after, struct change *change)
{
    struct lead lead = *before;
    enum effect effect = EFFECT_REPEAT;

    *change = (struct change){ .kind = CHANGE_NONE };
    switch (event->type) {
    case EVENT_BOUNCE: effect = apply_bounce(settings, optouts, event, now, &lead, change); break;
    case EVENT_DELIVERED: effect = apply_delivery(settings, event, now, &lead); break;
    case EVENT_OPEN:
    case EVENT_CLICK: effect = apply_engagement(optouts, event, now, &lead, change); break;
    case EVENT_COMPLAINT:
    case EVENT_UNSUBSCRIBE:
    case EVENT_RESUBSCRIBE: effect = apply_will(optouts, event, now, &lead, change); break;
    case EVENT_TYPES: break;
    }
    if (effect != EFFECT_REPEAT) {
        if (lead.seen == 0)
            lead.seen = at_most(event->at, now);
        if (event->provider.n > 0)
            span_excerpt(lead.provider, sizeof(lead.provider), event->provider);
    }
    *after = effect == EFFECT_REPEAT ? *before : lead;
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
