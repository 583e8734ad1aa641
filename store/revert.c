/* SPDX-License-Identifier: BSD-2-Clause */
/* Taking back. The list of bounces (bounced.h) says whom to look at; what the lead's own lines (undo.h) say
 * is compared with the plan here, and what follows is written by a script that changes the lead only if she
 * is still as she was read. Who lost that race is read again.
 *
 * A lead with several bounces stands in the list several times; she is looked at where the last of those that
 * the plan names stands, so she is told of once. */
#include "leadgate/revert.h"

#include "leadgate/logline.h"
#include "store/answer.h"
#include "store/bounced.h"
#include "store/commit.h"
#include "store/journal.h"
#include "store/store.h"
#include "store/undo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 256, TRIES_MOST = 1000 };

/* KEYS  lead optout log undo
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

enum { LOAD_LEAD, LOAD_OPTOUT, LOAD_OPTOUT_TTL, LOAD_UNDO, LOADS };

enum { KEYS = 4 };

/* One lead on the way. */
struct target {
    struct address lead;
    int64_t at; /* of the bounce that she stands in the list for */
    bool done, odd;
    redisReply *replies[LOADS], *answer;
    struct span rev, undo_value, optout_value; /* as they were read */
    struct optout optout;
    struct lead was, is;
    struct reverted result;
    struct commit commit;
    char *kept; /* the new value of undo */
    char why[256];
};

struct revert {
    struct store *store;
    struct wire *wire;
    const struct revert_plan *plan;
    char provider[UNDO_PROVIDER_SIZE];
    int64_t now;
    revert_fn *fn;
    void *ctx;
    struct revert_tally *tally;
    size_t n;
    struct target targets[BATCH];
};

/* --- reading --- */

static void send_load(struct revert *revert, const struct target *target)
{
    static const struct {
        const char *name;
        enum key_kind key;
    } loads[LOADS] = {
        [LOAD_LEAD] = { "HGETALL", KEY_LEAD },
        [LOAD_OPTOUT] = { "GET", KEY_OPTOUT },
        [LOAD_OPTOUT_TTL] = { "PTTL", KEY_OPTOUT },
        [LOAD_UNDO] = { "GET", KEY_UNDO },
    };

    for (int i = 0; i < LOADS; i++) {
        struct key key;
        const char *argv[] = { loads[i].name, key.text };
        size_t len[] = { strlen(loads[i].name), 0 };

        key_make(&key, loads[i].key, &target->lead);
        len[1] = key.n;
        wire_send(revert->wire, 2, argv, len);
    }
}

static enum store_rc receive_load(struct revert *revert, struct target *target, struct err *err)
{
    for (int i = 0; i < LOADS; i++) {
        if (wire_receive(revert->wire, &target->replies[i], err) == STORE_DOWN)
            return STORE_DOWN;
        if (answer_check(target->replies[i], err) == STORE_DOWN)
            return wire_fail(revert->wire, err);
    }
    return STORE_OK;
}

static void read_load(struct target *target, int64_t now)
{
    redisReply **replies = target->replies;

    answer_read_lead(replies[LOAD_LEAD], &target->was);
    target->rev = answer_field(replies[LOAD_LEAD], SPAN("rev"));
    target->undo_value = answer_text(replies[LOAD_UNDO]);
    target->optout_value = answer_text(replies[LOAD_OPTOUT]);
    target->odd = answer_is_odd(replies[LOAD_OPTOUT]);
    answer_read_optout(&target->optout, replies[LOAD_OPTOUT]);
    answer_read_ttl(&target->optout, replies[LOAD_OPTOUT_TTL], now);
}

/* --- deciding --- */

static bool is_in_plan(const struct revert *revert, int64_t at, struct span cause, struct span provider)
{
    const struct revert_plan *plan = revert->plan;
    enum cause parsed;

    cause_parse(cause, &parsed);
    return at >= plan->since && at <= plan->until &&
           (plan->causes == 0 || (plan->causes & revert_cause(parsed)) != 0) &&
           (revert->provider[0] == '\0' || span_eq(provider, span_of(revert->provider)));
}

static bool is_wanted(const struct revert *revert, const struct undo_record *record)
{
    return is_in_plan(revert, record->at, record->cause, record->provider) &&
           (revert->plan->match == NULL || revert->plan->match(revert->plan->match_ctx, record->words));
}

/* Whether it led to anything. */
static bool is_effective(const struct undo_record *record)
{
    return record->before.n > 0;
}

