/* SPDX-License-Identifier: BSD-2-Clause */
/* A reader of logs with the shipped rules, and what it told, as text. */
#ifndef TEST_MAILLOG_WORLD_H
#define TEST_MAILLOG_WORLD_H

#include "leadgate/maillog.h"

#define WORLD_NOW INT64_C(1795338000) /* 2026-11-22 09:00:00 UTC; TZ is UTC */

/* mail to bounce@shop.example and over 127.0.0.0/8 is of no lead; 100 messages are remembered. */
struct maillog_settings world_settings(void);

struct world {
    struct maillog *maillog;
    char told[65536]; /* a line for each delivery since the last world_read(); see world_tell() */
    size_t n;
    struct finding last; /* of the last delivery */
    char message[512], relay[256], provider[PROVIDER_SIZE];
    int64_t at, sent;
};

void world_open(struct world *world, const struct maillog_settings *settings);
void world_close(struct world *world);

/* `sent ann@example.com`, `deferred ann@example.com mailbox-full 4.2.2 452`; what the maillog_fn of
 * world_read() does. ctx: the world. */
void world_tell(void *ctx, const struct delivery *delivery);

/* Reads the lines of a text. Returns world->told. */
const char *world_read(struct world *world, const char *lines);

#endif
