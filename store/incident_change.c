/* SPDX-License-Identifier: BSD-2-Clause */
/* Incident and hold are changed in one step by a script that compares first. A hold is ours when it begins
 * with the words of this incident; whatever else stands there is an operator's, and stays. A hold outlives
 * what the incident says of it by some minutes, so that it does not end before the leader looks. Where no
 * leader comes any more, an incident ends by itself after a day: longer than any hold, since a bounce that is
 * heard of once it is gone counts for good. It holds nobody for so long: see the script in domain.c. */
#include "leadgate/store_incident.h"

#include "leadgate/logline.h"
#include "store/answer.h"
#include "store/query.h"
#include "store/store.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define HOLD_SLACK 300   /* seconds that a hold is kept beyond its time */
#define OPEN_LIFE  86400 /* of an incident that nobody keeps */
#define ENDED_LIFE 86400

/* A field of the incident, as the caller's program reads it. */
#define NUMBER                                                                                               \
    "local function number(field) return tonumber(redis.call('HGET', KEYS[1], field) or '') or 0 end\n"

/* KEYS incident hold ended; ARGV 1 "new" or "old", 2 since, 3 step, 4 percent as they were read, 5 what our
 * hold begins with, 6 its new value ("" = it is taken away), 7 seconds that it lives, 8 when the incident
 * ended ("" = it goes on), 9 seconds that this is remembered, 10 seconds that the incident is kept, then
 * fields and values. */
static const char change_script[] =
    "local have = redis.call('TYPE', KEYS[1]).ok\n"
    "if have ~= 'hash' and have ~= 'none' then redis.call('RENAME', KEYS[1], KEYS[1] .. ':odd') end\n" NUMBER
    "local there = have == 'hash' and number('percent') < 100\n"
    "if ARGV[1] == 'new' then\n"
    "  if there then return 0 end\n"
    "  redis.call('DEL', KEYS[1])\n"
    "elseif not there or number('since') ~= tonumber(ARGV[2]) or number('step') ~= tonumber(ARGV[3])\n"
    "    or number('percent') ~= tonumber(ARGV[4]) then\n"
    "  return 0\n"
    "end\n"
    "local value = redis.pcall('GET', KEYS[2])\n"
    "local ours = type(value) == 'string' and string.sub(value, 1, #ARGV[5]) == ARGV[5]\n"
    "if ARGV[6] == '' then\n"
    "  if ours then redis.call('DEL', KEYS[2]) end\n"
    "elseif ours or not value then\n"
    "  redis.call('SET', KEYS[2], ARGV[6], 'EX', ARGV[7])\n"
    "end\n"
    "if ARGV[8] ~= '' then redis.call('SET', KEYS[3], ARGV[8], 'EX', ARGV[9]) end\n"
    "redis.call('HSET', KEYS[1], unpack(ARGV, 11))\n"
    "redis.call('EXPIRE', KEYS[1], ARGV[10])\n"
    "return 1\n";

/* KEYS incident hold ended; ARGV now, how long that is remembered. 0: there is one. */
static const char drop_script[] =
    "local value = redis.pcall('GET', KEYS[2])\n"
    "local have = redis.call('TYPE', KEYS[1]).ok\n" NUMBER
    "if have ~= 'none' and have ~= 'hash' then return 1 end\n"
    "if have == 'hash' and number('percent') < 100 then return 0 end\n"
    "if type(value) == 'string' and string.sub(value, 1, 9) == 'incident=' then\n"
    "  redis.call('DEL', KEYS[2])\n"
    "end\n"
    "redis.call('SET', KEYS[3], ARGV[1], 'EX', ARGV[2], 'NX')\n"
    "return 1\n";

/* KEYS incident; ARGV since, times. */
static const char cleaned_script[] = "if redis.call('TYPE', KEYS[1]).ok ~= 'hash' then return 0 end\n" NUMBER
                                     "if number('since') ~= tonumber(ARGV[1]) then return 0 end\n"
                                     "redis.call('HSET', KEYS[1], 'cleaned', ARGV[2])\n"
                                     "return 1\n";

