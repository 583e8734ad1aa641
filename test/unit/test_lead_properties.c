/* SPDX-License-Identifier: BSD-2-Clause */
/* What holds of every lead, whatever happens to her: random histories under random settings, the same ones at
 * each run. The settings are drawn from the table that the loader reads, so that no number which config.yaml
 * may hold is left out. A failure names the seed of its history; it alone makes it again. */
#include "lead_world.h"
#include "leadgate/settings.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* All together 10^6. */
#define ANY_HISTORIES  500000
#define LATE_HISTORIES 200000
#define PAIRS          300000

#define EVENTS 30 /* in a history */

/* splitmix64: every seed is a good one. */
static uint64_t draw(uint64_t *seed)
{
    uint64_t n = *seed += 0x9e3779b97f4a7c15u;

    n = (n ^ (n >> 30)) * 0xbf58476d1ce4e5b9u;
    n = (n ^ (n >> 27)) * 0x94d049bb133111ebu;
    return n ^ (n >> 31);
}

/* 0..n-1 */
static int64_t draw_below(uint64_t *seed, int64_t n)
{
    return (int64_t)(draw(seed) % (uint64_t)n);
}

static bool draw_one_in(uint64_t *seed, int64_t n)
{
    return draw_below(seed, n) == 0;
}

/* The bounds often, else any order of magnitude. */
static int64_t draw_within(uint64_t *seed, int64_t min, int64_t max)
{
    uint64_t width = (uint64_t)(max - min), mask = UINT64_MAX >> draw_below(seed, 64);

    switch (draw_below(seed, 8)) {
    case 0: return min;
    case 1: return max;
    default: return min + (int64_t)((draw(seed) & mask) % (width + 1));
    }
}

static void draw_setting(uint64_t *seed, const struct config_key *key, void *member)
{
    int words = 0;

    if (key->type == CONFIG_BOOL) {
        *(bool *)member = draw_one_in(seed, 2);
        return;
    }
    if (key->words == NULL) {
        *(int64_t *)member = draw_within(seed, key->min, key->max);
        return;
    }
    while (key->words[words] != NULL)
        words++;
    *(int *)member = (int)draw_below(seed, words);
}

/* Every key of the lifecycle, one in three of them changed. */
static void draw_settings(uint64_t *seed, struct lead_settings *settings)
{
    size_t n, begin = offsetof(struct settings, lead), end = begin + sizeof(struct lead_settings);
    const struct config_key *keys = settings_keys(&n);

    lead_settings_default(settings);
    if (draw_one_in(seed, 4))
        return;
    for (size_t i = 0; i < n; i++) {
        if (keys[i].at < begin || keys[i].at >= end)
            continue;
        for (size_t each = 0; each == 0 || each < keys[i].each_n; each++)
            if ((keys[i].each == NULL || keys[i].each(each) != NULL) && draw_one_in(seed, 3))
                draw_setting(seed, &keys[i], (char *)settings + (keys[i].at - begin) + each * keys[i].stride);
    }
    /* Seldom does anybody wait for a thousand bounces; and then nothing would be seen of what follows. */
    for (int cause = 0; cause < CAUSES; cause++)
        if (settings->causes[cause].strikes > 5 && !draw_one_in(seed, 8))
            settings->causes[cause].strikes = 1 + draw_below(seed, 5);
}

/* What happens to one lead, in the order in which it is heard of. */
struct history {
    uint64_t seed;
    size_t n;
    struct event events[EVENTS];
    int64_t heard[EVENTS]; /* when; never before it happened */
    char messages[EVENTS][24];
};

static int64_t draw_step(uint64_t *seed)
{
    static const int64_t most[] = { 3, HOUR, 12 * HOUR, 2 * DAY, 8 * DAY, 100 * DAY };

    return draw_below(seed, most[draw_below(seed, sizeof(most) / sizeof(most[0]))]);
}

static enum event_type draw_type(uint64_t *seed, enum event_type last)
{
    /* Mostly bounces and deliveries, as in life. */
    switch (draw_below(seed, 5)) {
    case 0: return EVENT_DELIVERED;
    case 1: return (enum event_type)(1 + draw_below(seed, last));
    default: return EVENT_BOUNCE;
    }
}

/* An event of those up to `last`, which happened at `at`; again: about a message that others are about, too.
 */
