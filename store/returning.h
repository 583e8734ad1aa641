/* SPDX-License-Identifier: BSD-2-Clause */
/* returning: which domains have leads who may come back from an opt-out. A decision on a lead of any other
 * domain need not ask whether she does: a third key would make it dearer by a tenth. */
#ifndef LEADGATE_STORE_RETURNING_H
#define LEADGATE_STORE_RETURNING_H

#include "leadgate/address.h"
#include "store/wire.h"

/* Queues that a lead of this domain will; before the commit that says so, so that nobody comes back unseen.
 */
void returning_send(struct wire *wire, const struct address *lead);

/* Its answer. */
enum store_rc returning_receive(struct wire *wire, struct err *err);

#endif
