/* SPDX-License-Identifier: BSD-2-Clause */
/* A bounce of this Postfix (own) is never deferred: a temporary failure keeps the original in the queue and
 * has its failed recipient handled again. A bounce from outside can wait where it is.
 *
 * What is believed of a bounce is applied first and the rest set aside then: where Redis goes away in
 * between, the mail comes again, and what was applied is a repeat. */
#include "milter/incoming.h"

#include "leadgate/authenticity.h"
#include "leadgate/logline.h"
#include "leadgate/signing.h"
#include "leadgate/store_unverified.h"
#include "leadgate/unsubscribe.h"
#include "milter/failure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void incoming_start(struct incoming *incoming, const struct message_rules *rules, bool own, bool null_sender)
{
    *incoming = (struct incoming){ .rules = rules, .own = own, .null_sender = null_sender };
}

void incoming_free(struct incoming *incoming)
{
    free(incoming->bounced.item);
    free(incoming->left.item);
    free(incoming->text.p);
    *incoming = (struct incoming){ .rules = NULL };
}

/* Without memory it is a mail without a token. */
static void add_path(struct incoming_paths *paths, const struct address *address)
{
    if (paths->item == NULL)
        paths->item = calloc(INCOMING_PATHS, sizeof(*paths->item));
    if (paths->item != NULL && paths->n < INCOMING_PATHS)
        paths->item[paths->n++] = *address;
}

void incoming_recipient(struct incoming *incoming, const struct address *address)
{
    const struct settings *settings = incoming->rules->settings;
    bool report, leave;

    incoming->recipients++;
    if (address == NULL)
        return;
    report = settings_takes_reports(settings, address);
    leave = unsubscribe_is_address(settings, address);
    incoming->for_us += report || leave;
    incoming->for_reports += report;
    if (signing_is_bounce_address(settings, address))
        add_path(&incoming->bounced, address);
    if (leave)
        add_path(&incoming->left, address);
}

bool incoming_is_wanted(const struct incoming *incoming)
{
    return incoming->own || incoming->for_us > 0;
}

bool incoming_is_read(const struct incoming *incoming)
{
    return incoming->own || incoming->for_reports > 0;
}

void incoming_keep(struct incoming *incoming, struct span text)
{
    size_t max = (size_t)incoming->rules->settings->milter.max_size;
    size_t room = max - incoming->text.n, n = text.n < room ? text.n : room;

    if (incoming->text.full)
        return;
    if (incoming->text.n + n > incoming->text.size) {
        size_t size = incoming->text.size == 0 ? 16384 : incoming->text.size * 2;
        char *p;

        size = size < incoming->text.n + n ? incoming->text.n + n : size;
        if ((p = realloc(incoming->text.p, size)) == NULL) {
            incoming->text.full = true;
            return;
        }
        incoming->text.p = p;
        incoming->text.size = size;
    }
    memcpy(incoming->text.p + incoming->text.n, text.p, n);
    incoming->text.n += n;
    incoming->text.full = n < text.n;
}

/* Somebody sent this to a bounce address in vain. Local programs with a null sender do so every day. */
static void log_unrecognised(const struct incoming *incoming, const char *kind, const char *rule,
                             struct span queue)
{
    struct logline line;

    if (incoming->own)
        return;
    logline_start(&line, "unrecognised");
    logline_text(&line, "kind", kind);
    logline_text(&line, "rule", rule);
    logline_span(&line, "queue", queue);
    logline_send(&line, LOG_INFO);
}

/* Recipients that nobody read of bounce again; an operator may want to know of them now. */
static void log_cut(const struct incoming *incoming, const struct report *report, struct span queue)
{
    if (report->cut != NULL || incoming->text.full)
        failure_log("not all of a bounce was read", queue,
                    report->cut != NULL ? report->cut : "larger than milter.max_size");
}

static enum store_rc apply_events(const struct incoming *incoming, const struct event *events, size_t n,
                                  int64_t now, struct err *err)
{
    const struct message_store *store = &incoming->rules->store;
    struct outcome *outcomes = calloc(n + 1, sizeof(*outcomes));
    enum store_rc rc = STORE_DOWN;

    if (outcomes == NULL)
        err_set(err, "out of memory");
    else
        rc = n == 0 ? STORE_OK : store->apply(store->ctx, events, n, now, outcomes, err);
    for (size_t i = 0; rc == STORE_OK && i < n; i++) {
        outcome_log(&events[i], &outcomes[i]);
        counters_note_event(incoming->rules->counters, &events[i], &outcomes[i]);
    }
    free(outcomes);
    return rc;
}

static enum store_rc set_aside(const struct incoming *incoming, const struct event *events, size_t n,
                               struct err *err)
{
    const struct message_store *store = &incoming->rules->store;

