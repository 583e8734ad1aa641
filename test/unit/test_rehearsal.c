/* SPDX-License-Identifier: BSD-2-Clause */
/* The rehearsal: histories worked out by hand, among them the design's worked example; then random ones,
 * beside plain lead_apply() and beside a model that packs nothing. */
#include "lead_world.h"
#include "leadgate/rehearsal.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MINUTE   ((int64_t)60)
#define ALL      UINT32_MAX
#define MIDNIGHT (T0 - T0 % DAY)
#define MORNING  (MIDNIGHT + 10 * HOUR)

/* A rehearsal, and what the tests tell it. */
struct stage {
    struct lead_settings settings;
    struct rehearsal *rehearsal;
    uint32_t enforced;
    const char *provider;
};

static void set_up(struct stage *stage)
{
    *stage = (struct stage){ .enforced = ALL, .provider = "example.net" };
    lead_settings_default(&stage->settings);
    stage->rehearsal = rehearsal_new(&stage->settings);
    assert_non_null(stage->rehearsal);
}

static void tear_down(struct stage *stage)
{
    rehearsal_free(stage->rehearsal);
}

static struct address address_of(const char *text)
{
    struct address address = { .n = strlen(text), .at = (size_t)(strchr(text, '@') - text) };

    assert_true(span_copy(address.text, sizeof(address.text), span_of(text)));
    return address;
}

/* One line of the log: what became, at that time, of a mail that was handed in at `sent`. */
static void tell(struct stage *stage, enum event_type type, enum cause cause, const char *lead,
                 const char *id, int64_t at, int64_t sent)
{
    struct event event = {
        .type = type,
        .source = SOURCE_LOG,
        .lead = address_of(lead),
        .cause = cause,
        .at = at,
        .sent = sent,
        .message = span_of(id),
        .status = SPAN("5.0.0"),
        .provider = span_of(stage->provider),
    };
    struct rehearsal_mail mail = { .event = &event, .id = span_of(id), .enforced = stage->enforced };

    assert_int_equal(rehearsal_add(stage->rehearsal, &mail), 0);
}

/* A mail of its own that goes out at that time, and its outcome a minute later. */
static void mail(struct stage *stage, enum cause cause, const char *lead, int64_t sent)
{
    static int mails;
    char id[32];

    snprintf(id, sizeof(id), "mail%d", mails++);
    tell(stage, cause == CAUSE_NONE ? EVENT_DELIVERED : EVENT_BOUNCE, cause, lead, id, sent + MINUTE, sent);
}

static struct rehearsal_result sum_of(const struct stage *stage)
{
    struct rehearsal_result result;

    rehearsal_sum(stage->rehearsal, &result);
    return result;
}

static const struct rehearsal_provider *provider_of(const struct stage *stage, const char *name)
{
    size_t n;
    const struct rehearsal_provider *providers = rehearsal_providers(stage->rehearsal, &n);

    for (size_t i = 0; i < n; i++)
        if (strcmp(providers[i].name, name) == 0)
            return &providers[i];
    fail_msg("no provider `%s`", name);
    return NULL;
}

/* --- by hand --- */

