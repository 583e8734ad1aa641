/* SPDX-License-Identifier: BSD-2-Clause */
/* The header of the returned mail is our own writing, carried through other hands. What is read from it says
 * which mail failed: never, but as the last resort, for whom. */
#include "bounce/returned.h"

#include "bounce/mailbox.h"

#include <string.h>

#include <gmime/gmime.h>

#define VALUE_SIZE 2048

void returned_copy_mta(char *dst, size_t size, struct span value)
{
    if (value.n > 0 && memchr(value.p, ';', value.n) != NULL)
        span_cut(&value, ';');
    value = span_trim(value);
    if (value.n < size)
        field_unfold(dst, size, value);
}

static int64_t date_of(struct span value)
{
    char text[256];
    GDateTime *date;
    int64_t seconds;

    if (value.n == 0 || value.n >= sizeof(text))
        return 0;
    field_unfold(text, sizeof(text), value);
    if ((date = g_mime_utils_header_decode_date(text)) == NULL)
        return 0;
    seconds = g_date_time_to_unix(date);
    g_date_time_unref(date);
    return seconds > 0 ? seconds : 0;
}

/* RFC 5321 4.4: the date is what follows the last semicolon of a Received field. The topmost one was written
 * by the server that gave us the mail, so a replay finds the same time again. */
int64_t returned_arrival(const struct header *header)
{
    struct span received = header_find(header, SPAN("Received"));
    const char *semicolon = received.n == 0 ? NULL : memrchr(received.p, ';', received.n);
    int64_t at = 0;

    if (semicolon != NULL)
        at = date_of((struct span){ semicolon + 1, (size_t)(received.p + received.n - semicolon) - 1 });
    return at != 0 ? at : date_of(header_find(header, SPAN("Date")));
}

/* Steps over empty lines and the separator of an mbox. */
static struct span to_header(struct span bytes)
{
    struct span ahead = bytes, line;

    while (span_line(&ahead, &line)) {
        if (span_trim(line).n > 0 && !span_starts_nocase(line, SPAN("From ")) &&
            !span_starts_nocase(line, SPAN("---")))
            return bytes;
        bytes = ahead;
    }
    return SPAN_NONE;
}

void returned_open(struct header *header, const struct mail *mail, const struct notice *notice,
                   struct text *text)
{
    const struct mail_part *part = mail_find_part(mail, PART_RETURNED);
    struct span bytes = notice->returned;

    if (part != NULL)
        bytes = part->encoding == ENCODED_NOT ? part->content : text_append_part(text, part);
    bytes = to_header(bytes);
    header_read(header, &bytes);
}

/* Message-ID without its brackets and what may stand around them. */
static bool copy_message_id(char *dst, size_t size, struct span field)
{
    struct span rest = field;

    if (field.n == 0)
        return false;
    if (memchr(rest.p, '<', rest.n) != NULL)
        span_cut(&rest, '<');
    rest = span_trim(span_cut(&rest, '>'));
    return rest.n < size && field_unfold(dst, size, rest) > 0;
}

static void copy_field(char *dst, size_t size, struct span value)
{
    /* An unfolded value is never longer than the folded one: what is shorter than dst fits. */
    if (value.n > 0 && value.n < size)
        field_unfold(dst, size, value);
}

/* Fields by which senders tell their campaigns apart. */
static bool is_campaign(struct span name)
{
    return span_eq_nocase(name, SPAN("Feedback-ID")) || span_eq_nocase(name, SPAN("X-Feedback-ID")) ||
           (span_starts_nocase(name, SPAN("X-")) && span_find_nocase(name, SPAN("campaign")) != NULL);
}

static void copy_campaigns(struct report *report, const struct header *header)
{
    for (size_t i = 0; i < header->n && report->n_campaigns < REPORT_CAMPAIGNS; i++) {
        const struct field *field = &header->fields[i];
        struct report_campaign *campaign = &report->campaigns[report->n_campaigns];

        if (!is_campaign(field->name) || !span_copy(campaign->name, sizeof(campaign->name), field->name) ||
            field->value.n >= sizeof(campaign->value))
            continue;
        field_unfold(campaign->value, sizeof(campaign->value), field->value);
        report->n_campaigns++;
    }
}

/* A display name may look like an address itself: what stands in <> goes before. */
void returned_set_sender(struct report *report, struct span text)
{
    const char *bracket = text.n == 0 ? NULL : memrchr(text.p, '<', text.n);
    size_t from = bracket == NULL ? 0 : (size_t)(bracket - text.p), start = 0;
    struct span found;

    if (mailbox_find(text, &from, &found) || mailbox_find(text, &start, &found))
        copy_field(report->sender, sizeof(report->sender), found);
}

void returned_describe(struct report *report, const struct header *header, const struct dsn_message *message)
{
    report->sent = date_of(message->arrival_date);
    if (report->sent == 0)
        report->sent = date_of(header_find(header, SPAN("Date")));
    copy_field(report->queue_id, sizeof(report->queue_id), message->queue_id);
    copy_field(report->envelope_id, sizeof(report->envelope_id), message->envelope_id);
    copy_field(report->list_id, sizeof(report->list_id), header_find(header, SPAN("List-Id")));
    if (!copy_message_id(report->message, sizeof(report->message), header_find(header, SPAN("Message-ID"))))
        copy_field(report->message, sizeof(report->message), message->queue_id);
    returned_set_sender(report, header_find(header, SPAN("From")));
    returned_set_sender(report, header_find(header, SPAN("Return-Path")));
    copy_campaigns(report, header);
    returned_copy_mta(report->reporting_mta, sizeof(report->reporting_mta), message->reporting_mta);
}

/* "for <ann@example.com>;" of a Received field. */
static bool received_for(const struct header *header, struct address *out, const struct address_rules *rules)
{
    for (size_t i = 0; i < header->n; i++) {
        struct span value = header->fields[i].value, found;
        const char *hit;
        size_t from;

        if (!span_eq_nocase(header->fields[i].name, SPAN("Received")) ||
            (hit = span_find_nocase(value, SPAN("for <"))) == NULL)
            continue;
        from = (size_t)(hit - value.p);
        if (mailbox_find(value, &from, &found) && found.p - hit < 8 && mailbox_parse(out, found, rules))
            return true;
    }
    return false;
}

bool returned_recipient(const struct header *header, struct span local, struct address *out,
                        const struct address_rules *rules)
{
    struct span to = header_find(header, SPAN("To")), found, only = SPAN_NONE;
    size_t from = 0, n = 0;

    while (mailbox_find(to, &from, &found)) {
        struct span rest = found, name = span_cut(&rest, '@');

        if (local.n > 0 && span_eq_nocase(name, local))
            return mailbox_parse(out, found, rules);
        if (n > 0 && span_eq_nocase(found, only)) /* "ann@example.com" <ann@example.com> */
            continue;
        only = found;
        n++;
    }
    if (local.n > 0)
        return false;
    return (n == 1 && mailbox_parse(out, only, rules)) || received_for(header, out, rules);
}
