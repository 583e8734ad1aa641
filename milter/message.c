/* SPDX-License-Identifier: BSD-2-Clause */
/* What is to be done with a mail is decided at its sender, and taken back as soon as it is known that there
 * is nothing to do: a milter that sees each mail to its end costs Postfix a quarter of its throughput, one
 * that accepts at MAIL FROM next to nothing.
 *
 *   sender     came by                   role
 *   <>         SMTP                      ROLE_BOUNCE once a recipient is one of our bounce addresses
 *   <>         sendmail(1), bounce(8)    ROLE_OWN_BOUNCE, a bounce of this Postfix: observed only
 *   ann@...    sendmail(1)               ROLE_FILTER, the policy server is never asked about these
 *   ann@...    SMTP, filter_daemons      ROLE_FILTER, their clients cannot bear a refusal
 *   ann@...    SMTP                      ROLE_NONE
 *
 * The sender's stream says which recipients are suppressed; in a stream that is off none is, and the mail is
 * let go at once.
 *
 * A filtered mail is never refused or deferred: Postfix would keep what came by sendmail(1) in its maildrop
 * and try it for ever, and tell nobody. While Redis is away it passes. The same holds for Postfix's own
 * bounces: a temporary failure keeps the original in the queue and has its failed recipient handled again.
 * Only a bounce from outside can wait where it is. */
#include "milter/message.h"

#include "leadgate/bounce.h"
#include "leadgate/logline.h"
#include "leadgate/signing.h"
#include "milter/recipients.h"

#include <stdlib.h>
#include <string.h>

enum role { ROLE_NONE, ROLE_BOUNCE, ROLE_OWN_BOUNCE, ROLE_FILTER };

struct message {
    const struct message_rules *rules; /* NULL between mails */
    enum role role;
    char sender[ADDRESS_SIZE]; /* for log lines; without <> */
    size_t recipients;         /* all of them */

    /* ROLE_BOUNCE, ROLE_OWN_BOUNCE */
    size_t to_bounce_address;
    struct {
        char *p;
        size_t n, size;
        bool full; /* max_size is reached: what follows is not kept, the beginning is still read */
    } mail;

    /* ROLE_FILTER */
    const struct stream *stream;
    struct recipients filtered; /* those that can be suppressed */
};

struct message *message_new(void)
{
    return calloc(1, sizeof(struct message));
}

void message_reset(struct message *message)
{
    recipients_free(&message->filtered);
    free(message->mail.p);
    *message = (struct message){ .role = ROLE_NONE };
}

void message_free(struct message *message)
{
    if (message == NULL)
        return;
    message_reset(message);
    free(message);
}

/* --- the envelope --- */

static bool is_filtered(const struct settings *settings, const struct message_origin *origin)
{
    const struct config_texts *daemons = &settings->milter.filter_daemons;

    for (size_t i = 0; i < daemons->n; i++)
        if (span_eq(span_of(daemons->item[i]), origin->daemon))
            return true;
    return origin->local;
}

static const struct stream *stream_of(const struct settings *settings, const struct message_origin *origin,
                                      struct span sender)
{
    const struct stream_request request = {
        .sender = sender,
        .sender_form = address_form_of(sender),
        .sasl_username = origin->sasl_username,
        .client_address = origin->client_address,
        .server_port = origin->server_port,
    };

    return stream_find(settings, &request);
}

static enum role role_of(const struct message_rules *rules, const struct message_origin *origin,
                         struct span sender, const struct stream *stream)
{
    bool null_sender = sender.n == 0 || span_eq(sender, SPAN("<>"));

    if (null_sender && origin->local)
        return ROLE_OWN_BOUNCE;
    if (null_sender)
        return rules->settings->bounce_addresses.n > 0 ? ROLE_BOUNCE : ROLE_NONE;
    return stream->enforce != ENFORCE_OFF && is_filtered(rules->settings, origin) ? ROLE_FILTER : ROLE_NONE;
}

static struct span without_brackets(struct span path)
{
    if (path.n >= 2 && path.p[0] == '<' && path.p[path.n - 1] == '>')
        return (struct span){ path.p + 1, path.n - 2 };
    return path;
}

enum verdict message_mail(struct message *message, const struct message_rules *rules,
                          const struct message_origin *origin, struct span sender)
{
    message_reset(message);
    message->rules = rules;
    message->stream = stream_of(rules->settings, origin, sender);
    message->role = role_of(rules, origin, sender, message->stream);
    span_excerpt(message->sender, sizeof(message->sender), without_brackets(sender));
    return message->role == ROLE_NONE ? VERDICT_ACCEPT : VERDICT_CONTINUE;
}

enum verdict message_recipient(struct message *message, struct span recipient)
{
    struct address_rules rules;
    struct address address;
    struct err err;

