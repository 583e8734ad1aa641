/* SPDX-License-Identifier: BSD-2-Clause */
/* One refusal to one cause. Servers lie in known ways: the status says 5.1.1 for everything, the text names a
 * general reason and the true one behind it. So evidence is asked in the order of how hard it is to say by
 * accident: our own marker first, then the rules by their stages (rule_file.h). What is gathered here is what
 * they are asked about; what they say stands in leadgate.rules and in the operator's files. */
#include "bounce/reply.h"
#include "bounce/rule_set.h"
#include "bounce/rules_shipped.h"
#include "leadgate/rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHIPPED_NAME "leadgate.rules" /* as messages and lists call it; it needs not be installed */

struct classifier {
    struct rule_file *files; /* in order of rank; the shipped one last */
    size_t n;
    struct rule_set *set;
};

struct classifier *classifier_new(const char *const *files, size_t n, struct err *err)
{
    struct classifier *classifier = calloc(1, sizeof(*classifier));

    if (classifier == NULL || (classifier->files = calloc(n + 1, sizeof(*classifier->files))) == NULL) {
        err_set(err, "out of memory");
        goto fail;
    }
    for (; classifier->n < n; classifier->n++)
        if (rule_file_read(&classifier->files[classifier->n], files[n - 1 - classifier->n], err) < 0) {
            classifier->n++;
            goto fail;
        }
    classifier->n++;
    if (rule_file_parse(&classifier->files[n], SHIPPED_NAME, (struct span){ rules_shipped, rules_shipped_n },
                        err) < 0)
        goto fail;
    classifier->files[n].trusted = true;
    if ((classifier->set = rule_set_new(classifier->files, n + 1, err)) == NULL)
        goto fail;
    return classifier;
fail:
    classifier_free(classifier);
    return NULL;
}

void classifier_free(struct classifier *classifier)
{
    if (classifier == NULL)
        return;
    rule_set_free(classifier->set);
    for (size_t i = 0; i < classifier->n; i++)
        rule_file_free(&classifier->files[i]);
    free(classifier->files);
    free(classifier);
}

/* What the rules are asked about. */
struct gathered {
    char status[STATUS_SIZE];
    int reply;
    /* reply_normalise(); the reasons stand at the front */
    char diag[2048], human[4096], notice[4096];
    struct evidence evidence; /* of the above */
};

/* The Status field is the reporting system's reading of the reply; where it says nothing, the reply's own
 * code is taken, else one that the text for people gives. */
static void find_status(char dst[STATUS_SIZE], const struct rejection *rejection)
{
    const struct span texts[] = { rejection->diag, rejection->human };
    char in_text[STATUS_SIZE];

    status_read(dst, span_trim(rejection->status));
    for (size_t i = 0; i < 2 && status_is_bare(dst); i++) {
        reply_find_status(in_text, texts[i]);
        if (dst[0] == '\0' || !status_is_bare(in_text))
            memcpy(dst, in_text, sizeof(in_text));
    }
}

static void gather(const struct classifier *classifier, struct gathered *out,
                   const struct rejection *rejection)
{
    find_status(out->status, rejection);
    out->reply = rejection->reply != 0 ? rejection->reply : reply_find_code(rejection->diag);
    if (out->reply == 0)
        out->reply = reply_find_code(rejection->human);
    out->evidence = (struct evidence){
        .status = out->status,
        .reply = out->reply,
        .diag = { out->diag, reply_normalise(out->diag, sizeof(out->diag), rejection->diag) },
        .human = { out->human, reply_normalise(out->human, sizeof(out->human), rejection->human) },
        .reporter = rejection->reporter,
        .local = rejection->local,
    };
    out->notice[0] = '\0';
    if (rule_set_asks_notice(classifier->set, &out->evidence))
        out->evidence.notice = (struct span){ out->notice, reply_normalise(out->notice, sizeof(out->notice),
                                                                           rejection->notice) };
}

static bool is_ours(const struct rejection *rejection)
{
    return reply_has_unfolded(rejection->diag, SPAN(LEADGATE_MARKER)) ||
           reply_has_unfolded(rejection->human, SPAN(LEADGATE_MARKER));
}

/* The rules that fit, the deciding one first. Of the only recipient of a notice the reason may stand anywhere
 * in it: where what is said about him fits none, all of it is asked. Returns how many. */
static size_t find_rules(const struct classifier *classifier, const struct rejection *rejection,
                         struct gathered *out, struct rule_hit *hits, size_t most)
{
    struct rejection whole = *rejection;
    size_t n;

    gather(classifier, out, rejection);
    n = rule_set_find(classifier->set, &out->evidence, hits, most);
    if (n > 0 || !rejection->alone || rejection->notice.n <= rejection->human.n)
        return n;
    whole.human = rejection->notice;
    gather(classifier, out, &whole);
    return rule_set_find(classifier->set, &out->evidence, hits, most);
}

