/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines in, deliveries out: whose word counts, which lines belong together, what remains when a message
 * expires, and that the report to the sender says the same. */
#include "maillog_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define AT    "Nov 22 08:00:00 mx postfix/"
#define RELAY "relay=mx.b.example[192.0.2.7]:25, delay=1.5, delays=1/0/0.2/0.3, "
#define SENT  "dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 77AA)\n"
#define NO                                                                                                   \
    "dsn=5.1.1, status=bounced (host mx.b.example[192.0.2.7] said: 550 5.1.1 no such user (in reply to "     \
    "RCPT TO command))\n"
#define FULL                                                                                                 \
    "dsn=4.2.2, status=deferred (host mx.b.example[192.0.2.7] said: 452 4.2.2 mailbox full (in reply to "    \
    "RCPT TO command))\n"
#define NONE "relay=none, delay=1, delays=0/0/1/0, "

static void expect(struct world *world, const char *lines, const char *want)
{
    const char *told = world_read(world, lines);

    if (strcmp(told, want) != 0)
        fail_msg("%s--- told\n%s--- instead of\n%s", lines, told, want);
}

/* Each row is read by a reader of its own. */
struct row {
    const char *lines, *want;
};

static void expect_rows(const struct row *rows, size_t n)
{
    struct maillog_settings settings = world_settings();
    struct world world;

    for (size_t i = 0; i < n; i++) {
        world_open(&world, &settings);
        expect(&world, rows[i].lines, rows[i].want);
        world_close(&world);
    }
}

#define ROWS(rows) expect_rows(rows, sizeof(rows) / sizeof((rows)[0]))

static void tells_of_each_status(void **state)
{
    static const struct row rows[] = {
        { AT "smtp[7]: A1B2C3D4E5: to=<ann@b.example>, " RELAY SENT, "sent ann@b.example\n" },
        { AT "smtp[7]: A1B2C3D4E5: to=<ann@b.example>, " RELAY NO,
          "bounced ann@b.example user-unknown 5.1.1 550\n" },
        { AT "smtp[7]: A1B2C3D4E5: to=<ann@b.example>, " RELAY FULL,
          "deferred ann@b.example mailbox-full 4.2.2 452\n" },
        { AT "smtp[7]: A1B2C3D4E5: to=<ann@b.example>, " RELAY
             "dsn=4.1.1, status=SOFTBOUNCE (host mx.b.example[192.0.2.7] said: 550 5.1.1 no such user (in "
             "reply to "
             "RCPT TO command))\n",
          "deferred ann@b.example user-unknown 4.1.1 550\n" },
        /* What is still being tried has not expired. */
        { AT "smtp[7]: A1B2C3D4E5: to=<ann@b.example>, " RELAY
             "dsn=4.2.0, status=deferred (host mx.b.example[192.0.2.7] said: 450 4.2.0 come back (in reply "
             "to RCPT TO "
             "command))\n",
          "deferred ann@b.example undetermined 4.2.0 450\n" },
        /* The remote server's code, where `dsn=` is Postfix's 5.0.0 for want of one. */
        { AT "smtp[7]: A1B2C3D4E5: to=<ann@b.example>, " RELAY
             "dsn=5.0.0, status=bounced (host mx.b.example[192.0.2.7] said: 550 sorry (#5.2.1) (in reply to "
             "RCPT TO "
             "command))\n",
          "bounced ann@b.example mailbox-disabled 5.2.1 550\n" },
        /* Lines of a reply, joined. */
        { AT "smtp[7]: A1B2C3D4E5: to=<ann@b.example>, " RELAY
             "dsn=5.7.26, status=bounced (host mx.b.example[192.0.2.7] said: 550-5.7.26 This mail has been "
             "blocked "
             "because 550-5.7.26 the sender is unauthenticated. 550 5.7.26 x1-20020a17 - gsmtp (in reply to "
             "end of "
             "DATA command))\n",
          "bounced ann@b.example auth-failure 5.7.26 550\n" },
        { AT "smtp[7]: A1B2C3D4E5: to=<ann@b.example>, " RELAY
             "dsn=5.2.2, status=bounced (host mx.b.example[192.0.2.7] said: 552-5.2.2 The mailbox of this "
             "customer is "
             "over 552 5.2.2 quota (in reply to RCPT TO command))\n",
          "bounced ann@b.example mailbox-full 5.2.2 552\n" },
        { AT
          "smtp[7]: A1B2C3D4E5: host mx1.b.example[192.0.2.6] said: 450 4.2.0 come back (in reply to RCPT TO "
          "command)\n",
          "" }, /* the next server is tried */
        { AT "smtp[7]: A1B2C3D4E5: to=<ann@b.example>, " RELAY "dsn=2.0.0, status=sent\n",
          "sent ann@b.example\n" },
    };

    (void)state;
    ROWS(rows);
}

