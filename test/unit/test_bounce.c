/* SPDX-License-Identifier: BSD-2-Clause */
/* Whole mails, from test/data/bounce: what is found in them stands in expected.tsv, in the columns of
 * `leadgate classify --tsv`. */
#include "leadgate/bounce.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The shipped rules; made once, by main(). */
static struct bounce_context context = { .addresses = { .fold_local_part = true } };

struct text {
    char *p;
    size_t n;
};

static struct text read_data(const char *name)
{
    struct text text = { NULL, 0 };
    char path[4096];
    const char *dir = getenv("TEST_DATA");
    FILE *fp;
    long size;

    snprintf(path, sizeof(path), "%s/bounce/%s", dir == NULL ? "test/data" : dir, name);
    if ((fp = fopen(path, "rb")) == NULL)
        fail_msg("%s: cannot be read", path);
    fseek(fp, 0, SEEK_END);
    size = ftell(fp);
    rewind(fp);
    text.n = (size_t)size;
    text.p = malloc(text.n + 1);
    assert_non_null(text.p);
    assert_int_equal(fread(text.p, 1, text.n, fp), text.n);
    text.p[text.n] = '\0';
    fclose(fp);
    return text;
}

/* The same mail with other line ends. */
static struct text with_ends(struct text mail, struct span end)
{
    struct text out = { malloc(mail.n * end.n + 1), 0 };

    assert_non_null(out.p);
    for (size_t i = 0; i < mail.n; i++) {
        if (mail.p[i] == '\n') {
            memcpy(out.p + out.n, end.p, end.n);
            out.n += end.n;
        } else if (mail.p[i] != '\r') {
            out.p[out.n++] = mail.p[i];
        }
    }
    return out;
}

static struct report read_mail(struct span mail)
{
    struct report report;
    struct err err;

    if (report_read(&report, mail, &context, &err) < 0)
        fail_msg("%s", err.text);
    return report;
}

static struct report read_file(const char *name)
{
    struct text mail = read_data(name);
    struct report report = read_mail((struct span){ mail.p, mail.n });

    free(mail.p);
    return report;
}

/* Writes the rows of the mail as `leadgate classify --tsv` prints them. */
static void show(char *dst, size_t size, const char *name, const struct report *report)
{
    size_t n = 0;

    if (report->n + report->n_delayed == 0)
        snprintf(dst, size, "%s\t-\t\t%s\tnone\t%s\n", name, mail_kind_name(report->kind), report->rule);
    for (size_t i = 0; i < report->n && n < size; i++) {
        const struct finding *finding = &report->findings[i];

        n += (size_t)snprintf(dst + n, size - n, "%s\t%s\t%s\t%s\t%s\t%s\n", name, finding->lead.text,
                              finding->status, cause_name(finding->cause), hardness_name(finding->hardness),
                              finding->rule);
    }
    for (size_t i = 0; i < report->n_delayed && n < size; i++)
        n += (size_t)snprintf(dst + n, size - n, "%s\t%s\t\tdelayed\tsoft\t%s\n", name,
                              report->delayed[i].lead.text, report->rule);
}

/* The lines of expected that begin with name and a tab; they stand together. */
static struct span rows_of(struct span expected, const char *name)
{
    struct span found = { expected.p, 0 };

    while (expected.n > 0) {
        const char *start = expected.p;
        struct span line = span_cut(&expected, '\n');

        if (!span_eq(span_cut(&line, '\t'), span_of(name)))
            continue;
        if (found.n == 0)
            found.p = start;
        found.n = (size_t)(expected.p - found.p);
    }
    return found;
}

/* A row of expected.tsv may leave out the rule, where only the result matters. */
static bool rows_agree(struct span want, struct span got)
{
    struct span a, b;

    while (want.n > 0 && got.n > 0) {
        a = span_cut(&want, '\n');
        b = span_cut(&got, '\n');
        if (a.n > b.n || !span_eq(a, (struct span){ b.p, a.n }) || (a.n < b.n && b.p[a.n] != '\t'))
            return false;
    }
    return want.n == 0 && got.n == 0;
}

