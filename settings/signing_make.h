/* SPDX-License-Identifier: BSD-2-Clause */
/* signing_make: what is made of `signing` when the settings are loaded. Inside settings/ only. */
#ifndef SETTINGS_SIGNING_MAKE_H
#define SETTINGS_SIGNING_MAKE_H

#include "leadgate/settings.h"

/* The channel of that name; 0 when there is none. */
unsigned signing_channel(struct span word);

/* The channels that a list names, or-ed; `inherit` stands for `otherwise`. */
unsigned signing_channels_of(const struct config_texts *words, unsigned otherwise);

/* Reads the keys into settings->keyring. 0, or -1 with err. */
int signing_make(struct settings *settings, struct err *err);

#endif
