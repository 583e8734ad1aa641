/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading for an operator: everything about one lead, her log, the counters, and cheap questions about many
 * leads at once. */
#include "store/admin.h"

#include "store/answer.h"

#include <stdlib.h>

/* What is asked about a lead, in this order. */
enum {
    ASK_LEAD,
    ASK_STANDS, /* GET and PTTL of the opt-out */
    ASK_STANDS_TTL,
    ASK_WILL,
    ASK_NOTE, /* GET and PTTL of allow, domain allow, domain hold */
    ASK_NOTES = ASK_NOTE + 6
};

static const struct {
    const char *command;
    enum key_kind key;
} asks[ASK_NOTES] = {
    [ASK_LEAD] = { "HGETALL", KEY_LEAD },
    [ASK_STANDS] = { "GET", KEY_OPTOUT },
    [ASK_STANDS_TTL] = { "PTTL", KEY_OPTOUT },
    [ASK_WILL] = { "HGETALL", KEY_REFUSED },
    [ASK_NOTE] = { "GET", KEY_ALLOW },
    [ASK_NOTE + 1] = { "PTTL", KEY_ALLOW },
    [ASK_NOTE + 2] = { "GET", KEY_DOMAIN_ALLOW },
    [ASK_NOTE + 3] = { "PTTL", KEY_DOMAIN_ALLOW },
    [ASK_NOTE + 4] = { "GET", KEY_DOMAIN_HOLD },
    [ASK_NOTE + 5] = { "PTTL", KEY_DOMAIN_HOLD },
};

static void read_refusals(const redisReply *hash, struct dossier *out)
{
    struct optout words;

    if (answer_is_odd(hash)) {
        out->n_refusals = 1;
        out->refusals[0].cause = CAUSE_MANUAL;
        span_excerpt(out->refusals[0].stream, sizeof(out->refusals[0].stream), SPAN("*"));
        return;
    }
    for (size_t i = 0; hash->type == REDIS_REPLY_ARRAY && i + 1 < hash->elements; i += 2) {
        size_t at = out->n_refusals++;

        if (at >= DOSSIER_REFUSALS)
            continue;
        answer_read_optout(&words, hash->element[i + 1]);
        admin_copy_text(out->refusals[at].stream, sizeof(out->refusals[at].stream), hash->element[i]);
        out->refusals[at].cause = words.cause;
        out->refusals[at].since = words.since;
    }
}

/* The end of a key of any type, by its PTTL. */
static bool read_end(const redisReply *ttl, int64_t now, int64_t *until)
{
    struct optout end;

    answer_read_ttl(&end, ttl, now);
    *until = end.until;
    return end.present;
}

static void read_dossier(redisReply **replies, int64_t now, struct dossier *out)
{
    redisReply **note = replies + ASK_NOTE;

    *out = (struct dossier){ .known = replies[ASK_LEAD]->type == REDIS_REPLY_ARRAY &&
                                      replies[ASK_LEAD]->elements > 0 };
    answer_read_lead(replies[ASK_LEAD], &out->lead);
    answer_read_optout(&out->optout, replies[ASK_STANDS]);
    answer_read_ttl(&out->optout, replies[ASK_STANDS_TTL], now);
    read_refusals(replies[ASK_WILL], out);
    admin_copy_text(out->allow.text, sizeof(out->allow.text), note[0]);
    out->allow.present = read_end(note[1], now, &out->allow.until);
    admin_copy_text(out->domain_allow.text, sizeof(out->domain_allow.text), note[2]);
    out->domain_allow.present = read_end(note[3], now, &out->domain_allow.until);
    admin_copy_text(out->domain_hold.text, sizeof(out->domain_hold.text), note[4]);
    out->domain_hold.present = read_end(note[5], now, &out->domain_hold.until);
}

enum store_rc admin_read(struct admin *admin, const struct address *lead, int64_t now, struct dossier *out,
                         struct err *err)
{
    redisReply *replies[ASK_NOTES] = { NULL };
    enum store_rc rc = STORE_OK;
    struct key key;

    if (wire_ready(admin->wire, err) == STORE_DOWN)
        return STORE_DOWN;
    for (int i = 0; i < ASK_NOTES; i++) {
        key_make(&key, asks[i].key, lead);
        admin_send(admin, asks[i].command, (struct span){ key.text, key.n });
    }
    for (int i = 0; i < ASK_NOTES && rc == STORE_OK; i++)
        rc = admin_receive(admin, &replies[i], err);
    if (rc == STORE_OK)
        read_dossier(replies, now, out);
    for (int i = 0; i < ASK_NOTES; i++)
        freeReplyObject(replies[i]);
    return rc;
}

/* One entry of XREVRANGE: an id, and its fields. */
static void tell_entry(const redisReply *entry, admin_log_fn *fn, void *ctx)
{
    struct log_field fields[32];
    const redisReply *texts;
    size_t n = 0;

    if (entry->type != REDIS_REPLY_ARRAY || entry->elements != 2)
        return;
    texts = entry->element[1];
    for (size_t i = 0; texts->type == REDIS_REPLY_ARRAY && i + 1 < texts->elements && n < 32; i += 2)
        fields[n++] =
            (struct log_field){ answer_text(texts->element[i]), answer_text(texts->element[i + 1]) };
    fn(ctx, fields, n);
}

