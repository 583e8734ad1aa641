/* SPDX-License-Identifier: BSD-2-Clause */
/* waiting: a recipient whose delivery was deferred, with what was said of it last. Kept small: there may be a
 * million of them. */
#ifndef MAILLOG_WAITING_H
#define MAILLOG_WAITING_H

#include "leadgate/bounce.h"

struct waiting {
    const struct finding *finding; /* of its words the start is kept */
    int64_t sent;
    struct span relay, provider;
};

struct waiter; /* one that is kept */

/* Keeps a copy; to: the recipient as the log has it. NULL when out of memory. */
struct waiter *waiter_new(struct span to, const struct waiting *waiting);
void waiter_free_all(struct waiter *first);

/* The place of the recipient in a list: of the pointer to it, or of the one at the end. */
struct waiter **waiter_find(struct waiter **first, struct span to);
/* Puts it where another one was, which is freed, or at the end. */
void waiter_put(struct waiter **place, struct waiter *waiter);
void waiter_remove(struct waiter **place);

/* Fills in *out, whose spans and finding are good as long as the waiter and *finding are; returns the next.
 */
const struct waiter *waiter_read(const struct waiter *waiter, struct waiting *out, struct finding *finding);

#endif
