/* SPDX-License-Identifier: BSD-2-Clause */
/* target: one lead on her way through a revert: what Redis holds of her, what of it the plan takes back, and
 * the command that does. No I/O. */
#ifndef LEADGATE_STORE_TARGET_H
#define LEADGATE_STORE_TARGET_H

#include "leadgate/revert.h"
#include "store/commit.h"
#include "store/undo.h"

#include <hiredis/hiredis.h>

/* What is read of her, in this order; the GET of an opt-out of another type is an error that counts. */
enum { TARGET_LEAD, TARGET_OPTOUT, TARGET_OPTOUT_TTL, TARGET_UNDO, TARGET_LOADS };

struct target {
    struct address lead;
    int64_t at; /* of the bounce that she stands in the list for */
    bool done, writes;
    redisReply *replies[TARGET_LOADS], *answer;
    /* What follows lives as long as the replies. */
    struct span rev, undo_value, optout_value; /* as they were read */
    struct optout optout;
    bool odd; /* the opt-out is of another type */
    struct lead was, is;
    struct reverted result;
    char *kept; /* what will remain of undo_value; to be freed */
    struct commit commit;
    char why[256];
};

/* A plan, and its provider as undo.h has it. */
struct target_plan {
    const struct revert_plan *plan;
    char provider[UNDO_PROVIDER_SIZE];
};

bool target_is_planned(const struct target_plan *plan, int64_t at, struct span cause, struct span provider);

/* Reads the replies and decides; fills in the result. True when there is something to be written; kept is
 * NULL then when memory is out. */
bool target_decide(struct target *target, const struct target_plan *plan, int64_t now);

/* Makes the command in target->commit; its answer is "race" (she is not as she was read: nothing was done) or
 * "done", and behind it the id of the entry that the journal is to have, if any. */
void target_make_order(struct target *target, const struct revert_plan *plan, int64_t retention, int64_t now);

#endif