/* Design, section 4, as a log: every day a mail to 40 leads, of which one has a full mailbox all month. */
static void worked_example(void **state)
{
    static const char sent[] = "110001100000011000000000000110"; /* to the full mailbox, by day */
    struct stage stage;
    struct rehearsal_result result;
    const struct rehearsal_provider *provider;

    (void)state;
    set_up(&stage);
    for (int64_t day = 0; day < 30; day++)
        for (int lead = 0; lead < 40; lead++) {
            char name[32];

            snprintf(name, sizeof(name), "lead%d@example.com", lead);
            mail(&stage, lead == 7 ? CAUSE_MAILBOX_FULL : CAUSE_NONE, name, MORNING + day * DAY);
        }
    result = sum_of(&stage);
    assert_int_equal(result.leads, 40);
    assert_int_equal(result.count.mails, 1200);
    assert_int_equal(result.count.failed, 30);
    assert_int_equal(result.count.saved, 22);
    assert_int_equal(result.count.missed, 0);
    assert_int_equal(result.count.invalid, 0);
    /* 97.5 % is delivered without Leadgate, 99.3 % with. */
    assert_int_equal((result.count.mails - result.count.failed) * 1000 / result.count.mails, 975);
    assert_int_equal(1170 * 1000 / (result.count.mails - result.count.saved), 993);
    assert_int_equal(result.of[CAUSE_MAILBOX_FULL].failed, 30);
    assert_int_equal(result.of[CAUSE_MAILBOX_FULL].saved, 22);
    assert_int_equal(result.of[CAUSE_MAILBOX_FULL].optouts, 4);
    assert_int_equal(result.of[CAUSE_MAILBOX_FULL].leads, 1);
    assert_int_equal(result.of[CAUSE_MAILBOX_FULL].ended, 0);
    assert_int_equal(result.suspended_last, 1);
    assert_int_equal(result.ended_last, 0);
    assert_int_equal(result.first, MORNING + MINUTE);
    assert_int_equal(result.last, MORNING + 29 * DAY + MINUTE);
    provider = provider_of(&stage, "example.net");
    assert_int_equal(provider->n, 30);
    assert_int_equal(provider->leads, 1);
    for (size_t day = 0; day < 30; day++) {
        assert_int_equal(provider->days[day].day, MIDNIGHT / DAY + (int64_t)day);
        assert_int_equal(provider->days[day].count.mails, 40);
        assert_int_equal(provider->days[day].count.saved, sent[day] == '0');
    }
    tear_down(&stage);
}

/* The price: who is opted out, and would have taken the mail. */
static void price_of_an_end(void **state)
{
    struct stage stage;
    struct rehearsal_result result;

    (void)state;
    set_up(&stage);
    mail(&stage, CAUSE_USER_UNKNOWN, "ann@example.com", MORNING);
    mail(&stage, CAUSE_NONE, "ann@example.com", MORNING + DAY);
    mail(&stage, CAUSE_NONE, "ann@example.com", MORNING + 2 * DAY);
    mail(&stage, CAUSE_USER_UNKNOWN, "ben@example.com", MORNING);
    mail(&stage, CAUSE_USER_UNKNOWN, "ben@example.com", MORNING + DAY);
    /* For a time: two strikes, three days. */
    for (int64_t day = 0; day < 3; day++)
        mail(&stage, day < 2 ? CAUSE_MAILBOX_FULL : CAUSE_NONE, "cat@example.com", MORNING + day * DAY);
    result = sum_of(&stage);
    assert_int_equal(result.count.missed, 3);
    assert_int_equal(result.of[CAUSE_USER_UNKNOWN].missed, 2);
    assert_int_equal(result.of[CAUSE_USER_UNKNOWN].missed_leads, 1);
    assert_int_equal(result.of[CAUSE_USER_UNKNOWN].missed_ended, 1);
    assert_int_equal(result.of[CAUSE_MAILBOX_FULL].missed, 1);
    assert_int_equal(result.of[CAUSE_MAILBOX_FULL].missed_leads, 1);
    assert_int_equal(result.of[CAUSE_MAILBOX_FULL].missed_ended, 0);
    assert_int_equal(result.all.missed, 3);
    assert_int_equal(result.all.missed_leads, 2);
    assert_int_equal(result.all.missed_ended, 1);
    /* Ben's second mail is a useless one saved. */
    assert_int_equal(result.count.failed, 5);
    assert_int_equal(result.count.saved, 1);
    assert_int_equal(result.count.invalid, 3);
    assert_int_equal(result.count.saved_invalid, 1);
    assert_int_equal(result.all.leads, 3);
    assert_int_equal(result.all.ended, 2);
    assert_int_equal(result.ended_last, 2);
    assert_int_equal(result.suspended_last, 1);
    tear_down(&stage);
}

