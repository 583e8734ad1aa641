/* SPDX-License-Identifier: BSD-2-Clause */
/* The causes as rows: whose fault it is, whether it is hard, and the default numbers of its lifecycle. The
 * words are stable: they stand in Redis, in logs and in the settings. */
#include "leadgate/cause.h"

#include <stddef.h>

#define DAYS(n) ((int64_t)(n)*24 * 60 * 60)

#define ROW(word, whose, how, strikes_, first_, end_, note_)                                                 \
    {                                                                                                        \
        .name = word, .fault = FAULT_##whose, .hardness = HARDNESS_##how,                                    \
        .defaults = { .strikes = strikes_, .first = first_, .end = END_##end_ }, .note = note_               \
    }

/* clang-format off */
static const struct cause_info causes[CAUSES] = {
    /*                                   word                   whose      kind  strikes first   ends in    */
    [CAUSE_NONE]                 = ROW("none",                 NONE,      NONE, 0, 0,        NEVER,     "nothing happened, or it is not known"),
    [CAUSE_USER_UNKNOWN]         = ROW("user-unknown",         LEAD,      HARD, 1, 0,        PERMANENT, "no such mailbox"),
    [CAUSE_DOMAIN_UNKNOWN]       = ROW("domain-unknown",       LEAD,      HARD, 1, 0,        PERMANENT, "no such domain"),
    [CAUSE_DOMAIN_MISCONFIGURED] = ROW("domain-misconfigured", LEAD,      HARD, 2, DAYS(7),  PERMANENT, "null MX, no usable MX, mail loops there"),
    [CAUSE_RECIPIENT_MOVED]      = ROW("recipient-moved",      LEAD,      HARD, 1, 0,        PERMANENT, "moved away, or the address has a new owner"),
    [CAUSE_MAILBOX_FULL]         = ROW("mailbox-full",         LEAD,      SOFT, 2, DAYS(3),  PERMANENT, "over quota"),
    [CAUSE_MAILBOX_DISABLED]     = ROW("mailbox-disabled",     LEAD,      SOFT, 2, DAYS(7),  PERMANENT, "suspended, inactive, blocked"),
    [CAUSE_RECIPIENT_REFUSED]    = ROW("recipient-refused",    LEAD,      SOFT, 2, DAYS(14), PERMANENT, "the recipient's own rule refused us"),
    [CAUSE_RELAY_DENIED]         = ROW("relay-denied",         LEAD,      SOFT, 3, DAYS(3),  PERMANENT, "their server does not know the domain"),
    [CAUSE_SPAM_BLOCK]           = ROW("spam-block",           SENDER,    SOFT, 3, DAYS(7),  LONGEST,   "content judged spam"),
    [CAUSE_POLICY_BLOCK]         = ROW("policy-block",         SENDER,    SOFT, 3, DAYS(7),  LONGEST,   "marketing not accepted, security policy"),
    [CAUSE_SENDER_REFUSED]       = ROW("sender-refused",       SENDER,    SOFT, 0, 0,        NEVER,     "our address or domain refused at MAIL FROM"),
    [CAUSE_REPUTATION_BLOCK]     = ROW("reputation-block",     SENDER,    SOFT, 0, 0,        NEVER,     "IP or domain reputation, block list, rPTR"),
    [CAUSE_AUTH_FAILURE]         = ROW("auth-failure",         SENDER,    SOFT, 0, 0,        NEVER,     "SPF, DKIM, DMARC"),
    [CAUSE_RATE_LIMITED]         = ROW("rate-limited",         SENDER,    SOFT, 0, 0,        NEVER,     "too many connections, slow down"),
    [CAUSE_MESSAGE_TOO_BIG]      = ROW("message-too-big",      MESSAGE,   SOFT, 0, 0,        NEVER,     "larger than they take"),
    [CAUSE_CONTENT_ERROR]        = ROW("content-error",        MESSAGE,   SOFT, 0, 0,        NEVER,     "malformed, virus, headers"),
    [CAUSE_SYNTAX_ERROR]         = ROW("syntax-error",         MESSAGE,   SOFT, 0, 0,        NEVER,     "protocol or command error"),
    [CAUSE_NETWORK_ERROR]        = ROW("network-error",        TRANSIENT, SOFT, 4, DAYS(1),  LONGEST,   "no connection, DNS time-out, TLS"),
    [CAUSE_EXPIRED]              = ROW("expired",              TRANSIENT, SOFT, 3, DAYS(3),  PERMANENT, "queue lifetime over, no better cause"),
    [CAUSE_REMOTE_SYSTEM]        = ROW("remote-system",        TRANSIENT, SOFT, 4, DAYS(1),  LONGEST,   "system error, disk full on their side"),
    [CAUSE_UNDETERMINED]         = ROW("undetermined",         TRANSIENT, SOFT, 4, DAYS(3),  PERMANENT, "nothing matched"),
    [CAUSE_COMPLAINT]            = ROW("complaint",            WILL,      NONE, 1, 0,        NEVER,     "feedback loop: reported as spam"),
    [CAUSE_UNSUBSCRIBE]          = ROW("unsubscribe",          WILL,      NONE, 1, 0,        NEVER,     "the recipient asked"),
    [CAUSE_INACTIVE]             = ROW("inactive",             NONE,      NONE, 0, DAYS(30), NEVER,     "no engagement for long"),
    [CAUSE_SCORE]                = ROW("score",                NONE,      NONE, 0, DAYS(30), NEVER,     "score at the floor"),
    [CAUSE_MANUAL]               = ROW("manual",               NONE,      NONE, 0, 0,        NEVER,     "an operator"),
    [CAUSE_SUPPRESSED]           = ROW("suppressed",           NONE,      NONE, 0, 0,        NEVER,     "a suppression list's refusal come back, ours or another's"),
};
/* clang-format on */

const struct cause_info *cause_info(enum cause cause)
{
    return &causes[cause];
}

const char *cause_name(enum cause cause)
{
    return causes[cause].name;
}

const char *hardness_name(enum hardness hardness)
{
    switch (hardness) {
    case HARDNESS_NONE: return "none";
    case HARDNESS_SOFT: return "soft";
    case HARDNESS_HARD: return "hard";
    }
    return "none";
}

bool cause_parse(struct span word, enum cause *out)
{
    *out = CAUSE_NONE;
    for (int cause = CAUSE_NONE + 1; cause < CAUSES; cause++) {
        if (span_eq(word, span_of(causes[cause].name))) {
            *out = (enum cause)cause;
            return true;
        }
    }
    return false;
}
