/* SPDX-License-Identifier: BSD-2-Clause */
/* The pieces of a log line: time, host, tag, queue id; the fields of an attempt; Postfix's words around a
 * reply.
 */
#include "leadgate/reason.h"
#include "maillog/attempt.h"
#include "maillog/line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static void set_zone(const char *zone)
{
    setenv("TZ", zone, 1);
    tzset();
}

static int64_t iso(const char *text)
{
    int64_t at = -1;

    if (stamp_read_iso(span_of(text), &at) != strlen(text))
        fail_msg("\"%s\" is not read as a time", text);
    return at;
}

/* The time of a traditional stamp, read on its own; -1 when there is none. */
static int64_t traditional(const char *text, const char *now)
{
    struct stamp_cache cache = { 0 };
    int64_t at = -1;

    return stamp_read_traditional(&cache, span_of(text), iso(now), &at) == 0 ? -1 : at;
}

static void expect_time(const char *text, const char *now, const char *want)
{
    int64_t at = traditional(text, now);

    if (at != iso(want))
        fail_msg("\"%s\" read at %s is %lld, not %lld (%s)", text, now, (long long)at, (long long)iso(want),
                 want);
}

static void reads_rfc_3339(void **state)
{
    static const char *const same[] = {
        "2026-11-22T08:53:05Z",        "2026-11-22T09:53:05+01:00",        "2026-11-22T09:53:05+0100",
        "2026-11-22T08:53:05.999999Z", "2026-11-22T09:53:05.123456+01:00", "2026-11-22T09:53:05,123+0100",
        "2026-11-21T22:23:05.5-10:30", "2026-11-22T08:53:05.+00:00",       "2026-11-22T08:53:05-00:00",
    };
    static const char *const bad[] = {
        "2026-11-22T09:53:05",     "2026-11-22 09:53:05Z",  "2026-13-22T09:53:05Z",
        "2026-02-29T09:53:05Z",    "2026-00-10T09:53:05Z",  "2026-01-00T09:53:05Z",
        "2026-11-22T24:00:00Z",    "2026-11-22T09:60:05Z",  "2026-11-22T09:53:61Z",
        "2026-11-22T09:53Z",       "2026-11-22T09:53:05+1", "2026-11-22T09:53:05+24:00",
        "2026-11-22T09:53:05+01:", "1969-12-31T23:59:59Z",  "1970-01-01T00:59:59+01:00",
        "2026-1-22T09:53:05Z0",    "2026-11-22T09.53.05Z",  "",
        "2026-11-22T09:53:05+01",  "0000-01-01T00:00:00Z",  "2026-11-22T09:53:05.1234",
    };
    int64_t at;

    (void)state;
    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
        if (iso(same[i]) != 1795337585)
            fail_msg("%s is %lld", same[i], (long long)iso(same[i]));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (stamp_read_iso(span_of(bad[i]), &at) != 0)
            fail_msg("\"%s\" is read as a time", bad[i]);
    assert_int_equal(iso("1970-01-01T00:00:00Z"), 0);
    assert_int_equal(iso("2000-02-29T12:00:00Z"), 951825600);
    assert_int_equal(iso("2016-12-31T23:59:60Z"), 1483228800); /* a leap second */
    assert_int_equal(iso("2100-03-01T00:00:00Z"), 4107542400);
}

/* Dates by hand are those of the C library. */
static void counts_days_as_libc_does(void **state)
{
    (void)state;
    for (int64_t day = 0; day < 200 * 366; day++) {
        time_t seconds = (time_t)(day * 86400 + day % 86400);
        char text[32];
        struct tm tm;

        gmtime_r(&seconds, &tm);
        strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
        if (iso(text) != seconds)
            fail_msg("%s is not %lld", text, (long long)seconds);
    }
}

