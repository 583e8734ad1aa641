/* SPDX-License-Identifier: BSD-2-Clause */
/* What applications write, understood or refused in words that name the field, what was found and what is
 * allowed. */
#include "feed/application.h"
#include "leadgate/settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NOW   INT64_C(1795341185) /* 2026-11-22T09:53:05Z */
#define ADDED (NOW - 100)
#define ID    "1795341085123-0"

#define FIELDS_MOST 8

struct house {
    struct settings *settings;
    struct bounce_context context;
    struct application application;
    struct err why;
};

static int set_up(void **state)
{
    struct house *house = calloc(1, sizeof(*house));

    house->settings = settings_new();
    house->context = settings_bounce_context(house->settings);
    house->context.addresses.default_domain = "origin.example";
    *state = house;
    return 0;
}

static int tear_down(void **state)
{
    struct house *house = *state;

    settings_free(house->settings);
    free(house);
    return 0;
}

/* Names and values in turn, as XADD has them. */
static int read_words(struct house *house, const char *id, const struct span *words, size_t n)
{
    struct inbox_field fields[FIELDS_MOST];
    struct inbox_entry entry = { .id = span_of(id), .fields = fields, .n = n / 2 };

    assert_true(n / 2 <= FIELDS_MOST);
    for (size_t i = 0; i < n / 2; i++)
        fields[i] = (struct inbox_field){ words[2 * i], words[2 * i + 1] };
    house->why.text[0] = '\0';
    return application_read(&house->application, &entry, &house->context, NOW, &house->why);
}

static int read_texts(struct house *house, const char *const *texts)
{
    struct span words[2 * FIELDS_MOST];
    size_t n = 0;

    for (; texts[n] != NULL; n++)
        words[n] = span_of(texts[n]);
    return read_words(house, ID, words, n);
}

#define READ(house, ...) read_texts(house, (const char *const[]){ __VA_ARGS__, NULL })

static const struct event *must_read(struct house *house, int rc)
{
    if (rc < 0)
        fail_msg("%s", house->why.text);
    return &house->application.event;
}

#define MUST(house, ...) must_read(house, READ(house, __VA_ARGS__))

static void every_type(void **state)
{
    static const struct {
        const char *word;
        enum event_type type;
    } rows[] = {
        { "open", EVENT_OPEN },
        { "machine-open", EVENT_MACHINE_OPEN },
        { "click", EVENT_CLICK },
        { "reply", EVENT_REPLY },
        { "delivered", EVENT_DELIVERED },
        { "bounce", EVENT_BOUNCE },
        { "complaint", EVENT_COMPLAINT },
        { "unsubscribe", EVENT_UNSUBSCRIBE },
        { "resubscribe", EVENT_RESUBSCRIBE },
        { "Click", EVENT_CLICK },
        { " click\n", EVENT_CLICK },
    };
    struct house *house = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct event *event =
            MUST(house, "type", rows[i].word, "lead", "Ann@Example.COM", "status", "5.1.1");

        assert_int_equal(event->type, rows[i].type);
        assert_int_equal(event->source, SOURCE_APPLICATION);
        assert_string_equal(event->lead.text, "ann@example.com");
        assert_int_equal(event->at, ADDED);
        assert_int_equal(event->sent, 0);
        assert_int_equal(event->until, 0);
    }
}

/* As people and other systems' hooks name the same things; what is not ours is passed over, whatever it
 * holds, and what has no value is not there. */
static void other_names(void **state)
{
    struct house *house = *state;

    assert_int_equal(MUST(house, "event", "open", "email", "ann@example.com")->type, EVENT_OPEN);
    assert_int_equal(MUST(house, "Type", "open", "RECIPIENT", "ann@example.com")->type, EVENT_OPEN);
    assert_int_equal(MUST(house, "type", "open", "lead", "ann@example.com", "timestamp", "1795341000")->at,
                     1795341000);
    assert_int_equal(MUST(house, "type", "click", "lead", "ann@example.com", "url", "\xff\xfe")->type,
                     EVENT_CLICK);
    assert_int_equal(MUST(house, "type", "click", "lead", "ann@example.com", "at", "", "stream", " ",
                          "machine", "", "message", "")
                         ->at,
                     ADDED);
    assert_int_equal(MUST(house, "type", "click", "event", "click", "lead", "ann@example.com")->type,
                     EVENT_CLICK);
}