/* The lines that can be taken back: from the top down to the first that is not wanted, or that something
 * stands on. */
static size_t count_free(const struct revert *revert, const struct undo *undo, const bool *wanted,
                         int64_t rev)
{
    size_t n = 0;

    while (n < undo->n && undo->records[n].rev == rev && wanted[n] &&
           undo->records[n].last <= revert->plan->until)
        rev = undo->records[n++].from;
    /* There may have been more of them, which nobody remembers. */
    return n == undo->n && undo->cut >= revert->plan->since && undo->cut != 0 ? 0 : n;
}

/* The opt-out that stands is the one that these lines began, or there is none. Another one was written by
 * hand. *lift: it goes. */
static bool settle_optout(const struct target *target, const struct undo *undo, size_t n, bool *lift)
{
    *lift = false;
    for (size_t i = 0; i < n && target->optout.present; i++) {
        if (!undo_began_optout(&undo->records[i]))
            continue;
        *lift = !target->odd && target->optout.since == undo->records[i].at;
        return *lift;
    }
    return true;
}

/* What remains of the lines: the uppermost is the lead's last bounce again, where it was before. */
static char *keep_undo(const struct target *target, const struct undo *undo, size_t n)
{
    const struct undo_record *below = &undo->records[n], *last = &undo->records[n - 1];
    size_t size = target->undo_value.n + 64;
    char *kept = malloc(size);

    if (kept == NULL)
        return NULL;
    if (n < undo->n && below->rev == last->from)
        snprintf(kept, size, "%lld %lld %.*s", (long long)target->is.rev, (long long)below->from,
                 SPAN_FMT(below->tail));
    else
        snprintf(kept, size, "%.*s", SPAN_FMT(last->rest));
    return kept;
}

/* Says what is to be done: fills in the result, and `is`. The number of lines that go; 0 = nothing. */
static size_t decide(struct revert *revert, struct target *target, struct undo *undo)
{
    struct reverted *result = &target->result;
    bool wanted[UNDO_RECORDS], lift = false;
    const struct undo_record *last = NULL;
    size_t n;

    *result = (struct reverted){ .lead = &target->lead, .was = &target->was, .is = &target->is };
    target->is = target->was;
    for (size_t i = 0; i < undo->n; i++) {
        wanted[i] = is_wanted(revert, &undo->records[i]);
        if (last == NULL && wanted[i] && is_effective(&undo->records[i]))
            last = &undo->records[i];
    }
    /* Nothing, or nothing any more, or she stands in the list again later. */
    if (last == NULL || last->at != target->at)
        return 0;
    cause_parse(last->cause, &result->cause);
    result->at = last->at;
    result->provider = last->provider;
    result->words = last->words;
    n = count_free(revert, undo, wanted, target->was.rev);
    if (!settle_optout(target, undo, n, &lift))
        n = 0;
    for (size_t i = 0; i < undo->n; i++) {
        if (!wanted[i] || !is_effective(&undo->records[i]))
            continue;
        if (i < n)
            result->bounces++;
        else
            result->left_alone = true;
    }
    if (result->bounces == 0)
        return 0;
    for (size_t i = 0; i < n; i++)
        undo_restore(&undo->records[i], &target->is);
    target->is.rev = target->was.rev + 1;
    if (lift)
        result->optout = target->optout;
    return n;
}

/* --- writing --- */

static void add(struct commit *commit, struct span text)
{
    commit->argv[commit->argc] = text.p;
    commit->len[commit->argc] = text.n;
    commit->argc++;
}

static void add_copy(struct commit *commit, const char *text)
{
    struct span copy = { commit->texts + commit->used, strlen(text) };

    memcpy(commit->texts + commit->used, text, copy.n);
    commit->used += copy.n;
    add(commit, copy);
}

static void add_int(struct commit *commit, int64_t number)
{
    char text[24];

    snprintf(text, sizeof(text), "%lld", (long long)number);
    add_copy(commit, text);
}

static void add_field(struct commit *commit, const char *name, struct span value)
{
    if (value.n == 0)
        return;
    add(commit, span_of(name));
    add(commit, value);
}