static void check_mail(const char *name, struct text mail, struct span want)
{
    struct report report = read_mail((struct span){ mail.p, mail.n });
    char got[8192];

    show(got, sizeof(got), name, &report);
    if (!rows_agree(want, span_of(got)))
        fail_msg("want:\n%.*sgot:\n%s", SPAN_FMT(want), got);
    assert_true((report.kind == MAIL_FAILURE || report.kind == MAIL_COMPLAINT) || report.n == 0);
    assert_true(report.kind != MAIL_FAILURE || report.n > 0);
    report_free(&report);
}

/* Calls fn with each mail of the folder; returns how many there are. */
static size_t each_mail(void (*fn)(const char *name, struct text mail, struct span expected))
{
    struct text expected = read_data("expected.tsv");
    const char *data = getenv("TEST_DATA");
    char path[4096];
    struct dirent *entry;
    DIR *dir;
    size_t n = 0;

    snprintf(path, sizeof(path), "%s/bounce", data == NULL ? "test/data" : data);
    dir = opendir(path);
    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL) {
        if (strstr(entry->d_name, ".eml") == NULL)
            continue;
        struct text mail = read_data(entry->d_name);
        fn(entry->d_name, mail, (struct span){ expected.p, expected.n });
        free(mail.p);
        n++;
    }
    closedir(dir);
    free(expected.p);
    return n;
}

static void check_line_ends(const char *name, struct text mail, struct span expected)
{
    struct span want = rows_of(expected, name);
    struct text crlf = with_ends(mail, SPAN("\r\n")), cr = with_ends(mail, SPAN("\r"));

    if (want.n == 0)
        fail_msg("%s: no row in expected.tsv", name);
    check_mail(name, mail, want);
    check_mail(name, crlf, want);
    check_mail(name, cr, want);
    free(crlf.p);
    free(cr.p);
}

static void test_mails(void **state)
{
    (void)state;
    assert_true(each_mail(check_line_ends) >= 150);
}

static bool has_lead(const struct report *report, const struct address *lead)
{
    for (size_t i = 0; i < report->n; i++)
        if (strcmp(report->findings[i].lead.text, lead->text) == 0)
            return true;
    return false;
}

/* However little of a mail is there, nobody fails that does not fail in the whole mail. Not so where what
 * comes later says more: a local part's domain, or which of our addresses was expanded to the one that
 * failed. */
static void check_cuts(const char *name, struct text mail, struct span expected)
{
    struct report whole = read_mail((struct span){ mail.p, mail.n });

    (void)expected;
    for (size_t cut = strstr(name, "local-part") || strstr(name, "expanded") ? mail.n : 0; cut < mail.n;
         cut += 7) {
        char *copy = malloc(cut + 1);
        struct report report;
        struct err err;

        assert_non_null(copy);
        memcpy(copy, mail.p, cut);
        if (report_read(&report, (struct span){ copy, cut }, &context, &err) == 0)
            for (size_t i = 0; i < report.n; i++)
                if (!has_lead(&whole, &report.findings[i].lead))
                    fail_msg("%s cut at %zu: %s", name, cut, report.findings[i].lead.text);
        report_free(&report);
        free(copy);
    }
    report_free(&whole);
}

static void test_cuts(void **state)
{
    (void)state;
    each_mail(check_cuts);
}

