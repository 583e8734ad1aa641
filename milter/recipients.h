/* SPDX-License-Identifier: BSD-2-Clause */
/* recipients: those of one mail that can be suppressed, and which of them are. One thread at a time. */
#ifndef LEADGATE_MILTER_RECIPIENTS_H
#define LEADGATE_MILTER_RECIPIENTS_H

#include "milter/message.h"

/* All zero is none. */
struct recipients {
    size_t n, size;
    char **spelled; /* as the MTA spelled them: the only form in which it takes them out again */
    struct address *leads;
    struct ruling *rulings; /* NULL until they are judged */
    size_t suppressed;      /* how many of the rulings hold */
};

void recipients_free(struct recipients *recipients); /* leaves none; twice is fine */

/* spelled is copied. Without memory the recipient is not kept, and so passes. */
void recipients_add(struct recipients *recipients, struct span spelled, const struct address *lead);

/* Asks what stands against them and judges it by the stream. STORE_DOWN with err: nobody knows, and none is
 * suppressed. */
enum store_rc recipients_judge(struct recipients *recipients, const struct stream *stream,
                               const struct message_store *store, int64_t now, struct err *err);

/* The next one that is suppressed, in *i; false when there is none left. *next begins at 0. */
bool recipients_next(const struct recipients *recipients, size_t *next, size_t *i);

#endif
