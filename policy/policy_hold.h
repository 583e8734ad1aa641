/* SPDX-License-Identifier: BSD-2-Clause */
/* policy_hold: whether a recipient against whom nothing stands is held back for the sake of her provider: he
 * has a bad day, too many of his recipients do not exist, or enough leads have come back to him in this hour.
 * Pure. */
#ifndef POLICY_HOLD_H
#define POLICY_HOLD_H

#include "leadgate/provider.h"
#include "leadgate/settings.h"

#include <stdbool.h>
#include <stdint.h>

enum policy_why {
    POLICY_WHY_NONE = 0,   /* not held */
    POLICY_WHY_HOLD,       /* a hold is there, of the provider or of the domain, and no incident */
    POLICY_WHY_INCIDENT,   /* one is open, and she is not among those who pass */
    POLICY_WHY_GUARD,      /* too many of his recipients do not exist */
    POLICY_WHY_UNANSWERED, /* too many might, of those whose answer is still to come */
    POLICY_WHY_REENTRY,
    POLICY_WHYS
};

/* hold, incident, guard, unanswered, reentry. */
const char *policy_why_name(enum policy_why why);

/* What is known of a provider, and what was let pass to him from here. */
struct policy_provider {
    char name[PROVIDER_SIZE];
    bool held;                  /* he is */
    int percent;                /* of his leads that pass; 100 = no incident is open */
    bool released;              /* from the guard */
    bool answering;             /* answers to what he is sent come, and are worth waiting for */
    bool trouble;               /* policy_hold_is_near() said so */
    struct guard_count *counts; /* of all mail, then of each stream of the settings; who is under way is told
                                   of all mail only. NULL = nothing counts */
    size_t n_counts;
    int64_t passed;         /* risky leads that were let pass, and of whom Redis was not told yet */
    int64_t hour;           /* that these are of: since the epoch */
    int64_t sent, returned; /* recipients that passed in it, and those who came back among them */
};

/* Whether a recipient of his may be held for more than coming back, now or soon: then all that is known of
 * her counts. */
bool policy_hold_is_near(const struct settings *settings, const struct policy_provider *provider);

struct policy_held {
    enum policy_why why;
    bool observed; /* she passes all the same: `enforce: observe` */
    int64_t share; /* thousandths; of the guard: dead ones, of the re-entry: those who came back */
};

/* Whether the risky leads that he is sent are counted. */
bool policy_hold_counts(const struct settings *settings, const struct policy_provider *provider);

/* found->standing is known, or the provider is in no trouble and she does not come back: of whom it is not
 * known is no risky lead. stream: one of the settings'. */
struct policy_held policy_hold_judge(const struct settings *settings, const struct stream *stream,
                                     const struct policy_provider *provider, bool domain_held,
                                     const struct address *lead, const struct suppression *found);

/* She passes: counts her, and says whether there is trouble from now on. counts_for: how many she stands for
 * if she is risky. */
void policy_hold_pass(const struct settings *settings, struct policy_provider *provider,
                      const struct suppression *found, int counts_for);

#endif
