/* SPDX-License-Identifier: BSD-2-Clause */
/* store_position: how far a source of events has been read, kept beside what its events did, in the hash
 * leadgate:positions. A source keeps its place only after store_apply() has said STORE_OK to all that stands
 * before it: what died in between is read again, and changes nothing. */
#ifndef LEADGATE_STORE_POSITION_H
#define LEADGATE_STORE_POSITION_H

#include "leadgate/store.h"

#define POSITION_SIZE 128 /* of a place as text, with its NUL */

/* Reads what was kept for a source; "" when there is nothing, or nothing that could be ours. */
enum store_rc store_find_position(struct store *store, struct span source, char place[POSITION_SIZE],
                                  struct err *err);

enum store_rc store_keep_position(struct store *store, struct span source, struct span place,
                                  struct err *err);

#endif
