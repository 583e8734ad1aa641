/* SPDX-License-Identifier: BSD-2-Clause */
/* A commit costs Redis one or two round trips however much it holds, so a backlog is applied some dozens of
 * mails at a time. Events borrow their texts from the reports; those therefore stay where they are, in one
 * array, until the commit is over. */
#include "feed/intake.h"

#include "leadgate/bounce.h"
#include "leadgate/logline.h"

#include <stdlib.h>

/* A report can name any number of recipients: this many events are not exceeded by more than one mail. */
#define INTAKE_EVENTS 500

struct intake {
    const struct settings *settings;
    struct store *store;
    struct report held[INTAKE_MAILS];
    size_t n, events;
    bool down; /* Redis was away at the last commit, and that was said */
    struct tally tally;
};

struct intake *intake_new(const struct settings *settings)
{
    struct intake *intake = calloc(1, sizeof(*intake));

    if (intake == NULL)
        return NULL;
    intake->settings = settings;
    if ((intake->store = store_new(&settings->redis)) == NULL) {
        free(intake);
        return NULL;
    }
    return intake;
}

static void drop_held(struct intake *intake)
{
    for (size_t i = 0; i < intake->n; i++)
        report_free(&intake->held[i]);
    intake->n = intake->events = 0;
}

void intake_free(struct intake *intake)
{
    if (intake == NULL)
        return;
    drop_held(intake);
    store_free(intake->store);
    free(intake);
}

/* Says that Redis went away, or is back, when it is news. */
static void note_state(struct intake *intake, enum store_rc rc, const struct err *err)
{
    bool down = rc == STORE_DOWN;

    if (down && !intake->down)
        log_say(LOG_WARNING, "cannot commit to Redis: %s; what is to be applied waits where it is",
                err->text);
    if (!down && intake->down)
        log_say(LOG_NOTICE, "Redis takes commits again");
    intake->down = down;
}

void intake_check(struct intake *intake)
{
    struct err warning = { "" }, err = { "" };
    enum store_rc rc = store_check(intake->store, &warning, &err);

    note_state(intake, rc, &err);
    if (warning.text[0] != '\0')
        log_say(LOG_WARNING, "%s", warning.text);
}

static void log_unrecognised(const char *name, enum mail_kind kind, const char *rule)
{
    struct logline line;

    logline_start(&line, "unrecognised");
    logline_text(&line, "file", name);
    logline_text(&line, "kind", mail_kind_name(kind));
    logline_text(&line, "rule", rule);
    logline_send(&line, LOG_INFO);
}

enum intake_rc intake_read(struct intake *intake, struct span mail, const char *name, int64_t arrived,
                           int64_t now)
{
    struct bounce_context context = settings_bounce_context(intake->settings);
    struct report *report = &intake->held[intake->n];
    struct err err = { "" };
    bool readable = report_read(report, mail, &context, &err) == 0;

    if (!readable || report->n == 0) {
        log_unrecognised(name, readable ? report->kind : MAIL_NONE, readable ? report->rule : err.text);
        report_free(report);
        intake->tally.mails++;
        intake->tally.unrecognised++;
        return INTAKE_NOTHING;
    }
    if (report->at == 0 || report->at > now)
        report->at = arrived;
    intake->n++;
    intake->events += report->n;
    return INTAKE_HELD;
}

bool intake_full(const struct intake *intake)
{
    return intake->n == INTAKE_MAILS || intake->events >= INTAKE_EVENTS;
}

static void make_events(const struct intake *intake, int64_t now, struct event *events)
{
    for (size_t i = 0; i < intake->n; i++)
        for (size_t k = 0; k < intake->held[i].n; k++)
            settings_report_event(intake->settings, &intake->held[i], k, SOURCE_MAILBOX, now, events++);
}

static void note_outcomes(struct intake *intake, const struct event *events, const struct outcome *outcomes,
                          size_t n)
{
    for (size_t i = 0; i < n; i++) {
        outcome_log(&events[i], &outcomes[i]);
        intake->tally.repeats += outcomes[i].effect == EFFECT_REPEAT;
    }
    intake->tally.events += (int64_t)n;
}

enum store_rc intake_apply(struct intake *intake, const struct event *events, size_t n, int64_t now,
                           struct err *err)
{
    struct outcome *outcomes = calloc(n, sizeof(*outcomes));
    enum store_rc rc = STORE_DOWN;

    if (outcomes == NULL)
        err_set(err, "out of memory");
    else
        rc = store_apply(intake->store, &intake->settings->lead, events, n, now, outcomes, err);
    if (rc == STORE_OK)
        note_outcomes(intake, events, outcomes, n);
    note_state(intake, rc, err);
    free(outcomes);
    return rc;
}

enum store_rc intake_commit(struct intake *intake, int64_t now, struct err *err)
{
    struct event *events;
    enum store_rc rc = STORE_DOWN;

    if (intake->events == 0)
        return STORE_OK;
    if ((events = calloc(intake->events, sizeof(*events))) == NULL) {
        err_set(err, "out of memory");
        note_state(intake, rc, err);
    } else {
        make_events(intake, now, events);
        rc = intake_apply(intake, events, intake->events, now, err);
    }
    if (rc == STORE_OK)
        intake->tally.mails += (int64_t)intake->n;
    drop_held(intake);
    free(events);
    return rc;
}

const struct tally *intake_tally(const struct intake *intake)
{
    return &intake->tally;
}
