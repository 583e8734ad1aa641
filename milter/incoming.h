/* SPDX-License-Identifier: BSD-2-Clause */
/* incoming: a bounce on its way in: its text is kept while it arrives, read at its end, and what it says is
 * applied, as far as it is believed (authenticity.h). A mail to an unsubscribe address is another: there the
 * recipient says all. Belongs to a message (message.h); one thread at a time. */
#ifndef LEADGATE_MILTER_INCOMING_H
#define LEADGATE_MILTER_INCOMING_H

#include "milter/message.h"

#define INCOMING_PATHS 100

/* Recipients that may be paths (token.h); so many of a mail, the others are not asked for a token. */
struct incoming_paths {
    struct address *item;
    size_t n;
};

/* All zero is none. */
struct incoming {
    const struct message_rules *rules;
    bool own;          /* a bounce of this Postfix: observed only */
    bool null_sender;  /* the envelope sender is <> */
    size_t recipients; /* all of them */
    size_t for_us;     /* of these: addresses that take reports or unsubscribes */
    size_t for_reports;
    struct incoming_paths bounced; /* bounce addresses: one that is a path tells whose bounce it is */
    struct incoming_paths left;    /* unsubscribe addresses: one that is a path tells who leaves */
    struct {
        char *p;
        size_t n, size;
        bool full; /* max_size is reached: what follows is not kept, the beginning is still read */
    } text;
};

void incoming_start(struct incoming *incoming, const struct message_rules *rules, bool own, bool null_sender);
void incoming_free(struct incoming *incoming); /* leaves none; twice is fine */

/* address: NULL when the recipient is none. */
void incoming_recipient(struct incoming *incoming, const struct address *address);
/* The envelope is complete: whether anything of it is for us, and whether that needs the mail's text. */
bool incoming_is_wanted(const struct incoming *incoming);
bool incoming_is_read(const struct incoming *incoming);

/* The next piece of the mail, as much of it as milter.max_size, or memory, allows. */
void incoming_keep(struct incoming *incoming, struct span text);

enum verdict incoming_end(const struct incoming *incoming, struct span queue, int64_t now);

#endif
