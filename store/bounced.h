/* SPDX-License-Identifier: BSD-2-Clause */
/* bounced: where to look for leads with bounces that can be taken back: the streams leadgate:bounced:N, one
 * for each hour N since the epoch in which bounces were committed, kept for two days. An entry names the
 * leads of one batch, each with `AT CAUSE PROVIDER`. It is written before the commits, so that whoever dies
 * between leaves an entry too many, and never one too few. */
#ifndef LEADGATE_STORE_BOUNCED_H
#define LEADGATE_STORE_BOUNCED_H

#include "leadgate/event.h"
#include "store/wire.h"

/* How far back there is anything: as undo.h, and the hour that had begun. */
#define BOUNCED_HOURS 49

/* An entry in the making: the bounces of a slice of events. */
struct bounced;
struct bounced *bounced_new(size_t most); /* NULL: out of memory */
void bounced_free(struct bounced *bounced);
/* At most so many between two calls of bounced_send(). */
void bounced_add(struct bounced *bounced, const struct event *event, int64_t at);
/* Queues the entry; false when there is none, and no answer will come. */
bool bounced_send(struct bounced *bounced, struct wire *wire, int64_t now);
enum store_rc bounced_receive(struct wire *wire, struct err *err);

/* One bounce of an entry. The spans point into the reply. */
struct bounced_lead {
    struct span lead, cause, provider;
    int64_t at;
};

/* Each in turn, the oldest first: all that happened at `since` or later, and some before it. fn may use the
 * wire; STORE_DOWN ends it. */
typedef enum store_rc bounced_fn(void *ctx, const struct bounced_lead *one, struct err *err);
enum store_rc bounced_each(struct wire *wire, int64_t since, int64_t now, bounced_fn *fn, void *ctx,
                           struct err *err);

#endif