/* One lead under two causes is one lead. */
static void leads_are_counted_once(void **state)
{
    struct stage stage;
    struct rehearsal_result result;

    (void)state;
    set_up(&stage);
    stage.settings.jitter = 0;
    mail(&stage, CAUSE_MAILBOX_FULL, "ann@example.com", MORNING);
    mail(&stage, CAUSE_MAILBOX_FULL, "ann@example.com", MORNING + DAY);
    mail(&stage, CAUSE_NONE, "ann@example.com", MORNING + 2 * DAY); /* missed */
    mail(&stage, CAUSE_USER_UNKNOWN, "ann@example.com", MORNING + 5 * DAY);
    mail(&stage, CAUSE_NONE, "ann@example.com", MORNING + 6 * DAY); /* missed */
    result = sum_of(&stage);
    assert_int_equal(result.of[CAUSE_MAILBOX_FULL].leads, 1);
    assert_int_equal(result.of[CAUSE_USER_UNKNOWN].leads, 1);
    assert_int_equal(result.of[CAUSE_USER_UNKNOWN].ended, 1);
    assert_int_equal(result.all.optouts, 2);
    assert_int_equal(result.all.leads, 1);
    assert_int_equal(result.of[CAUSE_MAILBOX_FULL].missed_leads, 1);
    assert_int_equal(result.of[CAUSE_USER_UNKNOWN].missed_leads, 1);
    assert_int_equal(result.all.missed_leads, 1);
    assert_int_equal(result.all.missed_ended, 1);
    assert_int_equal(provider_of(&stage, "example.net")->leads, 1);
    assert_int_equal(provider_of(&stage, "example.net")->ended, 1);
    tear_down(&stage);
}

/* What the mail's stream does not enforce lets it pass; and then it counts for the lead. */
static void streams_decide(void **state)
{
    struct stage stage;
    struct rehearsal_result result;

    (void)state;
    set_up(&stage);
    mail(&stage, CAUSE_MAILBOX_FULL, "ann@example.com", MORNING);
    mail(&stage, CAUSE_MAILBOX_FULL, "ann@example.com", MORNING + DAY);
    stage.enforced = UINT32_C(1) << CAUSE_USER_UNKNOWN; /* an invoice */
    mail(&stage, CAUSE_NONE, "ann@example.com", MORNING + 2 * DAY);
    result = sum_of(&stage);
    assert_int_equal(result.count.missed, 0);
    stage.enforced = UINT32_C(1) << CAUSE_MAILBOX_FULL;
    mail(&stage, CAUSE_NONE, "ann@example.com", MORNING + 3 * DAY);
    result = sum_of(&stage);
    assert_int_equal(result.count.missed, 1);
    stage.enforced = 0; /* a stream that is off, or a lead that is never refused */
    mail(&stage, CAUSE_USER_UNKNOWN, "ben@example.com", MORNING);
    mail(&stage, CAUSE_USER_UNKNOWN, "ben@example.com", MORNING + DAY);
    result = sum_of(&stage);
    assert_int_equal(result.count.saved, 0);
    tear_down(&stage);
}

/* Whether a mail to ann that is handed in at that time is sent. */
static bool is_sent(struct stage *stage, int64_t at)
{
    int64_t before = sum_of(stage).count.missed;

    mail(stage, CAUSE_NONE, "ann@example.com", at);
    return sum_of(stage).count.missed == before;
}

static void a_suspension_ends_by_itself(void **state)
{
    struct stage stage;
    struct optout optout;
    struct lead lead;
    struct address ann = address_of("ann@example.com");

    (void)state;
    set_up(&stage);
    stage.settings.jitter = 0;
    mail(&stage, CAUSE_MAILBOX_FULL, "ann@example.com", MORNING);
    mail(&stage, CAUSE_MAILBOX_FULL, "ann@example.com", MORNING + DAY);
    assert_true(rehearsal_find(stage.rehearsal, &ann, &lead, &optout));
    assert_int_equal(optout.since, MORNING + DAY + MINUTE);
    assert_int_equal(optout.until, MORNING + 4 * DAY + MINUTE);
    assert_false(is_sent(&stage, optout.since));
    assert_false(is_sent(&stage, optout.until - 1));
    assert_true(is_sent(&stage, optout.until));
    tear_down(&stage);
}

