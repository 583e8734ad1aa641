/* SPDX-License-Identifier: BSD-2-Clause */
/* inbox_batch: a reply of XREADGROUP or XAUTOCLAIM as entries. */
#ifndef LEADGATE_STORE_INBOX_BATCH_H
#define LEADGATE_STORE_INBOX_BATCH_H

#include "leadgate/store_inbox.h"

#include <hiredis/hiredis.h>

/* Entries that were taken out of the stream while they were pending have an id and nothing else: there is
 * nothing to apply, but they are to be settled. */
struct batch {
    redisReply *reply; /* all spans point into it */
    struct span ids[INBOX_ENTRIES];
    size_t n_ids;
    struct inbox_entry entries[INBOX_ENTRIES];
    bool rejected[INBOX_ENTRIES]; /* this entry is set aside */
    char *reasons[INBOX_ENTRIES]; /* why; NULL: there was no memory to say it */
    size_t n;
    struct inbox_field *fields; /* of all entries, one after the other */
};

/* Takes the reply, whatever the answer. list is the part of it that holds [id, [name, value, ...]], NULL for
 * none. False when out of memory: the batch is then empty. The batch was empty. */
bool batch_fill(struct batch *batch, redisReply *reply, const redisReply *list);
void batch_clear(struct batch *batch); /* leaves it empty; twice is fine */

#endif
