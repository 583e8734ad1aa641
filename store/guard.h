/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LEADGATE_STORE_GUARD_INTERNAL_H
#define LEADGATE_STORE_GUARD_INTERNAL_H

#include "leadgate/guard.h"
#include "leadgate/span.h"

/* The value of a field of leadgate:shares, `tries invalid heard`; false when it is none. Who writes one by
 * hand may leave out the last. Nothing is under way. */
bool share_read(struct guard_count *out, struct span value);

#endif
