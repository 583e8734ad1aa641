/* SPDX-License-Identifier: BSD-2-Clause */
/* times: points in time and lengths, as people and other systems write them. Pure. */
#ifndef LEADGATE_TIMES_H
#define LEADGATE_TIMES_H

#include "leadgate/span.h"

#include <stdbool.h>
#include <stdint.h>

/* 90s 30m 12h 7d 2w: at least one second, at most a century. */
bool times_read_length(struct span text, int64_t *seconds);

/* 2026-12-24, 2026-12-24T10:00[:00[.5]][Z|+02:00] (a blank for the T will do), seconds, with a fraction or
 * without, or milliseconds since the epoch, and the date of mail (RFC 5322: `Fri, 21 Oct 2011 11:02:55 GMT`).
 * Without an offset it is UTC. */
bool times_read(struct span text, int64_t *seconds);

/* `6 d`, `3 h`, `2 min`, `40 s`: rounded to the largest unit of which there are two or that comes out even.
 */
#define LENGTH_TEXT_SIZE 32
const char *times_length_text(char dst[LENGTH_TEXT_SIZE], int64_t seconds);

#endif
