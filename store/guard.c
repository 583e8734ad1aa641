/* SPDX-License-Identifier: BSD-2-Clause */
#include "leadgate/store_guard.h"

#include "store/answer.h"
#include "store/guard.h"
#include "store/query.h"
#include "store/store.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT_MOST INT64_C(1000000000000)

/* One of the numbers; false when there is none. */
static bool read_count(struct span *value, int64_t *out)
{
    if (!span_int64(span_cut(value, ' '), out) || *out < 0)
        return false;
    if (*out > COUNT_MOST)
        *out = COUNT_MOST;
    return true;
}

bool share_read(struct share *out, struct span value)
{
    if (!read_count(&value, &out->tries) || !read_count(&value, &out->invalid))
        return false;
    if (!read_count(&value, &out->answered) || !read_count(&value, &out->since))
        out->answered = out->since = 0;
    return true;
}

void share_write(char *text, size_t size, const struct share *share)
{
    int n = snprintf(text, size, "%" PRId64 " %" PRId64, share->tries, share->invalid);

    if (strcmp(share->stream, "*") == 0)
        snprintf(text + n, size - (size_t)n, " %" PRId64 " %" PRId64, share->answered, share->since);
}

static bool read_row(struct share *out, struct span field, struct span value)
{
    const char *slash = memrchr(field.p, '/', field.n);
    size_t n = slash == NULL ? 0 : (size_t)(slash - field.p);

    return n > 0 && share_read(out, value) &&
           span_copy(out->provider, sizeof(out->provider), (struct span){ field.p, n }) &&
           span_copy(out->stream, sizeof(out->stream), (struct span){ slash + 1, field.n - n - 1 });
}

static bool read_rows(struct share_list *out, const redisReply *hash)
{
    size_t n = hash->type == REDIS_REPLY_ARRAY ? hash->elements / 2 : 0;

    if (n == 0)
        return true;
    if ((out->item = calloc(n, sizeof(*out->item))) == NULL)
        return false;
    out->room = n;
    for (size_t i = 0; i < n; i++)
        out->n += read_row(&out->item[out->n], answer_text(hash->element[2 * i]),
                           answer_text(hash->element[2 * i + 1]));
    return true;
}

enum store_rc store_read_shares(struct store *store, struct share_list *out, struct err *err)
{
    struct query query = { .argc = 0 };
    redisReply *reply;
    bool room;

    *out = (struct share_list){ .n = 0 };
    query_add(&query, SPAN("HGETALL"));
    query_add(&query, SPAN(SHARES_KEY));
    if (wire_ask(store_wire(store), query.argc, query.argv, query.len, &reply, err) == STORE_DOWN)
        return STORE_DOWN;
    room = read_rows(out, reply);
    freeReplyObject(reply);
    if (room)
        return STORE_OK;
    err_set(err, "out of memory");
    return STORE_DOWN;
}

/* One command of a key of each provider, in one write; the answers are the caller's to take. */
static enum store_rc send_of_each(struct wire *wire, struct span command, enum provider_key kind,
                                  const struct span *providers, size_t n, struct err *err)
{
    if (wire_ready(wire, err) == STORE_DOWN)
        return STORE_DOWN;
    for (size_t i = 0; i < n; i++) {
        struct query query = { .argc = 0 };
        struct key key;

        key_make_provider(&key, kind, providers[i]);
        query_add(&query, command);
        query_add_key(&query, &key);
        wire_send(wire, query.argc, query.argv, query.len);
    }
    return STORE_OK;
}

enum store_rc store_find_releases(struct store *store, const struct span *providers, size_t n, int64_t now,
                                  struct release *out, struct err *err)
{
    struct wire *wire = store_wire(store);

    if (n == 0)
        return STORE_OK;
    if (send_of_each(wire, SPAN("PTTL"), OF_PROVIDER_RELEASE, providers, n, err) == STORE_DOWN)
        return STORE_DOWN;
    for (size_t i = 0; i < n; i++) {
        redisReply *reply;
        struct optout end;

        if (wire_take(wire, &reply, err) == STORE_DOWN)
            return STORE_DOWN;
        answer_read_ttl(&end, reply, now);
        out[i] = (struct release){ .present = end.present, .until = end.until };
        freeReplyObject(reply);
    }
    return STORE_OK;
}

/* HGETALL of what passed: those of the five minutes from since on. */
static int64_t read_passed(const redisReply *hash, int64_t since)
{
    int64_t sum = 0, five, amount;

    for (size_t i = 0; hash->type == REDIS_REPLY_ARRAY && i + 1 < hash->elements; i += 2) {
        struct span value = answer_text(hash->element[i + 1]);

        if (span_int64(answer_text(hash->element[i]), &five) && five >= since && read_count(&value, &amount))
            sum += amount;
    }
    return sum;
}

enum store_rc store_count_passed(struct store *store, const struct span *providers, size_t n,
                                 const int64_t *since, int64_t *out, struct err *err)
{
    struct wire *wire = store_wire(store);

    if (n == 0)
        return STORE_OK;
    if (send_of_each(wire, SPAN("HGETALL"), OF_PROVIDER_PASSED, providers, n, err) == STORE_DOWN)
        return STORE_DOWN;
    for (size_t i = 0; i < n; i++) {
        redisReply *reply;

        if (wire_take(wire, &reply, err) == STORE_DOWN)
            return STORE_DOWN;
        out[i] = read_passed(reply, since[i]);
        freeReplyObject(reply);
    }
    return STORE_OK;
}

enum store_rc store_release(struct store *store, struct span provider, int64_t seconds, struct span why,
                            struct err *err)
{
    struct query query = { .argc = 0 };
    redisReply *reply;
    struct key key;
    char length[24];

    key_make_provider(&key, OF_PROVIDER_RELEASE, provider);
    snprintf(length, sizeof(length), "%" PRId64, seconds);
    query_add(&query, SPAN("SET"));
    query_add_key(&query, &key);
    query_add(&query, why);
    query_add(&query, SPAN("EX"));
    query_add(&query, span_of(length));
    if (wire_ask(store_wire(store), query.argc, query.argv, query.len, &reply, err) == STORE_DOWN)
        return STORE_DOWN;
    freeReplyObject(reply);
    return STORE_OK;
}
