/* SPDX-License-Identifier: BSD-2-Clause */
/* Open addressing, doubled at three quarters: a slot is small beside what it points to. The leads stand in
 * large chunks, each with her address behind her, and never move; nothing of them is freed before the end. */
#include "sim/kept_leads.h"

#include "leadgate/hash.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES ((size_t)1 << 20)
#define ALIGNMENT   _Alignof(struct kept_lead)

struct kept_chunk {
    struct kept_chunk *next;
    size_t used;
    char bytes[];
};

_Static_assert(CAUSES <= MAIL_CAUSE + 1, "a mail's cause fits its bits");
_Static_assert(CAUSES <= 32, "a lead has a bit for each cause");
_Static_assert(offsetof(struct kept_chunk, bytes) % ALIGNMENT == 0, "the first lead of a chunk is aligned");

static uint64_t hash_of(struct span text)
{
    return hash_spread(hash_bytes(HASH_START, text));
}

/* The slot of that address, or the empty one where it belongs. room is a power of two, and never full. */
static struct kept_slot *slot_of(struct kept_slot *slots, size_t room, uint64_t hash, struct span address)
{
    size_t at = (size_t)hash & (room - 1);

    while (slots[at].hash != 0 && (slots[at].hash != hash || slots[at].lead->n != address.n ||
                                   memcmp(slots[at].lead->address, address.p, address.n) != 0))
        at = (at + 1) & (room - 1);
    return &slots[at];
}

static bool grow(struct kept_leads *leads)
{
    size_t room = leads->room == 0 ? 1024 : leads->room * 2;
    struct kept_slot *slots = calloc(room, sizeof(*slots));

    if (slots == NULL)
        return false;
    for (size_t i = 0; i < leads->room; i++) {
        size_t at = (size_t)leads->slots[i].hash & (room - 1);

        if (leads->slots[i].hash == 0)
            continue;
        while (slots[at].hash != 0)
            at = (at + 1) & (room - 1);
        slots[at] = leads->slots[i];
    }
    free(leads->slots);
    leads->slots = slots;
    leads->room = room;
    return true;
}

/* So many bytes, zeroed and aligned; they fit a chunk. */
static void *allocate(struct kept_leads *leads, size_t size)
{
    struct kept_chunk *chunk = leads->chunks;
    void *bytes;

    size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (chunk == NULL || chunk->used + size > CHUNK_BYTES) {
        if ((chunk = malloc(sizeof(*chunk) + CHUNK_BYTES)) == NULL)
            return NULL;
        chunk->next = leads->chunks;
        chunk->used = 0;
        leads->chunks = chunk;
    }
    bytes = chunk->bytes + chunk->used;
    chunk->used += size;
    return memset(bytes, 0, size);
}

struct kept_lead *kept_leads_take(struct kept_leads *leads, struct span address)
{
    uint64_t hash = hash_of(address);
    struct kept_slot *slot;

    if (leads->n * 4 >= leads->room * 3 && !grow(leads))
        return NULL;
    slot = slot_of(leads->slots, leads->room, hash, address);
    if (slot->hash != 0)
        return slot->lead;
    if ((slot->lead = allocate(leads, sizeof(struct kept_lead) + address.n)) == NULL)
        return NULL;
    slot->hash = hash;
    slot->lead->n = (uint16_t)address.n;
    memcpy(slot->lead->address, address.p, address.n);
    leads->n++;
    return slot->lead;
}

struct kept_lead *kept_leads_find(const struct kept_leads *leads, struct span address)
{
    const struct kept_slot *slot;

    if (leads->room == 0)
        return NULL;
    slot = slot_of(leads->slots, leads->room, hash_of(address), address);
    return slot->hash != 0 ? slot->lead : NULL;
}

void kept_leads_free(struct kept_leads *leads)
{
    while (leads->chunks != NULL) {
        struct kept_chunk *next = leads->chunks->next;

        free(leads->chunks);
        leads->chunks = next;
    }
    free(leads->slots);
    *leads = (struct kept_leads){ .n = 0 };
}

static void write_hash(char dst[KEPT_MESSAGE_SIZE], uint64_t hash)
{
    for (int i = 15; i >= 0; i--, hash >>= 4)
        dst[i] = "0123456789abcdef"[hash & 0xf];
    dst[16] = '\0';
}

static uint64_t read_hash(const char *text)
{
    uint64_t hash = 0;

    for (; *text != '\0'; text++)
        hash = hash << 4 | (uint64_t)(*text <= '9' ? *text - '0' : *text - 'a' + 10);
    return hash;
}

void kept_message(char dst[KEPT_MESSAGE_SIZE], struct span message)
{
    dst[0] = '\0';
    if (message.n > 0)
        write_hash(dst, hash_of(message));
}

void kept_lead_unpack(const struct kept_lead *kept, struct lead *lead)
{
    *lead = (struct lead){
        .cause = (enum cause)kept->cause,
        .strikes = kept->strikes,
        .cycle = kept->cycle,
        .series = kept->series,
        .since = kept->since,
        .until = kept->until,
        .seen = kept->seen,
        .delivered = kept->delivered,
        .bounced = kept->bounced,
        .struck = kept->struck,
        .deferred = kept->deferred,
        .doubted = kept->doubted,
        .deliveries = kept->deliveries,
        .score = kept->score,
        .scored = kept->scored,
    };
    if (kept->message != 0)
        write_hash(lead->message, kept->message);
    if (kept->noted != 0)
        write_hash(lead->noted, kept->noted);
}

void kept_lead_pack(struct kept_lead *kept, const struct lead *lead)
{
    kept->cause = (uint8_t)lead->cause;
    kept->strikes = (uint32_t)lead->strikes;
    kept->cycle = (uint32_t)lead->cycle;
    kept->series = lead->series;
    kept->since = lead->since;
    kept->until = lead->until;
    kept->seen = lead->seen;
    kept->delivered = lead->delivered;
    kept->bounced = lead->bounced;
    kept->struck = lead->struck;
    kept->deferred = lead->deferred;
    kept->doubted = lead->doubted;
    kept->deliveries = (uint32_t)lead->deliveries;
    kept->score = (int32_t)lead->score;
    kept->scored = lead->scored;
    kept->message = read_hash(lead->message);
    kept->noted = read_hash(lead->noted);
}

bool kept_lead_is_out(const struct kept_lead *kept, int64_t at)
{
    return kept->optout_cause != CAUSE_NONE && (kept->until == 0 || at < kept->until);
}
