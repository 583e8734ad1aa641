/* SPDX-License-Identifier: BSD-2-Clause */
/* Who failed is asked of the best witness that names anybody, and of no other: the groups of the report, the
 * header fields that list recipients, the notice, and, when nobody is named at all, the header of the mail
 * that came back. */
#include "bounce/arf.h"
#include "bounce/mailbox.h"
#include "bounce/reading.h"
#include "bounce/returned.h"
#include "leadgate/reason.h"

#include <stdlib.h>
#include <string.h>

#define WORDS_MOST  (128 * 1024) /* bytes of a mail's reasons that are looked at in full */
#define WORDS_SHORT 200          /* of each one beyond */
#define FIELD_SIZE  4096 /* a field's value on one line; of a longer diagnostic only the start is read */

static struct finding *find_finding(struct report *report, const struct address *lead)
{
    for (size_t i = 0; i < report->n; i++)
        if (report->findings[i].lead.n == lead->n &&
            memcmp(report->findings[i].lead.text, lead->text, lead->n) == 0)
            return &report->findings[i];
    return NULL;
}

/* Whether recipients are left out already: there is no use in looking for more. */
static bool is_full(const struct report *report)
{
    return report->n == REPORT_RECIPIENTS && report->cut != NULL;
}

/* Room for one more recipient; several words about one lead are one finding. NULL when it is known already,
 * there are too many, or memory is short. */
static struct finding *add_finding(struct reading *reading, const struct address *lead)
{
    struct report *report = reading->report;

