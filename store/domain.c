/* SPDX-License-Identifier: BSD-2-Clause */
/* All of this may have been written by hand. A key that is there counts, whatever it holds.
 *
 * The script names the provider's keys by what it finds in the domain's, which Redis Cluster would not have:
 * leads, domains and providers live in one Redis. */
#include "store/domain.h"

#include "store/answer.h"
#include "store/guard.h"

/* KEYS  domain domain-hold domain-returning
 * ARGV  1 the provider where none is known, 2 streams */
const char place_script[] =
    "local p = redis.pcall('HGET', KEYS[1], 'provider')\n"
    "if type(p) ~= 'string' or p == '' then p = ARGV[1] end\n"
    "local key, shares, percent = '" PROVIDER_BEFORE "' .. p, {p .. '/*'}, '100'\n"
    "for stream in string.gmatch(ARGV[2], '%S+') do shares[#shares + 1] = p .. '/' .. stream end\n"
    "if redis.call('EXISTS', key .. '" PROVIDER_INCIDENT "') == 1 then\n"
    "  percent = redis.pcall('HGET', key .. '" PROVIDER_INCIDENT "', 'percent')\n"
    "end\n"
    "return {p, redis.call('EXISTS', KEYS[2]), redis.call('EXISTS', KEYS[3]), redis.call('EXISTS', key .. "
    "'" PROVIDER_HOLD "'), percent,\n"
    "  redis.call('EXISTS', key .. '" PROVIDER_RELEASE "'),\n"
    "  redis.call('EXISTS', '" FOLLOWED_KEY "'), redis.pcall('HMGET', '" SHARES_KEY "', unpack(shares))}\n";

enum {
    PART_PROVIDER,
    PART_DOMAIN_HOLD,
    PART_RETURNING,
    PART_HOLD,
    PART_PERCENT,
    PART_RELEASE,
    PART_FOLLOWED,
    PART_SHARES,
    PARTS
};

static void add(struct domain_question *question, struct span text)
{
    question->argv[question->argc] = text.p;
    question->len[question->argc] = text.n;
    question->argc++;
}

void domain_question_make(struct domain_question *question, const char *sha, const struct address *lead,
                          struct span otherwise, struct span streams)
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
}

_Static_assert(DOMAIN_KEYS == 3, "the script is told how many");

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
    out->shares = parts[PART_SHARES];
    return STORE_OK;
}

void provider_state_share(const struct provider_state *state, size_t i, struct guard_count *out)
{
    const redisReply *shares = state->shares;

    *out = (struct guard_count){ .tries = 0 };
    if (shares != NULL && shares->type == REDIS_REPLY_ARRAY && i < shares->elements)
        (void)share_read(out, answer_text(shares->element[i]));
}
