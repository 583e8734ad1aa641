/* SPDX-License-Identifier: BSD-2-Clause */
/* One reader's turn: what it left pending, then what others did, then what is new. In Redis an entry is in
 * the stream, and in the group's list of pending ones from when it was read until it is settled; settling
 * takes it out of the stream first, so that a Redis that dies in between leaves a pending id without an
 * entry, which is settled again, and never an entry that nobody reads.
 *
 * Nothing is made where nobody reports: the group begins with the first entry, at the first entry. When
 * somebody deletes it, or the stream with it, it is made again in the same way, and nothing that is in the
 * stream is lost. */
#include "leadgate/store_inbox.h"

#include "leadgate/logline.h"
#include "store/answer.h"
#include "store/backoff.h"
#include "store/inbox_batch.h"
#include "store/keys.h"
#include "store/query.h"
#include "store/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Another reader is given up after this time; longer than a batch takes, however slow Redis is. */
#define IDLE_MS "60000"
/* How often is looked for such. */
enum { CLAIM_EVERY_MS = 10000 };

/* What is set aside is for people to look at: so much of an entry shows what it was. */
enum { REJECTED_FIELDS = 64, REJECTED_BYTES = 1024, REASON_SIZE = 512 };
#define REJECTED_LENGTH "10000"

#define FROM_START "0-0"

#define STRING(number)   STRING_OF(number)
#define STRING_OF(token) #token
#define COUNT            SPAN(STRING(INBOX_ENTRIES))

enum stage { STAGE_OWN, STAGE_OTHERS, STAGE_NEW };

struct inbox {
    struct wire *wire;
    const char *reader;
    enum stage stage;
    int64_t session;   /* the connection on which the batch was read */
    char cursor[48];   /* STAGE_OTHERS: where XAUTOCLAIM goes on */
    int64_t claim_at;  /* monotonic milliseconds: when to look for others' entries again */
    bool cannot_claim; /* this Redis has no XAUTOCLAIM, and that was said */
    struct batch batch;
};

struct inbox *inbox_new(const struct store_settings *settings, const char *reader)
{
    struct inbox *inbox = calloc(1, sizeof(*inbox));

    if (inbox == NULL)
        return NULL;
    inbox->reader = reader;
    memcpy(inbox->cursor, FROM_START, sizeof(FROM_START));
    if ((inbox->wire = wire_new(settings)) == NULL) {
        free(inbox);
        return NULL;
    }
    return inbox;
}

void inbox_free(struct inbox *inbox)
{
    if (inbox == NULL)
        return;
    batch_clear(&inbox->batch);
    wire_free(inbox->wire);
    free(inbox);
}

static void send(struct inbox *inbox, const struct span *words, int n)
{
    struct query query = { .argc = 0 };

    for (int i = 0; i < n; i++)
        query_add(&query, words[i]);
    wire_send(inbox->wire, query.argc, query.argv, query.len);
}

#define SEND(inbox, ...)                                                                                     \
    send(inbox, (const struct span[]){ __VA_ARGS__ },                                                        \
         (int)(sizeof((const struct span[]){ __VA_ARGS__ }) / sizeof(struct span)))

static bool is_error(const redisReply *reply, const char *word)
{
    return reply->type == REDIS_REPLY_ERROR && strncmp(reply->str, word, strlen(word)) == 0;
}

/* One answer. Whatever the error, nobody wants what else is to come on this connection. */
static enum store_rc receive(struct inbox *inbox, redisReply **out, struct err *err)
{
    redisReply *reply = NULL;

    if (wire_receive(inbox->wire, &reply, err) == STORE_DOWN)
        return STORE_DOWN;
    if (reply->type != REDIS_REPLY_ERROR || is_error(reply, "NOGROUP") || is_error(reply, "BUSYGROUP")) {
        *out = reply;
        return STORE_OK;
    }
    if (answer_is_odd(reply))
        err_set(err, EVENTS_KEY " is no stream, and nobody can report on it: rename it");
    else
        err_set(err, "Redis answers: %s", reply->str);
    freeReplyObject(reply);
    return wire_fail(inbox->wire, err);
}

