/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/bounced.h"

#include "store/answer.h"
#include "store/query.h"
#include "store/undo.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOUR INT64_C(3600)
#define PAGE "32" /* entries read at a time; each names a batch of leads at most */

/* KEYS bounced:N; ARGV fields and values. */
static const char append_script[] =
    "local have = redis.call('TYPE', KEYS[1]).ok\n"
    "if have ~= 'stream' and have ~= 'none' then redis.call('RENAME', KEYS[1], KEYS[1] .. ':odd') end\n"
    "redis.call('XADD', KEYS[1], '*', unpack(ARGV))\n"
    "return redis.call('EXPIRE', KEYS[1], " UNDO_KEPT " + 3600)\n";

enum { VALUE_SIZE = 24 + 32 + UNDO_PROVIDER_SIZE, HEAD = 4 };

struct bounced {
    size_t most, n;
    const char **argv;
    size_t *len;
    char (*values)[VALUE_SIZE];
};

struct bounced *bounced_new(size_t most)
{
    struct bounced *bounced = calloc(1, sizeof(*bounced));

    if (bounced == NULL)
        return NULL;
    bounced->most = most;
    bounced->argv = calloc(HEAD + 2 * most, sizeof(*bounced->argv));
    bounced->len = calloc(HEAD + 2 * most, sizeof(*bounced->len));
    bounced->values = calloc(most, sizeof(*bounced->values));
    if (bounced->argv != NULL && bounced->len != NULL && bounced->values != NULL)
        return bounced;
    bounced_free(bounced);
    return NULL;
}

void bounced_free(struct bounced *bounced)
{
    if (bounced == NULL)
        return;
    free(bounced->argv);
    free(bounced->len);
    free(bounced->values);
    free(bounced);
}

static void set(struct bounced *bounced, size_t at, struct span text)
{
    bounced->argv[at] = text.p;
    bounced->len[at] = text.n;
}

void bounced_add(struct bounced *bounced, const struct event *event, int64_t at)
{
    char provider[UNDO_PROVIDER_SIZE], *value = bounced->values[bounced->n];

    undo_provider(provider, event->provider);
    snprintf(value, VALUE_SIZE, "%" PRId64 " %s %s", at, cause_name(event->cause), provider);
    set(bounced, HEAD + 2 * bounced->n, address_span(&event->lead));
    set(bounced, HEAD + 2 * bounced->n + 1, span_of(value));
    bounced->n++;
}

static struct span key_of(char dst[64], int64_t hour)
{
    snprintf(dst, 64, BOUNCED_KEY ":%" PRId64, hour);
    return span_of(dst);
}

bool bounced_send(struct bounced *bounced, struct wire *wire, int64_t now)
{
    char key[64];

    if (bounced->n == 0)
        return false;
    set(bounced, 0, SPAN("EVAL"));
    set(bounced, 1, span_of(append_script));
    set(bounced, 2, SPAN("1"));
    set(bounced, 3, key_of(key, now / HOUR));
    wire_send(wire, HEAD + 2 * (int)bounced->n, bounced->argv, bounced->len);
    bounced->n = 0;
    return true;
}

enum store_rc bounced_receive(struct wire *wire, struct err *err)
{
    redisReply *reply = NULL;
    enum store_rc rc = wire_take(wire, &reply, err);

    freeReplyObject(reply);
    return rc;
}

/* --- reading --- */

static enum store_rc tell_one(const redisReply *lead, const redisReply *value, bounced_fn *fn, void *ctx,
                              struct err *err)
{
    struct bounced_lead one = { .lead = answer_text(lead), .provider = answer_text(value) };

    if (!span_int64(span_cut(&one.provider, ' '), &one.at))
        return STORE_OK;
    one.cause = span_cut(&one.provider, ' ');
    return fn(ctx, &one, err);
}

/* [id, [lead, value, ...]]; what somebody wrote by hand is passed over. */
static enum store_rc tell_entry(const redisReply *entry, bounced_fn *fn, void *ctx, struct err *err)
{
    const redisReply *fields;

    if (entry->type != REDIS_REPLY_ARRAY || entry->elements != 2)
        return STORE_OK;
    fields = entry->element[1];
    for (size_t i = 0; fields->type == REDIS_REPLY_ARRAY && i + 1 < fields->elements; i += 2)
        if (tell_one(fields->element[i], fields->element[i + 1], fn, ctx, err) == STORE_DOWN)
            return STORE_DOWN;
    return STORE_OK;
}

static enum store_rc read_page(struct wire *wire, struct span key, struct span from, redisReply **out,
                               struct err *err)
{
    struct query query = { .argc = 0 };

    query_add(&query, SPAN("XRANGE"));
    query_add(&query, key);
    query_add(&query, from);
    query_add(&query, SPAN("+"));
    query_add(&query, SPAN("COUNT"));
    query_add(&query, SPAN(PAGE));
    return wire_ask(wire, query.argc, query.argv, query.len, out, err);
}

/* Where the next page begins: just behind the id `1796083200123-4`. (XRANGE knows `(ID` from Redis 6.2 on.)
 */
static bool next_id(char from[64], const redisReply *page)
{
    const redisReply *last = page->elements > 0 ? page->element[page->elements - 1] : NULL;
    struct span sequence, time;
    int64_t number;

    if (last == NULL || last->type != REDIS_REPLY_ARRAY || last->elements == 0)
        return false;
    sequence = answer_text(last->element[0]);
    time = span_cut(&sequence, '-');
    if (!span_int64(sequence, &number) || time.n > 24)
        return false;
    snprintf(from, 64, "%.*s-%" PRId64, SPAN_FMT(time), number + 1);
    return true;
}

static enum store_rc walk_hour(struct wire *wire, struct span key, bounced_fn *fn, void *ctx, struct err *err)
{
    enum store_rc rc = STORE_OK;
    char from[64] = "-";
    bool more = true;

    while (rc == STORE_OK && more) {
        redisReply *page = NULL;

        if (read_page(wire, key, span_of(from), &page, err) == STORE_DOWN)
            return STORE_DOWN;
        more = page->type == REDIS_REPLY_ARRAY && next_id(from, page);
        for (size_t i = 0; rc == STORE_OK && more && i < page->elements; i++)
            rc = tell_entry(page->element[i], fn, ctx, err);
        freeReplyObject(page);
    }
    return rc;
}

enum store_rc bounced_each(struct wire *wire, int64_t since, int64_t now, bounced_fn *fn, void *ctx,
                           struct err *err)
{
    int64_t last = now / HOUR, first = since / HOUR;
    char key[64];

    if (first < last - BOUNCED_HOURS)
        first = last - BOUNCED_HOURS;
    /* Nothing is committed before it happens, by the clock of the host that commits it; which may be ahead of
     * ours. */
    for (int64_t hour = first; hour <= last + 1; hour++)
        if (walk_hour(wire, key_of(key, hour), fn, ctx, err) == STORE_DOWN)
            return STORE_DOWN;
    return STORE_OK;
}
