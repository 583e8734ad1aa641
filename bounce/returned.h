/* SPDX-License-Identifier: BSD-2-Clause */
/* returned: what can be told of the mail that a report is about, from the header that came back with it. */
#ifndef LEADGATE_BOUNCE_RETURNED_H
#define LEADGATE_BOUNCE_RETURNED_H

#include "bounce/dsn.h"
#include "bounce/mail.h"
#include "bounce/notice.h"
#include "bounce/text.h"
#include "leadgate/bounce.h"

/* Finds the returned mail's header: in a part of its own, else behind the notice. Without fields when it did
 * not come back. Decoded into text where it is encoded. */
void returned_open(struct header *header, const struct mail *mail, const struct notice *notice,
                   struct text *text);

/* Fills in what the report says about that mail. */
void returned_describe(struct report *report, const struct header *header, const struct dsn_message *message);

/* Takes the address in text for who sent it; without one what was known before stays. */
void returned_set_sender(struct report *report, struct span text);

/* The one it was sent to: the To address with that local part; for an empty one the only To address, else the
 * address that the topmost Received field was written for. False when that is not known for sure. */
bool returned_recipient(const struct header *header, struct span local, struct address *out,
                        const struct address_rules *rules);

/* When a mail came: the topmost Received field, else Date; 0 = not known. */
int64_t returned_arrival(const struct header *header);

/* `dns; mx.example.com`, without the type; what is too long for dst is not kept. */
void returned_copy_mta(char *dst, size_t size, struct span value);

#endif
