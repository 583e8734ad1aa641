/* SPDX-License-Identifier: BSD-2-Clause */
/* The commit of one event. Between reading a lead and writing it another program may have committed, a TTL
 * may have run out, or an operator may have written a key by hand; none of them may be lost. So the script
 * compares what was read (rev, the opt-out's value, the whitelisting) with what stands there now, and writes
 * only when they are equal; otherwise the caller reads again. An operator's redis-cli does not count up rev:
 * that is why the values are compared.
 *
 * A key of ours with another type is an operator's slip. It is renamed to KEY:odd, so that nothing is lost
 * and the lead's history can go on; an odd opt-out stays where it is, because it is obeyed. */
#include "store/commit.h"

#include "leadgate/logline.h"
#include "store/answer.h"

#include <stdio.h>
#include <string.h>

#define LOG_LENGTH "20" /* changes that a lead's own log keeps */

/* How long it is remembered, in seconds, that a token was used: 70 days. No token is good as long as that
 * (signing.token_lifetime). Of many the old ones are taken away; most leads never have more than a few. */
#define TOKENS_KEPT "6048000"
#define TOKENS_MANY "100"

/* How long after a temporary opt-out its lead is one who comes back, in seconds: 30 days. */
#define RETURNING_KEPT "2592000"

/* KEYS  lead optout refused allow log, and where one of them is touched, tokens returning undo
 * ARGV  1 rev as it was read, 2 "none" "string" or "odd": the opt-out as it was read, 3 its value, 4 "0" or
 * "1": whitelisted, 5 retention in seconds, 6 change, 7 stream's name, 8 value to write, 9 when it ends ("0"
 * = never; a time that is over makes EXPIREAT delete it at once), 10 the token that convicts ("" = none), 11
 * now, 12 what becomes of `returning`: "set" (it ends after 9), "end" or "", 13 the line of undo_make(), 14
 * n, then n fields and values of the lead, then those of the log entry, if any */
const char commit_script[] =
    "local done, token, now = 'done', ARGV[10], tonumber(ARGV[11])\n"
    "if token ~= '' and redis.call('TYPE', KEYS[6]).ok == 'hash'\n"
    "    and redis.call('HEXISTS', KEYS[6], token) == 1 then\n"
    "  return {'used'}\n"
    "end\n"
    "local function own(key, want)\n"
    "  local have = redis.call('TYPE', key).ok\n"
    "  if have ~= want and have ~= 'none' then\n"
    "    redis.call('RENAME', key, key .. ':odd')\n"
    "    done = 'odd'\n"
    "  end\n"
    "end\n"
    "local state, value = redis.call('TYPE', KEYS[2]).ok, ''\n"
    "if state == 'string' then value = redis.call('GET', KEYS[2])\n"
    "elseif state ~= 'none' then state = 'odd' end\n"
    "own(KEYS[1], 'hash')\n"
    "if (redis.call('HGET', KEYS[1], 'rev') or '') ~= ARGV[1] or state ~= ARGV[2] or value ~= ARGV[3]\n"
    "    or tostring(redis.call('EXISTS', KEYS[4])) ~= ARGV[4] then\n"
    "  return {'race'}\n"
    "end\n"
    "local retention, change, name, new, till, n = ARGV[5], ARGV[6], ARGV[7], ARGV[8], ARGV[9], "
    "tonumber(ARGV[14])\n"
    "redis.call('HSET', KEYS[1], unpack(ARGV, 15, 14 + n))\n"
    "redis.call('EXPIRE', KEYS[1], retention)\n"
    "if ARGV[13] ~= '' then\n"
    "  local key, line, was = KEYS[8], ARGV[13], ARGV[1]\n" UNDO_LUA "end\n"
    "if token ~= '' then\n"
    "  own(KEYS[6], 'hash')\n"
    "  if redis.call('HLEN', KEYS[6]) > " TOKENS_MANY " then\n"
    "    local all = redis.call('HGETALL', KEYS[6])\n"
    "    for i = 1, #all, 2 do\n"
    "      if (tonumber(all[i + 1]) or 0) < now - " TOKENS_KEPT
    " then redis.call('HDEL', KEYS[6], all[i]) end\n"
    "    end\n"
    "  end\n"
    "  redis.call('HSET', KEYS[6], token, now)\n"
    "  redis.call('EXPIRE', KEYS[6], " TOKENS_KEPT ")\n"
    "end\n"
    "if change == 'optout' then\n"
    "  redis.call('SET', KEYS[2], new)\n"
    "  if till ~= '0' then redis.call('EXPIREAT', KEYS[2], till) end\n"
    "elseif change == 'lift' then\n"
    "  redis.call('DEL', KEYS[2])\n"
    "elseif change == 'refuse' then\n"
    "  own(KEYS[3], 'hash')\n"
    "  redis.call('HSET', KEYS[3], name, new)\n"
    "elseif change == 'accept' then\n"
    "  own(KEYS[3], 'hash')\n"
    "  redis.call('HDEL', KEYS[3], name)\n"
    "end\n"
    "if ARGV[12] == 'set' then\n"
    "  redis.call('SET', KEYS[7], new)\n"
    "  redis.call('EXPIREAT', KEYS[7], till + " RETURNING_KEPT ")\n"
    "elseif ARGV[12] == 'end' then\n"
    "  redis.call('DEL', KEYS[7])\n"
    "end\n"
    "if change == 'none' then return {done} end\n"
    "own(KEYS[5], 'stream')\n"
    "local id = redis.call('XADD', KEYS[5], 'MAXLEN', '" LOG_LENGTH "', '*', unpack(ARGV, 15 + n))\n"
    "redis.call('EXPIRE', KEYS[5], retention)\n"
    "redis.call('HSET', KEYS[1], 'journal', id)\n"
    "return {done, id}\n";

