/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages stand in slots that grow by doubling, are found by a hash table of slot numbers, and hang in a
 * list by when they were used last. A slot keeps its texts one behind the other in a piece of memory that the
 * next message in this slot uses again, so that a log that goes on and on needs no memory. */
#include "maillog/queue.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS_FIRST 1024 /* a power of two */
#define TEXT_MOST   1000 /* RFC 5322 2.1.1: a Message-ID is on one line */
#define TEXT_STEP   32
#define ROOM_KEPT   512 /* a slot that is empty keeps no more */
#define NONE        UINT32_MAX

struct queued {
    uint32_t hash;
    uint32_t next;         /* of the same bucket, or of the empty slots */
    uint32_t newer, older; /* by use */
    uint16_t n[QUEUED_TEXTS];
    uint16_t room;    /* bytes behind text */
    uint16_t n_waits; /* recipients in waiting */
    bool active;
    char *text; /* in the order of enum queued_text */
    struct waiter *waiting;
};

struct queue {
    struct queued *slots;
    uint32_t *buckets; /* as many as slots */
    uint32_t n_slots, used;
    uint32_t most;
    uint32_t empty;          /* first of the slots that were given back */
    uint32_t newest, oldest; /* by use */
    uint32_t fresh;          /* slots from here on were never used */
    uint64_t beside;         /* recipients who wait beside others of their message */
    int64_t forgotten;
};

/* --- texts --- */

static char *text_start(const struct queued *message, enum queued_text which)
{
    char *p = message->text;

    for (int i = 0; i < (int)which; i++)
        p += message->n[i];
    return p;
}

static size_t text_length(const struct queued *message)
{
    size_t n = 0;

    for (int i = 0; i < QUEUED_TEXTS; i++)
        n += message->n[i];
    return n;
}

struct span queued_text(const struct queued *message, enum queued_text which)
{
    return message->n[which] == 0 ? SPAN_NONE
                                  : (struct span){ text_start(message, which), message->n[which] };
}

static bool make_room(struct queued *message, size_t n)
{
    size_t room = (n + TEXT_STEP - 1) / TEXT_STEP * TEXT_STEP;
    char *grown;

    if (n <= message->room)
        return true;
    if ((grown = realloc(message->text, room)) == NULL)
        return false;
    message->text = grown;
    message->room = (uint16_t)room;
    return true;
}

void queued_set(struct queued *message, enum queued_text which, struct span text)
{
    size_t all = text_length(message), before;
    char *start;

    if (text.n == message->n[which] &&
        (text.n == 0 || memcmp(text_start(message, which), text.p, text.n) == 0))
        return;
    if (text.n > TEXT_MOST || !make_room(message, all - message->n[which] + text.n))
        text.n = 0;
    if (message->text == NULL)
        return;
    start = text_start(message, which);
    before = (size_t)(start - message->text) + message->n[which];
    memmove(start + text.n, start + message->n[which], all - before);
    if (text.n > 0)
        memcpy(start, text.p, text.n);
    message->n[which] = (uint16_t)text.n;
}

bool queued_is_active(const struct queued *message)
{
    return message->active;
}

void queued_set_active(struct queued *message)
{
    message->active = true;
}

/* --- the table --- */

static uint32_t hash_of(struct span key)
{
    uint64_t hash = key.n, eight;

    for (; key.n >= 8; key.p += 8, key.n -= 8) {
        memcpy(&eight, key.p, 8);
        hash = (hash ^ eight) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 32;
    }
    eight = 0;
    if (key.n > 0)
        memcpy(&eight, key.p, key.n);
    hash = (hash ^ eight) * UINT64_C(0x9e3779b97f4a7c15);
    return (uint32_t)(hash >> 32);
}

static uint32_t number_of(const struct queue *queue, const struct queued *message)
{
    return (uint32_t)(message - queue->slots);
}

static uint32_t *bucket_of(struct queue *queue, uint32_t hash)
{
    return &queue->buckets[hash & (queue->n_slots - 1)];
}

struct queue *queue_new(size_t messages)
{
    struct queue *queue = calloc(1, sizeof(*queue));

    if (queue == NULL)
        return NULL;
    queue->most = messages < UINT32_MAX / 4 ? (uint32_t)messages : UINT32_MAX / 4;
    queue->empty = queue->newest = queue->oldest = NONE;
    return queue;
}

void queue_free(struct queue *queue)
{
    if (queue == NULL)
        return;
    for (uint32_t i = 0; i < queue->fresh; i++) {
        free(queue->slots[i].text);
        waiter_free_all(queue->slots[i].waiting);
    }
    free(queue->slots);
    free(queue->buckets);
    free(queue);
}

int64_t queue_forgotten(const struct queue *queue)
{
    return queue->forgotten;
}

static bool grow(struct queue *queue)
{
    uint32_t n = queue->n_slots == 0 ? SLOTS_FIRST : queue->n_slots * 2;
    uint32_t *buckets = malloc(n * sizeof(*buckets));
    struct queued *slots = buckets == NULL ? NULL : reallocarray(queue->slots, n, sizeof(*slots));

    if (slots == NULL) {
        free(buckets);
        return false;
    }
    free(queue->buckets);
    queue->slots = slots;
    queue->buckets = buckets;
    queue->n_slots = n;
    memset(buckets, 0xff, n * sizeof(*buckets)); /* NONE */
    for (uint32_t i = queue->newest; i != NONE; i = slots[i].older) {
        uint32_t *bucket = bucket_of(queue, slots[i].hash);

        slots[i].next = *bucket;
        *bucket = i;
    }
    return true;
}

