/* SPDX-License-Identifier: BSD-2-Clause */
/* suspend: which opt-out follows, and for how long (rules 5, 6, 8, 9 and 10). */
#ifndef LEADGATE_LEAD_SUSPEND_H
#define LEADGATE_LEAD_SUSPEND_H

#include "leadgate/lead.h"

/* What reaching the number of strikes leads to: a suspension of the series, for good, or a doubt (rule 10).
 */
struct optout suspend_for_bounce(const struct lead_settings *settings, const struct lead *lead,
                                 const struct event *event, int64_t at);

/* A suspension that belongs to no series: causes.score, causes.inactive. */
struct optout suspend_for(const struct lead_settings *settings, enum cause cause, const struct event *event,
                          int64_t at);

/* Whether a is graver than b: permanent over temporary, then the later end; anything over nothing. */
bool optout_is_graver(const struct optout *a, const struct optout *b);

#endif
