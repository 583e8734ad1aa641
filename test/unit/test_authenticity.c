/* SPDX-License-Identifier: BSD-2-Clause */
/* Whose bounce it is, and whether it is real: every way on which a token comes back, and every way on which
 * somebody might make one up. Mails are put together from their parts, as the hands that they went through
 * did. */
#include "leadgate/authenticity.h"

#include "core/base32.h"
#include "leadgate/signing.h"
#include "private_key.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "some_address.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define DAY           INT64_C(86400)
#define NOW           INT64_C(1796083200)
#define MESSAGE_ID    "m1@our.example"

static char folder[] = "/tmp/test_authenticity_XXXXXX";
static struct settings *settings; /* authenticity: require, as an operator writes it */

/* --- the house --- */

static struct settings *settings_of(const char *more)
{
    char path[64], key[64];
    struct settings *loaded;
    struct err err;
    FILE *fp;

    snprintf(path, sizeof(path), "%s/config.yaml", folder);
    snprintf(key, sizeof(key), "%s/key", folder);
    fp = fopen(path, "w");
    assert_non_null(fp);
    fprintf(fp,
            "milter: { bounce_addresses: [ bounces@our.example, bounces@other.example ] }\n"
            "signing: { keys: [ %s ], local_hosts: [ mx.our.example ]%s }\n",
            key, more);
    fclose(fp);
    if (settings_load(&loaded, path, &err) < 0)
        fail_msg("%s", err.text);
    unlink(path);
    return loaded;
}

static int set_up(void **state)
{
    (void)state;
    bounce_init();
    if (private_key_make(folder) < 0)
        return -1;
    settings = settings_of(", authenticity: require");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    settings_free(settings);
    return private_key_remove(folder);
}

/* --- tokens as they leave --- */

/* As a header carries it. Of a ring of buffers: some tokens stand in one mail. */
static const char *sealed_at(const char *lead, int64_t at)
{
    static char tokens[128][TOKEN_SEALED_SIZE];
    static unsigned next;
    struct address sender = address_of("bounces@our.example"), address = address_of(lead);
    char *token = tokens[next++ % LENGTH(tokens)];

    assert_true(signing_header(token, settings, &sender, &address, SPAN("4XkZ2d"), at));
    return token;
}

static const char *sealed(const char *lead)
{
    return sealed_at(lead, NOW - DAY);
}

static struct address path_at(const char *lead, int64_t at)
{
    struct address base = address_of("bounces+c42@our.example"), address = address_of(lead), path;
    const struct token_claim claim = { .kind = TOKEN_BOUNCE,
                                       .domain = SPAN("our.example"),
                                       .subject = address_span(&address) };
    char token[TOKEN_SIZE];

    assert_true(token_make(token, settings->keyring, &claim, SPAN("4XkZ2d"), at));
    assert_true(token_path_make(&path, &base, span_of(token), &address));
    return path;
}

static const char *message_token(const char *message)
{
    static char token[TOKEN_SIZE];
    const struct token_claim claim = { .kind = TOKEN_MESSAGE,
                                       .domain = SPAN("our.example"),
                                       .subject = span_of(message) };

    assert_true(token_make(token, settings->keyring, &claim, SPAN("4XkZ2d"), NOW - DAY));
    return token;
}

/* --- mails as they come back --- */

#define REMOTE                                                                                               \
    "Received: from remote.example (remote.example [192.0.2.25])\n\tby mx.our.example (Postfix) with ESMTP " \
    "id 4XkZ2f\n\tfor <bounces@our.example>; Mon, 30 Nov 2026 08:00:00 +0000 (UTC)\n"
#define LOCAL "Received: by mx.our.example (Postfix)\n\tid 4XkZ2f; Mon, 30 Nov 2026 08:00:00 +0000 (UTC)\n"

/* What is NULL is as in a plain bounce of ann@example.com's. */
struct pieces {
    const char *top;      /* above the Received field: our own delivery agent's */
    const char *received; /* our own Postfix's */
    const char *below;    /* what the client wrote behind it */
    const char *subject;
    const char *words; /* the text for people */
    const char *envelope_id;
    const char *recipients; /* of the report, one group each */
    const char *returned;   /* fields of the returned mail */
    const char *behind;     /* parts behind all others */
};