static void finds_the_year(void **state)
{
    (void)state;
    set_zone("UTC");
    expect_time("Nov 22 05:13:15", "2026-11-22T05:13:16Z", "2026-11-22T05:13:15Z");
    expect_time("Nov 02 05:13:15", "2026-11-22T05:13:16Z", "2026-11-02T05:13:15Z");
    expect_time("Nov  2 05:13:15", "2026-11-22T05:13:16Z", "2026-11-02T05:13:15Z");
    expect_time("Nov 22 05:13:15.987654", "2026-11-22T05:13:16Z", "2026-11-22T05:13:15Z");
    /* Of last year, as soon as it would be more than a day ahead. */
    expect_time("Dec 31 23:59:59", "2027-01-01T00:00:00Z", "2026-12-31T23:59:59Z");
    expect_time("Jan  1 00:00:10", "2026-12-31T23:59:50Z", "2027-01-01T00:00:10Z");
    expect_time("Nov 23 05:00:00", "2026-11-22T05:00:00Z", "2026-11-23T05:00:00Z");
    expect_time("Nov 23 05:00:01", "2026-11-22T05:00:00Z", "2025-11-23T05:00:01Z");
    expect_time("Mar  1 00:00:00", "2026-11-22T05:00:00Z", "2026-03-01T00:00:00Z");
    /* A leap day is of the last leap year; 2100 is none. */
    expect_time("Feb 29 10:00:00", "2027-06-01T00:00:00Z", "2024-02-29T10:00:00Z");
    expect_time("Feb 29 10:00:00", "2028-02-29T10:00:00Z", "2028-02-29T10:00:00Z");
    expect_time("Feb 29 10:00:00", "2028-02-27T10:00:00Z", "2024-02-29T10:00:00Z");
    expect_time("Feb 29 10:00:00", "2103-06-01T00:00:00Z", "2096-02-29T10:00:00Z");
    expect_time("Jun 30 23:59:60", "2026-11-22T05:00:00Z", "2026-07-01T00:00:00Z");
}

static void reads_no_other_traditional_time(void **state)
{
    static const char *const bad[] = {
        "Nov 31 05:13:15", "Nov 00 05:13:15", "Nov  0 05:13:15", "nov 22 05:13:15",
        "Nov 22 24:13:15", "Nov 22 05:60:15", "Nov 22 05:13:61", "Nov 22 05:13",
        "Nov 22  5:13:15", "Nov 2 05:13:155", "Nov 22 05-13:15", "Nov 22 05:13 15",
        "Now 22 05:13:15", "Nov xx 05:13:15", "Nov  x 05:13:15", "",
        "Feb 30 05:13:15",
    };

    (void)state;
    set_zone("UTC");
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (traditional(bad[i], "2026-11-22T05:00:00Z") != -1)
            fail_msg("\"%s\" is read as a time", bad[i]);
    /* A clock that nobody has set. */
    assert_int_equal(traditional("Jan  1 00:00:10", "1970-01-01T00:00:00Z"), 10);
    assert_int_equal(traditional("Nov 22 05:13:15", "1970-01-01T00:00:00Z"), -1);
}

static void reads_local_time(void **state)
{
    (void)state;
    set_zone("Europe/Berlin");
    expect_time("Nov 22 05:13:15", "2026-11-22T09:00:00Z", "2026-11-22T04:13:15Z");
    expect_time("Jul 22 05:13:15", "2026-11-22T09:00:00Z", "2026-07-22T03:13:15Z");
    /* The night in which the hour from 2 to 3 comes twice, and the one in which there is none. */
    expect_time("Oct 25 01:59:59", "2026-11-22T09:00:00Z", "2026-10-24T23:59:59Z");
    expect_time("Oct 25 02:30:00", "2026-11-22T09:00:00Z", "2026-10-25T00:30:00Z");
    expect_time("Oct 25 02:30:00", "2026-10-25T01:30:00Z", "2026-10-25T00:30:00Z");
    expect_time("Oct 25 03:00:00", "2026-11-22T09:00:00Z", "2026-10-25T02:00:00Z");
    expect_time("Mar 29 01:59:59", "2026-11-22T09:00:00Z", "2026-03-29T00:59:59Z");
    expect_time("Mar 29 02:30:00", "2026-11-22T09:00:00Z", "2026-03-29T01:30:00Z");
    expect_time("Mar 29 03:00:00", "2026-11-22T09:00:00Z", "2026-03-29T01:00:00Z");
    set_zone("Europe/Dublin"); /* whose winter is the exception, by the letter */
    expect_time("Oct 25 01:30:00", "2026-11-22T09:00:00Z", "2026-10-25T00:30:00Z");
    set_zone("Pacific/Auckland"); /* a day ahead of UTC */
    expect_time("Jan  1 00:30:00", "2026-12-31T11:31:00Z", "2026-12-31T11:30:00Z");
    expect_time("Dec 31 23:30:00", "2026-12-31T11:31:00Z", "2026-12-31T10:30:00Z");
    set_zone("Australia/Lord_Howe"); /* summer time is half an hour */
    expect_time("Apr  5 01:45:00", "2026-11-22T09:00:00Z", "2026-04-04T14:45:00Z");
    set_zone("UTC");
}

