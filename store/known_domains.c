/* SPDX-License-Identifier: BSD-2-Clause */
/* A table in which each domain has one place, by its hash; a newcomer takes it. */
#include "store/known_domains.h"

#include "leadgate/hash.h"

#include <stdlib.h>
#include <string.h>

#define DAY INT64_C(86400)

enum { PLACES = 2048 }; /* a power of two; 160 KiB */

struct known_domains {
    struct place {
        uint64_t hash; /* of the domain; 0 = empty */
        int64_t at;
        char provider[PROVIDER_SIZE];
    } places[PLACES];
};

struct known_domains *known_domains_new(void)
{
    return calloc(1, sizeof(struct known_domains));
}

void known_domains_free(struct known_domains *domains)
{
    free(domains);
}

void known_domains_clear(struct known_domains *domains)
{
    memset(domains, 0, sizeof(*domains));
}

static uint64_t hash_of(struct span domain)
{
    return hash_spread(hash_bytes(HASH_START, domain));
}

const char *known_domains_find(const struct known_domains *domains, struct span domain)
{
    uint64_t hash = hash_of(domain);
    const struct place *place = domains == NULL ? NULL : &domains->places[hash % PLACES];

    return place != NULL && place->hash == hash ? place->provider : NULL;
}

bool known_domains_note(struct known_domains *domains, struct span domain, struct span provider, int64_t at)
{
    uint64_t hash = hash_of(domain);
    struct place *place = domains == NULL ? NULL : &domains->places[hash % PLACES];
    bool same;

    if (place == NULL)
        return true;
    same = place->hash == hash && span_eq(span_of(place->provider), provider);
    if (same && at < place->at + DAY)
        return false;
    /* Old news of a domain about which there is newer. */
    if (!same && place->hash == hash && at < place->at)
        return false;
    place->hash = hash;
    place->at = at;
    return span_copy(place->provider, sizeof(place->provider), provider);
}
