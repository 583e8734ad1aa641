/* SPDX-License-Identifier: BSD-2-Clause */
/* From a mail to a report: take it apart (mail.c), read the text for people (text.c, notice.c), count what
 * the status parts say (dsn.c), decide what it is (kind.c), and only then, and only of a failure or a
 * complaint, read recipients and reasons.
 *
 * Who failed is asked of the best witness that names anybody, and of no other: the groups of the report, the
 * header fields that list recipients, the notice, and, when nobody is named at all, the header of the mail
 * that came back. Everything that a sender could make large is bounded: the bytes that are looked at, the
 * text, the parts, the recipients. */
#include "leadgate/bounce.h"

#include "bounce/arf.h"
#include "bounce/dsn.h"
#include "bounce/json.h"
#include "bounce/kind.h"
#include "bounce/mailbox.h"
#include "bounce/notice.h"
#include "bounce/returned.h"
#include "bounce/text.h"

#include <stdlib.h>
#include <string.h>

#include <gmime/gmime.h>

#define FIELD_SIZE 4096 /* a field's value on one line; of a longer diagnostic only the start is read */
#define TEXT_PARTS 4    /* texts of a notice; what follows is footers */

void bounce_init(void)
{
    g_mime_init();
}

const char *mail_kind_name(enum mail_kind kind)
{
    switch (kind) {
    case MAIL_NONE: return "none";
    case MAIL_FAILURE: return "failure";
    case MAIL_DELAYED: return "delayed";
    case MAIL_DELIVERED: return "delivered";
    case MAIL_VACATION: return "vacation";
    case MAIL_COMPLAINT: return "complaint";
    }
    abort();
}

/* A report in the making. One allocation, so that no stack has to hold it. */
struct reading {
    struct report *report;
    const struct bounce_context *context;
    struct mail mail;
    struct kind_evidence evidence;
    struct notice notice;
    struct header returned;
    struct span status[MAIL_PARTS]; /* the status parts, decoded; or a text that holds such fields */
    size_t n_status;
    struct dsn_message message; /* of the first of them */
    struct span json;
    enum json_event event;
    enum dsn_action wanted; /* which groups are read */
    size_t room;
    struct text text;
    char lower[TEXT_MAX];
};

/* --- the text for people --- */

static bool has_letters(struct span text)
{
    for (size_t i = 0; i < text.n; i++)
        if ((unsigned char)text.p[i] > ' ')
            return true;
    return false;
}

/* The texts in front of the returned mail. */
static struct span append_texts(struct reading *reading, enum part_kind kind)
{
    struct text *text = &reading->text;
    size_t start = text->n, n = 0;

    for (size_t i = 0; i < reading->mail.n && n < TEXT_PARTS; i++) {
        if (reading->mail.parts[i].kind == PART_RETURNED)
            break;
        if (reading->mail.parts[i].kind != kind)
            continue;
        if (n++ > 0)
            text_append(text, SPAN("\n"), SPAN_NONE);
        text_append_part(text, &reading->mail.parts[i]);
    }
    return (struct span){ text->p + start, text->n - start };
}

/* Takes the "> " off the lines of a forwarded notice, in place. */
static struct span unquoted(struct reading *reading, struct span text)
{
    char *out = reading->text.p + (text.p - reading->text.p);
    struct span rest = text, line;
    size_t n = 0;

    while (span_line(&rest, &line)) {
        size_t length;

        while (line.n > 0 && line.p[0] == '>' && !(line.n > 3 && memcmp(line.p, ">>> ", 4) == 0)) {
            line.p++;
            line.n--;
        }
        if (line.n > 0 && line.p[0] == ' ') {
            line.p++;
            line.n--;
        }
        length = line.n;
        memmove(out + n, line.p, length);
        n += length;
        if (n < text.n)
            out[n++] = '\n';
    }
    return (struct span){ out, n };
}

/* A forwarded notice as it was before: without quote marks, and without the header above it. */
static struct span forwarded(struct reading *reading, struct span text)
{
    static const struct span from = { "From:", 5 };
    struct span rest = unquoted(reading, text), ahead = rest, line;
    bool header = false;

