/* SPDX-License-Identifier: BSD-2-Clause */
/* What holds of any history with an incident in its middle, on a real Redis: afterwards each lead is as her
 * twin who never saw those of its bounces that nothing stands on. The twins live in another database of the
 * same server. A failure names the seed of its history; it alone makes it again.
 *
 * What stands on a bounce is worked out here from the events alone, not from what the store remembers. */
#include "leadgate/revert.h"
#include "leadgate/store_admin.h"
#include "private_redis.h"
#include "store/answer.h"

#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define HISTORIES 100
#define LEADS     20 /* in each */
#define EVENTS    24 /* of each lead, at most */

#define HOUR INT64_C(3600)
#define DAY  (24 * HOUR)

static struct private_redis redis;
static struct lead_settings lifecycle;
static struct store_settings twin_settings;
static struct store *store, *twins;
static struct admin *admin, *twin_admin;

/* splitmix64 */
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

/* The events of one lead, in the order in which they happen and are heard of. */
struct life {
    size_t n;
    struct event events[EVENTS];
    char messages[EVENTS][24];
    bool committed[EVENTS]; /* they were news */
};

struct history {
    uint64_t seed;
    int64_t begin, end; /* of the incident */
    enum cause cause;   /* of its bounces */
    struct life lives[LEADS];
};

