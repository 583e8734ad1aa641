/* SPDX-License-Identifier: BSD-2-Clause */
/* The operator's deeds. Whitelisting is written like any change of an opt-out: one script sets the key, adds
 * to the lead's log and leaves the journal's mark; then the journal is written (journal.h). Nobody's commit
 * is lost by it: commits compare whether the whitelisting is there.
 *
 * What is forgotten leaves no log behind that the journal's entry could be copied from, so there the entry
 * is written first. */
#include "store/admin.h"

#include "leadgate/logline.h"
#include "store/answer.h"
#include "store/commit.h"
#include "store/journal.h"

#include <stdio.h>
#include <stdlib.h>

/* KEYS  lead allow log
 * ARGV  1 "allow" or "disallow", 2 value, 3 when it ends ("0" = never), 4 retention in seconds, 5... the log
 * entry. Answers with the entry's id, or with nothing when nothing was to be taken back. */
static const char allow_script[] =
    "local function own(key, want)\n"
    "  local have = redis.call('TYPE', key).ok\n"
    "  if have ~= want and have ~= 'none' then redis.call('RENAME', key, key .. ':odd') end\n"
    "end\n"
    "if ARGV[1] == 'allow' then\n"
    "  redis.call('SET', KEYS[2], ARGV[2])\n"
    "  if ARGV[3] ~= '0' then redis.call('EXPIREAT', KEYS[2], ARGV[3]) end\n"
    "elseif redis.call('DEL', KEYS[2]) == 0 then\n"
    "  return ''\n"
    "end\n"
    "own(KEYS[1], 'hash')\n"
    "own(KEYS[3], 'stream')\n"
    "local id = redis.call('XADD', KEYS[3], 'MAXLEN', '20', '*', unpack(ARGV, 5))\n"
    "redis.call('EXPIRE', KEYS[3], ARGV[4])\n"
    "redis.call('HSET', KEYS[1], 'journal', id)\n"
    "redis.call('EXPIRE', KEYS[1], ARGV[4])\n"
    "return id\n";

struct admin *admin_new(const struct store_settings *settings)
{
    struct admin *admin = calloc(1, sizeof(*admin));

    if (admin == NULL)
        return NULL;
    admin->settings = settings;
    admin->wire = wire_new(settings);
    if (admin->wire == NULL) {
        free(admin);
        return NULL;
    }
    return admin;
}

void admin_free(struct admin *admin)
{
    if (admin == NULL)
        return;
    wire_free(admin->wire);
    free(admin);
}

enum store_rc admin_receive(struct admin *admin, redisReply **out, struct err *err)
{
    return wire_take(admin->wire, out, err);
}

void admin_copy_text(char *dst, size_t size, const redisReply *reply)
{
    span_excerpt(dst, size, answer_text(reply));
}

/* Sends nothing itself: one answer, which must be a number. */
static enum store_rc receive_number(struct admin *admin, int64_t *out, struct err *err)
{
    redisReply *reply = NULL;

    if (admin_receive(admin, &reply, err) == STORE_DOWN)
        return STORE_DOWN;
    *out = reply->type == REDIS_REPLY_INTEGER ? reply->integer : 0;
    freeReplyObject(reply);
    return STORE_OK;
}

/* Somebody died between a change of this lead and its entry in the journal: that one comes first. */
static enum store_rc recover_journal(struct admin *admin, const struct address *lead, struct err *err)
{
    struct query query = { .argc = 0 };
    redisReply *mark = NULL;
    enum store_rc rc = STORE_OK;
    struct key key;

    key_make(&key, KEY_LEAD, lead);
    query_add(&query, SPAN("HGET"));
    query_add_key(&query, &key);
    query_add(&query, SPAN("journal"));
    wire_send(admin->wire, query.argc, query.argv, query.len);
    if (admin_receive(admin, &mark, err) == STORE_DOWN)
        return STORE_DOWN;
    if (answer_text(mark).n > 0)
        rc = journal_recover(admin->wire, lead, answer_text(mark), admin->settings->journal, err);
    freeReplyObject(mark);
    return rc;
}

/* A deed on its way to Redis: the command, and the texts that it points to. */
struct entry {
    struct commit commit;
    char at[TIME_TEXT_SIZE], until[TIME_TEXT_SIZE], why[256];
    char till[24], retention[24], name[ADDRESS_SIZE + 1];
};

