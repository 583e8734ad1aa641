/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/target.h"

#include "store/answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void read_load(struct target *target, int64_t now)
{
    redisReply *const *replies = target->replies;

    answer_read_lead(replies[TARGET_LEAD], &target->was);
    target->rev = answer_field(replies[TARGET_LEAD], SPAN("rev"));
    target->undo_value = answer_text(replies[TARGET_UNDO]);
    target->optout_value = answer_text(replies[TARGET_OPTOUT]);
    target->odd = answer_is_odd(replies[TARGET_OPTOUT]);
    answer_read_optout(&target->optout, replies[TARGET_OPTOUT]);
    answer_read_ttl(&target->optout, replies[TARGET_OPTOUT_TTL], now);
}

bool target_is_planned(const struct target_plan *target_plan, int64_t at, struct span cause,
                       struct span provider)
{
    const struct revert_plan *plan = target_plan->plan;
    enum cause parsed;

    cause_parse(cause, &parsed);
    return at >= plan->since && at <= plan->until &&
           (plan->causes == 0 || (plan->causes & revert_cause(parsed)) != 0) &&
           (target_plan->provider[0] == '\0' || span_eq_nocase(provider, span_of(target_plan->provider)));
}

static bool is_wanted(const struct target_plan *plan, const struct undo_record *record)
{
    return target_is_planned(plan, record->at, record->cause, record->provider) &&
           (plan->plan->match == NULL || plan->plan->match(plan->plan->match_ctx, record->words));
}

/* Whether it led to anything. */
static bool is_effective(const struct undo_record *record)
{
    return record->before.n > 0;
}

/* The lines that can be taken back: from the top down to the first that is not wanted, or that something
 * stands on. */
static size_t count_free(const struct target_plan *plan, const struct undo *undo, const bool *wanted,
                         int64_t rev)
{
    size_t n = 0;

    while (n < undo->n && undo->records[n].rev == rev && wanted[n] &&
           undo->records[n].last <= plan->plan->until)
        rev = undo->records[n++].from;
    /* There may have been more of them, which nobody remembers. */
    return n == undo->n && undo->cut >= plan->plan->since && undo->cut != 0 ? 0 : n;
}

/* The opt-out that stands is the one that these lines began, or there is none. Another one was written by
 * hand. *lift: it goes. */
static bool settle_optout(const struct target *target, const struct undo *undo, size_t n, bool *lift)
{
    *lift = false;
    for (size_t i = 0; i < n && target->optout.present; i++) {
        if (!undo_began_optout(&undo->records[i]))
            continue;
        *lift = !target->odd && target->optout.since == undo->records[i].at;
        return *lift;
    }
    return true;
}

/* What remains of the lines: the uppermost is the lead's last bounce again, where it was before. */
static char *keep_undo(const struct target *target, const struct undo *undo, size_t n)
{
    const struct undo_record *below = &undo->records[n], *last = &undo->records[n - 1];
    size_t size = target->undo_value.n + 64;
    char *kept = malloc(size);

    if (kept == NULL)
        return NULL;
    if (n < undo->n && below->rev == last->from)
        snprintf(kept, size, "%lld %lld %.*s", (long long)target->is.rev, (long long)below->from,
                 SPAN_FMT(below->tail));
    else
        snprintf(kept, size, "%.*s", SPAN_FMT(last->rest));
    return kept;
}

/* Says what is to be done: fills in the result, and `is`. The number of lines that go; 0 = nothing. */
static size_t decide(const struct target_plan *plan, struct target *target, const struct undo *undo)
{
    struct reverted *result = &target->result;
    bool wanted[UNDO_RECORDS], lift = false;
    const struct undo_record *last = NULL;
    size_t n;

    *result = (struct reverted){ .lead = &target->lead, .was = &target->was, .is = &target->is };
    target->is = target->was;
    for (size_t i = 0; i < undo->n; i++) {
        wanted[i] = is_wanted(plan, &undo->records[i]);
        if (last == NULL && wanted[i] && is_effective(&undo->records[i]))
            last = &undo->records[i];
    }
    /* Nothing, or nothing any more, or she stands in the list again later. */
    if (last == NULL || last->at != target->at)
        return 0;
    cause_parse(last->cause, &result->cause);
    result->at = last->at;
    result->provider = last->provider;
    result->words = last->words;
    n = count_free(plan, undo, wanted, target->was.rev);
    if (!settle_optout(target, undo, n, &lift))
        n = 0;
    for (size_t i = 0; i < undo->n; i++) {
        if (!wanted[i] || !is_effective(&undo->records[i]))
            continue;
        if (i < n)
            result->bounces++;
        else
            result->left_alone = true;
    }
    if (result->bounces == 0)
        return 0;
    for (size_t i = 0; i < n; i++)
        undo_restore(&undo->records[i], &target->is);
    target->is.rev = target->was.rev + 1;
    if (lift)
        result->optout = target->optout;
    return n;
}

bool target_decide(struct target *target, const struct target_plan *plan, int64_t now)
{
    struct undo undo;
    size_t n;

    read_load(target, now);
    undo_read(&undo, target->undo_value);
    /* She has been forgotten by hand: these are of another life. */
    if (undo.n > 0 && (target->was.seen == 0 || target->was.seen > undo.records[0].at))
        undo.n = 0;
    n = decide(plan, target, &undo);
    if (n == 0 || plan->plan->dry_run)
        return false;
    target->kept = keep_undo(target, &undo, n);
    return true;
}