static void add_number(struct query *query, char text[24], int64_t number)
{
    query_add(query, (struct span){ text, (size_t)snprintf(text, 24, "%" PRId64, number) });
}

/* The answer is a number; *done: it is not 0. */
static enum store_rc ask(struct store *store, const struct query *query, bool *done, struct err *err)
{
    redisReply *reply;
    enum store_rc rc =
        wire_ask(store_wire(store), query->argc, (const char **)query->argv, query->len, &reply, err);

    if (rc == STORE_OK && done != NULL)
        *done = reply->type == REDIS_REPLY_INTEGER && reply->integer != 0;
    freeReplyObject(reply);
    return rc;
}

static void begin(struct query *query, const char *script, const char *n_keys)
{
    query->argc = 0;
    query_add(query, SPAN("EVAL"));
    query_add(query, span_of(script));
    query_add(query, span_of(n_keys));
}

/* --- words --- */

/* What the hold of this incident begins with, whatever its step. */
static void hold_prefix(char dst[64], const struct incident *incident)
{
    char since[TIME_TEXT_SIZE];

    snprintf(dst, 64, "incident=%s ", time_text(since, incident->since));
}

static void hold_text(char dst[200], const struct incident *incident)
{
    char prefix[64], until[TIME_TEXT_SIZE];

    hold_prefix(prefix, incident);
    snprintf(dst, 200, "%ssign=%s percent=0 until=%s", prefix, incident_sign_name(incident->sign),
             time_text(until, incident->until));
}

__attribute__((format(printf, 2, 3))) static void add_word(char news[INCIDENT_NEWS_SIZE], const char *fmt,
                                                           ...)
{
    size_t n = strlen(news);
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(news + n, INCIDENT_NEWS_SIZE - n, fmt, ap);
    va_end(ap);
}

static void news_text(char news[INCIDENT_NEWS_SIZE], const struct incident *incident, bool over,
                      const struct incident_note *note, int64_t now)
{
    char time[TIME_TEXT_SIZE];
    const struct provider_count *count = note->count;

    news[0] = '\0';
    add_word(news, "action=%s at=%s", note->action, time_text(time, now));
    add_word(news, " sign=%s since=%s", incident_sign_name(incident->sign), time_text(time, incident->since));
    add_word(news, " percent=%d", over ? 100 : incident->percent);
    if (!over && incident->percent == 0)
        add_word(news, " until=%s", time_text(time, incident->until));
    if (note->by != NULL && note->by[0] != '\0')
        add_word(news, " by=%s", note->by);
    if (note->why != NULL && note->why[0] != '\0')
        add_word(news, " why=%s", note->why);
    if (count != NULL)
        add_word(news,
                 " leads=%" PRId64 " tries=%" PRId64 " faults=%" PRId64 " known=%" PRId64
                 " known-dead=%" PRId64,
                 count->leads, count->tries, count->faults, count->known, count->known_dead);
}

/* --- changes --- */

struct fields {
    char numbers[6][24], news[INCIDENT_NEWS_SIZE];
};

static void add_field(struct query *query, const char *name, char text[24], int64_t number)
{
    query_add(query, span_of(name));
    add_number(query, text, number);
}

static void add_fields(struct query *query, struct fields *fields, const struct incident *before,
                       const struct incident *after, const struct incident_note *note)
{
    query_add(query, SPAN("news"));
    query_add(query, span_of(fields->news));
    if (after == NULL) {
        query_add(query, SPAN("percent"));
        query_add(query, SPAN("100"));
        return;
    }
    add_field(query, "length", fields->numbers[0], after->length);
    add_field(query, "until", fields->numbers[1], after->until);
    add_field(query, "step", fields->numbers[2], after->step);
    add_field(query, "percent", fields->numbers[3], after->percent);
    if (before != NULL)
        return;
    add_field(query, "since", fields->numbers[4], after->since);
    add_field(query, "size", fields->numbers[5], after->size);
    query_add(query, SPAN("sign"));
    query_add(query, span_of(incident_sign_name(after->sign)));
    query_add(query, SPAN("by"));
    query_add(query, span_of(note->by));
}

/* So that the leader need not search for it. */
static enum store_rc note_open(struct store *store, struct span provider, const char *command,
                               struct err *err)
{
    struct query query = { .argc = 0 };

