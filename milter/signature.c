/* SPDX-License-Identifier: BSD-2-Clause */
/* Each channel for itself: where one cannot carry the token, the others still do. That is counted, not
 * logged: it follows from the addresses, and comes again with each campaign.
 *
 * A mail that the application has signed itself (DKIM) gets no List-Unsubscribe: outside of the signature
 * nobody trusts it, and where the field is in the signature it would break it. */
#include "milter/signature.h"

#include "leadgate/signing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void signature_free(struct signature *signature)
{
    for (size_t i = 0; i < signature->n; i++)
        free(signature->fields[i].value);
    free(signature->fields);
    *signature = (struct signature){ .n = 0 };
}

static void count(const struct signature_order *order, const char *channel, bool is_signed)
{
    counters_add(order->rules->counters, 1, "signing", is_signed ? "signed" : "unsigned", channel, NULL);
}

/* Takes value over; NULL is none. */
static bool add_field(struct signature *signature, const char *name, char *value, bool replaces)
{
    if (value != NULL && signature->n == signature->size) {
        size_t size = signature->size == 0 ? 4 : signature->size * 2;
        struct message_field *fields = reallocarray(signature->fields, size, sizeof(*fields));

        if (fields != NULL) {
            signature->fields = fields;
            signature->size = size;
        }
    }
    if (value == NULL || signature->n == signature->size) {
        free(value);
        return false;
    }
    signature->fields[signature->n++] = (struct message_field){ name, value, replaces };
    return true;
}

static bool sign_return_path(struct signature *signature, const struct signature_order *order,
                             const struct address *lead)
{
    const struct token_claim claim = {
        .kind = TOKEN_BOUNCE,
        .domain = address_domain(order->sender),
        .subject = address_span(lead),
    };
    char token[TOKEN_SIZE];
    struct address path;

    if (!token_make(token, order->rules->settings->keyring, &claim, order->queue, order->now) ||
        !token_path_make(&path, order->sender, span_of(token), lead))
        return false;
    snprintf(signature->sender, sizeof(signature->sender), "<%s>", path.text);
    return true;
}

/* For one recipient a token that names it, as far as there is room; else one for the message, which a bounce
 * brings back with the Message-ID. */
static bool sign_envelope_id(struct signature *signature, const struct signature_order *order,
                             const struct address *lead)
{
    const struct keyring *keyring = order->rules->settings->keyring;
    const struct token_claim claim = {
        .kind = TOKEN_MESSAGE,
        .domain = address_domain(order->sender),
        .subject = span_of(order->fields->message_id),
    };
    char token[TOKEN_SEALED_SIZE] = "";

    if (lead == NULL ||
        !signing_header(token, order->rules->settings, order->sender, lead, order->queue, order->now) ||
        strlen(token) > ENVELOPE_ID_MOST) {
        if (claim.subject.n == 0 || !token_make(token, keyring, &claim, order->queue, order->now))
            return false;
    }
    snprintf(signature->arguments, sizeof(signature->arguments), "ENVID=%.*s", ENVELOPE_ID_MOST, token);
    return true;
}

static bool sign_header(struct signature *signature, const struct signature_order *order)
{
    size_t most = (size_t)order->rules->settings->signing.headers_most, next = 0;
    const struct address *lead;
    char token[TOKEN_SEALED_SIZE];

    while (signature->n < most && (lead = recipients_next_left(order->recipients, &next)) != NULL)
        if (signing_header(token, order->rules->settings, order->sender, lead, order->queue, order->now))
            add_field(signature, SIGNING_FIELD, strdup(token), false);
    return signature->n > 0;
}

/* RFC 2369 has each of its fields once: behind what the application offers comes ours. */
static bool offer_unsubscribe(struct signature *signature, const struct signature_order *order,
                              const struct address *lead)
{
    const char *theirs = order->fields->unsubscribe;
    struct address path;
    char *value = NULL;

    if (order->fields->has_dkim || (theirs != NULL && !order->extend) ||
        !signing_unsubscribe_path(&path, order->rules->settings, order->stream, lead, order->queue,
                                  order->now) ||
        asprintf(&value, "%s%s<mailto:%s?subject=unsubscribe>", theirs != NULL ? theirs : "",
                 theirs != NULL ? ",\n\t" : "", path.text) < 0)
        return false;
    return add_field(signature, "List-Unsubscribe", value, theirs != NULL);
}

void signature_make(struct signature *signature, const struct signature_order *order)
{
    const struct address *lead = recipients_only(order->recipients);

    if ((order->channels & CHANNEL_HEADER) != 0 && !order->fields->has_token)
        count(order, "header", sign_header(signature, order));
    if ((order->channels & CHANNEL_RETURN_PATH) != 0 && recipients_left(order->recipients) == 1)
        count(order, "return-path", lead != NULL && sign_return_path(signature, order, lead));
    if ((order->channels & CHANNEL_ENVELOPE_ID) != 0)
        count(order, "envelope-id", sign_envelope_id(signature, order, lead));
    if (order->unsubscribe && lead != NULL && !order->fields->offers_ours)
        count(order, "list-unsubscribe", offer_unsubscribe(signature, order, lead));
}
