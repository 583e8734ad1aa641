/* SPDX-License-Identifier: BSD-2-Clause */
/* A day is 289 hashes, of which most are not there for most providers; for nearly all of these two days'
 * numbers say already that nothing needs to be added up. */
#include "store/shares.h"

#include "leadgate/store_shares.h"
#include "store/answer.h"
#include "store/guard.h"
#include "store/store.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char shares_script[] =
    "local today = tonumber(ARGV[3])\n"
    "local function tries(day, name)\n"
    "  return tonumber(redis.pcall('HGET', KEYS[2] .. string.format('%d', day), name) or '') or 0\n"
    "end\n"
    "if tries(today - 1, 'tries') + tries(today, 'tries') < tonumber(ARGV[4]) then return {} end\n"
    "local sums, logged, answered, since = {}, 0, 0, tonumber(ARGV[5])\n"
    "for i = tonumber(ARGV[1]), tonumber(ARGV[2]) do\n"
    "  local all = redis.pcall('HGETALL', KEYS[1] .. string.format('%d', i))\n"
    "  for k = 1, #all, 2 do\n"
    "    local name, stream = string.match(all[k], '^([a-z]+)/?([%w%-_.]*)$')\n"
    "    local amount = tonumber(all[k + 1]) or 0\n"
    "    if name == 'logged' then\n"
    "      logged = logged + amount\n"
    "    elseif name == 'risky' and stream == '' and i >= since then\n"
    "      answered = answered + amount\n"
    "    elseif name == 'tries' or name == 'deferred' or name == 'invalid' then\n"
    "      if stream == '' then stream = '*' end\n"
    "      sums[stream] = sums[stream] or {tries = 0, deferred = 0, invalid = 0}\n"
    "      sums[stream][name] = sums[stream][name] + amount\n"
    "    end\n"
    "  end\n"
    "end\n"
    "if logged <= 0 then return {} end\n"
    "local answer = {}\n"
    "for stream, sum in pairs(sums) do\n"
    "  answer[#answer + 1] = stream\n"
    "  answer[#answer + 1] = math.max(0, sum.tries - sum.deferred)\n"
    "  answer[#answer + 1] = sum.invalid\n"
    "  answer[#answer + 1] = stream == '*' and answered or 0\n"
    "end\n"
    "return answer\n";

/* KEYS shares; ARGV seconds, then fields and values. */
static const char write_script[] =
    "redis.call('DEL', KEYS[1])\n"
    "for i = 2, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end\n"
    "return redis.call('EXPIRE', KEYS[1], ARGV[1])\n";

#define SHARES_LIFE "3600"

enum { ARGS = 10 };

void share_list_free(struct share_list *list)
{
    free(list->item);
    *list = (struct share_list){ .n = 0 };
}

/* False when out of memory. */
static bool append(struct share_list *list, struct span provider, struct span stream, redisReply **numbers,
                   int64_t since)
{
    size_t room = list->room == 0 ? 64 : list->room * 2;
    struct share *item;

    if (list->n == list->room) {
        if ((item = realloc(list->item, room * sizeof(*item))) == NULL)
            return false;
        list->item = item;
        list->room = room;
    }
    item = &list->item[list->n];
    item->tries = numbers[0]->integer;
    item->invalid = numbers[1]->integer;
    item->answered = numbers[2]->integer;
    item->since = since;
    /* A name that is too long is none of ours. */
    if (span_copy(item->provider, PROVIDER_SIZE, provider) &&
        span_copy(item->stream, STREAM_NAME_SIZE, stream))
        list->n++;
    return true;
}

/* --- adding up --- */

static void send_shares(struct wire *wire, struct span provider, int64_t now, int64_t least)
{
    char from[24], to[24], today[24], most[24], since[24];
    struct key fives, days;
    const struct span words[ARGS] = {
        SPAN("EVALSHA"),
        span_of(wire_script(wire, SCRIPT_SHARES)),
        SPAN("2"),
        { fives.text, (key_make_count(&fives, COUNT_FIVE, provider, -1), fives.n) },
        { days.text, (key_make_count(&days, COUNT_DAY, provider, -1), days.n) },
        { from, (size_t)snprintf(from, sizeof(from), "%" PRId64, (now - 86400) / 300) },
        { to, (size_t)snprintf(to, sizeof(to), "%" PRId64, now / 300) },
        { today, (size_t)snprintf(today, sizeof(today), "%" PRId64, now / 86400) },
        { most, (size_t)snprintf(most, sizeof(most), "%" PRId64, least) },
        { since, (size_t)snprintf(since, sizeof(since), "%" PRId64, under_way_since(now)) },
    };
    const char *argv[ARGS];
    size_t len[ARGS];

    for (int i = 0; i < ARGS; i++) {
        argv[i] = words[i].p;
        len[i] = words[i].n;
    }
    wire_send(wire, ARGS, argv, len);
}