    query_add(&query, span_of(command));
    query_add(&query, SPAN(OPEN_KEY));
    query_add(&query, provider);
    return ask(store, &query, NULL, err);
}

enum store_rc store_change_incident(struct store *store, struct span provider, const struct incident *before,
                                    const struct incident *after, const struct incident_note *note,
                                    int64_t now, bool *done, struct err *err)
{
    const struct incident none = { .since = 0 }, *read = before != NULL ? before : &none;
    const struct incident *told = after != NULL ? after : read;
    char numbers[6][24], prefix[64], hold[200] = "", ended[24] = "";
    struct key incident_key, hold_key, ended_key;
    struct fields fields;
    struct query query;

    key_make_provider(&incident_key, OF_PROVIDER_INCIDENT, provider);
    key_make_provider(&hold_key, OF_PROVIDER_HOLD, provider);
    key_make_provider(&ended_key, OF_PROVIDER_ENDED, provider);
    hold_prefix(prefix, told);
    if (after != NULL && after->percent == 0)
        hold_text(hold, after);
    if (after == NULL)
        snprintf(ended, sizeof(ended), "%" PRId64, now);
    news_text(fields.news, told, after == NULL, note, now);
    begin(&query, change_script, "3");
    query_add_key(&query, &incident_key);
    query_add_key(&query, &hold_key);
    query_add_key(&query, &ended_key);
    query_add(&query, before == NULL ? SPAN("new") : SPAN("old"));
    add_number(&query, numbers[0], read->since);
    add_number(&query, numbers[1], read->step);
    add_number(&query, numbers[2], read->percent);
    query_add(&query, span_of(prefix));
    query_add(&query, span_of(hold));
    add_number(&query, numbers[3], after != NULL ? after->until - now + HOLD_SLACK : 0);
    query_add(&query, span_of(ended));
    add_number(&query, numbers[4], ENDED_LIFE);
    add_number(&query, numbers[5], OPEN_LIFE);
    add_fields(&query, &fields, before, after, note);
    if (ask(store, &query, done, err) == STORE_DOWN)
        return STORE_DOWN;
    return before == NULL && *done ? note_open(store, provider, "SADD", err) : STORE_OK;
}

enum store_rc store_keep_incident(struct store *store, struct span provider, struct err *err)
{
    struct query query = { .argc = 0 };
    char life[24];
    struct key key;

    key_make_provider(&key, OF_PROVIDER_INCIDENT, provider);
    query_add(&query, SPAN("EXPIRE"));
    query_add_key(&query, &key);
    add_number(&query, life, OPEN_LIFE);
    return ask(store, &query, NULL, err);
}

enum store_rc store_drop_incident(struct store *store, struct span provider, int64_t now, struct err *err)
{
    struct key incident_key, hold_key, ended_key;
    char numbers[2][24];
    struct query query;
    bool dropped;

    key_make_provider(&incident_key, OF_PROVIDER_INCIDENT, provider);
    key_make_provider(&hold_key, OF_PROVIDER_HOLD, provider);
    key_make_provider(&ended_key, OF_PROVIDER_ENDED, provider);
    begin(&query, drop_script, "3");
    query_add_key(&query, &incident_key);
    query_add_key(&query, &hold_key);
    query_add_key(&query, &ended_key);
    add_number(&query, numbers[0], now);
    add_number(&query, numbers[1], ENDED_LIFE);
    if (ask(store, &query, &dropped, err) == STORE_DOWN)
        return STORE_DOWN;
    return dropped ? note_open(store, provider, "SREM", err) : STORE_OK;
}

enum store_rc store_note_cleaned(struct store *store, struct span provider, const struct incident *incident,
                                 int64_t times, struct err *err)
{
    char numbers[2][24];
    struct query query;
    struct key key;

    key_make_provider(&key, OF_PROVIDER_INCIDENT, provider);
    begin(&query, cleaned_script, "1");
    query_add_key(&query, &key);
    add_number(&query, numbers[0], incident->since);
    add_number(&query, numbers[1], times);
    return ask(store, &query, NULL, err);
}
