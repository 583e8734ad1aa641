/* SPDX-License-Identifier: BSD-2-Clause */
/* policy_proto: Postfix's policy delegation protocol (SMTPD_POLICY_README), without I/O: bytes in; "more",
 * "one request done" or "bad" out. Allocates nothing and copies nothing: what it finds points into the input.
 */
#ifndef POLICY_PROTO_H
#define POLICY_PROTO_H

#include "leadgate/span.h"

#include <stddef.h>

/* The longest value is a line that an SMTP client sent, and Postfix cuts those at line_length_limit, 2048 by
 * default; with its name helo_name=... came as 2053 bytes. Twice that lets no client break the connection,
 * and leaves room for a raised limit. A request of today's Postfix is 29 lines and some 650 bytes. */
#define POLICY_LINE_MAX    4096
#define POLICY_LINES_MAX   100
#define POLICY_REQUEST_MAX 16384

/* The attributes that a decision, a stream or a log line needs. One more is one row here and one in
 * policy_proto.c. */
enum policy_attribute {
    POLICY_REQUEST,
    POLICY_PROTOCOL_STATE,
    POLICY_SENDER,
    POLICY_RECIPIENT,
    POLICY_CLIENT_ADDRESS,
    POLICY_QUEUE_ID,
    POLICY_INSTANCE,
    POLICY_SASL_USERNAME,
    POLICY_SERVER_PORT,
    POLICY_CONTEXT,
    POLICY_CCERT_FINGERPRINT,
    POLICY_CCERT_PUBKEY_FINGERPRINT,
    POLICY_ATTRIBUTES
};

/* What was asked; absent attributes are empty. The values live as long as the input they were found in. */
struct policy_request {
    struct span value[POLICY_ATTRIBUTES];
    size_t size; /* bytes of the input that are this request */
};

/* Where the parser stands in a request. All zero is the start of one. */
struct policy_parser {
    size_t at;     /* where the first line begins that has not ended yet */
    size_t lines;  /* before it */
    unsigned seen; /* a bit for each attribute */
};

enum policy_feed { POLICY_MORE = 1, POLICY_DONE, POLICY_BAD };

/* Reads on in a request. input holds it from its first byte, and stays where it is while more is appended to
 * it, until the request was answered; what stands behind out->size belongs to the next one. POLICY_DONE: *out
 * is the request, and the parser stands at the start of the next. POLICY_BAD: *why says what Postfix would
 * never send, static storage; the connection is of no further use. */
enum policy_feed policy_feed(struct policy_parser *parser, struct span input, struct policy_request *out,
                             const char **why);

#endif