/* It is decided when the mail is handed in, not when it is delivered: what is in the queue is sent. */
static void decided_at_the_door(void **state)
{
    struct stage stage;
    struct rehearsal_result result;

    (void)state;
    set_up(&stage);
    mail(&stage, CAUSE_USER_UNKNOWN, "ann@example.com", MORNING);
    tell(&stage, EVENT_DELIVERED, CAUSE_NONE, "ann@example.com", "before", MORNING + HOUR, MORNING);
    result = sum_of(&stage);
    assert_int_equal(result.count.missed, 0);
    /* Without that time the line's own counts. */
    tell(&stage, EVENT_DELIVERED, CAUSE_NONE, "ann@example.com", "unknown", MORNING + HOUR, 0);
    result = sum_of(&stage);
    assert_int_equal(result.count.missed, 1);
    tear_down(&stage);
}

/* A mail has many lines, and is one mail. */
static void mails_are_counted_once(void **state)
{
    struct stage stage;
    struct rehearsal_result result;

    (void)state;
    set_up(&stage);
    for (int64_t minute = 0; minute < 50; minute++)
        tell(&stage, EVENT_DEFERRED, CAUSE_RATE_LIMITED, "ann@example.com", "slow", MORNING + minute * MINUTE,
             MORNING);
    tell(&stage, EVENT_DEFERRED, CAUSE_RATE_LIMITED, "ben@example.com", "slow", MORNING, MORNING);
    result = sum_of(&stage);
    assert_int_equal(result.count.mails, 0);
    assert_int_equal(result.waiting, 2);
    assert_int_equal(result.deferrals, 51);
    tell(&stage, EVENT_DELIVERED, CAUSE_NONE, "ann@example.com", "slow", MORNING + HOUR, MORNING);
    /* An alias that stands for two mailboxes: the same mail again. */
    tell(&stage, EVENT_DELIVERED, CAUSE_NONE, "ann@example.com", "slow", MORNING + HOUR, MORNING);
    result = sum_of(&stage);
    assert_int_equal(result.count.mails, 1);
    assert_int_equal(result.waiting, 1);
    tear_down(&stage);
}

/* The first line decides for all, although the opt-out is over, or another one, when the last one comes; and
 * none of them leaves a trace. */
static void refused_mails_leave_no_trace(void **state)
{
    struct stage stage;
    struct rehearsal_result result;
    struct lead before, after;
    struct optout optout;
    struct address ann = address_of("ann@example.com");

    (void)state;
    set_up(&stage);
    stage.settings.jitter = 0;
    mail(&stage, CAUSE_MAILBOX_FULL, "ann@example.com", MORNING);
    mail(&stage, CAUSE_MAILBOX_FULL, "ann@example.com", MORNING + DAY);
    assert_true(rehearsal_find(stage.rehearsal, &ann, &before, &optout));
    tell(&stage, EVENT_DEFERRED, CAUSE_MAILBOX_FULL, "ann@example.com", "x", MORNING + 3 * DAY,
         MORNING + 3 * DAY);
    tell(&stage, EVENT_BOUNCE, CAUSE_MAILBOX_FULL, "ann@example.com", "x", MORNING + 8 * DAY,
         MORNING + 3 * DAY);
    assert_true(rehearsal_find(stage.rehearsal, &ann, &after, &optout));
    assert_memory_equal(&before, &after, sizeof(before));
    result = sum_of(&stage);
    assert_int_equal(result.count.saved, 1);
    /* And once more, over the beginning of the next opt-out. */
    tell(&stage, EVENT_DEFERRED, CAUSE_MAILBOX_FULL, "ann@example.com", "y", MORNING + 3 * DAY + HOUR,
         MORNING + 3 * DAY);
    mail(&stage, CAUSE_MAILBOX_FULL, "ann@example.com", MORNING + 5 * DAY);
    mail(&stage, CAUSE_MAILBOX_FULL, "ann@example.com", MORNING + 6 * DAY);
    assert_true(rehearsal_find(stage.rehearsal, &ann, &before, &optout));
    assert_int_equal(optout.since, MORNING + 6 * DAY + MINUTE);
    tell(&stage, EVENT_DELIVERED, CAUSE_NONE, "ann@example.com", "y", MORNING + 7 * DAY, MORNING + 3 * DAY);
    assert_true(rehearsal_find(stage.rehearsal, &ann, &after, &optout));
    assert_memory_equal(&before, &after, sizeof(before));
    result = sum_of(&stage);
    assert_int_equal(result.count.missed, 1);
    tear_down(&stage);
}