static bool read_shares(struct share_list *out, struct span provider, int64_t now, const redisReply *reply)
{
    for (size_t i = 0; reply->type == REDIS_REPLY_ARRAY && i + 3 < reply->elements; i += 4)
        if (!append(out, provider, answer_text(reply->element[i]), &reply->element[i + 1],
                    under_way_since(now)))
            return false;
    return true;
}

/* All answers are read, so that the connection stays in step. */
static enum store_rc receive_shares(struct wire *wire, const struct span *providers, size_t n, int64_t now,
                                    struct share_list *out, bool *no_script, struct err *err)
{
    bool room = true;

    for (size_t i = 0; i < n; i++) {
        redisReply *reply = NULL;
        enum store_rc rc = wire_receive(wire, &reply, err);

        if (rc == STORE_DOWN)
            return STORE_DOWN;
        if (answer_is_no_script(reply))
            *no_script = true;
        else if (answer_check(reply, err) == STORE_DOWN)
            rc = wire_fail(wire, err);
        else
            room = room && read_shares(out, providers[i], now, reply);
        freeReplyObject(reply);
        if (rc == STORE_DOWN)
            return STORE_DOWN;
    }
    if (room)
        return STORE_OK;
    err_set(err, "out of memory");
    return STORE_DOWN;
}

enum store_rc store_sum_shares(struct store *store, const struct span *providers, size_t n, int64_t now,
                               int64_t least, struct share_list *out, struct err *err)
{
    struct wire *wire = store_wire(store);
    size_t before = out->n;
    bool no_script;

    if (n == 0)
        return STORE_OK;
    if (wire_ready(wire, err) == STORE_DOWN)
        return STORE_DOWN;
    do {
        no_script = false;
        out->n = before;
        for (size_t i = 0; i < n; i++)
            send_shares(wire, providers[i], now, least);
        if (receive_shares(wire, providers, n, now, out, &no_script, err) == STORE_DOWN ||
            (no_script && wire_load_scripts(wire, err) == STORE_DOWN))
            return STORE_DOWN;
    } while (no_script);
    return STORE_OK;
}

/* --- the hash --- */

struct pair {
    char name[PROVIDER_SIZE + STREAM_NAME_SIZE], value[100];
};

static enum store_rc send_and_check(struct wire *wire, int argc, const char **argv, const size_t *len,
                                    struct err *err)
{
    redisReply *reply;
    enum store_rc rc = wire_ask(wire, argc, argv, len, &reply, err);

    freeReplyObject(reply);
    return rc;
}

enum store_rc store_write_shares(struct store *store, const struct share_list *list, struct err *err)
{
    static const char *const head[] = { "EVAL", write_script, "1", SHARES_KEY, SHARES_LIFE };
    enum { HEAD = sizeof(head) / sizeof(head[0]) };
    struct pair *pairs = calloc(list->n + 1, sizeof(*pairs));
    const char **argv = calloc(HEAD + 2 * list->n, sizeof(*argv));
    size_t *len = calloc(HEAD + 2 * list->n, sizeof(*len));
    enum store_rc rc = STORE_DOWN;
    int argc = 0;

    if (pairs == NULL || argv == NULL || len == NULL) {
        err_set(err, "out of memory");
        goto out;
    }
    for (; argc < HEAD; argc++)
        argv[argc] = head[argc];
    for (size_t i = 0; i < list->n; i++) {
        const struct share *share = &list->item[i];

        snprintf(pairs[i].name, sizeof(pairs[i].name), "%s/%s", share->provider, share->stream);
        share_write(pairs[i].value, sizeof(pairs[i].value), share);
        argv[argc++] = pairs[i].name;
        argv[argc++] = pairs[i].value;
    }
    for (int i = 0; i < argc; i++)
        len[i] = strlen(argv[i]);
    rc = send_and_check(store_wire(store), argc, argv, len, err);
out:
    free(len);
    free(argv);
    free(pairs);
    return rc;
}

enum store_rc store_note_warning(struct store *store, struct span provider, struct span stream,
                                 const char *word, int64_t life, bool *first, struct err *err)
{
    redisReply *reply;
    char seconds[24];
    struct key key;
    const char *argv[] = { "SET", key.text, word, "NX", "EX", seconds };
    size_t len[] = { 3, 0, strlen(word), 2, 2, 0 };
    enum store_rc rc;

    key_make_warning(&key, provider, stream, word);
    len[1] = key.n;
    len[5] = (size_t)snprintf(seconds, sizeof(seconds), "%" PRId64, life);
    rc = wire_ask(store_wire(store), 6, argv, len, &reply, err);
    *first = rc == STORE_OK && reply->type != REDIS_REPLY_NIL;
    freeReplyObject(reply);
    return rc;
}