static void leads_in_any_form(void **state)
{
    static const char *const rows[][2] = {
        { "ann@example.com", "ann@example.com" },
        { " Ann@Example.COM ", "ann@example.com" },
        { "<ann@example.com>", "ann@example.com" },
        { "\"john doe\"@example.com", "john doe@example.com" },
        { "john doe@example.com", "john doe@example.com" },
        { "ann@b\xc3\xbc"
          "cher.example",
          "ann@xn--bcher-kva.example" },
        { "ann", "ann@origin.example" },
        { "a{b}@example.com", "a%7Bb%7D@example.com" },
    };
    struct house *house = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_string_equal(MUST(house, "type", "open", "lead", rows[i][0])->lead.text, rows[i][1]);
}

static void times_of_entries(void **state)
{
    static const struct {
        const char *at;
        int64_t want;
    } rows[] = {
        { "1795341000", 1795341000 },
        { "1795341000123", 1795341000 },
        { "1795341000.5", 1795341000 },
        { "2026-11-22T09:50:00Z", 1795341000 },
        { "2026-11-22T10:50:00+01:00", 1795341000 },
        { "2026-11-22 09:50:00", 1795341000 },
        { "Sun, 22 Nov 2026 09:50:00 +0000", 1795341000 },
        { "1795341185", NOW },
        { "1795341186", ADDED }, /* it has not come yet */
        { "2199-01-01", ADDED },
        { "1795341000123456", ADDED }, /* microseconds: the year 58862 */
        { "1", 0 },
        { "0", 0 },
        { "-1795341000", 0 },
        { "yesterday", 0 },
        { "2026-11-31", 0 },
        { "99999999999999999999", 0 },
    };
    struct house *house = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int rc = READ(house, "type", "open", "lead", "ann@example.com", "at", rows[i].at);

        if (rows[i].want != 0)
            assert_int_equal(must_read(house, rc)->at, rows[i].want);
        else if (rc == 0 || strncmp(house->why.text, "at: found \"", 11) != 0)
            fail_msg("%s: %s", rows[i].at, house->why.text);
    }
}

/* Ids that somebody made himself tell no time; one that is later than now is now. */
static void times_of_ids(void **state)
{
    static const struct {
        const char *id;
        int64_t want; /* 0 = is refused */
    } rows[] = {
        { "1795341185999-7", NOW },
        { "1795341186000-0", NOW },
        { "9223372036854775807-0", NOW },
        { "1-1", 0 },
        { "0-1", 0 },
        { "", 0 },
        { "nonsense", 0 },
    };
    const struct span words[] = { SPAN("type"), SPAN("open"), SPAN("lead"), SPAN("ann@example.com"),
                                  SPAN("at"),   SPAN("1") };
    struct house *house = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int rc = read_words(house, rows[i].id, words, 4);

        assert_int_equal(rc, rows[i].want == 0 ? -1 : 0);
        if (rc == 0)
            assert_int_equal(house->application.event.at, rows[i].want);
        else
            assert_non_null(strstr(house->why.text, "is no time"));
    }
}

static void machines(void **state)
{
    static const struct {
        const char *type, *machine;
        enum event_type want;
    } rows[] = {
        { "open", "1", EVENT_MACHINE_OPEN },
        { "open", "YES", EVENT_MACHINE_OPEN },
        { "open", "true", EVENT_MACHINE_OPEN },
        { "open", "0", EVENT_OPEN },
        { "open", "no", EVENT_OPEN },
        { "open", "false", EVENT_OPEN },
        { "machine-open", "0", EVENT_MACHINE_OPEN },
        { "click", "1", EVENT_MACHINE_OPEN },
        { "reply", "1", EVENT_REPLY },
        { "unsubscribe", "1", EVENT_UNSUBSCRIBE },
    };
    struct house *house = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(
            MUST(house, "type", rows[i].type, "lead", "ann@example.com", "machine", rows[i].machine)->type,
            rows[i].want);
}

