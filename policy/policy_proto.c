/* SPDX-License-Identifier: BSD-2-Clause */
/* The policy delegation protocol, as SMTPD_POLICY_README has it: lines of name=value, then an empty line.
 *
 * One pass over the bytes, each looked at once, however the request was split. It runs once per recipient of
 * every campaign, so a value is a pointer into the caller's buffer.
 *
 * The values are what an SMTP client said, and Postfix hands on nearly all of it: UTF-8, and in a recipient
 * control bytes too (measured: \x01, \x0b and DEL arrive raw; TAB and CR arrive as blanks, NUL is refused at
 * RCPT TO). They are data here, and the address's business. What a client cannot make Postfix send is bad:
 * NUL, CR, a line without a name, a request without end. */
#include "policy/policy_proto.h"

#include <string.h>

static const struct span names[POLICY_ATTRIBUTES] = {
    [POLICY_REQUEST] = { "request", 7 },
    [POLICY_PROTOCOL_STATE] = { "protocol_state", 14 },
    [POLICY_SENDER] = { "sender", 6 },
    [POLICY_RECIPIENT] = { "recipient", 9 },
    [POLICY_CLIENT_ADDRESS] = { "client_address", 14 },
    [POLICY_QUEUE_ID] = { "queue_id", 8 },
    [POLICY_INSTANCE] = { "instance", 8 },
    [POLICY_SASL_USERNAME] = { "sasl_username", 13 },
    [POLICY_SERVER_PORT] = { "server_port", 11 },
    [POLICY_CONTEXT] = { "policy_context", 14 },
    [POLICY_CCERT_FINGERPRINT] = { "ccert_fingerprint", 17 },
    [POLICY_CCERT_PUBKEY_FINGERPRINT] = { "ccert_pubkey_fingerprint", 24 },
};

_Static_assert(POLICY_ATTRIBUTES <= 8 * sizeof(unsigned), "policy_parser.seen has a bit for each attribute");

/* A bad byte in what came, NULL when there is none. */
static const char *refuse_bytes(struct span bytes)
{
    if (memchr(bytes.p, '\0', bytes.n) != NULL)
        return "a NUL byte";
    if (memchr(bytes.p, '\r', bytes.n) != NULL)
        return "a CR: lines end in LF alone";
    return NULL;
}

/* Of a repeated attribute the first one counts, as Postfix reads our side of the protocol. */
static void keep_value(struct policy_parser *parser, struct span name, struct span value,
                       struct policy_request *out)
{
    for (unsigned i = 0; i < POLICY_ATTRIBUTES; i++) {
        if (name.n != names[i].n || memcmp(name.p, names[i].p, name.n) != 0)
            continue; /* spelt out: 29 lines times each row, for each recipient */
        if ((parser->seen & 1U << i) == 0)
            out->value[i] = value;
        parser->seen |= 1U << i;
        return;
    }
}

/* One whole line of name=value; what is wrong with it, NULL when nothing is. A value may hold a '=' itself.
 */
static const char *read_line(struct policy_parser *parser, struct span line, struct policy_request *out)
{
    const char *sign = memchr(line.p, '=', line.n);
    size_t name = sign == NULL ? 0 : (size_t)(sign - line.p);

    if (sign == NULL)
        return "a line without '='";
    if (name == 0)
        return "an attribute without a name";
    if (parser->lines == POLICY_LINES_MAX)
        return "too many attributes";
    parser->lines++;
    keep_value(parser, (struct span){ line.p, name }, (struct span){ sign + 1, line.n - name - 1 }, out);
    return NULL;
}

/* All lines that have come whole. POLICY_MORE: the last one has not. */
static enum policy_feed read_lines(struct policy_parser *parser, struct span input,
                                   struct policy_request *out, const char **why)
{
    for (;;) {
        struct span line = { input.p + parser->at, input.n - parser->at };
        const char *end = memchr(line.p, '\n', line.n);

        if (end != NULL)
            line.n = (size_t)(end - line.p);
        *why = line.n > POLICY_LINE_MAX ? "a line that is too long" : NULL;
        if (*why == NULL && end != NULL && line.n > 0)
            *why = read_line(parser, line, out);
        if (*why != NULL)
            return POLICY_BAD;
        if (end == NULL)
            return POLICY_MORE;
        parser->at += line.n + 1;
        if (line.n == 0)
            return POLICY_DONE;
    }
}

enum policy_feed policy_feed(struct policy_parser *parser, struct span input, struct policy_request *out,
                             const char **why)
{
    struct span window = { input.p, input.n < POLICY_REQUEST_MAX ? input.n : POLICY_REQUEST_MAX };
    size_t from = parser->at;
    enum policy_feed feed;

    if (from == 0)
        for (size_t i = 0; i < POLICY_ATTRIBUTES; i++)
            out->value[i] = SPAN_NONE;
    feed = read_lines(parser, window, out, why);
    if (feed == POLICY_BAD)
        return feed;
    if (feed == POLICY_MORE && window.n == POLICY_REQUEST_MAX) {
        *why = "a request that is too long";
        return POLICY_BAD;
    }
    /* Also what has no line end yet: junk without one is told from a request that is still on its way. */
    *why =
        refuse_bytes((struct span){ input.p + from, (feed == POLICY_DONE ? parser->at : window.n) - from });
    if (*why != NULL)
        return POLICY_BAD;
    if (feed == POLICY_DONE) {
        out->size = parser->at;
        *parser = (struct policy_parser){ 0 };
    }
    return feed;
}
