/* SPDX-License-Identifier: BSD-2-Clause */
/* The milter's view of a mail, without libmilter and without Redis: conversations are told as data, the store
 * is a list of suppressed addresses that can be taken away. */
#include "milter/message.h"

#include "captured_log.h"
#include "leadgate/bounce.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define NOW 1800000000

/* --- the store --- */

struct fake_store {
    enum store_rc rc;
    const char *suppressed[4], *refused; /* for their health, by their own will */
    size_t away_after;                   /* calls that it answers; 0 = all */
    size_t finds, found, applies;        /* calls, recipients asked about, calls */
    size_t n;
    struct {
        char lead[ADDRESS_SIZE];
        enum cause cause;
        enum event_source source;
        int64_t at;
    } events[4];
};

static enum store_rc fake_find(void *ctx, const struct address *leads, size_t n, int64_t now,
                               struct suppression *found, struct err *err)
{
    struct fake_store *fake = ctx;

    assert_int_equal(now, NOW);
    fake->finds++;
    fake->found += n;
    err_set(err, "connection refused");
    for (size_t i = 0; i < n; i++) {
        found[i] = (struct suppression){ .allowed = false };
        if (fake->refused != NULL && strcmp(leads[i].text, fake->refused) == 0)
            found[i] = (struct suppression){ .n_refusals = 1,
                                             .refusals = { { .stream = "*", .cause = CAUSE_COMPLAINT } } };
        for (size_t j = 0; j < 4 && fake->suppressed[j] != NULL; j++)
            if (strcmp(leads[i].text, fake->suppressed[j]) == 0)
                found[i].optout = (struct optout){ .present = true,
                                                   .kind = OPTOUT_TEMPORARY,
                                                   .cause = CAUSE_MAILBOX_FULL,
                                                   .until = NOW + 86400 };
    }
    return fake->away_after > 0 && fake->finds > fake->away_after ? STORE_DOWN : fake->rc;
}

static enum store_rc fake_apply(void *ctx, const struct event *events, size_t n, int64_t now,
                                struct outcome *outcomes, struct err *err)
{
    struct fake_store *fake = ctx;

    assert_int_equal(now, NOW);
    fake->applies++;
    err_set(err, "connection refused");
    for (size_t i = 0; fake->rc == STORE_OK && i < n; i++) {
        assert_true(fake->n < 4);
        memcpy(fake->events[fake->n].lead, events[i].lead.text, ADDRESS_SIZE);
        fake->events[fake->n].cause = events[i].cause;
        fake->events[fake->n].source = events[i].source;
        fake->events[fake->n].at = events[i].at;
        fake->n++;
        outcomes[i] = (struct outcome){ .effect = EFFECT_STRIKE, .strikes = 1 };
    }
    return fake->rc;
}

/* --- the house: settings, rules, and what is logged --- */

struct house {
    struct settings *settings;
    struct fake_store store;
    struct message_rules rules;
    struct message *message;
    struct captured_log log;
};

static int house_open(void **state)
{
    struct house *house = calloc(1, sizeof(*house));
    struct address_rules rules;
    struct err err;

    house->settings = settings_new();
    house->settings->milter.after_bounce = AFTER_BOUNCE_DISCARD;
    house->settings->milter.filter_daemons.item = calloc(1, sizeof(char *));
    house->settings->milter.filter_daemons.item[0] = strdup("silent");
    house->settings->milter.filter_daemons.n = 1;
    rules = settings_address_rules(house->settings);
    /* As signing_make() leaves room for one more than there are. */
    if (address_parse(&house->settings->bounce_addresses.item[0], ADDRESS_MAILBOX,
                      SPAN("bounces@news.example"), &rules, &err) < 0)
        return -1;
    house->settings->bounce_addresses.n = 1;
    house->store.rc = STORE_OK;
    house->rules =
        (struct message_rules){ .settings = house->settings,
                                .store = { .find = fake_find, .apply = fake_apply, .ctx = &house->store } };
    house->message = message_new();
    captured_log_begin(&house->log);
    *state = house;
    return 0;
}

