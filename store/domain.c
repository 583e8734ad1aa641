/* SPDX-License-Identifier: BSD-2-Clause */
/* All of this may have been written by hand. A key that is there counts, whatever it holds.
 *
 * The script names the provider's keys by what it finds in the domain's, which Redis Cluster would not have:
 * leads, domains and providers live in one Redis. */
#include "store/domain.h"

#include "store/answer.h"
#include "store/guard.h"

#include <inttypes.h>
#include <stdio.h>

/* How long it is known what was let pass, in seconds and in five minutes: much longer than somebody is under
 * way, so that one who never answers is known for that. */
#define PASSED_LIFE  "3900"
#define PASSED_FIVES "12"

/* KEYS  domain domain-hold domain-returning
 * ARGV  1 the provider where none is known, 2 streams, 3 now, 4 the number of the five minutes that it is
 * then, 5 the first in which somebody may be under way
 *
 * What was let pass by a domain's own name goes with the domain once it is known who answers for it; unless
 * that name is a provider's, too. Where nothing can be written all is told the same. */
const char place_script[] =
    "local own, now, since = ARGV[1], tonumber(ARGV[4]), tonumber(ARGV[5])\n"
    "local p = redis.pcall('HGET', KEYS[1], 'provider')\n"
    "if type(p) ~= 'string' or p == '' then p = own end\n"
    "local function key(name, rest) return '" PROVIDER_BEFORE "' .. name .. rest end\n"
    "local function is_there(rest) return redis.call('EXISTS', key(p, rest)) end\n"
    "local function is_heard(name)\n"
    "  local at = redis.pcall('ZSCORE', '" PROVIDERS_KEY "', name)\n"
    "  return type(at) == 'string' and tonumber(at) > tonumber(ARGV[3]) - 86400\n"
    "end\n"
    "local percent, fields = '100', {p .. '/*'}\n"
    "local left = redis.call('TTL', key(p, '" PROVIDER_INCIDENT "'))\n"
    "if left == -1 or left > " INCIDENT_NEGLECTED " then\n"
    "  percent = redis.pcall('HGET', key(p, '" PROVIDER_INCIDENT "'), 'percent')\n"
    "end\n"
    "for stream in string.gmatch(ARGV[2], '%S+') do fields[#fields + 1] = p .. '/' .. stream end\n"
    "local shares = redis.pcall('HMGET', '" SHARES_KEY "', unpack(fields))\n"
    "local passed, before = key(p, '" PROVIDER_PASSED "'), key(own, '" PROVIDER_PASSED "')\n"
    "if p ~= own and redis.call('EXISTS', before) == 1 and not is_heard(own) then\n"
    "  local counts, good = redis.pcall('HGETALL', before), true\n"
    "  for i = 1, #counts, 2 do\n"
    "    good = good and type(redis.pcall('HINCRBY', passed, counts[i], counts[i + 1])) == 'number'\n"
    "  end\n"
    "  if good then\n"
    "    redis.pcall('DEL', before)\n"
    "    redis.pcall('EXPIRE', passed, " PASSED_LIFE ")\n"
    "  end\n"
    "end\n"
    "local answered, first = string.match(shares[1] or '', '^%d+ %d+ (%d+) (%d+)$')\n"
    "local under_way, late = -(tonumber(answered or '') or 0), false\n"
    "first = tonumber(first or '') or 0\n"
    "if first == 0 then first = since end\n"
    "local counts = redis.pcall('HGETALL', passed)\n"
    "for i = 1, #counts, 2 do\n"
    "  local n, amount = tonumber(counts[i]) or 0, tonumber(counts[i + 1]) or 0\n"
    "  if n > now + 1 or n < now - " PASSED_FIVES " then\n"
    "    redis.pcall('HDEL', passed, counts[i])\n"
    "  else\n"
    "    if n >= first then under_way = under_way + amount end\n"
    "    late = late or n < now - 1\n"
    "  end\n"
    "end\n"
    "late = late and not is_heard(p)\n"
    "return {p, redis.call('EXISTS', KEYS[2]), redis.call('EXISTS', KEYS[3]), is_there('" PROVIDER_HOLD
    "'),\n"
    "  percent, is_there('" PROVIDER_RELEASE "'), redis.call('EXISTS', '" FOLLOWED_KEY
    "'), late and 1 or 0,\n"
    "  math.min(math.max(0, under_way), 1e12), shares}\n";

/* KEYS  provider's-passed leadgate:passed
 * ARGV  1 the number of five minutes, 2 how many, 3 the provider, 4 now */
