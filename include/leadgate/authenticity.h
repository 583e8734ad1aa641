/* SPDX-License-Identifier: BSD-2-Clause */
/* authenticity: whether a report is true, and whom it is about (design: "Whose bounce is it, and is it
 * real"). Pure but for the keyring; any thread.
 *
 * Tokens are taken from where mail systems put back what we sent, and from nowhere else: the bounce address,
 * Original-Envelope-Id, and the header of the returned mail. A token vouches for its lead alone. Where a
 * report names one recipient and brings one token, the token's lead is who was mailed, whatever aliases and
 * forwarding made of the address.
 *
 * Bounces that this Postfix wrote itself are true by their way: a milter's connection that no client made, or
 * a topmost Received field, which our Postfix wrote, without a client (signing.local_hosts). Neither is in a
 * client's reach. */
#ifndef LEADGATE_AUTHENTICITY_H
#define LEADGATE_AUTHENTICITY_H

#include "leadgate/bounce.h"
#include "leadgate/settings.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How a mail came. Where it is read decides whose writing the top of its header is. */
struct arrival {
    bool delivered;   /* read from where our Postfix delivered it: its own fields are on top */
    bool local;       /* this Postfix wrote it, and no client could have */
    bool null_sender; /* its envelope sender is <> */
    const struct address *recipients; /* of its envelope, those that are bounce addresses */
    size_t n;
};

/* Reads a mail as report_read() does, and again where its bounce address says for certain whom it is about,
 * and it did not say so itself; then fills in proof and token of each finding, and renames its lead to that
 * of the token. To be freed with report_free(). */
int authenticity_read(struct report *out, struct span mail, const struct settings *settings,
                      const struct arrival *arrival, int64_t now, struct err *err);

/* What a finding may do (signing.authenticity). */
enum trust {
    TRUST_FULL = 1, /* all that a bounce can do */
    TRUST_MILD,     /* one soft strike at most, nothing for good: event.unverified */
    TRUST_NONE,     /* nothing: to be set aside */
};
enum trust authenticity_trust(const struct settings *settings, const struct report *report, size_t i);

/* The events that a report's findings are (settings_report_event()), with what vouches for each (event.proof,
 * event.unverified): those that may be applied, or those that are to be set aside. Returns how many; events
 * has room for report->n. */
size_t authenticity_events(const struct settings *settings, const struct report *report, bool to_apply,
                           enum event_source source, int64_t now, struct event *events);

/* In log lines and in leadgate:unverified: none, local, token, message, expired, forged. */
const char *proof_name(enum proof proof);

#endif
