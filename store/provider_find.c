/* SPDX-License-Identifier: BSD-2-Clause */
#include "leadgate/store_provider.h"

#include "store/answer.h"
#include "store/store.h"

static void send_domain(struct wire *wire, struct span domain)
{
    struct key key;
    const char *argv[] = { "HMGET", key.text, "provider", "at" };
    size_t len[] = { 5, 0, 8, 2 };

    key_make_domain(&key, domain);
    len[1] = key.n;
    wire_send(wire, 4, argv, len);
}

/* A hash of another type, or without a name that could be a provider's, says nothing. */
static void read_domain(struct store *store, struct span domain, const redisReply *reply,
                        char provider[PROVIDER_SIZE])
{
    int64_t at = 0;

    provider[0] = '\0';
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2)
        return;
    (void)span_int64(answer_text(reply->element[1]), &at);
    if (span_copy(provider, PROVIDER_SIZE, answer_text(reply->element[0])) && provider[0] != '\0')
        known_domains_note(store_domains(store), domain, span_of(provider), at);
}

static enum store_rc receive_domain(struct store *store, struct span domain, char provider[PROVIDER_SIZE],
                                    struct err *err)
{
    redisReply *reply = NULL;
    enum store_rc rc = wire_take(store_wire(store), &reply, err);

    if (rc == STORE_OK)
        read_domain(store, domain, reply, provider);
    freeReplyObject(reply);
    return rc;
}

/* Copies what is remembered; false when that is nothing. */
static bool recall(struct store *store, struct span domain, char provider[PROVIDER_SIZE])
{
    const char *known = known_domains_find(store_domains(store), domain);

    return known != NULL && span_copy(provider, PROVIDER_SIZE, span_of(known));
}

enum store_rc store_find_domains(struct store *store, const struct span *domains, size_t n,
                                 char (*providers)[PROVIDER_SIZE], struct err *err)
{
    size_t asked = 0;

    /* "?" is no provider's name: this one is asked about. */
    for (size_t i = 0; i < n; i++) {
        if (recall(store, domains[i], providers[i]))
            continue;
        if (asked++ == 0 && wire_ready(store_wire(store), err) == STORE_DOWN)
            return STORE_DOWN;
        (void)span_copy(providers[i], PROVIDER_SIZE, SPAN("?"));
        send_domain(store_wire(store), domains[i]);
    }
    for (size_t i = 0; asked > 0 && i < n; i++)
        if (span_eq(span_of(providers[i]), SPAN("?")) &&
            receive_domain(store, domains[i], providers[i], err) == STORE_DOWN)
            return STORE_DOWN;
    return STORE_OK;
}
