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
    free(recipients->rulings);
    *recipients = (struct recipients){ .n = 0 };
}

static bool grow(struct recipients *recipients)
{
    size_t size = recipients->size == 0 ? 8 : recipients->size * 2;
    char **spelled = reallocarray(recipients->spelled, size, sizeof(*spelled));
    struct address *leads;

    if (spelled == NULL)
        return false;
    recipients->spelled = spelled;
    if ((leads = reallocarray(recipients->leads, size, sizeof(*leads))) == NULL)
        return false;
    recipients->leads = leads;
    recipients->size = size;
    return true;
}

void recipients_add(struct recipients *recipients, struct span spelled, const struct address *lead)
{
    char *copy;

    if (recipients->n == recipients->size && !grow(recipients))
        return;
    if ((copy = strndup(spelled.p, spelled.n)) == NULL)
        return;
    recipients->spelled[recipients->n] = copy;
    recipients->leads[recipients->n] = *lead;
    recipients->n++;
}

static enum store_rc judge_slice(const struct recipients *recipients, size_t from,
                                 const struct stream *stream, const struct message_store *store, int64_t now,
                                 struct suppression *found, struct ruling *rulings, struct err *err)
{
    size_t left = recipients->n - from, n = left < SLICE ? left : SLICE;
    enum store_rc rc = store->find(store->ctx, recipients->leads + from, n, now, found, err);

    for (size_t i = 0; rc == STORE_OK && i < n; i++)
        rulings[from + i] = stream_judge(stream, &found[i]);
    return rc;
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
    for (size_t from = 0; rc == STORE_OK && from < recipients->n; from += SLICE)
        rc = judge_slice(recipients, from, stream, store, now, found, rulings, err);
    free(found);
    if (rc == STORE_DOWN) {
        free(rulings);
        return rc;
    }
    recipients->rulings = rulings;
    for (size_t i = 0; i < recipients->n; i++)
        recipients->suppressed += rulings[i].holds;
    return rc;
}

bool recipients_next(const struct recipients *recipients, size_t *next, size_t *i)
{
    while (recipients->rulings != NULL && *next < recipients->n) {
        *i = (*next)++;
        if (recipients->rulings[*i].holds)
            return true;
    }
    return false;
}
