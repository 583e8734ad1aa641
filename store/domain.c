/* SPDX-License-Identifier: BSD-2-Clause */
/* All of this may have been written by hand. A key that is there counts, whatever it holds; a percentage that
 * is none says that nothing is held.
 *
 * The script names the provider's keys by what it finds in the domain's, which Redis Cluster would not have:
 * leads, domains and providers live in one Redis. */
#include "store/domain.h"

#include "store/answer.h"

/* KEYS  domain domain-hold
 * ARGV  1 the provider where none is known, 2 streams */
const char domain_script[] =
    "local p = redis.pcall('HGET', KEYS[1], 'provider')\n"
    "if type(p) ~= 'string' or p == '' then p = ARGV[1] end\n"
    "local key, shares = '" PROVIDER_BEFORE "' .. p, {p .. '/*'}\n"
    "for stream in string.gmatch(ARGV[2], '%S+') do shares[#shares + 1] = p .. '/' .. stream end\n"
    "return {p, redis.call('EXISTS', KEYS[2]), redis.call('EXISTS', key .. '" PROVIDER_HOLD "'),\n"
    "  redis.pcall('HGET', key .. '" PROVIDER_INCIDENT "', 'percent'),\n"
    "  redis.call('EXISTS', key .. '" PROVIDER_RELEASE "'),\n"
    "  redis.pcall('HMGET', '" SHARES_KEY "', unpack(shares))}\n";

enum { PART_PROVIDER, PART_DOMAIN_HOLD, PART_HOLD, PART_PERCENT, PART_RELEASE, PART_SHARES, PARTS };

static void add(struct domain_question *question, struct span text)
{
    question->argv[question->argc] = text.p;
    question->len[question->argc] = text.n;
    question->argc++;
}

void domain_question_make(struct domain_question *question, const char *sha, const struct address *lead,
                          struct span otherwise, struct span streams)
{
    static const enum key_kind kinds[DOMAIN_KEYS] = { KEY_DOMAIN, KEY_DOMAIN_HOLD };

    question->argc = 0;
    add(question, SPAN("EVALSHA"));
    add(question, span_of(sha));
    add(question, SPAN("2"));
    for (int i = 0; i < DOMAIN_KEYS; i++) {
        key_make(&question->keys[i], kinds[i], lead);
        add(question, (struct span){ question->keys[i].text, question->keys[i].n });
    }
    add(question, otherwise);
    add(question, streams);
}

_Static_assert(DOMAIN_KEYS == 2, "the script is told how many");

static int read_percent(const redisReply *reply)
{
    int64_t percent;

    if (!span_int64(answer_text(reply), &percent) || percent < 0 || percent > 100)
        return 100;
    return (int)percent;
}

enum store_rc domain_question_read(const redisReply *reply, struct provider_state *out, struct err *err)
{
    redisReply **parts;

    *out = (struct provider_state){ .percent = 100 };
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
    out->held = parts[PART_HOLD]->integer > 0;
    out->percent = read_percent(parts[PART_PERCENT]);
    out->released = parts[PART_RELEASE]->integer > 0;
    out->shares = parts[PART_SHARES];
    return STORE_OK;
}

void provider_state_share(const struct provider_state *state, size_t i, int64_t *tries, int64_t *invalid)
{
    const redisReply *shares = state->shares;
    struct span rest;

    *tries = *invalid = 0;
    if (shares == NULL || shares->type != REDIS_REPLY_ARRAY || i >= shares->elements)
        return;
    rest = answer_text(shares->element[i]);
    if (!span_int64(span_cut(&rest, ' '), tries) || !span_int64(span_cut(&rest, ' '), invalid) ||
        *tries < 0 || *invalid < 0)
        *tries = *invalid = 0;
}
