/* SPDX-License-Identifier: BSD-2-Clause */
/* Answers are added up first: those of one provider, stream and five minutes are one cell, and one command
 * writes a cell, its day and its leads. So a batch of some hundred events costs a few commands, or, where
 * each is of another provider, one for each.
 *
 * A count of another type, or that is no number, is an operator's slip; counting begins anew there. */
#include "store/provider_note.h"

#include "leadgate/hash.h"
#include "leadgate/store_provider.h"
#include "store/answer.h"
#include "store/store.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIVE        INT64_C(300)
#define DAY         INT64_C(86400)
#define DAYS_KEPT   (31 * DAY)
#define DOMAIN_KEPT (90 * DAY)

#define OWN                                                                                                  \
    "local function own(key, want)\n"                                                                        \
    "  local have = redis.call('TYPE', key).ok\n"                                                            \
    "  if have ~= want and have ~= 'none' then redis.call('RENAME', key, key .. ':odd') end\n"               \
    "end\n"

const char note_script[] =
    OWN "local n = tonumber(ARGV[5])\n"
        "local function add(key, field, amount)\n"
        "  local answer = redis.pcall('HINCRBY', key, field, amount)\n"
        "  if type(answer) == 'table' and answer.err then redis.call('HSET', key, field, amount) end\n"
        "end\n"
        "local function count(key, till, stream)\n"
        "  if till == '0' then return end\n"
        "  own(key, 'hash')\n"
        "  for i = 6, 4 + 2 * n, 2 do\n"
        "    add(key, ARGV[i], ARGV[i + 1])\n"
        "    if stream ~= '' and string.sub(ARGV[i], 1, 6) ~= 'cause.' then\n"
        "      add(key, ARGV[i] .. stream, ARGV[i + 1])\n"
        "    end\n"
        "  end\n"
        "  redis.call('EXPIREAT', key, till)\n"
        "end\n"
        "local function meet(key, till)\n"
        "  if till == '0' then return end\n"
        "  own(key, 'string')\n"
        "  local answer = redis.pcall('PFADD', key, unpack(ARGV, 6 + 2 * n))\n"
        "  if type(answer) == 'table' and answer.err then\n"
        "    redis.call('DEL', key)\n"
        "    redis.call('PFADD', key, unpack(ARGV, 6 + 2 * n))\n"
        "  end\n"
        "  redis.call('EXPIREAT', key, till)\n"
        "end\n"
        "count(KEYS[1], ARGV[1], ARGV[4])\n"
        "meet(KEYS[2], ARGV[1])\n"
        "count(KEYS[3], ARGV[2], ARGV[4])\n"
        "count(KEYS[4], ARGV[3], '')\n"
        "meet(KEYS[5], ARGV[3])\n"
        "return 1\n";

const char learn_script[] =
    OWN "own(KEYS[1], 'hash')\n"
        "if (tonumber(redis.call('HGET', KEYS[1], 'at') or '') or 0) > tonumber(ARGV[2]) then return 0 end\n"
        "redis.call('HSET', KEYS[1], 'provider', ARGV[1], 'at', ARGV[2])\n"
        "redis.call('EXPIREAT', KEYS[1], ARGV[3])\n"
        "return 1\n";

/* KEYS providers; ARGV times and providers. */
static const char seen_script[] = OWN "own(KEYS[1], 'zset')\n"
                                      "for i = 1, #ARGV, 2 do\n"
                                      "  local have = redis.call('ZSCORE', KEYS[1], ARGV[i + 1])\n"
                                      "  if not have or tonumber(have) < tonumber(ARGV[i]) then\n"
                                      "    redis.call('ZADD', KEYS[1], ARGV[i], ARGV[i + 1])\n"
                                      "  end\n"
                                      "end\n"
                                      "return 1\n";

enum { TRIES, DELIVERED, FAULTS, KNOWN, KNOWN_DEAD, INVALID, LOGGED, DEFERRED, RISKY, AMOUNTS };

static const char *const names[AMOUNTS] = {
    [TRIES] = "tries",   [DELIVERED] = "delivered",   [FAULTS] = "faults",
    [KNOWN] = "known",   [KNOWN_DEAD] = "known-dead", [INVALID] = "invalid",
    [LOGGED] = "logged", [DEFERRED] = "deferred",     [RISKY] = "risky",
};