    if (message->role == ROLE_NONE)
        return VERDICT_CONTINUE;
    rules = settings_address_rules(message->rules->settings);
    message->recipients++;
    /* Postfix's smtpd hands on what the client said, its cleanup the address without <>. No address, no lead:
     * nothing can stand against it. */
    if (address_parse(&address, address_form_of(recipient), recipient, &rules, &err) < 0)
        return VERDICT_CONTINUE;
    switch (message->role) {
    case ROLE_BOUNCE:
        if (signing_is_bounce_address(message->rules->settings, &address))
            message->to_bounce_address++;
        break;
    case ROLE_FILTER:
        if (!settings_never_refuses(message->rules->settings, &address))
            recipients_add(&message->filtered, recipient, &address);
        break;
    case ROLE_NONE:
    case ROLE_OWN_BOUNCE: break;
    }
    return VERDICT_CONTINUE;
}

/* --- suppressed recipients --- */

static void log_suppressed(const struct message *message, const char *word, size_t i, struct span queue)
{
    const struct ruling *ruling = &message->filtered.rulings[i];
    struct logline line;

    logline_start(&line, word);
    logline_span(&line, "lead", address_span(&message->filtered.leads[i]));
    logline_text(&line, "cause", cause_name(ruling->cause));
    logline_text(&line, "kind", optout_kind_name(ruling->kind));
    logline_time(&line, "until", ruling->until);
    logline_text(&line, "stream", message->stream->name);
    logline_span(&line, "queue", queue);
    logline_text(&line, "sender", message->sender);
    logline_send(&line, LOG_INFO);
    counters_add(message->rules->counters, 1, "decisions", word, cause_name(ruling->cause), NULL);
}

/* The one line per recipient that Postfix does not write. */
static void log_all_suppressed(const struct message *message, const char *word, struct span queue)
{
    for (size_t next = 0, i = 0; recipients_next(&message->filtered, &next, &i);)
        log_suppressed(message, word, i, queue);
}

static void log_failure(const char *what, struct span queue, const char *why)
{
    struct logline line;

    logline_start(&line, "warning");
    logline_text(&line, "text", what);
    logline_span(&line, "queue", queue);
    logline_text(&line, "reason", why);
    logline_send(&line, LOG_WARNING);
}

/* Redis cannot serve. */
static void note_failure(const struct message *message, const char *what, struct span queue, const char *why)
{
    counters_add(message->rules->counters, 1, "failures", "store", "milter", NULL);
    log_failure(what, queue, why);
}

static enum verdict data_of_filtered(struct message *message, struct span queue, int64_t now)
{
    struct recipients *filtered = &message->filtered;
    struct err err;

    switch (recipients_judge(filtered, message->stream, &message->rules->store, now, &err)) {
    case STORE_DOWN: note_failure(message, "recipients not checked, the mail passes", queue, err.text); break;
    case STORE_OK: break;
    }
    if (filtered->suppressed == 0)
        return VERDICT_ACCEPT;
    if (message->stream->enforce == ENFORCE_OBSERVE) {
        log_all_suppressed(message, "observed", queue);
        return VERDICT_ACCEPT;
    }
    return VERDICT_CONTINUE;
}

enum verdict message_data(struct message *message, struct span queue, int64_t now)
{
    switch (message->role) {
    case ROLE_NONE: return VERDICT_ACCEPT;
    case ROLE_OWN_BOUNCE: return VERDICT_CONTINUE;
    case ROLE_BOUNCE: return message->to_bounce_address > 0 ? VERDICT_CONTINUE : VERDICT_ACCEPT;
    case ROLE_FILTER: return data_of_filtered(message, queue, now);
    }
    abort();
}

const char *message_next_removal(const struct message *message, size_t *at)
{
    size_t i;

    return recipients_next(&message->filtered, at, &i) ? message->filtered.spelled[i] : NULL;
}

/* --- the mail itself --- */

static bool is_read(const struct message *message)
{
    return message->role == ROLE_BOUNCE || message->role == ROLE_OWN_BOUNCE;
}

/* Keeps as much as max_size, or memory, allows. */
static void keep_text(struct message *message, struct span text)
{
    size_t max = (size_t)message->rules->settings->milter.max_size;
    size_t room = max - message->mail.n, n = text.n < room ? text.n : room;

    if (message->mail.full)
        return;
    if (message->mail.n + n > message->mail.size) {
        size_t size = message->mail.size == 0 ? 16384 : message->mail.size * 2;
        char *p;

        size = size < message->mail.n + n ? message->mail.n + n : size;
        if ((p = realloc(message->mail.p, size)) == NULL) {
            message->mail.full = true;
            return;
        }
        message->mail.p = p;
        message->mail.size = size;
    }
    memcpy(message->mail.p + message->mail.n, text.p, n);
    message->mail.n += n;
    message->mail.full = n < text.n;
}

enum verdict message_header(struct message *message, struct span name, struct span value)
{
    if (is_read(message)) {
        keep_text(message, name);
        keep_text(message, SPAN(": "));
        keep_text(message, value);
        keep_text(message, SPAN("\n"));
    }
    return VERDICT_CONTINUE;
}

enum verdict message_eoh(struct message *message)
{
    if (is_read(message))
        keep_text(message, SPAN("\n"));
    return VERDICT_CONTINUE;
}