    while (span_line(&ahead, &line)) {
        header = header || span_starts_nocase(line, from);
        if (header && line.n == 0)
            return ahead;
    }
    return rest;
}

static void read_notice(struct reading *reading)
{
    struct span text = append_texts(reading, PART_TEXT);

    if (!has_letters(text)) {
        reading->text.n = 0;
        text = append_texts(reading, PART_HTML);
    }
    reading->json = text;
    reading->event = json_event(&reading->json, reading->text.p);
    if (span_find_nocase((struct span){ text.p, text.n < 400 ? text.n : 400 }, SPAN("forwarded message")) !=
        NULL) {
        text = forwarded(reading, text);
        reading->evidence.forwarded = true;
    }
    notice_open(&reading->notice, text, reading->lower);
}

/* --- reports in fields --- */

static void count_groups(struct span text, struct tally *tally, struct dsn_message *message)
{
    struct dsn_reader reader;
    struct dsn_recipient group;

    dsn_start(&reader, text, message);
    while (dsn_next(&reader, &group)) {
        switch (dsn_recipient_action(&group)) {
        case DSN_UNCLEAR: tally->unclear++; break;
        case DSN_FAILED: tally->failed++; break;
        case DSN_DELAYED: tally->delayed++; break;
        case DSN_DELIVERED: tally->delivered++; break;
        }
    }
}

static bool is_counted(const struct tally *tally)
{
    return tally->failed + tally->delayed + tally->delivered > 0;
}

static void note_status(struct reading *reading, struct span text)
{
    struct dsn_message message;

    count_groups(text, &reading->evidence.tally, &message);
    if (reading->n_status == 0)
        reading->message = message;
    reading->status[reading->n_status++] = text;
}

/* A report whose parts were lost on the way: its fields stand in the text. */
static void find_status_in_text(struct reading *reading)
{
    static const char *const names[] = { "reporting-mta:", "original-recipient:", "final-recipient:",
                                         "action:" };
    struct span text = reading->notice.text, rest, line;

    if (text.n == 0)
        return;
    rest = text;
    while (span_line(&rest, &line))
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
            if (span_starts_nocase(line, span_of(names[i]))) {
                reading->n_status = 0;
                note_status(reading, (struct span){ line.p, (size_t)(text.p + text.n - line.p) });
                if (is_counted(&reading->evidence.tally))
                    reading->notice.text.n = (size_t)(line.p - text.p);
                reading->notice.lower.n = reading->notice.text.n;
                return;
            }
}

static void read_status_parts(struct reading *reading)
{
    for (size_t i = 0; i < reading->mail.n; i++) {
        const struct mail_part *part = &reading->mail.parts[i];

        if (part->kind == PART_STATUS)
            note_status(reading, part->encoding == ENCODED_NOT ? part->content
                                                               : text_append_part(&reading->text, part));
    }
    reading->evidence.loose = !is_counted(&reading->evidence.tally);
    if (reading->evidence.loose)
        find_status_in_text(reading);
}

/* --- recipients --- */

static struct finding *find_finding(struct report *report, const struct address *lead)
{
    for (size_t i = 0; i < report->n; i++)
        if (report->findings[i].lead.n == lead->n &&
            memcmp(report->findings[i].lead.text, lead->text, lead->n) == 0)
            return &report->findings[i];
    return NULL;
}

/* Room for one more recipient; several words about one lead are one finding. NULL when it is known already,
 * there are too many, or memory is short. */
static struct finding *add_finding(struct reading *reading, const struct address *lead)
{
    struct report *report = reading->report;

    if (find_finding(report, lead) != NULL)
        return NULL;
    if (report->n == REPORT_RECIPIENTS) {
        report->cut = true;
        return NULL;
    }
    if (report->n == reading->room) {
        size_t room = reading->room == 0 ? 1 : reading->room * 4;
        struct finding *grown = reallocarray(report->findings, room, sizeof(*grown));

        if (grown == NULL) {
            report->cut = true;
            return NULL;
        }
        report->findings = grown;
        reading->room = room;
    }
    report->findings[report->n] =
        (struct finding){ .lead = *lead, .cause = CAUSE_NONE, .rule = report->rule };
    return &report->findings[report->n++];
}