static int house_close(void **state)
{
    struct house *house = *state;

    captured_log_end(&house->log);
    message_free(house->message);
    settings_free(house->settings);
    free(house);
    return 0;
}

static const char *logged(struct house *house)
{
    return captured_log_text(&house->log);
}

static size_t count(const char *text, const char *word)
{
    size_t n = 0;

    while ((text = strstr(text, word)) != NULL) {
        text += strlen(word);
        n++;
    }
    return n;
}

/* --- mails --- */

struct mail {
    bool local;
    const char *daemon, *sender, *recipients[4];
    const char *header; /* of two fields; NULL = an ordinary one */
    const char *body;
    const char *client, *login, *port;
    size_t cut; /* the body comes in chunks of that many bytes; 0 = in one */
};

enum stage { AT_MAIL = 1, AT_DATA, AT_BODY, AT_END };

#define REPORT_TYPE "multipart/report; report-type=delivery-status;\n\tboundary=\"b\""
#define RECIPIENT(address, status)                                                                           \
    "\r\nFinal-Recipient: rfc822; " address "\r\nAction: failed\r\nStatus: " status                          \
    "\r\nDiagnostic-Code: smtp; 550 " status " refused\r\n"
#define REPORT(recipients)                                                                                   \
    "--b\r\nContent-Type: text/plain\r\n\r\nSorry.\r\n\r\n"                                                  \
    "--b\r\nContent-Type: message/delivery-status\r\n\r\n"                                                   \
    "Reporting-MTA: dns; mx.example.net\r\nArrival-Date: Fri, 15 Jan 2027 07:00:00 +0000\r\n" recipients     \
    "\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: <one@news.example>\r\nSubject: "             \
    "x\r\n\r\nhello\r\n"                                                                                     \
    "--b--\r\n"
#define TWO_DEAD REPORT(RECIPIENT("ann@example.com", "5.1.1") RECIPIENT("Bob@Example.COM", "5.2.2"))

static const struct mail dsn = { .daemon = "mx",
                                 .sender = "<>",
                                 .recipients = { "<bounces@news.example>" },
                                 .header = REPORT_TYPE,
                                 .body = TWO_DEAD };

static enum verdict say_content(struct house *house, const struct mail *mail, enum stage *stage)
{
    struct message *message = house->message;
    struct span rest = span_of(mail->body == NULL ? "hello\r\n" : mail->body);
    enum verdict verdict = VERDICT_CONTINUE;

    assert_int_equal(
        message_header(message, SPAN("Received"), SPAN("from a\n\tby b; Fri, 15 Jan 2027 07:30:00 +0000")),
        VERDICT_CONTINUE);
    assert_int_equal(message_header(message, SPAN("Content-Type"),
                                    span_of(mail->header == NULL ? "text/plain" : mail->header)),
                     VERDICT_CONTINUE);
    assert_int_equal(message_eoh(message), VERDICT_CONTINUE);
    *stage = AT_BODY;
    while (rest.n > 0 && verdict == VERDICT_CONTINUE) {
        struct span chunk = { rest.p, mail->cut == 0 || mail->cut > rest.n ? rest.n : mail->cut };

        verdict = message_body(message, chunk);
        rest = (struct span){ rest.p + chunk.n, rest.n - chunk.n };
    }
    *stage = AT_END;
    return message_end(message, SPAN("4XkZ2d"), NOW);
}

/* One mail as Postfix tells it, until the verdict; *stage is where that fell. Does not reset the message. */
static enum verdict say(struct house *house, const struct mail *mail, enum stage *stage)
{
    struct message_origin origin = { .local = mail->local,
                                     .daemon = span_of(mail->daemon),
                                     .client_address = span_of(mail->client),
                                     .sasl_username = span_of(mail->login),
                                     .server_port = span_of(mail->port) };
    enum verdict verdict;

