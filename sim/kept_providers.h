/* SPDX-License-Identifier: BSD-2-Clause */
/* kept_providers: what a rehearsal counts for each provider and day. Providers are told apart by small
 * numbers. */
#ifndef LEADGATE_SIM_KEPT_PROVIDERS_H
#define LEADGATE_SIM_KEPT_PROVIDERS_H

#include "leadgate/rehearsal.h"

#define PROVIDER_NONE 0 /* the one without a name */

struct kept_providers {
    struct rehearsal_provider *item;
    size_t n, room;
    uint16_t *slots; /* 1 + the number; 0 = empty. SLOTS of them */
};

/* False when out of memory. */
bool kept_providers_init(struct kept_providers *providers);
void kept_providers_free(struct kept_providers *providers);

/* The number of that provider, a new one if need be; -1 when out of memory. */
int kept_providers_take(struct kept_providers *providers, struct span name);

/* The counts of a day. NULL when out of memory. They live until the next call. */
struct rehearsal_count *kept_providers_day(struct kept_providers *providers, int number, int64_t day);

#endif