    if (n == 0)
        return STORE_OK;
    if (store->set_aside(store->ctx, events, n, err) == STORE_DOWN)
        return STORE_DOWN;
    for (size_t i = 0; i < n; i++) {
        unverified_log(&events[i]);
        counters_add(incoming->rules->counters, 1, "unverified", event_source_name(events[i].source),
                     events[i].proof, NULL);
    }
    return STORE_OK;
}

static enum store_rc apply_report(const struct incoming *incoming, const struct report *report, int64_t now,
                                  struct err *err)
{
    const struct settings *settings = incoming->rules->settings;
    struct event *events = calloc(report->n, sizeof(*events));
    enum store_rc rc = STORE_DOWN;
    size_t n;

    if (events == NULL) {
        err_set(err, "out of memory");
        return STORE_DOWN;
    }
    n = authenticity_events(settings, report, true, SOURCE_MILTER, now, events);
    if (apply_events(incoming, events, n, now, err) == STORE_OK) {
        n = authenticity_events(settings, report, false, SOURCE_MILTER, now, events);
        rc = set_aside(incoming, events, n, err);
    }
    free(events);
    return rc;
}

/* Thrown away are only reports that hold nothing for a person; what else comes to a bounce address, an
 * auto-reply or a complaint too, goes where the operator has it delivered. */
static bool is_for_programs(enum mail_kind kind)
{
    switch (kind) {
    case MAIL_FAILURE:
    case MAIL_DELAYED:
    case MAIL_DELIVERED: return true;
    case MAIL_NONE:
    case MAIL_VACATION:
    case MAIL_COMPLAINT: return false;
    }
    abort();
}

/* Redis is away. */
static enum verdict put_off(const struct incoming *incoming, const char *what, struct span queue,
                            const struct err *err)
{
    char text[64];

    snprintf(text, sizeof(text), "%s %s", what, incoming->own ? "not recorded" : "deferred");
    failure_of_store(incoming->rules, text, queue, err->text);
    return incoming->own ? VERDICT_ACCEPT : VERDICT_TEMPFAIL;
}

static enum verdict end_of_report(const struct incoming *incoming, struct span queue, int64_t now,
                                  enum mail_kind *kind)
{
    const struct arrival arrival = { .local = incoming->own,
                                     .null_sender = incoming->null_sender,
                                     .recipients = incoming->bounced.item,
                                     .n = incoming->bounced.n };
    struct span mail = { incoming->text.p, incoming->text.n };
    enum verdict verdict = VERDICT_ACCEPT;
    struct report report;
    struct err err;

    if (authenticity_read(&report, mail, incoming->rules->settings, &arrival, now, &err) < 0) {
        log_unrecognised(incoming, "unreadable", err.text, queue);
        goto out;
    }
    *kind = report.kind;
    if (report.n == 0) {
        log_unrecognised(incoming, mail_kind_name(report.kind), report.rule, queue);
        goto out;
    }
    /* Postfix does not show milters the Received field that it writes itself; the topmost one here is that of
     * a hop before. Now is the time that stands in ours, or just after it: where the same mail is read again
     * from a mailbox, it is found to be a repeat. */
    report.at = now;
    switch (apply_report(incoming, &report, now, &err)) {
    case STORE_OK: log_cut(incoming, &report, queue); break;
    case STORE_DOWN: verdict = put_off(incoming, "bounce", queue, &err); break;
    }
out:
    report_free(&report);
    return verdict;
}

/* Whoever mails to such an address leaves its stream; one who has no token of ours does not. */
static enum verdict end_of_leaving(const struct incoming *incoming, struct span queue, int64_t now)
{
    for (size_t i = 0; i < incoming->left.n; i++) {
        struct unsubscribe leaving;
        struct event event;
        struct err err;

        if (!unsubscribe_read(&leaving, incoming->rules->settings, &incoming->left.item[i], now))
            continue;
        if (!leaving.meant) {
            unsubscribe_log_refused(&leaving, "queue", queue);
            continue;
        }
        event = unsubscribe_event(&leaving, SOURCE_MILTER, now);
        if (apply_events(incoming, &event, 1, now, &err) == STORE_DOWN)
            return put_off(incoming, "unsubscribe", queue, &err);
    }
    return VERDICT_ACCEPT;
}

enum verdict incoming_end(const struct incoming *incoming, struct span queue, int64_t now)
{
    bool discard = incoming->rules->settings->milter.after_bounce == AFTER_BOUNCE_DISCARD && !incoming->own &&
                   incoming->for_reports == incoming->recipients;
    enum verdict verdict = end_of_leaving(incoming, queue, now);
    enum mail_kind kind = MAIL_NONE;

    if (verdict == VERDICT_ACCEPT && incoming_is_read(incoming))
        verdict = end_of_report(incoming, queue, now, &kind);
    return verdict == VERDICT_ACCEPT && discard && is_for_programs(kind) ? VERDICT_DISCARD : verdict;
}
