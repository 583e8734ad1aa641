/* SPDX-License-Identifier: BSD-2-Clause */
/* lists: the addresses and networks that the settings name, parsed once, when they are loaded. Inside
 * settings/ only. */
#ifndef SETTINGS_LISTS_H
#define SETTINGS_LISTS_H

#include "leadgate/settings.h"

/* 0, or -1 with err. */
int lists_make(struct settings *settings, struct err *err);
void lists_free(struct settings *settings); /* leaves them empty; twice is fine */

#endif