    *stage = AT_MAIL;
    verdict = message_mail(house->message, &house->rules, &origin, span_of(mail->sender));
    for (size_t i = 0; verdict == VERDICT_CONTINUE && i < 4 && mail->recipients[i] != NULL; i++)
        assert_int_equal(message_recipient(house->message, span_of(mail->recipients[i])), VERDICT_CONTINUE);
    if (verdict != VERDICT_CONTINUE)
        return verdict;
    *stage = AT_DATA;
    verdict = message_data(house->message, SPAN("4XkZ2d"), NOW);
    return verdict == VERDICT_CONTINUE ? say_content(house, mail, stage) : verdict;
}

static void expect_removals(const struct house *house, const char *const *expected)
{
    const char *got;
    size_t at = 0;

    while ((got = message_next_removal(house->message, &at)) != NULL) {
        assert_non_null(*expected);
        assert_string_equal(got, *expected++);
    }
    assert_null(*expected);
}

/* --- tests --- */

/* A mail with which there is nothing to do must cost no more than its first commands. */
static void lets_go_of_other_mail_early(void **state)
{
    static const struct {
        struct mail mail;
        enum stage stage;
    } cases[] = {
        { { .daemon = "mx", .sender = "<ann@example.com>", .recipients = { "<bounces@news.example>" } },
          AT_MAIL },
        { { .daemon = "mx", .sender = "ann@example.com", .recipients = { "bob@example.com" } }, AT_MAIL },
        { { .daemon = "mx", .sender = "<>", .recipients = { "<ann@news.example>" } }, AT_DATA },
        { { .daemon = "mx", .sender = "<>", .recipients = { "<bounces@other.example>" } }, AT_DATA },
        { { .daemon = "mx", .sender = "<>", .recipients = { "<bounce@news.example>" } }, AT_DATA },
        { { .daemon = "mx", .sender = "<>", .recipients = { "<+bounces@news.example>" } }, AT_DATA },
        { { .daemon = "mx", .sender = "<>", .recipients = { "<no address at all>" } }, AT_DATA },
        { { .local = true, .sender = "app@news.example", .recipients = { "good@example.com" } }, AT_DATA },
    };
    struct house *house = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        enum stage stage;

        assert_int_equal(say(house, &cases[i].mail, &stage), VERDICT_ACCEPT);
        assert_int_equal(stage, cases[i].stage);
    }
    assert_int_equal(house->store.applies, 0);
    assert_string_equal(logged(house), "");
}

#define COMPLAINT_TYPE "multipart/report; report-type=feedback-report; boundary=b"
#define COMPLAINT                                                                                            \
    "--b\r\nContent-Type: text/plain\r\n\r\nA complaint.\r\n\r\n"                                            \
    "--b\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\n"                           \
    "Original-Rcpt-To: ann@example.com\r\n\r\n"                                                              \
    "--b\r\nContent-Type: message/rfc822\r\n\r\nFrom: letter@news.example\r\nSubject: x\r\n\r\nhello\r\n"    \
    "--b--\r\n"

/* With a feedback address the recipients tell, whoever the sender is; but for those who have logged in. */
static void reads_complaints_from_any_sender(void **state)
{
    static const struct {
        struct mail mail;
        enum stage stage;
        size_t applies;
    } cases[] = {
        { { .sender = "<fbl@provider.example>", .recipients = { "<bounces@news.example>" } }, AT_END, 1 },
        { { .sender = "", .recipients = { "<bob@news.example>", "<bounces+fbl@news.example>" } }, AT_END, 1 },
        { { .sender = "<ann@example.com>", .recipients = { "<bob@news.example>" } }, AT_DATA, 0 },
        { { .sender = "<ann@example.com>", .recipients = { "<bounces@news.example>" }, .login = "shop" },
          AT_MAIL,
          0 },
        { { .local = true, .sender = "<ann@example.com>", .recipients = { "<bounces@news.example>" } },
          AT_DATA,
          0 },
        { { .local = true, .sender = "<>", .recipients = { "<bob@news.example>" } }, AT_END, 1 },
    };
    struct house *house = *state;

    house->settings->feedback_addresses.item[0] = house->settings->bounce_addresses.item[0];
    house->settings->feedback_addresses.n = 1;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct mail mail = cases[i].mail;
        enum stage stage;

        mail.daemon = "mx";
        mail.header = COMPLAINT_TYPE;
        mail.body = COMPLAINT;
        house->store.n = house->store.applies = 0;
        assert_int_equal(say(house, &mail, &stage), VERDICT_ACCEPT); /* a person may want to see it */
        assert_int_equal(stage, cases[i].stage);
        assert_int_equal(house->store.applies, cases[i].applies);
        if (cases[i].applies > 0)
            assert_int_equal(house->store.events[0].cause, CAUSE_COMPLAINT);
    }
}

