/* SPDX-License-Identifier: BSD-2-Clause */
/* provider: who runs a mail host: the registrable domain of its name, by the public suffix list
 * (publicsuffix.org). Thousands of recipient domains are one Google or one Outlook. Pure; any thread. */
#ifndef LEADGATE_PROVIDER_H
#define LEADGATE_PROVIDER_H

#include "leadgate/span.h"

#include <stdbool.h>

#define PROVIDER_SIZE 64 /* a longer one is not known */

/* host: a name as in `relay=` or Remote-MTA, whatever its case, with or without a trailing dot. Writes
 * `outlook.com` for `a-com.olc.protection.outlook.com`. False, and dst is "", for an address literal, a name
 * without a registrable domain, or one that does not fit. */
bool provider_of_host(char dst[PROVIDER_SIZE], struct span host);

#endif
