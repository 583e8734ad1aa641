/* SPDX-License-Identifier: BSD-2-Clause */
#include "leadgate/store_guard.h"
#include "leadgate/store_incident.h"

#include "leadgate/store_shares.h"
#include "leadgate/times.h"
#include "store/answer.h"
#include "store/domain.h"
#include "store/store.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void hold_parse(struct hold *out, struct span value)
{
    int64_t since;

    *out = (struct hold){ .present = true, .until = out->until };
    while (value.n > 0) {
        struct span text = span_cut(&value, ' '), word = span_cut(&text, '=');

        if (span_eq(word, SPAN("incident")) && times_read(text, &since))
            out->since = since;
        else if (span_eq(word, SPAN("sign")))
            out->sign = incident_sign_parse(text);
    }
}

/* --- providers --- */

enum { READS = 5 }; /* commands for each */

static void send_reads(struct wire *wire, struct span provider)
{
    static const struct {
        const char *name;
        enum provider_key key;
    } reads[READS] = { { "HGETALL", OF_PROVIDER_INCIDENT },
                       { "GET", OF_PROVIDER_HOLD },
                       { "PTTL", OF_PROVIDER_HOLD },
                       { "GET", OF_PROVIDER_ENDED },
                       { "TTL", OF_PROVIDER_INCIDENT } };

    for (int i = 0; i < READS; i++) {
        struct key key;
        const char *argv[] = { reads[i].name, key.text };
        size_t len[] = { strlen(reads[i].name), 0 };

        key_make_provider(&key, reads[i].key, provider);
        len[1] = key.n;
        wire_send(wire, 2, argv, len);
    }
}

static int64_t number_in(struct span text)
{
    int64_t number;

    return span_int64(text, &number) ? number : 0;
}

static void read_field(struct incident_state *out, struct span name, struct span value)
{
    struct incident *incident = &out->incident;

    if (span_eq(name, SPAN("sign")))
        incident->sign = incident_sign_parse(value);
    else if (span_eq(name, SPAN("since")))
        incident->since = number_in(value);
    else if (span_eq(name, SPAN("size")))
        incident->size = number_in(value);
    else if (span_eq(name, SPAN("length")))
        incident->length = number_in(value);
    else if (span_eq(name, SPAN("until")))
        incident->until = number_in(value);
    else if (span_eq(name, SPAN("step")))
        incident->step = number_in(value);
    else if (span_eq(name, SPAN("percent")))
        incident->percent = (int)(number_in(value) % 1000);
    else if (span_eq(name, SPAN("cleaned")))
        out->cleaned = number_in(value);
    else if (span_eq(name, SPAN("by")))
        span_excerpt(out->by, sizeof(out->by), value);
    else if (span_eq(name, SPAN("news")))
        span_excerpt(out->news, sizeof(out->news), value);
}

/* A hash of an operator's hand, or a key of another type, is an incident, too: one that explains nothing. */
static void read_incident(struct incident_state *out, const redisReply *hash)
{
    out->open = answer_is_odd(hash) || (hash->type == REDIS_REPLY_ARRAY && hash->elements > 0);
    for (size_t i = 0; hash->type == REDIS_REPLY_ARRAY && i + 1 < hash->elements; i += 2)
        read_field(out, answer_text(hash->element[i]), answer_text(hash->element[i + 1]));
    /* It is over, and only its news are left. */
    if (out->incident.percent >= 100)
        out->open = false;
}

/* Without an end it is -1. */
static bool is_neglected(const redisReply *ttl)
{
    return ttl->type == REDIS_REPLY_INTEGER && ttl->integer >= 0 &&
           ttl->integer <= number_in(SPAN(INCIDENT_NEGLECTED));
}

static void read_hold(struct hold *out, const redisReply *value, const redisReply *ttl, int64_t now)
{
    if (value->type == REDIS_REPLY_NIL)
        return;
    hold_parse(out, answer_text(value));
    if (ttl->type == REDIS_REPLY_INTEGER && ttl->integer >= 0)
        out->until = now + (ttl->integer + 999) / 1000;
}

static enum store_rc receive_state(struct wire *wire, int64_t now, struct incident_state *out,
                                   struct err *err)
{
    redisReply *replies[READS] = { NULL };
    enum store_rc rc = STORE_OK;

    *out = (struct incident_state){ .open = false };
    for (int i = 0; rc == STORE_OK && i < READS; i++)
        rc = wire_take(wire, &replies[i], err);
    if (rc == STORE_OK) {
        read_incident(out, replies[0]);
        read_hold(&out->hold, replies[1], replies[2], now);
        out->ended = number_in(answer_text(replies[3]));
        out->neglected = out->open && is_neglected(replies[4]);
    }
    for (int i = 0; i < READS; i++)
        freeReplyObject(replies[i]);
    return rc;
}

enum store_rc store_find_incidents(struct store *store, const struct span *providers, size_t n, int64_t now,
                                   struct incident_state *out, struct err *err)
{
    struct wire *wire = store_wire(store);

    if (n == 0)
        return STORE_OK;
    if (wire_ready(wire, err) == STORE_DOWN)
        return STORE_DOWN;
    for (size_t i = 0; i < n; i++)
        send_reads(wire, providers[i]);
    for (size_t i = 0; i < n; i++)
        if (receive_state(wire, now, &out[i], err) == STORE_DOWN)
            return STORE_DOWN;
    return STORE_OK;
}

/* --- in brief --- */

