/* SPDX-License-Identifier: BSD-2-Clause */
/* lookup: asks Redis about recipients without blocking, on a libevent loop. All questions asked in one turn
 * of the loop go to Redis in one write. For a recipient with nothing against it, which is nearly each, that
 * is one small command and one round trip; for a suppressed one a second trip tells why and how long. One
 * loop, one thread.
 *
 * While Redis is away every question is answered STORE_DOWN at once, and the connection is tried again with
 * back-off (100 ms doubling to 5 s). An answer that takes longer than the timeout ends the connection: what
 * else was asked on it is answered STORE_DOWN too, since Redis answers in order. */
#ifndef LEADGATE_LOOKUP_H
#define LEADGATE_LOOKUP_H

#include "leadgate/counters.h"
#include "leadgate/provider_state.h"
#include "leadgate/store.h"

#include <stdbool.h>

struct event_base;
struct lookup;

/* found is NULL unless rc is STORE_OK, and borrowed for the call. */
typedef void lookup_fn(void *ctx, enum store_rc rc, const struct suppression *found);

/* Told when Redis goes away (up = false, with the reason) and when it is back. */
typedef void lookup_state_fn(void *ctx, bool up, const char *reason);

/* settings is borrowed and must outlive the lookup. Starts to connect at once. NULL when out of memory. */
struct lookup *lookup_new(struct event_base *base, const struct store_settings *settings,
                          lookup_state_fn *state, void *state_ctx);
/* Answers all open questions with STORE_DOWN first. NULL is fine. */
void lookup_free(struct lookup *lookup);

/* How much is asked about a recipient; what more costs Redis more. */
enum lookup_look {
    LOOK_BRIEFLY = 1, /* her opt-out and her refusals */
    LOOK_AT_RETURNS,  /* and whether she comes back; then her `standing` is told, too */
    LOOK_CLOSELY,     /* all of it in any case, in one trip */
};

/* Asks; fn is called exactly once, maybe before this returns (when Redis is away). lead is copied. */
void lookup_recipient(struct lookup *lookup, const struct address *lead, enum lookup_look look, lookup_fn *fn,
                      void *ctx);

/* lead: as it was asked with, for the call; state is NULL unless rc is STORE_OK. */
typedef void lookup_domain_fn(void *ctx, const struct address *lead, enum store_rc rc,
                              const struct provider_state *state);

/* Asks who answers for the domain of `lead`, and how things stand with him; the answer comes before those of
 * what is asked after it. otherwise: who that is where Redis knows nobody. streams: whose shares are told, by
 * their names with blanks between them. now: seconds. */
void lookup_domain(struct lookup *lookup, const struct address *lead, struct span otherwise,
                   struct span streams, int64_t now, lookup_domain_fn *fn, void *ctx);

/* Tells Redis that n more risky leads of a provider were let pass; what is asked after this counts them.
 * False while Redis is away; lost where it takes no writes. */
bool lookup_pass(struct lookup *lookup, struct span provider, int64_t n, int64_t now);

/* Adds what is counted to Redis, behind what is asked in this turn of the loop: in the same write, and no
 * question waits for it. Does nothing while Redis is away, or while answers to the last time are still to
 * come. counters is borrowed until they are there, or lookup_free(). */
void lookup_count(struct lookup *lookup, struct counters *counters);
/* Whether such answers are still to come. A connection on which they do not is given up like any other. */
bool lookup_is_counting(const struct lookup *lookup);

#endif
