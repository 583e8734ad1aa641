/* SPDX-License-Identifier: BSD-2-Clause */
/* admin: what the parts of store_admin.h share. */
#ifndef LEADGATE_STORE_ADMIN_INTERNAL_H
#define LEADGATE_STORE_ADMIN_INTERNAL_H

#include "leadgate/store_admin.h"
#include "store/keys.h"
#include "store/query.h"
#include "store/wire.h"

#include <string.h>

struct admin {
    const struct store_settings *settings;
    struct wire *wire;
};

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