static void finds_its_own_verdicts(void **state)
{
    static const struct row rows[] = {
        { AT "smtp[7]: A1B2C3D4E5: to=<ann@b.example>, " NONE
             "dsn=5.4.4, status=bounced (Host or domain name not found. Name service error for "
             "name=b.example type=AAAA: "
             "Host not found)\n",
          "bounced ann@b.example domain-unknown 5.4.4 0\n" },
        { AT "smtp[7]: A1B2C3D4E5: to=<ann@b.example>, " NONE
             "dsn=4.4.3, status=deferred (Host or domain name not found. Name service error for "
             "name=b.example type=MX: "
             "Host not found, try again)\n",
          "deferred ann@b.example network-error 4.4.3 0\n" },
        { AT "smtp[7]: A1B2C3D4E5: to=<ann@b.example>, " NONE
             "dsn=5.1.0, status=bounced (Domain b.example does not accept mail (nullMX))\n",
          "bounced ann@b.example domain-misconfigured 5.1.0 0\n" },
        { AT "smtp[7]: A1B2C3D4E5: to=<ann@b.example>, " NONE
             "dsn=5.4.6, status=bounced (mail for b.example loops back to myself)\n",
          "bounced ann@b.example domain-misconfigured 5.4.6 0\n" },
        { AT "smtp[7]: A1B2C3D4E5: to=<ann@b.example>, " NONE
             "dsn=4.4.1, status=deferred (connect to mx.b.example[192.0.2.7]:25: Connection refused)\n",
          "deferred ann@b.example network-error 4.4.1 0\n" },
        { AT "smtp[7]: A1B2C3D4E5: to=<ann@b.example>, " RELAY
             "dsn=4.4.2, status=deferred (conversation with mx.b.example[192.0.2.7] timed out while sending "
             "end of data "
             "-- message may be sent more than once)\n",
          "deferred ann@b.example network-error 4.4.2 0\n" },
        { AT "smtp[7]: A1B2C3D4E5: to=<ann@b.example>, " RELAY
             "dsn=5.3.4, status=bounced (message size 9901 exceeds size limit 5000 of server "
             "mx.b.example[192.0.2.7])\n",
          "bounced ann@b.example message-too-big 5.3.4 0\n" },
        { AT "smtp[7]: A1B2C3D4E5: to=<jörg@b.example>, " RELAY
             "dsn=5.6.7, status=bounced (SMTPUTF8 is required, but was not offered by host "
             "mx.b.example[192.0.2.7])\n",
          "bounced jörg@b.example content-error 5.6.7 0\n" },
        /* Not tried, because another message had just failed. */
        { AT "error[7]: A1B2C3D4E5: to=<ann@b.example>, " NONE
             "dsn=4.2.2, status=deferred (delivery temporarily suspended: host mx.b.example[192.0.2.7] "
             "refused to talk "
             "to me: 421 4.7.0 too many connections)\n",
          "deferred ann@b.example rate-limited 4.2.2 421\n" },
        { AT "retry[7]: A1B2C3D4E5: to=<ann@b.example>, " NONE
             "dsn=4.4.1, status=deferred (delivery temporarily suspended: connect to "
             "mx.b.example[192.0.2.7]:25: "
             "Connection timed out)\n",
          "deferred ann@b.example network-error 4.4.1 0\n" },
        { AT "qmgr[7]: A1B2C3D4E5: to=<ann@b.example>, " NONE
             "dsn=4.3.0, status=deferred (mail transport unavailable)\n",
          "deferred ann@b.example remote-system 4.3.0 0\n" },
        /* Words of Postfix's own in a server's mouth. */
        { AT "smtp[7]: A1B2C3D4E5: to=<ann@b.example>, " RELAY
             "dsn=5.7.1, status=bounced (host mx.b.example[192.0.2.7] "
             "said: 550 5.7.1 a valid hostname or address is needed (in reply to RCPT TO command))\n",
          "bounced ann@b.example policy-block 5.7.1 550\n" },
    };

    (void)state;
    ROWS(rows);
}

/* No event, and counted as local. */
static void passes_over_what_is_no_leads(void **state)
{
    static const char *const lines[] = {
        AT "local[7]: A1B2C3D4E5: to=<ann@b.example>, relay=local, delay=1, delays=0/0/0/1, dsn=5.1.1, "
           "status=bounced "
           "(unknown user: \"ann\")",
        AT "virtual[7]: A1B2C3D4E5: to=<ann@b.example>, relay=virtual, delay=1, delays=0/0/0/1, dsn=2.0.0, "
           "status=sent "
           "(delivered to maildir)",
        AT "pipe[7]: A1B2C3D4E5: to=<ann@b.example>, relay=filter, delay=1, delays=0/0/0/1, dsn=5.3.0, "
           "status=bounced "
           "(Command died)",
        AT
        "lmtp[7]: A1B2C3D4E5: to=<ann@b.example>, relay=mx[private/dovecot-lmtp], delay=1, delays=0/0/0/1, "
        "dsn=2.0.0, status=sent (250 2.0.0 saved)",
        AT "lmtp[7]: A1B2C3D4E5: to=<ann@b.example>, " RELAY NO,
        AT "discard[7]: A1B2C3D4E5: to=<ann@b.example>, " NONE "dsn=2.0.0, status=sent (b.example)",
        AT "cleanup[7]: A1B2C3D4E5: to=<ann@b.example>, " NONE "dsn=5.7.1, status=bounced (content rejected)",
        AT "smtp[7]: A1B2C3D4E5: to=<ann@b.example>, relay=filter[private/filter], delay=1, delays=0/0/0/1, "
           "dsn=2.0.0, "
           "status=sent (250 ok)",
        /* This Postfix's own configuration. */
        AT "error[7]: A1B2C3D4E5: to=<ann@b.example>, " NONE
           "dsn=5.1.1, status=bounced (no mail for this domain)",
        AT "qmgr[7]: A1B2C3D4E5: to=<ann@b.example>, " NONE "dsn=5.1.3, status=bounced (bad address syntax)",
        /* A content filter. */
        AT
        "smtp[7]: A1B2C3D4E5: to=<ann@b.example>, relay=127.0.0.1[127.0.0.1]:10024, delay=1, delays=0/0/0/1, "
        "dsn=2.0.0, status=sent (250 ok)",
        AT
        "smtp[7]: A1B2C3D4E5: to=<ann@b.example>, relay=127.0.0.1[127.0.0.1]:10024, delay=1, delays=0/0/0/1, "
        "dsn=5.7.0, status=bounced (host 127.0.0.1[127.0.0.1] said: 554 5.7.0 spam (in reply to end of DATA "
        "command))",
        AT "smtp[7]: A1B2C3D4E5: to=<ann@b.example>, " NONE
           "dsn=4.4.1, status=deferred (connect to 127.0.0.1[127.0.0.1]:10024: Connection refused)",
        AT
        "retry[7]: A1B2C3D4E5: to=<ann@b.example>, " NONE
        "dsn=4.4.1, status=deferred (delivery temporarily suspended: connect to 127.0.0.1[127.0.0.1]:10024: "
        "Connection refused)",
        /* Our own refusal. */
        AT "smtp[7]: A1B2C3D4E5: to=<ann@b.example>, " RELAY
           "dsn=5.7.1, status=bounced (host mx.b.example[192.0.2.7] said: 550 5.7.1 <ann@b.example>: "
           "Recipient address "
           "rejected: mailbox full until 2026-11-09 [leadgate-suppressed] (in reply to RCPT TO command))",
        /* Probes of an address. */
        AT "smtp[7]: A1B2C3D4E5: to=<ann@b.example>, " RELAY "dsn=2.1.5, status=deliverable (250 2.1.5 Ok)",
        AT "smtp[7]: A1B2C3D4E5: to=<ann@b.example>, " RELAY "dsn=5.1.1, status=undeliverable (host "
           "mx.b.example[192.0.2.7] said: 550 5.1.1 no such user (in reply to RCPT TO command))",
        /* Mail about our bounces. */
        AT "smtp[7]: A1B2C3D4E5: to=<Bounce+c42@Shop.Example>, " RELAY SENT,
        /* A program of somebody's own that names no host. */
        AT "archive[7]: A1B2C3D4E5: to=<ann@b.example>, relay=archive, delay=1, delays=0/0/0/1, dsn=2.0.0, "
           "status=sent "
           "(x)",
        AT "archive[7]: A1B2C3D4E5: to=<ann@b.example>, " NONE "dsn=4.3.0, status=deferred (x)",
        /* Without a tag: not in the words of the SMTP client. */
        "A1B2C3D4E5: to=<ann@b.example>, " NONE "dsn=5.1.1, status=bounced (no mail for this domain)",
        "A1B2C3D4E5: to=<ann@b.example>, " NONE "dsn=2.0.0, status=sent (b.example)",
        "A1B2C3D4E5: to=<ann@b.example>, relay=local, delay=1, delays=0/0/0/1, dsn=5.1.1, status=bounced "
        "(unknown "
        "user: \"ann\")",
    };
    struct maillog_settings settings = world_settings();
    struct world world;

    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        struct maillog_tally tally;

        world_open(&world, &settings);
        expect(&world, lines[i], "");
        tally = maillog_tally(world.maillog);
        if (tally.local != 1 || tally.foreign != 0 || tally.deliveries != 0)
            fail_msg("%s\nis counted as local %lld, foreign %lld", lines[i], (long long)tally.local,
                     (long long)tally.foreign);
        world_close(&world);
    }
}