static void without_bounce_addresses_reads_no_bounce(void **state)
{
    struct house *house = *state;
    enum stage stage;

    house->settings->bounce_addresses.n = 0;
    assert_int_equal(say(house, &dsn, &stage), VERDICT_ACCEPT);
    assert_int_equal(stage, AT_MAIL);
}

static void expect_two_dead(const struct fake_store *store)
{
    assert_int_equal(store->applies, 1);
    assert_int_equal(store->n, 2);
    assert_string_equal(store->events[0].lead, "ann@example.com");
    assert_int_equal(store->events[0].cause, CAUSE_USER_UNKNOWN);
    assert_string_equal(store->events[1].lead, "bob@example.com");
    assert_int_equal(store->events[1].cause, CAUSE_MAILBOX_FULL);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(store->events[i].source, SOURCE_MILTER);
        assert_int_equal(store->events[i].at, NOW); /* not the older hop's Received */
    }
}

static void applies_what_a_bounce_says(void **state)
{
    struct house *house = *state;
    enum stage stage;

    assert_int_equal(say(house, &dsn, &stage), VERDICT_DISCARD);
    assert_int_equal(stage, AT_END);
    expect_two_dead(&house->store);
    assert_int_equal(count(logged(house), "\n"), 2);
}

static void reads_a_body_cut_anywhere(void **state)
{
    struct house *house = *state;

    for (size_t cut = 1; cut <= strlen(TWO_DEAD); cut += cut < 8 ? 1 : 13) {
        struct mail mail = dsn;
        enum stage stage;

        mail.cut = cut;
        house->store.n = house->store.applies = 0;
        assert_int_equal(say(house, &mail, &stage), VERDICT_DISCARD);
        expect_two_dead(&house->store);
    }
}

/* What is thrown away: only reports, only where the operator says so, only what is for nobody else. */
static void discards_only_reports_to_bounce_addresses(void **state)
{
#define EXTENDED "<Bounces+c42=ann@News.Example.>"
    static const struct {
        const char *recipients[2], *header, *body;
        int after;
        enum verdict verdict;
        size_t applies;
    } cases[] = {
        { { EXTENDED }, REPORT_TYPE, TWO_DEAD, AFTER_BOUNCE_DISCARD, VERDICT_DISCARD, 1 },
        { { EXTENDED }, REPORT_TYPE, TWO_DEAD, AFTER_BOUNCE_ACCEPT, VERDICT_ACCEPT, 1 },
        { { EXTENDED, "<ceo@news.example>" },
          REPORT_TYPE,
          TWO_DEAD,
          AFTER_BOUNCE_DISCARD,
          VERDICT_ACCEPT,
          1 },
        { { EXTENDED }, "text/plain", "Dear all, I moved.\r\n", AFTER_BOUNCE_DISCARD, VERDICT_ACCEPT, 0 },
        { { EXTENDED },
          REPORT_TYPE,
          REPORT("\r\nFinal-Recipient: rfc822; ann@example.com\r\nAction: delayed\r\nStatus: 4.4.1\r\n"),
          AFTER_BOUNCE_DISCARD,
          VERDICT_DISCARD,
          0 },
    };
    struct house *house = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct mail mail = { .daemon = "mx",
                             .sender = "<>",
                             .recipients = { cases[i].recipients[0], cases[i].recipients[1] },
                             .header = cases[i].header,
                             .body = cases[i].body };
        enum stage stage;

        house->settings->milter.after_bounce = cases[i].after;
        house->store.n = house->store.applies = 0;
        assert_int_equal(say(house, &mail, &stage), cases[i].verdict);
        assert_int_equal(house->store.applies, cases[i].applies);
    }
    assert_int_equal(count(logged(house), "unrecognised kind=none"), 1);
    assert_int_equal(count(logged(house), "unrecognised kind=delayed"), 1);
    assert_int_equal(count(logged(house), "queue=4XkZ2d"), 2);
}