static void test_what_a_report_is_about(void **state)
{
    static const char *const returned[] = { "postfix-headers-only.eml", "postfix-smtputf8.eml",
                                            "rfc6533-escapes.eml" };
    struct report report = read_file("postfix-user-unknown.eml");

    (void)state;
    assert_int_equal(report.at, 1793687405);   /* Tue, 3 Nov 2026 07:30:05 +0100 */
    assert_int_equal(report.sent, 1793687400); /* Arrival-Date */
    assert_string_equal(report.message, "letter-11@crm.shop.example");
    assert_string_equal(report.reporting_mta, "mx.shop.example");
    assert_string_equal(report.remote_mta, "mx1.post.example");
    assert_int_equal(report.findings[0].reply, 550);
    assert_string_equal(report.findings[0].diag,
                        "550 5.1.1 <ida.holm@post.example>: Recipient address rejected: "
                        "User unknown in local recipient table");
    report_free(&report);

    /* Only the header came back; or a mail with UTF-8 in its header, or only that. */
    for (size_t i = 0; i < sizeof(returned) / sizeof(returned[0]); i++) {
        report = read_file(returned[i]);
        assert_string_equal(report.message, "letter-11@crm.shop.example");
        report_free(&report);
    }

    /* An 8-bit reply stays what it is; bytes that are not UTF-8 would have become '?'. */
    report = read_file("postfix-8bit-reply.eml");
    assert_non_null(strstr(report.findings[0].diag, "用户不存在 (não"));
    report_free(&report);

    /* Nothing came back: the queue id stands in. */
    report = read_file("truncated-in-group.eml");
    assert_string_equal(report.message, "4A1B22C3D4");
    report_free(&report);
}

