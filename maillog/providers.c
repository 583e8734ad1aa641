/* SPDX-License-Identifier: BSD-2-Clause */
#include "maillog/providers.h"

#include <string.h>

struct span providers_find(struct providers *providers, struct span host)
{
    uint32_t hash = 0;
    size_t i;

    if (host.n == 0 || host.n > PROVIDERS_HOST) {
        (void)provider_of_host(providers->longer, host);
        return span_of(providers->longer);
    }
    for (i = 0; i < host.n; i++)
        hash = hash * 31 + (unsigned char)host.p[i];
    i = (hash ^ hash >> 8 ^ hash >> 16) % PROVIDERS_KEPT;
    if (!span_eq((struct span){ providers->kept[i].host, providers->kept[i].n }, host)) {
        memcpy(providers->kept[i].host, host.p, host.n);
        providers->kept[i].n = host.n;
        (void)provider_of_host(providers->kept[i].provider, host);
    }
    return span_of(providers->kept[i].provider);
}
