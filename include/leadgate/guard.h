/* SPDX-License-Identifier: BSD-2-Clause */
/* guard: how far a sender may go with a provider: the share of recipients who do not exist, and the share of
 * leads who come back from an opt-out (design: "Providers"). Pure: no I/O, no clock; any thread. */
#ifndef LEADGATE_GUARD_H
#define LEADGATE_GUARD_H

#include <stdbool.h>
#include <stdint.h>

struct guard_limits {
    int64_t floor; /* fewer tries than that count as that many */
    int64_t warn;  /* percent of them that end in "no such user", "no such domain": from here it is said */
    int64_t limit; /* and from here risky leads wait */
    int64_t unanswered; /* percent of the risky leads under way that are taken for dead, before the warning */
};

void guard_limits_default(struct guard_limits *limits);

/* How things stand with a provider, by all mail or by one stream's. */
struct guard_count {
    int64_t tries;   /* of the last 24 hours, that were answered for good */
    int64_t invalid; /* of these: no such user, no such domain */
    int64_t risky;   /* risky leads under way: let pass, and not answered for good yet */
};

enum guard_level {
    GUARD_CALM = 0,
    GUARD_WARN,
    GUARD_LIMIT,
};

/* How bad it is, by the answers that are there. */
enum guard_level guard_level(const struct guard_limits *limits, const struct guard_count *count);

/* In thousandths: at the limit the share that there is; before it the one that is to be feared once the risky
 * leads under way are answered. `unanswered` percent of them are dead then (none if that is no more than
 * `limit`, which they could never reach), and from the warning on all. */
int64_t guard_share(const struct guard_limits *limits, const struct guard_count *count);

/* Whether one more risky lead has to wait: at the limit, and before it where that share has reached it. */
bool guard_holds(const struct guard_limits *limits, const struct guard_count *count);

/* Who is risky costs a closer look. Where so many may pass that it does not matter yet, one lead in so many
 * stands for all. */
#define GUARD_SAMPLE 64
#define GUARD_MARGIN 1024

/* Whether it matters who is risky: from the warning on, and before it where as many risky leads again as are
 * under way, and GUARD_MARGIN more, would have to wait. */
bool guard_is_near(const struct guard_limits *limits, const struct guard_count *count);

/* A lead of whom nothing good is known: never delivered to (0), or with a score below 0. */
bool guard_is_risky(int64_t delivered, int64_t score);

/* Whether one more lead may come back: `sent` recipients passed in this hour, `returned` of them were such
 * leads. share: percent of all; 0 = there is no budget, all may. One an hour may in any case: a small sender
 * would never see any of them again otherwise. */
bool reentry_allows(int64_t share, int64_t sent, int64_t returned);

#endif