static const char passed_script[] =
    "for i, want in ipairs({'hash', 'zset'}) do\n"
    "  local have = redis.call('TYPE', KEYS[i]).ok\n"
    "  if have ~= want and have ~= 'none' then redis.call('RENAME', KEYS[i], KEYS[i] .. ':odd') end\n"
    "end\n"
    "redis.call('HINCRBY', KEYS[1], ARGV[1], ARGV[2])\n"
    "redis.call('EXPIRE', KEYS[1], " PASSED_LIFE ")\n"
    "redis.call('ZADD', KEYS[2], ARGV[4], ARGV[3])\n"
    "redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', ARGV[4] - " PASSED_LIFE ")\n"
    "return redis.call('EXPIRE', KEYS[2], " PASSED_LIFE ")\n";

enum {
    PART_PROVIDER,
    PART_DOMAIN_HOLD,
    PART_RETURNING,
    PART_HOLD,
    PART_PERCENT,
    PART_RELEASE,
    PART_FOLLOWED,
    PART_LATE,
    PART_UNDER_WAY,
    PART_SHARES,
    PARTS
};

static void add(struct domain_question *question, struct span text)
{
    question->argv[question->argc] = text.p;
    question->len[question->argc] = text.n;
    question->argc++;
}

/* text: where the number is written to. */
static struct span number_of(char text[24], int64_t number)
{
    return (struct span){ text, (size_t)snprintf(text, 24, "%" PRId64, number) };
}

void domain_question_make(struct domain_question *question, const char *sha, const struct address *lead,
                          struct span otherwise, struct span streams, int64_t now)
{
    question->argc = 0;
    add(question, SPAN("EVALSHA"));
    add(question, span_of(sha));
    add(question, SPAN("3"));
    key_make_domain(&question->keys[0], address_domain(lead));
    key_make(&question->keys[1], KEY_DOMAIN_HOLD, lead);
    key_make(&question->keys[2], KEY_DOMAIN_RETURNING, lead);
    for (int i = 0; i < DOMAIN_KEYS; i++)
        add(question, (struct span){ question->keys[i].text, question->keys[i].n });
    add(question, otherwise);
    add(question, streams);
    add(question, number_of(question->now, now));
    add(question, number_of(question->five, now / 300));
    add(question, number_of(question->since, under_way_since(now)));
}

_Static_assert(DOMAIN_KEYS == 3, "the script is told how many");

void passed_command_make(struct passed_command *command, struct span provider, int64_t n, int64_t now)
{
    struct query *query = &command->query;

    key_make_provider(&command->key, OF_PROVIDER_PASSED, provider);
    query->argc = 0;
    query_add(query, SPAN("EVAL"));
    query_add(query, span_of(passed_script));
    query_add(query, SPAN("2"));
    query_add_key(query, &command->key);
    query_add(query, SPAN(PASSED_KEY));
    query_add(query, number_of(command->five, now / 300));
    query_add(query, number_of(command->n, n));
    query_add(query, provider);
    query_add(query, number_of(command->now, now));
}

/* Of an incident that does not say how many pass, nobody does. */
static int read_percent(const redisReply *reply)
{
    int64_t percent;

    if (!span_int64(answer_text(reply), &percent) || percent < 0)
        return 0;
    return percent < 100 ? (int)percent : 100;
}

enum store_rc domain_question_read(const redisReply *reply, struct provider_state *out, struct err *err)
{
    redisReply **parts;

    *out = (struct provider_state){ .domain_held = false };
    if (answer_check(reply, err) == STORE_DOWN)
        return STORE_DOWN;
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != PARTS) {
        err_set(err, "Redis answers what was not asked");
        return STORE_DOWN;
    }
    parts = reply->element;
    for (int i = 0; i < PARTS; i++)
        if (answer_check(parts[i], err) == STORE_DOWN)
            return STORE_DOWN;
    out->provider = answer_text(parts[PART_PROVIDER]);
    out->domain_held = parts[PART_DOMAIN_HOLD]->integer > 0;
    out->returning = parts[PART_RETURNING]->integer > 0;
    out->held = parts[PART_HOLD]->integer > 0;
    out->percent = read_percent(parts[PART_PERCENT]);
    out->released = parts[PART_RELEASE]->integer > 0;
    out->followed = parts[PART_FOLLOWED]->integer > 0;
    out->late = parts[PART_LATE]->integer > 0;
    out->under_way = parts[PART_UNDER_WAY]->integer;
    out->shares = parts[PART_SHARES];
    return STORE_OK;
}

bool provider_state_share(const struct provider_state *state, size_t i, struct guard_count *out)
{
    const redisReply *shares = state->shares;
    struct share share;

    *out = (struct guard_count){ .risky = i == 0 ? state->under_way : 0 };
    if (shares == NULL || shares->type != REDIS_REPLY_ARRAY || i >= shares->elements ||
        !share_read(&share, answer_text(shares->element[i])))
        return false;
    out->tries = share.tries;
    out->invalid = share.invalid;
    return true;
}
