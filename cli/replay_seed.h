/* SPDX-License-Identifier: BSD-2-Clause */
/* replay_seed: a history into Redis, in batches: leadgate replay --apply. */
#ifndef LEADGATE_CLI_REPLAY_SEED_H
#define LEADGATE_CLI_REPLAY_SEED_H

#include "cli/session.h"

#include <stdio.h>

struct seed;

/* session is borrowed. NULL when out of memory. */
struct seed *seed_new(struct session *session);
void seed_free(struct seed *seed); /* NULL is fine */

/* Takes one event, copied; applies a batch of them when it is full. GO_ON, or the exit status after saying
 * that Redis is away and that all can be done again. */
int seed_add(struct seed *seed, const struct event *event);
/* The same for those that are left. */
int seed_finish(struct seed *seed);

/* What came of it. */
void seed_print(FILE *to, const struct seed *seed, int64_t leads);

#endif