/* --- reading --- */

static enum store_rc make_group(struct inbox *inbox, struct err *err)
{
    redisReply *reply = NULL;

    SEND(inbox, SPAN("XGROUP"), SPAN("CREATE"), SPAN(EVENTS_KEY), SPAN(EVENTS_GROUP), SPAN("0"),
         SPAN("MKSTREAM"));
    if (receive(inbox, &reply, err) == STORE_DOWN)
        return STORE_DOWN;
    freeReplyObject(reply);
    return STORE_OK;
}

/* The list of [id, fields] in a reply, which is [[key, list]], or nil. */
static const redisReply *list_of_read(const redisReply *reply)
{
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements == 0 || reply->element[0]->elements < 2)
        return NULL;
    return reply->element[0]->element[1];
}

/* Of XAUTOCLAIM: [cursor, list, ...] */
static const redisReply *list_of_claim(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_ARRAY && reply->elements > 1 ? reply->element[1] : NULL;
}

static enum store_rc take(struct inbox *inbox, redisReply *reply, const redisReply *list, struct err *err)
{
    if (batch_fill(&inbox->batch, reply, list))
        return STORE_OK;
    err_set(err, "out of memory");
    return STORE_DOWN;
}

/* Sends what `ask` sends, once more when the group had to be made for it. */
static enum store_rc ask_group(struct inbox *inbox, void (*ask)(struct inbox *inbox), redisReply **out,
                               struct err *err)
{
    ask(inbox);
    if (receive(inbox, out, err) == STORE_DOWN)
        return STORE_DOWN;
    if (!is_error(*out, "NOGROUP"))
        return STORE_OK;
    freeReplyObject(*out);
    if (make_group(inbox, err) == STORE_DOWN)
        return STORE_DOWN;
    ask(inbox);
    return receive(inbox, out, err);
}

static void ask_own(struct inbox *inbox)
{
    SEND(inbox, SPAN("XREADGROUP"), SPAN("GROUP"), SPAN(EVENTS_GROUP), span_of(inbox->reader), SPAN("COUNT"),
         COUNT, SPAN("STREAMS"), SPAN(EVENTS_KEY), SPAN("0"));
}

static void ask_new(struct inbox *inbox)
{
    SEND(inbox, SPAN("XREADGROUP"), SPAN("GROUP"), SPAN(EVENTS_GROUP), span_of(inbox->reader), SPAN("COUNT"),
         COUNT, SPAN("STREAMS"), SPAN(EVENTS_KEY), SPAN(">"));
}

static enum store_rc read_group(struct inbox *inbox, void (*ask)(struct inbox *inbox), struct err *err)
{
    redisReply *reply = NULL;

    if (ask_group(inbox, ask, &reply, err) == STORE_DOWN)
        return STORE_DOWN;
    return take(inbox, reply, list_of_read(reply), err);
}

static void ask_others(struct inbox *inbox)
{
    SEND(inbox, SPAN("XAUTOCLAIM"), SPAN(EVENTS_KEY), SPAN(EVENTS_GROUP), span_of(inbox->reader),
         SPAN(IDLE_MS), span_of(inbox->cursor), SPAN("COUNT"), COUNT);
}

static void end_claim(struct inbox *inbox)
{
    memcpy(inbox->cursor, FROM_START, sizeof(FROM_START));
    inbox->claim_at = monotonic_ms() + CLAIM_EVERY_MS;
    inbox->stage = STAGE_NEW;
}

/* Redis before 6.2: what another reader leaves behind waits until that one is back. */
static enum store_rc go_without_claim(struct inbox *inbox)
{
    if (!inbox->cannot_claim)
        log_say(LOG_WARNING,
                "this Redis is older than 6.2 (no XAUTOCLAIM): what another host's leadgate-feed "
                "has begun with waits until that is back");
    inbox->cannot_claim = true;
    end_claim(inbox);
    return STORE_OK;
}

/* The cursor says where to go on; at 0-0 all pending entries have been looked at. */
static enum store_rc read_others(struct inbox *inbox, struct err *err)
{
    redisReply *reply = NULL;

