/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads what Redis holds about a lead. Everything here may have been typed by an operator, so reading never
 * fails for a value: an opt-out without readable text is an operator's opt-out, a TTL outranks what the text
 * says, a number that is none counts as not there. Only Redis's own errors are errors. */
#include "store/answer.h"

#include "leadgate/decimal.h"
#include "leadgate/logline.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* One row per field of lead:{ADDR}: read, compared and written from here. */
static const struct lead_field {
    const char *name;
    enum { FIELD_INT, FIELD_DECIMAL, FIELD_CAUSE, FIELD_TEXT } type;
    size_t at, size; /* size: of a text */
} lead_fields[] = {
#define INT(member)                                                                                          \
    {                                                                                                        \
#member, FIELD_INT, offsetof(struct lead, member), 0                                                 \
    }
#define TEXT(member)                                                                                         \
    {                                                                                                        \
#member, FIELD_TEXT, offsetof(struct lead, member), sizeof(((struct lead *)0)->member)               \
    }
    { "cause", FIELD_CAUSE, offsetof(struct lead, cause), 0 },
    INT(strikes),
    INT(cycle),
    INT(series),
    INT(since),
    INT(until),
    INT(seen),
    INT(delivered),
    INT(bounced),
    INT(struck),
    INT(deferred),
    INT(engaged),
    INT(noticed),
    INT(resubscribed),
    INT(doubted),
    INT(deliveries),
    { "score", FIELD_DECIMAL, offsetof(struct lead, score), 0 },
    INT(scored),
    INT(rev),
    TEXT(message),
    TEXT(noted),
    TEXT(status),
    TEXT(diag),
    TEXT(provider),
#undef INT
#undef TEXT
};

#define N_FIELDS (sizeof(lead_fields) / sizeof(lead_fields[0]))

static void field_write(const struct lead_field *field, const struct lead *lead, char dst[LEAD_TEXT_SIZE])
{
    const char *member = (const char *)lead + field->at;
    int64_t number;
    enum cause cause;

    switch (field->type) {
    case FIELD_INT:
        memcpy(&number, member, sizeof(number));
        snprintf(dst, LEAD_TEXT_SIZE, "%lld", (long long)number);
        break;
    case FIELD_DECIMAL:
        memcpy(&number, member, sizeof(number));
        decimal_text(dst, number);
        break;
    case FIELD_CAUSE:
        memcpy(&cause, member, sizeof(cause));
        snprintf(dst, LEAD_TEXT_SIZE, "%s", cause_name(cause));
        break;
    case FIELD_TEXT: snprintf(dst, LEAD_TEXT_SIZE, "%s", member); break;
    }
}

static void field_read(const struct lead_field *field, struct lead *lead, struct span value)
{
    char *member = (char *)lead + field->at;
    int64_t number;
    enum cause cause;

    switch (field->type) {
    case FIELD_INT:
        if (span_int64(value, &number))
            memcpy(member, &number, sizeof(number));
        break;
    case FIELD_DECIMAL:
        if (decimal_parse(value, &number))
            memcpy(member, &number, sizeof(number));
        break;
    case FIELD_CAUSE:
        cause_parse(value, &cause);
        memcpy(member, &cause, sizeof(cause));
        break;
    case FIELD_TEXT: span_excerpt(member, field->size, value); break;
    }
}

static bool field_is_same(const struct lead_field *field, const struct lead *a, const struct lead *b)
{
    const char *x = (const char *)a + field->at, *y = (const char *)b + field->at;

    switch (field->type) {
    case FIELD_INT:
    case FIELD_DECIMAL: return memcmp(x, y, sizeof(int64_t)) == 0;
    case FIELD_CAUSE: return memcmp(x, y, sizeof(enum cause)) == 0;
    case FIELD_TEXT: return strcmp(x, y) == 0;
    }
    return false;
}

bool lead_next_field(size_t *next, const struct lead *before, const struct lead *after, const char **name,
                     char value[LEAD_TEXT_SIZE])
{
    while (*next < N_FIELDS) {
        const struct lead_field *field = &lead_fields[(*next)++];

        if (field_is_same(field, before, after))
            continue;
        field_write(field, after, value);
        *name = field->name;
        return true;
    }
    return false;
}

