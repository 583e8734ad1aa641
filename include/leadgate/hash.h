/* SPDX-License-Identifier: BSD-2-Clause */
/* hash: FNV-1a, 64 bits; for spreading and for telling texts apart, not against anybody's ill will. Pure. */
#ifndef LEADGATE_HASH_H
#define LEADGATE_HASH_H

#include "leadgate/span.h"

#include <stdint.h>

#define HASH_START UINT64_C(14695981039346656037)

static inline uint64_t hash_bytes(uint64_t hash, struct span bytes)
{
    for (size_t i = 0; i < bytes.n; i++)
        hash = (hash ^ (unsigned char)bytes.p[i]) * UINT64_C(1099511628211);
    return hash;
}

/* For tables that are indexed by the low bits: those of short texts spread badly by themselves. This is the
 * finish of MurmurHash3. Never 0, so that 0 can stand for an empty slot. */
static inline uint64_t hash_spread(uint64_t hash)
{
    hash = (hash ^ (hash >> 33)) * UINT64_C(0xff51afd7ed558ccd);
    hash = (hash ^ (hash >> 33)) * UINT64_C(0xc4ceb9fe1a85ec53);
    hash ^= hash >> 33;
    return hash == 0 ? 1 : hash;
}

#endif