#define HOLDS(history, condition)                                                                            \
    do {                                                                                                     \
        if (!(condition))                                                                                    \
            fail_msg("seed %" PRIu64 ": %s", (history)->seed, #condition);                                   \
    } while (0)

static const char provider[] = "gmail.com";

static bool is_the_incidents(const struct history *history, const struct event *event)
{
    return event->type == EVENT_BOUNCE && event->cause == history->cause && event->at >= history->begin &&
           event->at <= history->end && span_eq(event->provider, span_of(provider));
}

/* One in so many is something else. */
#define SELDOM 12

/* During the incident mostly what it brings, else anything. */
static enum event_type draw_type(uint64_t *seed, bool incident)
{
    static const enum event_type often[] = { EVENT_BOUNCE, EVENT_DELIVERED, EVENT_DELIVERED, EVENT_DEFERRED };
    static const enum event_type then[] = { EVENT_BOUNCE,   EVENT_BOUNCE,      EVENT_BOUNCE,
                                            EVENT_DEFERRED, EVENT_UNSUBSCRIBE, EVENT_RESUBSCRIBE };

    if (incident && draw_below(seed, SELDOM) > 0)
        return then[draw_below(seed, sizeof(then) / sizeof(then[0]))];
    if (draw_below(seed, 2) == 0)
        return often[draw_below(seed, sizeof(often) / sizeof(often[0]))];
    return (enum event_type)(1 + draw_below(seed, EVENT_TYPES - 1));
}

static void draw_event(uint64_t *seed, const struct history *history, struct life *life, int64_t at)
{
    static const char *const providers[] = { provider, "example.net", "" };
    bool incident = at >= history->begin && at <= history->end;
    struct event *event = &life->events[life->n];

    *event = (struct event){ .type = draw_type(seed, incident), .source = SOURCE_LOG, .at = at };
    event->cause = incident && draw_below(seed, SELDOM) > 0
                       ? history->cause
                       : (enum cause)(1 + draw_below(seed, CAUSE_UNDETERMINED));
    event->provider = incident && draw_below(seed, SELDOM) > 0 ? span_of(provider)
                                                               : span_of(providers[draw_below(seed, 3)]);
    if (event->type == EVENT_OPTOUT)
        event->cause = CAUSE_MANUAL;
    event->sent = draw_below(seed, 4) == 0 ? 0 : at - draw_below(seed, 2 * HOUR);
    event->until = draw_below(seed, 3) == 0 ? 0 : at + DAY + draw_below(seed, 60 * DAY);
    event->unverified = draw_below(seed, 10) == 0;
    snprintf(life->messages[life->n], sizeof(life->messages[0]), "m%zu@example.org", life->n);
    event->message = span_of(life->messages[life->n]);
    event->status = SPAN("5.0.0");
    event->evidence = draw_below(seed, 2) == 0 ? SPAN("550 5.1.1 no such user") : SPAN("550 go away");
    life->n++;
}

/* Some weeks before the incident, hours of it, and for some leads what came before it was noticed. */
static void draw_life(uint64_t *seed, const struct history *history, struct life *life, int64_t now)
{
    int64_t at = history->begin - draw_below(seed, draw_below(seed, 3) == 0 ? HOUR : 20 * DAY);
    int64_t last = draw_below(seed, 3) == 0 ? now : history->end, next;

    while (life->n < EVENTS && at <= last) {
        draw_event(seed, history, life, at);
        next = at + 1 + draw_below(seed, at < history->begin ? 5 * DAY : 2 * HOUR);
        if (at < history->begin && next > history->end)
            next = history->begin + draw_below(seed, HOUR);
        at = next;
    }
}

/* What makes the most different of a few events. */
static void draw_settings(uint64_t *seed)
{
    lead_settings_default(&lifecycle);
    lifecycle.jitter = 0;
    lifecycle.strike_spacing = draw_below(seed, 2) * 6 * HOUR;
    lifecycle.doubt = draw_below(seed, 2) * 2 * DAY;
    lifecycle.sunset_after = draw_below(seed, 4) == 0 ? DAY : 0;
    lifecycle.sunset_sends = 1;
}

static void draw_history(uint64_t seed, int64_t now, struct history *history)
{
    *history = (struct history){ .seed = seed };
    draw_settings(&seed);
    history->end = now - draw_below(&seed, 12 * HOUR);
    history->begin = history->end - HOUR - draw_below(&seed, 10 * HOUR);
    history->cause = draw_below(&seed, 2) == 0 ? CAUSE_USER_UNKNOWN
                                               : (enum cause)(1 + draw_below(&seed, CAUSE_UNDETERMINED));
    for (int i = 0; i < LEADS; i++) {
        struct address address = { .at = 0 };

        address.n = (size_t)snprintf(address.text, sizeof(address.text), "lead%d@example.com", i);
        address.at = address.n - strlen("@example.com");
        draw_life(&seed, history, &history->lives[i], now);
        for (size_t k = 0; k < history->lives[i].n; k++)
            history->lives[i].events[k].lead = address;
    }
}

static enum effect apply(struct store *to, struct event event, int64_t now)
{
    struct outcome outcome;
    struct err err;

    if (store_apply(to, &lifecycle, &event, 1, now, &outcome, &err) == STORE_DOWN)
        fail_msg("%s", err.text);
    return outcome.effect;
}

/* No bounce plays a part in it. */
static bool is_apart(const struct event *event)
{
    return event->type == EVENT_DEFERRED || event->type == EVENT_UNSUBSCRIBE ||
           event->type == EVENT_RESUBSCRIBE;
}

/* The first event behind the last one that would stand on a bounce of the incident before it. */
static size_t first_free(const struct history *history, const struct life *life)
{
    size_t first = 0;

    for (size_t i = 0; i < life->n; i++)
        if (life->committed[i] && !is_apart(&life->events[i]) && !is_the_incidents(history, &life->events[i]))
            first = i + 1;
    return first;
}

static void read_both(const struct history *history, const struct address *lead, struct dossier out[2])
{
    struct err err;

    HOLDS(history, admin_read(admin, lead, 0, &out[0], &err) == STORE_OK);
    HOLDS(history, admin_read(twin_admin, lead, 0, &out[1], &err) == STORE_OK);
}

/* That a bounce happened stays known; the store's own count goes on. */
static void forget_facts(struct lead *lead)
{
    lead->bounced = lead->rev = 0;
    lead->message[0] = lead->noted[0] = lead->status[0] = lead->diag[0] = lead->provider[0] = '\0';
}

static void check_equal(const struct history *history, const struct address *lead)
{
    struct dossier both[2];
    char value[LEAD_TEXT_SIZE];
    const char *name;
    size_t next = 0;

    read_both(history, lead, both);
    for (int i = 0; i < 2; i++)
        forget_facts(&both[i].lead);
    if (lead_next_field(&next, &both[1].lead, &both[0].lead, &name, value))
        fail_msg("seed %" PRIu64 ": %s: %s is %s", history->seed, lead->text, name, value);
    HOLDS(history, both[0].optout.present == both[1].optout.present);
    HOLDS(history, both[0].optout.kind == both[1].optout.kind);
    HOLDS(history, both[0].optout.cause == both[1].optout.cause);
    HOLDS(history, both[0].optout.since == both[1].optout.since);
    HOLDS(history, both[0].optout.cycle == both[1].optout.cycle);
    HOLDS(history, both[0].n_refusals == both[1].n_refusals);
}

/* Everything in the first database, but for the scores' drift of nothing: as one number. */
static uint64_t digest(void)
{
    const char *text = private_redis_cli(&redis, "DEBUG DIGEST");
    uint64_t hash = 1469598103934665603u;

    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * 1099511628211u;
    return hash;
}

static struct revert_tally run(const struct history *history, int64_t now, bool dry)
{
    const struct revert_plan plan = { .provider = span_of(provider),
                                      .since = history->begin,
                                      .until = history->end,
                                      .causes = revert_cause(history->cause),
                                      .dry_run = dry,
                                      .by = SPAN("incident"),
                                      .why = SPAN("x") };
    struct revert_tally tally;
    struct err err;

    HOLDS(history, revert_run(store, &plan, now, NULL, NULL, &tally, &err) == STORE_OK);
    return tally;
}

/* An operator's word that was no news, because the incident had said more, is not remembered. */
static bool is_lost(const struct life *life, size_t i)
{
    return life->events[i].type == EVENT_OPTOUT && !life->committed[i];
}

/* The lead, and her twin who never sees what is to be taken back. */
static void live(const struct history *history, struct life *life)
{
    size_t first;

    for (size_t i = 0; i < life->n; i++)
        life->committed[i] = apply(store, life->events[i], life->events[i].at) != EFFECT_REPEAT;
    first = first_free(history, life);
    for (size_t i = 0; i < life->n; i++)
        if (i < first || !(is_the_incidents(history, &life->events[i]) || is_lost(life, i)))
            apply(twins, life->events[i], life->events[i].at);
}

static void one_history(uint64_t seed, int64_t now, struct revert_tally *sum)
{
    static struct history history;
    struct revert_tally dry, done, again;
    uint64_t before, after;

    draw_history(seed, now, &history);
    private_redis_cli(&redis, "FLUSHALL");
    for (int i = 0; i < LEADS; i++)
        live(&history, &history.lives[i]);
    before = digest();
    dry = run(&history, now, true);
    HOLDS(&history, digest() == before);
    done = run(&history, now, false);
    HOLDS(&history, memcmp(&dry, &done, sizeof(dry)) == 0);
    after = digest();
    HOLDS(&history, (after == before) == (done.leads == 0));
    again = run(&history, now, false);
    HOLDS(&history, again.leads == 0 && again.left_alone == done.left_alone);
    HOLDS(&history, digest() == after);
    for (int i = 0; i < LEADS; i++)
        check_equal(&history, &history.lives[i].events[0].lead);
    /* The same mails and logs read again are no news. */
    for (int i = 0; i < LEADS; i++)
        for (size_t k = 0; k < history.lives[i].n; k++)
            if (history.lives[i].events[k].type == EVENT_BOUNCE)
                HOLDS(&history, apply(store, history.lives[i].events[k], now) == EFFECT_REPEAT);
    /* And life goes on alike. */
    for (int i = 0; i < LEADS; i++) {
        for (int64_t k = 0; k < 4; k++) {
            struct event event = history.lives[i].events[0];

            event.type = k == 2 ? EVENT_DELIVERED : EVENT_BOUNCE;
            event.cause = k % 2 == 0 ? CAUSE_MAILBOX_FULL : CAUSE_USER_UNKNOWN;
            event.at = event.sent = now + 1 + k * 7 * HOUR;
            event.message = SPAN_NONE;
            HOLDS(&history, apply(store, event, event.at) == apply(twins, event, event.at));
        }
        check_equal(&history, &history.lives[i].events[0].lead);
    }
    sum->leads += done.leads;
    sum->bounces += done.bounces;
    sum->let_in += done.let_in;
    sum->left_alone += done.left_alone;
}

static void as_if_it_had_never_been(void **state)
{
    struct revert_tally sum = { .leads = 0 };
    int64_t now = (int64_t)time(NULL);

    (void)state;
    for (uint64_t seed = 1; seed <= HISTORIES; seed++)
        one_history(seed, now, &sum);
    print_message("# taken back: %" PRId64 " leads, %" PRId64 " bounces, %" PRId64
                  " let in; left alone: %" PRId64 "\n",
                  sum.leads, sum.bounces, sum.let_in, sum.left_alone);
    /* It was about something. */
    assert_true(sum.leads > HISTORIES * LEADS / 10);
    assert_true(sum.bounces > sum.leads);
    assert_true(sum.let_in > HISTORIES * LEADS / 20);
    assert_true(sum.left_alone > HISTORIES * LEADS / 20);
}

enum { PROCESSES = 3, CROWD = 40, REVERTS = 2000 };

/* Shared by the processes. Of each lead: her clock, what was committed, and of that deliveries. */
struct crowd {
    bool enough;
    int64_t taken, clocks[CROWD], commits[CROWD], deliveries[CROWD];
};

/* What happens to her next: mostly bounces, else nothing would be taken back. */
static struct event next_event(int64_t number)
{
    static const enum event_type types[] = { EVENT_DELIVERED, EVENT_BOUNCE, EVENT_BOUNCE,
                                             EVENT_FLUSH,     EVENT_BOUNCE, EVENT_BOUNCE };
    struct event event = { .source = SOURCE_LOG, .cause = CAUSE_MAILBOX_FULL };

    event.type = types[(size_t)(number / CROWD) % (sizeof(types) / sizeof(types[0]))];
    event.message = event.status = event.evidence = event.stream = event.token = SPAN_NONE;
    event.provider = span_of(provider);
    event.lead.n = (size_t)snprintf(event.lead.text, sizeof(event.lead.text), "lead%d@example.com",
                                    (int)(number % CROWD));
    event.lead.at = event.lead.n - strlen("@example.com");
    return event;
}

/* One of the processes. An event that is a repeat only because another process was faster gets the next later
 * time, so that each is committed; but who is not opted out cannot be let in. */
static void apply_to_crowd(struct crowd *crowd, int64_t now)
{
    struct store *mine = store_new(&redis.settings);
    struct outcome outcome;
    struct err err;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (!__atomic_load_n(&crowd->enough, __ATOMIC_SEQ_CST)) {
        int64_t number = __atomic_fetch_add(&crowd->taken, 1, __ATOMIC_SEQ_CST);
        struct event event = next_event(number);
        size_t lead = (size_t)(number % CROWD);

        do {
            event.at = __atomic_add_fetch(&crowd->clocks[lead], 1, __ATOMIC_SEQ_CST);
            if (store_apply(mine, &lifecycle, &event, 1, now, &outcome, &err) == STORE_DOWN)
                _exit(1);
        } while (outcome.effect == EFFECT_REPEAT && event.type != EVENT_FLUSH);
        if (outcome.effect == EFFECT_REPEAT)
            continue;
        __atomic_add_fetch(&crowd->commits[lead], 1, __ATOMIC_SEQ_CST);
        if (event.type == EVENT_DELIVERED)
            __atomic_add_fetch(&crowd->deliveries[lead], 1, __ATOMIC_SEQ_CST);
    }
    store_free(mine);
    _exit(0);
}

static void count_commit(void *ctx, const struct reverted *lead)
{
    struct crowd *crowd = ctx;

    if (lead->bounces > 0)
        __atomic_add_fetch(&crowd->commits[atoi(lead->lead->text + strlen("lead"))], 1, __ATOMIC_SEQ_CST);
}

/* Whoever is committed stays, whoever is taken back goes, one after the other. */
static void nothing_is_lost_among_processes(void **state)
{
    struct crowd *crowd =
        mmap(NULL, sizeof(*crowd), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int64_t now = (int64_t)time(NULL);
    const struct revert_plan plan = { .provider = SPAN(""),
                                      .since = now - 2 * DAY,
                                      .until = INT64_MAX,
                                      .by = SPAN("incident"),
                                      .why = SPAN("x") };
    struct revert_tally tally;
    struct err err;
    int status;

    (void)state;
    assert_true(crowd != MAP_FAILED);
    private_redis_cli(&redis, "FLUSHALL");
    lead_settings_default(&lifecycle);
    lifecycle.strike_spacing = 0;
    lifecycle.causes[CAUSE_MAILBOX_FULL].strikes = 4;
    for (int i = 0; i < CROWD; i++)
        crowd->clocks[i] = now - 40 * HOUR;
    for (int i = 0; i < PROCESSES; i++) {
        pid_t child = fork();

        assert_true(child >= 0);
        if (child == 0)
            apply_to_crowd(crowd, now);
    }
    for (int64_t reverts = 0; reverts < REVERTS; reverts += tally.leads) {
        assert_int_equal(revert_run(store, &plan, now, count_commit, crowd, &tally, &err), STORE_OK);
        /* What was looked at once need not be again: so it stays close behind them. */
        private_redis_cli(&redis, "DEL leadgate:bounced:%" PRId64, now / HOUR);
    }
    __atomic_store_n(&crowd->enough, true, __ATOMIC_SEQ_CST);
    for (int i = 0; i < PROCESSES; i++) {
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
    for (int i = 0; i < CROWD; i++) {
        assert_int_equal(atoi(private_redis_cli(&redis, "HGET lead:{lead%d@example.com} rev", i)),
                         crowd->commits[i]);
        assert_int_equal(atoi(private_redis_cli(&redis, "HGET lead:{lead%d@example.com} deliveries", i)),
                         crowd->deliveries[i]);
    }
    munmap(crowd, sizeof(*crowd));
}

static int start(void **state)
{
    (void)state;
    private_redis_init(&redis);
    redis.settings.timeout = 10000;
    twin_settings = redis.settings;
    twin_settings.database = 1;
    store = store_new(&redis.settings);
    twins = store_new(&twin_settings);
    admin = admin_new(&redis.settings);
    twin_admin = admin_new(&twin_settings);
    return store == NULL || twins == NULL || admin == NULL || twin_admin == NULL;
}

static int stop(void **state)
{
    (void)state;
    store_free(store);
    store_free(twins);
    admin_free(admin);
    admin_free(twin_admin);
    private_redis_deinit(&redis);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_if_it_had_never_been),
        cmocka_unit_test(nothing_is_lost_among_processes),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