/* The same causes as mail gets. */
static void bounces(void **state)
{
    static const struct {
        const char *status, *text;
        enum cause cause;
        const char *believed;
    } rows[] = {
        { "5.1.1", "", CAUSE_USER_UNKNOWN, "5.1.1" },
        { "4.2.2", "", CAUSE_MAILBOX_FULL, "4.2.2" },
        { "", "552 5.2.2 mailbox is full", CAUSE_MAILBOX_FULL, "5.2.2" },
        { "", "550-5.1.1 The email account that you tried to reach\n550 5.1.1 does not exist",
          CAUSE_USER_UNKNOWN, "5.1.1" },
        { "550", "No such user here", CAUSE_USER_UNKNOWN, "" },
        { "5.0.0", "mailbox is full", CAUSE_MAILBOX_FULL, "5.0.0" },
        { "5.7.1", "550 5.7.1 recipient suppressed: complaint [leadgate-suppressed]", CAUSE_SUPPRESSED,
          "5.7.1" },
        { "", "it did not work", CAUSE_UNDETERMINED, "" },
    };
    struct house *house = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct event *event = MUST(house, "type", "bounce", "lead", "ann@example.com", "status",
                                         rows[i].status, "text", rows[i].text);

        if (event->cause != rows[i].cause)
            fail_msg("%s %s: %s", rows[i].status, rows[i].text, cause_name(event->cause));
        assert_true(span_eq(event->status, span_of(rows[i].believed)));
        assert_true(span_eq(event->evidence, span_of(rows[i].text)));
    }
}

static void texts_of_events(void **state)
{
    struct house *house = *state;
    const struct event *event =
        MUST(house, "type", "delivered", "lead", "ann@example.com", "message", "<m1@news.example>",
             "provider", "Mx.Mail.Protection.Outlook.com", "campaign", "autumn 2026", "status", "2.0.0");

    assert_true(span_eq(event->message, SPAN("m1@news.example")));
    assert_true(span_eq(event->provider, SPAN("outlook.com")));
    assert_true(span_eq(event->evidence, SPAN("campaign autumn 2026")));
    assert_int_equal(event->status.n, 0);
    assert_int_equal(event->cause, CAUSE_NONE);

    event = MUST(house, "type", "complaint", "lead", "ann@example.com", "message", "4XkZ2d", "text", "abuse",
                 "campaign", "c", "provider", "[192.0.2.1]");
    assert_true(span_eq(event->message, SPAN("4XkZ2d")));
    assert_true(span_eq(event->evidence, SPAN("abuse")));
    assert_int_equal(event->provider.n, 0);
    assert_true(
        span_eq(MUST(house, "type", "reply", "lead", "a@example.com", "message", "<")->message, SPAN("<")));
}

static void streams(void **state)
{
    struct house *house = *state;

    assert_true(span_eq(MUST(house, "type", "unsubscribe", "lead", "a@example.com", "stream", "news")->stream,
                        SPAN("news")));
    assert_true(
        span_eq(MUST(house, "type", "complaint", "lead", "a@example.com", "stream", "*")->stream, SPAN("*")));
    assert_int_equal(MUST(house, "type", "resubscribe", "lead", "a@example.com")->stream.n, 0);
    /* Only what is the recipient's will is about a stream. */
    assert_int_equal(MUST(house, "type", "click", "lead", "a@example.com", "stream", "news")->stream.n, 0);
}

#define LETTERS64 "0123456789012345678901234567890123456789012345678901234567890123"