enum store_rc admin_read_log(struct admin *admin, const struct address *lead, admin_log_fn *fn, void *ctx,
                             struct err *err)
{
    struct query query = { .argc = 0 };
    redisReply *entries = NULL;
    struct key key;

    if (wire_ready(admin->wire, err) == STORE_DOWN)
        return STORE_DOWN;
    key_make(&key, KEY_LOG, lead);
    query_add(&query, SPAN("XREVRANGE"));
    query_add_key(&query, &key);
    query_add(&query, SPAN("+"));
    query_add(&query, SPAN("-"));
    wire_send(admin->wire, query.argc, query.argv, query.len);
    if (admin_receive(admin, &entries, err) == STORE_DOWN)
        return STORE_DOWN;
    for (size_t i = 0; entries->type == REDIS_REPLY_ARRAY && i < entries->elements; i++)
        tell_entry(entries->element[i], fn, ctx);
    freeReplyObject(entries);
    return STORE_OK;
}

static enum store_rc receive_count(struct admin *admin, uint64_t *out, struct err *err)
{
    redisReply *reply = NULL;

    if (admin_receive(admin, &reply, err) == STORE_DOWN)
        return STORE_DOWN;
    *out = reply->type == REDIS_REPLY_INTEGER && reply->integer > 0 ? (uint64_t)reply->integer : 0;
    freeReplyObject(reply);
    return STORE_OK;
}

enum store_rc admin_count(struct admin *admin, uint64_t *keys, uint64_t *journal, struct err *err)
{
    const char *dbsize = "DBSIZE";
    size_t len = strlen(dbsize);

    if (wire_ready(admin->wire, err) == STORE_DOWN)
        return STORE_DOWN;
    wire_send(admin->wire, 1, &dbsize, &len);
    admin_send(admin, "XLEN", SPAN(JOURNAL_KEY));
    return receive_count(admin, keys, err) == STORE_DOWN ? STORE_DOWN : receive_count(admin, journal, err);
}

static int compare_names(const void *a, const void *b)
{
    const struct log_field *x = a, *y = b;
    size_t n = x->name.n < y->name.n ? x->name.n : y->name.n;
    int order = memcmp(x->name.p, y->name.p, n);

    return order != 0 ? order : (x->name.n > y->name.n) - (x->name.n < y->name.n);
}

/* HGETALL hands out names and values in turn. */
static enum store_rc tell_counters(const redisReply *hash, admin_counters_fn *fn, void *ctx, struct err *err)
{
    size_t n = hash->elements / 2;
    struct log_field *fields = calloc(n, sizeof(*fields));

    if (fields == NULL) {
        err_set(err, "out of memory");
        return STORE_DOWN;
    }
    for (size_t i = 0; i < n; i++)
        fields[i] =
            (struct log_field){ answer_text(hash->element[2 * i]), answer_text(hash->element[2 * i + 1]) };
    qsort(fields, n, sizeof(*fields), compare_names);
    fn(ctx, fields, n);
    free(fields);
    return STORE_OK;
}

enum store_rc admin_read_counters(struct admin *admin, admin_counters_fn *fn, void *ctx, bool *odd,
                                  struct err *err)
{
    enum store_rc rc = STORE_OK;
    redisReply *hash = NULL;

    *odd = false;
    if (wire_ready(admin->wire, err) == STORE_DOWN)
        return STORE_DOWN;
    admin_send(admin, "HGETALL", SPAN(COUNTERS_KEY));
    if (admin_receive(admin, &hash, err) == STORE_DOWN)
        return STORE_DOWN;
    *odd = answer_is_odd(hash);
    if (hash->type == REDIS_REPLY_ARRAY && hash->elements > 0)
        rc = tell_counters(hash, fn, ctx, err);
    freeReplyObject(hash);
    return rc;
}

enum store_rc admin_find_marks(struct admin *admin, enum mark mark, const struct address *leads, size_t n,
                               bool *marked, struct err *err)
{
    if (wire_ready(admin->wire, err) == STORE_DOWN)
        return STORE_DOWN;
    for (size_t i = 0; i < n; i++) {
        struct query query = { .argc = 0 };
        struct key first, second;

        key_make(&first, mark == MARK_SUPPRESSED ? KEY_OPTOUT : KEY_DOMAIN_HOLD, &leads[i]);
        query_add(&query, SPAN("EXISTS"));
        query_add_key(&query, &first);
        if (mark == MARK_SUPPRESSED) {
            key_make(&second, KEY_REFUSED, &leads[i]);
            query_add_key(&query, &second);
        }
        wire_send(admin->wire, query.argc, query.argv, query.len);
    }
    for (size_t i = 0; i < n; i++) {
        uint64_t count;

        if (receive_count(admin, &count, err) == STORE_DOWN)
            return STORE_DOWN;
        marked[i] = count > 0;
    }
    return STORE_OK;
}
