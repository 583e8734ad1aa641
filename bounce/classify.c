/* SPDX-License-Identifier: BSD-2-Clause */
/* One refusal to one cause. Servers lie in known ways: the status says 5.1.1 for everything, the text names a
 * general reason and the true one behind it. So evidence is asked in the order of how hard it is to say by
 * accident: our own marker, the local mail system's words, telling phrases, telling status codes (subjects 2
 * and 7), general phrases, general status codes, the reply code. What the rules are is in status_codes.c and
 * text_rules.c; only the order is here. */
#include "bounce/reply.h"
#include "bounce/rules.h"
#include "leadgate/bounce.h"

#include <stdlib.h>
#include <string.h>

/* What was brought forward about one refusal. */
struct evidence {
    char status[STATUS_SIZE];
    int reply;
    char text[1024]; /* reply_normalise(); the reasons stand at the front */
    size_t text_n;
};

struct verdict {
    enum cause cause;
    const char *rule; /* NULL = none yet */
};

/* RFC 5321 4.2.3, for replies that say nothing else. 550, 553 and 554 are used for everything: no row. */
static const struct reply_rule reply_table[] = {
    { "reply:500", 500, CAUSE_SYNTAX_ERROR, "command unrecognised" },
    { "reply:501", 501, CAUSE_SYNTAX_ERROR, "syntax error in parameters" },
    { "reply:502", 502, CAUSE_SYNTAX_ERROR, "command not implemented" },
    { "reply:503", 503, CAUSE_SYNTAX_ERROR, "bad sequence of commands" },
    { "reply:504", 504, CAUSE_SYNTAX_ERROR, "parameter not implemented" },
    { "reply:521", 521, CAUSE_DOMAIN_MISCONFIGURED, "host does not accept mail (RFC 7504)" },
    { "reply:530", 530, CAUSE_POLICY_BLOCK, "authentication required (RFC 4954)" },
    { "reply:535", 535, CAUSE_POLICY_BLOCK, "authentication failed (RFC 4954)" },
    { "reply:551", 551, CAUSE_RELAY_DENIED, "user not local" },
    { "reply:552", 552, CAUSE_MAILBOX_FULL, "exceeded storage allocation" },
    { "reply:555", 555, CAUSE_SYNTAX_ERROR, "MAIL or RCPT parameters not recognised" },
    { "reply:556", 556, CAUSE_DOMAIN_MISCONFIGURED, "domain does not accept mail (RFC 7504)" },
};

const struct reply_rule *reply_rules(size_t *n)
{
    *n = sizeof(reply_table) / sizeof(reply_table[0]);
    return reply_table;
}

static struct verdict by_phrase(const struct evidence *evidence, enum weight weight)
{
    size_t n;
    const struct text_rule *rules = text_rules(&n);

    for (size_t i = 0; i < n && evidence->text_n > 0; i++)
        if (rules[i].weight == weight && strstr(evidence->text, rules[i].phrase) != NULL)
            return (struct verdict){ rules[i].cause, rules[i].rule };
    return (struct verdict){ CAUSE_NONE, NULL };
}

static bool code_matches(const char *code, const char *status)
{
    if (code[0] == 'x')
        return (status[0] == '4' || status[0] == '5') && strcmp(code + 1, status + 1) == 0;
    return strcmp(code, status) == 0;
}

static struct verdict by_status(const struct evidence *evidence, enum weight weight)
{
    size_t n;
    const struct status_rule *rules = status_rules(&n);

    for (size_t i = 0; i < n && evidence->status[0] != '\0'; i++)
        if (rules[i].weight == weight && code_matches(rules[i].code, evidence->status))
            return (struct verdict){ rules[i].cause, rules[i].rule };
    return (struct verdict){ CAUSE_NONE, NULL };
}

/* What is left when no words and no status told: the reply code, and whether time ran out on a temporary
 * failure. */
static struct verdict by_reply(const struct evidence *evidence)
{
    size_t n;
    const struct reply_rule *rules = reply_rules(&n);

    for (size_t i = 0; i < n; i++)
        if (rules[i].code == evidence->reply)
            return (struct verdict){ rules[i].cause, rules[i].rule };
    if (evidence->status[0] == '4' || evidence->reply / 100 == 4)
        return (struct verdict){ CAUSE_EXPIRED, "temporary and given up" };
    return (struct verdict){ CAUSE_UNDETERMINED, "nothing matched" };
}

static struct verdict judge(const struct evidence *evidence, bool local)
{
    struct verdict verdict = { CAUSE_NONE, NULL };

    if (local)
        verdict = by_phrase(evidence, WEIGHT_LOCAL);
    if (verdict.rule == NULL)
        verdict = by_phrase(evidence, WEIGHT_STRONG);
    if (verdict.rule == NULL)
        verdict = by_status(evidence, WEIGHT_STRONG);
    if (verdict.rule == NULL)
        verdict = by_phrase(evidence, WEIGHT_WEAK);
    if (verdict.rule == NULL)
        verdict = by_status(evidence, WEIGHT_WEAK);
    if (verdict.rule == NULL)
        verdict = by_reply(evidence);
    return verdict;
}

/* Brings codes and words together. The Status field is the reporting system's reading of the reply; where it
 * says nothing, the reply's own code is taken. */
static void gather(struct evidence *evidence, struct span status, int reply, struct span diag)
{
    char in_text[STATUS_SIZE];

    status_read(evidence->status, span_trim(status));
    if (status_is_bare(evidence->status)) {
        reply_find_status(in_text, diag);
        if (evidence->status[0] == '\0' || !status_is_bare(in_text))
            memcpy(evidence->status, in_text, sizeof(in_text));
    }
    evidence->reply = reply != 0 ? reply : reply_find_code(diag);
    evidence->text_n = reply_normalise(evidence->text, sizeof(evidence->text), diag);
}

struct classifier {
    size_t n;
};

struct classifier *classifier_new(const char *const *files, size_t n, struct err *err)
{
    struct classifier *classifier = calloc(1, sizeof(*classifier));

    (void)files;
    (void)n;
    if (classifier == NULL)
        err_set(err, "out of memory");
    return classifier;
}

void classifier_free(struct classifier *classifier)
{
    free(classifier);
}

void classify_rejection(const struct classifier *classifier, const struct rejection *rejection,
                        struct finding *finding)
{
    struct evidence evidence;
    struct verdict verdict;

    (void)classifier;
    gather(&evidence, rejection->status, rejection->reply, rejection->diag);
    if (reply_has_unfolded(rejection->diag, SPAN(LEADGATE_MARKER)))
        verdict = (struct verdict){ CAUSE_SUPPRESSED, "our own refusal" };
    else
        verdict = judge(&evidence, rejection->local);
    memcpy(finding->status, evidence.status, sizeof(finding->status));
    finding->reply = evidence.reply;
    finding->cause = verdict.cause;
    finding->hardness = cause_info(verdict.cause)->hardness;
    finding->rule = verdict.rule;
}
