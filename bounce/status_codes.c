/* SPDX-License-Identifier: BSD-2-Clause */
/* Enhanced status codes, a row each, after the IANA registry "SMTP Enhanced Status Codes" (RFC 3463 and those
 * named in the notes), and what the large providers made of them. STRONG rows outrank generic phrases:
 * subjects 2 (mailbox) and 7 (policy) are set on purpose. Subject 1 is the default answer of many servers to
 * anything, and some detail codes are: those are WEAK. A row for one class stands before the row for both.
 * x.0.0 and x.1.0 have no row: they say nothing. */
#include "bounce/rules.h"

#define ROW(code_, weight_, cause_, note_)                                                                   \
    {                                                                                                        \
        .rule = "status:" code_, .code = code_, .weight = WEIGHT_##weight_, .cause = CAUSE_##cause_,         \
        .note = note_                                                                                        \
    }

/* clang-format off */
static const struct status_rule rules[] = {
    /* Addressing. */
    ROW("x.1.1",  WEAK,   USER_UNKNOWN,         "bad destination mailbox address"),
    ROW("4.1.2",  WEAK,   NETWORK_ERROR,        "their name server did not answer; the domain may be well"),
    ROW("5.1.2",  WEAK,   DOMAIN_UNKNOWN,       "bad destination system address"),
    ROW("x.1.3",  WEAK,   USER_UNKNOWN,         "bad destination mailbox address syntax: it never worked"),
    ROW("x.1.4",  WEAK,   USER_UNKNOWN,         "destination mailbox address ambiguous"),
    ROW("5.1.6",  STRONG, RECIPIENT_MOVED,      "mailbox has moved, no forwarding address"),
    ROW("x.1.7",  STRONG, SENDER_REFUSED,       "bad sender's mailbox address syntax"),
    ROW("x.1.8",  STRONG, SENDER_REFUSED,       "bad sender's system address: our domain does not resolve there"),
    ROW("x.1.9",  STRONG, REMOTE_SYSTEM,        "message relayed to a non-compliant mailer (RFC 3886)"),
    ROW("x.1.10", STRONG, DOMAIN_MISCONFIGURED, "recipient address has null MX (RFC 7505)"),

    /* Mailbox. */
    ROW("5.2.0",  WEAK,   MAILBOX_DISABLED,     "other mailbox status; 4.2.0 is what greylisting says"),
    ROW("x.2.1",  STRONG, MAILBOX_DISABLED,     "mailbox disabled, not accepting messages; Gmail and Yahoo too"),
    ROW("x.2.2",  STRONG, MAILBOX_FULL,         "mailbox full"),
    ROW("x.2.3",  STRONG, MESSAGE_TOO_BIG,      "message length exceeds administrative limit of the mailbox"),
    ROW("5.2.121", STRONG, RATE_LIMITED,        "Exchange Online: recipient's limit from one sender an hour"),
    ROW("5.2.122", STRONG, RATE_LIMITED,        "Exchange Online: recipient's limit an hour"),
    ROW("x.2.4",  STRONG, REMOTE_SYSTEM,        "mailing list expansion problem"),

    /* Mail system. */
    ROW("x.3.0",  WEAK,   REMOTE_SYSTEM,        "other mail system status"),
    ROW("x.3.1",  WEAK,   REMOTE_SYSTEM,        "mail system full: their disk, not a mailbox"),
    ROW("x.3.2",  WEAK,   REMOTE_SYSTEM,        "system not accepting network messages"),
    ROW("x.3.3",  WEAK,   REMOTE_SYSTEM,        "system not capable of selected features"),
    ROW("x.3.4",  STRONG, MESSAGE_TOO_BIG,      "message too big for system"),
    ROW("x.3.5",  WEAK,   REMOTE_SYSTEM,        "system incorrectly configured"),
    ROW("x.3.6",  WEAK,   REMOTE_SYSTEM,        "requested priority was changed (RFC 6710)"),

    /* Network and routing. */
    ROW("x.4.0",  WEAK,   NETWORK_ERROR,        "other network or routing status"),
    ROW("x.4.1",  WEAK,   NETWORK_ERROR,        "no answer from host; for Microsoft's 5.4.1 see the phrases"),
    ROW("x.4.2",  WEAK,   NETWORK_ERROR,        "bad connection"),
    ROW("x.4.3",  WEAK,   NETWORK_ERROR,        "directory or name server failure"),
    ROW("4.4.4",  WEAK,   NETWORK_ERROR,        "unable to route, for now"),
    ROW("5.4.4",  WEAK,   DOMAIN_UNKNOWN,       "unable to route: no such host"),
    ROW("x.4.5",  WEAK,   RATE_LIMITED,         "mail system congestion"),
    ROW("x.4.6",  WEAK,   DOMAIN_MISCONFIGURED, "routing loop detected"),
    ROW("x.4.7",  WEAK,   EXPIRED,              "delivery time expired"),
    ROW("x.4.8",  WEAK,   DOMAIN_MISCONFIGURED, "routing loop (Exchange)"),
    ROW("x.4.14", WEAK,   DOMAIN_MISCONFIGURED, "routing loop, too many hops (Exchange)"),
    ROW("5.4.310", STRONG, DOMAIN_UNKNOWN,      "Exchange Online: DNS domain does not exist"),
    ROW("5.4.316", WEAK,  EXPIRED,              "Exchange Online: expired, connection refused"),

    /* Protocol. */
    ROW("x.5.1",  WEAK,   SYNTAX_ERROR,         "invalid command"),
    ROW("x.5.2",  WEAK,   SYNTAX_ERROR,         "syntax error"),
    ROW("x.5.3",  STRONG, RATE_LIMITED,         "too many recipients"),
    ROW("x.5.4",  WEAK,   SYNTAX_ERROR,         "invalid command arguments"),
    ROW("x.5.5",  WEAK,   SYNTAX_ERROR,         "wrong protocol version"),
    ROW("x.5.6",  WEAK,   SYNTAX_ERROR,         "authentication exchange line too long (RFC 4954)"),

    /* Content. */
    ROW("x.6.0",  WEAK,   CONTENT_ERROR,        "other media error"),
    ROW("x.6.1",  WEAK,   CONTENT_ERROR,        "media not supported"),
    ROW("x.6.2",  WEAK,   CONTENT_ERROR,        "conversion required and prohibited"),
    ROW("x.6.3",  WEAK,   CONTENT_ERROR,        "conversion required but not supported"),
    ROW("x.6.4",  WEAK,   CONTENT_ERROR,        "conversion with loss performed"),
    ROW("x.6.5",  WEAK,   CONTENT_ERROR,        "conversion failed"),
    ROW("x.6.6",  WEAK,   CONTENT_ERROR,        "message content not available (RFC 4468)"),
    ROW("x.6.7",  WEAK,   CONTENT_ERROR,        "non-ASCII addresses not permitted (RFC 6531)"),
    ROW("x.6.8",  WEAK,   CONTENT_ERROR,        "UTF-8 string reply required (RFC 6531)"),
    ROW("x.6.9",  WEAK,   CONTENT_ERROR,        "UTF-8 header message cannot be transferred (RFC 6531)"),
    ROW("x.6.10", WEAK,   CONTENT_ERROR,        "same as x.6.8 (RFC 6531)"),
    ROW("x.6.11", WEAK,   CONTENT_ERROR,        "invalid characters (Exchange: bare line feeds)"),

    /* Security and policy. */
    ROW("x.7.0",  WEAK,   POLICY_BLOCK,         "other security status: the words tell more, if anything does"),
    ROW("x.7.1",  WEAK,   POLICY_BLOCK,         "delivery not authorised: the default of block lists, rules, lists"),
    ROW("x.7.2",  STRONG, RECIPIENT_REFUSED,    "mailing list expansion prohibited"),
    ROW("x.7.3",  STRONG, POLICY_BLOCK,         "security conversion required but not possible"),
    ROW("x.7.4",  STRONG, NETWORK_ERROR,        "security features not supported: Postfix says it of TLS"),
    ROW("x.7.5",  STRONG, NETWORK_ERROR,        "cryptographic failure: Postfix says it of certificates"),
    ROW("x.7.6",  STRONG, NETWORK_ERROR,        "cryptographic algorithm not supported"),
    ROW("x.7.7",  STRONG, AUTH_FAILURE,         "message integrity failure; DKIM before RFC 7372"),
    ROW("x.7.8",  STRONG, POLICY_BLOCK,         "authentication credentials invalid (RFC 4954)"),
    ROW("x.7.9",  STRONG, AUTH_FAILURE,         "authentication mechanism too weak; providers: unauthenticated mail"),
    ROW("x.7.10", STRONG, NETWORK_ERROR,        "encryption needed (RFC 5248)"),
    ROW("x.7.11", STRONG, NETWORK_ERROR,        "encryption required for the mechanism (RFC 4954)"),
    ROW("x.7.12", STRONG, POLICY_BLOCK,         "a password transition is needed (RFC 4954)"),
    ROW("x.7.13", STRONG, MAILBOX_DISABLED,     "user account disabled (RFC 5248)"),
    ROW("x.7.14", STRONG, POLICY_BLOCK,         "trust relationship required (RFC 5248)"),
    ROW("x.7.15", STRONG, RATE_LIMITED,         "priority level is too low (RFC 6710)"),
    ROW("x.7.16", STRONG, MESSAGE_TOO_BIG,      "message is too big for the specified priority (RFC 6710)"),
    ROW("x.7.17", STRONG, RECIPIENT_MOVED,      "mailbox owner has changed (RFC 7293)"),
    ROW("x.7.18", STRONG, RECIPIENT_MOVED,      "domain owner has changed (RFC 7293)"),
    ROW("x.7.19", STRONG, CONTENT_ERROR,        "RRVS test cannot be completed (RFC 7293)"),
    ROW("x.7.20", STRONG, AUTH_FAILURE,         "no passing DKIM signature found (RFC 7372)"),
    ROW("x.7.21", STRONG, AUTH_FAILURE,         "no acceptable DKIM signature found (RFC 7372)"),
    ROW("x.7.22", STRONG, AUTH_FAILURE,         "no valid author-matched DKIM signature found (RFC 7372)"),
    ROW("x.7.23", STRONG, AUTH_FAILURE,         "SPF validation failed (RFC 7372)"),
    ROW("x.7.24", STRONG, AUTH_FAILURE,         "SPF validation error (RFC 7372)"),
    ROW("x.7.25", STRONG, REPUTATION_BLOCK,     "reverse DNS validation failed (RFC 7372)"),
    ROW("x.7.26", STRONG, AUTH_FAILURE,         "multiple authentication checks failed (RFC 7372)"),
    ROW("x.7.27", STRONG, SENDER_REFUSED,       "sender address has null MX (RFC 7505); Google: SPF, by its phrase"),
    ROW("x.7.28", STRONG, RATE_LIMITED,         "mail flood detected; Google: unusual rate"),
    ROW("x.7.29", STRONG, AUTH_FAILURE,         "ARC validation failure (RFC 8617)"),
    ROW("x.7.30", STRONG, NETWORK_ERROR,        "REQUIRETLS support required (RFC 8689)"),
};
/* clang-format on */

const struct status_rule *status_rules(size_t *n)
{
    *n = sizeof(rules) / sizeof(rules[0]);
    return rules;
}
