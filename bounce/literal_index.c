/* SPDX-License-Identifier: BSD-2-Clause */
/* A hash table of the first three bytes of each literal, asked at each position of the text. Most positions
 * find an empty slot, or are told apart by the fourth byte. A literal of many owners is compared once. */
#include "bounce/literal_index.h"

#include <string.h>

#define SLOT_BITS 12

struct entry {
    struct span literal;
    char fourth;  /* byte; not looked at when there are three */
    guint owners; /* 1 + index of the first */
    guint next;   /* 1 + index of the next in the same slot; 0 = the last */
};

struct owner {
    guint owner;
    guint next; /* 1 + index of the next of the same literal; 0 = the last */
};

struct literal_index {
    GArray *entries; /* struct entry */
    GArray *owners;  /* struct owner */
    guint first[1 << SLOT_BITS];
};

struct literal_index *literal_index_new(void)
{
    struct literal_index *index = g_new0(struct literal_index, 1);

    index->entries = g_array_new(FALSE, FALSE, sizeof(struct entry));
    index->owners = g_array_new(FALSE, FALSE, sizeof(struct owner));
    return index;
}

void literal_index_free(struct literal_index *index)
{
    if (index == NULL)
        return;
    g_array_free(index->entries, TRUE);
    g_array_free(index->owners, TRUE);
    g_free(index);
}

static guint slot_of(const char *p)
{
    guint three = (guint)(unsigned char)p[0] << 16 | (guint)(unsigned char)p[1] << 8 | (unsigned char)p[2];

    return (three * 2654435761U) >> (32 - SLOT_BITS);
}

static struct entry *find_entry(const struct literal_index *index, struct span literal)
{
    guint at = index->first[slot_of(literal.p)];

    while (at != 0) {
        struct entry *entry = &g_array_index(index->entries, struct entry, at - 1);

        if (span_eq(entry->literal, literal))
            return entry;
        at = entry->next;
    }
    return NULL;
}

static struct entry *add_entry(struct literal_index *index, struct span literal)
{
    guint *first = &index->first[slot_of(literal.p)];
    struct entry entry = { .literal = literal,
                           .fourth = literal.n > 3 ? literal.p[3] : '\0',
                           .next = *first };

    g_array_append_val(index->entries, entry);
    *first = index->entries->len;
    return &g_array_index(index->entries, struct entry, index->entries->len - 1);
}

void literal_index_add(struct literal_index *index, struct span literal, size_t number)
{
    struct entry *entry = find_entry(index, literal);
    struct owner owner = { .owner = (guint)number };

    if (entry == NULL)
        entry = add_entry(index, literal);
    owner.next = entry->owners;
    g_array_append_val(index->owners, owner);
    entry->owners = index->owners->len;
}

static void set_owners(const struct literal_index *index, const struct entry *entry, uint64_t *bits)
{
    guint at = entry->owners;

    while (at != 0) {
        const struct owner *owner = &g_array_index(index->owners, struct owner, at - 1);

        bits[owner->owner / 64] |= UINT64_C(1) << (owner->owner % 64);
        at = owner->next;
    }
}

void literal_index_look(const struct literal_index *index, struct span text, uint64_t *bits)
{
    for (size_t i = 0; i + 3 <= text.n; i++) {
        guint at = index->first[slot_of(text.p + i)];

        while (at != 0) {
            const struct entry *entry = &g_array_index(index->entries, struct entry, at - 1);
            size_t n = entry->literal.n;

            at = entry->next;
            if (n <= text.n - i && (n == 3 || entry->fourth == text.p[i + 3]) &&
                memcmp(text.p + i, entry->literal.p, n) == 0)
                set_owners(index, entry, bits);
        }
    }
}
