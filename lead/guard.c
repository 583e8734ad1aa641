/* SPDX-License-Identifier: BSD-2-Clause */
/* Providers look at numbers, too: of five mails one that bounces is no sign. But who waits with the judgement
 * until the floor is reached stands at 15 % when a bad list was all that was sent. So the share is that of
 * the floor as long as less was sent: then what a list may do before it is stopped is limit x floor dead
 * addresses, however it begins.
 *
 * Answers come late: seconds in a quiet queue, hours in a full one, and a whole list is in the queue within
 * seconds. So nobody waits for the answers to show how bad it is: of the risky leads who are under way some
 * are taken for dead. A list of unknown leads begins with a few, and each round of answers lets more of them
 * pass than the one before it. From the warning on all of them are taken for dead. */
#include "leadgate/guard.h"

#define RETURNS_LEAST 1 /* in an hour */

void guard_limits_default(struct guard_limits *limits)
{
    *limits = (struct guard_limits){ .floor = 200, .warn = 5, .limit = 8, .unanswered = 16 };
}

/* invalid: in hundredths of a try. */
static bool reaches(const struct guard_limits *limits, int64_t tries, double invalid, int64_t percent)
{
    int64_t of = tries < limits->floor ? limits->floor : tries;

    return invalid >= (double)of * (double)percent;
}

enum guard_level guard_level(const struct guard_limits *limits, const struct guard_count *count)
{
    double invalid = (double)count->invalid * 100;

    if (reaches(limits, count->tries, invalid, limits->limit))
        return GUARD_LIMIT;
    return reaches(limits, count->tries, invalid, limits->warn) ? GUARD_WARN : GUARD_CALM;
}

/* Those who are dead, and those who are to be feared to be, in hundredths. */
static double feared(const struct guard_limits *limits, const struct guard_count *count)
{
    int64_t few = limits->unanswered > limits->limit ? limits->unanswered : 0;
    int64_t percent = guard_level(limits, count) == GUARD_CALM ? few : 100;

    return (double)count->invalid * 100 + (double)count->risky * (double)percent;
}

int64_t guard_share(const struct guard_limits *limits, const struct guard_count *count)
{
    bool known = guard_level(limits, count) == GUARD_LIMIT;
    int64_t tries = count->tries + (known ? 0 : count->risky);
    double invalid = known ? (double)count->invalid * 100 : feared(limits, count);

    return (int64_t)(invalid * 10 / (double)(tries < limits->floor ? limits->floor : tries));
}

bool guard_holds(const struct guard_limits *limits, const struct guard_count *count)
{
    return guard_level(limits, count) == GUARD_LIMIT ||
           reaches(limits, count->tries + count->risky, feared(limits, count), limits->limit);
}

bool guard_is_near(const struct guard_limits *limits, const struct guard_count *count)
{
    struct guard_count more = *count;

    more.risky += count->risky + GUARD_MARGIN;
    return guard_level(limits, count) != GUARD_CALM || guard_holds(limits, &more);
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
