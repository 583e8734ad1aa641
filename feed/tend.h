/* SPDX-License-Identifier: BSD-2-Clause */
/* tend: what whoever leads does about one provider: sees that something is wrong there, and brings an
 * incident to its end. Each step is done once, whoever else leads (store_incident.h), told in
 * leadgate:incidents, logged and counted. One thread. */
#ifndef FEED_TEND_H
#define FEED_TEND_H

#include "leadgate/counters.h"
#include "leadgate/settings.h"
#include "leadgate/store.h"
#include "leadgate/store_incident.h"
#include "leadgate/store_provider.h"
#include "leadgate/store_shares.h"

/* Who does it, and when. Borrowed. */
struct tend {
    const struct settings *settings;
    struct store *store;
    struct counters *counters;
    const char *name; /* of the leader */
    int64_t now;
};

/* The stretch of time in which something wrong is looked for. */
struct stretch tend_window(const struct tend *tend);

/* Does what is due where there is an incident, or was one: `listed` says that it stands in the list of those.
 * *state is what was read, and afterwards what is there. */
enum store_rc tend_incident(const struct tend *tend, struct span provider, bool listed,
                            struct incident_state *state, struct err *err);

/* Where there is none: whether there is one now; then it is opened. sum: of tend_window(). */
enum store_rc tend_look(const struct tend *tend, struct span provider, const struct incident_state *state,
                        const struct provider_sum *sum, struct err *err);

/* Says that too many of a provider's recipients do not exist, once a day. */
enum store_rc tend_share(const struct tend *tend, const struct share *share, struct err *err);

#endif
