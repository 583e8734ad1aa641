/* SPDX-License-Identifier: BSD-2-Clause */
/* The deeds of the store. Applying events goes in rounds: every event of a slice whose lead is not waiting
 * for an earlier one is read, decided on by lead_apply() and committed, all reads in one write and all
 * commits in another; what lost a race against another program goes into the next round. */
#include "leadgate/store.h"

#include "leadgate/guard.h"
#include "leadgate/hash.h"
#include "store/answer.h"
#include "store/bounced.h"
#include "store/commit.h"
#include "store/journal.h"
#include "store/returning.h"
#include "store/store.h"

#include <stdlib.h>
#include <string.h>

enum {
    SLICE = 256,       /* events per round: bounds memory, and what Redis must buffer */
    SEATS = 1024,      /* of the table that tells a slice's leads apart; a power of two, some times SLICE */
    ROUNDS_MOST = 1000 /* a lead that changes under us that often is no race but a fault */
};

/* What is read about a lead before an event is applied to it. */
enum { LOAD_LEAD, LOAD_OPTOUT, LOAD_OPTOUT_TTL, LOAD_ALLOW, LOAD_DOMAIN_ALLOW, LOAD_REFUSED, LOADS };

struct job {
    const struct event *event;
    struct outcome *outcome;
    uint64_t hash; /* of the lead */
    bool done, in_round;
    bool named; /* in the list of bounces (bounced.h) */
    redisReply *replies[LOADS];
    redisReply *committed; /* the commit's answer; NULL: none yet */
    struct loaded loaded;
    struct commit commit;
};

struct store {
    const struct store_settings *settings;
    struct wire *wire;
    struct known_domains *domains; /* NULL: not needed so far */
    int64_t domains_of;            /* the connection for which that is so */
    struct job *jobs; /* as many as the largest slice so far needed: most stores see one event at a time */
    struct bounced *bounced; /* for as many */
    size_t room;
};

struct store *store_new(const struct store_settings *settings)
{
    struct store *store = calloc(1, sizeof(*store));

    if (store == NULL)
        return NULL;
    store->settings = settings;
    store->wire = wire_new(settings);
    if (store->wire == NULL) {
        free(store);
        return NULL;
    }
    return store;
}

void store_free(struct store *store)
{
    if (store == NULL)
        return;
    wire_free(store->wire);
    known_domains_free(store->domains);
    bounced_free(store->bounced);
    free(store->jobs);
    free(store);
}

struct wire *store_wire(struct store *store)
{
    return store->wire;
}

int64_t store_session(const struct store *store)
{
    return wire_session(store->wire);
}

struct known_domains *store_domains(struct store *store)
{
    if (store->domains == NULL)
        store->domains = known_domains_new();
    else if (store->domains_of != store_session(store))
        known_domains_clear(store->domains);
    store->domains_of = store_session(store);
    return store->domains;
}

const struct store_settings *store_settings_of(const struct store *store)
{
    return store->settings;
}

static void send_command(struct store *store, const char *name, const struct key *key, struct span field)
{
    const char *argv[] = { name, key->text, field.p };
    size_t len[] = { strlen(name), key->n, field.n };

    wire_send(store->wire, field.n > 0 ? 3 : 2, argv, len);
}

static void send_load(struct store *store, const struct event *event)
{
    static const struct {
        const char *name;
        enum key_kind key;
    } loads[LOADS] = {
        [LOAD_LEAD] = { "HGETALL", KEY_LEAD },
        [LOAD_OPTOUT] = { "GET", KEY_OPTOUT },
        [LOAD_OPTOUT_TTL] = { "PTTL", KEY_OPTOUT },
        [LOAD_ALLOW] = { "EXISTS", KEY_ALLOW },
        [LOAD_DOMAIN_ALLOW] = { "EXISTS", KEY_DOMAIN_ALLOW },
        [LOAD_REFUSED] = { "HGET", KEY_REFUSED },
    };
    struct key key;

    for (int i = 0; i < LOADS; i++) {
        key_make(&key, loads[i].key, &event->lead);
        send_command(store, loads[i].name, &key, i == LOAD_REFUSED ? event_stream(event) : SPAN_NONE);
    }
}

static enum store_rc receive_load(struct store *store, struct job *job, struct err *err)
{
    for (int i = 0; i < LOADS; i++) {
        if (wire_receive(store->wire, &job->replies[i], err) == STORE_DOWN)
            return STORE_DOWN;
        if (answer_check(job->replies[i], err) == STORE_DOWN)
            return wire_fail(store->wire, err);
    }
    return STORE_OK;
}