static void knows_smtp_by_other_names(void **state)
{
    static const struct row rows[] = {
        { "Nov 22 08:00:00 mx postfix-out/smtp[7]: A1B2C3D4E5: to=<ann@b.example>, " RELAY SENT,
          "sent ann@b.example\n" },
        { "Nov 22 08:00:00 mx bed/relay/smtp[7]: A1B2C3D4E5: to=<ann@b.example>, " RELAY SENT,
          "sent ann@b.example\n" },
        { AT "smtp-slow[7]: A1B2C3D4E5: to=<ann@b.example>, " RELAY SENT, "sent ann@b.example\n" },
        { "2026-11-22T09:00:00.123+01:00 mx postfix/smtp[7]: A1B2C3D4E5: to=<ann@b.example>, " RELAY SENT,
          "sent ann@b.example\n" },
        { "<22>Nov 22 08:00:00 mx postfix/smtp[7]: 4XkZ2d1q9zXYZ: to=<ann@b.example>, " RELAY SENT,
          "sent ann@b.example\n" },
        { AT "smtp[7]: message repeated 2 times: [ A1B2C3D4E5: to=<ann@b.example>, " RELAY
             "dsn=2.0.0, status=sent (250 ok)]\n",
          "sent ann@b.example\n" },
        /* journalctl -o cat */
        { "A1B2C3D4E5: to=<ann@b.example>, " RELAY SENT, "sent ann@b.example\n" },
        { "A1B2C3D4E5: to=<ann@b.example>, " RELAY NO, "bounced ann@b.example user-unknown 5.1.1 550\n" },
        { "A1B2C3D4E5: to=<ann@b.example>, " NONE
          "dsn=5.1.0, status=bounced (Domain b.example does not accept mail (nullMX))\n",
          "bounced ann@b.example domain-misconfigured 5.1.0 0\n" },
        { "A1B2C3D4E5: to=<ann@b.example>, " NONE
          "dsn=4.4.1, status=deferred (connect to mx.b.example[192.0.2.7]:25: Connection refused)\n",
          "deferred ann@b.example network-error 4.4.1 0\n" },
    };

    (void)state;
    ROWS(rows);
}

static void names_the_lead(void **state)
{
    static const struct row rows[] = {
        { AT "smtp[7]: A1B2C3D4E5: to=<ann@b.example>, orig_to=<Staff@Shop.Example>, " RELAY SENT,
          "sent staff@shop.example\n" },
        { AT "smtp[7]: A1B2C3D4E5: to=<ann@b.example>, orig_to=<root>, " RELAY SENT, "sent ann@b.example\n" },
        { AT "smtp[7]: A1B2C3D4E5: to=<Ann.B@B.Example>, " RELAY SENT, "sent ann.b@b.example\n" },
        { AT "smtp[7]: A1B2C3D4E5: to=<\"john doe\"@b.example>, " RELAY SENT, "sent john doe@b.example\n" },
        { AT "smtp[7]: A1B2C3D4E5: to=<\"a\\\"b>\"@b.example>, " RELAY SENT, "sent a\"b>@b.example\n" },
        { AT "smtp[7]: A1B2C3D4E5: to=<jörg@bücher.example>, " RELAY SENT,
          "sent jörg@xn--bcher-kva.example\n" },
        { AT "smtp[7]: A1B2C3D4E5: to=<root>, " RELAY SENT, "" },
        { AT "smtp[7]: A1B2C3D4E5: to=<>, " RELAY SENT, "" },
    };
    struct maillog_settings settings = world_settings();
    struct world world;

    (void)state;
    ROWS(rows);
    settings.context.addresses.default_domain = "shop.example";
    settings.context.addresses.fold_local_part = false;
    world_open(&world, &settings);
    expect(&world, AT "smtp[7]: A1B2C3D4E5: to=<ann@b.example>, orig_to=<Root>, " RELAY SENT,
           "sent Root@shop.example\n");
    world_close(&world);
}

