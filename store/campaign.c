/* SPDX-License-Identifier: BSD-2-Clause */
/* SET NX decides: of two mails at the same moment one only is the first. Whose note it is tells the GET
 * behind it (in one command they go together from Redis 7 on only). */
#include "leadgate/campaign.h"

#include "store/answer.h"
#include "store/store.h"

#include <stdio.h>

static void send_note(struct wire *wire, const struct campaign *campaign, const struct address *lead,
                      const char *window)
{
    const char *set[] = { "SET", NULL, campaign->queue.p, "NX", "EX", window };
    size_t set_len[] = { 3, 0, campaign->queue.n, 2, 2, span_of(window).n };
    const char *get[] = { "GET", NULL };
    size_t get_len[] = { 3, 0 };
    struct key key;

    key_make_sent(&key, lead, campaign->name);
    set[1] = get[1] = key.text;
    set_len[1] = get_len[1] = key.n;
    wire_send(wire, 6, set, set_len);
    wire_send(wire, 2, get, get_len);
}

/* A key that is there counts, whatever its type. */
static bool is_of_another(const redisReply *set, const redisReply *get, struct span queue)
{
    if (set->type != REDIS_REPLY_NIL || get->type == REDIS_REPLY_NIL)
        return false;
    return !span_eq(answer_text(get), queue);
}

static enum store_rc receive_note(struct wire *wire, const struct campaign *campaign, bool *seen,
                                  struct err *err)
{
    redisReply *set = NULL, *get = NULL;
    enum store_rc rc = wire_take(wire, &set, err);

    if (rc == STORE_OK)
        rc = wire_take(wire, &get, err);
    if (rc == STORE_OK)
        *seen = is_of_another(set, get, campaign->queue);
    freeReplyObject(set);
    freeReplyObject(get);
    return rc;
}

enum store_rc store_note_campaign(struct store *store, const struct campaign *campaign,
                                  const struct address *leads, size_t n, bool *seen, struct err *err)
{
    struct wire *wire = store_wire(store);
    char window[24];

    if (wire_ready(wire, err) == STORE_DOWN)
        return STORE_DOWN;
    snprintf(window, sizeof(window), "%lld", (long long)campaign->window);
    for (size_t i = 0; i < n; i++)
        send_note(wire, campaign, &leads[i], window);
    for (size_t i = 0; i < n; i++)
        if (receive_note(wire, campaign, &seen[i], err) == STORE_DOWN)
            return STORE_DOWN;
    return STORE_OK;
}
