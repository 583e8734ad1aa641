/* SPDX-License-Identifier: BSD-2-Clause */
/* The stream is another key than the incident, on a cluster perhaps on another node; so an incident's news
 * are taken out of it only when they are in the stream: each is there at least once. */
#include "leadgate/store_incident.h"

#include "store/answer.h"
#include "store/query.h"
#include "store/store.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* KEYS stream; ARGV length, then fields and values. */
static const char append_script[] =
    "local have = redis.call('TYPE', KEYS[1]).ok\n"
    "if have ~= 'stream' and have ~= 'none' then redis.call('RENAME', KEYS[1], KEYS[1] .. ':odd') end\n"
    "return redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], '*', unpack(ARGV, 2))\n";

/* KEYS incident; ARGV news. Of one that is over nothing is left to keep. */
static const char told_script[] =
    "if redis.call('TYPE', KEYS[1]).ok ~= 'hash' or redis.call('HGET', KEYS[1], 'news') ~= ARGV[1] then\n"
    "  return 0\n"
    "end\n"
    "if (tonumber(redis.call('HGET', KEYS[1], 'percent') or '') or 0) >= 100 then\n"
    "  return redis.call('DEL', KEYS[1])\n"
    "end\n"
    "return redis.call('HDEL', KEYS[1], 'news')\n";

static enum store_rc ask(struct store *store, const struct query *query, int64_t *number, struct err *err)
{
    redisReply *reply;
    enum store_rc rc =
        wire_ask(store_wire(store), query->argc, (const char **)query->argv, query->len, &reply, err);

    if (rc == STORE_OK && number != NULL)
        *number = reply->type == REDIS_REPLY_INTEGER ? reply->integer : 0;
    freeReplyObject(reply);
    return rc;
}

enum store_rc store_tell(struct store *store, struct span provider, const char *words, int64_t length,
                         struct err *err)
{
    struct span rest = span_of(words);
    struct query query = { .argc = 0 };
    char most[24];

    snprintf(most, sizeof(most), "%" PRId64, length);
    query_add(&query, SPAN("EVAL"));
    query_add(&query, span_of(append_script));
    query_add(&query, SPAN("1"));
    query_add(&query, SPAN(INCIDENTS_KEY));
    query_add(&query, span_of(most));
    query_add(&query, SPAN("provider"));
    query_add(&query, provider);
    while (rest.n > 0 && query.argc + 2 <= QUERY_ARGS) {
        struct span value = span_cut(&rest, ' '), name = span_cut(&value, '=');

        query_add(&query, name);
        query_add(&query, value);
    }
    return ask(store, &query, NULL, err);
}

enum store_rc store_tell_incident(struct store *store, struct span provider, const char *news, int64_t length,
                                  struct err *err)
{
    struct query query = { .argc = 0 };
    struct key key;

    if (store_tell(store, provider, news, length, err) == STORE_DOWN)
        return STORE_DOWN;
    key_make_provider(&key, OF_PROVIDER_INCIDENT, provider);
    query_add(&query, SPAN("EVAL"));
    query_add(&query, span_of(told_script));
    query_add(&query, SPAN("1"));
    query_add_key(&query, &key);
    query_add(&query, span_of(news));
    return ask(store, &query, NULL, err);
}

static void tell_entry(const redisReply *entry, store_told_fn *fn, void *ctx)
{
    struct log_field fields[QUERY_ARGS / 2];
    const redisReply *texts;
    size_t n = 0;

    if (entry->type != REDIS_REPLY_ARRAY || entry->elements != 2)
        return;
    texts = entry->element[1];
    for (size_t i = 0; texts->type == REDIS_REPLY_ARRAY && i + 1 < texts->elements; i += 2)
        if (n < sizeof(fields) / sizeof(fields[0]))
            fields[n++] =
                (struct log_field){ answer_text(texts->element[i]), answer_text(texts->element[i + 1]) };
    fn(ctx, fields, n);
}

enum store_rc store_each_told(struct store *store, int64_t most, store_told_fn *fn, void *ctx,
                              struct err *err)
{
    struct query query = { .argc = 0 };
    redisReply *reply;
    char count[24];
    enum store_rc rc;

    snprintf(count, sizeof(count), "%" PRId64, most);
    query_add(&query, SPAN("XREVRANGE"));
    query_add(&query, SPAN(INCIDENTS_KEY));
    query_add(&query, SPAN("+"));
    query_add(&query, SPAN("-"));
    query_add(&query, SPAN("COUNT"));
    query_add(&query, span_of(count));
    rc = wire_ask(store_wire(store), query.argc, query.argv, query.len, &reply, err);
    for (size_t i = 0; rc == STORE_OK && reply->type == REDIS_REPLY_ARRAY && i < reply->elements; i++)
        tell_entry(reply->element[i], fn, ctx);
    freeReplyObject(reply);
    return rc;
}

/* --- who leads --- */

/* KEYS leader; ARGV name, milliseconds. What an operator wrote there, of whatever type, leads: nobody does.
 */
static const char take_script[] = "local have = redis.pcall('GET', KEYS[1])\n"
                                  "if have and have ~= ARGV[1] then return 0 end\n"
                                  "redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])\n"
                                  "return 1\n";

static const char leave_script[] =
    "if redis.pcall('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end\n"
    "return 0\n";

enum store_rc store_take_lead(struct store *store, const char *name, int64_t ms, bool *leads, struct err *err)
{
    struct query query = { .argc = 0 };
    int64_t number = 0;
    enum store_rc rc;
    char life[24];

    snprintf(life, sizeof(life), "%" PRId64, ms);
    query_add(&query, SPAN("EVAL"));
    query_add(&query, span_of(take_script));
    query_add(&query, SPAN("1"));
    query_add(&query, SPAN(LEADER_KEY));
    query_add(&query, span_of(name));
    query_add(&query, span_of(life));
    rc = ask(store, &query, &number, err);
    *leads = rc == STORE_OK && number == 1;
    return rc;
}

enum store_rc store_leave_lead(struct store *store, const char *name, struct err *err)
{
    struct query query = { .argc = 0 };

    query_add(&query, SPAN("EVAL"));
    query_add(&query, span_of(leave_script));
    query_add(&query, SPAN("1"));
    query_add(&query, SPAN(LEADER_KEY));
    query_add(&query, span_of(name));
    return ask(store, &query, NULL, err);
}

enum store_rc store_say_followed(struct store *store, const char *name, int64_t ms, struct err *err)
{
    struct query query = { .argc = 0 };
    char life[24];

    snprintf(life, sizeof(life), "%" PRId64, ms);
    query_add(&query, SPAN("SET"));
    query_add(&query, SPAN(FOLLOWED_KEY));
    query_add(&query, span_of(name));
    query_add(&query, SPAN("PX"));
    query_add(&query, span_of(life));
    return ask(store, &query, NULL, err);
}