/* --- what is told of a delivery --- */

static void tells_times_and_hosts(void **state)
{
    struct maillog_settings settings = world_settings();
    struct world world;

    (void)state;
    world_open(&world, &settings);
    world_read(&world,
               AT "smtp[7]: A1B2C3D4E5: to=<ann@b.example>, relay=A.MX.Outlook.com[192.0.2.7]:25, delay=4.9, "
                  "delays=4/0/0.5/0.4, " SENT);
    assert_int_equal(world.at, WORLD_NOW - 3600);
    assert_int_equal(world.sent, WORLD_NOW - 3604);
    assert_string_equal(world.relay, "A.MX.Outlook.com");
    assert_string_equal(world.provider, "outlook.com");
    assert_string_equal(world.message, "A1B2C3D4E5");
    assert_int_equal(world.last.cause, CAUSE_NONE);
    assert_int_equal(world.last.reply, 250);
    assert_string_equal(world.last.status, "2.0.0");
    assert_string_equal(world.last.diag, "");
    /* Never reached, but known to answer for the domain. */
    world_read(&world, AT
               "smtp[7]: A1B2C3D4E5: to=<ann@b.example>, " NONE
               "dsn=4.4.1, status=deferred (connect to mx.outlook.com[192.0.2.7]:25: Connection refused)\n");
    assert_string_equal(world.relay, "");
    assert_string_equal(world.provider, "outlook.com");
    assert_string_equal(world.last.diag, "connect to mx.outlook.com[192.0.2.7]:25: Connection refused");
    /* Reached by another message. */
    world_read(&world, AT
               "error[7]: A1B2C3D4E5: to=<ann@b.example>, " NONE
               "dsn=4.7.0, status=deferred (delivery temporarily suspended: host mx.outlook.com[192.0.2.7] "
               "refused to talk to me: 421 4.7.0 busy)\n");
    assert_string_equal(world.relay, "mx.outlook.com");
    assert_string_equal(world.last.diag, "421 4.7.0 busy");
    /* Without a time it is now; a relay by its address has no provider; older than the epoch is not known. */
    world_read(&world, "A1B2C3D4E5: to=<ann@b.example>, relay=192.0.2.7[192.0.2.7]:25, delay=99999999999, "
                       "delays=99999999999/0/0/0, " SENT);
    assert_int_equal(world.at, WORLD_NOW);
    assert_int_equal(world.sent, 0);
    assert_string_equal(world.relay, "192.0.2.7");
    assert_string_equal(world.provider, "");
    /* A relay in the sender's own house says nothing of who answers for the recipient. */
    world_read(&world,
               AT "qmgr[7]: A1B2C3D4E5: from=<news@news.shop.example>, size=305, nrcpt=1 (queue active)\n" AT
                  "smtp[7]: A1B2C3D4E5: to=<ann@b.example>, relay=out.shop.example[192.0.2.7]:25, delay=1, "
                  "delays=1/0/0/0, " SENT);
    assert_string_equal(world.relay, "out.shop.example");
    assert_string_equal(world.provider, "");
    /* Bytes that are no text. */
    world_read(&world, AT
               "smtp[7]: A1B2C3D4E5: to=<ann@b.example>, " RELAY
               "dsn=5.1.1, status=bounced (host mx.b.example[192.0.2.7] said: 550 \xfc\tno  \x01 caf\xc3\xa9 "
               "(in reply to RCPT TO command))\n");
    assert_string_equal(world.last.diag, "550 ? no caf\xc3\xa9");
    world_close(&world);
}

/* The delivery of the last call, by its message. */
struct seen {
    int n;
    bool sender_known;
    char sender[64], client[64], user[64], message[300], queue_id[64];
    struct event event;
};

static void see(void *ctx, const struct delivery *delivery)
{
    struct seen *seen = ctx;

    seen->n++;
    seen->sender_known = delivery->sender_known;
    assert_true(span_copy(seen->sender, sizeof(seen->sender), delivery->sender));
    assert_true(span_copy(seen->client, sizeof(seen->client), delivery->client_address));
    assert_true(span_copy(seen->user, sizeof(seen->user), delivery->sasl_username));
    assert_true(span_copy(seen->message, sizeof(seen->message), delivery->message));
    assert_true(span_copy(seen->queue_id, sizeof(seen->queue_id), delivery->queue_id));
    delivery_event(delivery, &seen->event);
    assert_string_equal(seen->event.lead.text, delivery->finding.lead.text);
    assert_int_equal(seen->event.at, delivery->at);
    assert_int_equal(seen->event.sent, delivery->sent);
}

static struct seen read_seen(struct maillog *maillog, const char *lines)
{
    struct span rest = span_of(lines), line;
    struct seen seen = { .n = 0 };

    while (span_line(&rest, &line))
        (void)maillog_line(maillog, line, WORLD_NOW, see, &seen);
    return seen;
}

