/* SPDX-License-Identifier: BSD-2-Clause */
/* incoming: a bounce on its way in: its text is kept while it arrives, read at its end, and what it says is
 * applied. Belongs to a message (message.h); one thread at a time. */
#ifndef LEADGATE_MILTER_INCOMING_H
#define LEADGATE_MILTER_INCOMING_H

#include "milter/message.h"

/* All zero is none. */
struct incoming {
    const struct message_rules *rules;
    bool own;          /* a bounce of this Postfix: observed only */
    size_t recipients; /* all of them */
    size_t to_bounce_address;
    struct {
        char *p;
        size_t n, size;
        bool full; /* max_size is reached: what follows is not kept, the beginning is still read */
    } text;
};

void incoming_start(struct incoming *incoming, const struct message_rules *rules, bool own);
void incoming_free(struct incoming *incoming); /* leaves none; twice is fine */

/* address: NULL when the recipient is none. */
void incoming_recipient(struct incoming *incoming, const struct address *address);
/* The envelope is complete: whether anything of it is for us. */
bool incoming_is_wanted(const struct incoming *incoming);

/* The next piece of the mail, as much of it as milter.max_size, or memory, allows. */
void incoming_keep(struct incoming *incoming, struct span text);

enum verdict incoming_end(const struct incoming *incoming, struct span queue, int64_t now);

#endif
