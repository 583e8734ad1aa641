/* SPDX-License-Identifier: BSD-2-Clause */
/* All leads in turn. SCAN hands out keys in batches; what they hold is asked for in one write together with
 * the next SCAN, so that each batch costs one round trip and memory holds two batches at most. The pattern
 * leaves out on the server what no kind can be; what is left is told apart by key_is(). */
#include "store/admin.h"

#include "store/answer.h"

#include <stdio.h>

#define BATCH 1000 /* keys that one SCAN looks at: about a millisecond of Redis's time */

static const struct {
    enum standing_kind kind;
    enum key_kind key;
    bool whole_domain;
    const char *pattern; /* of this kind alone */
    const char *command; /* that reads the value; then PTTL, where has_end */
    bool has_end;
} kinds[] = {
    { STANDING_OPTOUT, KEY_OPTOUT, false, "lead:{*}:optout", "GET", true },
    { STANDING_REFUSED, KEY_REFUSED, false, "lead:{*}:refused", "HGETALL", false },
    { STANDING_ALLOWED, KEY_ALLOW, false, NULL, "GET", true },
    { STANDING_ALLOWED, KEY_DOMAIN_ALLOW, true, NULL, "GET", true },
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static struct span pattern_of(unsigned wanted)
{
    for (size_t i = 0; i < KINDS; i++)
        if (wanted == (unsigned)kinds[i].kind && kinds[i].pattern != NULL)
            return span_of(kinds[i].pattern);
    return wanted == STANDING_ALLOWED ? SPAN("*:{*}:allow") : SPAN("*:{*}:[oar]*");
}

/* Which kind of key it is; KINDS when it is none that is wanted. */
static size_t kind_of(const struct scan *scan, struct span key, struct span *name)
{
    for (size_t i = 0; i < KINDS; i++)
        if ((scan->kinds & (unsigned)kinds[i].kind) != 0 && key_is(key, kinds[i].key, name))
            return i;
    return KINDS;
}

static void send_scan(struct admin *admin, const struct scan *scan, const char *cursor)
{
    struct query query = { .argc = 0 };
    char count[24];

    snprintf(count, sizeof(count), "%d", BATCH);
    query_add(&query, SPAN("SCAN"));
    query_add(&query, span_of(cursor));
    query_add(&query, SPAN("MATCH"));
    query_add(&query, pattern_of(scan->kinds));
    query_add(&query, SPAN("COUNT"));
    query_add(&query, span_of(count));
    wire_send(admin->wire, query.argc, query.argv, query.len);
}

/* A batch: [cursor, [key...]]. */
static enum store_rc receive_batch(struct admin *admin, redisReply **out, char cursor[24], struct err *err)
{
    redisReply *batch = NULL;

    if (admin_receive(admin, &batch, err) == STORE_DOWN)
        return STORE_DOWN;
    if (batch->type != REDIS_REPLY_ARRAY || batch->elements != 2 ||
        batch->element[1]->type != REDIS_REPLY_ARRAY ||
        !span_copy(cursor, 24, answer_text(batch->element[0]))) {
        err_set(err, "Redis answers to SCAN with something else");
        freeReplyObject(batch);
        return wire_fail(admin->wire, err);
    }
    *out = batch;
    return STORE_OK;
}

static void send_values(struct admin *admin, const struct scan *scan, const redisReply *keys)
{
    struct span name;

    for (size_t i = 0; i < keys->elements; i++) {
        struct span key = answer_text(keys->element[i]);
        size_t kind = kind_of(scan, key, &name);

        if (kind == KINDS)
            continue;
        admin_send(admin, kinds[kind].command, key);
        if (kinds[kind].has_end)
            admin_send(admin, "PTTL", key);
    }
}

static bool tell_refusals(const struct scan *scan, struct standing *standing, const redisReply *hash)
{
    if (answer_is_odd(hash)) {
        standing->stream = SPAN("*");
        standing->optout.cause = CAUSE_MANUAL;
        return scan->fn(scan->ctx, standing);
    }
    for (size_t i = 0; hash->type == REDIS_REPLY_ARRAY && i + 1 < hash->elements; i += 2) {
        standing->stream = answer_text(hash->element[i]);
        standing->again = i > 0;
        answer_read_optout(&standing->optout, hash->element[i + 1]);
        if (!scan->fn(scan->ctx, standing))
            return false;
    }
    return true;
}

/* ttl is NULL for what has no end. A key that is gone since it was named is not told of. */
static bool tell(const struct scan *scan, struct standing *standing, const redisReply *value,
                 const redisReply *ttl, int64_t now)
{
    if (standing->kind == STANDING_REFUSED)
        return tell_refusals(scan, standing, value);
    answer_read_optout(&standing->optout, value);
    answer_read_ttl(&standing->optout, ttl, now);
    standing->text = answer_text(value);
    return !standing->optout.present || scan->fn(scan->ctx, standing);
}

/* Reads what send_values() asked for, to the last answer, even when nobody wants to be told any more. */
static enum store_rc receive_values(struct admin *admin, const struct scan *scan, const redisReply *keys,
                                    int64_t now, bool *on, struct err *err)
{
    for (size_t i = 0; i < keys->elements; i++) {
        struct standing standing = { .kind = STANDING_OPTOUT };
        redisReply *value = NULL, *ttl = NULL;
        size_t kind = kind_of(scan, answer_text(keys->element[i]), &standing.name);
        enum store_rc rc;

        if (kind == KINDS)
            continue;
        standing.kind = kinds[kind].kind;
        standing.whole_domain = kinds[kind].whole_domain;
        rc = admin_receive(admin, &value, err);
        if (rc == STORE_OK && kinds[kind].has_end)
            rc = admin_receive(admin, &ttl, err);
        if (rc == STORE_OK && *on)
            *on = tell(scan, &standing, value, ttl, now);
        freeReplyObject(value);
        freeReplyObject(ttl);
        if (rc == STORE_DOWN)
            return STORE_DOWN;
    }
    return STORE_OK;
}

enum store_rc admin_scan(struct admin *admin, const struct scan *scan, int64_t now, struct err *err)
{
    redisReply *batch = NULL, *next = NULL;
    enum store_rc rc;
    char cursor[24];
    bool on = true, more = true;

    if (wire_ready(admin->wire, err) == STORE_DOWN)
        return STORE_DOWN;
    send_scan(admin, scan, "0");
    rc = receive_batch(admin, &batch, cursor, err);
    while (rc == STORE_OK && more && on) {
        more = strcmp(cursor, "0") != 0;
        send_values(admin, scan, batch->element[1]);
        if (more)
            send_scan(admin, scan, cursor);
        rc = receive_values(admin, scan, batch->element[1], now, &on, err);
        freeReplyObject(batch);
        batch = NULL;
        if (rc == STORE_OK && more)
            rc = receive_batch(admin, &next, cursor, err);
        batch = next;
        next = NULL;
        if (scan->step != NULL)
            scan->step(scan->ctx, BATCH);
    }
    freeReplyObject(batch);
    return rc;
}
