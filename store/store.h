/* SPDX-License-Identifier: BSD-2-Clause */
/* The inside of a store, for deeds that have files of their own. */
#ifndef LEADGATE_STORE_STORE_H
#define LEADGATE_STORE_STORE_H

#include "leadgate/store.h"
#include "store/wire.h"

struct wire *store_wire(struct store *store);
/* What it was made by. */
const struct store_settings *store_settings_of(const struct store *store);

#endif