static void joins_lines_of_one_message(void **state)
{
    struct maillog_settings settings = world_settings();
    struct maillog *maillog = maillog_new(&settings);
    struct seen seen;

    (void)state;
    seen =
        read_seen(maillog, AT
                  "smtpd[7]: A1B2C3D4E5: client=crm.shop.example[192.0.2.10], sasl_method=PLAIN, "
                  "sasl_username=bob, sasl_sender=x@y\n" AT "cleanup[7]: A1B2C3D4E5: message-id=<1@crm>\n" AT
                  "qmgr[7]: A1B2C3D4E5: from=<news@shop.example>, size=305, nrcpt=1 (queue active)\n" AT
                  "smtp[7]: A1B2C3D4E5: to=<ann@b.example>, " RELAY SENT);
    assert_int_equal(seen.n, 1);
    assert_true(seen.sender_known);
    assert_string_equal(seen.sender, "news@shop.example");
    assert_string_equal(seen.client, "192.0.2.10");
    assert_string_equal(seen.user, "bob");
    assert_string_equal(seen.message, "1@crm");
    assert_string_equal(seen.queue_id, "A1B2C3D4E5");
    assert_int_equal(seen.event.type, EVENT_DELIVERED);
    assert_int_equal(seen.event.source, SOURCE_LOG);
    /* Of another host, and of another instance: nothing is known. */
    seen = read_seen(maillog,
                     "Nov 22 08:00:00 mx2 postfix/smtp[7]: A1B2C3D4E5: to=<ann@b.example>, " RELAY SENT
                     "Nov 22 08:00:00 mx postfix-out/smtp[7]: A1B2C3D4E5: to=<ann@b.example>, " RELAY NO);
    assert_int_equal(seen.n, 2);
    assert_false(seen.sender_known);
    assert_string_equal(seen.message, "A1B2C3D4E5");
    assert_int_equal(seen.event.type, EVENT_BOUNCE);
    assert_int_equal(seen.event.cause, CAUSE_USER_UNKNOWN);
    /* After `removed`, nothing is either. */
    seen = read_seen(maillog, AT "qmgr[7]: A1B2C3D4E5: removed\n" AT
                                 "smtp[7]: A1B2C3D4E5: to=<ann@b.example>, " RELAY FULL);
    assert_false(seen.sender_known);
    assert_string_equal(seen.user, "");
    assert_int_equal(seen.event.type, EVENT_DEFERRED);
    /* Other forms of a client. */
    seen = read_seen(maillog, AT "smtpd[7]: A1B2C3D4E5: client=unknown[2001:db8::7]:4711\n" AT
                                 "smtp[7]: A1B2C3D4E5: to=<ann@b.example>, " RELAY SENT);
    assert_string_equal(seen.client, "2001:db8::7");
    assert_string_equal(seen.user, "");
    maillog_free(maillog);
}

static void names_the_message_as_a_report_does(void **state)
{
    static const struct {
        const char *line, *message;
    } rows[] = {
        { "message-id=<1@crm>", "1@crm" },
        { "message-id=?<1@crm>", "1@crm" },
        { "message-id= <1@crm> (added)", "1@crm" },
        { "message-id=1@crm", "1@crm" },
        { "message-id=<1@crm", "1@crm" },
        { "message-id=<>", "A1B2C3D4E5" },
        { "message-id=", "A1B2C3D4E5" },
        { "resent-message-id=<1@crm>", "A1B2C3D4E5" }, /* a report does not look at it */
    };
    struct maillog_settings settings = world_settings();
    char lines[2048], longest[257];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct maillog *maillog = maillog_new(&settings);

        snprintf(lines, sizeof(lines),
                 AT "cleanup[7]: A1B2C3D4E5: %s\n" AT "smtp[7]: A1B2C3D4E5: to=<ann@b.example>, " RELAY SENT,
                 rows[i].line);
        assert_string_equal(read_seen(maillog, lines).message, rows[i].message);
        maillog_free(maillog);
    }
    for (size_t n = 255; n <= 256; n++) {
        struct maillog *maillog = maillog_new(&settings);

        memset(longest, 'x', n);
        longest[n] = '\0';
        snprintf(lines, sizeof(lines),
                 AT "cleanup[7]: A1B2C3D4E5: message-id=<%s>\n" AT
                    "smtp[7]: A1B2C3D4E5: to=<ann@b.example>, " RELAY SENT,
                 longest);
        assert_string_equal(read_seen(maillog, lines).message, n == 255 ? longest : "A1B2C3D4E5");
        maillog_free(maillog);
    }
}

static void starts_anew_when_a_queue_id_recurs(void **state)
{
#define OLD                                                                                                  \
    AT "smtpd[7]: A1B2C3D4E5: client=old[192.0.2.1], sasl_method=PLAIN, sasl_username=old\n" AT              \
       "cleanup[7]: A1B2C3D4E5: message-id=<old@crm>\n" AT                                                   \
       "qmgr[7]: A1B2C3D4E5: from=<old@shop.example>, size=305, nrcpt=1 (queue active)\n" AT                 \
       "smtp[7]: A1B2C3D4E5: to=<old@b.example>, " RELAY FULL
#define NEW                                                                                                  \
    AT "qmgr[7]: A1B2C3D4E5: from=<new@shop.example>, size=305, nrcpt=1 (queue active)\n" AT                 \
       "smtp[7]: A1B2C3D4E5: to=<ann@b.example>, " RELAY SENT
#define EXPIRES AT "qmgr[7]: A1B2C3D4E5: from=<new@shop.example>, status=expired, returned to sender\n"
    static const struct {
        const char *lines, *client, *user, *message;
    } rows[] = {
        { OLD AT "smtpd[7]: A1B2C3D4E5: client=new[192.0.2.2]\n" NEW EXPIRES, "192.0.2.2", "", "A1B2C3D4E5" },
        { OLD AT "pickup[7]: A1B2C3D4E5: uid=0 from=<root>\n" NEW EXPIRES, "", "", "A1B2C3D4E5" },
        { OLD AT "cleanup[7]: A1B2C3D4E5: message-id=<new@crm>\n" NEW EXPIRES, "", "", "new@crm" },
        { OLD NEW EXPIRES, "", "", "A1B2C3D4E5" },
        /* No recurrence: a retry, a second field of the name, a line that is read twice. */
        { OLD AT "qmgr[7]: A1B2C3D4E5: from=<old@shop.example>, size=305, nrcpt=1 (queue active)\n" AT
                 "cleanup[7]: A1B2C3D4E5: message-id=<old@crm>\n" AT
                 "smtp[7]: A1B2C3D4E5: to=<ann@b.example>, " RELAY SENT,
          "192.0.2.1", "old", "old@crm" },
        { AT "smtpd[7]: A1B2C3D4E5: client=new[192.0.2.2]\n" AT
             "cleanup[7]: A1B2C3D4E5: message-id=<first@crm>\n" AT
             "cleanup[7]: A1B2C3D4E5: message-id=<second@crm>\n" NEW,
          "192.0.2.2", "", "first@crm" },
    };
    struct maillog_settings settings = world_settings();

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct maillog *maillog = maillog_new(&settings);
        struct seen seen = read_seen(maillog, rows[i].lines);

        /* Nobody of the old message expires with the new one. */
        assert_int_equal(seen.n, strstr(rows[i].lines, FULL) != NULL ? 2 : 1);
        assert_string_equal(seen.client, rows[i].client);
        assert_string_equal(seen.user, rows[i].user);
        assert_string_equal(seen.message, rows[i].message);
        maillog_free(maillog);
    }
}

