/* SPDX-License-Identifier: BSD-2-Clause */
/* A finding is made for the largest words there are, some 1100 bytes; here each text takes what it needs, one
 * behind the other. A recipient is told from others of the same message by a hash of 64 bits. */
#include "maillog/waiting.h"

#include <stdlib.h>
#include <string.h>

#define DIAG_MOST  255 /* bytes of the words that are kept */
#define RELAY_MOST 255

enum { TEXT_LEAD, TEXT_STATUS, TEXT_DIAG, TEXT_RELAY, TEXT_PROVIDER, TEXTS };

struct waiter {
    struct waiter *next;
    uint64_t who;
    int64_t sent;
    const char *rule;
    uint16_t n[TEXTS];
    uint16_t lead_at, reply;
    unsigned char cause, hardness;
    char texts[];
};

/* FNV-1a. */
static uint64_t hash_of(struct span text)
{
    uint64_t hash = UINT64_C(14695981039346656037);

    for (size_t i = 0; i < text.n; i++)
        hash = (hash ^ (unsigned char)text.p[i]) * UINT64_C(1099511628211);
    return hash;
}

static struct span start_of(struct span text, size_t most)
{
    if (text.n > most)
        for (text.n = most; text.n > 0 && ((unsigned char)text.p[text.n] & 0xc0) == 0x80;)
            text.n--; /* not inside of a character */
    return text;
}

struct waiter *waiter_new(struct span to, const struct waiting *waiting)
{
    const struct finding *finding = waiting->finding;
    const struct span texts[TEXTS] = {
        [TEXT_LEAD] = address_span(&finding->lead),
        [TEXT_STATUS] = span_of(finding->status),
        [TEXT_DIAG] = start_of(span_of(finding->diag), DIAG_MOST),
        [TEXT_RELAY] = waiting->relay.n > RELAY_MOST ? SPAN_NONE : waiting->relay,
        [TEXT_PROVIDER] = waiting->provider,
    };
    struct waiter *waiter;
    size_t n = 0;

    for (size_t i = 0; i < TEXTS; i++)
        n += texts[i].n;
    if ((waiter = malloc(sizeof(*waiter) + n)) == NULL)
        return NULL;
    *waiter = (struct waiter){
        .who = hash_of(to),
        .sent = waiting->sent,
        .rule = finding->rule,
        .lead_at = (uint16_t)finding->lead.at,
        .reply = (uint16_t)finding->reply,
        .cause = (unsigned char)finding->cause,
        .hardness = (unsigned char)finding->hardness,
    };
    n = 0;
    for (size_t i = 0; i < TEXTS; i++) {
        if (texts[i].n > 0)
            memcpy(waiter->texts + n, texts[i].p, texts[i].n);
        waiter->n[i] = (uint16_t)texts[i].n;
        n += texts[i].n;
    }
    return waiter;
}

void waiter_free_all(struct waiter *first)
{
    while (first != NULL)
        waiter_remove(&first);
}

struct waiter **waiter_find(struct waiter **first, struct span to)
{
    uint64_t who = hash_of(to);

    while (*first != NULL && (*first)->who != who)
        first = &(*first)->next;
    return first;
}

void waiter_put(struct waiter **place, struct waiter *waiter)
{
    if (*place != NULL)
        waiter_remove(place);
    waiter->next = *place;
    *place = waiter;
}

void waiter_remove(struct waiter **place)
{
    struct waiter *gone = *place;

    *place = gone->next;
    free(gone);
}

const struct waiter *waiter_read(const struct waiter *waiter, struct waiting *out, struct finding *finding)
{
    struct span texts[TEXTS];
    const char *p = waiter->texts;

    for (size_t i = 0; i < TEXTS; p += waiter->n[i++])
        texts[i] = (struct span){ p, waiter->n[i] };
    finding->cause = (enum cause)waiter->cause;
    finding->hardness = (enum hardness)waiter->hardness;
    finding->reply = waiter->reply;
    finding->rule = waiter->rule;
    finding->lead.n = texts[TEXT_LEAD].n;
    finding->lead.at = waiter->lead_at;
    (void)span_copy(finding->lead.text, sizeof(finding->lead.text), texts[TEXT_LEAD]);
    (void)span_copy(finding->status, sizeof(finding->status), texts[TEXT_STATUS]);
    (void)span_copy(finding->diag, sizeof(finding->diag), texts[TEXT_DIAG]);
    (void)span_copy(finding->provider, sizeof(finding->provider), texts[TEXT_PROVIDER]);
    finding->proof = PROOF_NONE;
    finding->token[0] = '\0';
    *out = (struct waiting){ finding, waiter->sent, texts[TEXT_RELAY], texts[TEXT_PROVIDER] };
    return waiter->next;
}