static void read_load(struct job *job, int64_t now)
{
    redisReply **replies = job->replies;
    struct loaded *loaded = &job->loaded;
    struct optouts *optouts = &loaded->optouts;

    answer_read_lead(replies[LOAD_LEAD], &loaded->lead);
    answer_read_resubscribed(replies[LOAD_LEAD], event_stream(job->event), &loaded->lead);
    loaded->rev = answer_field(replies[LOAD_LEAD], SPAN("rev"));
    loaded->refused_value = answer_text(replies[LOAD_REFUSED]);
    loaded->optout_value = answer_text(replies[LOAD_OPTOUT]);
    loaded->optout_odd = answer_is_odd(replies[LOAD_OPTOUT]);
    loaded->lead_allowed = replies[LOAD_ALLOW]->integer > 0;
    answer_read_optout(&optouts->optout, replies[LOAD_OPTOUT]);
    answer_read_ttl(&optouts->optout, replies[LOAD_OPTOUT_TTL], now);
    optouts->allowed = loaded->lead_allowed || replies[LOAD_DOMAIN_ALLOW]->integer > 0;
    answer_read_refusal(replies[LOAD_REFUSED], optouts);
    job->outcome->odd = loaded->optout_odd || answer_is_odd(replies[LOAD_LEAD]);
    job->outcome->before = optouts->optout;
    job->outcome->known = loaded->lead.delivered != 0;
    job->outcome->risky = guard_is_risky(loaded->lead.delivered, loaded->lead.score);
}

/* Decides, and makes the commit where there is something to write. */
static void decide(struct store *store, const struct lead_settings *settings, struct job *job, int64_t now)
{
    struct outcome *outcome = job->outcome;
    struct lead after;

    read_load(job, now);
    outcome->effect = lead_apply(settings, &job->loaded.lead, &job->loaded.optouts, job->event, now, &after,
                                 &outcome->change);
    outcome->strikes = after.strikes;
    if (outcome->effect == EFFECT_REPEAT) {
        job->done = true;
        return;
    }
    commit_make(&job->commit, wire_script(store->wire, SCRIPT_COMMIT), job->event, &job->loaded, &after,
                &outcome->change, store->settings->retention, now);
    if (!job->commit.undoable || job->named)
        return;
    bounced_add(store->bounced, job->event, job->event->at < now ? job->event->at : now);
    job->named = true;
}

static void send_commit(struct wire *wire, const struct job *job)
{
    if (job->commit.returns)
        returning_send(wire, &job->event->lead);
    wire_send(wire, job->commit.argc, (const char **)job->commit.argv, job->commit.len);
}

/* The list of bounces first: what is committed is always in it. */
static bool send_commits(struct store *store, size_t n, int64_t now)
{
    bool named = bounced_send(store->bounced, store->wire, now);

    for (size_t i = 0; i < n; i++)
        if (store->jobs[i].in_round && !store->jobs[i].done)
            send_commit(store->wire, &store->jobs[i]);
    return named;
}

/* One token convicts once, whatever else is new about the mail that brings it. */
static void make_repeat(struct job *job)
{
    job->outcome->effect = EFFECT_REPEAT;
    job->outcome->change.kind = CHANGE_NONE;
    job->outcome->strikes = job->loaded.lead.strikes;
}

static enum store_rc receive_commit(struct store *store, struct job *job, bool *no_script, struct err *err)
{
    struct span word;

    if (job->commit.returns && returning_receive(store->wire, err) == STORE_DOWN)
        return STORE_DOWN;
    if (wire_receive(store->wire, &job->committed, err) == STORE_DOWN)
        return STORE_DOWN;
    if (answer_is_no_script(job->committed)) {
        *no_script = true;
        return STORE_OK;
    }
    if (job->committed->type != REDIS_REPLY_ARRAY || job->committed->elements == 0) {
        err_set(err, "Redis answers to a commit: %s", job->committed->str);
        return wire_fail(store->wire, err);
    }
    word = answer_text(job->committed->element[0]);
    job->done = !span_eq(word, SPAN("race"));
    if (span_eq(word, SPAN("used")))
        make_repeat(job);
    job->outcome->odd |= span_eq(word, SPAN("odd"));
    return STORE_OK;
}

/* The id of the log entry that a commit made; empty when nothing changed. */
static struct span entry_of(const struct job *job)
{
    const redisReply *reply = job->committed;

    if (reply == NULL || reply->type != REDIS_REPLY_ARRAY || reply->elements < 2)
        return SPAN_NONE;
    return answer_text(reply->element[1]);
}

static enum store_rc receive_journal(struct store *store, size_t n, struct err *err)
{
    for (size_t i = 0; i < n; i++)
        if (entry_of(&store->jobs[i]).n > 0 && journal_receive(store->wire, err) == STORE_DOWN)
            return STORE_DOWN;
    return STORE_OK;
}

