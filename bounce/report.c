/* SPDX-License-Identifier: BSD-2-Clause */
/* From a mail to a report: take it apart (mail.c), count what its status parts say, decide what it is
 * (kind.c), and only then, and only of a failure, read recipients and reasons. Status parts are read in place
 * and twice: counting is cheap, and a mail that is no failure costs nothing more. */
#include "bounce/dsn.h"
#include "bounce/fields.h"
#include "bounce/kind.h"
#include "bounce/mail.h"
#include "leadgate/bounce.h"

#include <stdlib.h>
#include <string.h>

#define FIELD_SIZE 4096 /* a field's value on one line; of a longer diagnostic only the start is read */

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

/* A report in the making. */
struct reading {
    struct report *report;
    const struct bounce_context *context;
    GHashTable *leads; /* the names of those found: several groups about one lead are one finding */
    size_t room;
};

static void count_groups(struct dsn_reader *reader, struct tally *tally)
{
    struct dsn_recipient group;

    while (dsn_next(reader, &group)) {
        switch (dsn_recipient_action(&group)) {
        case DSN_UNCLEAR: tally->unclear++; break;
        case DSN_FAILED: tally->failed++; break;
        case DSN_DELAYED: tally->delayed++; break;
        case DSN_DELIVERED: tally->delivered++; break;
        }
    }
}

/* `dns; mx.example.com`, without the type; what is too long for dst is not kept. */
static void copy_mta(char *dst, size_t size, struct span value)
{
    if (memchr(value.p, ';', value.n) != NULL)
        span_cut(&value, ';');
    value = span_trim(value);
    if (value.n < size)
        field_unfold(dst, size, value);
}

static int64_t date_of(const char *text)
{
    GDateTime *date = text == NULL ? NULL : g_mime_utils_header_decode_date(text);
    int64_t seconds = 0;

    if (date == NULL)
        return 0;
    seconds = g_date_time_to_unix(date);
    g_date_time_unref(date);
    return seconds > 0 ? seconds : 0;
}

/* RFC 5321 4.4: the date is what follows the last semicolon of a Received field. The topmost one was written
 * by the server that gave us the mail, so a replay finds the same time again. */
static int64_t arrival_time(const struct mail *mail)
{
    const char *received = mail_header(mail, "Received");
    const char *date = received == NULL ? NULL : strrchr(received, ';');
    int64_t at = date == NULL ? 0 : date_of(date + 1);

    return at != 0 ? at : date_of(mail_header(mail, "Date"));
}

/* Message-ID without its brackets and what may stand around them. */
static bool copy_message_id(char *dst, size_t size, const char *field)
{
    struct span rest = span_of(field);

    if (memchr(rest.p, '<', rest.n) != NULL)
        span_cut(&rest, '<');
    return span_copy(dst, size, span_trim(span_cut(&rest, '>'))) && dst[0] != '\0';
}

/* What the report says about the mail that came back; every part of it may be absent. */
static void read_subject_mail(struct report *report, const struct mail *mail,
                              const struct dsn_message *message)
{
    char text[FIELD_SIZE];

    if (message->arrival_date.n > 0 && message->arrival_date.n < sizeof(text)) {
        field_unfold(text, sizeof(text), message->arrival_date);
        report->sent = date_of(text);
    }
    if (report->sent == 0 && mail_returned_field(mail, "Date", text, sizeof(text)))
        report->sent = date_of(text);
    if (!mail_returned_field(mail, "Message-ID", text, sizeof(text)) ||
        !copy_message_id(report->message, sizeof(report->message), text))
        (void)span_copy(report->message, sizeof(report->message), message->queue_id);
    copy_mta(report->reporting_mta, sizeof(report->reporting_mta), message->reporting_mta);
}

static bool parse_address(struct address *out, struct span field, const struct address_rules *rules)
{
    char text[ADDRESS_SIZE * 4];
    struct err ignored;

    if (field.n == 0 || field.n >= sizeof(text))
        return false;
    return address_parse(out, ADDRESS_DSN, (struct span){ text, field_unfold(text, sizeof(text), field) },
                         rules, &ignored) == 0;
}

/* The address that was mailed; Final-Recipient is what aliases made of it. */
static bool find_lead(struct address *out, const struct dsn_recipient *group,
                      const struct address_rules *rules)
{
    return parse_address(out, group->original, rules) || parse_address(out, group->final, rules);
}

static struct finding *add_finding(struct reading *reading)
{
    struct report *report = reading->report;

