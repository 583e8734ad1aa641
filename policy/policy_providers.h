/* SPDX-License-Identifier: BSD-2-Clause */
/* policy_providers: how things stand with the providers that mail goes to just now: kept here for a second,
 * then asked for again with the next decision, in the same write. So what an operator writes in Redis counts
 * within that second, and what nobody mails to costs nothing. One loop, one thread.
 *
 * There is room for so many domains and providers; of more, those go that were not mailed to for longest. */
#ifndef POLICY_PROVIDERS_H
#define POLICY_PROVIDERS_H

#include "leadgate/lookup.h"
#include "policy/policy_hold.h"

struct policy_providers;

/* lookup and settings are borrowed; settings must outlive it. NULL when out of memory. */
struct policy_providers *policy_providers_new(struct lookup *lookup, const struct settings *settings);
/* After the lookup, which answers what is still open. NULL is fine. */
void policy_providers_free(struct policy_providers *providers);

/* Other settings from now on: everything is asked for again. What passed in this hour stays known, and who is
 * under way. */
void policy_providers_use(struct policy_providers *providers, const struct settings *settings);

/* Whose answer a recipient waits for. */
struct policy_place {
    struct policy_provider
        *provider; /* NULL: it is not known yet; else until the next call of any of these */
    bool domain_held;
};

/* Before a recipient is looked up: asks for what is not known, or older than a second. now: milliseconds, by
 * a clock that may be set. How she is to be looked at, by what is known already, and *counts_for: how many
 * decisions she stands for if she turns out to be risky. */
enum lookup_look policy_providers_meet(struct policy_providers *providers, const struct address *lead,
                                       int64_t now, int *counts_for);

/* Tells Redis how many risky leads were let pass since the last time; once a second is often enough. */
void policy_providers_tell(struct policy_providers *providers, int64_t now);

/* After it: what there is. provider is NULL when nothing came: Redis is away, or there was no room. */
struct policy_place policy_providers_find(struct policy_providers *providers, const struct address *lead,
                                          int64_t now);

#endif
