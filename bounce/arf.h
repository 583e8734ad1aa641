/* SPDX-License-Identifier: BSD-2-Clause */
/* arf: complaints: feedback reports (RFC 5965), and mails that say the same without being one. */
#ifndef LEADGATE_BOUNCE_ARF_H
#define LEADGATE_BOUNCE_ARF_H

#include "bounce/mail.h"
#include "leadgate/cause.h"

/* Whether the mail tells that a recipient does not want our mail (or, not-spam, that he does). *rule is set
 * to what kind of feedback it is, static storage; left alone when it is none. */
bool arf_is_complaint(const struct mail *mail, struct span subject, const char **rule);

/* What a type of feedback means ("abuse", "not-spam"; empty = "abuse"); whether it is one of
 * arf_is_complaint(). */
bool arf_type(struct span type, enum cause *cause, const char **rule);

/* What the complaint wants; CAUSE_NONE takes one back (not-spam). */
enum cause arf_cause(const struct mail *mail);

/* The recipients it names, as fields: Original-Rcpt-To, Removal-Recipient. Takes up to n; returns how many.
 * Redacted ones are left out. */
size_t arf_recipients(const struct mail *mail, struct span *out, size_t n);

/* The host of the system that reports, as a field: Reporting-MTA; empty where it is not said. */
struct span arf_reporting_mta(const struct mail *mail);
/* The field with the envelope sender of the mail that it is about, Original-Mail-From; empty when it has
 * none.
 */
struct span arf_sender(const struct mail *mail);

#endif
