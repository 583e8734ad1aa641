/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/returning.h"

#include "store/answer.h"
#include "store/query.h"

/* How long a domain is looked at after the last opt-out, in seconds: 400 days, beyond the longest that the
 * settings allow and the 30 days in which a lead comes back. */
#define RETURNING_LIFE "34560000"

void returning_send(struct wire *wire, const struct address *lead)
{
    struct query query = { .argc = 0 };
    struct key key;

    key_make(&key, KEY_DOMAIN_RETURNING, lead);
    query_add(&query, SPAN("SET"));
    query_add_key(&query, &key);
    query_add(&query, SPAN("1"));
    query_add(&query, SPAN("EX"));
    query_add(&query, SPAN(RETURNING_LIFE));
    wire_send(wire, query.argc, query.argv, query.len);
}

enum store_rc returning_receive(struct wire *wire, struct err *err)
{
    redisReply *reply = NULL;
    enum store_rc rc = wire_take(wire, &reply, err);

    freeReplyObject(reply);
    return rc;
}
