/* SPDX-License-Identifier: BSD-2-Clause */
/* roles: addresses of a function and not of a person (RFC 2142, and what is usual). Pure. */
#ifndef LEADGATE_CLI_ROLES_H
#define LEADGATE_CLI_ROLES_H

#include "leadgate/span.h"

#include <stdbool.h>

/* local is in normal form. */
bool role_is(struct span local);

#endif