#define GROUP(address)                                                                                       \
    "\nFinal-Recipient: rfc822; " address "\nAction: failed\nStatus: 5.1.1\n"                                \
    "Diagnostic-Code: smtp; 550 5.1.1 no such user\n"

static const char *or_else(const char *text, const char *otherwise)
{
    return text != NULL ? text : otherwise;
}

static struct span mail_of(const struct pieces *pieces)
{
    static char mail[65536];
    int n = snprintf(
        mail, sizeof(mail),
        "%s%s%sFrom: MAILER-DAEMON@remote.example\nTo: bounces@our.example\nSubject: %s\nMIME-Version: 1.0\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\n\n"
        "--b\nContent-Type: text/plain\n\n%s\n"
        "--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; remote.example\n%s%s%s%s\n"
        "--b\nContent-Type: message/rfc822\n\n%sFrom: news@our.example\nTo: you\n"
        "Message-ID: <" MESSAGE_ID ">\nSubject: News\n\nGood news.\n%s--b--\n",
        or_else(pieces->top, ""), or_else(pieces->received, REMOTE), or_else(pieces->below, ""),
        or_else(pieces->subject, "Undelivered Mail Returned to Sender"),
        or_else(pieces->words, "It could not be delivered."),
        pieces->envelope_id != NULL ? "Original-Envelope-Id: " : "", or_else(pieces->envelope_id, ""),
        pieces->envelope_id != NULL ? "\n" : "", or_else(pieces->recipients, GROUP("ann@example.com")),
        or_else(pieces->returned, ""), or_else(pieces->behind, ""));

    assert_true(n > 0 && (size_t)n < sizeof(mail));
    return (struct span){ mail, (size_t)n };
}

/* A notice, or a letter, of whatever header and words. */
static struct span letter_of(const char *top, const char *header, const char *words)
{
    static char mail[8192];
    int n = snprintf(mail, sizeof(mail), "%s" REMOTE "%s\n%s\n", top, header, words);

    assert_true(n > 0 && (size_t)n < sizeof(mail));
    return (struct span){ mail, (size_t)n };
}

static char *field(const char *name, const char *value)
{
    static char fields[8][2048];
    static unsigned next;
    char *text = fields[next++ % LENGTH(fields)];

    snprintf(text, sizeof(fields[0]), "%s: %s\n", name, value);
    return text;
}

/* In a mailbox; and on its way, where our Postfix has written nothing that is seen. */
static const struct arrival mailbox = { .delivered = true };
static const struct arrival under_way = { .null_sender = true };

static struct arrival arrival_at(const struct address *path, bool null_sender)
{
    return (struct arrival){ .null_sender = null_sender, .recipients = path, .n = 1 };
}

static struct report read_by(const struct settings *by, struct span mail, const struct arrival *arrival)
{
    struct report report;
    struct err err;

    if (authenticity_read(&report, mail, by, arrival, NOW, &err) < 0)
        fail_msg("%s", err.text);
    return report;
}

static struct report read_mail(struct span mail, const struct arrival *arrival)
{
    return read_by(settings, mail, arrival);
}

/* Reads a mail with one finding. */
static void expect(struct span mail, const struct arrival *arrival, const char *lead, enum proof proof)
{
    struct report report = read_mail(mail, arrival);

    assert_int_equal(report.n, 1);
    assert_string_equal(report.findings[0].lead.text, lead);
    assert_string_equal(proof_name(report.findings[0].proof), proof_name(proof));
    assert_int_equal(report.findings[0].token[0] != '\0', proof == PROOF_TOKEN || proof == PROOF_MESSAGE);
    report_free(&report);
}

static void expect_nothing(struct span mail, const struct arrival *arrival)
{
    struct report report = read_mail(mail, arrival);

    if (report.n != 0)
        fail_msg("a finding by %s in:\n%.*s", report.rule, SPAN_FMT(mail));
    report_free(&report);
}

/* --- every channel --- */

static void by_header(void **state)
{
    const char *token = sealed("ann@example.com");
    struct report report;

    (void)state;
    report = read_mail(mail_of(&(struct pieces){ .returned = field("X-Leadgate-Token", token) }), &mailbox);
    assert_int_equal(report.n, 1);
    assert_string_equal(report.findings[0].lead.text, "ann@example.com");
    assert_int_equal(report.findings[0].proof, PROOF_TOKEN);
    assert_int_equal(strlen(report.findings[0].token), TOKEN_LENGTH);
    assert_memory_equal(report.findings[0].token, token, TOKEN_LENGTH);
    assert_int_equal(report.findings[0].cause, CAUSE_USER_UNKNOWN);
    report_free(&report);
}

