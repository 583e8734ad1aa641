/* SPDX-License-Identifier: BSD-2-Clause */
/* simulate: a population of leads and a calendar of mails, run lead by lead through lead_apply(), beside two
 * other ways to treat them: no suppression, and "N bounces and out". In memory: no Redis, no clock, no
 * randomness; the same plan gives the same counts. Any thread. */
#ifndef LEADGATE_SIMULATE_H
#define LEADGATE_SIMULATE_H

#include "leadgate/lead.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A kind of lead: what becomes of a mail that is sent to her on a day. */
struct sim_kind {
    const char *name;
    int share;          /* leads of this kind in a million; the first kind of a scenario has what remains */
    bool alive;         /* the mailbox exists: to suppress her for good is to lose her */
    enum cause cause;   /* of the mail that comes back; CAUSE_NONE = it never does */
    const char *status; /* that it comes back with */
    int days;           /* how long the fault lasts, in every 30 days; SIM_ALWAYS */
    int delay;          /* days until such a mail comes back, 0..63 */
    int opens;          /* she opens about one mail in so many days; 0 = none that we hear of */
};

#define SIM_ALWAYS 30
#define SIM_MONTH  30

struct sim_scenario {
    const char *name, *help;
    const struct sim_kind *kinds;
    size_t n;
};

/* All scenarios, the default first. Static storage. */
const struct sim_scenario *sim_scenarios(size_t *n);

struct sim_plan {
    const struct lead_settings *settings;
    const struct sim_scenario *scenario;
    int64_t leads;
    int64_t days;  /* at least 1 */
    int64_t every; /* a mail on day 1 and every so many days, at least 1 */
    int64_t out;   /* N of "N bounces and out", at least 1 */
};

enum sim_policy { SIM_LEADGATE, SIM_NO_SUPPRESSION, SIM_OUT, SIM_POLICIES };

/* What became of the planned mails: each was sent (of which some in vain), saved or missed. */
struct sim_count {
    int64_t sent;
    int64_t vain;      /* sent, and came back */
    int64_t saved;     /* not sent; would have come back */
    int64_t missed;    /* not sent; would have arrived */
    int64_t suspended; /* leads suppressed when the day's mail goes out; a day's count only */
    int64_t lost;      /* leads alive and suppressed for good in the end; a kind's count only */
};

/* One for each policy. */
struct sim_counts {
    struct sim_count of[SIM_POLICIES];
};

struct sim_result {
    int64_t *leads;             /* of each kind of the scenario */
    struct sim_counts *by_kind; /* the same */
    struct sim_counts *by_day;  /* [day - 1] */
    struct sim_counts total;
};

/* Runs the plan. step, unless NULL, is told after each lead. The result is the caller's, to free; NULL when
 * out of memory. */
struct sim_result *sim_run(const struct sim_plan *plan, void (*step)(void *arg), void *arg);
void sim_result_free(struct sim_result *result); /* NULL is fine */

#endif
