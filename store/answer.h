/* SPDX-License-Identifier: BSD-2-Clause */
/* answer: what is asked about one recipient and how the answers are read, alike for the blocking store and
 * the asynchronous lookup. The values may have been written by hand: a key that exists counts, whatever it
 * holds.
 */
#ifndef LEADGATE_STORE_ANSWER_H
#define LEADGATE_STORE_ANSWER_H

#include "leadgate/store.h"
#include "store/keys.h"

#include <hiredis/hiredis.h>

/* Whether there is anything to be asked about a recipient: EXISTS of her opt-out, her refusals and, where
 * that may be, whether she comes back; a number. It is what nearly every decision asks, so it is written as
 * it goes over the wire. */
enum { GLANCE_KEYS = 3 }; /* at most */

struct glance {
    char text[(GLANCE_KEYS + 1) * (sizeof(struct key) + 16)];
    size_t n;
};

void glance_make(struct glance *glance, const struct address *lead, bool returning);

/* Asks about one recipient: a script that only reads, for SCRIPT LOAD. One command instead of four or six:
 * what it answers is one moment's truth. Answers a list of what question_read() reads; or 0, unless asked in
 * full, when there is neither an opt-out nor a refusal. */
extern const char question_script[];

/* An EVALSHA (or EVAL) in hiredis's argv form; the strings live as long as the question. */
enum { QUESTION_KEYS = 6, QUESTION_ARGS = QUESTION_KEYS + 4 };

struct question {
    struct key keys[QUESTION_KEYS];
    const char *argv[QUESTION_ARGS];
    size_t len[QUESTION_ARGS];
    int argc;
};

/* sha: the loaded script's name; NULL: the script itself, which also loads it. all: asked in full. */
void question_make(struct question *question, const char *sha, const struct address *lead, bool all);

/* STORE_DOWN: Redis cannot serve now. */
enum store_rc question_read(const redisReply *reply, int64_t now, struct suppression *out, struct err *err);

/* The answer was 0: what the glance saw is something else. */
bool question_is_open(const redisReply *reply);

/* NOSCRIPT: somebody has flushed the scripts; ask again with the script itself. */
bool answer_is_no_script(const redisReply *reply);

/* STORE_DOWN with Redis's words for a missing reply or an error other than WRONGTYPE. */
enum store_rc answer_check(const redisReply *reply, struct err *err);
bool answer_is_odd(const redisReply *reply);      /* WRONGTYPE: the key is there but not of our type */
struct span answer_text(const redisReply *reply); /* of a string or status; else empty */

/* GET, then PTTL of an opt-out; the key's presence and end are told by the TTL. */
void answer_read_optout(struct optout *out, const redisReply *value);
void answer_read_ttl(struct optout *out, const redisReply *ttl, int64_t now);
/* HGETALL of a lead's history; fields that are not ours or not readable are passed over. */
void answer_read_lead(const redisReply *hash, struct lead *out);

/* When she signed up again: a time for each stream, since she may want the one and not the other. Which field
 * it is in (dst, or a constant), and the time for this stream in place of that for "*". */
#define RESUBSCRIBED_SIZE (STREAM_NAME_SIZE + 16)
const char *resubscribed_field(char dst[RESUBSCRIBED_SIZE], struct span stream);
void answer_read_resubscribed(const redisReply *hash, struct span stream, struct lead *out);

/* The raw value of a field of HGETALL, as commits compare it; "" = it is not there. */
struct span answer_field(const redisReply *hash, struct span name);

/* HGET of one stream's refusal. */
void answer_read_refusal(const redisReply *value, struct optouts *out);

/* The value of an opt-out key: `kind=temporary cause=mailbox-full cycle=2 since=... until=... status=5.2.2`.
 */
#define OPTOUT_TEXT_SIZE 192
void optout_text(char dst[OPTOUT_TEXT_SIZE], const struct optout *optout);

/* The value of a field that a lead of whom nothing is known has. */
bool lead_value_is_nothing(const char *value);

/* One field of a lead's hash; "" = as if it were not there. Names that are not ours are passed over. */
void lead_read_field(struct lead *lead, struct span name, struct span value);

/* The fields of a lead's hash that differ, as text, one after the other; false when there are no more. *next
 * starts at 0. value is at least LEAD_TEXT_SIZE bytes. */
bool lead_next_field(size_t *next, const struct lead *before, const struct lead *after, const char **name,
                     char value[LEAD_TEXT_SIZE]);

#endif