enum {
    SLICE = 512, /* answers at a time: unpack() in Lua takes some thousand */
    CELLS = 2 * SLICE,
    KEYS = 5,
    FIXED = 5,
    ARGS = 2 * CELLS + 100, /* of the longest command: each cell's time and provider */
    NUMBER = 24
};

_Static_assert(ARGS >= 3 + KEYS + FIXED + 2 * (AMOUNTS + CAUSES) + SLICE, "a cell's command fits");

#define NONE SIZE_MAX

struct cell {
    struct span provider, stream;
    uint64_t hash;
    int64_t five, since; /* numbers; since 0 = not counted for a step */
    int64_t amounts[AMOUNTS], causes[CAUSES];
    size_t first; /* of its answers; NONE ends the list */
    int64_t last; /* when the last of them happened */
    bool done;
};

struct fact {
    struct span domain, provider;
    int64_t at;
    bool done;
};

struct notes {
    struct cell cells[CELLS];
    size_t n_cells;
    struct fact facts[SLICE];
    size_t n_facts;
    size_t next[SLICE]; /* of an answer: the next one of its cell */
    /* The command that is being made. */
    const char *argv[ARGS];
    size_t len[ARGS];
    char texts[FIXED + AMOUNTS + CAUSES][NUMBER], stream[STREAM_NAME_SIZE + 1], causes[CAUSES][40];
    struct key keys[KEYS];
    int argc, n_texts;
};

/* --- adding up --- */

static int64_t at_most(int64_t value, int64_t limit)
{
    return value < limit ? value : limit;
}

/* since: of the step for which it counts, too; 0 = for none. */
static struct cell *find_cell(struct notes *notes, const struct event *event, int64_t at, int64_t since)
{
    uint64_t hash = hash_bytes(hash_bytes(HASH_START, event->provider), event->mail_stream);
    struct cell *cell;

    for (cell = notes->cells; cell < notes->cells + notes->n_cells; cell++)
        if (cell->hash == hash && cell->five == at / FIVE && cell->since == since &&
            span_eq(cell->provider, event->provider) && span_eq(cell->stream, event->mail_stream))
            return cell;
    notes->n_cells++;
    *cell = (struct cell){ .provider = event->provider,
                           .stream = event->mail_stream,
                           .hash = hash,
                           .five = at / FIVE,
                           .since = since,
                           .first = NONE,
                           .last = at };
    return cell;
}

static void add_failure(struct cell *cell, const struct answer *answer)
{
    enum cause cause = answer->event->cause;
    bool dead = answer->event->type == EVENT_BOUNCE && incident_explains(SIGN_DEAD, cause);

    cell->causes[cause]++;
    cell->amounts[FAULTS] += incident_explains(SIGN_FAULTS, cause) && !event_is_greylisting(answer->event);
    /* What an incident explains says nothing of the list. */
    cell->amounts[INVALID] += dead && !answer->event->excused;
    cell->amounts[KNOWN_DEAD] += dead && answer->known;
}

static void add_answer(struct notes *notes, const struct answer *answers, size_t i, int64_t now)
{
    const struct answer *answer = &answers[i];
    int64_t at = at_most(answer->event->at, now);
    struct cell *cell =
        find_cell(notes, answer->event, at, answer->since != 0 && at >= answer->since ? answer->since : 0);

    cell->amounts[TRIES]++;
    cell->amounts[KNOWN] += answer->known;
    cell->amounts[LOGGED] += answer->event->source == SOURCE_LOG;
    cell->amounts[DEFERRED] += answer->event->type == EVENT_DEFERRED;
    if (answer->event->type == EVENT_DELIVERED)
        cell->amounts[DELIVERED]++;
    else
        add_failure(cell, answer);
    cell->last = at > cell->last ? at : cell->last;
    notes->next[i] = cell->first;
    cell->first = i;
    /* A risky lead is not under way any more: that counts where she was let pass, as far as it is known. */
    if (answer->risky && answer->event->type != EVENT_DEFERRED)
        find_cell(notes, answer->event, answer->event->sent > 0 ? at_most(answer->event->sent, at) : at, 0)
            ->amounts[RISKY]++;
}

