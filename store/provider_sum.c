/* SPDX-License-Identifier: BSD-2-Clause */
/* The hashes are added up by Redis: a window is some of them, a month some thirty, and what is asked for is
 * eight numbers. Their names are made there, which a cluster bears, too: they carry the hash tag of the key
 * that is named. */
#include "store/provider_sum.h"

#include "leadgate/store_provider.h"
#include "store/answer.h"
#include "store/provider_note.h"
#include "store/store.h"

#include <inttypes.h>
#include <stdio.h>

const char sum_script[] =
    "local fields = {'tries', 'delivered', 'faults', 'known', 'known-dead', 'invalid', 'logged'}\n"
    "local sums, sets = {0}, {}\n"
    "for k = 1, #fields do sums[k + 1] = 0 end\n"
    "for i = tonumber(ARGV[1]), tonumber(ARGV[2]) do\n"
    "  local key = KEYS[1] .. string.format('%d', i)\n"
    "  local values = redis.pcall('HMGET', key, unpack(fields))\n"
    "  for k = 1, #values do sums[k + 1] = sums[k + 1] + (tonumber(values[k] or '') or 0) end\n"
    "  sets[#sets + 1] = key .. ':leads'\n"
    "end\n"
    "if ARGV[3] == '1' and #sets > 0 then\n"
    "  local leads = redis.pcall('PFCOUNT', unpack(sets))\n"
    "  sums[1] = type(leads) == 'number' and leads or 0\n"
    "end\n"
    "return sums\n";

enum { SUMS = 8, ARGS = 7 };

struct numbers {
    enum provider_count_key kind;
    int64_t from, to;
    bool leads;
};

static struct numbers numbers_of(struct stretch stretch)
{
    switch (stretch.of) {
    case STRETCH_FIVES: return (struct numbers){ COUNT_FIVE, stretch.from / 300, stretch.to / 300, true };
    case STRETCH_DAYS: return (struct numbers){ COUNT_DAY, stretch.from / 86400, stretch.to / 86400, false };
    case STRETCH_STEP: break;
    }
    return (struct numbers){ COUNT_STEP, stretch.from, stretch.to, true };
}

static void send_sum(struct wire *wire, struct span provider, const struct numbers *numbers)
{
    char from[24], to[24];
    struct key key;
    const struct span words[ARGS] = {
        SPAN("EVALSHA"),
        span_of(wire_script(wire, SCRIPT_SUM)),
        SPAN("1"),
        { key.text, (key_make_count(&key, numbers->kind, provider, -1), key.n) },
        { from, (size_t)snprintf(from, sizeof(from), "%" PRId64, numbers->from) },
        { to, (size_t)snprintf(to, sizeof(to), "%" PRId64, numbers->to) },
        numbers->leads ? SPAN("1") : SPAN("0"),
    };
    const char *argv[ARGS];
    size_t len[ARGS];

    for (int i = 0; i < ARGS; i++) {
        argv[i] = words[i].p;
        len[i] = words[i].n;
    }
    wire_send(wire, ARGS, argv, len);
}

static void read_sum(const redisReply *reply, struct provider_sum *out)
{
    int64_t *const members[SUMS] = { &out->count.leads,  &out->count.tries, &out->delivered,
                                     &out->count.faults, &out->count.known, &out->count.known_dead,
                                     &out->invalid,      &out->logged };

    *out = (struct provider_sum){ .invalid = 0 };
    for (size_t i = 0; reply->type == REDIS_REPLY_ARRAY && i < reply->elements && i < SUMS; i++)
        if (reply->element[i]->type == REDIS_REPLY_INTEGER)
            *members[i] = reply->element[i]->integer;
}

/* All answers are read, so that the connection stays in step. */
static enum store_rc receive_sums(struct wire *wire, size_t n, struct provider_sum *out, bool *no_script,
                                  struct err *err)
{
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
            read_sum(reply, &out[i]);
        freeReplyObject(reply);
        if (rc == STORE_DOWN)
            return STORE_DOWN;
    }
    return STORE_OK;
}

enum store_rc store_sum_answers(struct store *store, const struct span *providers, size_t n,
                                struct stretch stretch, struct provider_sum *out, struct err *err)
{
    struct numbers numbers = numbers_of(stretch);
    struct wire *wire = store_wire(store);
    bool no_script;

    if (wire_ready(wire, err) == STORE_DOWN)
        return STORE_DOWN;
    do {
        no_script = false;
        for (size_t i = 0; i < n; i++)
            send_sum(wire, providers[i], &numbers);
        if (receive_sums(wire, n, out, &no_script, err) == STORE_DOWN ||
            (no_script && wire_load_scripts(wire, err) == STORE_DOWN))
            return STORE_DOWN;
    } while (no_script);
    return STORE_OK;
}

/* KEYS what the names of the five minutes and of the days begin with; ARGV the first number, the last one. */
static const char forgive_script[] =
    "for i = tonumber(ARGV[1]), tonumber(ARGV[2]) do\n"
    "  local key, day = KEYS[1] .. string.format('%d', i), KEYS[2] .. string.format('%d', math.floor(i / "
    "288))\n"
    "  local all = redis.pcall('HGETALL', key)\n"
    "  for k = 1, #all, 2 do\n"
    "    local amount = tonumber(all[k + 1]) or 0\n"
    "    if string.sub(all[k], 1, 7) == 'invalid' and amount > 0 then\n"
    "      redis.call('HDEL', key, all[k])\n"
    "      if redis.call('EXISTS', day) == 1 then redis.pcall('HINCRBY', day, all[k], -amount) end\n"
    "    end\n"
    "  end\n"
    "end\n"
    "return 1\n";

enum store_rc store_forgive_invalid(struct store *store, struct span provider, int64_t from, int64_t to,
                                    struct err *err)
{
    char first[24], last[24];
    struct key fives, days;
    const char *argv[] = { "EVAL", forgive_script, "2", fives.text, days.text, first, last };
    size_t len[] = { 4, sizeof(forgive_script) - 1, 1, 0, 0, 0, 0 };
    redisReply *reply;
    enum store_rc rc;

    if (from < to - FIVES_KEPT)
        from = to - FIVES_KEPT;
    key_make_count(&fives, COUNT_FIVE, provider, -1);
    key_make_count(&days, COUNT_DAY, provider, -1);
    len[3] = fives.n;
    len[4] = days.n;
    len[5] = (size_t)snprintf(first, sizeof(first), "%" PRId64, from / 300);
    len[6] = (size_t)snprintf(last, sizeof(last), "%" PRId64, to / 300);
    rc = wire_ask(store_wire(store), 7, argv, len, &reply, err);
    freeReplyObject(reply);
    return rc;
}
