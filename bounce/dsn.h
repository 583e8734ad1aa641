/* SPDX-License-Identifier: BSD-2-Clause */
/* dsn: the fields of a message/delivery-status part (RFC 3464; RFC 6533 for its global- twin), group by
 * group. Bytes in, borrowed spans out; no allocation, no I/O, no MIME; any thread. */
#ifndef LEADGATE_BOUNCE_DSN_H
#define LEADGATE_BOUNCE_DSN_H

#include "leadgate/span.h"

/* What happened to one recipient, from its Action and, where that is missing or unheard of, its Status. */
enum dsn_action { DSN_UNCLEAR = 1, DSN_FAILED, DSN_DELAYED, DSN_DELIVERED };

/* Absent fields are empty (p may be NULL); values are trimmed, with their folds: field_unfold() copies them.
 */
struct dsn_message {
    struct span reporting_mta, arrival_date, queue_id, envelope_id;
};

struct dsn_recipient {
    struct span original, final, action, status, remote_mta, diagnostic;
};

/* Reads forward through the groups. Everything in here is private. */
struct dsn_reader {
    struct span rest;
};

/* Reads the fields about the message as a whole, which stand first. */
void dsn_start(struct dsn_reader *reader, struct span text, struct dsn_message *message);

/* The next recipient's group; false when there is none left. */
bool dsn_next(struct dsn_reader *reader, struct dsn_recipient *out);

enum dsn_action dsn_recipient_action(const struct dsn_recipient *recipient);

#endif