/* Puts the round's changes into the journal. */
static enum store_rc write_journal(struct store *store, size_t n, struct err *err)
{
    int64_t length = store->settings->journal;

    for (size_t i = 0; i < n; i++)
        if (entry_of(&store->jobs[i]).n > 0)
            journal_send(store->wire, &store->jobs[i].event->lead, entry_of(&store->jobs[i]),
                         &store->jobs[i].commit, length);
    if (receive_journal(store, n, err) == STORE_DOWN)
        return STORE_DOWN;
    for (size_t i = 0; i < n; i++)
        if (entry_of(&store->jobs[i]).n > 0)
            journal_settle(store->wire, &store->jobs[i].event->lead, entry_of(&store->jobs[i]));
    return receive_journal(store, n, err);
}

/* Somebody died between a commit and its entry in the journal: that one comes first. */
static enum store_rc recover_journal(struct store *store, struct job *job, struct err *err)
{
    struct span entry = answer_field(job->replies[LOAD_LEAD], SPAN("journal"));

    if (entry.n == 0)
        return STORE_OK;
    return journal_recover(store->wire, &job->event->lead, entry, store->settings->journal, err);
}

/* Takes the lead's seat; false when an earlier job about the same lead has it. A seat holds a job's number
 * and one, 0 = it is free. */
static bool take_seat(const struct job *jobs, size_t i, uint16_t seats[SEATS])
{
    size_t at = jobs[i].hash % SEATS;

    for (; seats[at] != 0; at = (at + 1) % SEATS)
        if (span_eq(address_span(&jobs[seats[at] - 1].event->lead), address_span(&jobs[i].event->lead)))
            return false;
    seats[at] = (uint16_t)(i + 1);
    return true;
}

/* Takes each job that is not done into the round, unless an earlier one about the same lead has to go first.
 */
static size_t open_round(struct job *jobs, size_t n)
{
    uint16_t seats[SEATS] = { 0 };
    size_t opened = 0;

    for (size_t i = 0; i < n; i++) {
        jobs[i].in_round = !jobs[i].done && take_seat(jobs, i, seats);
        opened += jobs[i].in_round;
    }
    return opened;
}

static void close_round(struct job *jobs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        for (int k = 0; k < LOADS; k++) {
            freeReplyObject(jobs[i].replies[k]);
            jobs[i].replies[k] = NULL;
        }
        freeReplyObject(jobs[i].committed);
        jobs[i].committed = NULL;
    }
}

static enum store_rc run_round(struct store *store, const struct lead_settings *settings, size_t n,
                               int64_t now, struct err *err)
{
    struct job *jobs = store->jobs;
    bool no_script = false;

    if (wire_ready(store->wire, err) == STORE_DOWN)
        return STORE_DOWN;
    for (size_t i = 0; i < n; i++)
        if (jobs[i].in_round)
            send_load(store, jobs[i].event);
    for (size_t i = 0; i < n; i++)
        if (jobs[i].in_round && receive_load(store, &jobs[i], err) == STORE_DOWN)
            return STORE_DOWN;
    for (size_t i = 0; i < n; i++)
        if (jobs[i].in_round && recover_journal(store, &jobs[i], err) == STORE_DOWN)
            return STORE_DOWN;
    for (size_t i = 0; i < n; i++)
        if (jobs[i].in_round)
            decide(store, settings, &jobs[i], now);
    if (send_commits(store, n, now) && bounced_receive(store->wire, err) == STORE_DOWN)
        return STORE_DOWN;
    for (size_t i = 0; i < n; i++)
        if (jobs[i].in_round && !jobs[i].done &&
            receive_commit(store, &jobs[i], &no_script, err) == STORE_DOWN)
            return STORE_DOWN;
    if (write_journal(store, n, err) == STORE_DOWN)
        return STORE_DOWN;
    return no_script ? wire_load_scripts(store->wire, err) : STORE_OK;
}

static bool make_jobs(struct store *store, size_t n)
{
    struct bounced *bounced;
    struct job *jobs;

    if (n <= store->room)
        return true;
    jobs = calloc(n, sizeof(*jobs));
    bounced = bounced_new(n);
    if (jobs == NULL || bounced == NULL) {
        free(jobs);
        bounced_free(bounced);
        return false;
    }
    free(store->jobs);
    bounced_free(store->bounced);
    store->jobs = jobs;
    store->bounced = bounced;
    store->room = n;
    return true;
}

