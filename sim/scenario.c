/* SPDX-License-Identifier: BSD-2-Clause */
/* The scenarios as rows. The shares of `mixed` are those of a list that is mailed often and was cleaned some
 * time ago: what comes back is a few percent, and half of that is nobody's lasting fault.
 * leadgate-simulate(1) says the same to the operator. */
#include "leadgate/simulate.h"

#define NEVER_FAILS .cause = CAUSE_NONE, .status = ""

/* clang-format off */
static const struct sim_kind full_month[] = {
    { .name = "good",         .alive = true, NEVER_FAILS },
    { .name = "mailbox full", .alive = true, .share = 25000,
      .cause = CAUSE_MAILBOX_FULL, .status = "5.2.2", .days = SIM_ALWAYS },
};

static const struct sim_kind mixed[] = {
    { .name = "good",               .alive = true, NEVER_FAILS },
    { .name = "opens now and then", .alive = true, .share = 300000, NEVER_FAILS, .opens = 9 },
    { .name = "mailbox full",       .alive = true, .share = 10000,
      .cause = CAUSE_MAILBOX_FULL, .status = "5.2.2", .days = SIM_ALWAYS },
    { .name = "full for 5 days",    .alive = true, .share = 10000,
      .cause = CAUSE_MAILBOX_FULL, .status = "5.2.2", .days = 5 },
    { .name = "dead address",       .alive = false, .share = 20000,
      .cause = CAUSE_USER_UNKNOWN, .status = "5.1.1", .days = SIM_ALWAYS },
    /* A filter that answers "no such user" to one mail it dislikes; she reads the others. */
    { .name = "corporate filter",   .alive = true, .share = 5000,
      .cause = CAUSE_USER_UNKNOWN, .status = "5.1.1", .days = 1, .opens = 9 },
    /* Greylisting or no connection, and a queue that gives up within the day. */
    { .name = "network trouble",    .alive = true, .share = 15000,
      .cause = CAUSE_NETWORK_ERROR, .status = "4.4.1", .days = 1 },
    { .name = "spam-blocked",       .alive = true, .share = 15000,
      .cause = CAUSE_SPAM_BLOCK, .status = "5.7.1", .days = 4 },
    /* Their server is away for two days, and Postfix keeps trying for five (maximal_queue_lifetime). */
    { .name = "expired in queue",   .alive = true, .share = 5000,
      .cause = CAUSE_EXPIRED, .status = "4.4.7", .days = 2, .delay = 5 },
};

#define ROWS(kinds) kinds, sizeof(kinds) / sizeof((kinds)[0])

static const struct sim_scenario scenarios[] = {
    { "mailbox-full", "every 40th mailbox is full all the time", ROWS(full_month) },
    { "mixed", "what a list that is mailed often has: passing faults, filters, dead addresses", ROWS(mixed) },
};
/* clang-format on */

const struct sim_scenario *sim_scenarios(size_t *n)
{
    *n = sizeof(scenarios) / sizeof(scenarios[0]);
    return scenarios;
}