/* A cache that has seen other lines answers like a new one. */
static void remembers_minutes_without_a_difference(void **state)
{
    static const char *const zones[] = { "UTC", "Europe/Berlin", "America/New_York" };
    static const char *const stamps[] = { "Nov 22 05:13:15", "Nov 22 05:13:59", "Nov 22 05:13:60",
                                          "Nov 23 04:59:59", "Dec 31 23:59:59", "Jan  1 00:00:00",
                                          "Feb 29 00:00:00", "Oct 25 02:30:00" };
    static const char *const times[] = { "2026-11-22T05:13:15Z", "2026-11-21T05:13:14Z",
                                         "2026-11-21T05:13:15Z", "2026-11-21T05:14:00Z",
                                         "2026-12-30T23:59:59Z", "2026-12-31T00:00:00Z",
                                         "2027-11-30T00:00:00Z", "2028-02-28T00:00:00Z",
                                         "2028-03-01T00:00:00Z", "1970-01-01T00:00:00Z" };
    unsigned seed = 1;

    (void)state;
    for (size_t zone = 0; zone < sizeof(zones) / sizeof(zones[0]); zone++) {
        struct stamp_cache cache = { 0 };

        set_zone(zones[zone]);
        for (int i = 0; i < 20000; i++) {
            const char *stamp = stamps[(seed = seed * 1103515245 + 12345) / 65536 % 8];
            const char *now = times[(seed = seed * 1103515245 + 12345) / 65536 % 10];
            int64_t at = -1, want = traditional(stamp, now);

            if ((stamp_read_traditional(&cache, span_of(stamp), iso(now), &at) == 0 ? -1 : at) != want)
                fail_msg("%s: \"%s\" read at %s is %lld, not %lld", zones[zone], stamp, now, (long long)at,
                         (long long)want);
        }
    }
    set_zone("UTC");
}

/* --- host, tag, queue id --- */

/* `kind host instance program queueid|rest`. */
static void show_line(char *dst, size_t size, const char *text)
{
    struct stamp_cache cache = { 0 };
    struct log_line line;

    switch (line_read(&line, &cache, span_of(text), 1795338000)) {
    case LINE_FOREIGN: snprintf(dst, size, "foreign"); return;
    case LINE_OTHER: snprintf(dst, size, "other"); return;
    case LINE_MESSAGE: break;
    }
    snprintf(dst, size, "[%.*s][%.*s][%.*s][%.*s]%.*s", SPAN_FMT(line.host), SPAN_FMT(line.instance),
             SPAN_FMT(line.program), SPAN_FMT(line.queue_id), SPAN_FMT(line.rest));
}