bool lead_value_is_nothing(const char *value)
{
    return value[0] == '\0' || strcmp(value, "0") == 0 || strcmp(value, cause_name(CAUSE_NONE)) == 0;
}

void lead_read_field(struct lead *lead, struct span name, struct span value)
{
    bool is_number;

    for (size_t f = 0; f < N_FIELDS; f++) {
        if (!span_eq(name, span_of(lead_fields[f].name)))
            continue;
        is_number = lead_fields[f].type == FIELD_INT || lead_fields[f].type == FIELD_DECIMAL;
        field_read(&lead_fields[f], lead, value.n == 0 && is_number ? SPAN("0") : value);
    }
}

void answer_read_lead(const redisReply *hash, struct lead *out)
{
    *out = (struct lead){ .rev = 0 };
    if (hash->type != REDIS_REPLY_ARRAY)
        return;
    for (size_t i = 0; i + 1 < hash->elements; i += 2)
        lead_read_field(out, answer_text(hash->element[i]), answer_text(hash->element[i + 1]));
}

const char *resubscribed_field(char dst[RESUBSCRIBED_SIZE], struct span stream)
{
    if (span_eq(stream, SPAN("*")))
        return "resubscribed";
    snprintf(dst, RESUBSCRIBED_SIZE, "resubscribed.%.*s", SPAN_FMT(stream));
    return dst;
}

void answer_read_resubscribed(const redisReply *hash, struct span stream, struct lead *out)
{
    char field[RESUBSCRIBED_SIZE];

    if (span_eq(stream, SPAN("*")))
        return; /* what answer_read_lead() has read */
    if (!span_int64(answer_field(hash, span_of(resubscribed_field(field, stream))), &out->resubscribed))
        out->resubscribed = 0;
}

struct span answer_field(const redisReply *hash, struct span name)
{
    if (hash->type == REDIS_REPLY_ARRAY)
        for (size_t i = 0; i + 1 < hash->elements; i += 2)
            if (span_eq(answer_text(hash->element[i]), name))
                return answer_text(hash->element[i + 1]);
    return SPAN_NONE;
}

bool answer_is_odd(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_ERROR && strncmp(reply->str, "WRONGTYPE", 9) == 0;
}

enum store_rc answer_check(const redisReply *reply, struct err *err)
{
    if (reply == NULL) {
        err_set(err, "no answer from Redis");
        return STORE_DOWN;
    }
    if (reply->type == REDIS_REPLY_ERROR && !answer_is_odd(reply)) {
        err_set(err, "Redis answers: %s", reply->str);
        return STORE_DOWN;
    }
    return STORE_OK;
}

struct span answer_text(const redisReply *reply)
{
    if (reply->type != REDIS_REPLY_STRING && reply->type != REDIS_REPLY_STATUS)
        return SPAN_NONE;
    return (struct span){ reply->str, (size_t)reply->len };
}

/* 2026-11-22T09:53:05Z as we write it, or seconds since the epoch as an operator's shell makes them; else 0.
 */
static int64_t read_time(struct span text)
{
    char copy[TIME_TEXT_SIZE];
    struct tm tm = { .tm_isdst = 0 };
    const char *end;
    int64_t number;

    if (span_int64(text, &number))
        return number;
    if (!span_copy(copy, sizeof(copy), text) || (end = strptime(copy, "%Y-%m-%dT%H:%M:%SZ", &tm)) == NULL ||
        *end != '\0')
        return 0;
    return (int64_t)timegm(&tm);
}

/* The words of an opt-out's or a refusal's value; what is not ours is passed over. */
static void read_words(struct span text, struct optout *out)
{
    while (text.n > 0) {
        struct span value = span_cut(&text, ' '), name = span_cut(&value, '=');
        int64_t number;

        if (span_eq(name, SPAN("cause")))
            cause_parse(value, &out->cause);
        else if (span_eq(name, SPAN("cycle")) && span_int64(value, &number))
            out->cycle = number;
        else if (span_eq(name, SPAN("since")))
            out->since = read_time(value);
        else if (span_eq(name, SPAN("until")))
            out->until = read_time(value);
        else if (span_eq(name, SPAN("status")) && !span_copy(out->status, sizeof(out->status), value))
            out->status[0] = '\0';
    }
    if (out->cause == CAUSE_NONE)
        out->cause = CAUSE_MANUAL;
}

