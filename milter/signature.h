/* SPDX-License-Identifier: BSD-2-Clause */
/* signature: what a mail on its way out is given, so that its bounces are known by it (signing.h) and its
 * recipient can leave by it. Pure but for the keyring and the counters; one thread at a time. */
#ifndef LEADGATE_MILTER_SIGNATURE_H
#define LEADGATE_MILTER_SIGNATURE_H

#include "milter/fields.h"
#include "milter/recipients.h"

#define ENVELOPE_ID_MOST 100 /* RFC 3461 4.4 */

/* What is asked for, and of which mail. Borrowed. */
struct signature_order {
    const struct message_rules *rules;
    const struct stream *stream;
    unsigned channels;            /* of enum channel, or-ed */
    bool unsubscribe;             /* the way out of the stream is offered */
    bool extend;                  /* List-Unsubscribe can be changed where there is one */
    const struct address *sender; /* channels != 0: the envelope sender */
    const struct recipients *recipients;
    const struct fields *fields;
    struct span queue;
    int64_t now;
};

/* All zero is none. */
struct signature {
    char sender[ADDRESS_SIZE + 2];            /* the new envelope sender, with <>; "" = as it is */
    char arguments[6 + ENVELOPE_ID_MOST + 1]; /* ENVID=...; "" = none */
    struct message_field *fields;
    size_t n, size;
};

void signature_make(struct signature *signature, const struct signature_order *order);
void signature_free(struct signature *signature); /* leaves none; twice is fine */

#endif