/* A line that comes late finds the key that is there by then, and cannot make it lighter. */
static void late_lines_find_the_key(void **state)
{
    struct stage stage;
    struct lead lead;
    struct optout optout;
    struct address ann = address_of("ann@example.com");

    (void)state;
    set_up(&stage);
    stage.settings.sunset_sends = 2;
    stage.settings.sunset_after = 5 * DAY;
    mail(&stage, CAUSE_NONE, "ann@example.com", MORNING);
    mail(&stage, CAUSE_USER_UNKNOWN, "ann@example.com", MORNING + 9 * DAY);
    mail(&stage, CAUSE_NONE, "ann@example.com", MORNING + 8 * DAY);
    assert_true(rehearsal_find(stage.rehearsal, &ann, &lead, &optout));
    assert_int_equal(lead.deliveries, 2);
    assert_int_equal(optout.cause, CAUSE_USER_UNKNOWN);
    assert_int_equal(optout.kind, OPTOUT_PERMANENT);
    tear_down(&stage);
}

static void providers_and_days(void **state)
{
    struct stage stage;
    const struct rehearsal_provider *provider;

    (void)state;
    set_up(&stage);
    stage.provider = "a.example";
    mail(&stage, CAUSE_NONE, "ann@example.com", MIDNIGHT);
    /* No host was reached: it is held against the one that answered last. */
    stage.provider = "";
    mail(&stage, CAUSE_USER_UNKNOWN, "ann@example.com", MIDNIGHT + 2 * DAY);
    mail(&stage, CAUSE_DOMAIN_UNKNOWN, "ben@example.org", MIDNIGHT);
    /* Lines out of order: their days stand in order all the same. */
    stage.provider = "a.example";
    mail(&stage, CAUSE_NONE, "cat@example.com", MIDNIGHT + DAY);
    mail(&stage, CAUSE_USER_UNKNOWN, "ann@example.com", MIDNIGHT + 2 * DAY + HOUR);
    provider = provider_of(&stage, "a.example");
    assert_int_equal(provider->n, 3);
    for (size_t day = 0; day < 3; day++) {
        const struct rehearsal_count *count = &provider->days[day].count;

        assert_int_equal(provider->days[day].day, MIDNIGHT / DAY + (int64_t)day);
        assert_int_equal(count->mails, day == 2 ? 2 : 1);
        assert_int_equal(count->invalid, day == 2 ? 2 : 0);
        assert_int_equal(count->saved_invalid, day == 2 ? 1 : 0);
    }
    assert_int_equal(provider->ended, 1);
    provider = provider_of(&stage, "");
    assert_int_equal(provider->n, 1);
    assert_int_equal(provider->days[0].count.invalid, 1);
    tear_down(&stage);
}

/* So many that their memory is bounded: nobody is lost in the sums. */
static void too_many_providers_are_one(void **state)
{
    struct stage stage;
    size_t n;
    char name[32];

    (void)state;
    set_up(&stage);
    stage.provider = name;
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < REHEARSAL_PROVIDERS + 100; i++) {
            snprintf(name, sizeof(name), "p%d.example", i);
            mail(&stage, CAUSE_NONE, "ann@example.com", MORNING);
        }
    rehearsal_providers(stage.rehearsal, &n);
    assert_int_equal(n, REHEARSAL_PROVIDERS);
    assert_int_equal(provider_of(&stage, "p17.example")->days[0].count.mails, 2);
    /* One place has the name "", one these. */
    assert_int_equal(provider_of(&stage, "others")->days[0].count.mails, 2 * 102);
    tear_down(&stage);
}

