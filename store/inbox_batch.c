/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/inbox_batch.h"

#include "store/answer.h"

#include <stdlib.h>

static const redisReply *fields_of(const redisReply *entry)
{
    return entry->elements > 1 && entry->element[1]->type == REDIS_REPLY_ARRAY ? entry->element[1] : NULL;
}

static bool is_entry(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_ARRAY && reply->elements > 0 && answer_text(reply->element[0]).n > 0;
}

static size_t count_fields(const redisReply *list)
{
    size_t n = 0;

    for (size_t i = 0; i < list->elements; i++)
        if (is_entry(list->element[i]) && fields_of(list->element[i]) != NULL)
            n += fields_of(list->element[i])->elements / 2;
    return n;
}

/* Writes the entry's fields to *fields and leaves it behind them. */
static struct inbox_entry read_entry(const redisReply *entry, struct inbox_field **fields)
{
    const redisReply *pairs = fields_of(entry);
    struct inbox_entry out = { .id = answer_text(entry->element[0]), .fields = *fields };

    for (size_t i = 0; i + 1 < pairs->elements; i += 2)
        (*fields)[out.n++] =
            (struct inbox_field){ answer_text(pairs->element[i]), answer_text(pairs->element[i + 1]) };
    *fields += out.n;
    return out;
}

bool batch_fill(struct batch *batch, redisReply *reply, const redisReply *list)
{
    struct inbox_field *fields;

    batch->reply = reply;
    if (list == NULL)
        return true;
    if ((fields = batch->fields = calloc(count_fields(list) + 1, sizeof(*fields))) == NULL) {
        batch_clear(batch);
        return false;
    }
    for (size_t i = 0; i < list->elements && batch->n_ids < INBOX_ENTRIES; i++) {
        const redisReply *entry = list->element[i];

        /* Redis 6.2 has XAUTOCLAIM name a deleted entry by nothing at all: it comes again as one of ours. */
        if (!is_entry(entry))
            continue;
        batch->ids[batch->n_ids++] = answer_text(entry->element[0]);
        if (fields_of(entry) != NULL)
            batch->entries[batch->n++] = read_entry(entry, &fields);
    }
    return true;
}

void batch_clear(struct batch *batch)
{
    for (size_t i = 0; i < batch->n; i++) {
        free(batch->reasons[i]);
        batch->reasons[i] = NULL;
        batch->rejected[i] = false;
    }
    free(batch->fields);
    batch->fields = NULL;
    freeReplyObject(batch->reply);
    batch->reply = NULL;
    batch->n_ids = batch->n = 0;
}
