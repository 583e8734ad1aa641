/* SPDX-License-Identifier: BSD-2-Clause */
/* Three questions, the gravest first. Who is whitelisted is asked none of them. */
#include "policy/policy_hold.h"

#include <stdlib.h>

const char *policy_why_name(enum policy_why why)
{
    switch (why) {
    case POLICY_WHY_NONE: return "none";
    case POLICY_WHY_HOLD: return "hold";
    case POLICY_WHY_INCIDENT: return "incident";
    case POLICY_WHY_GUARD: return "guard";
    case POLICY_WHY_REENTRY: return "reentry";
    case POLICY_WHYS: break;
    }
    abort();
}

static bool is_held(const struct settings *settings, const struct policy_provider *provider, bool domain_held)
{
    return settings->incident.when_held == WHEN_HELD_DEFER &&
           (domain_held || provider->held || provider->percent < 100);
}

static bool is_guarded(const struct settings *settings, const struct policy_provider *provider)
{
    return settings->guard.enforce != ENFORCE_OFF && !provider->released && provider->counts != NULL;
}

bool policy_hold_is_near(const struct settings *settings, const struct policy_provider *provider)
{
    if (is_held(settings, provider, false))
        return true;
    if (is_guarded(settings, provider))
        for (size_t i = 0; i < provider->n_counts; i++)
            if (guard_level(&settings->guard.limits, &provider->counts[i]) != GUARD_CALM)
                return true;
    return false;
}

/* While it is open an incident tells who passes; but a hold is there for all. */
static enum policy_why judge_hold(const struct settings *settings, const struct policy_provider *provider,
                                  bool domain_held, const struct address *lead)
{
    if (!is_held(settings, provider, domain_held))
        return POLICY_WHY_NONE;
    if (domain_held || provider->held)
        return provider->percent < 100 ? POLICY_WHY_INCIDENT : POLICY_WHY_HOLD;
    return incident_passes(provider->percent, lead) ? POLICY_WHY_NONE : POLICY_WHY_INCIDENT;
}

/* The counts that a mail of the stream is judged by: [0] of all mail, [1] of the stream's. */
static void find_counts(const struct settings *settings, const struct stream *stream,
                        const struct policy_provider *provider, struct guard_count *counts[2])
{
    size_t at = (size_t)(stream - settings->streams.item) + 1;

    counts[0] = &provider->counts[0];
    counts[1] = &provider->counts[at < provider->n_counts ? at : 0];
}

static bool is_risky(const struct suppression *found)
{
    return found->standing.known && guard_is_risky(found->standing.delivered, found->standing.score);
}

/* Of a risky lead: whether she waits, and *share, by which. */
static bool judge_guard(const struct settings *settings, const struct stream *stream,
                        const struct policy_provider *provider, int64_t *share)
{
    const struct guard_limits *limits = &settings->guard.limits;
    struct guard_count *counts[2];

    find_counts(settings, stream, provider, counts);
    for (int i = 0; i < 2; i++) {
        if (guard_holds(limits, counts[i])) {
            *share = guard_share(limits, counts[i]);
            return true;
        }
    }
    return false;
}

static int64_t returned_share(const struct policy_provider *provider)
{
    return provider->sent > 0 ? provider->returned * 1000 / provider->sent : 0;
}

struct policy_held policy_hold_judge(const struct settings *settings, const struct stream *stream,
                                     const struct policy_provider *provider, bool domain_held,
                                     const struct address *lead, const struct suppression *found)
{
    struct policy_held held = { .observed = stream->enforce == ENFORCE_OBSERVE };

    if (found->allowed || stream->enforce == ENFORCE_OFF)
        return held;
    if ((held.why = judge_hold(settings, provider, domain_held, lead)) != POLICY_WHY_NONE)
        return held;
    if (is_guarded(settings, provider) && is_risky(found) &&
        judge_guard(settings, stream, provider, &held.share)) {
        held.why = POLICY_WHY_GUARD;
        held.observed |= settings->guard.enforce == ENFORCE_OBSERVE;
        return held;
    }
    if (found->returning && !reentry_allows(settings->reentry.share, provider->sent, provider->returned)) {
        held.why = POLICY_WHY_REENTRY;
        held.share = returned_share(provider);
    }
    return held;
}

void policy_hold_pass(const struct settings *settings, const struct stream *stream,
                      struct policy_provider *provider, const struct suppression *found)
{
    struct guard_count *counts[2];

    provider->sent++;
    provider->returned += found->returning;
    if (stream == NULL || !is_guarded(settings, provider) || !is_risky(found))
        return;
    find_counts(settings, stream, provider, counts);
    for (int i = 0; i < 2; i++)
        if (guard_level(&settings->guard.limits, counts[i]) != GUARD_CALM &&
            (i == 0 || counts[1] != counts[0]))
            counts[i]->flying++;
}