static void tells_lines_apart(void **state)
{
    static const struct {
        const char *line, *want;
    } rows[] = {
        { "2026-11-22T12:00:00Z mx postfix/smtp[77]: A1B2C3D4E5: x", "[mx][postfix][smtp][A1B2C3D4E5]x" },
        { "<22>2026-11-22T12:00:00Z mx postfix/smtp[77]: A1B2C3D4E5: x", "[mx][postfix][smtp][A1B2C3D4E5]x" },
        { "Nov 22 12:00:00.123456 mx postfix/smtp[77]: A1B2C3D4E5: x", "[mx][postfix][smtp][A1B2C3D4E5]x" },
        { "2026-11-22T12:00:00Z mx postfix/campaign/smtpd[77]: A1B2C3D4E5: x",
          "[mx][postfix][smtpd][A1B2C3D4E5]x" },
        { "2026-11-22T12:00:00Z mx.a.example postfix-out/smtp[77]: A1B2C3D4E5: x",
          "[mx.a.example][postfix-out][smtp][A1B2C3D4E5]x" },
        { "2026-11-22T12:00:00Z mx postfix/smtp: A1B2C3D4E5: x", "[mx][postfix][smtp][A1B2C3D4E5]x" },
        /* Short queue ids and long ones. */
        { "A1B2C3: x", "[][][][A1B2C3]x" },
        { "A1B2C: x", "foreign" },
        { "4XkZ2d1q9zXYZ: x", "[][][][4XkZ2d1q9zXYZ]x" },
        { "4XkZ2d1q9: x", "foreign" },
        { "3BCDFGHJKL: x", "[][][][3BCDFGHJKL]x" },
        { "a1b2c3d4e5f6: x", "foreign" },
        { "4XkZ2d1q9zXYa: x", "foreign" },
        { "A1B2C3D4E5:x", "foreign" },
        { "A1B2C3D4E5:", "foreign" },
        { "A1B2C3D4E5", "foreign" },
        { "A1B2C3D4E5: ", "[][][][A1B2C3D4E5]" },
        { "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA: x", "foreign" },
        { "DEC123: x", "[][][][DEC123]x" },
        /* About no message. */
        { "2026-11-22T12:00:00Z mx postfix/smtpd[77]: connect from unknown[192.0.2.7]", "other" },
        { "2026-11-22T12:00:00Z mx postfix/smtpd[77]: NOQUEUE: reject: RCPT from x: 550", "other" },
        { "2026-11-22T12:00:00Z mx postfix/smtpd[77]: warning: A1B2C3D4E5: x", "other" },
        { "2026-11-22T12:00:00Z mx postfix/anvil[77]: statistics: max connection rate 1/60s", "other" },
        { "2026-11-22T12:00:00Z mx postfix/smtpd[77]: ", "other" },
        /* Not Postfix's. */
        { "2026-11-22T12:00:00Z mx opendkim[77]: A1B2C3D4E5: DKIM-Signature field added", "foreign" },
        { "2026-11-22T12:00:00Z mx kernel: postfix/smtp", "foreign" },
        { "2026-11-22T12:00:00Z mx postfix/smtp[77] A1B2C3D4E5: x", "foreign" },
        { "2026-11-22T12:00:00Z mx /smtp[77]: A1B2C3D4E5: x", "foreign" },
        { "2026-11-22T12:00:00Z mx postfix/[77]: A1B2C3D4E5: x", "foreign" },
        { "2026-11-22T12:00:00Z mx [77]: A1B2C3D4E5: x", "foreign" },
        { "2026-11-22T12:00:00Z mx : A1B2C3D4E5: x", "foreign" },
        { "2026-11-22T12:00:00Z mx", "foreign" },
        { "2026-11-22T12:00:00Z", "foreign" },
        { "2026-11-22T12:00:00Zmx postfix/smtp[77]: A1B2C3D4E5: x", "foreign" },
        { "<22>", "foreign" },
        { "<>A1B2C3D4E5: x", "foreign" },
        { "<22A1B2C3D4E5: x", "foreign" },
        { "", "foreign" },
        /* rsyslog's. */
        { "2026-11-22T12:00:00Z mx postfix/smtp[77]: message repeated 2 times: [ A1B2C3D4E5: (x)]",
          "[mx][postfix][smtp][A1B2C3D4E5](x)" },
        { "2026-11-22T12:00:00Z mx postfix/smtp[77]: message repeated 2 times: [ A1B2C3D4E5: (x)",
          "[mx][postfix][smtp][A1B2C3D4E5](x)" },
        { "2026-11-22T12:00:00Z mx postfix/smtp[77]: message repeated 2 times", "other" },
        { "2026-11-22T12:00:00Z mx last message repeated 2 times", "foreign" },
    };
    char text[256];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        show_line(text, sizeof(text), rows[i].line);
        if (strcmp(text, rows[i].want) != 0)
            fail_msg("%s\nis  %s\nnot %s", rows[i].line, text, rows[i].want);
    }
}