static void by_envelope_id(void **state)
{
    (void)state;
    expect(mail_of(&(struct pieces){ .envelope_id = sealed("ann@example.com") }), &mailbox, "ann@example.com",
           PROOF_TOKEN);
    /* An application's own. */
    expect(mail_of(&(struct pieces){ .envelope_id = "campaign-42" }), &mailbox, "ann@example.com",
           PROOF_NONE);
}

static void by_path(void **state)
{
    struct address path = path_at("ann@example.com", NOW - DAY);
    struct arrival arrival = arrival_at(&path, true);
    char top[2048];

    (void)state;
    expect(mail_of(&(struct pieces){ .top = NULL }), &arrival, "ann@example.com", PROOF_TOKEN);
    expect(mail_of(&(struct pieces){ .top = field("Delivered-To", path.text) }), &mailbox, "ann@example.com",
           PROOF_TOKEN);
    /* An alias behind the bounce address: X-Original-To is what came. */
    snprintf(top, sizeof(top), "Return-Path: <>\nX-Original-To: %s\nDelivered-To: box@our.example\n",
             path.text);
    expect(mail_of(&(struct pieces){ .top = top }), &mailbox, "ann@example.com", PROOF_TOKEN);
    snprintf(top, sizeof(top), "Delivered-To: box@our.example\nX-Original-To: %s\n", path.text);
    expect(mail_of(&(struct pieces){ .top = top }), &mailbox, "ann@example.com", PROOF_TOKEN);
}

/* The other bounce address: a header does not say by which one it was sent. */
static void by_any_of_our_domains(void **state)
{
    struct address sender = address_of("bounces@other.example"), ann = address_of("ann@example.com");
    char token[TOKEN_SEALED_SIZE];

    (void)state;
    assert_true(signing_header(token, settings, &sender, &ann, SPAN("q"), NOW));
    expect(mail_of(&(struct pieces){ .returned = field("X-Leadgate-Token", token) }), &mailbox,
           "ann@example.com", PROOF_TOKEN);
}

/* Some system in the middle writes everything in capitals. */
static void in_capitals(void **state)
{
    struct address path = path_at("ann@example.com", NOW - DAY);
    struct span mail =
        mail_of(&(struct pieces){ .returned = field("X-Leadgate-Token", sealed("ann@example.com")) });
    char upper[65536];

    (void)state;
    memcpy(upper, mail.p, mail.n);
    for (size_t i = 0; i < mail.n; i++)
        upper[i] = (char)toupper((unsigned char)upper[i]);
    expect((struct span){ upper, mail.n }, &mailbox, "ann@example.com", PROOF_TOKEN);
    for (size_t i = 0; i < path.n; i++)
        path.text[i] = (char)toupper((unsigned char)path.text[i]);
    expect(mail_of(&(struct pieces){ .top = field("Delivered-To", path.text) }), &mailbox, "ann@example.com",
           PROOF_TOKEN);
}

/* --- whom it is about --- */

/* What aliases and forwarding made of the address; the token knows who was mailed. */
static void renamed_to_the_tokens_lead(void **state)
{
    struct address path = path_at("ann@example.com", NOW - DAY);
    struct arrival arrival = arrival_at(&path, true);

    (void)state;
    expect(mail_of(&(struct pieces){ .recipients = GROUP("ann.private@freemail.example"),
                                     .returned = field("X-Leadgate-Token", sealed("ann@example.com")) }),
           &mailbox, "ann@example.com", PROOF_TOKEN);
    expect(mail_of(&(struct pieces){ .recipients = GROUP("ann.private@freemail.example") }), &arrival,
           "ann@example.com", PROOF_TOKEN);
}

