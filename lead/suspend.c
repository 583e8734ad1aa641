/* SPDX-License-Identifier: BSD-2-Clause */
#include "lead/suspend.h"

#include "lead/score.h"
#include "leadgate/hash.h"

static int64_t at_most(int64_t value, int64_t limit)
{
    return value < limit ? value : limit;
}

/* first x backoff^cycle, not beyond limit; the limit also keeps the product from overflowing. */
static int64_t grow(const struct lead_settings *settings, int64_t first, int64_t cycle, int64_t limit)
{
    int64_t length = at_most(first, limit);

    for (int64_t i = 0; i < cycle && length < limit && settings->backoff > 1; i++)
        if (__builtin_mul_overflow(length, settings->backoff, &length))
            return limit;
    return at_most(length, limit);
}

/* Up to settings->jitter percent longer: another number for each lead, the same at each replay. */
static int64_t with_jitter(const struct lead_settings *settings, int64_t length, const struct event *event,
                           int64_t at)
{
    int64_t most = length * settings->jitter / 100;
    uint64_t hash = hash_bytes(HASH_START, address_span(&event->lead));

    if (most <= 0)
        return length;
    hash = hash_bytes(hash, (struct span){ (const char *)&at, sizeof(at) });
    hash ^= hash >> 32;
    return length + (int64_t)(hash % (uint64_t)(most + 1));
}

/* Rule 10: a corporate filter says "no such user" of mail it dislikes. Once, a lead that is known to be alive
 * is believed more than it is. */
static bool is_doubted(const struct lead_settings *settings, const struct lead *lead, enum cause cause,
                       int64_t at)
{
    bool trusted = (lead->engaged != 0 && at - lead->engaged <= settings->trust_window) ||
                   score_at(settings, lead, at) >= settings->trust_score;

    return cause_info(cause)->hardness == HARDNESS_HARD && trusted && lead->doubted == 0 &&
           settings->doubt > 0;
}

struct optout suspend_for_bounce(const struct lead_settings *settings, const struct lead *lead,
                                 const struct event *event, int64_t at)
{
    const struct cause_settings *numbers = &settings->causes[event->cause];
    int64_t series_end = (lead->series == 0 ? at : lead->series) + settings->series_limit;
    /* What nobody vouches for makes nothing permanent. */
    enum cause_end end = event->unverified ? END_LONGEST : numbers->end;
    int64_t limit = end == END_LONGEST ? settings->longest : series_end - at;
    bool for_good = end == END_PERMANENT && (numbers->first == 0 || limit <= 0);
    struct optout optout = { .present = true, .cause = event->cause, .cycle = lead->cycle + 1, .since = at };
    int64_t length;

    span_excerpt(optout.status, sizeof(optout.status), event->status);
    if (for_good && is_doubted(settings, lead, event->cause, at)) {
        optout.kind = OPTOUT_TEMPORARY;
        optout.cycle = lead->cycle;
        optout.until = at + with_jitter(settings, settings->doubt, event, at);
        return optout;
    }
    if (for_good) {
        optout.kind = OPTOUT_PERMANENT;
        return optout;
    }
    length = grow(settings, numbers->first == 0 ? limit : numbers->first, lead->cycle, limit);
    length = with_jitter(settings, length, event, at);
    optout.kind = OPTOUT_TEMPORARY;
    optout.until = at + (end == END_PERMANENT ? at_most(length, limit) : length);
    return optout;
}

struct optout suspend_for(const struct lead_settings *settings, enum cause cause, const struct event *event,
                          int64_t at)
{
    return (struct optout){
        .present = true,
        .kind = OPTOUT_TEMPORARY,
        .cause = cause,
        .since = at,
        .until = at + with_jitter(settings, settings->causes[cause].first, event, at),
    };
}

bool optout_is_graver(const struct optout *a, const struct optout *b)
{
    if (!a->present || !b->present)
        return a->present;
    if (a->kind != b->kind)
        return a->kind == OPTOUT_PERMANENT;
    return a->kind == OPTOUT_TEMPORARY && a->until > b->until;
}