static void defers_a_bounce_while_redis_is_away(void **state)
{
    struct house *house = *state;
    enum stage stage;

    house->store.rc = STORE_DOWN;
    assert_int_equal(say(house, &dsn, &stage), VERDICT_TEMPFAIL);
    assert_int_equal(count(logged(house), "warning "), 1);
    assert_non_null(strstr(logged(house), "connection refused"));
    house->store.rc = STORE_OK; /* it comes again */
    house->store.applies = 0;
    assert_int_equal(say(house, &dsn, &stage), VERDICT_DISCARD);
    expect_two_dead(&house->store);
}

/* A mail that holds no finding needs no Redis. */
static void takes_other_mail_while_redis_is_away(void **state)
{
    struct mail mail = { .daemon = "mx", .sender = "<>", .recipients = { "<bounces@news.example>" } };
    struct house *house = *state;
    enum stage stage;

    house->store.rc = STORE_DOWN;
    assert_int_equal(say(house, &mail, &stage), VERDICT_ACCEPT);
}

/* Of a mail beyond max_size the beginning is read, and no more of it is asked for than fits. */
static void reads_the_beginning_of_a_large_bounce(void **state)
{
    struct house *house = *state;
    struct message_origin origin = { .daemon = SPAN("mx") };
    char chunk[4096];
    size_t chunks = 0;

    memset(chunk, 'x', sizeof(chunk));
    house->settings->milter.max_size = 10000;
    message_mail(house->message, &house->rules, &origin, SPAN("<>"));
    message_recipient(house->message, SPAN("<bounces@news.example>"));
    assert_int_equal(message_data(house->message, SPAN("Q"), NOW), VERDICT_CONTINUE);
    message_header(house->message, SPAN("Subject"), SPAN("failure"));
    message_header(house->message, SPAN("Content-Type"), SPAN(REPORT_TYPE));
    message_eoh(house->message);
    assert_int_equal(message_body(house->message, SPAN(TWO_DEAD)), VERDICT_CONTINUE);
    while (message_body(house->message, (struct span){ chunk, sizeof(chunk) }) == VERDICT_CONTINUE)
        assert_true(++chunks < 3);
    assert_int_equal(message_body(house->message, SPAN("an MTA that cannot skip goes on")),
                     VERDICT_SKIP_BODY);
    assert_int_equal(message_end(house->message, SPAN("Q"), NOW), VERDICT_DISCARD);
    expect_two_dead(&house->store);
    assert_int_equal(count(logged(house), "not all of a bounce was read"), 1);
    assert_int_equal(count(logged(house), "queue=Q reason=\"larger than milter.max_size\""), 1);
}

/* Postfix's own bounces: recorded, and never anything but accepted. */
static void observes_own_bounces(void **state)
{
    struct mail mail = dsn;
    struct house *house = *state;
    enum stage stage;

    mail.local = true;
    mail.sender = "";
    mail.recipients[0] = "app@news.example";
    assert_int_equal(say(house, &mail, &stage), VERDICT_ACCEPT);
    expect_two_dead(&house->store);
    house->store.rc = STORE_DOWN;
    assert_int_equal(say(house, &mail, &stage), VERDICT_ACCEPT);
    assert_int_equal(count(logged(house), "bounce not recorded"), 1);
    mail.header = mail.body = NULL; /* a cron job's mail is not worth a line */
    assert_int_equal(say(house, &mail, &stage), VERDICT_ACCEPT);
    assert_null(strstr(logged(house), "unrecognised"));
}

static const struct mail injected = { .local = true,
                                      .sender = "app@news.example",
                                      .recipients = { "good@example.com", "Full@Example.com",
                                                      "\"odd one\"@example.com" } };