static void a_token_for_each(void **state)
{
    char returned[32768] = "", recipients[8192] = "", lead[64];
    struct report report;

    (void)state;
    for (int i = 0; i < 40; i++) {
        snprintf(lead, sizeof(lead), "lead%d@example.com", i);
        snprintf(returned + strlen(returned), sizeof(returned) - strlen(returned), "%s",
                 field("X-Leadgate-Token", sealed(lead)));
        snprintf(recipients + strlen(recipients), sizeof(recipients) - strlen(recipients),
                 "\nFinal-Recipient: rfc822; %s\nAction: failed\nStatus: 5.1.1\n", lead);
    }
    report = read_mail(mail_of(&(struct pieces){ .recipients = recipients, .returned = returned }), &mailbox);
    assert_int_equal(report.n, 40);
    for (size_t i = 0; i < report.n; i++) {
        snprintf(lead, sizeof(lead), "lead%zu@example.com", i);
        assert_string_equal(report.findings[i].lead.text, lead);
        assert_int_equal(report.findings[i].proof, PROOF_TOKEN);
    }
    report_free(&report);
}

/* Of two who were mailed together one fails: his token is one of two, and nobody is renamed to the other. */
static void one_of_two(void **state)
{
    char returned[4096];

    (void)state;
    snprintf(returned, sizeof(returned), "X-Leadgate-Token: %s\nX-Leadgate-Token: %s\n",
             sealed("ann@example.com"), sealed("ben@example.com"));
    expect(mail_of(&(struct pieces){ .recipients = GROUP("ben@example.com"), .returned = returned }),
           &mailbox, "ben@example.com", PROOF_TOKEN);
    expect(mail_of(&(struct pieces){ .recipients = GROUP("eve@example.com"), .returned = returned }),
           &mailbox, "eve@example.com", PROOF_NONE);
}

/* Who got a mail has its token, and may say of himself what he likes; of nobody else. */
static void another_leads_token(void **state)
{
    struct address path = path_at("eve@example.com", NOW - DAY);
    struct arrival arrival = arrival_at(&path, true);
    struct pieces pieces = { .recipients = GROUP("eve@example.com") GROUP("ann@example.com"),
                             .returned = field("X-Leadgate-Token", sealed("eve@example.com")) };

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct report report = read_mail(mail_of(&pieces), i == 0 ? &mailbox : &arrival);

        assert_int_equal(report.n, 2);
        assert_int_equal(report.findings[0].proof, PROOF_TOKEN);
        assert_string_equal(report.findings[1].lead.text, "ann@example.com");
        assert_int_equal(report.findings[1].proof, PROOF_NONE);
        assert_int_equal(authenticity_trust(settings, &report, 1), TRUST_NONE);
        report_free(&report);
        pieces.returned = NULL;
    }
    /* Alone it is about himself. */
    pieces = (struct pieces){ .recipients = GROUP("ann@example.com"),
                              .returned = field("X-Leadgate-Token", sealed("eve@example.com")) };
    expect(mail_of(&pieces), &mailbox, "eve@example.com", PROOF_TOKEN);
}

static void two_reports_in_one_mail(void **state)
{
    struct report report;

    (void)state;
    report = read_mail(
        mail_of(&(struct pieces){
            .recipients = GROUP("eve@example.com"),
            .returned = field("X-Leadgate-Token", sealed("eve@example.com")),
            .behind = "--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; x.example\n" GROUP(
                "ann@example.com") "\n" }),
        &mailbox);
    for (size_t i = 0; i < report.n; i++)
        assert_int_equal(report.findings[i].proof == PROOF_TOKEN,
                         strcmp(report.findings[i].lead.text, "eve@example.com") == 0);
    report_free(&report);
}

/* --- tokens that are not good --- */

static void expired(void **state)
{
    struct address path = path_at("ann@example.com", NOW - 13 * DAY);
    struct arrival arrival = arrival_at(&path, true);
    const char *token = sealed_at("ann@example.com", NOW - 13 * DAY);

    (void)state;
    expect(mail_of(&(struct pieces){ .returned = field("X-Leadgate-Token", token) }), &mailbox,
           "ann@example.com", PROOF_EXPIRED);
    expect(mail_of(&(struct pieces){ .top = NULL }), &arrival, "ann@example.com", PROOF_EXPIRED);
    /* It says nothing any more: neither whom it is about. */
    expect(mail_of(&(struct pieces){ .recipients = GROUP("bob@example.com"),
                                     .returned = field("X-Leadgate-Token", token) }),
           &mailbox, "bob@example.com", PROOF_EXPIRED);
}