static void add_keys(struct commit *commit, const struct address *lead)
{
    static const enum key_kind kinds[KEYS] = { KEY_LEAD, KEY_OPTOUT, KEY_LOG, KEY_UNDO };

    add_int(commit, KEYS);
    for (int i = 0; i < KEYS; i++) {
        key_make(&commit->keys[i], kinds[i], lead);
        add(commit, (struct span){ commit->keys[i].text, commit->keys[i].n });
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
    add_int(commit, 2 * n);
    for (next = 0; lead_next_field(&next, &target->was, &target->is, &name, value);) {
        add(commit, span_of(name));
        add_copy(commit, lead_value_is_nothing(value) ? "" : value);
    }
}

static void add_log(struct revert *revert, struct target *target)
{
    const struct reverted *result = &target->result;
    struct commit *commit = &target->commit;
    char text[TIME_TEXT_SIZE];

    commit->log_at = commit->argc;
    add(commit, SPAN("at"));
    add_copy(commit, time_text(text, revert->now));
    add_field(commit, "change", result->optout.present ? SPAN("lift") : SPAN("revert"));
    add_field(commit, "cause", span_of(cause_name(result->cause)));
    add(commit, SPAN("bounces"));
    add_int(commit, result->bounces);
    if (result->optout.present)
        add_field(commit, "was", target->optout_value);
    add_field(commit, "event", SPAN("revert"));
    add_field(commit, "source", revert->plan->by);
    add_field(commit, "provider", result->provider);
    span_excerpt(target->why, sizeof(target->why), revert->plan->why);
    add_field(commit, "evidence", span_of(target->why));
}

static void send_order(struct revert *revert, struct target *target)
{
    struct commit *commit = &target->commit;

    commit->argc = 0;
    commit->used = 0;
    add(commit, SPAN("EVAL"));
    add(commit, span_of(revert_script));
    add_keys(commit, &target->lead);
    add(commit, target->rev);
    add(commit, target->undo_value);
    add(commit, !target->optout.present ? SPAN("none") : target->odd ? SPAN("odd") : SPAN("string"));
    add(commit, target->optout_value);
    add(commit, span_of(target->kept));
    add(commit, target->result.optout.present ? SPAN("1") : SPAN("0"));
    add_int(commit, store_settings_of(revert->store)->retention);
    add_lead(commit, target);
    add_log(revert, target);
    wire_send(revert->wire, commit->argc, commit->argv, commit->len);
}

static enum store_rc receive_order(struct revert *revert, struct target *target, struct err *err)
{
    redisReply *answer = NULL;

    if (wire_receive(revert->wire, &answer, err) == STORE_DOWN)
        return STORE_DOWN;
    target->answer = answer;
    if (answer->type != REDIS_REPLY_ARRAY || answer->elements == 0) {
        err_set(err, "Redis answers to a revert: %s", answer->str);
        return wire_fail(revert->wire, err);
    }
    target->done = span_eq(answer_text(answer->element[0]), SPAN("done"));
    return STORE_OK;
}

/* --- a batch --- */

static void tell(struct revert *revert, const struct reverted *result)
{
    struct revert_tally *tally = revert->tally;

    if (result->bounces == 0 && !result->left_alone)
        return;
    tally->leads += result->bounces > 0;
    tally->bounces += result->bounces;
    tally->let_in += result->optout.present;
    tally->left_alone += result->left_alone;
    if (revert->fn != NULL)
        revert->fn(revert->ctx, result);
}

/* Somebody died between a change of this lead and its entry in the journal: that one comes first. */
static enum store_rc recover_journal(struct revert *revert, const struct target *target, struct err *err)
{
    struct span entry = answer_field(target->replies[LOAD_LEAD], SPAN("journal"));

    if (entry.n == 0)
        return STORE_OK;
    return journal_recover(revert->wire, &target->lead, entry, store_settings_of(revert->store)->journal,
                           err);
}

/* Decides about one; true when there is something to be written. */
static bool prepare(struct revert *revert, struct target *target)
{
    struct undo undo;
    size_t n;

    read_load(target, revert->now);
    undo_read(&undo, target->undo_value);
    /* She has been forgotten by hand: these are of another life. */
    if (undo.n > 0 && (target->was.seen == 0 || target->was.seen > undo.records[0].at))
        undo.n = 0;
    n = decide(revert, target, &undo);
    target->done = n == 0 || revert->plan->dry_run;
    if (target->done)
        return false;
    target->kept = keep_undo(target, &undo, n);
    return true;
}

static bool has_entry(const struct target *target)
{
    return target->answer != NULL && target->answer->elements > 1;
}

static enum store_rc write_journal(struct revert *revert, struct err *err)
{
    int64_t length = store_settings_of(revert->store)->journal;

    for (size_t i = 0; i < revert->n; i++) {
        struct target *target = &revert->targets[i];

        if (has_entry(target))
            journal_send(revert->wire, &target->lead, answer_text(target->answer->element[1]),
                         &target->commit, length);
    }
    for (size_t i = 0; i < revert->n; i++)
        if (has_entry(&revert->targets[i]) && journal_receive(revert->wire, err) == STORE_DOWN)
            return STORE_DOWN;
    return STORE_OK;
}

static void clear(struct target *target)
{
    for (int i = 0; i < LOADS; i++)
        freeReplyObject(target->replies[i]);
    memset(target->replies, 0, sizeof(target->replies));
    freeReplyObject(target->answer);
    target->answer = NULL;
    free(target->kept);
    target->kept = NULL;
}

/* All that is pending is read and decided on; what is to be written goes out in one write. */
static enum store_rc run_round(struct revert *revert, struct err *err)
{
    struct target *targets = revert->targets;
    bool writes[BATCH] = { false }, in_round[BATCH];

    if (wire_ready(revert->wire, err) == STORE_DOWN)
        return STORE_DOWN;
    for (size_t i = 0; i < revert->n; i++)
        if ((in_round[i] = !targets[i].done))
            send_load(revert, &targets[i]);
    for (size_t i = 0; i < revert->n; i++)
        if (in_round[i] && receive_load(revert, &targets[i], err) == STORE_DOWN)
            return STORE_DOWN;
    for (size_t i = 0; i < revert->n; i++) {
        if (!in_round[i] || !(writes[i] = prepare(revert, &targets[i])))
            continue;
        if (targets[i].kept == NULL) {
            err_set(err, "out of memory");
            return STORE_DOWN;
        }
        if (recover_journal(revert, &targets[i], err) == STORE_DOWN)
            return STORE_DOWN;
    }
    for (size_t i = 0; i < revert->n; i++)
        if (writes[i])
            send_order(revert, &targets[i]);
    for (size_t i = 0; i < revert->n; i++)
        if (writes[i] && receive_order(revert, &targets[i], err) == STORE_DOWN)
            return STORE_DOWN;
    for (size_t i = 0; i < revert->n; i++)
        if (in_round[i] && targets[i].done)
            tell(revert, &targets[i].result);
    return write_journal(revert, err);
}

static bool is_pending(const struct revert *revert)
{
    for (size_t i = 0; i < revert->n; i++)
        if (!revert->targets[i].done)
            return true;
    return false;
}

static enum store_rc run_batch(struct revert *revert, struct err *err)
{
    enum store_rc rc = STORE_OK;

    for (int tries = 0; rc == STORE_OK && is_pending(revert); tries++) {
        if (tries == TRIES_MOST) {
            err_set(err, "%s changes in Redis faster than she can be read", revert->targets[0].lead.text);
            return STORE_DOWN;
        }
        rc = run_round(revert, err);
        for (size_t i = 0; i < revert->n; i++)
            clear(&revert->targets[i]);
    }
    revert->n = 0;
    return rc;
}

static enum store_rc take(void *ctx, const struct bounced_lead *one, struct err *err)
{
    const struct address_rules as_it_is = { .fold_local_part = false };
    struct revert *revert = ctx;
    struct target *target = &revert->targets[revert->n];
    struct err bad;

    if (!is_in_plan(revert, one->at, one->cause, one->provider) ||
        address_parse(&target->lead, ADDRESS_INTERNAL, one->lead, &as_it_is, &bad) < 0)
        return STORE_OK;
    target->at = one->at;
    target->done = false;
    return ++revert->n == BATCH ? run_batch(revert, err) : STORE_OK;
}

enum store_rc revert_run(struct store *store, const struct revert_plan *plan, int64_t now, revert_fn *fn,
                         void *ctx, struct revert_tally *tally, struct err *err)
{
    struct revert *revert = calloc(1, sizeof(*revert));
    enum store_rc rc;

    *tally = (struct revert_tally){ .leads = 0 };
    if (revert == NULL) {
        err_set(err, "out of memory");
        return STORE_DOWN;
    }
    revert->store = store;
    revert->wire = store_wire(store);
    revert->plan = plan;
    undo_provider(revert->provider, plan->provider);
    revert->now = now;
    revert->fn = fn;
    revert->ctx = ctx;
    revert->tally = tally;
    rc = bounced_each(revert->wire, plan->since, now, take, revert, err);
    if (rc == STORE_OK)
        rc = run_batch(revert, err);
    free(revert);
    return rc;
}