/* `smtp; 550 5.1.1 no such user`: the type is an atom; mailers that leave it out may use ';' further on. */
static struct span diagnostic_text(struct span value, bool *local)
{
    struct span rest = value, type = span_trim(span_cut(&rest, ';'));

    *local = span_eq_nocase(type, SPAN("X-Postfix"));
    if (type.n == value.n || type.n == 0 || memchr(type.p, ' ', type.n) != NULL)
        return value;
    return span_trim(rest);
}

static void classify(struct reading *reading, struct finding *finding, struct rejection *rejection)
{
    rejection->reporter = span_of(reading->report->reporter);
    classify_rejection(reading->context, rejection, finding);
    span_excerpt(finding->diag, sizeof(finding->diag),
                 rejection->diag.n > 0 ? rejection->diag : rejection->human);
}

/* The domain of the system that reports, for recipients that are named without one. */
static bool complete(const struct reading *reading, struct address *out, struct span local)
{
    char text[ADDRESS_SIZE];
    struct span rest = span_trim(reading->message.reporting_mta), from, found;
    size_t at = 0;

    if (local.n == 0 || local.n > 64 || memchr(local.p, '@', local.n) != NULL)
        return false;
    if (returned_recipient(&reading->returned, local, out, &reading->context->addresses))
        return true;
    if (memchr(rest.p, ';', rest.n) != NULL)
        span_cut(&rest, ';');
    rest = span_trim(rest);
    from = header_find(&reading->mail.header, SPAN("From"));
    if (rest.n == 0 && mailbox_find(from, &at, &found)) {
        rest = found;
        span_cut(&rest, '@');
    }
    if (rest.n == 0 || memchr(rest.p, ' ', rest.n) != NULL || local.n + rest.n + 2 > sizeof(text))
        return false;
    memcpy(text, local.p, local.n);
    text[local.n] = '@';
    memcpy(text + local.n + 1, rest.p, rest.n);
    return mailbox_parse(out, (struct span){ text, local.n + 1 + rest.n }, &reading->context->addresses);
}

/* The address that was mailed; Final-Recipient is what aliases made of it. */
static bool find_lead(const struct reading *reading, struct address *out, const struct dsn_recipient *group)
{
    const struct address_rules *rules = &reading->context->addresses;
    struct span rest = group->final;

    if (mailbox_of_field(out, group->original, rules) || mailbox_of_field(out, group->final, rules))
        return true;
    if (memchr(rest.p, ';', rest.n) != NULL)
        span_cut(&rest, ';');
    rest = span_trim(rest);
    for (size_t i = 0; i < rest.n; i++)
        if (strchr(" |/\\<>\"'=;:,()", rest.p[i]) != NULL)
            return false;
    return complete(reading, out, rest);
}

static void read_group(struct reading *reading, const struct dsn_recipient *group)
{
    struct address lead;
    char text[FIELD_SIZE];
    struct finding *finding;
    struct rejection rejection = { .status = group->status };

    if (!find_lead(reading, &lead, group) || (finding = add_finding(reading, &lead)) == NULL)
        return;
    if (reading->wanted != DSN_FAILED)
        return;
    rejection.diag = (struct span){ text, field_unfold(text, sizeof(text), group->diagnostic) };
    rejection.diag = diagnostic_text(rejection.diag, &rejection.local);
    if (reading->notice.text.n > 0)
        rejection.human = notice_about(&reading->notice, address_span(&lead));
    classify(reading, finding, &rejection);
    if (reading->report->remote_mta[0] == '\0')
        returned_copy_mta(reading->report->remote_mta, sizeof(reading->report->remote_mta),
                          group->remote_mta);
}

static void read_groups(struct reading *reading)
{
    struct dsn_recipient group;
    struct dsn_message ignored;
    struct dsn_reader reader;

    for (size_t i = 0; i < reading->n_status; i++) {
        dsn_start(&reader, reading->status[i], &ignored);
        while (!reading->report->cut && dsn_next(&reader, &group))
            if (dsn_recipient_action(&group) == reading->wanted)
                read_group(reading, &group);
    }
}