/* Who sent the mail that came back, and to which list: by its own header, and what a complaint says of it. */
static void test_who_sent_it(void **state)
{
    static const char returned[] = "\n--b\nContent-Type: message/rfc822\n\n%s"
                                   "To: ann@post.example\nSubject: x\n\nhello\n\n--b--\n";
    static const struct {
        const char *feedback, *header, *sender, *list_id;
    } rows[] = {
        { "", "From: Shop <news@shop.example>\n", "news@shop.example", "" },
        { "", "From: \"info@other.example\" <news@shop.example>\n", "news@shop.example", "" },
        { "", "From: news@shop.example (Shop)\nList-Id: Our\n news <n.shop.example>\n", "news@shop.example",
          "Our news <n.shop.example>" },
        { "", "Return-Path: <b+c4@shop.example>\nFrom: news@shop.example\n", "b+c4@shop.example", "" },
        { "", "Return-Path: <>\nFrom: news@shop.example\n", "news@shop.example", "" },
        { "Original-Mail-From: <b@shop.example>\n", "From: news@shop.example\n", "b@shop.example", "" },
        { "Original-Mail-From: <b@shop.example>\n", "", "b@shop.example", "" },
        { "Original-Mail-From: redacted@fbl.example\n", "From: news@shop.example\n", "news@shop.example",
          "" },
        { "", "", "", "" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char mail[2000];
        struct report report;
        int n = snprintf(mail, sizeof(mail),
                         "From: fbl@provider.example\nMIME-Version: 1.0\n"
                         "Content-Type: multipart/report; report-type=feedback-report; boundary=b\n\n"
                         "--b\nContent-Type: text/plain\n\nA complaint.\n\n"
                         "--b\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\n%s",
                         rows[i].feedback);

        snprintf(mail + n, sizeof(mail) - (size_t)n, returned, rows[i].header);
        report = read_mail(span_of(mail));
        assert_int_equal(report.kind, MAIL_COMPLAINT);
        assert_int_equal(report.n, 1);
        assert_string_equal(report.findings[0].lead.text, "ann@post.example");
        assert_string_equal(report.sender, rows[i].sender);
        assert_string_equal(report.list_id, rows[i].list_id);
        report_free(&report);
    }
}

static void test_sender_in_json(void **state)
{
    static const char mail[] =
        "From: no-reply@sns.example\nContent-Type: text/plain\n\n"
        "{\"notificationType\":\"Complaint\",\"complaint\":{\"complainedRecipients\":"
        "[{\"emailAddress\":\"bob@post.example\"}]},\"mail\":{\"source\":\"news@shop.example\"}}\n";
    struct report report = read_mail(span_of(mail));

    (void)state;
    assert_int_equal(report.n, 1);
    assert_string_equal(report.sender, "news@shop.example");
    report_free(&report);
}

static void test_absent_fields(void **state)
{
    static const char mail[] = "Content-Type: message/delivery-status\n\n"
                               "Final-Recipient: rfc822; ann@example.com\nAction: failed\n";
    struct report report = read_mail(span_of(mail));

    (void)state;
    assert_int_equal(report.kind, MAIL_FAILURE);
    assert_int_equal(report.n, 1);
    assert_string_equal(report.findings[0].lead.text, "ann@example.com");
    assert_int_equal(report.findings[0].cause, CAUSE_UNDETERMINED);
    assert_int_equal(report.at, 0);
    assert_int_equal(report.sent, 0);
    assert_string_equal(report.message, "");
    assert_string_equal(report.reporting_mta, "");
    assert_string_equal(report.remote_mta, "");
    report_free(&report);
    report_free(&report);
}

/* The date is that of the topmost Received field; Date stands in. */
static void test_arrival(void **state)
{
    static const struct {
        const char *header;
        int64_t at;
    } rows[] = {
        { "Received: by a; Tue, 3 Nov 2026 07:30:05 +0100\nReceived: by b; Mon, 2 Nov 2026 07:30:05 +0100\n"
          "Date: Sun, 1 Nov 2026 07:30:05 +0100\n",
          1793687405 },
        { "Received: by a (held; Mon, 2 Nov 2026 07:30:05 +0100)\n\tid 1; Tue, 3 Nov 2026 06:30:05 +0000 "
          "(UTC)\n",
          1793687405 },
        { "Received: by a\nDate: Tue, 3 Nov 2026 07:30:05 +0100\n", 1793687405 },
        { "Received: by a; some day\nDate: Tue, 3 Nov 2026 07:30:05 +0100\n", 1793687405 },
        { "Date: never\n", 0 },
        { "Date: Wed, 31 Dec 1969 23:00:00 +0000\n", 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char mail[512];
        struct report report;

        snprintf(mail, sizeof(mail), "%sSubject: x\n\nx\n", rows[i].header);
        report = read_mail(span_of(mail));
        assert_int_equal(report.at, rows[i].at);
        report_free(&report);
    }
}

/* A mail made of a head, a piece n times over, and nothing else. */
static struct report read_repeated(const char *head, const char *piece, size_t n)
{
    size_t head_n = strlen(head), piece_n = strlen(piece);
    char *mail = malloc(head_n + piece_n * n);
    struct report report;

    assert_non_null(mail);
    memcpy(mail, head, head_n);
    for (size_t i = 0; i < n; i++)
        memcpy(mail + head_n + i * piece_n, piece, piece_n);
    report = read_mail((struct span){ mail, head_n + piece_n * n });
    free(mail);
    return report;
}

#define NOTICE_HEAD                                                                                          \
    "From: MAILER-DAEMON@out.example\nTo: bounce@shop.example\n"                                             \
    "Subject: Undelivered Mail Returned to Sender\n"

/* What is made up to be large ends in a verdict, and finds no more than there is. */
static void test_hostile(void **state)
{
    static const struct {
        const char *head, *piece;
        size_t n, found;
    } rows[] = {
        { NOTICE_HEAD "Content-Type: multipart/mixed; boundary=b\n\n",
          "--b\nContent-Type: multipart/mixed; boundary=b\n\n", 10000, 0 },
        { NOTICE_HEAD "Content-Type: multipart/mixed; boundary=b\n\n", "--b\nContent-Type: image/x\n\nx\n",
          100000, 0 },
        { NOTICE_HEAD "X-Long: ", "aaaaaaaaaaaaaaaa", 65536, 0 },
        { NOTICE_HEAD "\n<ida@post.example>: user unknown\n", "\0ann@post.example\0", 10000, 1 },
        { NOTICE_HEAD "Content-Type: text/html\n\n", "<<style>&#x", 100000, 0 },
        { NOTICE_HEAD "Content-Type: text/plain; charset=iso-2022-jp\n\n", "\x1b$B\xff", 100000, 0 },
        { NOTICE_HEAD "\n", "@a@\"@", 100000, 0 },
        /* The same recipient over and over is one. */
        { NOTICE_HEAD "Content-Type: message/delivery-status\n\n",
          "Final-Recipient: rfc822; ida@post.example\nAction: failed\n\n", 20000, 1 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct report report = read_repeated(rows[i].head, rows[i].piece, rows[i].n);

        assert_int_equal(report.n, rows[i].found);
        report_free(&report);
    }
}

/* More recipients than anybody reports on: the first of them, and a word that there were more. */
static void test_too_many_recipients(void **state)
{
    static const char head[] = NOTICE_HEAD "Content-Type: message/delivery-status\n\n";
    size_t size = sizeof(head) + 64 * (REPORT_RECIPIENTS + 1), n = sizeof(head) - 1;
    char *mail = malloc(size);
    struct report report;

    (void)state;
    assert_non_null(mail);
    memcpy(mail, head, sizeof(head));
    for (int i = 0; i <= REPORT_RECIPIENTS; i++)
        n += (size_t)snprintf(mail + n, size - n,
                              "Final-Recipient: rfc822; u%d@post.example\nAction: failed\n\n", i);
    report = read_mail((struct span){ mail, n });
    free(mail);
    assert_int_equal(report.n, REPORT_RECIPIENTS);
    assert_string_equal(report.cut, "more recipients than are read off one mail");
    assert_string_equal(report.findings[0].lead.text, "u0@post.example");
    report_free(&report);
}

/* Of a mail longer than is read the beginning counts, and that there was more is told. */
static void test_too_large(void **state)
{
    struct report report = read_repeated(NOTICE_HEAD "\n<ida@post.example>: user unknown\n\n",
                                         "xxxxxxxxxxxxxxx\n", REPORT_BYTES / 16);

    (void)state;
    assert_int_equal(report.n, 1);
    assert_string_equal(report.cut, "larger than is read of one mail");
    report_free(&report);
    report = read_file("postfix-user-unknown.eml");
    assert_null(report.cut);
    report_free(&report);
}

/* What later parts ask about the mail that came back. */
static void test_returned_mail(void **state)
{
    static const char mail[] = NOTICE_HEAD
        "Content-Type: multipart/report; boundary=b\n\n--b\nContent-Type: message/delivery-status\n\n"
        "Reporting-MTA: dns; out.example\nOriginal-Envelope-Id: env-7\nX-Postfix-Queue-ID: 4A1B22C3D4\n\n"
        "Final-Recipient: rfc822; ida@post.example\nAction: failed\nStatus: 5.1.1\n"
        "Remote-MTA: dns; mx.post.example\n\n--b\nContent-Type: text/rfc822-headers\n\n"
        "Date: Tue, 3 Nov 2026 07:30:00 +0100\nMessage-ID: <letter-11@crm.shop.example>\n"
        "List-Id: Autumn letters\n <autumn.shop.example>\nFeedback-ID: 11:autumn:shop\n"
        "X-Mail-Campaign: autumn-2\n\n--b--\n";
    struct report report = read_mail(span_of(mail));

    (void)state;
    assert_string_equal(report.message, "letter-11@crm.shop.example");
    assert_string_equal(report.queue_id, "4A1B22C3D4");
    assert_string_equal(report.envelope_id, "env-7");
    assert_string_equal(report.list_id, "Autumn letters <autumn.shop.example>");
    assert_int_equal(report.n_campaigns, 2);
    assert_string_equal(report.campaigns[0].name, "Feedback-ID");
    assert_string_equal(report.campaigns[0].value, "11:autumn:shop");
    assert_string_equal(report.campaigns[1].name, "X-Mail-Campaign");
    assert_string_equal(report.campaigns[1].value, "autumn-2");
    assert_string_equal(report.reporting_mta, "out.example");
    assert_string_equal(report.remote_mta, "mx.post.example");
    assert_int_equal(report.sent, 1793687400);
    report_free(&report);
}

/* Rules may ask whose notice it is. */
static void test_reporter(void **state)
{
    static const struct {
        const char *file, *reporter;
    } rows[] = { { "exim-user-unknown.eml", "exim" },    { "qmail-remote.eml", "qmail" },
                 { "postfix-no-report.eml", "postfix" }, { "sendmail8-text.eml", "sendmail" },
                 { "exchange55.eml", "exchange" },       { "imail-unknown.eml", "" } };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct report report = read_file(rows[i].file);

        assert_string_equal(report.reporter, rows[i].reporter);
        report_free(&report);
    }
}

/* Who complains, who leaves, and who takes it back, each become their own event. */
static void test_complaint_events(void **state)
{
    static const struct {
        const char *file;
        enum event_type type;
    } rows[] = { { "arf-rcpt-to.eml", EVENT_COMPLAINT },
                 { "arf-opt-out.eml", EVENT_UNSUBSCRIBE },
                 { "arf-not-spam.eml", EVENT_RESUBSCRIBE } };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct report report = read_file(rows[i].file);
        struct event event;

        assert_int_equal(report.n, 1);
        report_event(&report, 0, SOURCE_MAILBOX, 2000000000, &event);
        assert_int_equal(event.type, rows[i].type);
        report_free(&report);
    }
}

/* Anybody could have written it in anybody's name. */
static void test_a_plain_unsubscribe_convicts_nobody(void **state)
{
    struct report report = read_file("mailto-unsubscribe.eml");

    (void)state;
    assert_int_equal(report.n, 0);
    report_free(&report);
}

static void test_no_mail(void **state)
{
    static const char *const texts[] = { "", "\n", "hello\nworld\n", "From ann Tue Nov  3 07:30:05 2026\n" };
    struct report report;
    struct err err;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        err.text[0] = '\0';
        assert_int_equal(report_read(&report, span_of(texts[i]), &context, &err), -1);
        assert_string_not_equal(err.text, "");
        report_free(&report);
    }
}

