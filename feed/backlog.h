/* SPDX-License-Identifier: BSD-2-Clause */
/* backlog: works through what applications have reported, a batch a step, and lets go of an entry only when
 * what it says is committed. Knows no loop: a run from cron steps until nothing is left, applications.c steps
 * between other things. */
#ifndef FEED_BACKLOG_H
#define FEED_BACKLOG_H

#include "feed/applier.h"
#include "leadgate/settings.h"

#include <stdint.h>

struct backlog;

/* settings and applier are borrowed and must outlive the backlog. NULL when out of memory. Does not connect.
 */
struct backlog *backlog_new(const struct settings *settings, struct applier *applier);
void backlog_free(struct backlog *backlog); /* NULL is fine */

enum backlog_rc {
    BACKLOG_DONE = 1, /* nothing is left */
    BACKLOG_MORE,     /* step again */
    BACKLOG_DOWN,     /* Redis is away; step again later, with the same entries */
};

/* Applies the next entries. Says in the log what it sets aside, and once each when what applications report
 * cannot be read and when it can again. */
enum backlog_rc backlog_step(struct backlog *backlog, int64_t now);

/* What has gone through, since backlog_new(). */
struct backlog_tally {
    int64_t events;   /* applied */
    int64_t repeats;  /* of these: known already */
    int64_t rejected; /* entries that were set aside */
};

const struct backlog_tally *backlog_tally(const struct backlog *backlog);

#endif