static void leaves_out_mail_of_the_null_sender(void **state)
{
    static const struct row rows[] = {
        { AT "qmgr[7]: A1B2C3D4E5: from=<>, size=305, nrcpt=1 (queue active)\n" AT
             "smtp[7]: A1B2C3D4E5: to=<ann@b.example>, " RELAY SENT,
          "" },
        { AT "qmgr[7]: A1B2C3D4E5: from=<>, size=305, nrcpt=1 (queue active)\n" AT
             "smtp[7]: A1B2C3D4E5: to=<ann@b.example>, " RELAY FULL AT
             "qmgr[7]: A1B2C3D4E5: from=<>, status=expired, returned to sender\n",
          "" },
        /* Known too late for the deferral, but not for the expiry. */
        { AT "smtp[7]: A1B2C3D4E5: to=<ann@b.example>, " RELAY FULL AT
             "qmgr[7]: A1B2C3D4E5: from=<>, status=expired, returned to sender\n",
          "deferred ann@b.example mailbox-full 4.2.2 452\n" },
    };

    (void)state;
    ROWS(rows);
}

/* --- expiry --- */

#define ACTIVE AT "qmgr[7]: A1B2C3D4E5: from=<news@shop.example>, size=305, nrcpt=3 (queue active)\n"
#define EXPIRED                                                                                              \
    "Nov 22 08:30:00 mx postfix/qmgr[7]: A1B2C3D4E5: from=<news@shop.example>, status=expired, returned to " \
    "sender\n"
#define BUSY                                                                                                 \
    "dsn=4.2.0, status=deferred (host mx.b.example[192.0.2.7] said: 450 4.2.0 come back (in reply to RCPT "  \
    "TO command))\n"

static void tells_who_expired(void **state)
{
    static const struct row rows[] = {
        { ACTIVE AT "smtp[7]: A1B2C3D4E5: to=<ann@b.example>, " RELAY FULL EXPIRED,
          "deferred ann@b.example mailbox-full 4.2.2 452\nexpired ann@b.example mailbox-full 4.2.2 452\n" },
        { ACTIVE AT "smtp[7]: A1B2C3D4E5: to=<ann@b.example>, " RELAY BUSY EXPIRED,
          "deferred ann@b.example undetermined 4.2.0 450\nexpired ann@b.example expired 4.2.0 450\n" },
        /* The last reply counts; who was sent or refused meanwhile waits no more; each once. */
        { ACTIVE AT "smtp[7]: A1B2C3D4E5: to=<ann@b.example>, " RELAY BUSY AT
                    "smtp[7]: A1B2C3D4E5: to=<bob@b.example>, " RELAY BUSY AT
                    "smtp[7]: A1B2C3D4E5: to=<cat@b.example>, " RELAY BUSY AT
                    "smtp[7]: A1B2C3D4E5: to=<dan@b.example>, " RELAY BUSY AT
                    "smtp[7]: A1B2C3D4E5: to=<bob@b.example>, " RELAY SENT AT
                    "smtp[7]: A1B2C3D4E5: to=<ann@b.example>, " RELAY FULL AT
                    "smtp[7]: A1B2C3D4E5: to=<dan@b.example>, " RELAY NO EXPIRED EXPIRED,
          "deferred ann@b.example undetermined 4.2.0 450\n"
          "deferred bob@b.example undetermined 4.2.0 450\n"
          "deferred cat@b.example undetermined 4.2.0 450\n"
          "deferred dan@b.example undetermined 4.2.0 450\n"
          "sent bob@b.example\n"
          "deferred ann@b.example mailbox-full 4.2.2 452\n"
          "bounced dan@b.example user-unknown 5.1.1 550\n"
          "expired ann@b.example mailbox-full 4.2.2 452\n"
          "expired cat@b.example expired 4.2.0 450\n" },
        /* An alias of two: one takes it. */
        { ACTIVE AT
          "smtp[7]: A1B2C3D4E5: to=<ann@b.example>, orig_to=<all@shop.example>, " RELAY FULL AT
          "smtp[7]: A1B2C3D4E5: to=<bob@b.example>, orig_to=<all@shop.example>, " RELAY SENT EXPIRED,
          "deferred all@shop.example mailbox-full 4.2.2 452\nsent all@shop.example\n"
          "expired all@shop.example mailbox-full 4.2.2 452\n" },
        { ACTIVE AT
          "smtp[7]: A1B2C3D4E5: to=<ann@b.example>, " RELAY FULL AT
          "qmgr[7]: A1B2C3D4E5: from=<news@shop.example>, status=force-expired, returned to sender\n",
          "deferred ann@b.example mailbox-full 4.2.2 452\nexpired ann@b.example mailbox-full 4.2.2 452\n" },
        /* A sender's name is no status. */
        { AT "smtp[7]: A1B2C3D4E5: to=<ann@b.example>, " RELAY FULL AT
             "qmgr[7]: A1B2C3D4E5: from=<\"x>, status=expired, returned to sender\"@b.example>, size=305, "
             "nrcpt=3 (queue "
             "active)\n",
          "deferred ann@b.example mailbox-full 4.2.2 452\n" },
        /* Whoever was not seen to wait, and whose message is gone. */
        { EXPIRED, "" },
        { ACTIVE EXPIRED, "" },
        { ACTIVE AT "smtp[7]: A1B2C3D4E5: to=<ann@b.example>, " RELAY FULL AT
                    "qmgr[7]: A1B2C3D4E5: removed\n" EXPIRED,
          "deferred ann@b.example mailbox-full 4.2.2 452\n" },
    };
    struct maillog_settings settings = world_settings();
    struct world world;

    (void)state;
    ROWS(rows);
    world_open(&world, &settings);
    world_read(&world, ACTIVE AT "cleanup[7]: A1B2C3D4E5: message-id=<1@crm>\n" AT
                                 "smtp[7]: A1B2C3D4E5: to=<ann@b.example>, " RELAY FULL EXPIRED);
    assert_int_equal(world.at, WORLD_NOW - 1800);
    assert_int_equal(world.sent, WORLD_NOW - 3601);
    assert_string_equal(world.message, "1@crm");
    assert_string_equal(world.relay, "mx.b.example");
    assert_string_equal(world.provider, "b.example");
    assert_string_equal(world.last.diag, "452 4.2.2 mailbox full");
    assert_string_equal(world.last.rule, "full.mailbox");
    assert_int_equal(world.last.hardness, HARDNESS_SOFT);
    world_close(&world);
}