static void removes_suppressed_recipients(void **state)
{
    static const char *const expected[] = { "Full@Example.com", "\"odd one\"@example.com", NULL };
    struct house *house = *state;
    enum stage stage;

    house->store.suppressed[0] = "full@example.com";
    house->store.refused = "odd one@example.com";
    assert_int_equal(say(house, &injected, &stage), VERDICT_ACCEPT);
    assert_int_equal(stage, AT_END);
    expect_removals(house, expected);
    assert_int_equal(house->store.finds, 1);
    assert_int_equal(house->store.found, 3);
    assert_int_equal(count(logged(house), "removed lead="), 2);
    assert_non_null(strstr(
        logged(house), "removed lead=full@example.com cause=mailbox-full kind=temporary "
                       "until=2027-01-16T08:00:00Z stream=default queue=4XkZ2d sender=app@news.example\n"));
}

static void needs_no_body_to_remove_recipients(void **state)
{
    struct house *house = *state;
    struct message_origin origin = { .local = true };

    house->store.suppressed[0] = "full@example.com";
    message_mail(house->message, &house->rules, &origin, SPAN("app@news.example"));
    message_recipient(house->message, SPAN("full@example.com"));
    message_recipient(house->message, SPAN("good@example.com"));
    assert_int_equal(message_data(house->message, SPAN("Q"), NOW), VERDICT_CONTINUE);
    message_eoh(house->message);
    assert_int_equal(message_body(house->message, SPAN("hello")), VERDICT_SKIP_BODY);
}

/* More than are asked about at once; and nobody is removed when the last question goes unanswered. */
static void removes_from_a_long_list(void **state)
{
    struct message_origin origin = { .local = true };
    struct house *house = *state;

    house->store.suppressed[0] = "lead0@example.com";
    house->store.suppressed[1] = "lead299@example.com";
    for (int away = 0; away < 2; away++) {
        size_t at = 0;

        house->store.finds = house->store.found = 0;
        house->store.away_after = away ? 2 : 0;
        message_mail(house->message, &house->rules, &origin, SPAN("app@news.example"));
        for (int i = 0; i < 300; i++) {
            char text[40];

            snprintf(text, sizeof(text), "lead%d@example.com", i);
            message_recipient(house->message, span_of(text));
        }
        assert_int_equal(message_data(house->message, SPAN("Q"), NOW),
                         away ? VERDICT_ACCEPT : VERDICT_CONTINUE);
        assert_int_equal(house->store.finds, 3);
        assert_int_equal(house->store.found, 300);
        if (!away) {
            assert_string_equal(message_next_removal(house->message, &at), "lead0@example.com");
            assert_string_equal(message_next_removal(house->message, &at), "lead299@example.com");
        }
        assert_null(message_next_removal(house->message, &at));
    }
}

static void discards_a_mail_without_recipients(void **state)
{
    struct mail mail = injected;
    struct house *house = *state;
    enum stage stage;

    house->store.suppressed[0] = "full@example.com";
    house->store.suppressed[1] = "good@example.com";
    mail.recipients[2] = NULL;
    assert_int_equal(say(house, &mail, &stage), VERDICT_DISCARD);
    assert_int_equal(count(logged(house), "removed lead="), 2);
    mail.recipients[2] = "@@@"; /* no lead, but a recipient */
    assert_int_equal(say(house, &mail, &stage), VERDICT_ACCEPT);
}

static void filters_smtp_services_by_name(void **state)
{
    static const char *const expected[] = { "<full@example.com>", NULL };
    struct mail mail = { .daemon = "silent",
                         .sender = "<app@news.example>",
                         .recipients = { "<full@example.com>", "<good@example.com>" } };
    struct house *house = *state;
    enum stage stage;

    house->store.suppressed[0] = "full@example.com";
    assert_int_equal(say(house, &mail, &stage), VERDICT_ACCEPT);
    expect_removals(house, expected);
    assert_non_null(strstr(logged(house), " sender=app@news.example\n"));
    mail.daemon = "silently";
    assert_int_equal(say(house, &mail, &stage), VERDICT_ACCEPT);
    assert_int_equal(stage, AT_MAIL);
}