/* A recipient that something else than a report's group names; about: what is said about it. */
static void read_named(struct reading *reading, const struct address *lead, struct span about)
{
    struct finding *finding = add_finding(reading, lead);
    struct dsn_recipient group = { .final = SPAN_NONE };
    struct dsn_message ignored;
    struct dsn_reader reader;
    struct rejection rejection = { .diag = notice_reply(about), .human = about };
    char text[FIELD_SIZE];

    if (finding == NULL || reading->wanted != DSN_FAILED)
        return;
    /* A group that did not name it may still say why. */
    if (reading->n_status > 0) {
        dsn_start(&reader, reading->status[0], &ignored);
        if (dsn_next(&reader, &group) && group.diagnostic.n > 0) {
            rejection.status = group.status;
            rejection.diag = (struct span){ text, field_unfold(text, sizeof(text), group.diagnostic) };
            rejection.diag = diagnostic_text(rejection.diag, &rejection.local);
        } else {
            rejection.status = group.status;
        }
    }
    classify(reading, finding, &rejection);
}

/* The header fields that list the recipients that failed: Exim's and Gmail's, Mail.Ru's, an Outlook
 * gateway's. */
static void read_header_fields(struct reading *reading)
{
    static const char *const names[] = { "X-Failed-Recipients", "X-Mailer-Daemon-Recipients",
                                         "X-Original-RecipientList" };
    struct address lead;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && reading->report->n == 0; i++) {
        struct span rest = header_find(&reading->mail.header, span_of(names[i])), line;
        size_t from = 0;

        line = span_find_nocase(rest, SPAN("=?")) == NULL ? rest : text_append_field(&reading->text, rest);
        while (!reading->report->cut && mailbox_find(line, &from, &rest))
            if (mailbox_parse(&lead, rest, &reading->context->addresses))
                read_named(reading, &lead, notice_about(&reading->notice, rest));
    }
}

static struct span own_address(const struct reading *reading)
{
    struct span found;
    size_t from = 0;

    return mailbox_find(header_find(&reading->mail.header, SPAN("To")), &from, &found) ? found : SPAN_NONE;
}

static void read_recipients_of_notice(struct reading *reading)
{
    struct notice_recipient found[NOTICE_RECIPIENTS];
    enum notice_shape shape;
    size_t n = notice_recipients(&reading->notice, own_address(reading), found, &shape);

    if (n == NOTICE_RECIPIENTS)
        reading->report->cut = true;
    for (size_t i = 0; i < n; i++) {
        const struct address_rules *rules = &reading->context->addresses;
        struct address lead;

        if (shape == SHAPE_LOCAL_PART ? complete(reading, &lead, found[i].address)
                                      : (mailbox_parse(&lead, found[i].original, rules) ||
                                         mailbox_parse(&lead, found[i].address, rules)))
            read_named(reading, &lead, found[i].about);
    }
}

static void read_json(struct reading *reading)
{
    struct span rest = reading->json;
    struct json_recipient one;
    struct address lead;

    while (!reading->report->cut && json_next_recipient(&rest, reading->event, &one)) {
        struct finding *finding;
        struct rejection rejection = { .status = one.status };

        if (!mailbox_parse(&lead, one.address, &reading->context->addresses) ||
            (finding = add_finding(reading, &lead)) == NULL)
            continue;
        if (reading->event == JSON_COMPLAINT)
            finding->cause = CAUSE_COMPLAINT;
        if (reading->event != JSON_BOUNCE)
            continue;
        rejection.diag = diagnostic_text(one.diagnostic, &rejection.local);
        classify(reading, finding, &rejection);
    }
}

/* Whether what came back is a report of its own; whom that was sent to is no recipient, but a sender. */
static bool is_report_returned(const struct reading *reading)
{
    return span_find_nocase(header_find(&reading->returned, SPAN("From")), SPAN("mailer-daemon")) != NULL;
}

/* A provider's own letter around the report of its mail system: the report is what came back. */
static void read_wrapped_report(struct reading *reading)
{
    if (!is_report_returned(reading))
        return;
    reading->status[0] = reading->notice.returned;
    reading->n_status = 1;
    read_groups(reading);
}

