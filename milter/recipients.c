/* SPDX-License-Identifier: BSD-2-Clause */
/* What stands against a recipient is much (each stream's refusal with its name), what follows from it little:
 * they are asked about in slices, and only the rulings are kept. A mail from sendmail(1) may have tens of
 * thousands of recipients. */
#include "milter/recipients.h"

#include <stdlib.h>
#include <string.h>

#define SLICE 128

void recipients_free(struct recipients *recipients)
{
    for (size_t i = 0; i < recipients->n; i++)
        free(recipients->spelled[i]);
    free(recipients->spelled);
    free(recipients->leads);
    free(recipients->fates);
    free(recipients->rulings);
    *recipients = (struct recipients){ .n = 0 };
}

static bool grow(struct recipients *recipients)
{
    size_t size = recipients->size == 0 ? 4 : recipients->size * 2;
    char **spelled = reallocarray(recipients->spelled, size, sizeof(*spelled));
    struct address *leads;
    enum fate *fates;

    if (spelled == NULL)
        return false;
    recipients->spelled = spelled;
    if ((leads = reallocarray(recipients->leads, size, sizeof(*leads))) == NULL)
        return false;
    recipients->leads = leads;
    if ((fates = reallocarray(recipients->fates, size, sizeof(*fates))) == NULL)
        return false;
    recipients->fates = fates;
    recipients->size = size;
    return true;
}

void recipients_add(struct recipients *recipients, struct span spelled, const struct address *lead,
                    bool exempt)
{
    char *copy;

    if (lead == NULL || (recipients->n == recipients->size && !grow(recipients)) ||
        (copy = strndup(spelled.p, spelled.n)) == NULL) {
        recipients->unnamed++;
        return;
    }
    recipients->spelled[recipients->n] = copy;
    recipients->leads[recipients->n] = *lead;
    recipients->fates[recipients->n] = exempt ? FATE_EXEMPT : FATE_PASSES;
    recipients->n++;
}

/* The next recipients that pass and stand side by side, not more than a slice: from *from on, *n of them. */
static bool next_slice(const struct recipients *recipients, size_t *from, size_t *n)
{
    size_t i = *from + *n;

    while (i < recipients->n && recipients->fates[i] != FATE_PASSES)
        i++;
    *from = i;
    for (*n = 0; i < recipients->n && *n < SLICE && recipients->fates[i] == FATE_PASSES; i++)
        (*n)++;
    return *n > 0;
}

static void remove_one(struct recipients *recipients, size_t i, enum fate fate)
{
    recipients->fates[i] = fate;
    recipients->removed++;
}

enum store_rc recipients_judge(struct recipients *recipients, const struct stream *stream,
                               const struct message_store *store, int64_t now, struct err *err)
{
    struct ruling *rulings = calloc(recipients->n + 1, sizeof(*rulings));
    struct suppression *found = calloc(SLICE, sizeof(*found));
    enum store_rc rc = STORE_OK;

    if (rulings == NULL || found == NULL) {
        err_set(err, "out of memory");
        rc = STORE_DOWN;
    }
    for (size_t from = 0, n = 0; rc == STORE_OK && next_slice(recipients, &from, &n);) {
        rc = store->find(store->ctx, recipients->leads + from, n, now, found, err);
        for (size_t i = 0; rc == STORE_OK && i < n; i++)
            rulings[from + i] = stream_judge(stream, &found[i]);
    }
    free(found);
    if (rc == STORE_DOWN) {
        free(rulings);
        return rc;
    }
    recipients->rulings = rulings;
    for (size_t i = 0; i < recipients->n; i++)
        if (rulings[i].holds)
            remove_one(recipients, i, FATE_SUPPRESSED);
    return rc;
}

enum store_rc recipients_note_campaign(struct recipients *recipients, const struct campaign *campaign,
                                       const struct message_store *store, struct err *err)
{
    enum store_rc rc = STORE_OK;
    bool seen[SLICE];

    for (size_t from = 0, n = 0; rc == STORE_OK && next_slice(recipients, &from, &n);) {
        rc = store->note_campaign(store->ctx, campaign, recipients->leads + from, n, seen, err);
        for (size_t i = 0; rc == STORE_OK && i < n; i++)
            if (seen[i])
                remove_one(recipients, from + i, FATE_DUPLICATE);
    }
    return rc;
}

void recipients_spare(struct recipients *recipients, enum fate fate)
{
    for (size_t next = 0, i = 0; recipients_next(recipients, fate, &next, &i);) {
        recipients->fates[i] = FATE_PASSES;
        recipients->removed--;
    }
}

size_t recipients_left(const struct recipients *recipients)
{
    return recipients->n + recipients->unnamed - recipients->removed;
}

const struct address *recipients_only(const struct recipients *recipients)
{
    size_t next = 0;

    return recipients_left(recipients) == 1 ? recipients_next_left(recipients, &next) : NULL;
}

bool recipients_next(const struct recipients *recipients, enum fate fate, size_t *next, size_t *i)
{
    while (*next < recipients->n) {
        *i = (*next)++;
        if (recipients->fates[*i] == fate)
            return true;
    }
    return false;
}

static bool is_left(enum fate fate)
{
    switch (fate) {
    case FATE_PASSES:
    case FATE_EXEMPT: return true;
    case FATE_SUPPRESSED:
    case FATE_DUPLICATE: return false;
    }
    abort();
}

const char *recipients_next_removed(const struct recipients *recipients, size_t *next)
{
    while (*next < recipients->n) {
        size_t i = (*next)++;

        if (!is_left(recipients->fates[i]))
            return recipients->spelled[i];
    }
    return NULL;
}

const struct address *recipients_next_left(const struct recipients *recipients, size_t *next)
{
    while (*next < recipients->n) {
        size_t i = (*next)++;

        if (is_left(recipients->fates[i]))
            return &recipients->leads[i];
    }
    return NULL;
}