static void draw_event(uint64_t *seed, struct history *history, size_t i, enum event_type last,
                       const enum cause causes[3], int64_t at, bool again)
{
    static const char *const providers[] = { "", "example.net", "example.org" };
    struct event *event = &history->events[i];

    event->type = draw_type(seed, last);
    event->source = SOURCE_MAILBOX;
    event->cause = causes[draw_below(seed, 3)];
    event->at = at;
    event->sent = draw_one_in(seed, 4) ? 0 : at - draw_step(seed);
    event->until = draw_one_in(seed, 3) ? 0 : at + draw_step(seed);
    snprintf(history->messages[i], sizeof(history->messages[i]), "m%" PRId64 "@example.org",
             again ? draw_below(seed, 4) : (int64_t)i + 100);
    event->message = draw_one_in(seed, 6) ? SPAN("") : span_of(history->messages[i]);
    event->status = SPAN("5.0.0");
    event->evidence = SPAN("no");
    event->provider = span_of(providers[draw_below(seed, 3)]);
}

/* in_order: each is heard of when it happens. Else either some are heard of later, after younger ones, or
 * some are about the same message. Not both: where two reports of one message have different times, and the
 * bounce of another one from between them is heard of last, only the last of the three is remembered, and
 * rule 1 does not know the second again. */
static void draw_history(uint64_t *seed, struct history *history, enum event_type last, bool in_order)
{
    bool again = draw_one_in(seed, 2), late = !in_order && !again;
    int64_t now = T0;
    enum cause causes[3];
    struct address lead = { .n = 0 };

    for (int i = 0; i < 3; i++)
        causes[i] = (enum cause)(CAUSE_USER_UNKNOWN + draw_below(seed, CAUSE_UNDETERMINED));
    lead.n = (size_t)snprintf(lead.text, sizeof(lead.text), "lead%" PRId64 "@example.com",
                              draw_below(seed, 1000000));
    lead.at = lead.n - strlen("@example.com");
    history->n = (size_t)(1 + draw_below(seed, EVENTS));
    for (size_t i = 0; i < history->n; i++) {
        int64_t delay = late && draw_one_in(seed, 4) ? draw_step(seed) : 0;

        now += draw_step(seed) + (in_order ? 1 : 0);
        draw_event(seed, history, i, last, causes, now - delay, again && draw_one_in(seed, 4));
        /* An application's own word is not late: of two unsubscribes only the first is remembered. */
        if (history->events[i].type == EVENT_RESUBSCRIBE)
            history->events[i].at = now;
        history->events[i].lead = lead;
        history->heard[i] = now;
    }
}

