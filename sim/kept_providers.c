/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of names is as large as it will ever be: half full at most, and small. A provider's days are an
 * array in order; nearly always it is the last one that is asked for. */
#include "sim/kept_providers.h"

#include "leadgate/hash.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS (2 * REHEARSAL_PROVIDERS)

_Static_assert((SLOTS & (SLOTS - 1)) == 0, "a power of two");
_Static_assert(REHEARSAL_PROVIDERS < UINT16_MAX, "numbers fit their type");

static bool grow(struct kept_providers *providers)
{
    size_t room = providers->room == 0 ? 64 : providers->room * 2;
    struct rehearsal_provider *item = realloc(providers->item, room * sizeof(*item));

    if (item == NULL)
        return false;
    providers->item = item;
    providers->room = room;
    return true;
}

/* -1 when out of memory. */
static int add(struct kept_providers *providers, struct span name)
{
    char *copy;

    if (providers->n == providers->room && !grow(providers))
        return -1;
    if ((copy = strndup(name.p, name.n)) == NULL)
        return -1;
    providers->item[providers->n] = (struct rehearsal_provider){ .name = copy };
    return (int)providers->n++;
}

bool kept_providers_init(struct kept_providers *providers)
{
    *providers = (struct kept_providers){ .slots = calloc(SLOTS, sizeof(*providers->slots)) };
    if (providers->slots != NULL && add(providers, SPAN_NONE) == PROVIDER_NONE)
        return true;
    kept_providers_free(providers);
    return false;
}

void kept_providers_free(struct kept_providers *providers)
{
    for (size_t i = 0; i < providers->n; i++) {
        free((char *)(uintptr_t)providers->item[i].name); /* add() made it */
        free(providers->item[i].days);
    }
    free(providers->item);
    free(providers->slots);
    *providers = (struct kept_providers){ .n = 0 };
}

/* The last place is kept for all that come too late. */
static int add_or_others(struct kept_providers *providers, struct span name)
{
    if (providers->n < REHEARSAL_PROVIDERS - 1)
        return add(providers, name);
    if (providers->n == REHEARSAL_PROVIDERS - 1)
        return add(providers, SPAN("others"));
    return REHEARSAL_PROVIDERS - 1;
}

int kept_providers_take(struct kept_providers *providers, struct span name)
{
    size_t at = (size_t)hash_spread(hash_bytes(HASH_START, name)) & (SLOTS - 1);
    size_t before = providers->n;
    int number;

    if (name.n == 0)
        return PROVIDER_NONE;
    for (; providers->slots[at] != 0; at = (at + 1) & (SLOTS - 1))
        if (span_eq(span_of(providers->item[providers->slots[at] - 1].name), name))
            return providers->slots[at] - 1;
    number = add_or_others(providers, name);
    /* Those that are not told apart get no slot: there may be any number of them. */
    if (providers->n > before && number < REHEARSAL_PROVIDERS - 1)
        providers->slots[at] = (uint16_t)(number + 1);
    return number;
}

/* Room for one day more. They come one after the other, so the array grows by halves. */
static bool grow_days(struct rehearsal_provider *provider)
{
    size_t n = provider->n;
    struct rehearsal_day *days;

    if (n < 4 ? n != 0 : (n & (n - 1)) != 0)
        return true;
    days = realloc(provider->days, (n < 4 ? 4 : 2 * n) * sizeof(*days));
    if (days == NULL)
        return false;
    provider->days = days;
    return true;
}

struct rehearsal_count *kept_providers_day(struct kept_providers *providers, int number, int64_t day)
{
    struct rehearsal_provider *provider = &providers->item[number];
    size_t at = provider->n;

    while (at > 0 && provider->days[at - 1].day > day)
        at--;
    if (at > 0 && provider->days[at - 1].day == day)
        return &provider->days[at - 1].count;
    if (!grow_days(provider))
        return NULL;
    memmove(&provider->days[at + 1], &provider->days[at], (provider->n - at) * sizeof(*provider->days));
    provider->days[at] = (struct rehearsal_day){ .day = day };
    provider->n++;
    return &provider->days[at].count;
}