/* Without a function to tell, lines are remembered all the same. */
static void remembers_without_telling(void **state)
{
    struct maillog_settings settings = world_settings();
    struct world world;
    struct span rest = SPAN(ACTIVE AT "cleanup[7]: A1B2C3D4E5: message-id=<1@crm>\n" AT
                                      "smtp[7]: A1B2C3D4E5: to=<ann@b.example>, " RELAY FULL AT
                                      "smtp[7]: A1B2C3D4E5: to=<bob@b.example>, " RELAY NO),
                line;

    (void)state;
    world_open(&world, &settings);
    while (span_line(&rest, &line))
        assert_true(maillog_line(world.maillog, line, WORLD_NOW, NULL, NULL));
    assert_int_equal(maillog_tally(world.maillog).deliveries, 0);
    expect(&world, EXPIRED, "expired ann@b.example mailbox-full 4.2.2 452\n");
    world_close(&world);
}

static void counts_lines(void **state)
{
    struct maillog_settings settings = world_settings();
    struct maillog_tally tally;
    struct world world;

    (void)state;
    world_open(&world, &settings);
    world_read(&world, AT
               "smtpd[7]: connect from unknown[192.0.2.7]\n" ACTIVE AT
               "smtp[7]: A1B2C3D4E5: to=<ann@b.example>, " RELAY FULL AT
               "smtp[7]: A1B2C3D4E5: to=<ann@b.example>, " RELAY SENT AT
               "local[7]: A1B2C3D4E5: to=<ann@b.example>, relay=local, delay=1, delays=0/0/0/1, " SENT AT
               "smtp[7]: A1B2C3D4E5: to=<ann@b.example>, relay=?, status=sent (x)\n" AT
               "smtp[7]: A1B2C3D4E5: to=<ann>, " RELAY SENT "Nov 22 08:00:00 mx sshd[7]: Accepted publickey\n"
               "\n"
               "x\n");
    tally = maillog_tally(world.maillog);
    assert_int_equal(tally.lines, 10);
    assert_int_equal(tally.foreign, 5);
    assert_int_equal(tally.deliveries, 2);
    assert_int_equal(tally.local, 1);
    assert_int_equal(tally.forgotten, 0);
    world_close(&world);
}

/* --- the report says the same --- */

static struct report read_report(const char *name, const struct bounce_context *context)
{
    const char *dir = getenv("TEST_DATA");
    static char mail[65536];
    struct report report;
    struct err err;
    char path[4096];
    size_t n;
    FILE *fp;

    snprintf(path, sizeof(path), "%s/bounce/%s", dir == NULL ? "test/data" : dir, name);
    fp = fopen(path, "rb");
    assert_non_null(fp);
    n = fread(mail, 1, sizeof(mail), fp);
    fclose(fp);
    assert_int_equal(report_read(&report, (struct span){ mail, n }, context, &err), 0);
    assert_int_equal(report.n, 1);
    return report;
}