static void every_character_changed(void **state)
{
    const char *token = sealed("ann@example.com");
    struct address path = path_at("ann@example.com", NOW - DAY);
    char changed[TOKEN_SEALED_SIZE];

    (void)state;
    for (size_t i = 0; i < strlen(token); i++) {
        snprintf(changed, sizeof(changed), "%s", token);
        changed[i] = base32_digit((unsigned)base32_value(token[i]) ^ 1);
        for (int way = 0; way < 2; way++) {
            struct pieces pieces = { .returned = way == 0 ? field("X-Leadgate-Token", changed) : NULL,
                                     .envelope_id = way == 1 ? changed : NULL };
            struct report report = read_mail(mail_of(&pieces), &mailbox);

            assert_int_equal(report.n, 1);
            assert_string_equal(report.findings[0].lead.text, "ann@example.com");
            /* Behind the MAC one bit may make a capital of a small letter: that is the same lead. */
            if (i < TOKEN_LENGTH)
                assert_int_equal(authenticity_trust(settings, &report, 0), TRUST_NONE);
            report_free(&report);
        }
    }
    /* The token and the lead of a path. */
    for (size_t i = strlen("bounces+c42+"); i < path.at; i++) {
        struct address other = path;
        struct arrival arrival = arrival_at(&other, true);
        struct report report;

        if (path.text[i] == '=')
            continue;
        other.text[i] = path.text[i] == 'x' ? 'y' : 'x';
        report = read_mail(mail_of(&(struct pieces){ .top = NULL }), &arrival);
        assert_string_equal(report.findings[0].lead.text, "ann@example.com");
        assert_int_not_equal(report.findings[0].proof, PROOF_TOKEN);
        report_free(&report);
    }
}

/* A good token beside a bad one is good: a mail list or a filter may have put its own there. */
static void a_bad_one_beside(void **state)
{
    char returned[4096];

    (void)state;
    snprintf(returned, sizeof(returned),
             "X-Leadgate-Token: baaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\nX-Leadgate-Token: %s\n"
             "X-Leadgate-Token: what is this?\nX-Leadgate-Token:\n",
             sealed("ann@example.com"));
    expect(mail_of(&(struct pieces){ .returned = returned }), &mailbox, "ann@example.com", PROOF_TOKEN);
}

/* A token for the message vouches for no recipient, and is for this message alone. */
static void of_the_message(void **state)
{
    struct report report;

    (void)state;
    expect(mail_of(&(struct pieces){ .envelope_id = message_token(MESSAGE_ID) }), &mailbox, "ann@example.com",
           PROOF_MESSAGE);
    expect(mail_of(&(struct pieces){ .envelope_id = message_token("m2@our.example") }), &mailbox,
           "ann@example.com", PROOF_FORGED);
    report = read_mail(
        mail_of(&(struct pieces){ .envelope_id = message_token(MESSAGE_ID),
                                  .recipients = GROUP("eve@example.com") GROUP("ann@example.com") }),
        &mailbox);
    assert_int_equal(report.n, 2);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(authenticity_trust(settings, &report, i), TRUST_MILD);
    report_free(&report);
}

/* --- places where no token is looked for --- */

static void in_the_wrong_place(void **state)
{
    const char *token = field("X-Leadgate-Token", sealed("ann@example.com"));
    struct address path = path_at("ann@example.com", NOW - DAY);
    char text[8192];

    (void)state;
    /* Words, subject, the report's own header, the report's groups, the body of the returned mail. */
    expect(mail_of(&(struct pieces){ .words = token }), &mailbox, "ann@example.com", PROOF_NONE);
    expect(mail_of(&(struct pieces){ .subject = sealed("ann@example.com") }), &mailbox, "ann@example.com",
           PROOF_NONE);
    expect(mail_of(&(struct pieces){ .below = token }), &mailbox, "ann@example.com", PROOF_NONE);
    expect(mail_of(&(struct pieces){ .top = token }), &mailbox, "ann@example.com", PROOF_NONE);
    snprintf(text, sizeof(text), "%s%s", GROUP("ann@example.com"), token);
    expect(mail_of(&(struct pieces){ .recipients = text }), &mailbox, "ann@example.com", PROOF_NONE);
    snprintf(text, sizeof(text), "Subject: News\n\n%s\n", token);
    expect(mail_of(&(struct pieces){ .returned = text }), &mailbox, "ann@example.com", PROOF_NONE);
    /* A second returned mail behind the first. */
    snprintf(text, sizeof(text), "--b\nContent-Type: message/rfc822\n\n%sSubject: News\n\nx\n", token);
    expect(mail_of(&(struct pieces){ .behind = text }), &mailbox, "ann@example.com", PROOF_NONE);
    /* The path in fields that a client writes. */
    snprintf(text, sizeof(text), "Delivered-To: %s\nX-Original-To: %s\nX-Envelope-To: %s\n", path.text,
             path.text, path.text);
    expect(mail_of(&(struct pieces){ .below = text }), &mailbox, "ann@example.com", PROOF_NONE);
}