#define HOLDS(history, condition)                                                                            \
    do {                                                                                                     \
        if (!(condition))                                                                                    \
            fail_msg("seed %" PRIu64 ": %s", (history)->seed, #condition);                                   \
    } while (0)

static int64_t with_most_jitter(const struct lead_settings *settings, int64_t length)
{
    return length + length * settings->jitter / 100;
}

/* The longest that a temporary opt-out for that cause may last. */
static int64_t longest_of(const struct lead_settings *settings, enum cause cause)
{
    const struct cause_settings *numbers = &settings->causes[cause];
    int64_t doubt = with_most_jitter(settings, settings->doubt), most = 0;

    if (cause == CAUSE_SCORE || cause == CAUSE_INACTIVE)
        return with_most_jitter(settings, numbers->first);
    switch (numbers->end) {
    case END_NEVER: return 0;
    case END_PERMANENT: most = settings->series_limit; break;
    case END_LONGEST: most = with_most_jitter(settings, settings->longest); break;
    }
    return cause_info(cause)->hardness == HARDNESS_HARD && doubt > most ? doubt : most;
}

static void check_optout(const struct history *history, const struct world *after, const struct event *event,
                         bool allowed)
{
    const struct optout *optout = &after->change.optout;

    HOLDS(history, optout->present);
    HOLDS(history, after->lead.since == optout->since && after->lead.until == optout->until);
    if (event->type == EVENT_OPTOUT)
        return;
    HOLDS(history, !allowed);
    HOLDS(history, event->type == EVENT_BOUNCE || event->type == EVENT_DELIVERED);
    HOLDS(history, optout->cause == event->cause || optout->cause == CAUSE_SCORE ||
                       (event->type == EVENT_DELIVERED && optout->cause == CAUSE_INACTIVE));
    if (optout->kind == OPTOUT_PERMANENT) {
        HOLDS(history, optout->until == 0);
        HOLDS(history, after->settings.causes[optout->cause].end == END_PERMANENT);
        HOLDS(history, after->settings.causes[optout->cause].first == 0 ||
                           optout->since - after->lead.series >= after->settings.series_limit);
        return;
    }
    HOLDS(history, optout->until > optout->since);
    HOLDS(history, optout->until - optout->since <= longest_of(&after->settings, optout->cause));
    /* A series ends when it must; only a doubt may outlast it. */
    HOLDS(history, after->settings.causes[optout->cause].end != END_PERMANENT ||
                       after->lead.doubted == optout->since ||
                       optout->until <= after->lead.series + after->settings.series_limit);
}

static void check_lift(const struct history *history, const struct lead_settings *settings,
                       const struct optout *before, const struct event *event)
{
    enum engagement engagement;
    bool engaged = event_engagement(event->type, &engagement) && settings->engagement[engagement].reactivates;

    HOLDS(history, before->present);
    HOLDS(history, event->type == EVENT_FLUSH || (engaged && before->cause != CAUSE_MANUAL));
}

/* What may and what must not follow from one event. */
static void check_step(const struct history *history, const struct world *before, const struct world *after,
                       const struct event *event, enum effect effect)
{
    const struct lead *old = &before->lead, *lead = &after->lead;

    HOLDS(history, lead->score >= -SCORE_MOST && lead->score <= SCORE_MOST);
    HOLDS(history, lead->delivered >= old->delivered && lead->bounced >= old->bounced);
    HOLDS(history, lead->engaged >= old->engaged && lead->noticed >= old->noticed);
    HOLDS(history, lead->deferred >= old->deferred && lead->scored >= old->scored);
    HOLDS(history, lead->strikes >= 0 && lead->cycle >= 0 && lead->rev == old->rev);
    HOLDS(history, lead->seen != 0 || effect == EFFECT_REPEAT);
    HOLDS(history, (effect == EFFECT_OPTOUT) == (after->change.kind == CHANGE_OPTOUT));
    if (effect == EFFECT_REPEAT) {
        HOLDS(history, memcmp(old, lead, sizeof(*lead)) == 0);
        HOLDS(history, after->change.kind == CHANGE_NONE);
    }
    switch (after->change.kind) {
    case CHANGE_OPTOUT: check_optout(history, after, event, before->optouts.allowed); break;
    case CHANGE_LIFT: check_lift(history, &before->settings, &before->optouts.optout, event); break;
    case CHANGE_REFUSE:
        HOLDS(history, event->type == EVENT_COMPLAINT || event->type == EVENT_UNSUBSCRIBE);
        break;
    case CHANGE_ACCEPT: HOLDS(history, event->type == EVENT_RESUBSCRIBE); break;
    case CHANGE_NONE: break;
    }
}

/* Events 0..k-1 once more, all of them at `now`: not a byte of the lead, no change of an opt-out. */
static void replay_prefix(const struct history *history, struct world *world, size_t k, int64_t now)
{
    struct lead before = world->lead;

    for (size_t i = 0; i < k; i++) {
        const struct event *event = &history->events[i];

        /* An operator's word is not in any mailbox or log. */
        if (event->type == EVENT_OPTOUT || event->type == EVENT_FLUSH)
            continue;
        HOLDS(history, apply_late(world, *event, now) == EFFECT_REPEAT);
        HOLDS(history, world->change.kind == CHANGE_NONE);
    }
    HOLDS(history, memcmp(&before, &world->lead, sizeof(before)) == 0);
}

/* What an operator does with redis-cli, in between. */
static void meddle(uint64_t *seed, struct world *world)
{
    if (draw_one_in(seed, 20))
        world->optouts.allowed = !world->optouts.allowed;
    if (draw_one_in(seed, 20))
        world->optouts.optout.present = false;
}

static void any_history(void **state)
{
    int64_t events = 0, optouts = 0;

    (void)state;
    for (uint64_t number = 0; number < ANY_HISTORIES; number++) {
        uint64_t seed = number;
        struct world world = new_world(), before;
        struct history history = { .seed = number };

        draw_settings(&seed, &world.settings);
        draw_history(&seed, &history, EVENT_TYPES - 1, false);
        for (size_t i = 0; i < history.n; i++) {
            enum effect effect;

            meddle(&seed, &world);
            world.optouts.optout.present = is_opted_out(&world, history.heard[i]);
            before = world;
            effect = apply_late(&world, history.events[i], history.heard[i]);
            check_step(&history, &before, &world, &history.events[i], effect);
            optouts += effect == EFFECT_OPTOUT;
            if (draw_one_in(&seed, 10))
                replay_prefix(&history, &world, (size_t)draw_below(&seed, (int64_t)i + 2), history.heard[i]);
        }
        replay_prefix(&history, &world, history.n, history.heard[history.n - 1] + draw_step(&seed));
        events += (int64_t)history.n;
    }
    print_message("# any_history: %d histories, %" PRId64 " events, %" PRId64 " opt-outs\n", ANY_HISTORIES,
                  events, optouts);
    assert_true(optouts > ANY_HISTORIES / 10);
}

/* What is read long after it happened, in order, leaves the lead as if each had been read at once. */
static void late_histories_equal_live_ones(void **state)
{
    int64_t lifts = 0;

    (void)state;
    for (uint64_t number = 0; number < LATE_HISTORIES; number++) {
        uint64_t seed = number + ANY_HISTORIES;
        struct history history = { .seed = seed };
        struct world live = new_world(), late;
        int64_t end;

        draw_settings(&seed, &live.settings);
        draw_history(&seed, &history, EVENT_RESUBSCRIBE, true);
        late = live;
        /* When every suspension of it is over. */
        end = history.heard[history.n - 1] + 20 * 3650 * DAY;
        for (size_t i = 0; i < history.n; i++) {
            enum effect effect = apply(&live, history.events[i]);

            lifts += live.change.kind == CHANGE_LIFT;
            HOLDS(&history, apply_late(&late, history.events[i], end) == effect);
            HOLDS(&history, memcmp(&live.lead, &late.lead, sizeof(live.lead)) == 0);
        }
    }
    print_message("# late_histories_equal_live_ones: %d histories, %" PRId64 " lifts\n", LATE_HISTORIES,
                  lifts);
    assert_true(lifts > LATE_HISTORIES / 100);
}

static int64_t distance(int64_t a, int64_t b)
{
    return a > b ? a - b : b - a;
}

/* What one pair may differ in. */
enum pair { PAIR_GOOD, PAIR_WILL };

/* A delivery and an open or click; or an unsubscribe or resubscribe, and anything about her health. Not a
 * complaint: it weighs on the score, which decides about doubt and the floor; there the order matters. */
static enum pair draw_pair(uint64_t *seed, struct event *a, struct event *b)
{
    if (draw_one_in(seed, 2)) {
        a->type = EVENT_DELIVERED;
        b->type = draw_one_in(seed, 2) ? EVENT_OPEN : EVENT_CLICK;
        b->provider = a->provider;
        return PAIR_GOOD;
    }
    a->type = draw_one_in(seed, 2) ? EVENT_UNSUBSCRIBE : EVENT_RESUBSCRIBE;
    a->provider = SPAN("");
    b->type = (enum event_type)(EVENT_BOUNCE + draw_below(seed, EVENT_REPLY));
    return PAIR_WILL;
}

/* No sum of the score before and the two weights can meet -10 or 10. */
static bool is_far_from_bounds(const struct world *before)
{
    const struct lead_settings *settings = &before->settings;
    int64_t open = settings->engagement[ENGAGED_OPEN].weight,
            click = settings->engagement[ENGAGED_CLICK].weight;
    int64_t most = open > click ? open : click;

    return distance(before->lead.score, 0) + settings->score.delivered + most <= SCORE_MOST;
}

/* Two events that concern different things, heard of in either order: the same lead, the same opt-outs. Only
 * the score of a delivery and a click may differ: by rounding, where deliveries alone go no further by no
 * more than the delivery's weight, and at the ends of the scale by what was cut off. */
static void some_pairs_commute(void **state)
{
    int64_t counts[2] = { 0, 0 }, far = 0;

    (void)state;
    for (uint64_t number = 0; number < PAIRS; number++) {
        uint64_t seed = number + ANY_HISTORIES + LATE_HISTORIES;
        struct history history = { .seed = seed };
        struct world one = new_world(), other_way, before;
        struct event *a, *b;
        enum pair pair;
        int64_t now;

        draw_settings(&seed, &one.settings);
        /* A sunset is about the time between just these two. */
        one.settings.sunset_after = 0;
        draw_history(&seed, &history, EVENT_TYPES - 1, false);
        if (history.n < 2)
            continue;
        for (size_t i = 0; i < history.n - 2; i++)
            apply_late(&one, history.events[i], history.heard[i]);
        a = &history.events[history.n - 2];
        b = &history.events[history.n - 1];
        now = history.heard[history.n - 1];
        pair = draw_pair(&seed, a, b);
        before = other_way = one;
        apply_late(&one, *a, now);
        apply_late(&one, *b, now);
        apply_late(&other_way, *b, now);
        apply_late(&other_way, *a, now);
        if (pair == PAIR_GOOD) {
            HOLDS(&history, !is_far_from_bounds(&before) || distance(one.lead.score, other_way.lead.score) <=
                                                                one.settings.score.delivered + 2);
            far += is_far_from_bounds(&before);
            other_way.lead.score = one.lead.score;
        }
        HOLDS(&history, memcmp(&one.lead, &other_way.lead, sizeof(one.lead)) == 0);
        one.optouts.optout.present = is_opted_out(&one, now);
        other_way.optouts.optout.present = is_opted_out(&other_way, now);
        HOLDS(&history, memcmp(&one.optouts, &other_way.optouts, sizeof(one.optouts)) == 0);
        counts[pair]++;
    }
    print_message("# some_pairs_commute: %" PRId64 " deliveries and clicks (%" PRId64
                  " with the score), %" PRId64 " wills and anything else\n",
                  counts[PAIR_GOOD], far, counts[PAIR_WILL]);
    assert_true(far > PAIRS / 8 && counts[PAIR_WILL] > PAIRS / 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_history),
        cmocka_unit_test(late_histories_equal_live_ones),
        cmocka_unit_test(some_pairs_commute),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
