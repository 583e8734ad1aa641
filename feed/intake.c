/* SPDX-License-Identifier: BSD-2-Clause */
/* A commit costs Redis one or two round trips however much it holds, so a backlog is applied some dozens of
 * mails at a time. Events borrow their texts from the reports; those therefore stay where they are, in one
 * array, until the commit is over. */
#include "feed/intake.h"

#include "leadgate/authenticity.h"
#include "leadgate/bounce.h"
#include "leadgate/logline.h"
#include "leadgate/unsubscribe.h"

#include <stdlib.h>
#include <string.h>

/* A report can name any number of recipients: this many events are not exceeded by more than one mail. */
#define INTAKE_EVENTS 500

/* A mail that is to be committed. */
struct held {
    struct report report;       /* what it says; empty where somebody leaves a stream by it */
    struct unsubscribe leaving; /* if meant */
    char *cut;                  /* its name, if it was not read as a whole; else NULL */
};

struct intake {
    const struct settings *settings;
    struct applier *applier;
    struct held held[INTAKE_MAILS];
    size_t n, events; /* so many at most */
    struct tally tally;
};

struct intake *intake_new(const struct settings *settings, struct applier *applier)
{
    struct intake *intake = calloc(1, sizeof(*intake));

    if (intake == NULL)
        return NULL;
    intake->settings = settings;
    intake->applier = applier;
    return intake;
}

static void drop_held(struct intake *intake)
{
    for (size_t i = 0; i < intake->n; i++) {
        report_free(&intake->held[i].report);
        free(intake->held[i].cut);
    }
    intake->n = intake->events = 0;
}

void intake_free(struct intake *intake)
{
    if (intake == NULL)
        return;
    drop_held(intake);
    free(intake);
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

/* Recipients that nobody read of bounce again; an operator may want to know of them now. */
static void log_cut(const char *name, const char *why)
{
    struct logline line;

    logline_start(&line, "warning");
    logline_text(&line, "text", "not all of a mail was read");
    logline_text(&line, "file", name);
    logline_text(&line, "reason", why);
    logline_send(&line, LOG_WARNING);
}

/* Whether somebody leaves a stream by it: then all that counts is whom it was delivered to. */
static bool read_leaving(const struct intake *intake, struct held *held, const char *name, int64_t now)
{
    struct address_rules rules = settings_address_rules(intake->settings);
    struct unsubscribe *leaving = &held->leaving;
    struct address address;
    struct err err;

    leaving->meant = false;
    if (address_parse(&address, ADDRESS_MAILBOX, span_of(held->report.proof.delivered_to), &rules, &err) <
            0 ||
        !unsubscribe_read(leaving, intake->settings, &address, now))
        return false;
    if (!leaving->meant)
        unsubscribe_log_refused(leaving, "file", span_of(name));
    return true;
}

static enum intake_rc pass_over(struct intake *intake, struct held *held)
{
    report_free(&held->report);
    intake->tally.mails++;
    intake->tally.unrecognised++;
    return INTAKE_NOTHING;
}

static enum intake_rc hold(struct intake *intake, const struct held *held)
{
    intake->n++;
    intake->events += held->leaving.meant ? 1 : held->report.n;
    return INTAKE_HELD;
}

enum intake_rc intake_read(struct intake *intake, struct span mail, const char *name, int64_t arrived,
                           int64_t now)
{
    const struct arrival arrival = { .delivered = true };
    struct held *held = &intake->held[intake->n];
    struct report *report = &held->report;
    struct err err = { "" };
    bool readable = authenticity_read(report, mail, intake->settings, &arrival, now, &err) == 0;

    held->cut = NULL;
    if (report->at == 0 || report->at > now)
        report->at = arrived;
    if (readable && read_leaving(intake, held, name, now))
        return held->leaving.meant ? hold(intake, held) : pass_over(intake, held);
    if (report->cut == NULL && mail.n >= (size_t)intake->settings->feed.max_size)
        report->cut = "as large as feed.max_size";
    if (!readable || report->n == 0) {
        log_unrecognised(name, readable ? report->kind : MAIL_NONE, readable ? report->rule : err.text);
        if (report->cut != NULL)
            log_cut(name, report->cut);
        return pass_over(intake, held);
    }
    /* Said when it is applied: until then it may be read again, and again. */
    if (report->cut != NULL && (held->cut = strdup(name)) == NULL)
        log_cut(name, report->cut);
    return hold(intake, held);
}

bool intake_full(const struct intake *intake)
{
    return intake->n == INTAKE_MAILS || intake->events >= INTAKE_EVENTS;
}

/* Those that may be applied, or those that are to be set aside. */
static size_t make_events(const struct intake *intake, bool to_apply, int64_t now, struct event *events)
{
    size_t n = 0;

    for (size_t i = 0; i < intake->n; i++) {
        const struct held *held = &intake->held[i];

        if (!held->leaving.meant)
            n += authenticity_events(intake->settings, &held->report, to_apply, SOURCE_MAILBOX, now,
                                     &events[n]);
        else if (to_apply)
            events[n++] = unsubscribe_event(&held->leaving, SOURCE_MAILBOX, held->report.at);
    }
    return n;
}

/* The mails that were held are applied. */
static void note_mails(struct intake *intake)
{
    for (size_t i = 0; i < intake->n; i++)
        if (intake->held[i].cut != NULL)
            log_cut(intake->held[i].cut, intake->held[i].report.cut);
    intake->tally.mails += (int64_t)intake->n;
}

/* What is believed first: where Redis goes away in between, all comes again, and that is a repeat. */
static enum store_rc commit(struct intake *intake, struct event *events, int64_t now, struct err *err)
{
    size_t n = make_events(intake, true, now, events);
    int64_t repeats;

    if (applier_apply(intake->applier, events, n, now, &repeats, err) == STORE_DOWN)
        return STORE_DOWN;
    intake->tally.events += (int64_t)n;
    intake->tally.repeats += repeats;
    n = make_events(intake, false, now, events);
    if (applier_set_aside(intake->applier, events, n, err) == STORE_DOWN)
        return STORE_DOWN;
    intake->tally.unverified += (int64_t)n;
    note_mails(intake);
    return STORE_OK;
}

enum store_rc intake_commit(struct intake *intake, int64_t now, struct err *err)
{
    struct event *events;
    enum store_rc rc = STORE_DOWN;

    if (intake->events == 0)
        return STORE_OK;
    if ((events = calloc(intake->events, sizeof(*events))) == NULL)
        err_set(err, "out of memory");
    else
        rc = commit(intake, events, now, err);
    drop_held(intake);
    free(events);
    return rc;
}

const struct tally *intake_tally(const struct intake *intake)
{
    return &intake->tally;
}