static void read_recipients(struct reading *reading)
{
    struct report *report = reading->report;
    struct address lead;

    if (reading->event == JSON_BOUNCE || reading->event == JSON_COMPLAINT || reading->event == JSON_DELAYED)
        read_json(reading);
    if (report->n == 0)
        read_groups(reading);
    if (report->n == 0)
        read_header_fields(reading);
    if (report->n == 0)
        read_recipients_of_notice(reading);
    if (report->n == 0)
        read_wrapped_report(reading);
    if (report->n == 0 && reading->wanted == DSN_FAILED && !is_report_returned(reading) &&
        returned_recipient(&reading->returned, SPAN_NONE, &lead, &reading->context->addresses))
        read_named(reading, &lead, reading->notice.text);
}

/* Whether a complaint was made by the one who sent it, which only List-Unsubscribe's mails are. */
static struct span complainer(const struct reading *reading, enum cause cause)
{
    struct span found;
    size_t from = 0;

    if (cause == CAUSE_UNSUBSCRIBE && mail_find_part(&reading->mail, PART_FEEDBACK) == NULL &&
        mailbox_find(header_find(&reading->mail.header, SPAN("From")), &from, &found))
        return found;
    return SPAN_NONE;
}

/* Hotmail's word for Original-Rcpt-To, in the header of the mail that it complains about. */
static struct span original_recipient(const struct reading *reading)
{
    return header_find(&reading->returned, SPAN("X-HmXmrOriginalRecipient"));
}

static void read_complaint(struct reading *reading)
{
    const struct address_rules *rules = &reading->context->addresses;
    enum cause cause = arf_cause(&reading->mail, reading->evidence.subject);
    struct span fields[16], sender = complainer(reading, cause);
    size_t n = arf_recipients(&reading->mail, fields, sizeof(fields) / sizeof(fields[0]));
    struct address lead;
    struct finding *finding;

    if (reading->event == JSON_COMPLAINT) {
        read_json(reading);
        return;
    }
    if (n == 0)
        fields[n++] = sender.n > 0 ? sender : original_recipient(reading);
    for (size_t i = 0; i < n; i++)
        if (mailbox_of_field(&lead, fields[i], rules) && (finding = add_finding(reading, &lead)) != NULL)
            finding->cause = cause;
    if (reading->report->n == 0 && returned_recipient(&reading->returned, SPAN_NONE, &lead, rules) &&
        (finding = add_finding(reading, &lead)) != NULL)
        finding->cause = cause;
}

/* A delay is no finding: who waits is kept apart, so that nobody strikes him. */
static void set_delays_apart(struct report *report)
{
    report->delayed = report->findings;
    report->n_delayed = report->n;
    report->findings = NULL;
    report->n = 0;
}

static enum mail_kind kind_of_json(enum json_event event, const char **rule)
{
    switch (event) {
    case JSON_NONE: break;
    case JSON_BOUNCE: *rule = "json:bounce"; return MAIL_FAILURE;
    case JSON_COMPLAINT: *rule = "json:complaint"; return MAIL_COMPLAINT;
    case JSON_DELIVERED: *rule = "json:delivery"; return MAIL_DELIVERED;
    case JSON_DELAYED: *rule = "json:delay"; return MAIL_DELAYED;
    }
    return MAIL_NONE;
}

static void read_by_kind(struct reading *reading)
{
    struct report *report = reading->report;

    switch (report->kind) {
    case MAIL_NONE:
    case MAIL_DELIVERED:
    case MAIL_VACATION: return;
    case MAIL_DELAYED:
        reading->wanted = DSN_DELAYED;
        read_recipients(reading);
        set_delays_apart(report);
        return;
    case MAIL_FAILURE:
        reading->wanted = DSN_FAILED;
        report->reporter =
            notice_reporter(&reading->notice, header_find(&reading->mail.header, SPAN("From")));
        read_recipients(reading);
        break;
    case MAIL_COMPLAINT: read_complaint(reading); break;
    }
    if (report->n == 0 && report->kind == MAIL_FAILURE) {
        report->kind = MAIL_NONE;
        report->rule = "failure without a readable recipient";
    }
}

