/* SPDX-License-Identifier: BSD-2-Clause */
/* An entry is written in the words of the lead's log, so that redis-cli shows what it is about, and holds
 * what is needed to apply it later: who, what, when, and the message. */
#include "leadgate/store_unverified.h"

#include "leadgate/logline.h"
#include "leadgate/times.h"
#include "store/answer.h"
#include "store/query.h"
#include "store/store.h"
#include "store/wire.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PAGE "200" /* entries read at a time */

/* KEYS unverified; ARGV length, then fields and values. A key of another type is an operator's slip. */
static const char append_script[] =
    "local have = redis.call('TYPE', KEYS[1]).ok\n"
    "if have ~= 'stream' and have ~= 'none' then redis.call('RENAME', KEYS[1], KEYS[1] .. ':odd') end\n"
    "return redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], '*', unpack(ARGV, 2))\n";

/* --- in --- */

static void add_field(struct query *query, const char *name, struct span value)
{
    if (value.n == 0)
        return;
    query_add(query, span_of(name));
    query_add(query, value);
}

static void send_entry(struct wire *wire, const struct event *event, int64_t length)
{
    char most[24], at[TIME_TEXT_SIZE], sent[TIME_TEXT_SIZE], evidence[256];
    struct query query = { .argc = 0 };

    snprintf(most, sizeof(most), "%" PRId64, length);
    span_excerpt(evidence, sizeof(evidence), event->evidence);
    query_add(&query, SPAN("EVAL"));
    query_add(&query, span_of(append_script));
    query_add(&query, SPAN("1"));
    query_add(&query, SPAN(UNVERIFIED_KEY));
    query_add(&query, span_of(most));
    add_field(&query, "reason", span_of(event->proof));
    add_field(&query, "lead", address_span(&event->lead));
    add_field(&query, "type", span_of(event_type_name(event->type)));
    add_field(&query, "cause", span_of(cause_name(event->cause)));
    add_field(&query, "status", event->status);
    add_field(&query, "at", span_of(time_text(at, event->at)));
    if (event->sent != 0)
        add_field(&query, "sent", span_of(time_text(sent, event->sent)));
    add_field(&query, "message", event->message);
    add_field(&query, "stream", event->stream);
    add_field(&query, "provider", event->provider);
    add_field(&query, "source", span_of(event_source_name(event->source)));
    add_field(&query, "evidence", span_of(evidence));
    wire_send(wire, query.argc, query.argv, query.len);
}

enum store_rc store_set_aside(struct store *store, const struct event *events, size_t n, struct err *err)
{
    struct wire *wire = store_wire(store);

    if (n == 0)
        return STORE_OK;
    if (wire_ready(wire, err) == STORE_DOWN)
        return STORE_DOWN;
    for (size_t i = 0; i < n; i++)
        send_entry(wire, &events[i], store_settings_of(store)->unverified);
    for (size_t i = 0; i < n; i++) {
        redisReply *reply;

        if (wire_take(wire, &reply, err) == STORE_DOWN)
            return STORE_DOWN;
        freeReplyObject(reply);
    }
    return STORE_OK;
}

static void log_optional(struct logline *line, const char *key, struct span value)
{
    if (value.n > 0)
        logline_span(line, key, value);
}

void unverified_log(const struct event *event)
{
    struct logline line;

    logline_start(&line, "unverified");
    logline_span(&line, "lead", address_span(&event->lead));
    logline_text(&line, "type", event_type_name(event->type));
    logline_text(&line, "cause", cause_name(event->cause));
    logline_text(&line, "proof", event->proof);
    log_optional(&line, "status", event->status);
    logline_time(&line, "at", event->at);
    logline_text(&line, "source", event_source_name(event->source));
    log_optional(&line, "message", event->message);
    log_optional(&line, "evidence", event->evidence);
    logline_send(&line, LOG_INFO);
}

/* --- out --- */

static void read_type(struct event *event, struct span word)
{
    for (int type = EVENT_BOUNCE; type < EVENT_TYPES; type++)
        if (span_eq(word, span_of(event_type_name((enum event_type)type))))
            event->type = (enum event_type)type;
}

static void read_source(struct event *event, struct span word)
{
    for (int source = SOURCE_MAILBOX; source <= SOURCE_OPERATOR; source++)
        if (span_eq(word, span_of(event_source_name((enum event_source)source))))
            event->source = (enum event_source)source;
}

