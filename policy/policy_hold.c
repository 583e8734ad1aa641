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
    case POLICY_WHY_UNANSWERED: return "unanswered";
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

/* Also where none of them waits now: a release ends, and the answers come. */
bool policy_hold_counts(const struct settings *settings, const struct policy_provider *provider)
{
    return settings->guard.enforce != ENFORCE_OFF && provider->counts != NULL;
}

static bool is_guarded(const struct settings *settings, const struct policy_provider *provider)
{
    return policy_hold_counts(settings, provider) && !provider->released;
}

/* Those by which counts[i] is judged. Whose answers do not come is judged by those that are there; so is a
 * stream before the warning: who is under way is known of all mail together. */
static struct guard_limits limits_of(const struct settings *settings, const struct policy_provider *provider,
                                     size_t i)
{
    struct guard_limits limits = settings->guard.limits;

    if (i > 0 || !provider->answering)
        limits.unanswered = 0;
    return limits;
}

static bool is_near(const struct settings *settings, const struct policy_provider *provider, size_t i)
{
    const struct guard_limits limits = limits_of(settings, provider, i);

    return guard_is_near(&limits, &provider->counts[i]);
}

bool policy_hold_is_near(const struct settings *settings, const struct policy_provider *provider)
{
    if (is_held(settings, provider, false))
        return true;
    if (is_guarded(settings, provider))
        for (size_t i = 0; i < provider->n_counts; i++)
            if (is_near(settings, provider, i))
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

/* Which of the counts are the stream's; 0, those of all mail, where there are none. */
static size_t counts_of(const struct settings *settings, const struct stream *stream,
                        const struct policy_provider *provider)
{
    size_t at = (size_t)(stream - settings->streams.item) + 1;

    return at < provider->n_counts ? at : 0;
}

static bool is_risky(const struct suppression *found)
{
    return found->standing.known && guard_is_risky(found->standing.delivered, found->standing.score);
}

/* Of a risky lead: why she waits, and *share, by which. */
static enum policy_why judge_counts(const struct settings *settings, const struct policy_provider *provider,
                                    size_t i, int64_t *share)
{
    const struct guard_limits limits = limits_of(settings, provider, i);
    struct guard_count count = provider->counts[i];

    count.risky = provider->counts[0].risky;
    if (!guard_holds(&limits, &count))
        return POLICY_WHY_NONE;
    *share = guard_share(&limits, &count);
    return guard_level(&limits, &count) == GUARD_LIMIT ? POLICY_WHY_GUARD : POLICY_WHY_UNANSWERED;
}

static enum policy_why judge_guard(const struct settings *settings, const struct stream *stream,
                                   const struct policy_provider *provider, int64_t *share)
{
    enum policy_why why = judge_counts(settings, provider, 0, share);

    return why != POLICY_WHY_NONE
               ? why
               : judge_counts(settings, provider, counts_of(settings, stream, provider), share);
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
        (held.why = judge_guard(settings, stream, provider, &held.share)) != POLICY_WHY_NONE) {
        held.observed |= settings->guard.enforce == ENFORCE_OBSERVE;
        return held;
    }
    if (found->returning && !reentry_allows(settings->reentry.share, provider->sent, provider->returned)) {
        held.why = POLICY_WHY_REENTRY;
        held.share = returned_share(provider);
    }
    return held;
}

void policy_hold_pass(const struct settings *settings, struct policy_provider *provider,
                      const struct suppression *found, int counts_for)
{
    provider->sent++;
    provider->returned += found->returning;
    if (!policy_hold_counts(settings, provider) || !is_risky(found))
        return;
    provider->passed += counts_for;
    provider->counts[0].risky += counts_for;
    provider->trouble |= is_guarded(settings, provider) && is_near(settings, provider, 0);
}