/* The table of leads grows under way. */
static void many_leads(void **state)
{
    struct stage stage;
    struct rehearsal_result result;
    struct lead lead;
    struct optout optout;

    (void)state;
    set_up(&stage);
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 20000; i++) {
            char name[64];

            snprintf(name, sizeof(name), "%0*d@example.com", i % 40 + 1, i);
            mail(&stage, i % 2 == 0 ? CAUSE_USER_UNKNOWN : CAUSE_NONE, name, MORNING + round * DAY);
        }
    result = sum_of(&stage);
    assert_int_equal(result.leads, 20000);
    assert_int_equal(result.count.saved, 10000);
    assert_int_equal(result.count.missed, 0);
    assert_int_equal(result.all.ended, 10000);
    assert_false(rehearsal_find(stage.rehearsal, &(struct address){ .n = 0 }, &lead, &optout));
    tear_down(&stage);
}

static void nothing_happened(void **state)
{
    struct stage stage;
    struct rehearsal_result result;
    struct lead lead;
    struct optout optout;

    (void)state;
    set_up(&stage);
    result = sum_of(&stage);
    assert_int_equal(result.leads + result.count.mails + result.waiting + result.first + result.last, 0);
    assert_false(rehearsal_find(stage.rehearsal, &(struct address){ .n = 0 }, &lead, &optout));
    tear_down(&stage);
    rehearsal_free(NULL);
}

/* --- random histories --- */

#define HISTORIES 3000
#define TRIES     120

/* splitmix64 */
static uint64_t draw(uint64_t *seed)
{
    uint64_t n = *seed += 0x9e3779b97f4a7c15u;

    n = (n ^ (n >> 30)) * 0xbf58476d1ce4e5b9u;
    n = (n ^ (n >> 27)) * 0x94d049bb133111ebu;
    return n ^ (n >> 31);
}

static int64_t draw_below(uint64_t *seed, int64_t n)
{
    return (int64_t)(draw(seed) % (uint64_t)n);
}

/* One lead, whose mails are in the queue up to three at a time, and what a model without any packing makes of
 * her. */
struct model {
    struct world world;
    uint64_t seed;
    int64_t now;
    uint32_t enforced;
    struct {
        char id[80];
        int64_t sent;
        bool decided, refused;
    } queue[3];
    int mails;
    struct rehearsal_count count;
    int64_t waiting;
};

static void draw_settings(struct model *model)
{
    struct lead_settings *settings = &model->world.settings;

    settings->jitter = draw_below(&model->seed, 2) * 20;
    settings->strike_spacing = draw_below(&model->seed, 2) * 6 * HOUR;
    settings->series_limit = (1 + draw_below(&model->seed, 60)) * DAY;
    settings->score.floor = -1 * SCORE_UNIT * (1 + draw_below(&model->seed, 10));
    settings->trust_score = draw_below(&model->seed, 3) * SCORE_UNIT;
    settings->sunset_sends = 2;
    settings->sunset_after = draw_below(&model->seed, 2) * 20 * DAY;
    for (int cause = 1; cause < CAUSES; cause++)
        settings->causes[cause].strikes = draw_below(&model->seed, 3);
}

/* Names of messages are short, or too long to be kept whole. */
static void hand_in(struct model *model, int place)
{
    snprintf(model->queue[place].id, sizeof(model->queue[place].id), "%0*d@example.net",
             draw_below(&model->seed, 2) == 0 ? 60 : 4, model->mails++);
    model->queue[place].sent = model->now;
    model->queue[place].decided = false;
}

static struct event draw_try(struct model *model, int place)
{
    static const enum cause causes[] = { CAUSE_USER_UNKNOWN, CAUSE_MAILBOX_FULL, CAUSE_MAILBOX_FULL,
                                         CAUSE_SPAM_BLOCK, CAUSE_NETWORK_ERROR };
    struct event event = {
        .source = SOURCE_LOG,
        .lead = address_of("ann@example.com"),
        .at = model->now,
        .sent = model->queue[place].sent,
        .message = span_of(model->queue[place].id),
        .status = SPAN("5.1.1"),
        .provider = SPAN("example.net"),
    };

