/* SPDX-License-Identifier: BSD-2-Clause */
/* From a mail to a report: take it apart (mail.c), read the text for people (text.c, notice.c), count what
 * the status parts say (dsn.c), decide what it is (kind.c), and only then, and only of a failure or a
 * complaint, read recipients and reasons.
 * (reading.c, recipients.c). Everything that a sender could make large is bounded: the bytes that are looked
 * at, the text, the parts, the recipients. */
#include "leadgate/bounce.h"

#include "bounce/arf.h"
#include "bounce/proof.h"
#include "bounce/reading.h"
#include "bounce/returned.h"

#include <stdlib.h>

#include <gmime/gmime.h>

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

/* A delay is no finding: who waits is kept apart, so that nobody strikes him. */
static void set_delays_apart(struct report *report)
{
    report->delayed = report->findings;
    report->n_delayed = report->n;
    report->findings = NULL;
    report->n = 0;
}

static enum mail_kind kind_of_json(const struct reading *reading, const char **rule)
{
    enum cause ignored;

    switch (reading->event) {
    case JSON_NONE: break;
    case JSON_BOUNCE: *rule = "json:bounce"; return MAIL_FAILURE;
    case JSON_COMPLAINT:
        return arf_type(json_string(reading->json, SPAN("complaintFeedbackType")), &ignored, rule)
                   ? MAIL_COMPLAINT
                   : MAIL_NONE;
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
        reading_recipients(reading);
        set_delays_apart(report);
        return;
    case MAIL_FAILURE:
        reading->wanted = DSN_FAILED;
        report->reporter =
            notice_reporter(&reading->notice, header_find(&reading->mail.header, SPAN("From")));
        reading_recipients(reading);
        break;
    case MAIL_COMPLAINT: reading_complaint(reading); break;
    }
    if (report->n == 0 && report->kind == MAIL_FAILURE && reading->context->recipient != NULL)
        reading_known_recipient(reading);
    if (report->n > 0)
        return;
    report->rule = report->kind == MAIL_FAILURE ? "failure without a readable recipient"
                                                : "complaint without a readable recipient";
    report->kind = MAIL_NONE;
}

static void read_all(struct reading *reading)
{
    struct report *report = reading->report;
    struct span subject;

    reading_open(reading);
    subject = header_find(&reading->mail.header, SPAN("Subject"));
    if (span_find_nocase(subject, SPAN("=?")) != NULL)
        subject = text_append_field(&reading->text, subject);
    reading->evidence.subject = subject;
    report->kind = kind_of_json(reading, &report->rule);
    if (reading->event == JSON_NONE)
        report->kind = kind_decide(&reading->evidence, &report->rule);
    report->at = returned_arrival(&reading->mail.header);
    proof_read_arrival(&report->proof, &reading->mail.header);
    if (report->kind == MAIL_NONE && reading->context->recipient != NULL &&
        !kind_is_answer(&reading->mail, subject) && reading_says_why(reading)) {
        report->kind = MAIL_FAILURE;
        report->rule = "token and reason";
    }
    if (report->kind == MAIL_NONE || report->kind == MAIL_VACATION)
        return;
    returned_open(&reading->returned, &reading->mail, &reading->notice, &reading->text);
    returned_describe(report, &reading->returned, &reading->message);
    proof_read_tokens(&report->proof, &reading->returned);
    read_by_kind(reading);
}

/* Of a mail that was cut off somewhere on its way the last line is not whole: half an address is somebody
 * else's. SMTP gives every line an end (RFC 5321 4.1.1.4). */
static struct span whole_lines(struct span bytes)
{
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
    if (bytes.n > REPORT_BYTES) {
        bytes.n = REPORT_BYTES;
        out->cut = "larger than is read of one mail";
    }
    if (mail_open(&reading->mail, whole_lines(bytes), err) < 0)
        goto out;
    reading->report = out;
    reading->context = context;
    reading->n_status = 0;
    reading->message = (struct dsn_message){ SPAN_NONE, SPAN_NONE, SPAN_NONE, SPAN_NONE };
    reading->evidence = (struct kind_evidence){ .mail = &reading->mail, .notice = &reading->notice };
    reading->returned.n = 0;
    reading->room = 0;
    reading->words = 0;
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
    proof_free(&report->proof);
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
        .token = span_of(finding->token),
        .proof = NULL,
        .evidence = span_of(finding->diag),
        .stream = SPAN_NONE,
        .provider = span_of(finding->provider),
        .rule = finding->rule,
    };
}