static void test_event(void **state)
{
    struct report report = read_file("postfix-user-unknown.eml");
    struct event event;

    (void)state;
    report_event(&report, 0, SOURCE_MAILBOX, report.at + 60, &event);
    assert_int_equal(event.type, EVENT_BOUNCE);
    assert_int_equal(event.source, SOURCE_MAILBOX);
    assert_int_equal(event.cause, CAUSE_USER_UNKNOWN);
    assert_string_equal(event.lead.text, "ida.holm@post.example");
    assert_int_equal(event.at, report.at);
    assert_int_equal(event.sent, report.sent);
    assert_true(span_eq(event.status, SPAN("5.1.1")));
    assert_true(span_eq(event.message, SPAN("letter-11@crm.shop.example")));
    assert_true(span_eq(event.evidence, span_of(report.findings[0].diag)));

    /* Times of the future, by our clock, are now; a mail without any came now. */
    report_event(&report, 0, SOURCE_MILTER, report.sent - 1000, &event);
    assert_int_equal(event.at, report.sent - 1000);
    assert_int_equal(event.sent, report.sent - 1000);
    report.at = report.sent = 0;
    report_event(&report, 0, SOURCE_MILTER, 5000, &event);
    assert_int_equal(event.at, 5000);
    assert_int_equal(event.sent, 0);
    report_free(&report);
}

