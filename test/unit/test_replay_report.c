/* SPDX-License-Identifier: BSD-2-Clause */
/* What is printed of a rehearsal: all of a small one, word for word, and what must hold of the chart. */
#include "cli/replay_report.h"
#include "leadgate/lead.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define DAY   ((int64_t)24 * 60 * 60)
#define START (INT64_C(20650) * DAY + 36000) /* 2026-07-16T10:00:00Z */

/* The same mails under two settings. */
struct stage {
    struct lead_settings settings[REPLAY_WAYS];
    struct rehearsal *rehearsals[REPLAY_WAYS];
    struct replay_report report;
    int mails;
};

static void set_up(struct stage *stage, size_t ways)
{
    *stage = (struct stage){ .report = { .files = 1, .lines = 1234567, .n = ways } };
    for (size_t way = 0; way < ways; way++) {
        lead_settings_default(&stage->settings[way]);
        stage->settings[way].jitter = 0;
        stage->rehearsals[way] = rehearsal_new(&stage->settings[way]);
        assert_non_null(stage->rehearsals[way]);
    }
    stage->settings[1].causes[CAUSE_USER_UNKNOWN].strikes = 2;
    stage->report.way[0].settings = "the defaults";
    stage->report.way[1].settings = "other\nfile.yaml";
}

static void tear_down(struct stage *stage)
{
    for (size_t way = 0; way < REPLAY_WAYS; way++)
        rehearsal_free(stage->rehearsals[way]);
}

static void mail(struct stage *stage, enum cause cause, const char *lead, const char *provider, int64_t sent)
{
    char id[32];
    struct event event = {
        .type = cause == CAUSE_NONE ? EVENT_DELIVERED : EVENT_BOUNCE,
        .source = SOURCE_LOG,
        .lead = { .n = strlen(lead), .at = (size_t)(strchr(lead, '@') - lead) },
        .cause = cause,
        .at = sent + 60,
        .sent = sent,
        .provider = span_of(provider),
    };
    struct rehearsal_mail told = { .event = &event, .enforced = UINT32_MAX };

    snprintf(id, sizeof(id), "mail%d", stage->mails++);
    event.message = told.id = span_of(id);
    assert_true(span_copy(event.lead.text, sizeof(event.lead.text), span_of(lead)));
    for (size_t way = 0; way < stage->report.n; way++)
        assert_int_equal(rehearsal_add(stage->rehearsals[way], &told), 0);
}

/* Two days of 250 mails to one provider, 20 of them to dead mailboxes, and of a few to another one and none.
 */
static void play(struct stage *stage)
{
    char lead[40];

    for (int64_t day = 0; day < 2; day++) {
        for (int i = 0; i < 250; i++) {
            snprintf(lead, sizeof(lead), "lead%d@example.com", i);
            mail(stage, i < 20 ? CAUSE_USER_UNKNOWN : CAUSE_NONE, lead, "big.example", START + day * DAY);
        }
        mail(stage, CAUSE_DOMAIN_UNKNOWN, "lost@example.org", "", START + day * DAY);
    }
    for (int64_t day = 0; day < 3; day++)
        mail(stage, day == 0 ? CAUSE_USER_UNKNOWN : CAUSE_NONE, "odd@example.net", "small.example",
             START + day * DAY);
}

typedef void print_report(FILE *to, const struct replay_report *report);

static char *printed(struct stage *stage, print_report *print)
{
    char *text = NULL;
    size_t n = 0;
    FILE *to = open_memstream(&text, &n);

    assert_non_null(to);
    for (size_t way = 0; way < stage->report.n; way++) {
        rehearsal_sum(stage->rehearsals[way], &stage->report.way[way].result);
        stage->report.way[way].providers =
            rehearsal_providers(stage->rehearsals[way], &stage->report.way[way].n_providers);
    }
    print(to, &stage->report);
    fclose(to);
    return text;
}