static void never_removes_postmaster(void **state)
{
    struct mail mail = { .local = true,
                         .sender = "app@news.example",
                         .recipients = { "Postmaster@example.com", "abuse@example.com" } };
    static const char *const nobody[] = { NULL };
    struct house *house = *state;
    enum stage stage;

    house->store.suppressed[0] = "postmaster@example.com";
    house->store.suppressed[1] = "abuse@example.com";
    assert_int_equal(say(house, &mail, &stage), VERDICT_ACCEPT);
    expect_removals(house, nobody);
    assert_int_equal(house->store.finds, 0);
}

static void only_looks_on_when_told_to_observe(void **state)
{
    static const char *const lines[] = {
        [ENFORCE_OBSERVE] = "observed lead=full@example.com", [ENFORCE_OFF] = NULL
    };
    static const enum stage stages[] = { [ENFORCE_OBSERVE] = AT_DATA, [ENFORCE_OFF] = AT_MAIL };
    struct house *house = *state;

    house->store.suppressed[0] = "full@example.com";
    for (int enforce = ENFORCE_OBSERVE; enforce <= ENFORCE_OFF; enforce++) {
        enum stage stage;

        house->settings->streams.item[0].enforce = enforce;
        house->store.finds = 0;
        assert_int_equal(say(house, &injected, &stage), VERDICT_ACCEPT);
        assert_int_equal(stage, stages[enforce]);
        assert_int_equal(house->store.finds, lines[enforce] != NULL);
    }
    assert_int_equal(count(logged(house), "\n"), 1);
    assert_non_null(strstr(logged(house), lines[ENFORCE_OBSERVE]));
}

/* What is known here of a mail chooses its stream, and the stream what is taken out of it. */
static void judges_by_stream(void **state)
{
    static const char yaml[] =
        "milter: { filter_daemons: [ silent ] }\n"
        "streams:\n"
        "  - { name: invoices, match: { sender: [ pay.example ] }, causes: [ hard ] }\n"
        "  - { name: login, match: { sasl_username: [ shop ] }, causes: [ will ] }\n"
        "  - { name: looked-at, match: { client_address: [ '2001:db8::/32' ] }, enforce: observe }\n"
        "  - { name: let-be, match: { server_port: [ 2525 ] }, enforce: off }\n"
        "  - { name: not-known-here, match: { policy_context: [ x ] }, causes: [ none ] }\n"
        "  - { name: rest }\n";
    static const struct {
        struct mail mail;
        enum stage stage;
        const char *removed, *line; /* of an address opted out for its health, and one by its own will */
    } rows[] = {
        { { .sender = "<a@Pay.Example>" }, AT_DATA, "", NULL },
        { { .local = true, .sender = "\"a b\"@pay.example" }, AT_DATA, "", NULL },
        { { .sender = "<a@b.example>", .login = "shop" }, AT_END, "<no@example.com>", " stream=login " },
        { { .sender = "<a@b.example>", .client = "2001:db8::7" },
          AT_DATA,
          "",
          "observed lead=no@example.com" },
        { { .sender = "<a@b.example>", .port = "2525" }, AT_MAIL, "", NULL },
        { { .sender = "<a@b.example>", .client = "192.0.2.1" },
          AT_END,
          "<full@example.com><no@example.com>",
          "removed lead=full@example.com cause=mailbox-full kind=temporary until=2027-01-16T08:00:00Z "
          "stream=rest " },
    };
    char path[] = "/tmp/test_message_XXXXXX";
    struct house *house = *state;
    int fd = mkstemp(path);
    struct err err = { "" };

    assert_int_equal(write(fd, yaml, sizeof(yaml) - 1), sizeof(yaml) - 1);
    close(fd);
    settings_free(house->settings);
    house->settings = NULL;
    if (settings_load(&house->settings, path, &err) < 0)
        fail_msg("%s", err.text);
    unlink(path);
    house->rules.settings = house->settings;
    house->store.suppressed[0] = "full@example.com";
    house->store.refused = "no@example.com";
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct mail mail = rows[i].mail;
        char removed[200] = "";
        const char *recipient;
        enum stage stage;

        mail.daemon = "silent";
        mail.recipients[0] = "<full@example.com>";
        mail.recipients[1] = "<no@example.com>";
        mail.recipients[2] = "<good@example.com>";
        assert_int_equal(say(house, &mail, &stage), VERDICT_ACCEPT);
        assert_int_equal(stage, rows[i].stage);
        for (size_t at = 0;
             stage == AT_END && (recipient = message_next_removal(house->message, &at)) != NULL;)
            snprintf(removed + strlen(removed), sizeof(removed) - strlen(removed), "%s", recipient);
        assert_string_equal(removed, rows[i].removed);
        if (rows[i].line != NULL)
            assert_non_null(strstr(logged(house), rows[i].line));
    }
    assert_int_equal(count(logged(house), "\n"), 5);
}

