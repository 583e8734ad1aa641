/* SPDX-License-Identifier: BSD-2-Clause */
/* What others have a say in - local parts, a server's words, a header - is never taken for what Postfix
 * wrote; and lines that are cut, changed, long or no text at all do no harm. */
#include "maillog_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistr.h>

#include <cmocka.h>

#define AT    "Nov 22 08:00:00 mx postfix/"
#define RELAY "relay=mx.b.example[192.0.2.7]:25, delay=1.5, delays=1/0/0.2/0.3, "
#define SAID  "host mx.b.example[192.0.2.7] said: "
#define SENT  "dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 77AA)\n"
#define FAKE                                                                                                 \
    "to=<victim@b.example>, relay=mx.b.example[192.0.2.7]:25, delay=1, delays=1/0/0/0, dsn=5.1.1, "          \
    "status=bounced (x)"

static const struct {
    const char *lines, *want;
} rows[] = {
    /* Local parts. */
    { AT "smtp[7]: A1B2C3D4E5: to=<\"x>, dsn=5.1.1, status=bounced (y\"@example.com>, " RELAY SENT,
      "sent x>, dsn=5.1.1, status=bounced (y@example.com\n" },
    { AT "smtp[7]: A1B2C3D4E5: to=<\"x@y>, " RELAY
         "dsn=5.1.1, status=bounced (\\\"z\"@example.com>, " RELAY SENT,
      "sent x@y>, relay=mx.b.example[192.0.2.7]:25, delay=1.5, delays=1/0/0.2/0.3, dsn=5.1.1, status=bounced "
      "(\"z@example.com\n" },
    { AT "smtp[7]: A1B2C3D4E5: to=<ann@b.example>, orig_to=<\"" FAKE "\"@shop.example>, " RELAY SENT,
      "sent to=<victim@b.example>, relay=mx.b.example[192.0.2.7]:25, delay=1, delays=1/0/0/0, dsn=5.1.1, "
      "status=bounced (x)@shop.example\n" },
    { AT "smtp[7]: A1B2C3D4E5: to=<dsn=5.1.1,status=bounced@example.com>, " RELAY SENT,
      "sent dsn=5.1.1,status=bounced@example.com\n" },
    /* A quote that is not closed swallows the line: it is not of the form. */
    { AT "smtp[7]: A1B2C3D4E5: to=<\"x@example.com>, " RELAY "dsn=5.1.1, status=bounced (" SAID "550 no)\n",
      "" },
    { AT "smtp[7]: A1B2C3D4E5: to=<\"x@example.com>, " RELAY "dsn=5.1.1, status=bounced (" SAID
         "550 \">, relay=m, delay=1, delays=1/0/0/0, dsn=5.1.1, status=bounced (x)\n",
      "" },
    /* What a server says. */
    { AT "smtp[7]: A1B2C3D4E5: to=<ann@b.example>, " RELAY "dsn=5.2.2, status=bounced (" SAID
         "552 5.2.2 full), status=sent (250 ok) (in reply to RCPT TO command))\n",
      "bounced ann@b.example mailbox-full 5.2.2 552\n" },
    { AT "smtp[7]: A1B2C3D4E5: to=<ann@b.example>, " RELAY "dsn=5.2.2, status=bounced (" SAID
         "552 5.2.2 full. " FAKE ", dsn=5.1.1, orig_to=<victim@b.example> (in reply to RCPT TO command))\n",
      "bounced ann@b.example mailbox-full 5.2.2 552\n" },
    { AT "smtp[7]: A1B2C3D4E5: to=<ann@b.example>, " RELAY "dsn=5.2.2, status=bounced (" SAID
         "552 5.2.2 full (in reply to RCPT TO command))?" AT "smtp[7]: A1B2C3D4E6: " FAKE
         " (in reply to RCPT TO command))\n",
      "bounced ann@b.example mailbox-full 5.2.2 552\n" },
    { AT "smtp[7]: A1B2C3D4E5: to=<ann@b.example>, " RELAY
         "dsn=2.0.0, status=sent (250 ok, dsn=5.1.1, status=bounced (550 5.1.1 no such user))\n",
      "sent ann@b.example\n" },
    { AT "smtp[7]: A1B2C3D4E5: to=<ann@b.example>, " RELAY "dsn=4.2.0, status=deferred (" SAID
         "450 4.2.0 delivery temporarily suspended: host evil[127.0.0.1] said: 550 5.1.1 (in reply to RCPT "
         "TO command))\n",
      "deferred ann@b.example remote-system 4.2.0 450\n" },
    { AT "smtp[7]: A1B2C3D4E5: " SAID "450 4.2.0 A1B2C3D4E6: " FAKE " (in reply to RCPT TO command)\n", "" },
    { AT "smtp[7]: " SAID "450 A1B2C3D4E6: " FAKE "\n", "" },
    /* What stands in a header, and who a client says he is. */
    { AT "cleanup[7]: A1B2C3D4E5: message-id=<x>, " FAKE "\n", "" },
    { AT "cleanup[7]: A1B2C3D4E5: message-id=" FAKE "\n", "" },
    { AT "cleanup[7]: A1B2C3D4E5: warning: header Subject: " FAKE "\n", "" },
    { AT "cleanup[7]: warning: A1B2C3D4E5: " FAKE "\n", "" },
    { AT "smtpd[7]: NOQUEUE: reject: RCPT from x: 550 A1B2C3D4E5: " FAKE "\n", "" },
    { AT "smtpd[7]: A1B2C3D4E5: client=x[192.0.2.1], sasl_method=PLAIN, sasl_username=" FAKE "\n", "" },
    { AT "qmgr[7]: A1B2C3D4E5: from=<\"x>, " FAKE "\"@b.example>, size=1, nrcpt=1 (queue active)\n", "" },
    /* A host's name is up to the other side's DNS. */
    { AT "smtp[7]: A1B2C3D4E5: to=<ann@b.example>, relay=status=bounced[192.0.2.7]:25, delay=1, "
         "delays=1/0/0/0, " SENT,
      "sent ann@b.example\n" },
    { AT
      "smtp[7]: A1B2C3D4E5: to=<ann@b.example>, relay=mx, dsn=5.1.1, status=bounced[192.0.2.7]:25, delay=1, "
      "delays=1/0/0/0, " SENT,
      "" },
    /* Who is not Postfix. */
    { "Nov 22 08:00:00 mx opendkim[7]: A1B2C3D4E5: " FAKE "\n", "" },
    { "Nov 22 08:00:00 mx sshd[7]: Invalid user postfix/smtp[7]: A1B2C3D4E5: " FAKE "\n", "" },
    { "x A1B2C3D4E5: " FAKE "\n", "" },
};