/* The returned mail is a report itself, with a report and a token in it. */
static void nested(void **state)
{
    char text[8192];

    (void)state;
    snprintf(text, sizeof(text),
             "Content-Type: multipart/report; report-type=delivery-status; boundary=c\n\n"
             "--c\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; y.example\n%s\n"
             "--c\nContent-Type: message/rfc822\n\nX-Leadgate-Token: %s\nSubject: News\n\nx\n--c--\n",
             GROUP("ben@example.com"), sealed("ann@example.com"));
    expect(mail_of(&(struct pieces){ .returned = text }), &mailbox, "ann@example.com", PROOF_NONE);
}

/* --- by its way: what this Postfix wrote --- */

static void written_here(void **state)
{
    const struct arrival local = { .local = true, .null_sender = true };

    (void)state;
    expect(mail_of(&(struct pieces){ .received = NULL }), &local, "ann@example.com", PROOF_LOCAL);
    expect(mail_of(&(struct pieces){ .received = LOCAL }), &mailbox, "ann@example.com", PROOF_LOCAL);
    expect(mail_of(&(struct pieces){ .top = "Return-Path: <>\nDelivered-To: bounces@our.example\n",
                                     .received = LOCAL }),
           &mailbox, "ann@example.com", PROOF_LOCAL);
    /* An alias behind the bounce address. */
    expect(mail_of(&(struct pieces){ .received = LOCAL, .below = LOCAL }), &mailbox, "ann@example.com",
           PROOF_LOCAL);
    /* Its token says more: whom it is about. */
    expect(mail_of(&(struct pieces){ .received = LOCAL,
                                     .recipients = GROUP("alias@our.example"),
                                     .returned = field("X-Leadgate-Token", sealed("ann@example.com")) }),
           &mailbox, "ann@example.com", PROOF_TOKEN);
    /* Mail of ours whose token is somebody else's: we have relayed it. */
    expect(mail_of(&(struct pieces){ .received = LOCAL,
                                     .returned = "X-Leadgate-Token: baaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n" }),
           &mailbox, "ann@example.com", PROOF_LOCAL);
}

static void not_written_here(void **state)
{
    static const char *const rows[] = {
        "Received: by mx.remote.example (Postfix) id 4XkZ2f; Mon, 30 Nov 2026 08:00:00 +0000\n",
        "Received: by mx.our.example.evil.example (Postfix) id 4XkZ2f; Mon, 30 Nov 2026 08:00:00 +0000\n",
        "Received: by mx.our.example (Postfix, from userid 1000)\n\tid 4XkZ2f; Mon, 30 Nov 2026 08:00:00\n",
        "Received: from mx.our.example by mx.our.example (Postfix) id 4XkZ2f; Mon, 30 Nov 2026 08:00:00\n",
        "Received: (qmail 1 invoked by uid 0); 30 Nov 2026 08:00:00 -0000\n",
        "Received:\n",
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++)
        expect(mail_of(&(struct pieces){ .received = rows[i] }), &mailbox, "ann@example.com", PROOF_NONE);
    /* What a client writes stands below the field that Postfix writes for him; and local(8), which sends mail
     * on for an alias, puts on top what looks like a mail of our own. */
    expect(mail_of(&(struct pieces){ .below = LOCAL }), &mailbox, "ann@example.com", PROOF_NONE);
    expect(mail_of(&(struct pieces){ .received = LOCAL, .below = REMOTE }), &mailbox, "ann@example.com",
           PROOF_NONE);
    expect(mail_of(&(struct pieces){ .received = LOCAL,
                                     .below = "Received: by mx.our.example (Postfix, from "
                                              "userid 33) id 4XkZ2g; Mon, 30 Nov 2026\n" }),
           &mailbox, "ann@example.com", PROOF_NONE);
}

