/* SPDX-License-Identifier: BSD-2-Clause */
/* stamp: the time at the front of a log line. */
#ifndef MAILLOG_STAMP_H
#define MAILLOG_STAMP_H

#include "leadgate/span.h"

#include <stdint.h>

/* The minute that was worked out last: a log has many lines for each. All zeros is a good start. */
struct stamp_cache {
    char minute[12];      /* "Nov 22 05:13" */
    int64_t base;         /* its first second */
    int64_t since, until; /* what the caller's time must be for this year to be the right one */
};

/* Each returns how many bytes the time takes, 0 when there is none of its kind. */

/* `2026-11-22T09:53:05.123456+01:00`, `...+0100`, `...Z`; fractions are cut. */
size_t stamp_read_iso(struct span text, int64_t *at);

/* `Nov 22 05:13:15`, the day padded by a blank or a zero, or `Nov 22 05:13:15.123456`. Local time, of the
 * latest year in which it is no later than a day after now. The hour that comes twice when summer time ends
 * is taken for the first one: a time that is the same whenever the line is read, and never in the future. */
size_t stamp_read_traditional(struct stamp_cache *cache, struct span text, int64_t now, int64_t *at);

#endif
