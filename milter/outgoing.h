/* SPDX-License-Identifier: BSD-2-Clause */
/* outgoing: a mail on its way out, and what is done with it: suppressed recipients are taken out where the
 * policy server is not asked, and those who have got the same campaign; what is left is signed. Belongs to a
 * message (message.h); one thread at a time. */
#ifndef LEADGATE_MILTER_OUTGOING_H
#define LEADGATE_MILTER_OUTGOING_H

#include "milter/fields.h"
#include "milter/recipients.h"
#include "milter/signature.h"

/* All zero is none. */
struct outgoing {
    const struct message_rules *rules;
    const struct stream *stream;
    struct message_powers may;
    char sender[ADDRESS_SIZE]; /* for log lines; without <> */
    char *spelled;             /* the sender as the MTA spelled it; where the ENVID is set */
    bool filtered;             /* suppressed recipients are taken out */
    bool duplicates;           /* those who have got the campaign are */
    bool unsubscribe;          /* the way out of the stream is offered */
    unsigned channels;         /* by which it is signed: of enum channel, or-ed */
    struct address base;       /* channels != 0: the sender */
    struct recipients recipients;
    struct fields fields;
    struct signature signature;
};

/* Whether the policy server is not asked about mail that comes in there. */
bool outgoing_is_unasked(const struct settings *settings, const struct message_origin *origin);

/* Whether there is anything to do with it. */
bool outgoing_start(struct outgoing *outgoing, const struct message_rules *rules,
                    const struct message_origin *origin, struct span sender);
void outgoing_free(struct outgoing *outgoing); /* leaves none; twice is fine */

/* address: NULL when the recipient is none. */
void outgoing_recipient(struct outgoing *outgoing, struct span spelled, const struct address *address);
enum verdict outgoing_data(struct outgoing *outgoing, struct span queue, int64_t now);
void outgoing_header(struct outgoing *outgoing, struct span name, struct span value);
enum verdict outgoing_end(struct outgoing *outgoing, struct span queue, int64_t now);

/* See message_new_sender(). */
bool outgoing_new_sender(const struct outgoing *outgoing, const char **sender, const char **arguments);

/* What any mail by these settings may need. */
struct message_powers outgoing_needs(const struct settings *settings);

#endif