static void add_fact(struct notes *notes, struct store *store, const struct answer *answer, int64_t now)
{
    const struct event *event = answer->event;
    struct fact fact = { address_domain(&event->lead), event->provider, at_most(event->at, now), false };

    if (answer->learned && known_domains_note(store_domains(store), fact.domain, fact.provider, fact.at))
        notes->facts[notes->n_facts++] = fact;
}

/* --- writing --- */

static void add(struct notes *notes, struct span text)
{
    notes->argv[notes->argc] = text.p;
    notes->len[notes->argc] = text.n;
    notes->argc++;
}

static void add_key(struct notes *notes, int i)
{
    add(notes, (struct span){ notes->keys[i].text, notes->keys[i].n });
}

static void add_int(struct notes *notes, int64_t number)
{
    char *text = notes->texts[notes->n_texts++];

    add(notes, (struct span){ text, (size_t)snprintf(text, NUMBER, "%" PRId64, number) });
}

static void begin(struct notes *notes, const char *sha, int keys)
{
    notes->argc = notes->n_texts = 0;
    add(notes, SPAN("EVALSHA"));
    add(notes, span_of(sha));
    add(notes, keys == KEYS ? SPAN("5") : SPAN("1"));
    for (int i = 0; i < keys; i++)
        add_key(notes, i);
}

static void add_amounts(struct notes *notes, const struct cell *cell)
{
    for (int i = 0; i < AMOUNTS; i++) {
        if (cell->amounts[i] == 0)
            continue;
        add(notes, span_of(names[i]));
        add_int(notes, cell->amounts[i]);
    }
    for (int i = 0; i < CAUSES; i++) {
        if (cell->causes[i] == 0)
            continue;
        snprintf(notes->causes[i], sizeof(notes->causes[i]), "cause.%s", cause_name((enum cause)i));
        add(notes, span_of(notes->causes[i]));
        add_int(notes, cell->causes[i]);
    }
}

/* The times after which they are of no use; what is older already is not written. */
static void add_ends(struct notes *notes, const struct cell *cell, int64_t now)
{
    int64_t five_end = (cell->five + 1) * FIVE + FIVES_KEPT;
    int64_t day_end = (cell->five * FIVE / DAY + 1) * DAY + DAYS_KEPT;

    add_int(notes, five_end > now ? five_end : 0);
    add_int(notes, day_end > now ? day_end : 0);
    add_int(notes, cell->since != 0 ? now + FIVES_KEPT : 0);
}

static void send_cell(struct notes *notes, struct wire *wire, const struct cell *cell,
                      const struct answer *answers, int64_t now)
{
    int count_at;

    key_make_count(&notes->keys[0], COUNT_FIVE, cell->provider, cell->five);
    key_make_leads(&notes->keys[1], COUNT_FIVE, cell->provider, cell->five);
    key_make_count(&notes->keys[2], COUNT_DAY, cell->provider, cell->five * FIVE / DAY);
    key_make_count(&notes->keys[3], COUNT_STEP, cell->provider, cell->since);
    key_make_leads(&notes->keys[4], COUNT_STEP, cell->provider, cell->since);
    begin(notes, wire_script(wire, SCRIPT_NOTE), KEYS);
    add_ends(notes, cell, now);
    snprintf(notes->stream, sizeof(notes->stream), "%s%.*s", cell->stream.n > 0 ? "/" : "",
             SPAN_FMT(cell->stream));
    add(notes, span_of(notes->stream));
    /* How many there are is known behind them. */
    count_at = notes->argc++;
    add_amounts(notes, cell);
    add_int(notes, (notes->argc - count_at - 1) / 2);
    notes->argc--;
    notes->argv[count_at] = notes->argv[notes->argc];
    notes->len[count_at] = notes->len[notes->argc];
    for (size_t i = cell->first; i != NONE; i = notes->next[i])
        add(notes, address_span(&answers[i].event->lead));
    wire_send(wire, notes->argc, notes->argv, notes->len);
}

