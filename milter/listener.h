/* SPDX-License-Identifier: BSD-2-Clause */
/* listener: libmilter's socket, made as the settings say. */
#ifndef LEADGATE_MILTER_LISTENER_H
#define LEADGATE_MILTER_LISTENER_H

#include "leadgate/settings.h"

/* After smfi_register(). Listens from here on; smfi_main() answers. 0, or -1 with err, among others when
 * another process listens there. */
int listener_open(const struct milter_settings *settings, struct err *err);

#endif
