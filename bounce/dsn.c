/* SPDX-License-Identifier: BSD-2-Clause */
/* RFC 3464 separates groups by empty lines. Gateways lose those lines or double every line end, so groups are
 * told apart by their fields: a recipient field (Original- or Final-Recipient) opens a new group when the
 * group at hand has that field already, or names a recipient and either had its Action or Status or is
 * followed by an empty line. An empty line alone ends nothing. Of a field that is repeated within a group the
 * first one counts.
 *
 * The reader is pulled: one group per call, found by looking at a field before taking it. */
#include "bounce/dsn.h"

#include "bounce/fields.h"

static struct span *message_slot(struct dsn_message *message, struct span name)
{
    if (span_eq_nocase(name, SPAN("Reporting-MTA")))
        return &message->reporting_mta;
    if (span_eq_nocase(name, SPAN("Arrival-Date")))
        return &message->arrival_date;
    if (span_eq_nocase(name, SPAN("X-Postfix-Queue-ID")))
        return &message->queue_id;
    if (span_eq_nocase(name, SPAN("Original-Envelope-Id")))
        return &message->envelope_id;
    return NULL;
}

static struct span *recipient_slot(struct dsn_recipient *recipient, struct span name)
{
    if (span_eq_nocase(name, SPAN("Original-Recipient")))
        return &recipient->original;
    if (span_eq_nocase(name, SPAN("Final-Recipient")))
        return &recipient->final;
    if (span_eq_nocase(name, SPAN("Action")))
        return &recipient->action;
    if (span_eq_nocase(name, SPAN("Status")))
        return &recipient->status;
    if (span_eq_nocase(name, SPAN("Remote-MTA")))
        return &recipient->remote_mta;
    if (span_eq_nocase(name, SPAN("Diagnostic-Code")))
        return &recipient->diagnostic;
    return NULL;
}

void dsn_start(struct dsn_reader *reader, struct span text, struct dsn_message *message)
{
    struct span ahead = text;
    struct dsn_recipient probe;
    struct field field;
    enum field_rc rc;

    *message = (struct dsn_message){ SPAN_NONE, SPAN_NONE, SPAN_NONE, SPAN_NONE };
    reader->rest = text;
    while ((rc = field_next(&ahead, &field)) != FIELD_END) {
        struct span *slot = rc == FIELD_ONE ? message_slot(message, field.name) : NULL;

        if (rc == FIELD_ONE && recipient_slot(&probe, field.name) != NULL)
            return;
        if (slot != NULL && slot->n == 0)
            *slot = field.value;
        reader->rest = ahead;
    }
}

/* Whether the field that goes to slot belongs to the next group. Only ever true of a group that holds
 * something, so that each call of dsn_next() gets on. */
static bool opens_group(const struct dsn_recipient *group, const struct span *slot, const struct span *before,
                        bool blank)
{
    bool names = slot == &group->original || slot == &group->final;
    bool named = group->original.n > 0 || group->final.n > 0;

    if (slot->n > 0)
        return names || blank;
    if (before == &group->original || before == &group->final) /* the two names of one recipient */
        return names && blank;
    return names && named && (blank || group->action.n > 0 || group->status.n > 0);
}

bool dsn_next(struct dsn_reader *reader, struct dsn_recipient *out)
{
    struct span ahead = reader->rest;
    const struct span *before = NULL;
    bool blank = false, any = false;
    struct field field;
    enum field_rc rc;

    *out = (struct dsn_recipient){ SPAN_NONE, SPAN_NONE, SPAN_NONE, SPAN_NONE, SPAN_NONE, SPAN_NONE };
    while ((rc = field_next(&ahead, &field)) != FIELD_END) {
        struct span *slot = rc == FIELD_ONE ? recipient_slot(out, field.name) : NULL;

        if (slot != NULL) {
            if (opens_group(out, slot, before, blank))
                return true;
            if (slot->n == 0)
                *slot = field.value;
            any = true;
            before = slot;
        }
        blank = rc == FIELD_BLANK;
        reader->rest = ahead;
    }
    reader->rest = ahead;
    return any;
}

enum dsn_action dsn_recipient_action(const struct dsn_recipient *recipient)
{
    /* Words as written by mailers: "failed (permanent failure)", "failure", "Delayed". "expired" is no word
     * of RFC 3464, but final. */
    static const struct {
        const char *start;
        enum dsn_action action;
    } words[] = {
        { "fail", DSN_FAILED },       { "expire", DSN_FAILED },   { "delay", DSN_DELAYED },
        { "deliver", DSN_DELIVERED }, { "relay", DSN_DELIVERED }, { "expand", DSN_DELIVERED },
    };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (span_starts_nocase(recipient->action, span_of(words[i].start)))
            return words[i].action;
    if (span_starts_nocase(recipient->status, SPAN("5.")))
        return DSN_FAILED;
    if (span_starts_nocase(recipient->status, SPAN("4.")))
        return DSN_DELAYED;
    if (span_starts_nocase(recipient->status, SPAN("2.")))
        return DSN_DELIVERED;
    return DSN_UNCLEAR;
}
