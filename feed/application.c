/* SPDX-License-Identifier: BSD-2-Clause */
/* Applications are written by many people, tried out by hand and never looked at again: what they say is
 * either understood for certain or refused in words that tell how to mend it. */
#include "feed/application.h"

#include "leadgate/stream.h"
#include "leadgate/times.h"

#include <stdio.h>
#include <string.h>

#define MESSAGE_MAX 998 /* RFC 5322 2.1.1: a Message-ID stands on one line */

/* The fields that mean something. */
enum field {
    FIELD_TYPE,
    FIELD_LEAD,
    FIELD_AT,
    FIELD_STATUS,
    FIELD_TEXT,
    FIELD_MACHINE,
    FIELD_STREAM,
    FIELD_MESSAGE,
    FIELD_CAMPAIGN,
    FIELD_PROVIDER,
    FIELDS
};

static const struct {
    const char *name;
    enum field field;
} names[] = {
    { "type", FIELD_TYPE },         { "event", FIELD_TYPE },        { "lead", FIELD_LEAD },
    { "email", FIELD_LEAD },        { "recipient", FIELD_LEAD },    { "at", FIELD_AT },
    { "timestamp", FIELD_AT },      { "status", FIELD_STATUS },     { "text", FIELD_TEXT },
    { "machine", FIELD_MACHINE },   { "stream", FIELD_STREAM },     { "message", FIELD_MESSAGE },
    { "campaign", FIELD_CAMPAIGN }, { "provider", FIELD_PROVIDER },
};

static const enum event_type types[] = {
    EVENT_OPEN,   EVENT_MACHINE_OPEN, EVENT_CLICK,       EVENT_REPLY,       EVENT_DELIVERED,
    EVENT_BOUNCE, EVENT_COMPLAINT,    EVENT_UNSUBSCRIBE, EVENT_RESUBSCRIBE,
};

#define TYPES_ALLOWED                                                                                        \
    "allowed are open, machine-open, click, reply, delivered, bounce, complaint, unsubscribe, resubscribe"

/* A value is spoken of by its beginning. */
#define SHOWN 80

static int wrong(struct err *why, const char *field, struct span found, const char *allowed)
{
    char shown[SHOWN + 1];

    span_excerpt(shown, sizeof(shown), found);
    return err_set(why, "%s: found \"%s\"; %s", field, shown, allowed);
}

static bool find_field(struct span name, enum field *out)
{
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (span_eq_nocase(name, span_of(names[i].name))) {
            *out = names[i].field;
            return true;
        }
    }
    return false;
}

static const char *field_name(enum field field)
{
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (names[i].field == field)
            return names[i].name;
    return "";
}

/* Sorts the fields out. What is too large is a mistake wherever it stands. */
static int read_fields(struct span given[FIELDS], const struct inbox_entry *entry, struct err *why)
{
    for (int i = 0; i < FIELDS; i++)
        given[i] = SPAN_NONE;
    for (size_t i = 0; i < entry->n; i++) {
        struct span name = entry->fields[i].name, value = entry->fields[i].value;
        enum field field;

        if (name.n > APPLICATION_FIELD_MAX || value.n > APPLICATION_FIELD_MAX)
            return err_set(why, "field %zu: found %zu bytes; allowed are %d", i + 1,
                           name.n > value.n ? name.n : value.n, APPLICATION_FIELD_MAX);
        value = span_trim(value);
        if (value.n == 0 || !find_field(name, &field))
            continue;
        if (!span_is_utf8(value))
            return err_set(why, "%s: found bytes that are no UTF-8; allowed is text in UTF-8",
                           field_name(field));
        if (given[field].n > 0 && !span_eq(given[field], value))
            return err_set(why, "%s: found it twice, and not the same; allowed is one", field_name(field));
        given[field] = value;
    }
    return 0;
}

static int read_type(enum event_type *out, struct span text, struct err *why)
{
    if (text.n == 0)
        return err_set(why, "type: found none; " TYPES_ALLOWED);
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (span_eq_nocase(text, span_of(event_type_name(types[i])))) {
            *out = types[i];
            return 0;
        }
    }
    return wrong(why, "type", text, TYPES_ALLOWED);
}

static int read_lead(struct address *out, struct span text, const struct address_rules *rules,
                     struct err *why)
{
    struct err err;

    if (text.n == 0)
        return err_set(why, "lead: found none; allowed is an e-mail address");
    if (address_parse(out, address_form_of(text), text, rules, &err) < 0)
        return wrong(why, "lead", text, err.text);
    return 0;
}

/* The first part of an id is the time at which Redis made it, in milliseconds. */
static int64_t time_of_id(struct span id)
{
    int64_t milliseconds;

    return span_int64(span_cut(&id, '-'), &milliseconds) ? milliseconds / 1000 : 0;
}

/* Without a time, or with one that has not come yet, it happened when it was reported: where the entry is
 * read again, that is the same time. */
static int read_at(int64_t *out, struct span text, struct span id, int64_t now, struct err *why)
{
    int64_t added = time_of_id(id), at = 0;

    if (text.n > 0 && !times_read(text, &at))
        return wrong(why, "at", text,
                     "allowed are seconds or milliseconds since 1970 and a time like 2026-11-22T09:53:05Z");
    if (text.n == 0 || at > now)
        at = added < now ? added : now;
    *out = at;
    return at > 0 ? 0
                  : err_set(why,
                            "at: found none, and the entry's id %.*s is no time; allowed are ids that "
                            "Redis makes (XADD ... *)",
                            (int)(id.n < 40 ? id.n : 40), id.p);
}