/* Each recipient's own Remote-MTA, in whatever words; what names no host of others is nobody. */
static void test_provider_of_a_bounce(void **state)
{
    static const struct {
        const char *field, *provider;
    } rows[] = {
        { "Remote-MTA: dns; a-com.olc.protection.Outlook.com\n", "outlook.com" },
        { "Remote-MTA: dns; mx1.post.example\n", "post.example" },
        { "Remote-MTA: dns;\n mx.customer.co.uk. (203.0.113.9, the server for customer.co.uk.)\n",
          "customer.co.uk" },
        { "Remote-MTA: smtp;mx.city.example[192.0.2.5]\n", "city.example" },
        { "Remote-MTA: mx2.city.example\n", "city.example" },
        { "Remote-MTA: dns; relay.Shop.example\n", "" }, /* the house that the report came to */
        { "Remote-MTA: dns; [192.0.2.5]\n", "" },
        { "Remote-MTA: dns; 192.0.2.5\n", "" },
        { "Remote-MTA: dns; localhost\n", "" },
        { "Remote-MTA: dns; co.uk\n", "" },
        { "Remote-MTA: ;\n", "" },
        { "Remote-MTA: dns; {x}:hold.example\n", "" },
        { "Remote-MTA: dns; a.b\x1b[31m.example\n", "" },
        { "", "" },
    };
    char text[4096];
    struct report report;
    struct event event;
    size_t n = 0;

    (void)state;
    n += (size_t)snprintf(text, sizeof(text),
                          "From: MAILER-DAEMON@out.example\nTo: bounce@bounces.shop.example\n"
                          "Content-Type: message/delivery-status\n\nReporting-MTA: dns; out.example\n");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n,
                              "\nFinal-Recipient: rfc822; lead%zu@example.com\nAction: failed\n%s", i,
                              rows[i].field);
    report = read_mail((struct span){ text, n });
    assert_int_equal(report.n, sizeof(rows) / sizeof(rows[0]));
    for (size_t i = 0; i < report.n; i++) {
        assert_string_equal(report.findings[i].provider, rows[i].provider);
        report_event(&report, i, SOURCE_MAILBOX, 2000000000, &event);
        assert_true(span_eq(event.provider, span_of(rows[i].provider)));
    }
    report_free(&report);
}

