/* SPDX-License-Identifier: BSD-2-Clause */
/* outgoing: a mail on its way out, and what is done with it: suppressed recipients are taken out of mail that
 * the policy server is not asked about. Belongs to a message (message.h); one thread at a time. */
#ifndef LEADGATE_MILTER_OUTGOING_H
#define LEADGATE_MILTER_OUTGOING_H

#include "milter/recipients.h"

/* All zero is none. */
struct outgoing {
    const struct message_rules *rules;
    const struct stream *stream;
    char sender[ADDRESS_SIZE];  /* for log lines; without <> */
    size_t recipients;          /* all of them */
    struct recipients filtered; /* those that can be suppressed */
};

/* Whether there is anything to do with it. */
bool outgoing_start(struct outgoing *outgoing, const struct message_rules *rules,
                    const struct message_origin *origin, struct span sender);
void outgoing_free(struct outgoing *outgoing); /* leaves none; twice is fine */

/* address: NULL when the recipient is none. */
void outgoing_recipient(struct outgoing *outgoing, struct span spelled, const struct address *address);
enum verdict outgoing_data(struct outgoing *outgoing, struct span queue, int64_t now);
enum verdict outgoing_end(const struct outgoing *outgoing, struct span queue);

/* See message_next_removal(). */
const char *outgoing_next_removal(const struct outgoing *outgoing, size_t *at);

#endif
