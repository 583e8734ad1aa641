/* SPDX-License-Identifier: BSD-2-Clause */
/* lead_world: one lead and what Redis would hold of her, for tests of the lifecycle. The opt-out lives as it
 * would there: until its end, an operator's change or a lift. */
#ifndef LEADGATE_TEST_LEAD_WORLD_H
#define LEADGATE_TEST_LEAD_WORLD_H

#include "leadgate/lead.h"

#include <stdbool.h>
#include <stdint.h>

#define HOUR ((int64_t)3600)
#define DAY  (24 * HOUR)
#define T0   ((int64_t)1790000000) /* some day in 2026 */

struct world {
    struct lead_settings settings;
    struct lead lead;
    struct optouts optouts;
    int messages;
    char message[32];
    struct change change;
};

/* The default settings without jitter, and a lead that nothing is known of. */
struct world new_world(void);

/* A bounce of a message of its own, sent a minute before. The message's name is borrowed from the world until
 * the next one. */
struct event bounce(struct world *world, enum cause cause, int64_t at);
struct event other(enum event_type type, int64_t at);

bool is_opted_out(const struct world *world, int64_t now);

/* Applies the event as it happens, or as it is read at `now`, and does the change. */
enum effect apply(struct world *world, struct event event);
enum effect apply_late(struct world *world, struct event event, int64_t now);

#endif