/* --- attempts --- */

/* `to|orig_to|relay|delay|dsn|status|text`, or `no`. */
static void show_attempt(char *dst, size_t size, const char *text)
{
    static const char *const words[] = { "?", "sent", "bounced", "deferred", "probe" };
    struct attempt attempt;

    if (!attempt_read(&attempt, span_of(text)))
        snprintf(dst, size, "no");
    else
        snprintf(dst, size, "%.*s|%.*s|%.*s|%lld|%.*s|%s|%.*s", SPAN_FMT(attempt.to),
                 SPAN_FMT(attempt.orig_to), SPAN_FMT(attempt.relay), (long long)attempt.delay,
                 SPAN_FMT(attempt.dsn), words[attempt.status], SPAN_FMT(attempt.text));
}

#define MIDDLE "relay=m[192.0.2.1]:25, delay=4.4, delays=4/0/0.2/0.2, dsn=5.1.1, status="

static void reads_attempts(void **state)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        { "to=<a@b>, " MIDDLE "bounced (x)", "a@b||m[192.0.2.1]:25|4|5.1.1|bounced|x" },
        { "to=<a@b>, orig_to=<c@d>, " MIDDLE "sent (250 ok)", "a@b|c@d|m[192.0.2.1]:25|4|5.1.1|sent|250 ok" },
        { "to=<a@b>, relay=none, delay=432000, delays=432000/0.01/0/0, dsn=4.4.1, status=deferred (x)",
          "a@b||none|432000|4.4.1|deferred|x" },
        { "to=<a@b>, relay=m, conn_use=27, delay=0, delays=0/0/0/0, dsn=2.0.0, status=sent (x)",
          "a@b||m|0|2.0.0|sent|x" },
        { "to=<a@b>, relay=m, delay=0, delays=0/0/0/0, tls=(disabled:dane)/!sts, dsn=2.0.0, status=sent (x)",
          "a@b||m|0|2.0.0|sent|x" },
        { "to=<a@b>, " MIDDLE "SOFTBOUNCE (x)", "a@b||m[192.0.2.1]:25|4|5.1.1|deferred|x" },
        { "to=<a@b>, " MIDDLE "deliverable (x)", "a@b||m[192.0.2.1]:25|4|5.1.1|probe|x" },
        { "to=<a@b>, " MIDDLE "undeliverable (x)", "a@b||m[192.0.2.1]:25|4|5.1.1|probe|x" },
        { "to=<>, " MIDDLE "sent (x)", "||m[192.0.2.1]:25|4|5.1.1|sent|x" },
        /* Cut, but not before what counts. */
        { "to=<a@b>, " MIDDLE "bounced (x y", "a@b||m[192.0.2.1]:25|4|5.1.1|bounced|x y" },
        { "to=<a@b>, " MIDDLE "bounced (", "a@b||m[192.0.2.1]:25|4|5.1.1|bounced|" },
        { "to=<a@b>, " MIDDLE "bounced ", "a@b||m[192.0.2.1]:25|4|5.1.1|bounced|" },
        { "to=<a@b>, " MIDDLE "bounced", "a@b||m[192.0.2.1]:25|4|5.1.1|bounced|" },
        { "to=<a@b>, " MIDDLE "bounced (x (y))", "a@b||m[192.0.2.1]:25|4|5.1.1|bounced|x (y)" },
        /* Quoted local parts, and what is between quotes is no end of an address. */
        { "to=<\"a b\"@c>, " MIDDLE "sent (x)", "\"a b\"@c||m[192.0.2.1]:25|4|5.1.1|sent|x" },
        { "to=<\"a\\\"b>\"@c>, " MIDDLE "sent (x)", "\"a\\\"b>\"@c||m[192.0.2.1]:25|4|5.1.1|sent|x" },
        { "to=<\"a\\\\\"@c>, " MIDDLE "sent (x)", "\"a\\\\\"@c||m[192.0.2.1]:25|4|5.1.1|sent|x" },
        { "to=<\"x>, dsn=5.1.1, status=bounced (y\"@c>, " MIDDLE "sent (x)",
          "\"x>, dsn=5.1.1, status=bounced (y\"@c||m[192.0.2.1]:25|4|5.1.1|sent|x" },
        { "to=<a@c>, orig_to=<\"b>, relay=evil[192.0.2.6]:25, \"@c>, " MIDDLE "sent (x)",
          "a@c|\"b>, relay=evil[192.0.2.6]:25, \"@c|m[192.0.2.1]:25|4|5.1.1|sent|x" },
        /* Not of the form. */
        { "to=<a@b>, " MIDDLE "bounce", "no" },
        { "to=<a@b>, " MIDDLE "bounced x", "no" },
        { "to=<a@b>, " MIDDLE, "no" },
        { "to=<a@b>, " MIDDLE "relayed (x)", "no" },
        { "to=<a@b>, " MIDDLE "sent, status=bounced (x)", "no" },
        { "to=<a@b, " MIDDLE "sent (x)", "no" },
        { "to=<\"a@b>, " MIDDLE "sent (x)", "no" },
        { "to=<\"a@b\\", "no" },
        { "to=a@b, " MIDDLE "sent (x)", "no" },
        { "to=<a@b> " MIDDLE "sent (x)", "no" },
        { "to=<a@b>, relay=m, dsn=2.0.0, status=sent (x)", "no" },
        { "to=<a@b>, relay=, delay=0, delays=0/0/0/0, dsn=2.0.0, status=sent (x)", "no" },
        { "to=<a@b>, relay=m, delay=x, delays=0/0/0/0, dsn=2.0.0, status=sent (x)", "no" },
        { "to=<a@b>, relay=m, delay=.5, delays=0/0/0/0, dsn=2.0.0, status=sent (x)", "no" },
        { "to=<a@b>, relay=m, delay=99999999999999999999, delays=0/0/0/0, dsn=2.0.0, status=sent (x)", "no" },
        { "to=<a@b>, relay=m, conn_use=x, delay=0, delays=0/0/0/0, dsn=2.0.0, status=sent (x)", "no" },
        { "to=<a@b>, relay=m, delay=0, delays=0 0, dsn=2.0.0, status=sent (x)", "no" },
        { "to=<a@b>, relay=m, delay=0, delays=0/0/0/0, dsn=2.0, status=sent (x)", "no" },
        { "to=<a@b>, relay=m, delay=0, delays=0/0/0/0, dsn=2.0.0.1, status=sent (x)", "no" },
        { "to=<a@b>, relay=m, delay=0, delays=0/0/0/0, dsn=2.0.0., status=sent (x)", "no" },
        { "to=<a@b>, relay=m, delay=0, delays=0/0/0/0, dsn=2..0, status=sent (x)", "no" },
        { "to=<a@b>, relay=m, delay=0, delays=0/0/0/0, dsn=2.0.1234, status=sent (x)", "no" },
        { "to=<a@b>, relay=m, delay=0, delays=0/0/0/0, status=sent (x), dsn=2.0.0", "no" },
        { "to=<", "no" },
        { "to=", "no" },
        { "", "no" },
    };
    char text[512];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        show_attempt(text, sizeof(text), rows[i].text);
        if (strcmp(text, rows[i].want) != 0)
            fail_msg("%s\nis  %s\nnot %s", rows[i].text, text, rows[i].want);
    }
}