    switch (draw_below(&model->seed, 8)) {
    case 0:
    case 1: event.type = EVENT_DEFERRED; break;
    case 2:
    case 3: event.type = EVENT_DELIVERED; break;
    default: event.type = EVENT_BOUNCE;
    }
    if (event.type != EVENT_DELIVERED)
        event.cause = causes[draw_below(&model->seed, 5)];
    return event;
}

/* What the model makes of it, by the design's words. */
static void play(struct model *model, int place, const struct event *event)
{
    const struct optout *optout = &model->world.optouts.optout;
    bool failed = event->type == EVENT_BOUNCE;
    bool stands = model->world.lead.since != 0 && optout->since <= event->sent &&
                  (optout->kind == OPTOUT_PERMANENT || event->sent < optout->until);

    if (!model->queue[place].decided)
        model->queue[place].refused = stands && (model->enforced >> optout->cause & 1) != 0;
    model->queue[place].decided = true;
    if (!model->queue[place].refused)
        apply(&model->world, *event);
    if (event->type == EVENT_DEFERRED)
        return;
    model->count.mails++;
    model->count.failed += failed;
    model->count.invalid += event->cause == CAUSE_USER_UNKNOWN;
    model->count.saved += failed && model->queue[place].refused;
    model->count.saved_invalid += event->cause == CAUSE_USER_UNKNOWN && model->queue[place].refused;
    model->count.missed += !failed && model->queue[place].refused;
}

static void check_lead(const struct model *model, const struct rehearsal *rehearsal)
{
    struct address ann = address_of("ann@example.com");
    const struct optout *want = &model->world.optouts.optout;
    struct lead wanted = model->world.lead, lead;
    struct optout optout;

    assert_true(rehearsal_find(rehearsal, &ann, &lead, &optout));
    assert_int_equal(lead.message[0] == '\0', wanted.message[0] == '\0');
    assert_int_equal(lead.noted[0] == '\0', wanted.noted[0] == '\0');
    /* Texts are not kept. */
    memset(wanted.message, 0, sizeof(wanted.message));
    memset(wanted.noted, 0, sizeof(wanted.noted));
    memset(wanted.status, 0, sizeof(wanted.status));
    memset(wanted.diag, 0, sizeof(wanted.diag));
    memset(wanted.provider, 0, sizeof(wanted.provider));
    memset(lead.message, 0, sizeof(lead.message));
    memset(lead.noted, 0, sizeof(lead.noted));
    assert_memory_equal(&lead, &wanted, sizeof(lead));
    if (wanted.since == 0)
        return;
    assert_int_equal(optout.cause, want->cause);
    assert_int_equal(optout.kind, want->kind);
    assert_int_equal(optout.since, want->since);
    assert_int_equal(optout.until, want->until);
}

/* One history, told to both; what comes of it must be the same after each try. */
static void compare_history(uint64_t seed, uint32_t enforced)
{
    struct model model = { .world = new_world(), .seed = seed, .now = T0, .enforced = enforced };
    struct rehearsal *rehearsal;
    struct rehearsal_result result;

    draw_settings(&model);
    rehearsal = rehearsal_new(&model.world.settings);
    for (int place = 0; place < 3; place++)
        hand_in(&model, place);
    for (int i = 0; i < TRIES; i++) {
        int place = (int)draw_below(&model.seed, 3);
        struct event event = draw_try(&model, place);
        struct rehearsal_mail told = { .event = &event, .id = event.message, .enforced = enforced };

        play(&model, place, &event);
        assert_int_equal(rehearsal_add(rehearsal, &told), 0);
        check_lead(&model, rehearsal);
        if (event.type != EVENT_DEFERRED)
            hand_in(&model, place);
        model.now += 1 + draw_below(&model.seed, 3) * draw_below(&model.seed, 2 * DAY);
    }
    rehearsal_sum(rehearsal, &result);
    assert_memory_equal(&result.count, &model.count, sizeof(model.count));
    rehearsal_free(rehearsal);
}

