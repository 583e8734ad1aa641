/* SPDX-License-Identifier: BSD-2-Clause */
#include "feed/place.h"

#include "leadgate/hash.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct place place_make(int64_t offset, struct span head)
{
    if (head.n > PLACE_HEAD)
        head.n = PLACE_HEAD;
    return (struct place){ .offset = offset, .head = head.n, .hash = hash_bytes(HASH_START, head) };
}

bool place_eq(const struct place *a, const struct place *b)
{
    return a->offset == b->offset && a->head == b->head && a->hash == b->hash;
}

bool place_matches(const struct place *place, struct span head)
{
    return place->head > 0 && head.n >= place->head &&
           hash_bytes(HASH_START, (struct span){ head.p, place->head }) == place->hash;
}

const char *place_text(char dst[PLACE_TEXT_SIZE], const struct place *place)
{
    snprintf(dst, PLACE_TEXT_SIZE, "%" PRId64 " %zu %016" PRIx64, place->offset, place->head, place->hash);
    return dst;
}

static bool parse_hash(struct span text, uint64_t *out)
{
    char copy[17], *end;

    if (text.n != 16 || !span_copy(copy, sizeof(copy), text) || copy[0] == '-' || copy[0] == '+' ||
        copy[0] == ' ')
        return false;
    *out = strtoull(copy, &end, 16);
    return *end == '\0';
}

bool place_parse(struct place *out, struct span text)
{
    struct span offset = span_cut(&text, ' '), head = span_cut(&text, ' ');
    struct place place;
    int64_t n;

    if (!span_int64(offset, &place.offset) || place.offset < 0 || !span_int64(head, &n) || n < 1 ||
        n > PLACE_HEAD || !parse_hash(text, &place.hash))
        return false;
    place.head = (size_t)n;
    *out = place;
    return true;
}