    if (inbox->cannot_claim)
        return go_without_claim(inbox);
    ask_others(inbox);
    if (wire_receive(inbox->wire, &reply, err) == STORE_DOWN)
        return STORE_DOWN;
    if (is_error(reply, "ERR unknown command")) {
        freeReplyObject(reply);
        return go_without_claim(inbox);
    }
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements < 2 ||
        !span_copy(inbox->cursor, sizeof(inbox->cursor), answer_text(reply->element[0])) ||
        strcmp(inbox->cursor, FROM_START) == 0)
        end_claim(inbox);
    /* The group is gone: reading what is new makes it again. */
    if (is_error(reply, "NOGROUP")) {
        freeReplyObject(reply);
        return STORE_OK;
    }
    if (answer_check(reply, err) == STORE_DOWN) {
        freeReplyObject(reply);
        return wire_fail(inbox->wire, err);
    }
    return take(inbox, reply, list_of_claim(reply), err);
}

/* Asks stage after stage until there is something. */
static enum store_rc read_stages(struct inbox *inbox, struct err *err)
{
    if (inbox->stage == STAGE_NEW && monotonic_ms() >= inbox->claim_at)
        inbox->stage = STAGE_OTHERS;
    if (inbox->stage == STAGE_OWN) {
        if (read_group(inbox, ask_own, err) == STORE_DOWN)
            return STORE_DOWN;
        if (inbox->batch.n_ids > 0)
            return STORE_OK;
        batch_clear(&inbox->batch);
        inbox->stage = STAGE_OTHERS;
    }
    while (inbox->stage == STAGE_OTHERS) {
        if (read_others(inbox, err) == STORE_DOWN)
            return STORE_DOWN;
        if (inbox->batch.n_ids > 0)
            return STORE_OK;
        batch_clear(&inbox->batch);
    }
    return read_group(inbox, ask_new, err);
}

/* How many entries there are, and what time Redis has. */
static enum store_rc glance(struct inbox *inbox, int64_t *length, int64_t *clock, struct err *err)
{
    redisReply *time = NULL, *n = NULL;

    SEND(inbox, SPAN("TIME"));
    SEND(inbox, SPAN("XLEN"), SPAN(EVENTS_KEY));
    if (receive(inbox, &time, err) == STORE_DOWN)
        return STORE_DOWN;
    *clock = 0;
    if (time->type == REDIS_REPLY_ARRAY && time->elements > 0)
        span_int64(answer_text(time->element[0]), clock);
    freeReplyObject(time);
    if (receive(inbox, &n, err) == STORE_DOWN)
        return STORE_DOWN;
    *length = n->type == REDIS_REPLY_INTEGER ? n->integer : 0;
    freeReplyObject(n);
    return STORE_OK;
}

enum store_rc inbox_read(struct inbox *inbox, struct inbox_batch *out, struct err *err)
{
    int64_t length;

    *out = (struct inbox_batch){ .n = 0 };
    if (inbox->batch.n_ids > 0)
        inbox->stage = STAGE_OWN;
    batch_clear(&inbox->batch);
    if (wire_ready(inbox->wire, err) == STORE_DOWN || glance(inbox, &length, &out->clock, err) == STORE_DOWN)
        return STORE_DOWN;
    if (length == 0)
        return STORE_OK;
    inbox->session = wire_session(inbox->wire);
    if (read_stages(inbox, err) == STORE_DOWN) {
        inbox->stage = STAGE_OWN; /* what Redis gave us, and we have not heard of */
        return STORE_DOWN;
    }
    out->entries = inbox->batch.entries;
    out->n = inbox->batch.n;
    out->more = inbox->batch.n_ids > 0;
    return STORE_OK;
}

/* --- settling --- */

/* KEYS  rejected events
 * ARGV  1 length, 2 group, 3 reason, 4 id, then fields and values. In one step: nothing is set aside twice.
 */
