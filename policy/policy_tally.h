/* SPDX-License-Identifier: BSD-2-Clause */
/* policy_tally: how the decisions came out. A decision costs one increment here; the names that the counters
 * go by are made when they are moved, once a second. */
#ifndef POLICY_TALLY_H
#define POLICY_TALLY_H

#include "leadgate/counters.h"
#include "policy/policy_reply.h"

/* All zero is nothing. */
struct policy_tally {
    int64_t passed;      /* Redis was asked, and nothing holds */
    int64_t exempt;      /* nobody was asked */
    int64_t unavailable; /* Redis was away, and the settings decided */
    int64_t absences;    /* how often it went away */
    int64_t refused[CAUSES], observed[CAUSES];
    int64_t held[POLICY_WHYS], held_observed[POLICY_WHYS];
};

/* A decision after a question to Redis that it answered with rc. */
void policy_tally_note(struct policy_tally *tally, const struct policy_reply *reply, enum store_rc rc);

/* Adds all of it to the counters, and begins anew. */
void policy_tally_move(struct policy_tally *tally, struct counters *counters);

#endif