    if (find_finding(report, lead) != NULL)
        return NULL;
    if (report->n == REPORT_RECIPIENTS) {
        report->cut = "more recipients than are read off one mail";
        return NULL;
    }
    if (report->n == reading->room) {
        size_t room = reading->room == 0 ? 1 : reading->room * 4;
        struct finding *grown = reallocarray(report->findings, room, sizeof(*grown));

        if (grown == NULL) {
            report->cut = "out of memory";
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

static struct span own_address(const struct reading *reading)
{
    struct span found;
    size_t from = 0;

    return mailbox_find(header_find(&reading->mail.header, SPAN("To")), &from, &found) ? found : SPAN_NONE;
}

static bool is_host_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
}

/* `dns; mx1.post.example`, `dns; mx1.post.example. (192.0.2.7, the server for ...)`,
 * mx1.post.example[192.0.2.7]. Empty for what is no host name. */
static struct span host_of_field(struct span field)
{
    size_t n = 0;

    if (field.n > 0 && memchr(field.p, ';', field.n) != NULL)
        span_cut(&field, ';');
    field = span_trim(field);
    while (n < field.n && is_host_character(field.p[n]))
        n++;
    if (n < field.n && strchr(" \t\r\n([", field.p[n]) == NULL)
        return SPAN_NONE;
    return (struct span){ field.p, n };
}

/* Who runs the host in a field. False, and dst is "", when that is not known, or is the house that the report
 * came to: it tells of our own relay then. A smarthost of another house cannot be told from the recipient's
 * server. */
static bool read_provider(const struct reading *reading, char dst[PROVIDER_SIZE], struct span field)
{
    struct span house = own_address(reading);
    char ours[PROVIDER_SIZE];

    span_cut(&house, '@');
    if (provider_of_host(dst, host_of_field(field)) &&
        !(provider_of_host(ours, house) && strcmp(ours, dst) == 0))
        return true;
    dst[0] = '\0';
    return false;
}

static struct span head_of(struct span text, size_t most)
{
    return (struct span){ text.p, text.n < most ? text.n : most };
}

/* Reasons stand at the front. Of a mail that gives very many of them, each very long, the later ones are
 * looked at no further than that: what a mail costs is bounded, whatever is in it. */
static void limit_words(struct reading *reading, struct rejection *rejection)
{
    size_t most = reading->words < WORDS_MOST ? FIELD_SIZE : WORDS_SHORT;

    rejection->diag = head_of(rejection->diag, most);
    rejection->human = head_of(rejection->human, most);
    reading->words += rejection->diag.n + rejection->human.n;
}

/* `X-Postfix; delivery temporarily suspended: host mx.example.com[192.0.2.7] said: 421 ...`: what a server
 * said is its word, not Postfix's, and is asked before the words around it. */
static void read_diagnostic(struct rejection *rejection, struct span value)
{
    struct span text = diagnostic_text(value, &rejection->local);
    struct reason reason = { .words = text };

    if (rejection->local)
        reason_read(&reason, text);
    rejection->diag = reason.words;
    if (reason.remote) {
        rejection->human = text;
        rejection->local = false;
    }
}

static void classify(struct reading *reading, struct finding *finding, struct rejection *rejection)
{
    limit_words(reading, rejection);
    rejection->reporter = span_of(reading->report->reporter);
    rejection->notice = reading->notice.text;
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

static bool is_alone(const struct tally *tally)
{
    return tally->failed + tally->delayed + tally->delivered == 1;
}

static void read_group(struct reading *reading, const struct dsn_recipient *group)
{
    struct address lead;
    char text[FIELD_SIZE];
    struct finding *finding;
    struct rejection rejection = { .status = group->status, .alone = is_alone(&reading->evidence.tally) };

    if (!find_lead(reading, &lead, group) || (finding = add_finding(reading, &lead)) == NULL)
        return;
    if (reading->wanted != DSN_FAILED)
        return;
    if (reading->notice.text.n > 0)
        rejection.human = notice_about(&reading->notice, address_span(&lead));
    rejection.diag = (struct span){ text, field_unfold(text, sizeof(text), group->diagnostic) };
    read_diagnostic(&rejection, rejection.diag);
    classify(reading, finding, &rejection);
    read_provider(reading, finding->provider, group->remote_mta);
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
        while (!is_full(reading->report) && dsn_next(&reader, &group))
            if (dsn_recipient_action(&group) == reading->wanted)
                read_group(reading, &group);
    }
}

/* A recipient that something else than a report's group names; about: what is said about it; alone: nobody
 * else is named. */
static void read_named(struct reading *reading, const struct address *lead, struct span about, bool alone)
{
    struct finding *finding = add_finding(reading, lead);
    struct dsn_recipient group = { .final = SPAN_NONE };
    struct dsn_message ignored;
    struct dsn_reader reader;
    struct rejection rejection = { .diag = notice_reply(about), .human = about, .alone = alone };
    char text[FIELD_SIZE];

    if (finding == NULL || reading->wanted != DSN_FAILED)
        return;
    /* A group that did not name it may still say why. */
    if (reading->n_status > 0) {
        dsn_start(&reader, reading->status[0], &ignored);
        if (dsn_next(&reader, &group) && group.diagnostic.n > 0) {
            rejection.status = group.status;
            rejection.diag = (struct span){ text, field_unfold(text, sizeof(text), group.diagnostic) };
            read_diagnostic(&rejection, rejection.diag);
        } else {
            rejection.status = group.status;
        }
    }
    classify(reading, finding, &rejection);
    read_provider(reading, finding->provider, group.remote_mta);
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
        size_t from = 0, second = 0;
        bool alone;

        line = span_find_nocase(rest, SPAN("=?")) == NULL ? rest : text_append_field(&reading->text, rest);
        alone = mailbox_find(line, &second, &rest) && !mailbox_find(line, &second, &rest);
        while (!is_full(reading->report) && mailbox_find(line, &from, &rest))
            if (mailbox_parse(&lead, rest, &reading->context->addresses))
                read_named(reading, &lead, notice_about(&reading->notice, rest), alone);
    }
}

static void read_recipients_of_notice(struct reading *reading)
{
    struct notice_recipient found[NOTICE_RECIPIENTS];
    enum notice_shape shape;
    size_t n = notice_recipients(&reading->notice, own_address(reading), found, &shape);

    if (n == NOTICE_RECIPIENTS)
        reading->report->cut = "more recipients than are read off one text";
    for (size_t i = 0; i < n; i++) {
        const struct address_rules *rules = &reading->context->addresses;
        struct address lead;

        if (shape == SHAPE_LOCAL_PART ? complete(reading, &lead, found[i].address)
                                      : (mailbox_parse(&lead, found[i].original, rules) ||
                                         mailbox_parse(&lead, found[i].address, rules)))
            read_named(reading, &lead, found[i].about, n == 1);
    }
}

static void read_json(struct reading *reading)
{
    struct span rest = reading->json;
    struct span subtype = json_string(reading->json, SPAN("bounceSubType"));
    struct json_recipient one;
    struct address lead;
    enum cause complaint;
    const char *ignored;

    (void)arf_type(json_string(reading->json, SPAN("complaintFeedbackType")), &complaint, &ignored);

    while (!is_full(reading->report) && json_next_recipient(&rest, reading->event, &one)) {
        struct finding *finding;
        struct rejection rejection = { .status = one.status, .human = subtype };

        if (!mailbox_parse(&lead, one.address, &reading->context->addresses) ||
            (finding = add_finding(reading, &lead)) == NULL)
            continue;
        if (reading->event == JSON_COMPLAINT)
            finding->cause = complaint;
        if (reading->event != JSON_BOUNCE)
            continue;
        read_diagnostic(&rejection, one.diagnostic);
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

void reading_recipients(struct reading *reading)
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
    if (report->n == 0 && !is_report_returned(reading) &&
        returned_recipient(&reading->returned, SPAN_NONE, &lead, &reading->context->addresses))
        read_named(reading, &lead, reading->notice.text, true);
}

void reading_known_recipient(struct reading *reading)
{
    read_named(reading, reading->context->recipient, reading->notice.text, true);
}

bool reading_says_why(struct reading *reading)
{
    struct rejection rejection = { .diag = notice_reply(reading->notice.text),
                                   .human = reading->notice.text };
    struct finding finding = { .cause = CAUSE_NONE };

    if (reading->notice.text.n == 0)
        return false;
    classify_rejection(reading->context, &rejection, &finding);
    return finding.cause != CAUSE_NONE && finding.cause != CAUSE_UNDETERMINED;
}

/* Hotmail's word for Original-Rcpt-To, in the header of the mail that it complains about. */
static struct span original_recipient(const struct reading *reading)
{
    return header_find(&reading->returned, SPAN("X-HmXmrOriginalRecipient"));
}

/* The side that reports: by its host, else by whom the report is from. */
static void read_reporting_provider(const struct reading *reading)
{
    struct report *report = reading->report;
    struct span found = SPAN_NONE;
    char provider[PROVIDER_SIZE] = "";
    size_t from = 0;

    if (!read_provider(reading, provider, arf_reporting_mta(&reading->mail)) &&
        mailbox_find(header_find(&reading->mail.header, SPAN("From")), &from, &found)) {
        span_cut(&found, '@');
        read_provider(reading, provider, found);
    }
    for (size_t i = 0; i < report->n; i++)
        memcpy(report->findings[i].provider, provider, sizeof(provider));
}

void reading_complaint(struct reading *reading)
{
    const struct address_rules *rules = &reading->context->addresses;
    enum cause cause = arf_cause(&reading->mail);
    struct span fields[16];
    size_t n = arf_recipients(&reading->mail, fields, sizeof(fields) / sizeof(fields[0]));
    struct address lead;
    struct finding *finding;

    returned_set_sender(reading->report, arf_sender(&reading->mail));
    if (reading->event == JSON_COMPLAINT) {
        returned_set_sender(reading->report, json_sender(reading->json));
        read_json(reading);
        return;
    }
    if (n == 0)
        fields[n++] = original_recipient(reading);
    for (size_t i = 0; i < n; i++)
        if (mailbox_of_field(&lead, fields[i], rules) && (finding = add_finding(reading, &lead)) != NULL)
            finding->cause = cause;
    if (reading->report->n == 0 && returned_recipient(&reading->returned, SPAN_NONE, &lead, rules) &&
        (finding = add_finding(reading, &lead)) != NULL)
        finding->cause = cause;
    read_reporting_provider(reading);
}
