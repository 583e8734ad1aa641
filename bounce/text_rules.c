/* SPDX-License-Identifier: BSD-2-Clause */
/* Phrases of refusals, a row each, as the big mail systems and providers write them. What they have in common
 * decides the order: the same reply often names a general reason first and the true one behind it ("Recipient
 * address rejected: Mailbox full", "550 5.1.1 ... blocked using ..."), so the rows about us, the sender,
 * stand before the rows about the recipient, and what is full or disabled before what is unknown. STRONG
 * phrases say what they mean; WEAK ones are believed when no strong phrase and no telling status was found;
 * LOCAL ones are the words of the mail system that wrote the report. A test holds each row reachable. */
#include "bounce/rules.h"

#define ROW(phrase_, weight_, cause_, note_)                                                                 \
    {                                                                                                        \
        .rule = "phrase:" phrase_, .phrase = phrase_, .weight = WEIGHT_##weight_, .cause = CAUSE_##cause_,   \
        .note = note_                                                                                        \
    }

/* clang-format off */
static const struct text_rule rules[] = {
    /* The local mail system's own verdict; Postfix marks it with "X-Postfix;". */
    ROW("host not found, try again",            LOCAL,  NETWORK_ERROR,        "Postfix: DNS gave no answer"),
    ROW("temporary failure in name resolution", LOCAL,  NETWORK_ERROR,        "getaddrinfo(3) EAI_AGAIN"),
    ROW("loops back to myself",                 LOCAL,  DOMAIN_MISCONFIGURED, "Postfix: the MX is this host, which does not serve the domain"),
    ROW("mail forwarding loop",                 LOCAL,  DOMAIN_MISCONFIGURED, "Postfix local(8): Delivered-To seen before"),
    ROW("name server reply",                    LOCAL,  DOMAIN_MISCONFIGURED, "Postfix: malformed or unexpected; an MX that names no host"),
    ROW("valid hostname or address",            LOCAL,  DOMAIN_MISCONFIGURED, "Postfix: MX lookups that give no usable name"),
    ROW("host or domain name not found",        LOCAL,  DOMAIN_UNKNOWN,       "Postfix: NXDOMAIN, or a domain without MX and A"),
    ROW("unable to look up host",               LOCAL,  DOMAIN_UNKNOWN,       "Postfix with smtp_host_lookup=native"),
    ROW("message size exceeds size limit",      LOCAL,  MESSAGE_TOO_BIG,      "Postfix: larger than the SIZE the server announced"),
    ROW("smtputf8 is required",                 LOCAL,  CONTENT_ERROR,        "Postfix: their server takes no UTF-8 addresses"),
    ROW("connection refused",                   LOCAL,  NETWORK_ERROR,        "connect(2)"),
    ROW("connection timed out",                 LOCAL,  NETWORK_ERROR,        "connect(2)"),
    ROW("timed out while",                      LOCAL,  NETWORK_ERROR,        "Postfix: no reply in time"),
    ROW("lost connection",                      LOCAL,  NETWORK_ERROR,        "Postfix: closed in the middle of a session"),
    ROW("connection reset",                     LOCAL,  NETWORK_ERROR,        "read(2)"),
    ROW("no route to host",                     LOCAL,  NETWORK_ERROR,        "connect(2)"),
    ROW("network is unreachable",               LOCAL,  NETWORK_ERROR,        "connect(2)"),
    ROW("tls is required",                      LOCAL,  NETWORK_ERROR,        "Postfix: security level encrypt, no STARTTLS there"),
    ROW("certificate not",                      LOCAL,  NETWORK_ERROR,        "Postfix: server certificate not trusted, not verified"),
    ROW("mail transport unavailable",           LOCAL,  REMOTE_SYSTEM,        "Postfix: master.cf or a delivery agent is broken"),

    /* Somebody's suppression list; ours has a marker of its own. */
    ROW("suppression list",                     STRONG, SUPPRESSED,           "Amazon SES and other senders' relays"),

    /* The recipient's own rules, before the block lists whose words they share. */
    ROW("blocked by recipient",                 STRONG, RECIPIENT_REFUSED,    "personal block lists"),
    ROW("rejected by recipient",                STRONG, RECIPIENT_REFUSED,    "personal rules"),
    ROW("recipient's block list",               STRONG, RECIPIENT_REFUSED,    "personal block lists"),
    ROW("resolver.rst.notauthorized",           STRONG, RECIPIENT_REFUSED,    "Exchange: the recipient or group takes mail from named senders only"),
    ROW("only accepts mail from",               STRONG, RECIPIENT_REFUSED,    "closed groups"),

    /* Our name: addresses and hosts with a bad one. */
    ROW("blocked using",                        STRONG, REPUTATION_BLOCK,     "Postfix reject_rbl_client, whatever its code says"),
    ROW("spamhaus",                             STRONG, REPUTATION_BLOCK,     "block list"),
    ROW("spamcop",                              STRONG, REPUTATION_BLOCK,     "block list"),
    ROW("barracudacentral",                     STRONG, REPUTATION_BLOCK,     "block list"),
    ROW("dnsbl",                                STRONG, REPUTATION_BLOCK,     "block lists in general"),
    ROW("listed at",                            STRONG, REPUTATION_BLOCK,     "sendmail's and Exim's habitual words for a block list"),
    ROW("blacklist",                            STRONG, REPUTATION_BLOCK,     "block lists in general"),
    ROW("blocklist",                            STRONG, REPUTATION_BLOCK,     "block lists in general"),
    ROW("block list",                           STRONG, REPUTATION_BLOCK,     "Outlook.com: part of their network is on our block list"),
    ROW("banned sending ip",                    STRONG, REPUTATION_BLOCK,     "Exchange Online 5.7.606 to 649"),
    ROW("low reputation",                       STRONG, REPUTATION_BLOCK,     "Gmail: very low reputation of the sending domain or IP"),
    ROW("poor reputation",                      STRONG, REPUTATION_BLOCK,     "Cisco, Barracuda"),
    ROW("bad reputation",                       STRONG, REPUTATION_BLOCK,     "Cloudmark, Symantec"),
    ROW("permanently deferred",                 STRONG, REPUTATION_BLOCK,     "Yahoo TSS codes for addresses it will not hear"),
    ROW("reverse dns",                          STRONG, REPUTATION_BLOCK,     "no or a wrong PTR record"),
    ROW("ptr record",                           STRONG, REPUTATION_BLOCK,     "no or a wrong PTR record"),
    ROW("cannot find your",                     STRONG, REPUTATION_BLOCK,     "Postfix: cannot find your (reverse) hostname"),

    /* Authentication of the mail. */
    ROW("dmarc",                                STRONG, AUTH_FAILURE,         "RFC 7489"),
    ROW("dkim",                                 STRONG, AUTH_FAILURE,         "RFC 6376"),
    ROW("spf check",                            STRONG, AUTH_FAILURE,         "RFC 7208"),
    ROW("spf validation",                       STRONG, AUTH_FAILURE,         "RFC 7208"),
    ROW("spf fail",                             STRONG, AUTH_FAILURE,         "RFC 7208"),
    ROW("sender policy framework",              STRONG, AUTH_FAILURE,         "RFC 7208"),
    ROW("not designated",                       STRONG, AUTH_FAILURE,         "RFC 7208, the words of SPF libraries"),
    ROW("sender is unauthenticated",            STRONG, AUTH_FAILURE,         "Gmail 5.7.26"),
    ROW("authentication level",                 STRONG, AUTH_FAILURE,         "Outlook.com 5.7.515"),

    /* Too much, too fast. */
    ROW("too many connections",                 STRONG, RATE_LIMITED,         "connection limits"),
    ROW("concurrent connections",               STRONG, RATE_LIMITED,         "connection limits"),
    ROW("too many messages",                    STRONG, RATE_LIMITED,         "message limits"),
    ROW("too many recipients",                  STRONG, RATE_LIMITED,         "recipient limits"),
    ROW("rate limit",                           STRONG, RATE_LIMITED,         "comes with 5.1.1 from some gateways"),
    ROW("a rate that prevents",                 STRONG, RATE_LIMITED,         "Gmail: the mailbox receives too much at once"),
    ROW("unusual rate",                         STRONG, RATE_LIMITED,         "Gmail 4.7.28"),
    ROW("unexpected volume",                    STRONG, RATE_LIMITED,         "Yahoo TSS04"),
    ROW("throttl",                              STRONG, RATE_LIMITED,         "throttled, throttling"),
    ROW("sending quota",                        STRONG, RATE_LIMITED,         "our quota at a relay, not the mailbox's"),
    ROW("greylist",                             STRONG, RATE_LIMITED,         "greylisting that never let us through"),

    /* Content judged spam. */
    ROW("considered spam",                      STRONG, SPAM_BLOCK,           "content filters: this message is considered spam"),
    ROW("as spam",                              STRONG, SPAM_BLOCK,           "classified, identified, detected, rejected as spam"),
    ROW("spam content",                         STRONG, SPAM_BLOCK,           "content filters: rejected because of spam content"),
    ROW("spam message",                         STRONG, SPAM_BLOCK,           "content filters: spam message rejected"),
    ROW("spam score",                           STRONG, SPAM_BLOCK,           "SpamAssassin behind a milter"),
    ROW("likely unsolicited",                   STRONG, SPAM_BLOCK,           "Gmail: likely unsolicited mail"),
    ROW("message content rejected",             STRONG, SPAM_BLOCK,           "amavis, Postfix content checks"),

    /* Our envelope sender. */
    ROW("sender address rejected",              STRONG, SENDER_REFUSED,       "Postfix at MAIL FROM"),
    ROW("sender verify failed",                 STRONG, SENDER_REFUSED,       "Exim call-out"),
    ROW("domain of sender",                     STRONG, SENDER_REFUSED,       "sendmail: domain of sender address does not resolve"),

    /* The message. */
    ROW("virus",                                STRONG, CONTENT_ERROR,        "ClamAV and its kin"),
    ROW("malware",                              STRONG, CONTENT_ERROR,        "gateways that scan attachments"),
    ROW("not rfc 5322 compliant",               STRONG, CONTENT_ERROR,        "Gmail 5.7.1: several From or no Message-ID"),
    ROW("message size exceeds",                 STRONG, MESSAGE_TOO_BIG,      "Postfix, sendmail, Exchange"),
    ROW("message too large",                    STRONG, MESSAGE_TOO_BIG,      "common words for 552 5.3.4"),
    ROW("message too big",                      STRONG, MESSAGE_TOO_BIG,      "common words for 552 5.3.4"),
    ROW("max message size",                     STRONG, MESSAGE_TOO_BIG,      "comes with 5.1.1 from some servers"),
    ROW("maximum message size",                 STRONG, MESSAGE_TOO_BIG,      "message exceeds the maximum message size"),

    /* The mailbox is there, but... Before "unknown": "Recipient address rejected: Mailbox full". */
    ROW("mailbox full",                         STRONG, MAILBOX_FULL,         "the commonest words, behind 5.1.1 as well"),
    ROW("mailbox is full",                      STRONG, MAILBOX_FULL,         "Exchange, Zimbra, Dovecot"),
    ROW("over quota",                           STRONG, MAILBOX_FULL,         "Gmail, Dovecot, Cyrus"),
    ROW("quota exceeded",                       STRONG, MAILBOX_FULL,         "Dovecot, Exchange"),
    ROW("disk quota",                           STRONG, MAILBOX_FULL,         "EDQUOT on delivery"),
    ROW("exceeded storage allocation",          STRONG, MAILBOX_FULL,         "RFC 5321's words for 552"),
    ROW("out of storage space",                 STRONG, MAILBOX_FULL,         "Gmail"),
    ROW("mailbox has exceeded",                 STRONG, MAILBOX_FULL,         "has exceeded the limit, its quota"),
    ROW("account is disabled",                  STRONG, MAILBOX_DISABLED,     "common words for 5.2.1"),
    ROW("account disabled",                     STRONG, MAILBOX_DISABLED,     "common words for 5.2.1"),
    ROW("account has been disabled",            STRONG, MAILBOX_DISABLED,     "common words for 5.2.1"),
    ROW("tried to reach is disabled",           STRONG, MAILBOX_DISABLED,     "Gmail"),
    ROW("mailbox is disabled",                  STRONG, MAILBOX_DISABLED,     "Yahoo 554.30"),
    ROW("mailbox disabled",                     STRONG, MAILBOX_DISABLED,     "RFC 3463's words for x.2.1"),
    ROW("account suspended",                    STRONG, MAILBOX_DISABLED,     "unpaid or abused accounts; may come back"),
    ROW("account is suspended",                 STRONG, MAILBOX_DISABLED,     "unpaid or abused accounts; may come back"),
    ROW("account inactive",                     STRONG, MAILBOX_DISABLED,     "not logged in for long; may come back"),
    ROW("tried to reach is inactive",           STRONG, MAILBOX_DISABLED,     "Gmail"),
    ROW("has moved to",                         STRONG, RECIPIENT_MOVED,      "user has moved to; please try"),
    ROW("no longer at this address",            STRONG, RECIPIENT_MOVED,      "written by people into their old server"),

    /* Their server does not serve the domain; the domain is not there. */
    ROW("relay access denied",                  STRONG, RELAY_DENIED,         "Postfix"),
    ROW("relaying denied",                      STRONG, RELAY_DENIED,         "sendmail"),
    ROW("relay not permitted",                  STRONG, RELAY_DENIED,         "Exim"),
    ROW("unable to relay",                      STRONG, RELAY_DENIED,         "Exchange"),
    ROW("allowed rcpthosts",                    STRONG, RELAY_DENIED,         "qmail: that domain isn't in my list of allowed rcpthosts"),
    ROW("nullmx",                               STRONG, DOMAIN_MISCONFIGURED, "Postfix on a null MX (RFC 7505), with status 5.1.0"),
    ROW("too many hops",                        STRONG, DOMAIN_MISCONFIGURED, "mail loops there"),
    ROW("loop detected",                        STRONG, DOMAIN_MISCONFIGURED, "mail loops there"),
    ROW("domain does not exist",                STRONG, DOMAIN_UNKNOWN,       "a relay's verdict; a sender's domain is caught above"),
    ROW("domain not found",                     STRONG, DOMAIN_UNKNOWN,       "a relay's verdict; a sender's domain is caught above"),
    ROW("host unknown",                         STRONG, DOMAIN_UNKNOWN,       "sendmail: Host unknown (Name server: ...)"),
    ROW("domain name not found",                STRONG, DOMAIN_UNKNOWN,       "a relay's verdict, in Postfix's words"),

    /* No such mailbox; comes with 5.7.1 and 5.4.1, too. */
    ROW("user unknown",                         STRONG, USER_UNKNOWN,         "Postfix, sendmail"),
    ROW("unknown user",                         STRONG, USER_UNKNOWN,         "Postfix local(8), Exim"),
    ROW("no such user",                         STRONG, USER_UNKNOWN,         "Gmail, Cyrus, Domino"),
    ROW("no such recipient",                    STRONG, USER_UNKNOWN,         "common words for 5.1.1"),
    ROW("no such mailbox",                      STRONG, USER_UNKNOWN,         "RFC 5321's example for 550, CommuniGate"),
    ROW("no such address",                      STRONG, USER_UNKNOWN,         "common words for 5.1.1"),
    ROW("no mailbox here by that name",         STRONG, USER_UNKNOWN,         "qmail"),
    ROW("tried to reach does not exist",        STRONG, USER_UNKNOWN,         "Gmail"),
    ROW("user doesn't have a",                  STRONG, USER_UNKNOWN,         "Yahoo: this user doesn't have a yahoo.com account"),
    ROW("mailbox not found",                    STRONG, USER_UNKNOWN,         "Yahoo, Courier"),
    ROW("user not found",                       STRONG, USER_UNKNOWN,         "common words for 5.1.1"),
    ROW("recipient not found",                  STRONG, USER_UNKNOWN,         "Exchange, in people's words"),
    ROW("recipientnotfound",                    STRONG, USER_UNKNOWN,         "Exchange: 5.1.10 RESOLVER.ADR.RecipientNotFound, no null MX"),
    ROW("recipnotfound",                        STRONG, USER_UNKNOWN,         "Exchange: RESOLVER.ADR.ExRecipNotFound"),
    ROW("recipient unknown",                    STRONG, USER_UNKNOWN,         "common words for 5.1.1"),
    ROW("unknown recipient",                    STRONG, USER_UNKNOWN,         "common words for 5.1.1"),
    ROW("invalid recipient",                    STRONG, USER_UNKNOWN,         "gateways that ask a directory (Proofpoint, Ironport)"),
    ROW("invalid mailbox",                      STRONG, USER_UNKNOWN,         "Mail.ru, Zimbra"),
    ROW("not a known user",                     STRONG, USER_UNKNOWN,         "university servers that write sentences"),
    ROW("not a valid recipient",                STRONG, USER_UNKNOWN,         "Yahoo"),
    ROW("undeliverable address",                STRONG, USER_UNKNOWN,         "Postfix address verification"),
    ROW("not listed in domino directory",       STRONG, USER_UNKNOWN,         "Domino"),
    ROW("recipient address rejected: access denied", STRONG, USER_UNKNOWN,    "Exchange Online 5.4.1: not in the tenant's directory"),

    /* Weak words. */
    ROW("authentication required",              WEAK,   POLICY_BLOCK,         "a server for its own users"),
    ROW("administrative prohibition",           WEAK,   POLICY_BLOCK,         "Exim's deny without a message"),
    ROW("local policy",                         WEAK,   POLICY_BLOCK,         "no more is said"),
    ROW("policy reasons",                       WEAK,   POLICY_BLOCK,         "no more is said"),
    ROW("reputation",                           WEAK,   REPUTATION_BLOCK,     "no list is named"),
    ROW("spam",                                 WEAK,   SPAM_BLOCK,           "any other sentence about spam"),
    ROW("retry timeout exceeded",               WEAK,   EXPIRED,              "Exim"),
    ROW("in the queue too long",                WEAK,   EXPIRED,              "qmail"),
    ROW("message expired",                      WEAK,   EXPIRED,              "Exchange"),
    ROW("mail action not taken: mailbox unavailable", WEAK, EXPIRED,          "RFC 5321's words for 450: busy, or not now"),
    ROW("mailbox unavailable",                  WEAK,   USER_UNKNOWN,         "RFC 5321's words for 550; Outlook.com with 5.5.0"),
    ROW("unrouteable address",                  WEAK,   USER_UNKNOWN,         "Exim: no router takes the address"),
    ROW("does not accept mail",                 WEAK,   DOMAIN_MISCONFIGURED, "RFC 7504 521 and 556"),
    ROW("does not exist",                       WEAK,   USER_UNKNOWN,         "of which thing is not said, or between: recipient ... does not exist"),
    ROW("insufficient system storage",          WEAK,   REMOTE_SYSTEM,        "RFC 5321's words for 452"),
    ROW("temporary local problem",              WEAK,   REMOTE_SYSTEM,        "Exim"),
    ROW("local error in processing",            WEAK,   REMOTE_SYSTEM,        "RFC 5321's words for 451"),
};
/* clang-format on */

const struct text_rule *text_rules(size_t *n)
{
    *n = sizeof(rules) / sizeof(rules[0]);
    return rules;
}