enum { BRIEF_FIELDS = 4 };

static void send_brief(struct wire *wire, struct span provider)
{
    struct key key;
    const char *argv[2 + BRIEF_FIELDS] = { "HMGET", key.text, "sign", "since", "step", "percent" };
    size_t len[2 + BRIEF_FIELDS] = { 5, 0, 4, 5, 4, 7 };

    key_make_provider(&key, OF_PROVIDER_INCIDENT, provider);
    len[1] = key.n;
    wire_send(wire, 2 + BRIEF_FIELDS, argv, len);
}

static void read_brief(struct incident_brief *out, const redisReply *reply)
{
    *out = (struct incident_brief){ .open = false };
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != BRIEF_FIELDS)
        return;
    out->sign = incident_sign_parse(answer_text(reply->element[0]));
    out->since = number_in(answer_text(reply->element[1]));
    out->step = number_in(answer_text(reply->element[2]));
    for (size_t i = 0; i < BRIEF_FIELDS; i++)
        out->open |= reply->element[i]->type == REDIS_REPLY_STRING;
    out->open &= number_in(answer_text(reply->element[3])) < 100;
}

enum store_rc store_find_briefs(struct store *store, const struct span *providers, size_t n,
                                struct incident_brief *out, struct err *err)
{
    struct wire *wire = store_wire(store);

    if (n == 0)
        return STORE_OK;
    if (wire_ready(wire, err) == STORE_DOWN)
        return STORE_DOWN;
    for (size_t i = 0; i < n; i++)
        send_brief(wire, providers[i]);
    for (size_t i = 0; i < n; i++) {
        redisReply *reply;

        if (wire_take(wire, &reply, err) == STORE_DOWN)
            return STORE_DOWN;
        read_brief(&out[i], reply);
        freeReplyObject(reply);
    }
    return STORE_OK;
}

/* --- lists --- */

void provider_list_free(struct provider_list *list)
{
    free(list->name);
    *list = (struct provider_list){ .n = 0 };
}

bool provider_list_has(const struct provider_list *list, struct span name)
{
    for (size_t i = 0; i < list->n; i++)
        if (span_eq(span_of(list->name[i]), name))
            return true;
    return false;
}

static bool append(struct provider_list *list, struct span name)
{
    size_t room = list->room == 0 ? 64 : list->room * 2;
    char(*names)[PROVIDER_SIZE];

    if (list->n == list->room) {
        if ((names = realloc(list->name, room * sizeof(*names))) == NULL)
            return false;
        list->name = names;
        list->room = room;
    }
    /* What does not fit is no provider of ours. */
    if (name.n > 0 && span_copy(list->name[list->n], PROVIDER_SIZE, name))
        list->n++;
    return true;
}

bool provider_list_add(struct provider_list *list, struct span name)
{
    return provider_list_has(list, name) || append(list, name);
}

static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* Sorted, and none of them twice. */
static void tidy(struct provider_list *list)
{
    size_t kept = 0;

    if (list->n == 0)
        return;
    qsort(list->name, list->n, sizeof(*list->name), compare);
    for (size_t i = 1; i < list->n; i++)
        if (strcmp(list->name[kept], list->name[i]) != 0 && ++kept != i)
            memcpy(list->name[kept], list->name[i], PROVIDER_SIZE);
    list->n = kept + 1;
}

bool provider_list_unite(struct provider_list *list, const struct provider_list *others)
{
    for (size_t i = 0; i < others->n; i++)
        if (!append(list, span_of(others->name[i])))
            return false;
    tidy(list);
    return true;
}

/* The members that a command answers, each up to a character. */
static enum store_rc list(struct store *store, const char **argv, int argc, char stop,
                          struct provider_list *out, struct err *err)
{
    redisReply *reply;
    bool room = true;
    size_t len[8];
    enum store_rc rc;

    for (int i = 0; i < argc; i++)
        len[i] = strlen(argv[i]);
    rc = wire_ask(store_wire(store), argc, argv, len, &reply, err);
    for (size_t i = 0; rc == STORE_OK && room && reply->type == REDIS_REPLY_ARRAY && i < reply->elements;
         i++) {
        struct span rest = answer_text(reply->element[i]);

        room = append(out, span_cut(&rest, stop));
    }
    freeReplyObject(reply);
    tidy(out);
    if (room)
        return rc;
    err_set(err, "out of memory");
    return STORE_DOWN;
}

enum store_rc store_list_providers(struct store *store, int64_t since, struct provider_list *out,
                                   struct err *err)
{
    char from[24];
    const char *argv[] = { "ZRANGEBYSCORE", PROVIDERS_KEY, from, "+inf" };

    snprintf(from, sizeof(from), "%" PRId64, since);
    return list(store, argv, 4, '\0', out, err);
}

enum store_rc store_list_open(struct store *store, struct provider_list *out, struct err *err)
{
    const char *argv[] = { "SMEMBERS", OPEN_KEY };

    return list(store, argv, 2, '\0', out, err);
}

enum store_rc store_list_shared(struct store *store, struct provider_list *out, struct err *err)
{
    const char *argv[] = { "HKEYS", SHARES_KEY };

    return list(store, argv, 2, '/', out, err);
}

enum store_rc store_list_passed(struct store *store, struct provider_list *out, struct err *err)
{
    const char *argv[] = { "ZRANGE", PASSED_KEY, "0", "-1" };

    return list(store, argv, 4, '\0', out, err);
}
