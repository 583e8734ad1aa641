/* SPDX-License-Identifier: BSD-2-Clause */
/* provider_state: how things stand with whoever answers for a recipient domain, as Redis has it now. */
#ifndef LEADGATE_PROVIDER_STATE_H
#define LEADGATE_PROVIDER_STATE_H

#include "leadgate/guard.h"
#include "leadgate/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct redisReply;

/* Borrowed for the call that it is told by. */
struct provider_state {
    struct span provider; /* empty: nobody is known, and the domain has no name of its own either */
    bool domain_held;     /* domain:{DOMAIN}:hold is there */
    bool returning;       /* domain:{DOMAIN}:returning is: leads of it may come back from an opt-out */
    bool held;            /* provider:{PROVIDER}:hold is */
    int percent;          /* of its leads that pass; 100: no incident is open */
    bool released;        /* from the guard, by an operator */
    bool followed;        /* some feed follows a delivery log: there are answers to what is sent */
    bool late;            /* nothing was heard of it in a day, and it has had the time to answer */
    int64_t under_way;    /* risky leads of this provider who are, as far as Redis was told */
    const struct redisReply *shares; /* provider_state_share() reads it */
};

/* i: 0 = all mail, with those under way; 1 = the first of the streams that were asked for, and so on. Zeros
 * and false where nothing is known, or readable. */
bool provider_state_share(const struct provider_state *state, size_t i, struct guard_count *out);

#endif
