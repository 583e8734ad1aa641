/* SPDX-License-Identifier: BSD-2-Clause */
/* A feedback report is one part of fields. Providers leave out what they want; the recipient most of all, to
 * protect who complained: then the caller has the returned mail's header. Hotmail's complaint comes without
 * the part: it is the mail itself behind a subject that says so. A plain mail that says "unsubscribe" is no
 * report: anybody could have written it in anybody's name. */
#include "bounce/arf.h"

/* The feedback types of RFC 5965, 6430, 6591 and IANA's registry. */
static const struct {
    const char *type;
    enum cause cause;
    bool complaint;
    const char *rule;
} types[] = {
    { "abuse", CAUSE_COMPLAINT, true, "feedback:abuse" },
    { "complaint", CAUSE_COMPLAINT, true, "feedback:complaint" },
    { "fraud", CAUSE_COMPLAINT, true, "feedback:fraud" },
    { "opt-out", CAUSE_UNSUBSCRIBE, true, "feedback:opt-out" },
    { "opt-out-list", CAUSE_UNSUBSCRIBE, true, "feedback:opt-out-list" },
    { "not-spam", CAUSE_NONE, true, "feedback:not-spam" },
    { "other", CAUSE_COMPLAINT, true, "feedback:other" },
    { "miscategorized", CAUSE_NONE, false, "feedback:miscategorized" },
    { "auth-failure", CAUSE_NONE, false, "feedback:auth-failure" },
    { "dkim", CAUSE_NONE, false, "feedback:dkim" },
    { "dmarc", CAUSE_NONE, false, "feedback:dmarc" },
    { "virus", CAUSE_NONE, false, "feedback:virus" },
};

static struct span feedback_field(const struct mail *mail, struct span name)
{
    const struct mail_part *part = mail_find_part(mail, PART_FEEDBACK);
    struct field field;
    struct span rest;
    enum field_rc rc;

    if (part == NULL)
        return SPAN_NONE;
    rest = part->content;
    while ((rc = field_next(&rest, &field)) != FIELD_END)
        if (rc == FIELD_ONE && span_eq_nocase(field.name, name))
            return field.value;
    return SPAN_NONE;
}

/* The row of a type: "abuse" where it is not said, for that is what such reports are about. */
static size_t type_named(struct span type)
{
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (span_eq_nocase(type, span_of(types[i].type)))
            return i;
    return 0;
}

static size_t type_of(const struct mail *mail)
{
    return type_named(feedback_field(mail, SPAN("Feedback-Type")));
}

bool arf_type(struct span type, enum cause *cause, const char **rule)
{
    size_t row = type_named(type);

    *cause = types[row].cause;
    *rule = types[row].rule;
    return types[row].complaint;
}

static bool is_hotmail(const struct mail *mail, struct span subject)
{
    return span_starts_nocase(subject, SPAN("complaint about message from")) &&
           mail_find_part(mail, PART_RETURNED) != NULL;
}

bool arf_is_complaint(const struct mail *mail, struct span subject, const char **rule)
{
    size_t type;

    if (mail_find_part(mail, PART_FEEDBACK) == NULL) {
        *rule = "subject:complaint";
        return is_hotmail(mail, subject);
    }
    type = type_of(mail);
    *rule = types[type].rule;
    return types[type].complaint;
}

enum cause arf_cause(const struct mail *mail)
{
    return mail_find_part(mail, PART_FEEDBACK) == NULL ? CAUSE_COMPLAINT : types[type_of(mail)].cause;
}

/* Providers write redacted@... for whom they do not name. */
static bool is_redacted(struct span value)
{
    return span_find_nocase(value, SPAN("redacted@")) != NULL;
}

struct span arf_sender(const struct mail *mail)
{
    struct span value = feedback_field(mail, SPAN("Original-Mail-From"));

    return is_redacted(value) ? SPAN_NONE : value;
}

static bool is_recipient_field(struct span name)
{
    return span_eq_nocase(name, SPAN("Original-Rcpt-To")) ||
           span_eq_nocase(name, SPAN("Removal-Recipient")) ||
           span_eq_nocase(name, SPAN("Original-Recipient")) || span_eq_nocase(name, SPAN("Final-Recipient"));
}

size_t arf_recipients(const struct mail *mail, struct span *out, size_t n)
{
    const struct mail_part *part = mail_find_part(mail, PART_FEEDBACK);
    struct field field;
    struct span rest = part == NULL ? SPAN_NONE : part->content;
    enum field_rc rc;
    size_t found = 0;

    while (found < n && (rc = field_next(&rest, &field)) != FIELD_END)
        if (rc == FIELD_ONE && is_recipient_field(field.name) && !is_redacted(field.value))
            out[found++] = field.value;
    return found;
}

struct span arf_reporting_mta(const struct mail *mail)
{
    return feedback_field(mail, SPAN("Reporting-MTA"));
}