/* A complaint has the side that reports it: by its host, else by its sender; one that was passed on by hand
 * within the house has none. */
static void test_provider_of_a_complaint(void **state)
{
    static const struct {
        const char *from, *host, *provider;
    } rows[] = {
        { "fbl@fbl.mail.example", "Reporting-MTA: dns; mx7.post.example\n", "post.example" },
        { "Feedback <fbl@fbl.Mail.example>", "", "mail.example" },
        { "fbl@fbl.mail.example", "Reporting-MTA: dns; [192.0.2.1]\n", "mail.example" },
        { "staff@shop.example", "", "" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[1024];
        int n = snprintf(text, sizeof(text),
                         "From: %s\nTo: abuse@shop.example\nMIME-Version: 1.0\n"
                         "Content-Type: multipart/report; report-type=feedback-report; boundary=b\n\n"
                         "--b\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\n%s"
                         "Original-Rcpt-To: ann@example.com\nOriginal-Rcpt-To: bob@example.com\n\n--b--\n",
                         rows[i].from, rows[i].host);
        struct report report = read_mail((struct span){ text, (size_t)n });
        struct event event;

        assert_int_equal(report.n, 2);
        for (size_t k = 0; k < report.n; k++) {
            report_event(&report, k, SOURCE_MAILBOX, 2000000000, &event);
            assert_int_equal(event.type, EVENT_COMPLAINT);
            assert_true(span_eq(event.provider, span_of(rows[i].provider)));
        }
        report_free(&report);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mails),
        cmocka_unit_test(test_cuts),
        cmocka_unit_test(test_what_a_report_is_about),
        cmocka_unit_test(test_who_sent_it),
        cmocka_unit_test(test_sender_in_json),
        cmocka_unit_test(test_absent_fields),
        cmocka_unit_test(test_arrival),
        cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_too_many_recipients),
        cmocka_unit_test(test_too_large),
        cmocka_unit_test(test_returned_mail),
        cmocka_unit_test(test_reporter),
        cmocka_unit_test(test_complaint_events),
        cmocka_unit_test(test_a_plain_unsubscribe_convicts_nobody),
        cmocka_unit_test(test_no_mail),
        cmocka_unit_test(test_event),
        cmocka_unit_test(test_provider_of_a_bounce),
        cmocka_unit_test(test_provider_of_a_complaint),
    };

    struct classifier *classifier;
    struct err err;
    int failed;

    bounce_init();
    context.classifier = classifier = classifier_new(NULL, 0, &err);
    failed = classifier == NULL ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
    classifier_free(classifier);
    return failed;
}