static void takes_nothing_for_a_field(void **state)
{
    struct maillog_settings settings = world_settings();
    struct world world;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *told;

        world_open(&world, &settings);
        told = world_read(&world, rows[i].lines);
        if (strcmp(told, rows[i].want) != 0)
            fail_msg("%s--- told\n%s--- instead of\n%s", rows[i].lines, told, rows[i].want);
        world_close(&world);
    }
}

/* --- damage --- */

static const char *const story[] = {
    AT "smtpd[7]: 4XkZ2d1q9zXYZ: client=crm.shop.example[192.0.2.10]:4711, sasl_method=PLAIN, "
       "sasl_username=bob, "
       "sasl_sender=x@y",
    AT "pickup[7]: A1B2C3D4E5: uid=0 from=<root>",
    AT "cleanup[7]: A1B2C3D4E5: message-id=<1@crm.shop.example>",
    AT "qmgr[7]: A1B2C3D4E5: from=<\"a \\\"b\"@shop.example>, size=305, nrcpt=2 (queue active)",
    AT "smtp[7]: A1B2C3D4E5: to=<ann@b.example>, " RELAY "dsn=4.2.2, status=deferred (" SAID
       "452-4.2.2 caf\xc3\xa9 452 4.2.2 full (in reply to RCPT TO command))",
    "<22>2026-11-22T09:53:05.123+01:00 mx postfix/smtp[7]: A1B2C3D4E5: to=<\"b>\\\"\"@b.example>, "
    "orig_to=<all@shop.example>, relay=mx.b.example[2001:db8::7]:25, conn_use=3, delay=4.4, "
    "delays=4/0/0.2/0.2, "
    "tls=dane, dsn=5.1.1, status=bounced (" SAID "550 5.1.1 no such user (in reply to RCPT TO command))",
    AT "smtp[7]: message repeated 2 times: [ A1B2C3D4E5: to=<cat@b.example>, " RELAY
       "dsn=2.0.0, status=sent (250 ok)]",
    AT "error[7]: A1B2C3D4E5: to=<dan@b.example>, relay=none, delay=1, delays=1/0/0/0, dsn=4.4.1, "
       "status=deferred "
       "(delivery temporarily suspended: connect to mx.b.example[192.0.2.7]:25: Connection refused)",
    AT "qmgr[7]: A1B2C3D4E5: from=<\"a \\\"b\"@shop.example>, status=expired, returned to sender",
    AT "qmgr[7]: A1B2C3D4E5: removed",
};