void answer_read_optout(struct optout *out, const redisReply *value)
{
    *out = (struct optout){ .present = false };
    read_words(answer_text(value), out);
}

void answer_read_ttl(struct optout *out, const redisReply *ttl, int64_t now)
{
    int64_t until =
        ttl->type == REDIS_REPLY_INTEGER && ttl->integer >= 0 ? now + (ttl->integer + 999) / 1000 : 0;

    /* PTTL: -2 the key is not there, -1 it has no end. A key of another type than ours is there, too. */
    out->present = ttl->type == REDIS_REPLY_INTEGER && ttl->integer != -2;
    out->kind = ttl->integer == -1 ? OPTOUT_PERMANENT : OPTOUT_TEMPORARY;
    /* The TTL decides, but it is counted from a second that may have passed meanwhile: where the words agree
     * but for that, they are exact. */
    if (until == 0 || out->until < until - 2 || out->until > until + 2)
        out->until = until;
}

void answer_read_refusal(const redisReply *value, struct optouts *out)
{
    struct optout words = { .present = false };

    out->refused = value->type == REDIS_REPLY_STRING || answer_is_odd(value);
    read_words(answer_text(value), &words);
    out->refused_since = words.since;
}

void optout_text(char dst[OPTOUT_TEXT_SIZE], const struct optout *optout)
{
    char since[TIME_TEXT_SIZE], until[TIME_TEXT_SIZE] = "";

    if (optout->kind == OPTOUT_TEMPORARY)
        time_text(until, optout->until);
    snprintf(dst, OPTOUT_TEXT_SIZE, "kind=%s cause=%s cycle=%lld since=%s%s%s%s%s",
             optout_kind_name(optout->kind), cause_name(optout->cause), (long long)optout->cycle,
             time_text(since, optout->since), until[0] != '\0' ? " until=" : "", until,
             optout->status[0] != '\0' ? " status=" : "", optout->status);
}

static void glance_add(struct glance *glance, struct span text)
{
    glance->n +=
        (size_t)snprintf(glance->text + glance->n, sizeof(glance->text) - glance->n, "$%zu\r\n", text.n);
    memcpy(glance->text + glance->n, text.p, text.n);
    memcpy(glance->text + glance->n + text.n, "\r\n", 2);
    glance->n += text.n + 2;
}

void glance_make(struct glance *glance, const struct address *lead, bool returning)
{
    static const enum key_kind kinds[GLANCE_KEYS] = { KEY_OPTOUT, KEY_REFUSED, KEY_RETURNING };
    int n = returning ? GLANCE_KEYS : GLANCE_KEYS - 1;
    struct key key;

    glance->n = (size_t)snprintf(glance->text, sizeof(glance->text), "*%d\r\n", n + 1);
    glance_add(glance, SPAN("EXISTS"));
    for (int i = 0; i < n; i++) {
        key_make(&key, kinds[i], lead);
        glance_add(glance, (struct span){ key.text, key.n });
    }
}

/* KEYS optout refused allow domain-allow, and of those who are asked about in full: returning lead
 * ARGV "all": that */
const char question_script[] =
    "local all = ARGV[1] == 'all'\n"
    "if not all and redis.call('EXISTS', KEYS[1], KEYS[2]) == 0 then return 0 end\n"
    "local answer = {redis.pcall('GET', KEYS[1]), redis.call('PTTL', KEYS[1]), "
    "redis.call('EXISTS', KEYS[3], KEYS[4]),\n"
    "  redis.pcall('HGETALL', KEYS[2])}\n"
    "if all then\n"
    "  answer[5] = redis.call('EXISTS', KEYS[5])\n"
    "  answer[6] = redis.pcall('HMGET', KEYS[6], 'delivered', 'score')\n"
    "end\n"
    "return answer\n";

enum {
    PART_OPTOUT,
    PART_OPTOUT_TTL,
    PART_ALLOW,
    PART_REFUSED,
    PARTS,
    PART_RETURNING = PARTS,
    PART_LEAD,
    PARTS_ALL
};

