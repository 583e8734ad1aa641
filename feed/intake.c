/* SPDX-License-Identifier: BSD-2-Clause */
/* A commit costs Redis one or two round trips however much it holds, so a backlog is applied some dozens of
 * mails at a time. Events borrow their texts from the reports; those therefore stay where they are, in one
 * array, until the commit is over. */
#include "feed/intake.h"

#include "leadgate/bounce.h"
#include "leadgate/logline.h"

#include <stdlib.h>
#include <string.h>

/* A report can name any number of recipients: this many events are not exceeded by more than one mail. */
#define INTAKE_EVENTS 500

struct intake {
    const struct settings *settings;
    struct applier *applier;
    struct report held[INTAKE_MAILS];
    char *cut[INTAKE_MAILS]; /* names of those that were not read as a whole; NULL = all was read */
    size_t n, events;
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
        report_free(&intake->held[i]);
        free(intake->cut[i]);
        intake->cut[i] = NULL;
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

enum intake_rc intake_read(struct intake *intake, struct span mail, const char *name, int64_t arrived,
                           int64_t now)
{
    struct bounce_context context = settings_bounce_context(intake->settings);
    struct report *report = &intake->held[intake->n];
    struct err err = { "" };
    bool readable = report_read(report, mail, &context, &err) == 0;

    if (report->cut == NULL && mail.n >= (size_t)intake->settings->feed.max_size)
        report->cut = "as large as feed.max_size";
    if (!readable || report->n == 0) {
        log_unrecognised(name, readable ? report->kind : MAIL_NONE, readable ? report->rule : err.text);
        if (report->cut != NULL)
            log_cut(name, report->cut);
        report_free(report);
        intake->tally.mails++;
        intake->tally.unrecognised++;
        return INTAKE_NOTHING;
    }
    if (report->at == 0 || report->at > now)
        report->at = arrived;
    /* Said when it is applied: until then it may be read again, and again. */
    if (report->cut != NULL && (intake->cut[intake->n] = strdup(name)) == NULL)
        log_cut(name, report->cut);
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

/* What was held is applied. */
static void note_applied(struct intake *intake, int64_t repeats)
{
    for (size_t i = 0; i < intake->n; i++)
        if (intake->cut[i] != NULL)
            log_cut(intake->cut[i], intake->held[i].cut);
    intake->tally.mails += (int64_t)intake->n;
    intake->tally.events += (int64_t)intake->events;
    intake->tally.repeats += repeats;
}

enum store_rc intake_commit(struct intake *intake, int64_t now, struct err *err)
{
    struct event *events;
    enum store_rc rc = STORE_DOWN;
    int64_t repeats;

    if (intake->events == 0)
        return STORE_OK;
    if ((events = calloc(intake->events, sizeof(*events))) == NULL) {
        err_set(err, "out of memory");
    } else {
        make_events(intake, now, events);
        rc = applier_apply(intake->applier, events, intake->events, now, &repeats, err);
    }
    if (rc == STORE_OK)
        note_applied(intake, repeats);
    drop_held(intake);
    free(events);
    return rc;
}

const struct tally *intake_tally(const struct intake *intake)
{
    return &intake->tally;
}