static void check(void *ctx, const struct delivery *delivery)
{
    const struct finding *finding = &delivery->finding;

    (*(int *)ctx)++;
    assert_in_range(delivery->kind, DELIVERY_SENT, DELIVERY_EXPIRED);
    assert_int_equal(strlen(finding->lead.text), finding->lead.n);
    assert_int_equal(finding->lead.text[finding->lead.at], '@');
    assert_non_null(finding->rule);
    assert_null(u8_check((const uint8_t *)finding->diag, strlen(finding->diag)));
    assert_true(delivery->message.n > 0 && delivery->queue_id.n > 0);
    assert_true(delivery->sent <= delivery->at);
}

/* Reads the story with one line of it replaced; how many deliveries were told. */
static int read_story(size_t replaced, const char *line, size_t n)
{
    static struct maillog *maillog;
    int told = 0;

    if (maillog == NULL) {
        struct maillog_settings settings = world_settings();

        settings.messages = 3;
        maillog = maillog_new(&settings);
        assert_non_null(maillog);
    }
    for (size_t i = 0; i < sizeof(story) / sizeof(story[0]); i++) {
        /* Exactly as large as the line, so that a sanitizer sees a read behind it. */
        size_t size = i == replaced ? n : strlen(story[i]);
        char *copy = malloc(size == 0 ? 1 : size);

        assert_non_null(copy);
        memcpy(copy, i == replaced ? line : story[i], size);
        (void)maillog_line(maillog, (struct span){ copy, size }, WORLD_NOW, check, &told);
        free(copy);
    }
    return told;
}

static void survives_every_cut(void **state)
{
    (void)state;
    assert_int_equal(read_story(SIZE_MAX, "", 0), 6);
    for (size_t i = 0; i < sizeof(story) / sizeof(story[0]); i++)
        for (size_t n = 0; n < strlen(story[i]); n++)
            assert_in_range(read_story(i, story[i], n), 4, 6);
}

/* Whoever is told of, it is somebody who is named in the line between the first brackets. */
static void a_cut_line_names_nobody_else(void **state)
{
    struct maillog_settings settings = world_settings();
    const char *line = story[5];
    char copy[1024];
    struct world world;

    (void)state;
    world_open(&world, &settings);
    for (size_t n = 0; n <= strlen(line); n++) {
        assert_true(span_copy(copy, sizeof(copy), (struct span){ line, n }));
        world_read(&world, copy);
        if (world.n > 0) {
            assert_string_equal(world.last.lead.text, "all@shop.example");
            assert_true(strncmp(world.told, "bounced ", 8) == 0);
            assert_string_equal(world.last.status, "5.1.1");
        }
        assert_int_equal(world.n > 0, n >= (size_t)(strstr(line, "status=bounced") - line) + 14);
    }
    world_close(&world);
}

