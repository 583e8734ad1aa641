/* SPDX-License-Identifier: BSD-2-Clause */
/* domains: what is known of each domain of a list, and which addresses were seen before. Memory grows with
 * the number of different domains, and by eight bytes (at half load sixteen) for each address. */
#ifndef LEADGATE_CLI_DOMAINS_H
#define LEADGATE_CLI_DOMAINS_H

#include "leadgate/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct domain {
    uint64_t hash;
    char *name;  /* NULL = an empty slot */
    char *meant; /* what it is likely a slip for; NULL = nothing */
    int64_t recipients, invalid;
    bool held;
};

struct domains {
    struct domain *slots;
    size_t n, room;
};

/* The entry of a domain, made when it is new (*is_new); valid until the next call. NULL: out of memory. */
struct domain *domains_find(struct domains *domains, struct span name, bool *is_new);
void domains_free(struct domains *domains);

/* A set of 64-bit fingerprints. Two different addresses that share one would count as a duplicate: among ten
 * million addresses that happens once in some 400,000 lists. */
struct seen {
    uint64_t *slots; /* 0 = empty */
    size_t n, room;
};

/* 1: was there, 0: is now, -1: out of memory. */
int seen_add(struct seen *seen, struct span text);
void seen_free(struct seen *seen);

#endif
