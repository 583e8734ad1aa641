/* SPDX-License-Identifier: BSD-2-Clause */
/* wire: one blocking connection to Redis. Commands are queued and go out in one write when the first answer
 * is asked for; answers come in order. A broken or slow connection is closed, and opened again when it is
 * next needed, not more often than the back-off allows (100 ms doubling to 5 s). One thread. */
#ifndef LEADGATE_STORE_WIRE_H
#define LEADGATE_STORE_WIRE_H

#include "leadgate/store.h"

#include <hiredis/hiredis.h>

struct wire;

struct wire *wire_new(const struct store_settings *settings); /* NULL: out of memory */
void wire_free(struct wire *wire);

/* Makes sure that there is a connection: authenticated, database chosen, scripts loaded. */
enum store_rc wire_ready(struct wire *wire, struct err *err);

/* Which connection it is: how many there have been. */
int64_t wire_session(const struct wire *wire);
/* As wire_ready(), on that very one: STORE_DOWN where it was lost meanwhile, also if there is a new one. */
enum store_rc wire_still(struct wire *wire, int64_t session, struct err *err);

/* Queues one command. Only after wire_ready(); failures show up at wire_receive(). */
void wire_send(struct wire *wire, int argc, const char **argv, const size_t *len);

/* The next answer; the caller frees it with freeReplyObject(). STORE_DOWN: the connection is closed and every
 * answer still to come is lost. Redis's error replies are answers. */
enum store_rc wire_receive(struct wire *wire, redisReply **out, struct err *err);

/* The same, where an error means "not now", as a broken connection does: STORE_DOWN, and *out is NULL. That a
 * key is of another type is an answer (answer_check()). */
enum store_rc wire_take(struct wire *wire, redisReply **out, struct err *err);

/* One command and its answer, by wire_ready(), wire_send() and wire_take(). Nothing may be outstanding. */
enum store_rc wire_ask(struct wire *wire, int argc, const char **argv, const size_t *len, redisReply **out,
                       struct err *err);

/* The scripts that a connection has loaded. */
enum script { SCRIPT_COMMIT, SCRIPT_QUESTION, SCRIPT_NOTE, SCRIPT_LEARN, SCRIPT_SUM, SCRIPT_SHARES, SCRIPTS };

/* Loads them again (Redis answered NOSCRIPT). Nothing may be outstanding. */
enum store_rc wire_load_scripts(struct wire *wire, struct err *err);

/* What EVALSHA is to name; valid after wire_ready(). */
const char *wire_script(const struct wire *wire, enum script script);

/* Closes the connection because of an answer that means "not now" (LOADING, READONLY, OOM, ...), as if it had
 * broken: what is still to come on it is not wanted. Returns STORE_DOWN. */
enum store_rc wire_fail(struct wire *wire, const struct err *err);

#endif