/* A milter does not see the fields that our Postfix writes: there the topmost ones are the client's. */
static void under_way_nothing_is_ours(void **state)
{
    struct address path = path_at("ann@example.com", NOW - DAY);
    char top[2048];

    (void)state;
    snprintf(top, sizeof(top), "Return-Path: <>\nX-Original-To: %s\nDelivered-To: %s\n", path.text,
             path.text);
    expect(mail_of(&(struct pieces){ .received = LOCAL }), &under_way, "ann@example.com", PROOF_NONE);
    expect(mail_of(&(struct pieces){ .top = top, .received = LOCAL }), &under_way, "ann@example.com",
           PROOF_NONE);
    expect(mail_of(&(struct pieces){ .top = top }), &under_way, "ann@example.com", PROOF_NONE);
}

/* --- notices without a form, in the bounce address of one recipient --- */

#define DAEMON "From: System <noreply@remote.example>\nTo: bounces@our.example\nSubject: Your mail\n"

static void plain_words_to_a_path(void **state)
{
    static const char words[] = "Sorry, we could not hand over your mail.\n\n550 5.1.1 User unknown\n";
    struct address path = path_at("ann@example.com", NOW - DAY),
                   old = path_at("ann@example.com", NOW - 13 * DAY);
    struct arrival arrival = arrival_at(&path, true), late = arrival_at(&old, true);
    char top[2048];
    struct report report;

    (void)state;
    report = read_mail(letter_of("", DAEMON, words), &arrival);
    assert_int_equal(report.n, 1);
    assert_string_equal(report.findings[0].lead.text, "ann@example.com");
    assert_int_equal(report.findings[0].proof, PROOF_TOKEN);
    assert_int_equal(report.findings[0].cause, CAUSE_USER_UNKNOWN);
    report_free(&report);
    snprintf(top, sizeof(top), "Return-Path: <>\nDelivered-To: %s\n", path.text);
    expect(letter_of(top, DAEMON, words), &mailbox, "ann@example.com", PROOF_TOKEN);

    expect_nothing(letter_of("", DAEMON, words), &mailbox);
    expect_nothing(letter_of("", DAEMON, words), &late);
    expect_nothing(letter_of("", DAEMON, "Thank you for your mail. We will answer it soon."), &arrival);
}

/* Neither a person's reply nor a program's is a bounce, whatever is in it. */
static void replies_to_a_path(void **state)
{
    static const char quoted[] =
        "I had a problem with you, too:\n\n> 550 5.1.1 User unknown\n> this mailbox is full\n";
    static const char *const automatic[] = {
        "From: ann@example.com\nSubject: Re: News\nAuto-Submitted: auto-replied\n",
        "From: ann@example.com\nSubject: News\nPrecedence: auto_reply\n",
        "From: Ann <ann@example.com>\nSubject: News\nX-Autoreply: yes\n",
        "From: Ann <ann@example.com>\nSubject: Out of office: News\n",
        "From: Ann <ann@example.com>\nSubject: Automatic reply: News\n",
        "From: Ann <ann@example.com>\nSubject: Abwesenheit: News\n",
        "From: Ann <ann@example.com>\nSubject: Re: News\n",
        "From: Ann <ann@example.com>\nSubject: AW: News\n",
        "From: Ann <ann@example.com>\nSubject: News\nIn-Reply-To: <" MESSAGE_ID ">\n",
    };
    struct address path = path_at("ann@example.com", NOW - DAY);
    struct arrival person = arrival_at(&path, false), program = arrival_at(&path, true);
    char top[2048];

    (void)state;
    snprintf(top, sizeof(top), "Return-Path: <ann@example.com>\nDelivered-To: %s\n", path.text);
    expect_nothing(letter_of(top, "From: Ann <ann@example.com>\nSubject: Re: News\n", quoted), &mailbox);
    expect_nothing(letter_of("", "From: Ann <ann@example.com>\nSubject: Re: News\n", quoted), &person);
    expect_nothing(letter_of("", DAEMON, quoted), &person);
    /* The client's own Return-Path. */
    expect_nothing(letter_of(top, "Return-Path: <>\n" DAEMON, quoted), &mailbox);
    for (size_t i = 0; i < LENGTH(automatic); i++)
        expect_nothing(letter_of("", automatic[i], quoted), &program);
}