static void send_fact(struct notes *notes, struct wire *wire, const struct fact *fact)
{
    key_make_domain(&notes->keys[0], fact->domain);
    begin(notes, wire_script(wire, SCRIPT_LEARN), 1);
    add(notes, fact->provider);
    add_int(notes, fact->at);
    add_int(notes, fact->at + DOMAIN_KEPT);
    wire_send(wire, notes->argc, notes->argv, notes->len);
}

static void send_seen(struct notes *notes, struct wire *wire)
{
    char times[CELLS][NUMBER];

    notes->argc = 0;
    add(notes, SPAN("EVAL"));
    add(notes, span_of(seen_script));
    add(notes, SPAN("1"));
    add(notes, SPAN(PROVIDERS_KEY));
    for (size_t i = 0; i < notes->n_cells; i++) {
        add(notes,
            (struct span){ times[i], (size_t)snprintf(times[i], NUMBER, "%" PRId64, notes->cells[i].last) });
        add(notes, notes->cells[i].provider);
    }
    wire_send(wire, notes->argc, notes->argv, notes->len);
}

static enum store_rc receive_one(struct wire *wire, bool *no_script, bool *done, struct err *err)
{
    redisReply *reply = NULL;
    enum store_rc rc = wire_receive(wire, &reply, err);

    if (rc == STORE_DOWN)
        return STORE_DOWN;
    *done = !answer_is_no_script(reply);
    if (*done && answer_check(reply, err) == STORE_DOWN)
        rc = wire_fail(wire, err);
    *no_script |= !*done;
    freeReplyObject(reply);
    return rc;
}

/* Writes what is not done; no_script tells that some of it has to be sent again. */
static enum store_rc write_notes(struct notes *notes, struct wire *wire, const struct answer *answers,
                                 int64_t now, bool *no_script, struct err *err)
{
    bool done;

    for (size_t i = 0; i < notes->n_cells; i++)
        if (!notes->cells[i].done)
            send_cell(notes, wire, &notes->cells[i], answers, now);
    for (size_t i = 0; i < notes->n_facts; i++)
        if (!notes->facts[i].done)
            send_fact(notes, wire, &notes->facts[i]);
    send_seen(notes, wire);
    for (size_t i = 0; i < notes->n_cells; i++)
        if (!notes->cells[i].done && receive_one(wire, no_script, &notes->cells[i].done, err) == STORE_DOWN)
            return STORE_DOWN;
    for (size_t i = 0; i < notes->n_facts; i++)
        if (!notes->facts[i].done && receive_one(wire, no_script, &notes->facts[i].done, err) == STORE_DOWN)
            return STORE_DOWN;
    return receive_one(wire, no_script, &done, err);
}

static enum store_rc note_slice(struct store *store, struct notes *notes, const struct answer *answers,
                                size_t n, int64_t now, struct err *err)
{
    struct wire *wire = store_wire(store);
    bool no_script;

    if (wire_ready(wire, err) == STORE_DOWN)
        return STORE_DOWN;
    notes->n_cells = notes->n_facts = 0;
    for (size_t i = 0; i < n; i++) {
        add_answer(notes, answers, i, now);
        add_fact(notes, store, &answers[i], now);
    }
    do {
        no_script = false;
        if (write_notes(notes, wire, answers, now, &no_script, err) == STORE_DOWN ||
            (no_script && wire_load_scripts(wire, err) == STORE_DOWN))
            return STORE_DOWN;
    } while (no_script);
    return STORE_OK;
}

enum store_rc store_note_answers(struct store *store, const struct answer *answers, size_t n, int64_t now,
                                 struct err *err)
{
    struct notes *notes;
    enum store_rc rc = STORE_OK;

    if (n == 0)
        return STORE_OK;
    if ((notes = malloc(sizeof(*notes))) == NULL) {
        err_set(err, "out of memory");
        return STORE_DOWN;
    }
    for (size_t done = 0; rc == STORE_OK && done < n; done += SLICE)
        rc = note_slice(store, notes, answers + done, n - done < SLICE ? n - done : SLICE, now, err);
    free(notes);
    return rc;
}
