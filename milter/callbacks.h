/* SPDX-License-Identifier: BSD-2-Clause */
/* callbacks: libmilter's calls, translated into those of message.h. libmilter makes one thread per connection
 * and gives a callback nothing but the connection; so whoever knows where the settings are, main.c, opens it.
 */
#ifndef LEADGATE_MILTER_CALLBACKS_H
#define LEADGATE_MILTER_CALLBACKS_H

#include "milter/snapshot.h"

#include <libmilter/mfapi.h>

/* What an xxfi_negotiate passes on, and the slot from which each mail of this connection takes its settings;
 * the slot is borrowed for as long as the process runs. */
struct callbacks_offer {
    unsigned long actions, steps;           /* what the MTA can do */
    unsigned long *use_actions, *use_steps; /* what is used of it */
};
sfsistat callbacks_open(SMFICTX *ctx, struct snapshot_slot *slot, const struct callbacks_offer *offer);

/* The description for smfi_register(), complete but for xxfi_negotiate, which must call callbacks_open(). */
struct smfiDesc callbacks_describe(char *name);

#endif
