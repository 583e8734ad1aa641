/* SPDX-License-Identifier: BSD-2-Clause */
#include "leadgate/store_position.h"

#include "store/answer.h"
#include "store/keys.h"
#include "store/store.h"

/* A key of that name with another type is an operator's slip: it is set aside, as others are. KEYS positions;
 * ARGV source, place. */
static const char keep_script[] =
    "local have = redis.call('TYPE', KEYS[1]).ok\n"
    "if have ~= 'hash' and have ~= 'none' then redis.call('RENAME', KEYS[1], KEYS[1] .. ':odd') end\n"
    "return redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])\n";

/* On the connection that there is. */
static enum store_rc ask(struct store *store, const struct span *words, int n, redisReply **reply,
                         struct err *err)
{
    const char *argv[6];
    size_t len[6];

    for (int i = 0; i < n; i++) {
        argv[i] = words[i].p;
        len[i] = words[i].n;
    }
    wire_send(store_wire(store), n, argv, len);
    return wire_take(store_wire(store), reply, err);
}

enum store_rc store_find_position(struct store *store, struct span source, char place[POSITION_SIZE],
                                  struct err *err)
{
    const struct span words[] = { SPAN("HGET"), SPAN(POSITIONS_KEY), source };
    redisReply *reply;

    if (wire_ready(store_wire(store), err) == STORE_DOWN || ask(store, words, 3, &reply, err) == STORE_DOWN)
        return STORE_DOWN;
    if (!span_copy(place, POSITION_SIZE, answer_text(reply)))
        place[0] = '\0';
    freeReplyObject(reply);
    return STORE_OK;
}

enum store_rc store_keep_position(struct store *store, struct span source, struct span place, int64_t session,
                                  struct err *err)
{
    const struct span words[] = { SPAN("EVAL"), span_of(keep_script), SPAN("1"), SPAN(POSITIONS_KEY), source,
                                  place };
    redisReply *reply;

    if (wire_still(store_wire(store), session, err) == STORE_DOWN ||
        ask(store, words, 6, &reply, err) == STORE_DOWN)
        return STORE_DOWN;
    freeReplyObject(reply);
    return STORE_OK;
}
