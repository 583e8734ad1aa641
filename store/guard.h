/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LEADGATE_STORE_GUARD_INTERNAL_H
#define LEADGATE_STORE_GUARD_INTERNAL_H

#include "leadgate/span.h"
#include "leadgate/store_shares.h"

/* The value of a field of leadgate:shares: `tries invalid`, and of all mail behind these `answered since`;
 * who writes one by hand may leave those out, and they are 0, which means under_way_since(). False when it
 * is none; what is too large for any mail server counts as the most there may be. */
bool share_read(struct share *out, struct span value);
void share_write(char *text, size_t size, const struct share *share);

#endif