    if (report->n == reading->room) {
        size_t room = reading->room == 0 ? 1 : reading->room * 2;
        struct finding *grown = reallocarray(report->findings, room, sizeof(*grown));

        if (grown == NULL)
            return NULL;
        report->findings = grown;
        reading->room = room;
    }
    report->findings[report->n] = (struct finding){ .cause = CAUSE_NONE };
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

static int read_group(struct reading *reading, const struct dsn_recipient *group)
{
    char text[FIELD_SIZE];
    struct address lead;
    struct finding *finding;
    struct span diag;
    bool local;

    if (!find_lead(&lead, group, &reading->context->addresses) ||
        !g_hash_table_add(reading->leads, g_strdup(lead.text)))
        return 0;
    if ((finding = add_finding(reading)) == NULL)
        return -1;
    finding->lead = lead;
    diag = (struct span){ text, field_unfold(text, sizeof(text), group->diagnostic) };
    diag = diagnostic_text(diag, &local);
    classify_rejection(reading->context,
                       &(struct rejection){ .status = group->status, .diag = diag, .local = local }, finding);
    span_excerpt(finding->diag, sizeof(finding->diag), diag);
    if (reading->report->remote_mta[0] == '\0')
        copy_mta(reading->report->remote_mta, sizeof(reading->report->remote_mta), group->remote_mta);
    return 0;
}

static int read_groups(struct reading *reading, struct dsn_reader *reader)
{
    struct dsn_recipient group;

    while (dsn_next(reader, &group))
        if (dsn_recipient_action(&group) == DSN_FAILED && read_group(reading, &group) < 0)
            return -1;
    return 0;
}

/* The status parts of one mail, opened. */
struct status_parts {
    struct dsn_reader readers[MAIL_PARTS];
    GByteArray *owned[MAIL_PARTS];
    struct dsn_message message; /* of the first */
    size_t n;
};

static void open_status_parts(struct status_parts *parts, const struct mail *mail)
{
    struct dsn_message message;

    *parts = (struct status_parts){ .message = { SPAN_NONE, SPAN_NONE, SPAN_NONE } };
    for (size_t i = 0; i < mail->n; i++) {
        if (mail->parts[i].kind != PART_STATUS)
            continue;
        dsn_start(&parts->readers[parts->n], mail_part_bytes(mail, &mail->parts[i], &parts->owned[parts->n]),
                  &message);
        if (parts->n++ == 0)
            parts->message = message;
    }
}

static void close_status_parts(struct status_parts *parts)
{
    for (size_t i = 0; i < parts->n; i++)
        if (parts->owned[i] != NULL)
            g_byte_array_unref(parts->owned[i]);
}

static int read_failure(struct report *report, const struct mail *mail, struct status_parts *parts,
                        const struct bounce_context *context)
{
    struct reading reading = { .report = report, .context = context };
    int rc = 0;

    read_subject_mail(report, mail, &parts->message);
    reading.leads = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (size_t i = 0; i < parts->n && rc == 0; i++)
        rc = read_groups(&reading, &parts->readers[i]);
    g_hash_table_unref(reading.leads);
    if (report->n == 0) {
        report->kind = MAIL_NONE;
        report->rule = "failure without a readable recipient";
    }
    return rc;
}

int report_read(struct report *out, struct span bytes, const struct bounce_context *context, struct err *err)
{
    struct tally tally = { 0 };
    struct status_parts parts = { .n = 0 };
    struct mail mail;
    int rc = -1;

    *out = (struct report){ .kind = MAIL_NONE, .rule = "" };
    if (mail_open(&mail, bytes, err) < 0)
        goto out;
    open_status_parts(&parts, &mail);
    for (size_t i = 0; i < parts.n; i++) {
        struct dsn_reader reader = parts.readers[i]; /* a copy: the groups are read again */

        count_groups(&reader, &tally);
    }
    out->kind = kind_decide(&mail, &tally, &out->rule);
    out->at = arrival_time(&mail);
    if (out->kind == MAIL_FAILURE && read_failure(out, &mail, &parts, context) < 0) {
        err_set(err, "out of memory");
        goto out;
    }
    rc = 0;
out:
    close_status_parts(&parts);
    mail_close(&mail);
    return rc;
}

void report_free(struct report *report)
{
    free(report->findings);
    report->findings = NULL;
    report->n = 0;
}

static int64_t bounded(int64_t at, int64_t now)
{
    return at > now ? now : at;
}

void report_event(const struct report *report, size_t i, enum event_source source, int64_t now,
                  struct event *event)
{
    const struct finding *finding = &report->findings[i];

    *event = (struct event){
        .type = EVENT_BOUNCE,
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
