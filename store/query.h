/* SPDX-License-Identifier: BSD-2-Clause */
/* query: a command in hiredis's argv form, put together piece by piece. The texts are borrowed. */
#ifndef LEADGATE_STORE_QUERY_H
#define LEADGATE_STORE_QUERY_H

#include "leadgate/span.h"
#include "store/keys.h"

enum { QUERY_ARGS = 48 };

struct query {
    const char *argv[QUERY_ARGS];
    size_t len[QUERY_ARGS];
    int argc;
};

static inline void query_add(struct query *query, struct span text)
{
    query->argv[query->argc] = text.p;
    query->len[query->argc] = text.n;
    query->argc++;
}

static inline void query_add_key(struct query *query, const struct key *key)
{
    query_add(query, (struct span){ key->text, key->n });
}

#endif
