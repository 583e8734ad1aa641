/* SPDX-License-Identifier: BSD-2-Clause */
/* score: how good a lead is, from -10 to 10 in thousandths (rule 8). It drifts to 0 with a half-life, which
 * is computed when the score is touched, so that nobody has to sweep. */
#ifndef LEADGATE_LEAD_SCORE_H
#define LEADGATE_LEAD_SCORE_H

#include "leadgate/lead.h"

/* Adds a weight for something that happened at `at`; what happened before the last touch has drifted since,
 * so that the order in which events come in does not matter. Stays within -10..10, and does not rise beyond
 * `most`. */
void score_add(const struct lead_settings *settings, struct lead *lead, int64_t at, int64_t weight,
               int64_t most);

/* The weight of a bounce: by whose fault it is and how final. */
int64_t score_of_bounce(const struct lead_settings *settings, enum cause cause);

#endif
