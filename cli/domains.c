/* SPDX-License-Identifier: BSD-2-Clause */
/* Open addressing, doubled at half load. The hash is keyed by nothing: a list is the operator's own. */
#include "cli/domains.h"

#include "leadgate/hash.h"

#include <stdlib.h>
#include <string.h>

static uint64_t hash_of(struct span text)
{
    return hash_spread(hash_bytes(HASH_START, text));
}

static struct domain *slot_of(struct domain *slots, size_t room, uint64_t hash, struct span name)
{
    size_t at = (size_t)hash & (room - 1);

    while (slots[at].name != NULL && (slots[at].hash != hash || !span_eq(span_of(slots[at].name), name)))
        at = (at + 1) & (room - 1);
    return &slots[at];
}

static bool grow_domains(struct domains *domains)
{
    size_t room = domains->room == 0 ? 256 : domains->room * 2;
    struct domain *slots = calloc(room, sizeof(*slots));

    if (slots == NULL)
        return false;
    for (size_t i = 0; i < domains->room; i++) {
        struct domain *old = &domains->slots[i];

        if (old->name != NULL)
            *slot_of(slots, room, old->hash, span_of(old->name)) = *old;
    }
    free(domains->slots);
    domains->slots = slots;
    domains->room = room;
    return true;
}

struct domain *domains_find(struct domains *domains, struct span name, bool *is_new)
{
    uint64_t hash = hash_of(name);
    struct domain *domain;

    *is_new = false;
    if (domains->n * 2 >= domains->room && !grow_domains(domains))
        return NULL;
    domain = slot_of(domains->slots, domains->room, hash, name);
    if (domain->name != NULL)
        return domain;
    if ((domain->name = strndup(name.p, name.n)) == NULL)
        return NULL;
    domain->hash = hash;
    domains->n++;
    *is_new = true;
    return domain;
}

void domains_free(struct domains *domains)
{
    for (size_t i = 0; i < domains->room; i++) {
        free(domains->slots[i].name);
        free(domains->slots[i].meant);
    }
    free(domains->slots);
    *domains = (struct domains){ .n = 0 };
}

static bool grow_seen(struct seen *seen)
{
    size_t room = seen->room == 0 ? 4096 : seen->room * 2;
    uint64_t *slots = calloc(room, sizeof(*slots));

    if (slots == NULL)
        return false;
    for (size_t i = 0; i < seen->room; i++) {
        size_t at = (size_t)seen->slots[i] & (room - 1);

        if (seen->slots[i] == 0)
            continue;
        while (slots[at] != 0)
            at = (at + 1) & (room - 1);
        slots[at] = seen->slots[i];
    }
    free(seen->slots);
    seen->slots = slots;
    seen->room = room;
    return true;
}

int seen_add(struct seen *seen, struct span text)
{
    uint64_t hash = hash_of(text);
    size_t at;

    if (seen->n * 2 >= seen->room && !grow_seen(seen))
        return -1;
    at = (size_t)hash & (seen->room - 1);
    while (seen->slots[at] != 0 && seen->slots[at] != hash)
        at = (at + 1) & (seen->room - 1);
    if (seen->slots[at] == hash)
        return 1;
    seen->slots[at] = hash;
    seen->n++;
    return 0;
}

void seen_free(struct seen *seen)
{
    free(seen->slots);
    *seen = (struct seen){ .n = 0 };
}