enum verdict message_body(struct message *message, struct span chunk)
{
    if (!is_read(message))
        return VERDICT_SKIP_BODY;
    keep_text(message, chunk);
    return message->mail.full ? VERDICT_SKIP_BODY : VERDICT_CONTINUE;
}

/* --- the end of a bounce --- */

/* Somebody sent this to a bounce address in vain. Local programs with a null sender do so every day. */
static void log_unrecognised(const struct message *message, const char *kind, const char *rule,
                             struct span queue)
{
    struct logline line;

    if (message->role != ROLE_BOUNCE)
        return;
    logline_start(&line, "unrecognised");
    logline_text(&line, "kind", kind);
    logline_text(&line, "rule", rule);
    logline_span(&line, "queue", queue);
    logline_send(&line, LOG_INFO);
}

/* Recipients that nobody read of bounce again; an operator may want to know of them now. */
static void log_cut(const struct message *message, const struct report *report, struct span queue)
{
    if (report->cut != NULL || message->mail.full)
        log_failure("not all of a bounce was read", queue,
                    report->cut != NULL ? report->cut : "larger than milter.max_size");
}

static enum store_rc apply_report(const struct message *message, const struct report *report, int64_t now,
                                  struct err *err)
{
    const struct message_store *store = &message->rules->store;
    struct event *events = calloc(report->n, sizeof(*events));
    struct outcome *outcomes = calloc(report->n, sizeof(*outcomes));
    enum store_rc rc = STORE_DOWN;

    if (events == NULL || outcomes == NULL) {
        err_set(err, "out of memory");
        goto out;
    }
    for (size_t i = 0; i < report->n; i++)
        report_event(report, i, SOURCE_MILTER, now, &events[i]);
    rc = store->apply(store->ctx, events, report->n, now, outcomes, err);
    for (size_t i = 0; rc == STORE_OK && i < report->n; i++) {
        outcome_log(&events[i], &outcomes[i]);
        counters_note_event(message->rules->counters, &events[i], &outcomes[i]);
    }
out:
    free(outcomes);
    free(events);
    return rc;
}

/* Thrown away are only reports that hold nothing for a person; what else comes to a bounce address, an
 * auto-reply or a complaint too, goes where the operator has it delivered. */
static enum verdict verdict_of(const struct message *message, enum mail_kind kind)
{
    bool discard = message->rules->settings->milter.after_bounce == AFTER_BOUNCE_DISCARD &&
                   message->role == ROLE_BOUNCE && message->to_bounce_address == message->recipients;

    switch (kind) {
    case MAIL_FAILURE:
    case MAIL_DELAYED:
    case MAIL_DELIVERED: return discard ? VERDICT_DISCARD : VERDICT_ACCEPT;
    case MAIL_NONE:
    case MAIL_VACATION:
    case MAIL_COMPLAINT: return VERDICT_ACCEPT;
    }
    abort();
}

static enum verdict end_of_bounce(const struct message *message, struct span queue, int64_t now)
{
    struct bounce_context context = settings_bounce_context(message->rules->settings);
    struct span mail = { message->mail.p, message->mail.n };
    struct report report;
    struct err err;
    enum verdict verdict;

    if (report_read(&report, mail, &context, &err) < 0) {
        log_unrecognised(message, "unreadable", err.text, queue);
        verdict = VERDICT_ACCEPT;
        goto out;
    }
    verdict = verdict_of(message, report.kind);
    if (report.n == 0) {
        log_unrecognised(message, mail_kind_name(report.kind), report.rule, queue);
        goto out;
    }
    /* Postfix does not show milters the Received field that it writes itself; the topmost one here is that of
     * a hop before. Now is the time that stands in ours, or just after it: where the same mail is read again
     * from a mailbox, it is found to be a repeat. */
    report.at = now;
    switch (apply_report(message, &report, now, &err)) {
    case STORE_OK: log_cut(message, &report, queue); break;
    case STORE_DOWN:
        if (message->role == ROLE_BOUNCE)
            verdict = VERDICT_TEMPFAIL;
        note_failure(message, verdict == VERDICT_TEMPFAIL ? "bounce deferred" : "bounce not recorded", queue,
                     err.text);
        break;
    }
out:
    report_free(&report);
    return verdict;
}

/* The envelope can be changed only now, and only now is it certain that the client does not give the mail up:
 * so a mail of which no recipient is left is not discarded before, either. */
static enum verdict end_of_filtered(const struct message *message, struct span queue)
{
    if (message->filtered.suppressed == 0)
        return VERDICT_ACCEPT;
    log_all_suppressed(message, "removed", queue);
    return message->filtered.suppressed == message->recipients ? VERDICT_DISCARD : VERDICT_ACCEPT;
}

enum verdict message_end(struct message *message, struct span queue, int64_t now)
{
    switch (message->role) {
    case ROLE_NONE: return VERDICT_ACCEPT;
    case ROLE_BOUNCE:
    case ROLE_OWN_BOUNCE: return end_of_bounce(message, queue, now);
    case ROLE_FILTER: return end_of_filtered(message, queue);
    }
    abort();
}
