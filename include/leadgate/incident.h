/* SPDX-License-Identifier: BSD-2-Clause */
/* incident: a provider's bad day: when it begins, who passes meanwhile, and when it is over (design:
 * "Providers"). Pure: no I/O, no clock; any thread. Times are seconds since the epoch. */
#ifndef LEADGATE_INCIDENT_H
#define LEADGATE_INCIDENT_H

#include "leadgate/address.h"
#include "leadgate/cause.h"

#include <stdbool.h>
#include <stdint.h>

struct incident_settings {
    int64_t window;  /* seconds that are looked at */
    int64_t floor;   /* distinct leads that must have been tried in them */
    int64_t share;   /* percent of failures from which on something is wrong */
    int64_t hold;    /* seconds of the first hold */
    int64_t longest; /* seconds at which holds stop doubling */
};

void incident_settings_default(struct incident_settings *settings);

/* What is known of a provider in a stretch of time. */
struct provider_count {
    int64_t leads;      /* distinct ones that were tried; an estimate */
    int64_t tries;      /* to deliver one message to one of them */
    int64_t faults;     /* tries that failed, and not by the lead's fault */
    int64_t known;      /* tries of leads that had taken mail before */
    int64_t known_dead; /* of these: that ended in "no such user", "no such domain" */
};

enum incident_sign {
    SIGN_NONE = 0,
    SIGN_FAULTS, /* failures that are no lead's fault */
    SIGN_DEAD,   /* leads that took mail are said not to exist */
};

/* Whether something is wrong at the provider: enough leads were tried, the share of such failures is above
 * the limit, and so far from the past that chance explains it in less than one of a million cases. */
enum incident_sign incident_detect(const struct incident_settings *settings, const struct provider_count *now,
                                   const struct provider_count *past);

/* Whether a bounce is one of those that an incident of this sign explains. */
bool incident_explains(enum incident_sign sign, enum cause cause);

/* An incident that is open: held, then let in step by step. */
struct incident {
    enum incident_sign sign;
    int64_t since;  /* when it was opened */
    int64_t size;   /* distinct leads that were tried when it was */
    int64_t length; /* seconds of the last hold */
    int64_t until;  /* when that ends, or has ended */
    int64_t step;   /* when the percentage was last changed */
    int percent;    /* of the provider's leads who pass; 0 = held */
};

void incident_open(const struct incident_settings *settings, enum incident_sign sign, int64_t leads,
                   int64_t now, struct incident *out);

enum incident_move {
    MOVE_NONE = 0,
    MOVE_STEP, /* more leads pass from now on */
    MOVE_HOLD, /* it is not over: held again, for longer */
    MOVE_OVER, /* all pass; there is no incident any more */
};

/* What follows for an open incident: `count` is what was answered since its last step. Changes *incident
 * unless it says MOVE_NONE. */
enum incident_move incident_move(const struct incident_settings *settings, struct incident *incident,
                                 const struct provider_count *count, int64_t now);

/* Whether a lead is among so many percent of all: always the same ones, and who is among the 5 is among the
 * 20. */
bool incident_passes(int percent, const struct address *lead);

/* The chance of `hits` or more in `tries` when each hits with `chance` (0..1): the upper tail of the binomial
 * distribution. */
double binomial_tail(int64_t tries, int64_t hits, double chance);

/* faults, dead; none. Parses back to SIGN_NONE for anything else. */
const char *incident_sign_name(enum incident_sign sign);
enum incident_sign incident_sign_parse(struct span word);

#endif