void commit_add(struct commit *commit, struct span text)
{
    commit->argv[commit->argc] = text.p;
    commit->len[commit->argc] = text.n;
    commit->argc++;
}

void commit_add_copy(struct commit *commit, const char *text)
{
    struct span copy = { commit->texts + commit->used, strlen(text) };

    memcpy(commit->texts + commit->used, text, copy.n);
    commit->used += copy.n;
    commit_add(commit, copy);
}

void commit_add_int(struct commit *commit, int64_t number)
{
    char text[24];

    snprintf(text, sizeof(text), "%lld", (long long)number);
    commit_add_copy(commit, text);
}

/* Most commits touch none of the last three; naming them would cost Redis as much as a small command. */
static void add_keys(struct commit *commit, const struct address *lead, int n)
{
    static const enum key_kind kinds[COMMIT_KEYS] = { KEY_LEAD, KEY_OPTOUT, KEY_REFUSED,   KEY_ALLOW,
                                                      KEY_LOG,  KEY_TOKENS, KEY_RETURNING, KEY_UNDO };

    commit_add_int(commit, n);
    for (int i = 0; i < n; i++) {
        key_make(&commit->keys[i], kinds[i], lead);
        commit_add(commit, (struct span){ commit->keys[i].text, commit->keys[i].n });
    }
}

static void add_comparison(struct commit *commit, const struct loaded *loaded)
{
    const struct optout *optout = &loaded->optouts.optout;

    commit_add(commit, loaded->rev);
    commit_add(commit, !optout->present ? SPAN("none") : loaded->optout_odd ? SPAN("odd") : SPAN("string"));
    commit_add(commit, loaded->optout_value);
    commit_add(commit, loaded->lead_allowed ? SPAN("1") : SPAN("0"));
}

static enum cause refusal_cause(const struct event *event)
{
    return event->type == EVENT_COMPLAINT ? CAUSE_COMPLAINT : CAUSE_UNSUBSCRIBE;
}

/* The value that a change writes: of the opt-out key, or of the stream's field in `refused`. */
static void make_value(char dst[OPTOUT_TEXT_SIZE], const struct event *event, const struct change *change,
                       int64_t at)
{
    char since[TIME_TEXT_SIZE];

    dst[0] = '\0';
    if (change->kind == CHANGE_OPTOUT)
        optout_text(dst, &change->optout);
    else if (change->kind == CHANGE_REFUSE)
        snprintf(dst, OPTOUT_TEXT_SIZE, "cause=%s since=%s", cause_name(refusal_cause(event)),
                 time_text(since, at));
}

static void add_change(struct commit *commit, const struct event *event, const struct change *change)
{
    const struct optout *optout = &change->optout;

    commit_add(commit, span_of(change_name(change->kind)));
    commit_add(commit, event_stream(event));
    commit_add(commit, span_of(commit->value));
    commit_add_int(commit,
                   change->kind == CHANGE_OPTOUT && optout->kind == OPTOUT_TEMPORARY ? optout->until : 0);
}

/* What a token convicts of is a bounce of its mail, a complaint, and that it was none; each once. Who
 * unsubscribes a second time, after he has signed up again, means it. */
static void add_token(struct commit *commit, const struct event *event, int64_t now)
{
    char text[64] = "";

    if (event->token.n > 0 && event->type != EVENT_UNSUBSCRIBE)
        snprintf(text, sizeof(text), "%s:%.*s", event_type_name(event->type), SPAN_FMT(event->token));
    commit_add_copy(commit, text);
    commit_add_int(commit, now);
}

/* A lead comes back from a temporary opt-out until she takes mail again. A delivery from before it began says
 * nothing of that; and she has done so already when an opt-out is heard of later than a delivery after it.
 * Who never had one does not come back; unless she was forgotten by hand, and the key was not. */
static struct span returning_word(const struct event *event, const struct loaded *loaded,
                                  const struct lead *after, const struct change *change)
{
    bool may_return = after->since != 0 || loaded->rev.n == 0;

    switch (change->kind) {
    case CHANGE_OPTOUT:
        return change->optout.kind == OPTOUT_TEMPORARY && after->delivered <= change->optout.since
                   ? SPAN("set")
                   : SPAN("end");
    case CHANGE_LIFT: return SPAN("end");
    case CHANGE_NONE:
        return may_return && event->type == EVENT_DELIVERED && after->delivered >= after->since ? SPAN("end")
                                                                                                : SPAN_NONE;
    case CHANGE_REFUSE:
    case CHANGE_ACCEPT: return SPAN_NONE;
    }
    return SPAN_NONE;
}