/* A header in which our Postfix wrote nothing vouches for nothing. */
static void without_a_received_field(void **state)
{
    struct address path = path_at("ann@example.com", NOW - DAY);
    char top[2048];

    (void)state;
    snprintf(top, sizeof(top), "Return-Path: <>\nDelivered-To: %s\n", path.text);
    expect(mail_of(&(struct pieces){ .top = top, .received = "" }), &mailbox, "ann@example.com", PROOF_NONE);
}

/* --- our own words --- */

static void our_own_refusal(void **state)
{
    struct report report;

    (void)state;
    report = read_mail(
        mail_of(&(struct pieces){
            .recipients = "\nFinal-Recipient: rfc822; ann@example.com\nAction: failed\nStatus: 5.7.1\n"
                          "Diagnostic-Code: smtp; 550 5.7.1 <ann@example.com>: recipient suppressed: "
                          "user-unknown " LEADGATE_MARKER "\n",
            .returned = field("X-Leadgate-Token", sealed("ann@example.com")) }),
        &mailbox);
    assert_int_equal(report.n, 1);
    assert_int_equal(report.findings[0].cause, CAUSE_SUPPRESSED);
    assert_int_equal(report.findings[0].hardness, HARDNESS_NONE);
    report_free(&report);
}

/* --- what each may do --- */

static void trust(void **state)
{
    static const enum trust results[] = { ['F'] = TRUST_FULL, ['M'] = TRUST_MILD, ['N'] = TRUST_NONE };
    static const struct {
        enum proof proof;
        const char *bounce, *complaint; /* off, prefer, require: Full, Mild, None */
    } rows[] = {
        { PROOF_NONE, "FMN", "FNN" },    { PROOF_LOCAL, "FFF", "FFF" },   { PROOF_TOKEN, "FFF", "FFF" },
        { PROOF_MESSAGE, "FMM", "FNN" }, { PROOF_EXPIRED, "FMN", "FNN" }, { PROOF_FORGED, "FNN", "FNN" },
    };
    static const char *const words[] = { ", authenticity: off", ", authenticity: prefer",
                                         ", authenticity: require" };

    (void)state;
    for (int mode = 0; mode < 3; mode++) {
        struct settings *asked = settings_of(words[mode]);

        for (size_t i = 0; i < LENGTH(rows); i++) {
            struct finding finding = { .proof = rows[i].proof };
            struct report report = { .kind = MAIL_FAILURE, .findings = &finding, .n = 1 };

            assert_int_equal(authenticity_trust(asked, &report, 0), results[(int)rows[i].bounce[mode]]);
            report.kind = MAIL_COMPLAINT;
            assert_int_equal(authenticity_trust(asked, &report, 0), results[(int)rows[i].complaint[mode]]);
        }
        settings_free(asked);
    }
}

/* Without keys nothing is signed, and every report is believed, as ever. */
static void without_keys(void **state)
{
    struct settings *none = settings_new();
    struct report report = read_by(none, mail_of(&(struct pieces){ .top = NULL }), &mailbox);

    (void)state;
    assert_int_equal(report.n, 1);
    assert_int_equal(authenticity_trust(none, &report, 0), TRUST_FULL);
    report_free(&report);
    settings_free(none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_header),
        cmocka_unit_test(by_envelope_id),
        cmocka_unit_test(by_path),
        cmocka_unit_test(by_any_of_our_domains),
        cmocka_unit_test(in_capitals),
        cmocka_unit_test(renamed_to_the_tokens_lead),
        cmocka_unit_test(a_token_for_each),
        cmocka_unit_test(one_of_two),
        cmocka_unit_test(another_leads_token),
        cmocka_unit_test(two_reports_in_one_mail),
        cmocka_unit_test(expired),
        cmocka_unit_test(every_character_changed),
        cmocka_unit_test(a_bad_one_beside),
        cmocka_unit_test(of_the_message),
        cmocka_unit_test(in_the_wrong_place),
        cmocka_unit_test(nested),
        cmocka_unit_test(written_here),
        cmocka_unit_test(not_written_here),
        cmocka_unit_test(under_way_nothing_is_ours),
        cmocka_unit_test(plain_words_to_a_path),
        cmocka_unit_test(replies_to_a_path),
        cmocka_unit_test(without_a_received_field),
        cmocka_unit_test(our_own_refusal),
        cmocka_unit_test(trust),
        cmocka_unit_test(without_keys),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
