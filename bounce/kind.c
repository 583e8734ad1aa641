/* SPDX-License-Identifier: BSD-2-Clause */
/* One function decides what a mail is, from its strongest evidence down: a part that is a report; a header
 * that only reports have; a notice written for people, which must look like one twice over, by its sender,
 * its subject, or its words; the header of an auto-reply; then nothing. A delay is never a failure, and an
 * auto-reply never a bounce. */
#include "bounce/kind.h"

#include "bounce/arf.h"

#include <string.h>

static enum mail_kind decided(const char **rule, const char *why, enum mail_kind kind)
{
    *rule = why;
    return kind;
}

static bool header_starts(const struct mail *mail, struct span name, struct span start)
{
    return span_starts_nocase(header_find(&mail->header, name), start);
}

static bool contains_any(struct span s, const char *const *words)
{
    for (; *words != NULL; words++)
        if (span_find_nocase(s, span_of(*words)) != NULL)
            return true;
    return false;
}

bool kind_from_mail_system(const struct mail *mail)
{
    static const char *const names[] = {
        "mailer-daemon", "mailer daemon", "mailerdaemon", "postmaster",        "post_master",
        "mail deliver",  "mdaemon",       "delivery sub", "mail admin",        "system admin",
        "mail system",   "mailsystem",    "imss",         "interscan",         "antivirus",
        "bounce@",       "mail.delivery", "ndr@",         "mailserver",        "mail server",
        "mailsweeper",   "daemon@",       "mailmaster",   "microsoftexchange", NULL,
    };
    struct span from = header_find(&mail->header, SPAN("From"));
    struct span path = header_find(&mail->header, SPAN("Return-Path"));

    if (from.n == 0)
        return span_eq(path, SPAN("<>"));
    return span_find_nocase(from, SPAN("<>")) != NULL || contains_any(from, names);
}

static const char *const answers[] = { "re:", "aw:", "fw:", "fwd:", "sv:", "antw:", NULL };

static bool is_answer_subject(struct span subject)
{
    for (size_t i = 0; answers[i] != NULL; i++)
        if (span_starts_nocase(subject, span_of(answers[i])))
            return true;
    return false;
}

/* "Re: Undeliverable ..." is somebody's answer; a notice puts its words behind our subject. */
static bool has_notice_subject(struct span subject)
{
    for (size_t i = 0; answers[i] != NULL; i++)
        if (span_starts_nocase(subject, span_of(answers[i]))) {
            subject =
                span_trim((struct span){ subject.p + strlen(answers[i]), subject.n - strlen(answers[i]) });
            if (subject.n > 24)
                subject = (struct span){ subject.p + 16, subject.n - 16 };
            else
                return false;
        }
    return contains_any(subject, notice_subjects);
}

/* Whether a program may have sent it: nobody has a name, or it says so. */
static bool is_automatic(const struct mail *mail)
{
    struct span from = header_find(&mail->header, SPAN("From"));

    return (memchr(from.p, ' ', from.n) == NULL && memchr(from.p, '"', from.n) == NULL) ||
           header_has(&mail->header, SPAN("Precedence")) ||
           header_has(&mail->header, SPAN("Auto-Submitted")) ||
           span_eq(header_find(&mail->header, SPAN("Return-Path")), SPAN("<>"));
}

static bool is_notice(const struct kind_evidence *evidence)
{
    const struct mail *mail = evidence->mail;
    bool subject = has_notice_subject(evidence->subject);

    if (header_has(&mail->header, SPAN("X-Failed-Recipients")))
        return true;
    if (mail->report && mail_find_part(mail, PART_STATUS) != NULL)
        subject = true;
    if (!kind_from_mail_system(mail) && !(subject && is_automatic(mail)))
        return false;
    return (subject && kind_from_mail_system(mail)) || notice_has(evidence->notice, notice_failures) ||
           notice_has(evidence->notice, notice_delays);
}

/* A notice of failure may tell that there were delays before. */
static bool is_delay(const struct kind_evidence *evidence)
{
    static const char *const finals[] = { "given up",           "giving up on",
                                          "failed permanently", "is a permanent error",
                                          "permanent failure",  NULL };
    static const char *const subjects[] = { "delayed",
                                            "(delay)",
                                            "warning: message",
                                            "delivery delay",
                                            "warning--could not",
                                            "verzögert",
                                            "not yet been delivered",
                                            "status notification: warning",
                                            "warning: could not send",
                                            "retard",
                                            "temporary failure",
                                            NULL };

    return contains_any(evidence->subject, subjects) ||
           (notice_has(evidence->notice, notice_delays) && !notice_has(evidence->notice, finals));
}

/* A report of success that lost the part which says so. Where anything failed that is said, too. */
static bool is_success(const struct kind_evidence *evidence)
{
    return notice_has(evidence->notice, notice_successes) && !notice_has(evidence->notice, notice_failures);
}

