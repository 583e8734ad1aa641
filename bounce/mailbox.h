/* SPDX-License-Identifier: BSD-2-Clause */
/* mailbox: addresses as they stand in running text: where one begins and ends, whatever it is wrapped in. No
 * allocation, any thread. */
#ifndef LEADGATE_BOUNCE_MAILBOX_H
#define LEADGATE_BOUNCE_MAILBOX_H

#include "leadgate/address.h"
#include "leadgate/span.h"

/* Finds the first address in text at or behind *from; *from is left behind it. False when there is none. */
bool mailbox_find(struct span text, size_t *from, struct span *out);

/* The address in a field of a report, however it is written there: `rfc822; ann@example.com`,
 * `rfc822;<ann@example.com>`, `= smtp:ann@example.com`, an encoded word. False when there is none. */
bool mailbox_of_field(struct address *out, struct span field, const struct address_rules *rules);

/* An address as found in text. */
bool mailbox_parse(struct address *out, struct span found, const struct address_rules *rules);

#endif
