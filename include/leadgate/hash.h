/* SPDX-License-Identifier: BSD-2-Clause */
/* hash: FNV-1a, 64 bits; for spreading and for telling texts apart, not against anybody's ill will. */
#ifndef LEADGATE_HASH_H
#define LEADGATE_HASH_H

#include "leadgate/span.h"

#include <stdint.h>

#define HASH_START 14695981039346656037u

static inline uint64_t hash_bytes(uint64_t hash, struct span bytes)
{
    for (size_t i = 0; i < bytes.n; i++)
        hash = (hash ^ (unsigned char)bytes.p[i]) * 1099511628211u;
    return hash;
}

#endif