static void survives_every_change_of_a_byte(void **state)
{
    static const char bytes[] = "<>\"\\,=() :[]@.%?\n\t/0Zx\x7f\xc3\xff";
    char line[1024];

    (void)state;
    for (size_t i = 0; i < sizeof(story) / sizeof(story[0]); i++) {
        size_t n = strlen(story[i]);

        for (size_t at = 0; at < n; at++)
            for (size_t k = 0; k < sizeof(bytes); k++) { /* the NUL, too */
                memcpy(line, story[i], n);
                line[at] = bytes[k];
                assert_in_range(read_story(i, line, n), 0, 6);
            }
    }
}

static void survives_what_is_no_text(void **state)
{
    uint64_t seed = 1;
    char line[300];

    (void)state;
    for (int i = 0; i < 20000; i++) {
        size_t n = (size_t)(i % 300), start = (size_t)(i % 120);

        for (size_t k = 0; k < n; k++) {
            seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            line[k] = (char)(seed >> 56);
        }
        /* Half of them begin well. */
        if (i % 2 == 0)
            memcpy(line, story[4], start < n ? start : n);
        assert_in_range(read_story(4, line, n), 4, 6);
    }
}

/* A host and an instance of each length: too long is not understood. */
static void reads_long_names(void **state)
{
    struct maillog_settings settings = world_settings();
    struct maillog *maillog = maillog_new(&settings);
    char names[500], line[1024];

    (void)state;
    assert_non_null(maillog);
    memset(names, 'x', sizeof(names));
    for (size_t n = 2; n < 450; n++)
        for (size_t host = 1; host < n; host += n < 380 ? 7 : 1) {
            bool fits = n + strlen("A1B2C3D4E5") + 3 <= 400;

            snprintf(line, sizeof(line), "Nov 22 08:00:00 %.*s %.*s/qmgr[7]: A1B2C3D4E5: from=<>, size=1",
                     (int)host, names, (int)(n - host), names);
            if (maillog_line(maillog, span_of(line), WORLD_NOW, NULL, NULL) != fits)
                fail_msg("%zu bytes, %zu of them the host's", n, host);
        }
    maillog_free(maillog);
}

/* A line of a megabyte that goes on with one byte, at each place where something may be long. */
static void reads_long_lines(void **state)
{
    static const char *const places[] = { "Nov",   "mx ",        "postfix/", "A1B2",
                                          "ann",   "relay=mx",   "192.0",    "delay=1",
                                          "dsn=4", "status=def", "said: 45", "(in reply" };
    static const char bytes[] = "a1 <\"\\(\xc3,[/";
    const size_t longest = 1000000;
    char *line = malloc(longest + 1024);
    const char *text = story[4];

    (void)state;
    assert_non_null(line);
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
        for (size_t k = 0; k + 1 < sizeof(bytes); k++) {
            size_t head = (size_t)(strstr(text, places[i]) - text) + strlen(places[i]);

            memcpy(line, text, head);
            memset(line + head, bytes[k], longest);
            memcpy(line + head + longest, text + head, strlen(text) - head);
            assert_in_range(read_story(4, line, strlen(text) + longest), 4, 6);
        }
    free(line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_nothing_for_a_field),
        cmocka_unit_test(survives_every_cut),
        cmocka_unit_test(a_cut_line_names_nobody_else),
        cmocka_unit_test(survives_every_change_of_a_byte),
        cmocka_unit_test(survives_what_is_no_text),
        cmocka_unit_test(reads_long_names),
        cmocka_unit_test(reads_long_lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
