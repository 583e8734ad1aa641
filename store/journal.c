/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/journal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* KEYS journal; ARGV length, then fields and values. */
static const char append_script[] =
    "local have = redis.call('TYPE', KEYS[1]).ok\n"
    "if have ~= 'stream' and have ~= 'none' then redis.call('RENAME', KEYS[1], KEYS[1] .. ':odd') end\n"
    "return redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], '*', unpack(ARGV, 2))\n";

/* KEYS lead; ARGV entry. Another change may have left its own mark meanwhile. */
static const char settle_script[] =
    "if redis.call('HGET', KEYS[1], 'journal') == ARGV[1] then redis.call('HDEL', KEYS[1], 'journal') end\n"
    "return 1\n";

struct arguments {
    const char *argv[COMMIT_ARGS];
    size_t len[COMMIT_ARGS];
    int argc;
};

static void add(struct arguments *arguments, struct span text)
{
    /* An entry has at most as many fields as the commit that made it; a hand-written one is cut. */
    if (arguments->argc == COMMIT_ARGS)
        return;
    arguments->argv[arguments->argc] = text.p;
    arguments->len[arguments->argc] = text.n;
    arguments->argc++;
}

static struct arguments begin_entry(const struct address *lead, struct span entry, int64_t length,
                                    char number[24])
{
    struct arguments arguments = { .argc = 0 };

    snprintf(number, 24, "%" PRId64, length);
    add(&arguments, SPAN("EVAL"));
    add(&arguments, span_of(append_script));
    add(&arguments, SPAN("1"));
    add(&arguments, SPAN(JOURNAL_KEY));
    add(&arguments, span_of(number));
    add(&arguments, SPAN("lead"));
    add(&arguments, address_span(lead));
    add(&arguments, SPAN("entry"));
    add(&arguments, entry);
    return arguments;
}

void journal_settle(struct wire *wire, const struct address *lead, struct span entry)
{
    struct arguments arguments = { .argc = 0 };
    struct key key;

    key_make(&key, KEY_LEAD, lead);
    add(&arguments, SPAN("EVAL"));
    add(&arguments, span_of(settle_script));
    add(&arguments, SPAN("1"));
    add(&arguments, (struct span){ key.text, key.n });
    add(&arguments, entry);
    wire_send(wire, arguments.argc, arguments.argv, arguments.len);
}

void journal_send(struct wire *wire, const struct address *lead, struct span entry,
                  const struct commit *commit, int64_t length)
{
    char number[24];
    struct arguments arguments = begin_entry(lead, entry, length, number);

    for (int i = commit->log_at; i < commit->argc; i++)
        add(&arguments, (struct span){ commit->argv[i], commit->len[i] });
    wire_send(wire, arguments.argc, arguments.argv, arguments.len);
}

enum store_rc journal_receive(struct wire *wire, struct err *err)
{
    redisReply *reply = NULL;
    enum store_rc rc = wire_receive(wire, &reply, err);

    if (rc == STORE_DOWN)
        return STORE_DOWN;
    if (reply->type == REDIS_REPLY_ERROR) {
        err_set(err, "Redis answers to the journal: %s", reply->str);
        rc = wire_fail(wire, err);
    }
    freeReplyObject(reply);
    return rc;
}

/* The fields of the one entry in an XRANGE reply; NULL when it has been trimmed away, or was never one of
 * ours. */
static const redisReply *fields_of(const redisReply *range)
{
    const redisReply *entry =
        range->type == REDIS_REPLY_ARRAY && range->elements == 1 ? range->element[0] : NULL;

    if (entry == NULL || entry->type != REDIS_REPLY_ARRAY || entry->elements != 2 ||
        entry->element[1]->type != REDIS_REPLY_ARRAY || entry->element[1]->elements % 2 != 0)
        return NULL;
    return entry->element[1];
}

static enum store_rc read_entry(struct wire *wire, const struct address *lead, struct span entry,
                                redisReply **out, struct err *err)
{
    struct arguments arguments = { .argc = 0 };
    struct key key;

    key_make(&key, KEY_LOG, lead);
    add(&arguments, SPAN("XRANGE"));
    add(&arguments, (struct span){ key.text, key.n });
    add(&arguments, entry);
    add(&arguments, entry);
    wire_send(wire, arguments.argc, arguments.argv, arguments.len);
    return wire_receive(wire, out, err);
}

enum store_rc journal_recover(struct wire *wire, const struct address *lead, struct span entry,
                              int64_t length, struct err *err)
{
    char number[24];
    struct arguments arguments = begin_entry(lead, entry, length, number);
    const redisReply *fields;
    redisReply *range = NULL;
    enum store_rc rc = STORE_OK;

    if (read_entry(wire, lead, entry, &range, err) == STORE_DOWN)
        return STORE_DOWN;
    fields = fields_of(range);
    for (size_t i = 0; fields != NULL && i < fields->elements; i++)
        add(&arguments, answer_text(fields->element[i]));
    if (fields != NULL) {
        wire_send(wire, arguments.argc, arguments.argv, arguments.len);
        rc = journal_receive(wire, err);
    }
    freeReplyObject(range);
    if (rc == STORE_DOWN)
        return STORE_DOWN;
    journal_settle(wire, lead, entry);
    return journal_receive(wire, err);
}