/* --- reasons --- */

#define PEER "mx.b.example[192.0.2.1]"

static void reads_reasons(void **state)
{
    static const struct {
        const char *text, *words;
        bool remote, has_peer, reached;
    } rows[] = {
        { "host " PEER " said: 550 no (in reply to RCPT TO command)", "550 no", true, true, true },
        { "host " PEER " said: 550 a (in reply to x) b (in reply to end of DATA command)",
          "550 a (in reply to x) b", true, true, true },
        { "host " PEER " said: 550 cut short", "550 cut short", true, true, true },
        { "host " PEER " said: ", "", true, true, true },
        { "host " PEER " refused to talk to me: 554 no (in reply to x)", "554 no (in reply to x)", true, true,
          true },
        { "host mx[2001:db8::1] said: 550 no (in reply to RCPT TO command)", "550 no", true, true, true },
        { "Protocol error: host " PEER " said: 354 go on (in reply to RCPT TO command)", "354 go on", true,
          true, true },
        { "SASL authentication failed; server " PEER " said: 535 5.7.8 bad", "535 5.7.8 bad", true, true,
          true },
        { "TLS is required, but host " PEER " refused to start TLS: 454 4.7.0 not now", "454 4.7.0 not now",
          true, true, true },
        { "TLS is required, but was not offered by host " PEER,
          "TLS is required, but was not offered by host " PEER, false, true, true },
        { "connect to " PEER ":25: Connection refused", "connect to " PEER ":25: Connection refused", false,
          true, false },
        { "lost connection with " PEER " while sending RCPT TO",
          "lost connection with " PEER " while sending RCPT TO", false, true, true },
        { "conversation with " PEER
          " timed out while sending end of data -- message may be sent more than once",
          "conversation with " PEER
          " timed out while sending end of data -- message may be sent more than once",
          false, true, true },
        { "delivery temporarily suspended: host " PEER " said: 452 4.2.2 full (in reply to RCPT TO command)",
          "452 4.2.2 full", true, true, true },
        { "delivery temporarily suspended: connect to " PEER ":25: Connection timed out",
          "connect to " PEER ":25: Connection timed out", false, true, false },
        { "delivery temporarily suspended: transport is unavailable", "transport is unavailable", false,
          false, false },
        { "Host or domain name not found. Name service error for name=b.example type=MX: Host not found",
          "Host or domain name not found. Name service error for name=b.example type=MX: Host not found",
          false, false, false },
        /* Not a host as Postfix names one. */
        { "host mx said: 550 no", "host mx said: 550 no", false, false, false },
        { "host mx[x] said: 550 no", "host mx[x] said: 550 no", false, false, false },
        { "host a b[192.0.2.1] said: 550 no", "host a b[192.0.2.1] said: 550 no", false, false, false },
        { "host [192.0.2.1] said: 550 no", "host [192.0.2.1] said: 550 no", false, false, false },
        { "host " PEER " says: 550 no", "host " PEER " says: 550 no", false, false, false },
        { "x host " PEER " said: 550 no", "x host " PEER " said: 550 no", false, false, false },
        { "", "", false, false, false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct reason reason;

        reason_read(&reason, span_of(rows[i].text));
        if (!span_eq(reason.words, span_of(rows[i].words)))
            fail_msg("%s\nis %.*s", rows[i].text, SPAN_FMT(reason.words));
        if (reason.remote != rows[i].remote || reason.has_peer != rows[i].has_peer ||
            reason.reached != rows[i].reached)
            fail_msg("%s: remote %d, peer %d, reached %d", rows[i].text, reason.remote, reason.has_peer,
                     reason.reached);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_rfc_3339),    cmocka_unit_test(counts_days_as_libc_does),
        cmocka_unit_test(finds_the_year),    cmocka_unit_test(reads_no_other_traditional_time),
        cmocka_unit_test(reads_local_time),  cmocka_unit_test(remembers_minutes_without_a_difference),
        cmocka_unit_test(tells_lines_apart), cmocka_unit_test(reads_attempts),
        cmocka_unit_test(reads_reasons),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