static enum store_rc apply_slice(struct store *store, const struct lead_settings *settings,
                                 const struct event *events, size_t n, int64_t now, struct outcome *outcomes,
                                 struct err *err)
{
    enum store_rc rc = STORE_OK;

    if (!make_jobs(store, n)) {
        err_set(err, "out of memory");
        return STORE_DOWN;
    }
    for (size_t i = 0; i < n; i++) {
        store->jobs[i].event = &events[i];
        store->jobs[i].outcome = &outcomes[i];
        store->jobs[i].hash = hash_bytes(HASH_START, address_span(&events[i].lead));
        store->jobs[i].done = false;
        outcomes[i].provider[0] = '\0';
        outcomes[i].excused = false;
        store->jobs[i].named = false;
    }
    for (int round = 0; rc == STORE_OK && open_round(store->jobs, n) > 0; round++) {
        if (round == ROUNDS_MOST) {
            err_set(err, "%s changes in Redis faster than it can be committed", events[0].lead.text);
            return STORE_DOWN;
        }
        rc = run_round(store, settings, n, now, err);
        close_round(store->jobs, n);
    }
    return rc;
}

enum store_rc store_apply(struct store *store, const struct lead_settings *settings,
                          const struct event *events, size_t n, int64_t now, struct outcome *outcomes,
                          struct err *err)
{
    for (size_t done = 0; done < n; done += SLICE) {
        size_t slice = n - done < SLICE ? n - done : SLICE;

        if (apply_slice(store, settings, events + done, slice, now, outcomes + done, err) == STORE_DOWN)
            return STORE_DOWN;
    }
    return STORE_OK;
}

/* All n answers are read, so that the connection stays in step; no_script tells that they are to be asked
 * again. */
static enum store_rc receive_suppressions(struct store *store, size_t n, int64_t now,
                                          struct suppression *found, bool *no_script, struct err *err)
{
    for (size_t i = 0; i < n; i++) {
        redisReply *reply = NULL;
        enum store_rc rc = wire_receive(store->wire, &reply, err);

        if (rc == STORE_DOWN)
            return STORE_DOWN;
        if (answer_is_no_script(reply))
            *no_script = true;
        else
            rc = question_read(reply, now, &found[i], err);
        freeReplyObject(reply);
        if (rc == STORE_DOWN)
            return wire_fail(store->wire, err);
    }
    return STORE_OK;
}

enum store_rc store_find_suppressions(struct store *store, const struct address *leads, size_t n, int64_t now,
                                      struct suppression *found, struct err *err)
{
    struct question question;
    bool no_script;

    if (wire_ready(store->wire, err) == STORE_DOWN)
        return STORE_DOWN;
    do {
        no_script = false;
        for (size_t i = 0; i < n; i++) {
            question_make(&question, wire_script(store->wire, SCRIPT_QUESTION), &leads[i], false);
            wire_send(store->wire, question.argc, question.argv, question.len);
        }
        if (receive_suppressions(store, n, now, found, &no_script, err) == STORE_DOWN ||
            (no_script && wire_load_scripts(store->wire, err) == STORE_DOWN))
            return STORE_DOWN;
    } while (no_script);
    return STORE_OK;
}

/* The value of `name:` in an INFO reply. */
static struct span info_value(struct span info, struct span name)
{
    struct span line;

    while (span_line(&info, &line)) {
        struct span value = line, key = span_cut(&value, ':');

        if (span_eq(key, name))
            return value;
    }
    return SPAN_NONE;
}

enum store_rc store_check(struct store *store, struct err *warning, struct err *err)
{
    /* INFO, not CONFIG GET: hosted Redis refuses CONFIG. */
    const char *argv[] = { "INFO" };
    const size_t len[] = { 4 };
    redisReply *reply = NULL;
    struct span policy, role;

    warning->text[0] = '\0';
    if (wire_ready(store->wire, err) == STORE_DOWN)
        return STORE_DOWN;
    wire_send(store->wire, 1, argv, len);
    if (wire_receive(store->wire, &reply, err) == STORE_DOWN)
        return STORE_DOWN;
    policy = info_value(answer_text(reply), SPAN("maxmemory_policy"));
    role = info_value(answer_text(reply), SPAN("role"));
    if (span_eq(role, SPAN("slave")))
        err_set(warning,
                "Redis is a read-only replica: no event can be recorded; point redis.address at the primary");
    else if (policy.n > 0 && !span_eq(policy, SPAN("noeviction")))
        err_set(warning,
                "Redis may evict opt-outs when its memory is full (maxmemory-policy %.*s): run "
                "`redis-cli CONFIG SET maxmemory-policy noeviction`, and set it in redis.conf",
                SPAN_FMT(policy));
    freeReplyObject(reply);
    return STORE_OK;
}