static void unlink_use(struct queue *queue, struct queued *message)
{
    *(message->newer == NONE ? &queue->newest : &queue->slots[message->newer].older) = message->older;
    *(message->older == NONE ? &queue->oldest : &queue->slots[message->older].newer) = message->newer;
}

static void link_newest(struct queue *queue, struct queued *message)
{
    uint32_t number = number_of(queue, message);

    message->newer = NONE;
    message->older = queue->newest;
    *(queue->newest == NONE ? &queue->oldest : &queue->slots[queue->newest].newer) = number;
    queue->newest = number;
}

static void unlink_bucket(struct queue *queue, struct queued *message)
{
    uint32_t *place = bucket_of(queue, message->hash), number = number_of(queue, message);

    while (*place != number)
        place = &queue->slots[*place].next;
    *place = message->next;
}

struct queued *queue_find(struct queue *queue, struct span key)
{
    uint32_t hash = hash_of(key), i = queue->n_slots == 0 ? NONE : *bucket_of(queue, hash);

    for (; i != NONE; i = queue->slots[i].next) {
        struct queued *message = &queue->slots[i];

        if (message->hash != hash || !span_eq(queued_text(message, QUEUED_KEY), key))
            continue;
        if (queue->newest != i) {
            unlink_use(queue, message);
            link_newest(queue, message);
        }
        return message;
    }
    return NULL;
}

void queue_settle_all(struct queue *queue, struct queued *message)
{
    waiter_free_all(message->waiting);
    message->waiting = NULL;
    queue->beside -= message->n_waits > 1 ? message->n_waits - 1u : 0;
    message->n_waits = 0;
}

void queue_restart(struct queue *queue, struct queued *message)
{
    queue_settle_all(queue, message);
    for (int i = QUEUED_KEY + 1; i < QUEUED_TEXTS; i++)
        message->n[i] = 0;
    message->active = false;
}

void queue_remove(struct queue *queue, struct queued *message)
{
    queue_restart(queue, message);
    message->n[QUEUED_KEY] = 0;
    unlink_use(queue, message);
    unlink_bucket(queue, message);
    if (message->room > ROOM_KEPT) {
        free(message->text);
        message->text = NULL;
        message->room = 0;
    }
    message->next = queue->empty;
    queue->empty = number_of(queue, message);
    queue->used--;
}

/* Until there is room for `more` messages. The one used last stays, unless it has to go for another: alone it
 * never has more recipients who wait than there is room for. */
static void forget_oldest(struct queue *queue, uint32_t more)
{
    while (queue->used + queue->beside + more > queue->most && queue->oldest != NONE) {
        queue_remove(queue, &queue->slots[queue->oldest]);
        queue->forgotten++;
    }
}

/* An empty slot; its memory for texts is kept. NULL when out of memory. */
static struct queued *new_slot(struct queue *queue)
{
    struct queued *message;

    if (queue->empty != NONE) {
        message = &queue->slots[queue->empty];
        queue->empty = message->next;
        return message;
    }
    if (queue->fresh == queue->n_slots && !grow(queue))
        return NULL;
    message = &queue->slots[queue->fresh++];
    *message = (struct queued){ .text = NULL };
    return message;
}

struct queued *queue_take(struct queue *queue, struct span key)
{
    struct queued *message = queue_find(queue, key);
    uint32_t *bucket;

    if (message != NULL || key.n > TEXT_MOST)
        return message;
    forget_oldest(queue, 1);
    if ((message = new_slot(queue)) == NULL)
        return NULL;
    queued_set(message, QUEUED_KEY, key);
    if (message->n[QUEUED_KEY] == 0) {
        message->next = queue->empty;
        queue->empty = number_of(queue, message);
        return NULL;
    }
    message->hash = hash_of(key);
    bucket = bucket_of(queue, message->hash);
    message->next = *bucket;
    *bucket = number_of(queue, message);
    link_newest(queue, message);
    queue->used++;
    return message;
}

/* --- recipients who wait --- */

const struct waiter *queued_waiting(const struct queued *message)
{
    return message->waiting;
}

void queue_wait(struct queue *queue, struct queued *message, struct span to, const struct waiting *waiting)
{
    struct waiter **place = waiter_find(&message->waiting, to), *waiter;
    bool more = *place == NULL;

    if (more && (message->n_waits == QUEUE_WAITING || message->n_waits >= queue->most))
        return;
    if ((waiter = waiter_new(to, waiting)) == NULL)
        return;
    waiter_put(place, waiter);
    if (!more)
        return;
    queue->beside += message->n_waits++ > 0;
    forget_oldest(queue, 0);
}

void queue_settle(struct queue *queue, struct queued *message, struct span to)
{
    struct waiter **place = waiter_find(&message->waiting, to);

    if (*place == NULL)
        return;
    waiter_remove(place);
    queue->beside -= --message->n_waits > 0;
}
