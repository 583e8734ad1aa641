/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/target.h"

#include "leadgate/logline.h"
#include "store/answer.h"

#include <stdio.h>
#include <string.h>

enum { KEYS = 5 };

/* KEYS  lead optout log undo returning
 * ARGV  1 rev, 2 value of undo, 3 "none" "string" or "odd": the opt-out, 4 its value, all as they were read;
 * 5 new value of undo ("" = delete), 6 "1" = delete the opt-out, 7 retention in seconds, 8 n, then n fields
 * and values of the lead ("" = delete), then those of the log entry. Answers "race" or "done", and behind it
 * the entry's id when the journal is to have it. */
static const char revert_script[] =
    "local state, value = redis.call('TYPE', KEYS[2]).ok, ''\n"
    "if state == 'string' then value = redis.call('GET', KEYS[2])\n"
    "elseif state ~= 'none' then state = 'odd' end\n"
    "if (redis.call('HGET', KEYS[1], 'rev') or '') ~= ARGV[1] or (redis.call('GET', KEYS[4]) or '') ~= "
    "ARGV[2]\n"
    "    or state ~= ARGV[3] or value ~= ARGV[4] then\n"
    "  return {'race'}\n"
    "end\n"
    "local n = tonumber(ARGV[8])\n"
    /* What needs memory comes first, and there is always some (rev): so it is refused, or all is done. */
    "for i = 9, 8 + n, 2 do\n"
    "  if ARGV[i + 1] ~= '' then redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end\n"
    "end\n"
    "for i = 9, 8 + n, 2 do\n"
    "  if ARGV[i + 1] == '' then redis.call('HDEL', KEYS[1], ARGV[i]) end\n"
    /* An opt-out that never was is none to come back from. */
    "  if ARGV[i] == 'since' then redis.call('DEL', KEYS[5]) end\n"
    "end\n"
    "if ARGV[5] == '' then redis.call('DEL', KEYS[4])\n"
    "else redis.call('SET', KEYS[4], ARGV[5], 'PX', math.max(1, redis.call('PTTL', KEYS[4]))) end\n"
    "local have = redis.call('TYPE', KEYS[3]).ok\n"
    "if have ~= 'stream' and have ~= 'none' then redis.call('RENAME', KEYS[3], KEYS[3] .. ':odd') end\n"
    "local id = redis.call('XADD', KEYS[3], 'MAXLEN', '20', '*', unpack(ARGV, 9 + n))\n"
    "redis.call('EXPIRE', KEYS[3], ARGV[7])\n"
    "if ARGV[6] ~= '1' then return {'done'} end\n"
    "redis.call('DEL', KEYS[2])\n"
    "redis.call('HSET', KEYS[1], 'journal', id)\n"
    "return {'done', id}\n";

static void add_field(struct commit *commit, const char *name, struct span value)
{
    if (value.n == 0)
        return;
    commit_add(commit, span_of(name));
    commit_add(commit, value);
}

static void add_keys(struct commit *commit, const struct address *lead)
{
    static const enum key_kind kinds[KEYS] = { KEY_LEAD, KEY_OPTOUT, KEY_LOG, KEY_UNDO, KEY_RETURNING };

    commit_add_int(commit, KEYS);
    for (int i = 0; i < KEYS; i++) {
        key_make(&commit->keys[i], kinds[i], lead);
        commit_add(commit, (struct span){ commit->keys[i].text, commit->keys[i].n });
    }
}

static void add_lead(struct commit *commit, const struct target *target)
{
    char value[LEAD_TEXT_SIZE];
    const char *name;
    size_t next = 0;
    int n = 0;

    while (lead_next_field(&next, &target->was, &target->is, &name, value))
        n++;
    commit_add_int(commit, 2 * n);
    for (next = 0; lead_next_field(&next, &target->was, &target->is, &name, value);) {
        commit_add(commit, span_of(name));
        commit_add_copy(commit, lead_value_is_nothing(value) ? "" : value);
    }
}

static void add_log(struct target *target, const struct revert_plan *plan, int64_t now)
{
    const struct reverted *result = &target->result;
    struct commit *commit = &target->commit;
    char text[TIME_TEXT_SIZE];

    commit->log_at = commit->argc;
    commit_add(commit, SPAN("at"));
    commit_add_copy(commit, time_text(text, now));
    add_field(commit, "change", result->optout.present ? SPAN("lift") : SPAN("revert"));
    add_field(commit, "cause", span_of(cause_name(result->cause)));
    commit_add(commit, SPAN("bounces"));
    commit_add_int(commit, result->bounces);
    if (result->optout.present)
        add_field(commit, "was", target->optout_value);
    add_field(commit, "event", SPAN("revert"));
    add_field(commit, "source", plan->by);
    add_field(commit, "provider", result->provider);
    span_excerpt(target->why, sizeof(target->why), plan->why);
    add_field(commit, "evidence", span_of(target->why));
}

void target_make_order(struct target *target, const struct revert_plan *plan, int64_t retention, int64_t now)
{
    struct commit *commit = &target->commit;

    commit->argc = 0;
    commit->used = 0;
    commit_add(commit, SPAN("EVAL"));
    commit_add(commit, span_of(revert_script));
    add_keys(commit, &target->lead);
    commit_add(commit, target->rev);
    commit_add(commit, target->undo_value);
    commit_add(commit, !target->optout.present ? SPAN("none") : target->odd ? SPAN("odd") : SPAN("string"));
    commit_add(commit, target->optout_value);
    commit_add(commit, span_of(target->kept));
    commit_add(commit, target->result.optout.present ? SPAN("1") : SPAN("0"));
    commit_add_int(commit, retention);
    add_lead(commit, target);
    add_log(target, plan, now);
}