static void decide(const struct classifier *classifier, const struct rejection *rejection,
                   struct finding *finding)
{
    struct gathered gathered;
    struct rule_hit hit;
    size_t n = find_rules(classifier, rejection, &gathered, &hit, 1);

    memcpy(finding->status, gathered.status, sizeof(finding->status));
    finding->reply = gathered.reply;
    if (is_ours(rejection)) {
        finding->cause = CAUSE_SUPPRESSED;
        finding->rule = "our own refusal";
    } else if (n == 1) {
        finding->cause = hit.rule->cause;
        finding->rule = hit.rule->name;
    } else {
        finding->cause = CAUSE_UNDETERMINED;
        finding->rule = "nothing matched";
    }
    finding->hardness = cause_info(finding->cause)->hardness;
}

void classify_rejection(const struct bounce_context *context, const struct rejection *rejection,
                        struct finding *finding)
{
    decide(context->classifier, rejection, finding);
    if (context->show != NULL)
        context->show(context->ctx, rejection, finding);
}

/* --- for people: leadgate/rules.h --- */

static struct rule_info info_of(const struct rule *rule)
{
    return (struct rule_info){
        .name = rule->name,
        .stage = rule_stage_name(rule->stage),
        .path = rule->path,
        .note = rule->note == NULL ? "" : rule->note,
        .line = rule->line,
        .cause = rule->cause,
    };
}

int classifier_check(const struct classifier *classifier, struct err *err)
{
    return rule_set_check(classifier->set, err);
}

size_t classifier_count(const struct classifier *classifier)
{
    size_t n;

    (void)rule_set_rules(classifier->set, &n);
    return n;
}

struct rule_info classifier_rule(const struct classifier *classifier, size_t i)
{
    size_t n;

    return info_of(rule_set_rules(classifier->set, &n)[i]);
}

static const char *place_name(enum rule_place place)
{
    switch (place) {
    case PLACE_DIAG: return "diag";
    case PLACE_HUMAN: return "human";
    case PLACE_NOTICE: return "notice";
    }
    return "codes";
}

void classifier_explain(const struct classifier *classifier, const struct rejection *rejection,
                        struct explanation *out)
{
    struct rule_hit hits[EXPLAINED_MOST];
    struct gathered gathered;

    out->n = find_rules(classifier, rejection, &gathered, hits, EXPLAINED_MOST);
    memcpy(out->status, gathered.status, sizeof(out->status));
    out->reply = gathered.reply;
    memcpy(out->diag, gathered.diag, sizeof(out->diag));
    memcpy(out->human, gathered.human, sizeof(out->human));
    memcpy(out->notice, gathered.notice, sizeof(out->notice));
    for (size_t i = 0; i < out->n; i++)
        out->rules[i] = (struct explained_rule){ info_of(hits[i].rule), place_name(hits[i].place) };
}

/* Places that the rule looks at; words are put into the one that the example names, else into the first. */
static struct rejection example_rejection(const struct rule *rule, const struct rule_example *example)
{
    enum rule_place place = example->place;
    int64_t reply = 0;

    if (place == 0)
        place = (rule->places & PLACE_DIAG) != 0    ? PLACE_DIAG
                : (rule->places & PLACE_HUMAN) != 0 ? PLACE_HUMAN
                                                    : PLACE_NOTICE;

    (void)span_int64(example->reply, &reply);
    return (struct rejection){
        .status = example->status,
        .reply = (int)reply,
        .diag = place == PLACE_DIAG ? example->words : SPAN_NONE,
        .human = place == PLACE_HUMAN ? example->words : SPAN_NONE,
        .notice = place == PLACE_NOTICE ? example->words : SPAN_NONE,
        .reporter = example->reporter,
        .local = example->local || rule->stage == STAGE_LOCAL,
    };
}

static void try_rule(const struct classifier *classifier, const struct rule *rule,
                     void (*each)(void *ctx, const struct rule_trial *trial), void *ctx)
{
    struct rule_trial trial = { .rule = info_of(rule), .line = rule->line };

    if (rule->n_examples == 0)
        each(ctx, &trial);
    for (size_t i = 0; i < rule->n_examples; i++) {
        struct rule_example example;
        struct rejection rejection;

        trial.example = rule->examples[i].text;
        trial.line = rule->examples[i].line;
        rule_example_read(&example, trial.example);
        rejection = example_rejection(rule, &example);
        decide(classifier, &rejection, &trial.finding);
        trial.passed = strcmp(trial.finding.rule, rule->name) == 0;
        each(ctx, &trial);
    }
}

void classifier_try(const struct classifier *classifier, const char *path,
                    void (*each)(void *ctx, const struct rule_trial *trial), void *ctx)
{
    size_t n;
    const struct rule *const *rules = rule_set_rules(classifier->set, &n);

    for (size_t i = 0; i < n; i++)
        if (path == NULL || strcmp(rules[i]->path, path) == 0)
            try_rule(classifier, rules[i], each, ctx);
}