static bool is_word(struct span text, const char *const *words)
{
    for (; *words != NULL; words++)
        if (span_eq_nocase(text, span_of(*words)))
            return true;
    return false;
}

/* What a program has fetched, by whatever link, shows no person. */
static int read_machine(enum event_type *type, struct span text, struct err *why)
{
    static const char *const yes[] = { "1", "yes", "true", NULL }, *const no[] = { "0", "no", "false", NULL };

    if (text.n > 0 && !is_word(text, yes) && !is_word(text, no))
        return wrong(why, "machine", text, "allowed are 1, yes, true, 0, no, false");
    if (is_word(text, yes) && (*type == EVENT_OPEN || *type == EVENT_CLICK))
        *type = EVENT_MACHINE_OPEN;
    return 0;
}

static int read_stream(struct event *event, struct span text, struct err *why)
{
    if (text.n > 0 && !span_eq(text, SPAN("*")) && !stream_is_name(text))
        return wrong(why, "stream", text,
                     "allowed are up to 63 letters, digits, '-', '_' and '.', and * for every stream");
    if (event->type == EVENT_COMPLAINT || event->type == EVENT_UNSUBSCRIBE ||
        event->type == EVENT_RESUBSCRIBE)
        event->stream = text;
    return 0;
}

static int read_message(struct event *event, struct span text, struct err *why)
{
    if (text.n > 0 && text.p[0] == '<' && text.p[text.n - 1] == '>')
        text = (struct span){ text.p + 1, text.n - 2 };
    if (text.n > MESSAGE_MAX)
        return err_set(why, "message: found %zu bytes; allowed are %d", text.n, MESSAGE_MAX);
    event->message = text;
    return 0;
}

static bool take_digits(struct span *rest, size_t most)
{
    size_t n = 0;

    while (n < rest->n && n < most && rest->p[n] >= '0' && rest->p[n] <= '9')
        n++;
    *rest = (struct span){ rest->p + n, rest->n - n };
    return n > 0;
}

static bool take_dot(struct span *rest)
{
    bool dot = rest->n > 0 && rest->p[0] == '.';

    *rest = dot ? (struct span){ rest->p + 1, rest->n - 1 } : *rest;
    return dot;
}

/* 5.1.1 (RFC 3463), or a code of RFC 5321 alone; *reply is 0 for the first. */
static bool read_code(struct span text, int64_t *reply)
{
    struct span rest = text;

    *reply = 0;
    if (text.n == 0 || (text.p[0] != '4' && text.p[0] != '5'))
        return false;
    if (text.n == 3 && span_int64(text, reply))
        return true;
    return take_digits(&rest, 1) && take_dot(&rest) && take_digits(&rest, 3) && take_dot(&rest) &&
           take_digits(&rest, 3) && rest.n == 0;
}

/* By the rules that read mail: the application's word is as good as a mail server's. */
static int read_bounce(struct application *out, const struct span *given,
                       const struct bounce_context *context, struct err *why)
{
    struct rejection rejection = { .diag = given[FIELD_TEXT], .reporter = SPAN_NONE };
    struct finding finding = { .cause = CAUSE_NONE };
    int64_t reply = 0;

    if (given[FIELD_STATUS].n == 0 && given[FIELD_TEXT].n == 0)
        return err_set(why, "status, text: found neither; a bounce needs one of them, to tell a full mailbox "
                            "from one that does not exist");
    if (given[FIELD_STATUS].n > 0 && !read_code(given[FIELD_STATUS], &reply))
        return wrong(why, "status", given[FIELD_STATUS],
                     "allowed are codes like 5.1.1 or 550, beginning with 4 or 5; the words go into `text`");
    rejection.reply = (int)reply;
    rejection.status = reply == 0 ? given[FIELD_STATUS] : SPAN_NONE;
    classify_rejection(context, &rejection, &finding);
    memcpy(out->status, finding.status, sizeof(out->status));
    out->event.cause = finding.cause;
    out->event.rule = finding.rule;
    out->event.status = span_of(out->status);
    return 0;
}

static void read_evidence(struct application *out, const struct span *given)
{
    out->event.evidence = given[FIELD_TEXT];
    if (given[FIELD_TEXT].n > 0 || given[FIELD_CAMPAIGN].n == 0)
        return;
    memcpy(out->evidence, "campaign ", sizeof("campaign "));
    span_excerpt(out->evidence + strlen(out->evidence), sizeof(out->evidence) - strlen(out->evidence),
                 given[FIELD_CAMPAIGN]);
    out->event.evidence = span_of(out->evidence);
}

int application_read(struct application *out, const struct inbox_entry *entry,
                     const struct bounce_context *context, int64_t now, struct err *why)
{
    struct span given[FIELDS];
    struct event *event = &out->event;

    *out = (struct application){ .event = { .source = SOURCE_APPLICATION } };
    if (read_fields(given, entry, why) < 0 || read_type(&event->type, given[FIELD_TYPE], why) < 0 ||
        read_lead(&event->lead, given[FIELD_LEAD], &context->addresses, why) < 0 ||
        read_at(&event->at, given[FIELD_AT], entry->id, now, why) < 0 ||
        read_machine(&event->type, given[FIELD_MACHINE], why) < 0 ||
        read_stream(event, given[FIELD_STREAM], why) < 0 ||
        read_message(event, given[FIELD_MESSAGE], why) < 0)
        return -1;
    if (event->type == EVENT_BOUNCE && read_bounce(out, given, context, why) < 0)
        return -1;
    if (provider_of_host(out->provider, given[FIELD_PROVIDER]))
        event->provider = span_of(out->provider);
    read_evidence(out, given);
    return 0;
}
