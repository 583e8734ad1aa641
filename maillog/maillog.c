/* SPDX-License-Identifier: BSD-2-Clause */
/* What stands behind a queue id says what the line is about: `client=` (smtpd), `uid=` (pickup),
 * `message-id=` (cleanup), `from=` and `removed` (the queue manager), `to=` (a delivery agent). Only Postfix
 * writes there; text of others' stands behind words of its own (`host ... said:`, `warning: header ...`).
 * Whatever else there is, is of no interest, and is told from these by one byte.
 *
 * Short queue ids come again. `client=` and `uid=` are the first lines of a message; what comes from inside
 * of Postfix has neither, but brings another Message-ID or sender to a message that was in the queue already.
 */
#include "leadgate/maillog.h"

#include "maillog/attempt.h"
#include "maillog/reader.h"

#include <stdlib.h>
#include <string.h>

#define KEY_SIZE        400 /* host, instance, queue id */
#define MESSAGE_ID_MOST 255 /* as in a report (bounce.h): of a longer one the queue id is the name */

struct maillog *maillog_new(const struct maillog_settings *settings)
{
    struct maillog *maillog = calloc(1, sizeof(*maillog));

    if (maillog == NULL)
        return NULL;
    maillog->settings = *settings;
    if ((maillog->queue = queue_new(settings->messages)) == NULL) {
        maillog_free(maillog);
        return NULL;
    }
    return maillog;
}

void maillog_free(struct maillog *maillog)
{
    if (maillog == NULL)
        return;
    queue_free(maillog->queue);
    free(maillog);
}

struct maillog_tally maillog_tally(const struct maillog *maillog)
{
    struct maillog_tally tally = maillog->tally;

    tally.forgotten = queue_forgotten(maillog->queue);
    return tally;
}

static bool starts(struct span text, struct span start)
{
    return text.n >= start.n && memcmp(text.p, start.p, start.n) == 0;
}

static struct span behind(struct span text, size_t n)
{
    return (struct span){ text.p + n, text.n - n };
}

/* `host instance queueid`; false when that is longer than any. */
static bool make_key(char key[KEY_SIZE], struct reading *reading)
{
    const struct span parts[] = { reading->line.host, reading->line.instance, reading->line.queue_id };
    size_t n = 0;

    if (parts[0].n + parts[1].n + parts[2].n + 3 > KEY_SIZE)
        return false;
    for (size_t i = 0; i < 3; i++) {
        memcpy(key + n, parts[i].p, parts[i].n);
        n += parts[i].n;
        key[n++] = ' ';
    }
    reading->key = (struct span){ key, n - 1 };
    return true;
}

/* A message that has just come in. NULL when out of memory. */
static struct queued *begin(struct reading *reading)
{
    struct queued *message = queue_take(reading->maillog->queue, reading->key);

    if (message != NULL)
        queue_restart(reading->maillog->queue, message);
    return message;
}

/* `client=unknown[192.0.2.7], sasl_method=PLAIN, sasl_username=bob[, sasl_sender=...][, orig_client=...]` */
static void read_client(struct reading *reading, struct span text)
{
    static const struct span name = { ", sasl_username=", 16 };
    struct queued *message = begin(reading);
    struct span rest = text, client = span_cut(&rest, ','), user;
    const char *at, *end;

    if (message == NULL)
        return;
    span_cut(&client, '[');
    queued_set(message, QUEUED_CLIENT, span_cut(&client, ']'));
    if ((at = memmem(text.p, text.n, name.p, name.n)) == NULL)
        return;
    user = behind(text, (size_t)(at - text.p) + name.n);
    if ((end = memmem(user.p, user.n, ", sasl_sender=", 14)) != NULL ||
        (end = memmem(user.p, user.n, ", orig_", 7)) != NULL)
        user.n = (size_t)(end - user.p);
    queued_set(message, QUEUED_USER, user);
}

/* As a report to the sender names its message: without brackets, and what may stand around them. */
static struct span inside_brackets(struct span text)
{
    struct span rest = text;

    if (text.n > 0 && memchr(text.p, '<', text.n) != NULL)
        span_cut(&rest, '<');
    rest = span_trim(span_cut(&rest, '>'));
    return rest.n > MESSAGE_ID_MOST ? SPAN_NONE : rest;
}

static void read_message_id(struct reading *reading, struct span text)
{
    struct span id = inside_brackets(text);
    struct queued *message = queue_take(reading->maillog->queue, reading->key);

    if (message == NULL || span_eq(queued_text(message, QUEUED_MESSAGE_ID), id))
        return;
    if (queued_is_active(message) || queued_waiting(message) != NULL)
        queue_restart(reading->maillog->queue, message);
    /* Of two fields in one header the first one counts, as in a report. */
    if (queued_text(message, QUEUED_MESSAGE_ID).n == 0)
        queued_set(message, QUEUED_MESSAGE_ID, id);
}

/* `from=<ann@example.com>, size=305, nrcpt=1 (queue active)`, or `..., status=expired, returned to sender`.
 */
static bool read_from(struct reading *reading, struct span text)
{
    struct span sender;
    struct queued *message;

    if (!attempt_cut_address(&text, &sender))
        return false;
    if ((message = queue_take(reading->maillog->queue, reading->key)) == NULL)
        return true;
    if (queued_is_active(message) && !span_eq(queued_text(message, QUEUED_SENDER), sender))
        queue_restart(reading->maillog->queue, message);
    queued_set(message, QUEUED_SENDER, sender);
    queued_set_active(message);
    if (!starts(text, SPAN(", status=expired,")) && !starts(text, SPAN(", status=force-expired,")))
        return true;
    if (sender.n > 0)
        tell_expiry(reading, message);
    else
        queue_settle_all(reading->maillog->queue, message);
    return true;
}

static void read_removed(struct reading *reading)
{
    struct queued *message = queue_find(reading->maillog->queue, reading->key);

    if (message != NULL)
        queue_remove(reading->maillog->queue, message);
}

/* False when the line is not understood. */
static bool read_message_line(struct reading *reading)
{
    struct span text = reading->line.rest;

    switch (text.n == 0 ? '\0' : text.p[0]) {
    case 't': return !starts(text, SPAN("to=<")) || tell_attempt(reading);
    case 'f': return !starts(text, SPAN("from=<")) || read_from(reading, behind(text, 5));
    case 'm':
        if (starts(text, SPAN("message-id=")))
            read_message_id(reading, behind(text, 11));
        return true;
    case 'c':
        if (starts(text, SPAN("client=")))
            read_client(reading, behind(text, 7));
        return true;
    case 'u':
        if (starts(text, SPAN("uid=")))
            begin(reading);
        return true;
    case 'r':
        if (span_eq(text, SPAN("removed")))
            read_removed(reading);
        return true;
    default: return true;
    }
}

bool maillog_line(struct maillog *maillog, struct span line, int64_t now, maillog_fn *fn, void *ctx)
{
    struct reading reading = { .maillog = maillog, .fn = fn, .ctx = ctx };
    char key[KEY_SIZE];

    maillog->tally.lines++;
    switch (line_read(&reading.line, &maillog->stamps, line, now)) {
    case LINE_FOREIGN: break;
    case LINE_OTHER: return true;
    case LINE_MESSAGE:
        if (make_key(key, &reading) && read_message_line(&reading))
            return true;
        break;
    }
    maillog->tally.foreign++;
    return false;
}
