/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/reasons.h"

#include "leadgate/bounce.h"

#include <string.h>

/* In lower case, letters only. A plain "bounce" on a suppression list is a final one: nobody lists the
 * others. */
static const struct {
    const char *word;
    enum event_type type;
    enum cause cause;
} words[] = {
    { "bounce", EVENT_OPTOUT, CAUSE_USER_UNKNOWN },
    { "bounced", EVENT_OPTOUT, CAUSE_USER_UNKNOWN },
    { "hardbounce", EVENT_OPTOUT, CAUSE_USER_UNKNOWN },
    { "hardbounced", EVENT_OPTOUT, CAUSE_USER_UNKNOWN },
    { "hard", EVENT_OPTOUT, CAUSE_USER_UNKNOWN },
    { "permanent", EVENT_OPTOUT, CAUSE_USER_UNKNOWN }, /* Amazon SES: bounceType */
    { "invalid", EVENT_OPTOUT, CAUSE_USER_UNKNOWN },
    { "invalidemail", EVENT_OPTOUT, CAUSE_USER_UNKNOWN },
    { "invalidemailaddress", EVENT_OPTOUT, CAUSE_USER_UNKNOWN },
    { "bademailaddress", EVENT_OPTOUT, CAUSE_USER_UNKNOWN }, /* Postmark */
    { "badmailbox", EVENT_OPTOUT, CAUSE_USER_UNKNOWN },
    { "undeliverable", EVENT_OPTOUT, CAUSE_USER_UNKNOWN },
    { "unknownuser", EVENT_OPTOUT, CAUSE_USER_UNKNOWN },
    { "cleaned", EVENT_OPTOUT, CAUSE_USER_UNKNOWN }, /* Mailchimp */
    { "baddomain", EVENT_OPTOUT, CAUSE_DOMAIN_UNKNOWN },
    { "dnserror", EVENT_OPTOUT, CAUSE_DOMAIN_UNKNOWN },
    { "overquota", EVENT_OPTOUT, CAUSE_MAILBOX_FULL },
    { "softbounce", EVENT_OPTOUT, CAUSE_UNDETERMINED },
    { "soft", EVENT_OPTOUT, CAUSE_UNDETERMINED },
    { "transient", EVENT_OPTOUT, CAUSE_UNDETERMINED },
    { "blocked", EVENT_OPTOUT, CAUSE_POLICY_BLOCK }, /* SendGrid, Postmark */
    { "block", EVENT_OPTOUT, CAUSE_POLICY_BLOCK },
    { "complaint", EVENT_COMPLAINT, CAUSE_COMPLAINT },
    { "complained", EVENT_COMPLAINT, CAUSE_COMPLAINT },
    { "spam", EVENT_COMPLAINT, CAUSE_COMPLAINT },
    { "spamcomplaint", EVENT_COMPLAINT, CAUSE_COMPLAINT },
    { "spamreport", EVENT_COMPLAINT, CAUSE_COMPLAINT },
    { "spamnotification", EVENT_COMPLAINT, CAUSE_COMPLAINT },
    { "abuse", EVENT_COMPLAINT, CAUSE_COMPLAINT },
    { "unsubscribe", EVENT_UNSUBSCRIBE, CAUSE_UNSUBSCRIBE },
    { "unsubscribed", EVENT_UNSUBSCRIBE, CAUSE_UNSUBSCRIBE },
    { "unsub", EVENT_UNSUBSCRIBE, CAUSE_UNSUBSCRIBE },
    { "globalunsubscribe", EVENT_UNSUBSCRIBE, CAUSE_UNSUBSCRIBE },
    { "groupunsubscribe", EVENT_UNSUBSCRIBE, CAUSE_UNSUBSCRIBE },
    { "optout", EVENT_UNSUBSCRIBE, CAUSE_UNSUBSCRIBE },
    { "optedout", EVENT_UNSUBSCRIBE, CAUSE_UNSUBSCRIBE },
    { "manual", EVENT_OPTOUT, CAUSE_MANUAL },
    { "manualsuppression", EVENT_OPTOUT, CAUSE_MANUAL },
    { "manuallydeactivated", EVENT_OPTOUT, CAUSE_MANUAL },
    { "blacklisted", EVENT_OPTOUT, CAUSE_MANUAL },
    { "blocklisted", EVENT_OPTOUT, CAUSE_MANUAL },
    { "suppressed", EVENT_OPTOUT, CAUSE_SUPPRESSED },
};

static bool set(struct reason *out, enum event_type type, enum cause cause)
{
    *out = (struct reason){ .type = type, .cause = cause };
    return true;
}

static bool set_cause(struct reason *out, enum cause cause)
{
    if (cause == CAUSE_COMPLAINT)
        return set(out, EVENT_COMPLAINT, cause);
    return set(out, cause == CAUSE_UNSUBSCRIBE ? EVENT_UNSUBSCRIBE : EVENT_OPTOUT, cause);
}

bool reason_of_word(struct span word, struct reason *out)
{
    char plain[32];
    enum cause cause;
    size_t n = 0;

    if (cause_parse(word, &cause))
        return set_cause(out, cause);
    for (size_t i = 0; i < word.n; i++) {
        char c = word.p[i];

        if (c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        if (c == ' ' || c == '-' || c == '_')
            continue;
        if (n == sizeof(plain))
            return false;
        plain[n++] = c;
    }
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (span_eq((struct span){ plain, n }, span_of(words[i].word)))
            return set(out, words[i].type, words[i].cause);
    return false;
}

bool reason_of_refusal(const struct bounce_context *context, struct span status, struct span diag,
                       struct reason *out)
{
    struct finding finding = { .cause = CAUSE_NONE };
    bool enhanced = status.n > 1 && status.p[1] == '.';
    int64_t reply = 0;

    if (status.n == 0 && diag.n == 0)
        return false;
    if (!enhanced && (!span_int64(status, &reply) || reply < 400 || reply > 599))
        reply = 0;
    classify_rejection(
        context,
        &(struct rejection){ .status = enhanced ? status : SPAN_NONE, .reply = (int)reply, .diag = diag },
        &finding);
    if (finding.cause == CAUSE_NONE || finding.cause == CAUSE_UNDETERMINED)
        return false;
    return set_cause(out, finding.cause);
}
