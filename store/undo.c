/* SPDX-License-Identifier: BSD-2-Clause */
/* Of what a bounce changes, that it happened stays known: when, about which message, in which words, at whose
 * server. Rule 1 tells a repeat by these, so the same mail read again is no news after it was taken back. */
#include "store/undo.h"

#include "store/answer.h"

#include <stdio.h>
#include <string.h>

#define WORDS_SIZE 128 /* of the remote server's words */

static const char *const facts[] = { "bounced", "message", "noted", "status", "diag", "provider", "rev" };

static bool is_fact(const char *name)
{
    for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++)
        if (strcmp(name, facts[i]) == 0)
            return true;
    return false;
}

/* Fits in a line. */
static void flatten(char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < 0x20)
            *text = ' ';
}

void undo_provider(char dst[UNDO_PROVIDER_SIZE], struct span provider)
{
    span_excerpt(dst, UNDO_PROVIDER_SIZE, provider);
    flatten(dst);
}

/* Appends ` NAME=BEFORE` of each field that is to be set back; false when there is none. */
static bool add_before(char *dst, size_t size, const struct lead *before, const struct lead *after)
{
    char value[LEAD_TEXT_SIZE];
    const char *name;
    size_t next = 0, n = 0;

    dst[0] = '\0';
    while (lead_next_field(&next, after, before, &name, value))
        if (!is_fact(name) && n < size)
            n += (size_t)snprintf(dst + n, size - n, "%s%s=%s", n > 0 ? " " : "", name,
                                  lead_value_is_nothing(value) ? "" : value);
    return n > 0;
}

/* What no bounce plays a part in, and what plays no part in what follows from one. */
static bool is_apart(enum event_type type)
{
    return type == EVENT_DEFERRED || type == EVENT_UNSUBSCRIBE || type == EVENT_RESUBSCRIBE;
}

void undo_make(char dst[UNDO_TEXT_SIZE], const struct event *event, const struct lead *before,
               const struct lead *after, int64_t at, bool *effective)
{
    char provider[UNDO_PROVIDER_SIZE], words[WORDS_SIZE], fields[512];
    long long rev = after->rev, from = before->rev, when = at;

    dst[0] = '\0';
    *effective = false;
    if (is_apart(event->type) && before->bounced > 0)
        snprintf(dst, UNDO_TEXT_SIZE, "%lld %lld %lld %lld \t\t\n", rev, from, when, when);
    if (event->type != EVENT_BOUNCE)
        return;
    *effective = add_before(fields, sizeof(fields), before, after);
    undo_provider(provider, event->provider);
    span_excerpt(words, sizeof(words), event->evidence);
    flatten(words);
    snprintf(dst, UNDO_TEXT_SIZE, "%lld %lld %lld %lld %s %s\t%s\t%s\n", rev, from, when, when,
             cause_name(event->cause), provider, fields, words);
}

/* The number before the next blank; false when there is none. */
static bool read_number(struct span *line, int64_t *out)
{
    return span_int64(span_cut(line, ' '), out);
}

static bool read_record(struct span line, struct undo_record *out)
{
    struct span words = line, head = span_cut(&words, '\t');

    if (!read_number(&head, &out->rev) || !read_number(&head, &out->from))
        return false;
    out->tail = (struct span){ head.p, line.n - (size_t)(head.p - line.p) };
    if (!read_number(&head, &out->at) || !read_number(&head, &out->last))
        return false;
    out->cause = span_cut(&head, ' ');
    out->provider = head;
    out->before = span_cut(&words, '\t');
    out->words = words;
    return true;
}

void undo_read(struct undo *undo, struct span value)
{
    struct span line, rest = value;

    undo->n = 0;
    undo->cut = 0;
    while (rest.n > 0) {
        struct undo_record *record = &undo->records[undo->n];

        line = span_cut(&rest, '\n');
        if (undo->n == UNDO_RECORDS || !read_record(line, record)) {
            if (span_eq(span_cut(&line, ' '), SPAN("cut")))
                span_int64(line, &undo->cut);
            return;
        }
        record->tail.n = (size_t)(value.p + value.n - record->tail.p);
        record->rest = rest;
        undo->n++;
    }
}

void undo_restore(const struct undo_record *record, struct lead *lead)
{
    struct span fields = record->before;

    while (fields.n > 0) {
        struct span value = span_cut(&fields, ' '), name = span_cut(&value, '=');

        lead_read_field(lead, name, value);
    }
}

/* When an opt-out begins, and only then, the lead's `since` changes. */
bool undo_began_optout(const struct undo_record *record)
{
    struct span fields = record->before;

    while (fields.n > 0) {
        struct span value = span_cut(&fields, ' ');

        if (span_eq(span_cut(&value, '='), SPAN("since")))
            return true;
    }
    return false;
}