static void check(struct stage *stage, print_report *print, const char *want)
{
    char *text = printed(stage, print);

    assert_string_equal(text, want);
    free(text);
}

static void the_whole_of_it(void **state)
{
    struct stage stage;

    (void)state;
    set_up(&stage, 2);
    play(&stage);
    stage.report.files = 3;
    stage.report.foreign = 1000;
    stage.report.passed = 1;
    stage.report.left_out = 2;
    stage.report.disordered = 3;
    stage.report.forgotten = 4;
    check(
        &stage, replay_print_text,
        "1,234,567 lines of 3 files, 1,000 of them not Postfix's; settings: the defaults; "
        "compared: other?file.yaml\n"
        "2026-07-16T10:01:00Z to 2026-07-18T10:01:00Z: 505 mails to 252 leads\n"
        "1 delivery line passed over: local, internal, to a bounce address, or our own refusals\n"
        "2 delivery lines left out: not of that time\n"
        "3 delivery lines behind later ones: taken at their own time\n"
        "4 messages forgotten too early: raise feed.log_messages\n"
        "\n"
        "Mails                                as it was      Leadgate      compared\n"
        "  sent                                     505           482           504\n"
        "  delivered                                462           460           462\n"
        "  in vain                                   43            22            42\n"
        "  saved                                      -            21             1\n"
        "  missed                                     -             2             0\n"
        "  share delivered                      91.49 %       95.44 %       91.67 %\n"
        "  share of invalid recipients           8.51 %        4.56 %        8.33 %\n"
        "\n"
        "In vain, by cause                    as it was      Leadgate      compared\n"
        "  user-unknown                              41            21            41\n"
        "  domain-unknown                             2             1             1\n"
        "\n"
        "Leads opted out                                          Leadgate                         compared\n"
        "                                      leads   for good      times      leads   for good      times\n"
        "  user-unknown                           21         21         21         20         20         20\n"
        "  domain-unknown                          1          1          1          1          1          1\n"
        "  all                                    22         22         22         21         21         21\n"
        "  still at the end                       22         22                    21         21\n"
        "\n"
        "The price: mails missed                                  Leadgate                         compared\n"
        "                                      leads   for good      mails      leads   for good      mails\n"
        "  user-unknown                            1          1          2          0          0          0\n"
        "  all                                     1          1          2          0          0          0\n"
        "\n"
        "Leads opted out, by provider                  Leadgate              compared\n"
        "                                      leads   for good      leads   for good\n"
        "  big.example                            20         20         20         20\n"
        "  small.example                           1          1          0          0\n"
        "  (no host reached)                       1          1          1          1\n"
        "\n"
        "Invalid recipients, worst day                as it was              Leadgate              compared\n"
        "  big.example                    !! 2026-07-16  8.00 % !! 2026-07-16  8.00 % !! 2026-07-16  8.00 %\n"
        "\n"
        "With Leadgate 22 mails in vain instead of 43; missed: 2 good mails to 1 lead.\n"
        "With the compared settings 42 mails in vain instead of 43; missed: 0 good mails to 0 leads.\n"
        "\n"
        "in vain: sent, and bounced or expired     saved: not sent, and would have come back\n"
        "missed: not sent, although it arrived     for good: opted out without an end\n"
        "!  5 % or more invalid recipients, !!  8 % or more: near 10 % providers turn against a sender\n");
    check(&stage, replay_print_csv,
          "day,provider,sent,delivered,vain,invalid,"
          "leadgate_sent,leadgate_delivered,leadgate_vain,leadgate_invalid,leadgate_saved,leadgate_missed,"
          "compared_sent,compared_delivered,compared_vain,compared_invalid,compared_saved,compared_missed\n"
          "2026-07-16,,1,0,1,1,1,0,1,1,0,0,1,0,1,1,0,0\n"
          "2026-07-16,big.example,250,230,20,20,250,230,20,20,0,0,250,230,20,20,0,0\n"
          "2026-07-16,small.example,1,0,1,1,1,0,1,1,0,0,1,0,1,1,0,0\n"
          "2026-07-17,,1,0,1,1,0,0,0,0,1,0,0,0,0,0,1,0\n"
          "2026-07-17,big.example,250,230,20,20,230,230,0,0,20,0,250,230,20,20,0,0\n"
          "2026-07-17,small.example,1,1,0,0,0,0,0,0,0,1,1,1,0,0,0,0\n"
          "2026-07-18,small.example,1,1,0,0,0,0,0,0,0,1,1,1,0,0,0,0\n");
    tear_down(&stage);
}