/* How the subject of a reply begins that nobody typed. Only believed of mail that says it is bulk. */
static bool has_away_subject(struct span subject)
{
    static const char *const starts[] = {
        "Out of office",
        "Out of the office",
        "Automatic reply",
        "Autoreply",
        "Auto-reply",
        "Auto reply",
        "Auto:",
        "Autoresponse",
        "Vacation",
        "Away from",
        "Abwesenheit",
        "Automatische Antwort",
        "Réponse automatique",
        "Respuesta automática",
        "Resposta automática",
        "Risposta automatica",
        "自動応答",
    };

    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++)
        if (span_starts_nocase(subject, span_of(starts[i])))
            return true;
    return false;
}

/* RFC 3834 and the habits before it. */
static const char *auto_reply_sign(const struct mail *mail, struct span subject)
{
    static const struct span fields[] = {
        { "X-Autoreply", 11 },
        { "X-Autorespond", 13 },
        { "X-Auto-Response-From", 20 },
        { "X-AutoReply-From", 16 },
        { "X-Mail-Autoreply", 16 },
        { "X-Vacation", 10 },
        { "X-Autoresponder-Version", 23 },
    };

    if (header_starts(mail, SPAN("Auto-Submitted"), SPAN("auto-")))
        return "header:auto-submitted";
    if (header_starts(mail, SPAN("Precedence"), SPAN("auto_reply")))
        return "header:precedence auto_reply";
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        if (header_has(&mail->header, fields[i]))
            return "header:x-autoreply";
    if (header_starts(mail, SPAN("X-Autogenerated"), SPAN("reply")) ||
        header_starts(mail, SPAN("Delivered-To"), SPAN("autoresponder")))
        return "header:x-autogenerated";
    if (header_starts(mail, SPAN("X-Auto-Response-Suppress"), SPAN("All")) && has_away_subject(subject))
        return "header:x-auto-response-suppress and subject";
    if ((header_starts(mail, SPAN("Precedence"), SPAN("bulk")) ||
         header_starts(mail, SPAN("Precedence"), SPAN("junk"))) &&
        has_away_subject(subject))
        return "header:precedence and subject";
    return NULL;
}

/* Asks the sender to prove that he is a person. */
static bool is_challenge(struct span subject)
{
    static const char *const words[] = { "please confirm",
                                         "action required",
                                         "confirmation required",
                                         "verify your message",
                                         "sender verification",
                                         "whitelist request",
                                         NULL };

    return contains_any(subject, words);
}

bool kind_is_answer(const struct mail *mail, struct span subject)
{
    return auto_reply_sign(mail, subject) != NULL || is_answer_subject(subject) ||
           has_away_subject(subject) || is_challenge(subject) ||
           header_has(&mail->header, SPAN("In-Reply-To")) || header_has(&mail->header, SPAN("References"));
}

static enum mail_kind decide_by_tally(const struct tally *tally, const char **rule)
{
    if (tally->failed > 0)
        return decided(rule, "action:failed", MAIL_FAILURE);
    if (tally->delayed > 0)
        return decided(rule, "action:delayed", MAIL_DELAYED);
    return decided(rule, "action:delivered", MAIL_DELIVERED);
}

enum mail_kind kind_decide(const struct kind_evidence *evidence, const char **rule)
{
    const struct mail *mail = evidence->mail;
    const struct tally *tally = &evidence->tally;
    const char *sign;

    if (arf_is_complaint(mail, evidence->subject, rule))
        return MAIL_COMPLAINT;
    if (mail_find_part(mail, PART_FEEDBACK) != NULL)
        return MAIL_NONE; /* *rule says which kind of feedback */
    /* Fields in a person's text are what he writes about; of a notice they are the report. */
    if (tally->failed + tally->delayed + tally->delivered > 0 &&
        (!evidence->loose || evidence->forwarded || is_notice(evidence)))
        return decide_by_tally(tally, rule);
    if (mail_find_part(mail, PART_DISPOSITION) != NULL)
        return decided(rule, "disposition notification", MAIL_NONE);
    if (is_notice(evidence) && is_success(evidence))
        return decided(rule, "notice of a delivery", MAIL_DELIVERED);
    if (is_notice(evidence) && !(is_challenge(evidence->subject) && !kind_from_mail_system(mail)))
        return is_delay(evidence) ? decided(rule, "notice of a delay", MAIL_DELAYED)
                                  : decided(rule, "notice", MAIL_FAILURE);
    if (mail_find_part(mail, PART_STATUS) != NULL)
        return decided(rule, "report without an action", MAIL_NONE);
    if (mail->report)
        return decided(rule, "report of another type", MAIL_NONE);
    if (!kind_from_mail_system(mail) && (sign = auto_reply_sign(mail, evidence->subject)) != NULL)
        return decided(rule, sign, MAIL_VACATION);
    return decided(rule, "no report", MAIL_NONE);
}
