/* SPDX-License-Identifier: BSD-2-Clause */
#include "leadgate/settings.h"

#include "settings/provider_names.h"

static struct span name_of(const struct settings *settings, struct span domain)
{
    const char *group = provider_names_find(&settings->provider_names, domain);

    return group != NULL ? span_of(group) : domain;
}

/* The end of the lead's domain that is registrable; all of it where that is a public suffix. */
static struct span domain_of(const struct address *lead)
{
    struct span domain = address_domain(lead);
    char registrable[PROVIDER_SIZE];
    size_t n;

    if (domain.n > 0 && domain.p[0] == '[')
        return SPAN_NONE;
    n = provider_of_host(registrable, domain) ? span_of(registrable).n : domain.n;
    return n < PROVIDER_SIZE ? (struct span){ domain.p + domain.n - n, n } : SPAN_NONE;
}

struct span settings_provider(const struct settings *settings, struct span host, const struct address *lead)
{
    if (host.n > 0 && provider_names_find(&settings->smarthosts, host) == NULL)
        return name_of(settings, host);
    return name_of(settings, domain_of(lead));
}