static void without_refusals_it_is_plain_lead_apply(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < HISTORIES; seed++)
        compare_history(seed, 0);
}

static void with_refusals_it_is_the_model(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < HISTORIES; seed++)
        compare_history(seed, ALL);
}

/* Of any history each mail is counted once, everywhere. */
static void everything_adds_up(void **state)
{
    uint64_t seed = 1;
    struct stage stage;
    struct rehearsal_result result;
    struct rehearsal_count sum = { 0 };
    const struct rehearsal_provider *providers;
    int64_t failed = 0, saved = 0, missed = 0, optouts = 0, leads = 0, ended = 0;
    size_t n;

    (void)state;
    set_up(&stage);
    for (int64_t i = 0; i < 20000; i++) {
        static const char *const names[] = { "", "a.example", "b.example", "c.example" };
        char lead[32];

        snprintf(lead, sizeof(lead), "lead%d@example.com", (int)draw_below(&seed, 700));
        stage.provider = names[draw_below(&seed, 4)];
        mail(&stage, (enum cause)(draw_below(&seed, 3) == 0 ? draw_below(&seed, CAUSE_COMPLAINT) : 0), lead,
             MORNING + i * 200 - draw_below(&seed, 2) * draw_below(&seed, DAY));
    }
    result = sum_of(&stage);
    assert_int_equal(result.count.mails, 20000);
    assert_true(result.count.saved > 0 && result.count.missed > 0);
    providers = rehearsal_providers(stage.rehearsal, &n);
    assert_int_equal(n, 4);
    for (size_t i = 0; i < n; i++) {
        leads += providers[i].leads;
        ended += providers[i].ended;
        for (size_t day = 0; day < providers[i].n; day++) {
            const struct rehearsal_count *count = &providers[i].days[day].count;

            assert_true(day == 0 || providers[i].days[day - 1].day < providers[i].days[day].day);
            sum.mails += count->mails;
            sum.failed += count->failed;
            sum.invalid += count->invalid;
            sum.saved += count->saved;
            sum.saved_invalid += count->saved_invalid;
            sum.missed += count->missed;
        }
    }
    assert_memory_equal(&sum, &result.count, sizeof(sum));
    for (int cause = 0; cause < CAUSES; cause++) {
        failed += result.of[cause].failed;
        saved += result.of[cause].saved;
        missed += result.of[cause].missed;
        optouts += result.of[cause].optouts;
        assert_true(result.of[cause].ended <= result.of[cause].leads);
        assert_true(result.of[cause].missed_ended <= result.of[cause].missed_leads);
    }
    assert_int_equal(failed, result.count.failed);
    assert_int_equal(saved, result.count.saved);
    assert_int_equal(missed, result.count.missed);
    assert_int_equal(missed, result.all.missed);
    assert_int_equal(optouts, result.all.optouts);
    assert_int_equal(leads, result.all.leads);
    assert_int_equal(ended, result.all.ended);
    tear_down(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(worked_example),
        cmocka_unit_test(price_of_an_end),
        cmocka_unit_test(leads_are_counted_once),
        cmocka_unit_test(streams_decide),
        cmocka_unit_test(a_suspension_ends_by_itself),
        cmocka_unit_test(decided_at_the_door),
        cmocka_unit_test(mails_are_counted_once),
        cmocka_unit_test(refused_mails_leave_no_trace),
        cmocka_unit_test(late_lines_find_the_key),
        cmocka_unit_test(providers_and_days),
        cmocka_unit_test(too_many_providers_are_one),
        cmocka_unit_test(many_leads),
        cmocka_unit_test(nothing_happened),
        cmocka_unit_test(without_refusals_it_is_plain_lead_apply),
        cmocka_unit_test(with_refusals_it_is_the_model),
        cmocka_unit_test(everything_adds_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
