/* SPDX-License-Identifier: BSD-2-Clause */
#include "maillog/providers.h"

#include <string.h>

bool providers_find(struct providers *providers, char dst[PROVIDER_SIZE], struct span host)
{
    uint32_t hash = 0;
    size_t i;

    if (host.n == 0 || host.n > PROVIDERS_HOST)
        return provider_of_host(dst, host);
    for (i = 0; i < host.n; i++)
        hash = hash * 31 + (unsigned char)host.p[i];
    i = (hash ^ hash >> 8 ^ hash >> 16) % PROVIDERS_KEPT;
    if (!span_eq((struct span){ providers->kept[i].host, providers->kept[i].n }, host)) {
        memcpy(providers->kept[i].host, host.p, host.n);
        providers->kept[i].n = host.n;
        (void)provider_of_host(providers->kept[i].provider, host);
    }
    memcpy(dst, providers->kept[i].provider, PROVIDER_SIZE);
    return dst[0] != '\0';
}
