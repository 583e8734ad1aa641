/* SPDX-License-Identifier: BSD-2-Clause */
/* A hash table of the first three bytes of each literal, asked at each position of the text. Most positions
 * find an empty slot. */
#include "bounce/literal_index.h"

#include <string.h>

#define SLOT_BITS 12

struct entry {
    struct span literal;
    guint owner;
    guint next; /* 1 + index of the next in the same slot; 0 = the last */
};

struct literal_index {
    GArray *entries; /* struct entry */
    guint first[1 << SLOT_BITS];
};

struct literal_index *literal_index_new(void)
{
    struct literal_index *index = g_new0(struct literal_index, 1);

    index->entries = g_array_new(FALSE, FALSE, sizeof(struct entry));
    return index;
}

void literal_index_free(struct literal_index *index)
{
    if (index == NULL)
        return;
    g_array_free(index->entries, TRUE);
    g_free(index);
}

static guint slot_of(const char *p)
{
    guint three = (guint)(unsigned char)p[0] << 16 | (guint)(unsigned char)p[1] << 8 | (unsigned char)p[2];

    return (three * 2654435761U) >> (32 - SLOT_BITS);
}

void literal_index_add(struct literal_index *index, struct span literal, size_t owner)
{
    guint *first = &index->first[slot_of(literal.p)];
    struct entry entry = { .literal = literal, .owner = (guint)owner, .next = *first };

    g_array_append_val(index->entries, entry);
    *first = index->entries->len;
}

void literal_index_look(const struct literal_index *index, struct span text, uint64_t *bits)
{
    for (size_t i = 0; i + 3 <= text.n; i++) {
        guint at = index->first[slot_of(text.p + i)];

        while (at != 0) {
            const struct entry *entry = &g_array_index(index->entries, struct entry, at - 1);

            if (entry->literal.n <= text.n - i && memcmp(text.p + i, entry->literal.p, entry->literal.n) == 0)
                bits[entry->owner / 64] |= UINT64_C(1) << (entry->owner % 64);
            at = entry->next;
        }
    }
}