static const char reject_script[] =
    "local have = redis.call('TYPE', KEYS[1]).ok\n"
    "if have ~= 'stream' and have ~= 'none' then redis.call('RENAME', KEYS[1], KEYS[1] .. ':odd') end\n"
    "redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], '*', 'reason', ARGV[3], 'id', ARGV[4], "
    "unpack(ARGV, 5))\n"
    "redis.call('XDEL', KEYS[2], ARGV[4])\n"
    "return redis.call('XACK', KEYS[2], ARGV[2], ARGV[4])\n";

void inbox_reject(struct inbox *inbox, size_t entry, const char *reason)
{
    free(inbox->batch.reasons[entry]);
    inbox->batch.reasons[entry] = strndup(reason, REASON_SIZE);
    inbox->batch.rejected[entry] = true;
}

static struct span cut(struct span text)
{
    return (struct span){ text.p, text.n < REJECTED_BYTES ? text.n : REJECTED_BYTES };
}

static void send_rejected(struct inbox *inbox, const struct inbox_entry *entry, const char *reason)
{
    struct span words[9 + 2 * REJECTED_FIELDS] = {
        SPAN("EVAL"),          span_of(reject_script), SPAN("2"),       SPAN(REJECTED_KEY), SPAN(EVENTS_KEY),
        SPAN(REJECTED_LENGTH), SPAN(EVENTS_GROUP),     span_of(reason), entry->id,
    };
    const char *argv[sizeof(words) / sizeof(words[0])];
    size_t len[sizeof(words) / sizeof(words[0])];
    int n = 9;

    for (size_t i = 0; i < entry->n && i < REJECTED_FIELDS; i++) {
        words[n++] = cut(entry->fields[i].name);
        words[n++] = cut(entry->fields[i].value);
    }
    for (int i = 0; i < n; i++) {
        argv[i] = words[i].p;
        len[i] = words[i].n;
    }
    wire_send(inbox->wire, n, argv, len);
}

/* COMMAND KEY ... ID ..., with all ids: those that are set aside are settled twice, which changes nothing. */
static void send_ids(struct inbox *inbox, const struct span *words, size_t n)
{
    const char *argv[3 + INBOX_ENTRIES];
    size_t len[3 + INBOX_ENTRIES];

    for (size_t i = 0; i < n + inbox->batch.n_ids; i++) {
        struct span word = i < n ? words[i] : inbox->batch.ids[i - n];

        argv[i] = word.p;
        len[i] = word.n;
    }
    wire_send(inbox->wire, (int)(n + inbox->batch.n_ids), argv, len);
}

static enum store_rc receive_settled(struct inbox *inbox, size_t answers, struct err *err)
{
    for (size_t i = 0; i < answers; i++) {
        redisReply *reply = NULL;

        if (receive(inbox, &reply, err) == STORE_DOWN)
            return STORE_DOWN;
        freeReplyObject(reply);
    }
    return STORE_OK;
}

enum store_rc inbox_settle(struct inbox *inbox, struct err *err)
{
    static const struct span del[] = { { "XDEL", 4 }, { EVENTS_KEY, sizeof(EVENTS_KEY) - 1 } };
    static const struct span ack[] = { { "XACK", 4 },
                                       { EVENTS_KEY, sizeof(EVENTS_KEY) - 1 },
                                       { EVENTS_GROUP, sizeof(EVENTS_GROUP) - 1 } };
    struct batch *batch = &inbox->batch;
    size_t rejected = 0;

    if (batch->n_ids == 0)
        return STORE_OK;
    /* Redis may have come back with an older copy of its data: the entries in it, and not what they did. */
    if (wire_still(inbox->wire, inbox->session, err) == STORE_DOWN)
        return STORE_DOWN;
    for (size_t i = 0; i < batch->n; i++)
        if (batch->rejected[i]) {
            send_rejected(inbox, &batch->entries[i], batch->reasons[i]);
            rejected++;
        }
    if (rejected > 0 && receive_settled(inbox, rejected, err) == STORE_DOWN)
        return STORE_DOWN;
    send_ids(inbox, del, 2);
    send_ids(inbox, ack, 3);
    if (receive_settled(inbox, 2, err) == STORE_DOWN)
        return STORE_DOWN;
    batch_clear(batch);
    return STORE_OK;
}
