/* SPDX-License-Identifier: BSD-2-Clause */
/* address_unwrap: from an address as it is written in SMTP or in a DSN to Postfix's internal form: no
 * brackets, no quotes, nothing encoded. Inside core/ only. */
#ifndef CORE_ADDRESS_UNWRAP_H
#define CORE_ADDRESS_UNWRAP_H

#include "leadgate/err.h"
#include "leadgate/span.h"

#include <stddef.h>

/* Encodings shrink when undone; what is longer than this inside has no normal form that fits anyway. */
struct unwrapped {
    char text[2048];
    size_t n;
};

int address_unwrap_mailbox(struct unwrapped *out, struct span raw, struct err *err);
int address_unwrap_dsn(struct unwrapped *out, struct span raw, struct err *err);

#endif