static void what_is_refused(void **state)
{
    static const struct {
        const char *fields[2 * 4 + 1];
        const char *want; /* what the reason holds */
    } rows[] = {
        { { "lead", "ann@example.com" }, "type: found none; allowed are open, machine-open, click, " },
        { { "type", "", "lead", "ann@example.com" }, "type: found none" },
        { { "type", "opened", "lead", "ann@example.com" }, "type: found \"opened\"; allowed are open, " },
        { { "type", "optout", "lead", "ann@example.com" }, "type: found \"optout\"; " },
        { { "type", "flush", "lead", "ann@example.com" }, "type: found \"flush\"; " },
        { { "type", "deferred", "lead", "ann@example.com" }, "type: found \"deferred\"; " },
        { { "type", "open" }, "lead: found none; allowed is " },
        { { "type", "open", "lead", "\t" }, "lead: found none; " },
        { { "type", "open", "lead", "@example.com" }, "lead: found \"@example.com\"; " },
        { { "type", "open", "lead", "ann@" }, "lead: found \"ann@\"; " },
        { { "type", "open", "lead", "ann@exa mple.com" }, "lead: found \"ann@exa mple.com\"; " },
        { { "type", "open", "lead", "Ann <ann@example.com>" }, "lead: found \"Ann <ann@example.com>\"; " },
        { { "type", "open", "lead", "b\xfcro@example.com" }, "lead: found bytes that are no UTF-8; " },
        { { "type", "\xc3", "lead", "ann@example.com" }, "type: found bytes that are no UTF-8; " },
        { { "type", "open", "lead", "ann@example.com", "text", "\xff" }, "text: found bytes that are no " },
        { { "type", "open", "lead", "ann@example.com", "lead", "bob@example.com" }, "lead: found it twice" },
        { { "type", "open", "lead", "ann@example.com", "email", "bob@example.com" }, "lead: found it twice" },
        { { "type", "open", "event", "click", "lead", "ann@example.com" }, "type: found it twice" },
        { { "type", "open", "lead", "ann@example.com", "machine", "maybe" },
          "machine: found \"maybe\"; allowed are 1, yes, true, 0, no, false" },
        { { "type", "click", "lead", "ann@example.com", "stream", "two words" },
          "stream: found \"two words\"; allowed are " },
        { { "type", "unsubscribe", "lead", "ann@example.com", "stream", LETTERS64 }, "stream: found \"0123" },
        { { "type", "bounce", "lead", "ann@example.com" }, "status, text: found neither; " },
        { { "type", "bounce", "lead", "ann@example.com", "status", "2.0.0" }, "status: found \"2.0.0\"; " },
        { { "type", "bounce", "lead", "ann@example.com", "status", "250" }, "status: found \"250\"; " },
        { { "type", "bounce", "lead", "ann@example.com", "status", "5.1" }, "status: found \"5.1\"; " },
        { { "type", "bounce", "lead", "ann@example.com", "status", "5.1.1 x" }, "status: found \"5.1.1 x\"" },
        { { "type", "bounce", "lead", "ann@example.com", "status", "55" }, "status: found \"55\"; " },
        { { "type", "bounce", "lead", "ann@example.com", "status", "5.1.1000" }, "status: found \"5.1.1000" },
        { { "type", "bounce", "lead", "ann@example.com", "status", "5xx" }, "status: found \"5xx\"; " },
        { { "type", "bounce", "lead", "ann@example.com", "status", "hard" }, "the words go into `text`" },
    };
    struct house *house = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (read_texts(house, rows[i].fields) == 0 || strstr(house->why.text, rows[i].want) == NULL)
            fail_msg("row %zu: want \"%s\", got \"%s\"", i, rows[i].want, house->why.text);
}

/* An entry without a field cannot be added, but was perhaps damaged. */
static void nothing_at_all(void **state)
{
    struct house *house = *state;

    assert_int_equal(read_words(house, ID, NULL, 0), -1);
    assert_non_null(strstr(house->why.text, "type: found none"));
}

static void sizes(void **state)
{
    struct house *house = *state;
    char *large = calloc(1, APPLICATION_FIELD_MAX + 2);
    struct span words[] = { SPAN("type"), SPAN("open"),
                            SPAN("lead"), SPAN("ann@example.com"),
                            SPAN("note"), { large, APPLICATION_FIELD_MAX } };

    memset(large, 'x', APPLICATION_FIELD_MAX + 1);
    assert_int_equal(read_words(house, ID, words, 6), 0);
    words[5].n++;
    assert_int_equal(read_words(house, ID, words, 6), -1);
    assert_string_equal(house->why.text, "field 3: found 65537 bytes; allowed are 65536");
    words[4] = words[5];
    words[5] = SPAN("x");
    assert_int_equal(read_words(house, ID, words, 6), -1);
    words[4] = SPAN("message");
    words[5] = (struct span){ large, 998 };
    assert_int_equal(read_words(house, ID, words, 6), 0);
    words[5].n = 999;
    assert_int_equal(read_words(house, ID, words, 6), -1);
    assert_string_equal(house->why.text, "message: found 999 bytes; allowed are 998");
    words[4] = SPAN("campaign");
    words[5].n = 5000;
    assert_int_equal(read_words(house, ID, words, 6), 0);
    assert_int_equal(house->application.event.evidence.n, sizeof(house->application.evidence) - 1);
    free(large);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type),        cmocka_unit_test(other_names),
        cmocka_unit_test(leads_in_any_form), cmocka_unit_test(times_of_entries),
        cmocka_unit_test(times_of_ids),      cmocka_unit_test(machines),
        cmocka_unit_test(bounces),           cmocka_unit_test(texts_of_events),
        cmocka_unit_test(streams),           cmocka_unit_test(what_is_refused),
        cmocka_unit_test(nothing_at_all),    cmocka_unit_test(sizes),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
