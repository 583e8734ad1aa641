/* SPDX-License-Identifier: BSD-2-Clause */
/* A bounce of this Postfix (own) is never deferred: a temporary failure keeps the original in the queue and
 * has its failed recipient handled again. A bounce from outside can wait where it is. */
#include "milter/incoming.h"

#include "leadgate/bounce.h"
#include "leadgate/logline.h"
#include "milter/failure.h"

#include <stdlib.h>
#include <string.h>

void incoming_start(struct incoming *incoming, const struct message_rules *rules, bool own)
{
    *incoming = (struct incoming){ .rules = rules, .own = own };
}

void incoming_free(struct incoming *incoming)
{
    free(incoming->text.p);
    *incoming = (struct incoming){ .rules = NULL };
}

void incoming_recipient(struct incoming *incoming, const struct address *address)
{
    incoming->recipients++;
    if (address != NULL && settings_takes_reports(incoming->rules->settings, address))
        incoming->to_bounce_address++;
}

bool incoming_is_wanted(const struct incoming *incoming)
{
    return incoming->own || incoming->to_bounce_address > 0;
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

static enum store_rc apply_report(const struct incoming *incoming, const struct report *report, int64_t now,
                                  struct err *err)
{
    const struct message_store *store = &incoming->rules->store;
    struct event *events = calloc(report->n, sizeof(*events));
    struct outcome *outcomes = calloc(report->n, sizeof(*outcomes));
    enum store_rc rc = STORE_DOWN;

    if (events == NULL || outcomes == NULL) {
        err_set(err, "out of memory");
        goto out;
    }
    for (size_t i = 0; i < report->n; i++)
        settings_report_event(incoming->rules->settings, report, i, SOURCE_MILTER, now, &events[i]);
    rc = store->apply(store->ctx, events, report->n, now, outcomes, err);
    for (size_t i = 0; rc == STORE_OK && i < report->n; i++) {
        outcome_log(&events[i], &outcomes[i]);
        counters_note_event(incoming->rules->counters, &events[i], &outcomes[i]);
    }
out:
    free(outcomes);
    free(events);
    return rc;
}

/* Thrown away are only reports that hold nothing for a person; what else comes to a bounce address, an
 * auto-reply or a complaint too, goes where the operator has it delivered. */
static enum verdict verdict_of(const struct incoming *incoming, enum mail_kind kind)
{
    bool discard = incoming->rules->settings->milter.after_bounce == AFTER_BOUNCE_DISCARD && !incoming->own &&
                   incoming->to_bounce_address == incoming->recipients;

    switch (kind) {
    case MAIL_FAILURE:
    case MAIL_DELAYED:
    case MAIL_DELIVERED: return discard ? VERDICT_DISCARD : VERDICT_ACCEPT;
    case MAIL_NONE:
    case MAIL_VACATION:
    case MAIL_COMPLAINT: return VERDICT_ACCEPT;
    }
    abort();
}

enum verdict incoming_end(const struct incoming *incoming, struct span queue, int64_t now)
{
    struct bounce_context context = settings_bounce_context(incoming->rules->settings);
    struct span mail = { incoming->text.p, incoming->text.n };
    struct report report;
    struct err err;
    enum verdict verdict;

    if (report_read(&report, mail, &context, &err) < 0) {
        log_unrecognised(incoming, "unreadable", err.text, queue);
        verdict = VERDICT_ACCEPT;
        goto out;
    }
    verdict = verdict_of(incoming, report.kind);
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
    case STORE_DOWN:
        if (!incoming->own)
            verdict = VERDICT_TEMPFAIL;
        failure_of_store(incoming->rules,
                         verdict == VERDICT_TEMPFAIL ? "bounce deferred" : "bounce not recorded", queue,
                         err.text);
        break;
    }
out:
    report_free(&report);
    return verdict;
}