static void read_field(struct unverified *entry, struct span name, struct span value)
{
    struct event *event = &entry->event;
    const struct {
        struct span name, *text;
    } texts[] = {
        { SPAN("reason"), &entry->reason },     { SPAN("lead"), &entry->lead },
        { SPAN("status"), &event->status },     { SPAN("message"), &event->message },
        { SPAN("stream"), &event->stream },     { SPAN("provider"), &event->provider },
        { SPAN("evidence"), &event->evidence },
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (span_eq(name, texts[i].name))
            *texts[i].text = value;
    if (span_eq(name, SPAN("type")))
        read_type(event, value);
    else if (span_eq(name, SPAN("cause")))
        cause_parse(value, &event->cause);
    else if (span_eq(name, SPAN("source")))
        read_source(event, value);
    else if (span_eq(name, SPAN("at")))
        times_read(value, &event->at);
    else if (span_eq(name, SPAN("sent")))
        times_read(value, &event->sent);
}

/* What a report can say, and nothing that only an operator or an application does. */
static bool is_whole(const struct event *event)
{
    bool will = event->type == EVENT_COMPLAINT || event->type == EVENT_UNSUBSCRIBE ||
                event->type == EVENT_RESUBSCRIBE;

    return event->lead.n > 0 && event->at != 0 &&
           (will || (event->type == EVENT_BOUNCE && event->cause != CAUSE_NONE));
}

static void read_entry(struct unverified *entry, struct span id, const redisReply *fields)
{
    const struct address_rules as_it_is = { .fold_local_part = false };
    struct event *event = &entry->event;
    struct err err;

    *entry = (struct unverified){ .id = id, .reason = SPAN_NONE, .lead = SPAN_NONE };
    event->message = event->status = event->evidence = SPAN_NONE;
    event->stream = event->provider = event->token = SPAN_NONE;
    for (size_t i = 0; i + 1 < fields->elements; i += 2)
        read_field(entry, answer_text(fields->element[i]), answer_text(fields->element[i + 1]));
    if (address_parse(&event->lead, ADDRESS_INTERNAL, entry->lead, &as_it_is, &err) < 0)
        event->lead.n = 0;
    entry->whole = is_whole(event);
}

/* Tells of the entries of a range, but for the one that was the last before. False when fn has enough. */
static bool tell(const redisReply *range, struct span before, store_unverified_fn *fn, void *ctx)
{
    for (size_t i = 0; i < range->elements; i++) {
        const redisReply *one = range->element[i];
        struct unverified entry;

        if (one->type != REDIS_REPLY_ARRAY || one->elements != 2 ||
            one->element[1]->type != REDIS_REPLY_ARRAY || span_eq(answer_text(one->element[0]), before))
            continue;
        read_entry(&entry, answer_text(one->element[0]), one->element[1]);
        if (!fn(ctx, &entry))
            return false;
    }
    return true;
}

/* The answer is an array; a key of another type has no entries. */
static enum store_rc read_range(struct store *store, const char *command, struct span from, struct span to,
                                redisReply **range, struct err *err)
{
    struct query query = { .argc = 0 };

    query_add(&query, span_of(command));
    query_add(&query, SPAN(UNVERIFIED_KEY));
    query_add(&query, from);
    query_add(&query, to);
    query_add(&query, SPAN("COUNT"));
    query_add(&query, SPAN(PAGE));
    return wire_ask(store_wire(store), query.argc, query.argv, query.len, range, err);
}

/* The newest id; "" when there is none. */
static enum store_rc find_newest(struct store *store, char id[64], struct err *err)
{
    redisReply *range;

    if (read_range(store, "XREVRANGE", SPAN("+"), SPAN("-"), &range, err) == STORE_DOWN)
        return STORE_DOWN;
    id[0] = '\0';
    if (range->type == REDIS_REPLY_ARRAY && range->elements > 0 && range->element[0]->elements > 0)
        span_copy(id, 64, answer_text(range->element[0]->element[0]));
    freeReplyObject(range);
    return STORE_OK;
}

enum store_rc store_each_unverified(struct store *store, bool newest_first, store_unverified_fn *fn,
                                    void *ctx, struct err *err)
{
    char newest[64], last[64] = "";
    bool more = true;

    if (find_newest(store, newest, err) == STORE_DOWN)
        return STORE_DOWN;
    while (more && newest[0] != '\0') {
        struct span from = last[0] != '\0' ? span_of(last) : newest_first ? span_of(newest) : SPAN("-");
        redisReply *range;
        size_t n;

        if (read_range(store, newest_first ? "XREVRANGE" : "XRANGE", from,
                       newest_first ? SPAN("-") : span_of(newest), &range, err) == STORE_DOWN)
            return STORE_DOWN;
        n = range->type == REDIS_REPLY_ARRAY ? range->elements : 0;
        more = n > 0 && tell(range, span_of(last), fn, ctx);
        /* What was told of last comes again, unless it has been deleted: then there is news behind it. */
        if (n > 0) {
            struct span id = answer_text(range->element[n - 1]->element[0]);

            more = more && !span_eq(id, span_of(last)) && span_copy(last, sizeof(last), id);
        }
        freeReplyObject(range);
    }
    return STORE_OK;
}

/* `1796083200123-0`: what else XRANGE takes is no name of one entry. */
static bool is_id(struct span id)
{
    struct span rest = id, seconds = span_cut(&rest, '-');
    int64_t a, b;

    return id.n < 48 && span_int64(seconds, &a) && span_int64(rest, &b) && a >= 0 && b >= 0;
}

enum store_rc store_find_unverified(struct store *store, struct span id, store_unverified_fn *fn, void *ctx,
                                    bool *found, struct err *err)
{
    redisReply *range;

    *found = false;
    if (!is_id(id))
        return STORE_OK;
    if (read_range(store, "XRANGE", id, id, &range, err) == STORE_DOWN)
        return STORE_DOWN;
    *found = range->type == REDIS_REPLY_ARRAY && range->elements > 0;
    if (*found)
        tell(range, SPAN_NONE, fn, ctx);
    freeReplyObject(range);
    return STORE_OK;
}

enum store_rc store_drop_unverified(struct store *store, struct span id, bool *found, struct err *err)
{
    struct query query = { .argc = 0 };
    redisReply *reply;

    *found = false;
    if (!is_id(id))
        return STORE_OK;
    if (wire_ready(store_wire(store), err) == STORE_DOWN)
        return STORE_DOWN;
    query_add(&query, SPAN("XDEL"));
    query_add(&query, SPAN(UNVERIFIED_KEY));
    query_add(&query, id);
    wire_send(store_wire(store), query.argc, query.argv, query.len);
    if (wire_take(store_wire(store), &reply, err) == STORE_DOWN)
        return STORE_DOWN;
    *found = reply->type == REDIS_REPLY_INTEGER && reply->integer > 0;
    freeReplyObject(reply);
    return STORE_OK;
}