/* Each stream has a field of its own for when she signed up to it again. */
static void add_field_name(struct commit *commit, const char *name, struct span stream)
{
    char field[RESUBSCRIBED_SIZE];

    if (strcmp(name, "resubscribed") == 0)
        commit_add_copy(commit, resubscribed_field(field, stream));
    else
        commit_add(commit, span_of(name));
}

static void add_lead(struct commit *commit, const struct event *event, const struct lead *before,
                     const struct lead *after)
{
    char value[LEAD_TEXT_SIZE];
    const char *name;
    size_t next = 0;
    int count_at = commit->argc;

    commit_add(commit, SPAN_NONE);
    while (lead_next_field(&next, before, after, &name, value)) {
        add_field_name(commit, name, event_stream(event));
        commit_add_copy(commit, value);
    }
    /* The count goes before the fields and is known only now. */
    commit_add_int(commit, commit->argc - count_at - 1);
    commit->argc--;
    commit->argv[count_at] = commit->argv[commit->argc];
    commit->len[count_at] = commit->len[commit->argc];
}

static void add_log_field(struct commit *commit, const char *name, struct span value)
{
    if (value.n == 0)
        return;
    commit_add(commit, span_of(name));
    commit_add(commit, value);
}

/* What an application needs to mirror the suppression list. */
static void add_log_change(struct commit *commit, const struct event *event, const struct change *change)
{
    const struct optout *optout = &change->optout;
    char until[TIME_TEXT_SIZE];

    switch (change->kind) {
    case CHANGE_OPTOUT:
        add_log_field(commit, "kind", span_of(optout_kind_name(optout->kind)));
        add_log_field(commit, "cause", span_of(cause_name(optout->cause)));
        if (optout->kind == OPTOUT_TEMPORARY) {
            commit_add(commit, SPAN("until"));
            commit_add_copy(commit, time_text(until, optout->until));
        }
        break;
    case CHANGE_REFUSE:
        add_log_field(commit, "cause", span_of(cause_name(refusal_cause(event))));
        add_log_field(commit, "stream", event_stream(event));
        break;
    case CHANGE_ACCEPT: add_log_field(commit, "stream", event_stream(event)); break;
    case CHANGE_LIFT:
    case CHANGE_NONE: break;
    }
}

static void add_log(struct commit *commit, const struct event *event, const struct loaded *loaded,
                    const struct change *change, int64_t at)
{
    bool is_will = change->kind == CHANGE_REFUSE || change->kind == CHANGE_ACCEPT;
    char text[256];

    commit->log_at = commit->argc;
    commit_add(commit, SPAN("at"));
    commit_add_copy(commit, time_text(text, at));
    add_log_field(commit, "change", span_of(change_name(change->kind)));
    add_log_change(commit, event, change);
    add_log_field(commit, "was", is_will ? loaded->refused_value : loaded->optout_value);
    add_log_field(commit, "event", span_of(event_type_name(event->type)));
    add_log_field(commit, "source", span_of(event_source_name(event->source)));
    add_log_field(commit, "message", event->message);
    add_log_field(commit, "status", event->status);
    add_log_field(commit, "provider", event->provider);
    if (event->evidence.n > 0) {
        span_excerpt(text, sizeof(text), event->evidence);
        commit_add(commit, SPAN("evidence"));
        commit_add_copy(commit, text);
    }
}

void commit_make(struct commit *commit, const char *sha, const struct event *event,
                 const struct loaded *loaded, const struct lead *after, const struct change *change,
                 int64_t retention, int64_t now)
{
    struct lead next = *after;
    int64_t at = event->at < now ? event->at : now;
    struct span returning;
    bool all_keys;

    commit->argc = 0;
    commit->used = 0;
    next.rev = loaded->lead.rev + 1;
    make_value(commit->value, event, change, at);
    returning = returning_word(event, loaded, &next, change);
    commit->returns = span_eq(returning, SPAN("set"));
    undo_make(commit->undo, event, &loaded->lead, &next, at, &commit->undoable);
    all_keys = event->token.n > 0 || returning.n > 0 || commit->undo[0] != '\0';
    commit_add(commit, SPAN("EVALSHA"));
    commit_add(commit, span_of(sha));
    add_keys(commit, &event->lead, all_keys ? COMMIT_KEYS : COMMIT_KEYS_LEAST);
    add_comparison(commit, loaded);
    commit_add_int(commit, retention);
    add_change(commit, event, change);
    add_token(commit, event, now);
    commit_add(commit, returning);
    commit_add(commit, span_of(commit->undo));
    add_lead(commit, event, &loaded->lead, &next);
    if (change->kind != CHANGE_NONE)
        add_log(commit, event, loaded, change, at);
}
