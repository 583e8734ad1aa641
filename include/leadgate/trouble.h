/* SPDX-License-Identifier: BSD-2-Clause */
/* trouble: bad days of one provider, gone through in steps of five minutes with a daily mail to all of its
 * leads: what they cost with and without incidents (incident.h), and what a list that holds dead addresses
 * does to the provider's view with and without the guard (guard.h). In memory: no Redis, no clock, no
 * randomness; the same plan gives the same counts. Any thread. */
#ifndef LEADGATE_TROUBLE_H
#define LEADGATE_TROUBLE_H

#include "leadgate/guard.h"
#include "leadgate/incident.h"
#include "leadgate/lead.h"

#include <stdbool.h>
#include <stdint.h>

#define TROUBLE_STEPS 288 /* of a day */

enum trouble_kind {
    TROUBLE_UNKNOWN = 1, /* answers "no such user" to everyone, for six hours of the middle day */
    TROUBLE_DEFERS,      /* defers everything, for two days from the middle day on */
    TROUBLE_DIRTY_LIST,  /* is well; on day 10 a list is imported that nobody has mailed before */
};

struct trouble_plan {
    const struct lead_settings *settings;
    const struct incident_settings *incident;
    const struct guard_limits *guard;
    enum trouble_kind kind;
    int64_t leads; /* who have been mailed before */
    int64_t list;  /* TROUBLE_DIRTY_LIST: how many are imported, of whom 15 % do not exist */
    int64_t days;  /* at least 12 */
    bool handled;  /* with incidents, or with the guard */
};

/* Of one day. */
struct trouble_day {
    int64_t sent;    /* tries that the provider answered, or did not take */
    int64_t wall;    /* of these: into the trouble */
    int64_t invalid; /* of these: to addresses that do not exist */
    int64_t held;    /* recipients that were told to come again later */
};

struct trouble_result {
    struct trouble_day *by_day; /* [day - 1] */
    struct trouble_day total;
    int64_t lost;     /* leads who exist, and are suppressed for good in the end */
    int64_t recovery; /* seconds from the end of the trouble until no lead who exists was held or suppressed
                         for it; -1 = not in this time */
    int64_t waiting;  /* TROUBLE_DIRTY_LIST: leads of the list who have had no mail in the end */
};

/* step, unless NULL, is told after each day. The result is the caller's, to free; NULL when out of memory. */
struct trouble_result *trouble_run(const struct trouble_plan *plan, void (*step)(void *arg), void *arg);
void trouble_result_free(struct trouble_result *result); /* NULL is fine */

#endif