static void add(struct commit *commit, struct span text)
{
    commit->argv[commit->argc] = text.p;
    commit->len[commit->argc] = text.n;
    commit->argc++;
}

static void add_field(struct commit *commit, const char *name, struct span value)
{
    if (value.n == 0)
        return;
    add(commit, span_of(name));
    add(commit, value);
}

/* The fields of the log's and the journal's entry, in the words that commits use. */
static void add_log(struct entry *entry, const struct deed *deed, const char *change)
{
    struct commit *commit = &entry->commit;

    commit->log_at = commit->argc;
    add_field(commit, "at", span_of(time_text(entry->at, deed->at)));
    add_field(commit, "change", span_of(change));
    if (deed->until != 0)
        add_field(commit, "until", span_of(time_text(entry->until, deed->until)));
    add_field(commit, "source", span_of(event_source_name(SOURCE_OPERATOR)));
    span_excerpt(entry->why, sizeof(entry->why), deed->why);
    add_field(commit, "evidence", span_of(entry->why));
}

static enum store_rc write_allow(struct admin *admin, const struct deed *deed, const char *change,
                                 struct entry *entry, redisReply **id, struct err *err)
{
    static const enum key_kind kinds[] = { KEY_LEAD, KEY_ALLOW, KEY_LOG };
    struct commit *commit = &entry->commit;

    snprintf(entry->till, sizeof(entry->till), "%lld", (long long)deed->until);
    snprintf(entry->retention, sizeof(entry->retention), "%lld", (long long)admin->settings->retention);
    add(commit, SPAN("EVAL"));
    add(commit, span_of(allow_script));
    add(commit, SPAN("3"));
    for (int i = 0; i < 3; i++) {
        key_make(&commit->keys[i], kinds[i], &deed->subject.lead);
        add(commit, (struct span){ commit->keys[i].text, commit->keys[i].n });
    }
    add(commit, span_of(change));
    add(commit, deed->why);
    add(commit, span_of(entry->till));
    add(commit, span_of(entry->retention));
    add_log(entry, deed, change);
    wire_send(admin->wire, commit->argc, commit->argv, commit->len);
    return admin_receive(admin, id, err);
}

static enum store_rc allow_lead(struct admin *admin, const struct deed *deed, const char *change,
                                bool *changed, struct err *err)
{
    const struct address *lead = &deed->subject.lead;
    struct entry *entry = calloc(1, sizeof(*entry));
    redisReply *id = NULL;
    enum store_rc rc = STORE_DOWN;

    if (entry == NULL) {
        err_set(err, "out of memory");
        return STORE_DOWN;
    }
    if (recover_journal(admin, lead, err) == STORE_DOWN ||
        write_allow(admin, deed, change, entry, &id, err) == STORE_DOWN)
        goto out;
    *changed = answer_text(id).n > 0;
    rc = STORE_OK;
    if (*changed) {
        journal_send(admin->wire, lead, answer_text(id), &entry->commit, admin->settings->journal);
        rc = journal_receive(admin->wire, err);
    }
    if (*changed && rc == STORE_OK) {
        journal_settle(admin->wire, lead, answer_text(id));
        rc = journal_receive(admin->wire, err);
    }
out:
    freeReplyObject(id);
    free(entry);
    return rc;
}

/* An entry in the journal that no lead's log has: `lead` is the name as it is given. */
static enum store_rc tell_journal(struct admin *admin, const struct deed *deed, const char *change,
                                  struct err *err)
{
    struct entry *entry = calloc(1, sizeof(*entry));
    struct span domain = address_domain(&deed->subject.lead);
    redisReply *reply = NULL;
    enum store_rc rc;
    struct commit *commit;