static void lets_injected_mail_pass_while_redis_is_away(void **state)
{
    struct house *house = *state;
    enum stage stage;

    house->store.rc = STORE_DOWN;
    house->store.suppressed[0] = "full@example.com";
    house->settings->policy.on_failure = ON_FAILURE_DEFER; /* not here: nobody would ever get it */
    assert_int_equal(say(house, &injected, &stage), VERDICT_ACCEPT);
    assert_int_equal(stage, AT_DATA);
    assert_int_equal(count(logged(house), "warning "), 1);
}

/* Many mails come over one connection, and any of them may be given up halfway. */
static void keeps_nothing_from_one_mail_to_the_next(void **state)
{
    struct message_origin local = { .local = true }, mx = { .daemon = SPAN("mx") };
    static const char *const expected[] = { "full@example.com", NULL };
    struct house *house = *state;
    enum stage stage;

    house->store.suppressed[0] = "full@example.com";
    message_mail(house->message, &house->rules, &mx, SPAN("<>"));
    message_recipient(house->message, SPAN("<bounces@news.example>"));
    message_data(house->message, SPAN("Q1"), NOW);
    message_header(house->message, SPAN("Content-Type"), SPAN("text/plain"));
    message_reset(house->message); /* the client hung up */

    message_mail(house->message, &house->rules, &local, SPAN("app@news.example"));
    message_recipient(house->message, SPAN("full@example.com"));
    message_recipient(house->message, SPAN("good@example.com"));
    message_data(house->message, SPAN("Q2"), NOW);
    expect_removals(house, expected);
    message_reset(house->message);
    assert_null(strstr(logged(house), "removed")); /* it was never sent */

    assert_int_equal(say(house, &dsn, &stage), VERDICT_DISCARD); /* and without a reset between */
    expect_two_dead(&house->store);
    expect_removals(house, expected + 1);
    assert_int_equal(house->store.finds, 1);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, house_open, house_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(lets_go_of_other_mail_early),
        TEST(without_bounce_addresses_reads_no_bounce),
        TEST(reads_complaints_from_any_sender),
        TEST(applies_what_a_bounce_says),
        TEST(reads_a_body_cut_anywhere),
        TEST(discards_only_reports_to_bounce_addresses),
        TEST(defers_a_bounce_while_redis_is_away),
        TEST(takes_other_mail_while_redis_is_away),
        TEST(reads_the_beginning_of_a_large_bounce),
        TEST(observes_own_bounces),
        TEST(removes_suppressed_recipients),
        TEST(needs_no_body_to_remove_recipients),
        TEST(removes_from_a_long_list),
        TEST(discards_a_mail_without_recipients),
        TEST(filters_smtp_services_by_name),
        TEST(never_removes_postmaster),
        TEST(only_looks_on_when_told_to_observe),
        TEST(judges_by_stream),
        TEST(lets_injected_mail_pass_while_redis_is_away),
        TEST(keeps_nothing_from_one_mail_to_the_next),
    };

    bounce_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