/* Every mail delivered, on one day, to a provider with a name that no table has room for. */
static void a_good_day(void **state)
{
    struct stage stage;
    char *text;

    (void)state;
    set_up(&stage, 1);
    stage.report.lines = 1;
    mail(&stage, CAUSE_NONE, "ann@example.com", "a-provider-with-quite-a-long-name.example", START);
    text = printed(&stage, replay_print_text);
    assert_non_null(strstr(text, "1 line; settings: the defaults\n"));
    assert_non_null(strstr(text, ": 1 mail to 1 lead\n"));
    assert_non_null(strstr(text, "\n  share delivered                     100.00 %      100.00 %\n"));
    assert_non_null(strstr(text, "\n  a-provider-with-quite-a-long-n          0          0\n"));
    assert_non_null(strstr(text, "\n  (no provider got 200 mails on one day)\n"));
    assert_null(strstr(text, "In vain, by cause"));
    assert_null(strstr(text, "still at the end"));
    free(text);
    tear_down(&stage);
}

static void nothing_at_all(void **state)
{
    struct stage stage;

    (void)state;
    set_up(&stage, 1);
    check(&stage, replay_print_text, "1,234,567 lines; settings: the defaults\nNo delivery in it.\n");
    tear_down(&stage);
}

static int count_of(const char *text, const char *what)
{
    int n = 0;

    for (const char *p = text; (p = strstr(p, what)) != NULL; p += strlen(what))
        n++;
    return n;
}

/* A line for each way and for how it was, in each of two panels; nothing that must be fetched; and no day is
 * too far away, as where a clock was wrong. */
static void the_chart_stands_alone(void **state)
{
    static const int64_t last[] = { 0, 1, 30, 400, 4000, 40000, INT64_C(2000000) };

    (void)state;
    for (size_t ways = 1; ways <= REPLAY_WAYS; ways++)
        for (size_t i = 0; i < sizeof(last) / sizeof(last[0]); i++) {
            struct stage stage;
            char *svg;

            set_up(&stage, ways);
            play(&stage);
            mail(&stage, CAUSE_NONE, "ann@example.com", "big.example", START + last[i] * DAY);
            svg = printed(&stage, replay_print_svg);
            assert_ptr_equal(strstr(svg, "<svg xmlns=\"http://www.w3.org/2000/svg\""), svg);
            assert_string_equal(svg + strlen(svg) - strlen("</svg>\n"), "</svg>\n");
            assert_int_equal(count_of(svg, "<polyline"), 2 * (int)(ways + 1));
            assert_int_equal(count_of(svg, "http"), 1);
            assert_int_equal(count_of(svg, "nan") + count_of(svg, "inf<"), 0);
            assert_int_equal(count_of(svg, "<text"), count_of(svg, "</text>"));
            free(svg);
            tear_down(&stage);
        }
}

static void the_chart_of_nothing(void **state)
{
    struct stage stage;
    char *svg;

    (void)state;
    set_up(&stage, 1);
    svg = printed(&stage, replay_print_svg);
    assert_int_equal(count_of(svg, "<polyline"), 4);
    free(svg);
    tear_down(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_whole_of_it),      cmocka_unit_test(a_good_day),
        cmocka_unit_test(nothing_at_all),       cmocka_unit_test(the_chart_stands_alone),
        cmocka_unit_test(the_chart_of_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