    if (entry == NULL) {
        err_set(err, "out of memory");
        return STORE_DOWN;
    }
    commit = &entry->commit;
    snprintf(entry->name, sizeof(entry->name), "@%.*s", SPAN_FMT(domain));
    snprintf(entry->till, sizeof(entry->till), "%lld", (long long)admin->settings->journal);
    add(commit, SPAN("XADD"));
    add(commit, SPAN(JOURNAL_KEY));
    add(commit, SPAN("MAXLEN"));
    add(commit, SPAN("~"));
    add(commit, span_of(entry->till));
    add(commit, SPAN("*"));
    add_field(commit, "lead",
              deed->subject.whole_domain ? span_of(entry->name) : address_span(&deed->subject.lead));
    add_log(entry, deed, change);
    wire_send(admin->wire, commit->argc, commit->argv, commit->len);
    rc = admin_receive(admin, &reply, err);
    if (rc == STORE_OK && reply->type == REDIS_REPLY_ERROR) {
        err_set(err, JOURNAL_KEY " is no stream: rename it; %s", reply->str);
        rc = STORE_DOWN;
    }
    freeReplyObject(reply);
    free(entry);
    return rc;
}

/* The journal is told after the change here: told twice is no harm, and an operator sees what failed. */
static enum store_rc allow_domain(struct admin *admin, const struct deed *deed, const char *change,
                                  bool *changed, struct err *err)
{
    bool set = strcmp(change, "allow") == 0;
    struct query query = { .argc = 0 };
    redisReply *reply = NULL;
    char till[24];
    struct key key;

    key_make(&key, KEY_DOMAIN_ALLOW, &deed->subject.lead);
    query_add(&query, set ? SPAN("SET") : SPAN("DEL"));
    query_add_key(&query, &key);
    if (set)
        query_add(&query, deed->why);
    if (set && deed->until != 0) {
        /* EXAT came with Redis 6.2; a length does for every version. */
        snprintf(till, sizeof(till), "%lld", (long long)(deed->until - deed->at));
        query_add(&query, SPAN("EX"));
        query_add(&query, span_of(till));
    }
    wire_send(admin->wire, query.argc, query.argv, query.len);
    if (admin_receive(admin, &reply, err) == STORE_DOWN)
        return STORE_DOWN;
    *changed = set || (reply->type == REDIS_REPLY_INTEGER && reply->integer > 0);
    freeReplyObject(reply);
    return *changed ? tell_journal(admin, deed, change, err) : STORE_OK;
}

static enum store_rc change_allow(struct admin *admin, const struct deed *deed, const char *change,
                                  bool *changed, struct err *err)
{
    if (wire_ready(admin->wire, err) == STORE_DOWN)
        return STORE_DOWN;
    return deed->subject.whole_domain ? allow_domain(admin, deed, change, changed, err)
                                      : allow_lead(admin, deed, change, changed, err);
}

enum store_rc admin_allow(struct admin *admin, const struct deed *deed, struct err *err)
{
    bool changed;

    return change_allow(admin, deed, "allow", &changed, err);
}

enum store_rc admin_disallow(struct admin *admin, const struct deed *deed, bool *changed, struct err *err)
{
    return change_allow(admin, deed, "disallow", changed, err);
}

/* Queues COMMAND with all keys of a lead. */
static void send_all_keys(struct admin *admin, struct span command, const struct address *lead)
{
    static const enum key_kind kinds[] = { KEY_LEAD, KEY_OPTOUT, KEY_REFUSED,   KEY_ALLOW,
                                           KEY_LOG,  KEY_TOKENS, KEY_RETURNING, KEY_UNDO };
    struct key keys[sizeof(kinds) / sizeof(kinds[0])];
    struct query query = { .argc = 0 };

    query_add(&query, command);
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        key_make(&keys[i], kinds[i], lead);
        query_add_key(&query, &keys[i]);
    }
    wire_send(admin->wire, query.argc, query.argv, query.len);
}

enum store_rc admin_forget(struct admin *admin, const struct deed *deed, bool *changed, struct err *err)
{
    const struct address *lead = &deed->subject.lead;
    int64_t keys = 0;

    *changed = false;
    if (wire_ready(admin->wire, err) == STORE_DOWN)
        return STORE_DOWN;
    send_all_keys(admin, SPAN("EXISTS"), lead);
    if (receive_number(admin, &keys, err) == STORE_DOWN)
        return STORE_DOWN;
    if (keys == 0)
        return STORE_OK;
    if (recover_journal(admin, lead, err) == STORE_DOWN ||
        tell_journal(admin, deed, "forget", err) == STORE_DOWN)
        return STORE_DOWN;
    send_all_keys(admin, SPAN("DEL"), lead);
    if (receive_number(admin, &keys, err) == STORE_DOWN)
        return STORE_DOWN;
    *changed = true;
    return STORE_OK;
}
