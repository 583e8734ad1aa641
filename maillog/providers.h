/* SPDX-License-Identifier: BSD-2-Clause */
/* providers: provider_of_host(), remembered for the hosts asked for last: a log names the same few again and
 * again, and a look at the public suffix list takes as long as the rest of the line. */
#ifndef MAILLOG_PROVIDERS_H
#define MAILLOG_PROVIDERS_H

#include "leadgate/provider.h"

#define PROVIDERS_KEPT 256 /* a power of two; some 45 KiB */
#define PROVIDERS_HOST 112 /* longer names are asked for each time */

struct providers {
    struct {
        char host[PROVIDERS_HOST], provider[PROVIDER_SIZE];
        size_t n; /* of host */
    } kept[PROVIDERS_KEPT];
};

/* As provider_of_host(). All zeros is a good start. */
bool providers_find(struct providers *providers, char dst[PROVIDER_SIZE], struct span host);

#endif
