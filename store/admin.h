/* SPDX-License-Identifier: BSD-2-Clause */
/* admin: what the parts of store_admin.h share. */
#ifndef LEADGATE_STORE_ADMIN_INTERNAL_H
#define LEADGATE_STORE_ADMIN_INTERNAL_H

#include "leadgate/store_admin.h"
#include "store/keys.h"
#include "store/wire.h"

#include <string.h>

struct admin {
    const struct store_settings *settings;
    struct wire *wire;
};

/* A command in hiredis's argv form, put together piece by piece. */
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

/* Queues NAME KEY. */
static inline void admin_send(struct admin *admin, const char *name, struct span key)
{
    const char *argv[] = { name, key.p };
    const size_t len[] = { strlen(name), key.n };

    wire_send(admin->wire, 2, argv, len);
}

/* The next answer, which the caller frees; an error other than WRONGTYPE is STORE_DOWN. */
enum store_rc admin_receive(struct admin *admin, redisReply **out, struct err *err);

/* The text of a reply, or of nothing. */
void admin_copy_text(char *dst, size_t size, const redisReply *reply);

#endif