static void question_add(struct question *question, struct span text)
{
    question->argv[question->argc] = text.p;
    question->len[question->argc] = text.n;
    question->argc++;
}

void question_make(struct question *question, const char *sha, const struct address *lead, bool all)
{
    static const enum key_kind kinds[QUESTION_KEYS] = { KEY_OPTOUT,       KEY_REFUSED,   KEY_ALLOW,
                                                        KEY_DOMAIN_ALLOW, KEY_RETURNING, KEY_LEAD };
    int n = all ? QUESTION_KEYS : QUESTION_KEYS - 2;

    question->argc = 0;
    question_add(question, sha != NULL ? SPAN("EVALSHA") : SPAN("EVAL"));
    question_add(question, sha != NULL ? span_of(sha) : span_of(question_script));
    question_add(question, all ? SPAN("6") : SPAN("4"));
    for (int i = 0; i < n; i++) {
        key_make(&question->keys[i], kinds[i], lead);
        question_add(question, (struct span){ question->keys[i].text, question->keys[i].n });
    }
    if (all)
        question_add(question, SPAN("all"));
}

_Static_assert(QUESTION_KEYS == 6, "the script is told how many");

static void add_refusal(struct suppression *out, struct span stream, struct span value)
{
    struct optout words = { .present = true };
    struct refusal refusal = { .stream = "*" };

    read_words(value, &words);
    refusal.cause =
        words.cause == CAUSE_COMPLAINT || words.cause == CAUSE_UNSUBSCRIBE ? words.cause : CAUSE_MANUAL;
    refusal.since = words.since;
    /* A name that is empty or too long is no stream's; what cannot be told apart counts for all. */
    if (out->n_refusals >= REFUSALS_NAMED || stream.n == 0 ||
        !span_copy(refusal.stream, sizeof(refusal.stream), stream))
        memcpy(refusal.stream, "*", sizeof("*"));
    for (size_t i = 0; i < out->n_refusals; i++)
        if (out->refusals[i].cause == refusal.cause && strcmp(out->refusals[i].stream, refusal.stream) == 0)
            return;
    out->refusals[out->n_refusals++] = refusal;
}

static void read_refused(struct suppression *out, const redisReply *reply)
{
    if (answer_is_odd(reply))
        add_refusal(out, SPAN("*"), SPAN_NONE);
    else if (reply->type == REDIS_REPLY_ARRAY)
        for (size_t i = 0; i + 1 < reply->elements; i += 2)
            add_refusal(out, answer_text(reply->element[i]), answer_text(reply->element[i + 1]));
}

/* HMGET of a lead's delivered and score; a lead of another type, or with other words there, has neither. */
static void read_standing(struct suppression *out, const redisReply *reply)
{
    out->standing.known = true;
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2)
        return;
    (void)span_int64(answer_text(reply->element[0]), &out->standing.delivered);
    (void)decimal_parse(answer_text(reply->element[1]), &out->standing.score);
}

enum store_rc question_read(const redisReply *reply, int64_t now, struct suppression *out, struct err *err)
{
    redisReply **parts;

    *out = (struct suppression){ .allowed = false };
    if (answer_check(reply, err) == STORE_DOWN)
        return STORE_DOWN;
    if (reply->type != REDIS_REPLY_ARRAY || (reply->elements != PARTS && reply->elements != PARTS_ALL))
        return STORE_OK;
    parts = reply->element;
    for (size_t i = 0; i < reply->elements; i++)
        if (answer_check(parts[i], err) == STORE_DOWN)
            return STORE_DOWN;
    answer_read_optout(&out->optout, parts[PART_OPTOUT]);
    answer_read_ttl(&out->optout, parts[PART_OPTOUT_TTL], now);
    out->allowed = parts[PART_ALLOW]->integer > 0;
    read_refused(out, parts[PART_REFUSED]);
    if (reply->elements == PARTS_ALL) {
        out->returning = parts[PART_RETURNING]->integer > 0;
        read_standing(out, parts[PART_LEAD]);
    }
    return STORE_OK;
}

bool question_is_open(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_INTEGER;
}

bool answer_is_no_script(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_ERROR && strncmp(reply->str, "NOSCRIPT", 8) == 0;
}
