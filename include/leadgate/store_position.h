/* SPDX-License-Identifier: BSD-2-Clause */
/* store_position: how far a source of events has been read, kept beside what its events did, in the hash
 * leadgate:positions. A source keeps its place only after store_apply() has said STORE_OK to all that stands
 * before it: what died in between is read again, and changes nothing.
 *
 * Redis itself may die in between, and come back with an older copy of its data: with the same place, and
 * without what was committed since. So a place is kept on the connection on which the one before it was
 * found. */
#ifndef LEADGATE_STORE_POSITION_H
#define LEADGATE_STORE_POSITION_H

#include "leadgate/store.h"

#define POSITION_SIZE 128 /* of a place as text, with its NUL */

/* Reads what was kept for a source; "" when there is nothing, or nothing that could be ours. */
enum store_rc store_find_position(struct store *store, struct span source, char place[POSITION_SIZE],
                                  struct err *err);

/* session is store_session() of before the events were applied. STORE_DOWN where the connection is another
 * one by now, too: nothing is kept, and the events are to be applied again. */
enum store_rc store_keep_position(struct store *store, struct span source, struct span place, int64_t session,
                                  struct err *err);

#endif
