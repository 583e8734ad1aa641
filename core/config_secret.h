/* SPDX-License-Identifier: BSD-2-Clause */
/* config_secret: a password from a file of its own, so that a configuration can be shown to others. Inside
 * core/ only. */
#ifndef CORE_CONFIG_SECRET_H
#define CORE_CONFIG_SECRET_H

#include "leadgate/err.h"
#include "leadgate/span.h"

/* The first line of the file, to be freed with config_secret_free(); an empty path gives an empty secret.
 * NULL with err. */
char *config_secret_read(struct span path, struct err *err);
/* Wipes before it frees. NULL is fine. */
void config_secret_free(char *secret);

#endif