/* Fields are read where they stand; some gateways encode them all the same. */
static void decode_feedback(struct reading *reading)
{
    for (size_t i = 0; i < reading->mail.n; i++) {
        struct mail_part *part = &reading->mail.parts[i];

        if (part->kind == PART_FEEDBACK && part->encoding != ENCODED_NOT) {
            part->content = text_append_part(&reading->text, part);
            part->encoding = ENCODED_NOT;
        }
    }
}

static void read_all(struct reading *reading)
{
    struct report *report = reading->report;
    struct span subject;

    read_notice(reading);
    read_status_parts(reading);
    decode_feedback(reading);
    subject = header_find(&reading->mail.header, SPAN("Subject"));
    if (span_find_nocase(subject, SPAN("=?")) != NULL)
        subject = text_append_field(&reading->text, subject);
    reading->evidence.subject = subject;
    report->kind = kind_of_json(reading->event, &report->rule);
    if (reading->event == JSON_NONE)
        report->kind = kind_decide(&reading->evidence, &report->rule);
    report->at = returned_arrival(&reading->mail.header);
    if (report->kind == MAIL_NONE || report->kind == MAIL_VACATION)
        return;
    returned_open(&reading->returned, &reading->mail, &reading->notice, &reading->text);
    returned_describe(report, &reading->returned, &reading->message);
    read_by_kind(reading);
}

/* Of a mail that was cut off somewhere on its way the last line is not whole: half an address is somebody
 * else's. SMTP gives every line an end (RFC 5321 4.1.1.4). */
static struct span whole_lines(struct span bytes)
{
    if (bytes.n > REPORT_BYTES)
        bytes.n = REPORT_BYTES;
    while (bytes.n > 0 && bytes.p[bytes.n - 1] != '\n' && bytes.p[bytes.n - 1] != '\r')
        bytes.n--;
    return bytes;
}

int report_read(struct report *out, struct span bytes, const struct bounce_context *context, struct err *err)
{
    struct reading *reading = malloc(sizeof(*reading));
    int rc = -1;

    *out = (struct report){ .kind = MAIL_NONE, .rule = "", .reporter = "" };
    if (reading == NULL)
        return err_set(err, "out of memory");
    if (mail_open(&reading->mail, whole_lines(bytes), err) < 0)
        goto out;
    reading->report = out;
    reading->context = context;
    reading->n_status = 0;
    reading->message = (struct dsn_message){ SPAN_NONE, SPAN_NONE, SPAN_NONE, SPAN_NONE };
    reading->evidence = (struct kind_evidence){ .mail = &reading->mail, .notice = &reading->notice };
    reading->returned.n = 0;
    reading->room = 0;
    reading->text.n = 0;
    read_all(reading);
    rc = 0;
out:
    free(reading);
    return rc;
}

void report_free(struct report *report)
{
    free(report->findings);
    free(report->delayed);
    report->findings = report->delayed = NULL;
    report->n = report->n_delayed = 0;
}

static int64_t bounded(int64_t at, int64_t now)
{
    return at > now ? now : at;
}

static enum event_type event_type_of(const struct report *report, enum cause cause)
{
    if (report->kind != MAIL_COMPLAINT)
        return EVENT_BOUNCE;
    if (cause == CAUSE_UNSUBSCRIBE)
        return EVENT_UNSUBSCRIBE;
    return cause == CAUSE_NONE ? EVENT_RESUBSCRIBE : EVENT_COMPLAINT;
}

void report_event(const struct report *report, size_t i, enum event_source source, int64_t now,
                  struct event *event)
{
    const struct finding *finding = &report->findings[i];

    *event = (struct event){
        .type = event_type_of(report, finding->cause),
        .source = source,
        .lead = finding->lead,
        .cause = finding->cause,
        .at = report->at == 0 ? now : bounded(report->at, now),
        .sent = bounded(report->sent, now),
        .message = span_of(report->message),
        .status = span_of(finding->status),
        .evidence = span_of(finding->diag),
        .stream = SPAN_NONE,
        .provider = SPAN_NONE,
    };
}
