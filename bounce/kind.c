/* SPDX-License-Identifier: BSD-2-Clause */
/* One function decides what a mail is, from its strongest evidence down: a part that is a report, then the
 * header of an auto-reply, then nothing. A delay is never a failure, and an auto-reply never a bounce. */
#include "bounce/kind.h"

static enum mail_kind decided(const char **rule, const char *why, enum mail_kind kind)
{
    *rule = why;
    return kind;
}

static bool header_is(const struct mail *mail, const char *name, const char *start)
{
    const char *value = mail_header(mail, name);

    return value != NULL && span_starts_nocase(span_trim(span_of(value)), span_of(start));
}

/* Mail systems that report without a status part (Exim) mark their notices as automatic too: these are no
 * auto-replies of a person. */
static bool is_from_mail_system(const struct mail *mail)
{
    const char *from = mail_header(mail, "From");
    struct span sender = span_of(from);

    return mail_header(mail, "X-Failed-Recipients") != NULL ||
           span_find_nocase(sender, SPAN("mailer-daemon")) != NULL ||
           span_find_nocase(sender, SPAN("postmaster@")) != NULL ||
           span_find_nocase(sender, SPAN("mail delivery")) != NULL;
}

/* How the subject of a reply begins that nobody typed. Only believed of mail that says it is bulk. */
static bool has_away_subject(const struct mail *mail)
{
    static const char *const starts[] = {
        "Out of office", "Out of the office", "Automatic reply", "Autoreply", "Auto-reply",
        "Auto:",         "Autoresponse",      "Vacation",        "Away from", "Abwesenheit",
    };

    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++)
        if (header_is(mail, "Subject", starts[i]))
            return true;
    return false;
}

/* RFC 3834 and the habits before it. */
static const char *auto_reply_sign(const struct mail *mail)
{
    if (header_is(mail, "Auto-Submitted", "auto-"))
        return "header:auto-submitted";
    if (header_is(mail, "Precedence", "auto_reply"))
        return "header:precedence auto_reply";
    if (mail_header(mail, "X-Autoreply") != NULL || mail_header(mail, "X-Autorespond") != NULL)
        return "header:x-autoreply";
    if ((header_is(mail, "Precedence", "bulk") || header_is(mail, "Precedence", "junk")) &&
        has_away_subject(mail))
        return "header:precedence and subject";
    return NULL;
}

enum mail_kind kind_decide(const struct mail *mail, const struct tally *tally, const char **rule)
{
    const char *sign;

    if (mail_find_part(mail, PART_FEEDBACK) != NULL)
        return decided(rule, "part:feedback-report", MAIL_COMPLAINT);
    if (tally->failed > 0)
        return decided(rule, "action:failed", MAIL_FAILURE);
    if (tally->delayed > 0)
        return decided(rule, "action:delayed", MAIL_DELAYED);
    if (tally->delivered > 0)
        return decided(rule, "action:delivered", MAIL_DELIVERED);
    if (mail_find_part(mail, PART_STATUS) != NULL)
        return decided(rule, "report without an action", MAIL_NONE);
    if (mail->report)
        return decided(rule, "report of another type", MAIL_NONE);
    if (!is_from_mail_system(mail) && (sign = auto_reply_sign(mail)) != NULL)
        return decided(rule, sign, MAIL_VACATION);
    return decided(rule, "no report", MAIL_NONE);
}
