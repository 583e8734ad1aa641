/* SPDX-License-Identifier: BSD-2-Clause */
/* Providers look at numbers, too: of five mails one that bounces is no sign. But who waits with the judgement
 * until the floor is reached stands at 15 % when a bad list was all that was sent. So the share is that of
 * the floor as long as less was sent: then what a list may do before it is stopped is limit x floor dead
 * addresses, however it begins.
 *
 * Answers come late: seconds in a quiet queue, hours in a full one. From the warning on, therefore, risky
 * leads are let pass only as many at once as could all be dead without reaching the limit. */
#include "leadgate/guard.h"

#define RETURNS_LEAST 1 /* in an hour */

void guard_limits_default(struct guard_limits *limits)
{
    *limits = (struct guard_limits){ .floor = 200, .warn = 5, .limit = 8 };
}

static bool reaches(const struct guard_limits *limits, int64_t tries, int64_t invalid, int64_t percent)
{
    int64_t of = tries < limits->floor ? limits->floor : tries;

    return (double)invalid * 100 >= (double)of * (double)percent;
}

enum guard_level guard_level(const struct guard_limits *limits, const struct guard_count *count)
{
    if (reaches(limits, count->tries, count->invalid, limits->limit))
        return GUARD_LIMIT;
    return reaches(limits, count->tries, count->invalid, limits->warn) ? GUARD_WARN : GUARD_CALM;
}

bool guard_holds(const struct guard_limits *limits, const struct guard_count *count)
{
    switch (guard_level(limits, count)) {
    case GUARD_CALM: return false;
    case GUARD_WARN:
        return reaches(limits, count->tries + count->flying, count->invalid + count->flying, limits->limit);
    case GUARD_LIMIT: return true;
    }
    return false;
}

int64_t guard_share(const struct guard_limits *limits, const struct guard_count *count)
{
    int64_t tries = count->tries + count->flying, of = tries < limits->floor ? limits->floor : tries;

    return (int64_t)((double)(count->invalid + count->flying) * 1000 / (double)of);
}

bool guard_is_risky(int64_t delivered, int64_t score)
{
    return delivered == 0 || score < 0;
}

bool reentry_allows(int64_t share, int64_t sent, int64_t returned)
{
    if (share == 0 || returned < RETURNS_LEAST)
        return true;
    return (double)(returned + 1) * 100 <= (double)(sent + 1) * (double)share;
}