static void says_what_the_report_says(void **state)
{
#define SAID(host) "host " host "[192.0.2.77] said: "
    static const struct {
        const char *mail, *line; /* the line from `to=<` on; what a report calls expired has one more */
    } rows[] = {
        { "postfix-8bit-reply.eml",
          "to=<ida.holm@post.example>, relay=mx1.post.example[192.0.2.77]:25, delay=2, delays=1/0/1/0, "
          "dsn=5.1.1, "
          "status=bounced (" SAID(
              "mx1.post.example") "550 5.1.1 用户不存在 (não há tal caixa) (in reply to RCPT TO "
                                  "command))" },
        { "postfix-alias.eml", "to=<kurt.old@gone.example>, orig_to=<staff+kurt@shop.example>, "
                               "relay=mx1.post.example[192.0.2.77]:25, "
                               "delay=2, delays=1/0/1/0, dsn=5.1.1, status=bounced (" SAID(
                                   "mx1.post.example") "550 5.1.1 <kurt.old@gone.example>: Recipient address "
                                                       "rejected: User unknown in local "
                                                       "recipient table (in reply to RCPT TO command))" },
        { "postfix-code-in-text.eml",
          "to=<old@plain.example>, relay=plain.example[192.0.2.77]:25, delay=2, delays=1/0/1/0, dsn=5.0.0, "
          "status=bounced (" SAID("plain.example") "550 sorry (#5.2.1) (in reply to RCPT TO command))" },
        { "postfix-dns-timeout.eml",
          "to=<bo@typo.example>, relay=none, delay=2, delays=1/0/1/0, dsn=4.4.3, status=deferred (Host or "
          "domain name "
          "not found. Name service error for name=typo.example type=MX: Host not found, try again)" },
        { "postfix-expired-full.eml",
          "to=<mats@full.example>, relay=mx.full.example[192.0.2.77]:25, delay=432000, delays=431998/0/1/1, "
          "dsn=4.2.2, "
          "status=deferred (" SAID(
              "mx.full.example") "452 4.2.2 <mats@full.example> The recipient is over quota (in "
                                 "reply to RCPT TO command))" },
        { "postfix-loop.eml",
          "to=<x@loop.example>, relay=none, delay=2, delays=1/0/1/0, dsn=5.4.6, status=bounced (mail "
          "for loop.example loops back to myself)" },
        { "postfix-multiline-auth.eml",
          "to=<li@mail.example>, relay=in.mail.example[192.0.2.77]:25, delay=2, delays=1/0/1/0, dsn=5.7.26, "
          "status=bounced (" SAID(
              "in.mail.example") "550-5.7.26 Your message is not authenticated, and our 550-5.7.26 "
                                 "users asked us not to take such mail. Pass one of SPF or 550-5.7.26 "
                                 "the other. 550 5.7.26 see https://help.mail.example/auth - "
                                 "q12si345 (in reply to end of DATA command))" },
        { "postfix-no-domain.eml",
          "to=<bo@typo.example>, relay=none, delay=2, delays=1/0/1/0, dsn=5.4.4, status=bounced (Host or "
          "domain name not "
          "found. Name service error for name=typo.example type=AAAA: Host not found)" },
        { "postfix-no-enhanced-code.eml",
          "to=<old@plain.example>, relay=plain.example[192.0.2.77]:25, delay=2, delays=1/0/1/0, dsn=5.0.0, "
          "status=bounced (" SAID(
              "plain.example") "550 no such mailbox on this server (in reply to RCPT TO command))" },
        { "postfix-nullmx.eml",
          "to=<x@nomail.example>, relay=none, delay=2, delays=1/0/1/0, dsn=5.1.0, status=bounced "
          "(Domain nomail.example does not accept mail (nullMX))" },
        { "postfix-refused.eml", "to=<eva@slow.example>, relay=none, delay=2, delays=1/0/1/0, dsn=4.4.1, "
                                 "status=deferred (connect to "
                                 "mx.slow.example[192.0.2.77]:25: Connection refused)" },
        { "postfix-smtputf8.eml",
          "to=<jörg@bücher.example>, relay=mx1.post.example[192.0.2.77]:25, delay=2, delays=1/0/1/0, "
          "dsn=5.1.1, "
          "status=bounced (" SAID(
              "mx1.post.example") "550 5.1.1 <jörg@bücher.example>: no such user here (in reply to "
                                  "RCPT TO command))" },
        { "postfix-split-phrase.eml",
          "to=<li@mail.example>, relay=in.mail.example[192.0.2.77]:25, delay=2, delays=1/0/1/0, dsn=5.2.2, "
          "status=bounced (" SAID(
              "in.mail.example") "552-5.2.2 The mailbox of this customer is over 552-5.2.2 quota, "
                                 "and takes nothing until it has been cleared. 552 5.2.2 q12si346 "
                                 "(in reply to RCPT TO command))" },
        { "postfix-suspended.eml",
          "to=<eva@slow.example>, relay=none, delay=2, delays=1/0/1/0, dsn=4.7.0, status=deferred (delivery "
          "temporarily suspended: host mx.slow.example[192.0.2.77] refused to talk to me: 421 4.7.0 Too many "
          "connections, come back later)" },
        /* What the reply was one to is said around it. */
        { "postfix-mail-from.eml",
          "to=<eva@slow.example>, relay=mx.slow.example[192.0.2.77]:25, delay=2, delays=1/0/1/0, dsn=5.0.0, "
          "status=bounced (" SAID(
              "mx.slow.example") "550 Domain shop.example does not exist (in reply to MAIL FROM "
                                 "command))" },
        { "postfix-timeout.eml",
          "to=<eva@slow.example>, relay=mx.slow.example[192.0.2.77]:25, delay=2, delays=1/0/1/0, dsn=4.4.2, "
          "status=deferred (conversation with mx.slow.example[192.0.2.77] timed out while sending RCPT TO)" },
    };
    struct maillog_settings settings = world_settings();
    struct world world;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct report report = read_report(rows[i].mail, &settings.context);
        const struct finding *finding = &report.findings[0];
        char lines[4096];

        world_open(&world, &settings);
        snprintf(lines, sizeof(lines),
                 AT "cleanup[7]: 4A1B22C3D4: message-id=<letter-11@crm.shop.example>\n" AT
                    "qmgr[7]: 4A1B22C3D4: from=<news@shop.example>, size=305, nrcpt=1 (queue active)\n" AT
                    "smtp[7]: 4A1B22C3D4: %s\n%s",
                 rows[i].line,
                 strstr(rows[i].line, "status=deferred") == NULL ? ""
                                                                 : AT
                     "qmgr[7]: 4A1B22C3D4: from=<news@shop.example>, status=expired, returned to sender\n");
        world_read(&world, lines);
        if (world.last.cause != finding->cause || strcmp(world.last.rule, finding->rule) != 0)
            fail_msg("%s: %s by %s, in the log %s by %s", rows[i].mail, cause_name(finding->cause),
                     finding->rule, cause_name(world.last.cause), world.last.rule);
        assert_int_equal(world.last.hardness, finding->hardness);
        assert_int_equal(world.last.reply, finding->reply);
        assert_string_equal(world.last.status, finding->status);
        assert_string_equal(world.last.lead.text, finding->lead.text);
        assert_string_equal(world.last.diag, finding->diag);
        assert_string_equal(world.message, report.message);
        report_free(&report);
        world_close(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_of_each_status),
        cmocka_unit_test(finds_its_own_verdicts),
        cmocka_unit_test(passes_over_what_is_no_leads),
        cmocka_unit_test(knows_smtp_by_other_names),
        cmocka_unit_test(names_the_lead),
        cmocka_unit_test(tells_times_and_hosts),
        cmocka_unit_test(joins_lines_of_one_message),
        cmocka_unit_test(names_the_message_as_a_report_does),
        cmocka_unit_test(starts_anew_when_a_queue_id_recurs),
        cmocka_unit_test(leaves_out_mail_of_the_null_sender),
        cmocka_unit_test(tells_who_expired),
        cmocka_unit_test(remembers_without_telling),
        cmocka_unit_test(counts_lines),
        cmocka_unit_test(says_what_the_report_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
