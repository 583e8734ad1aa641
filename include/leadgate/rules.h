/* SPDX-License-Identifier: BSD-2-Clause */
/* rules: for people who look at the rules of a classifier: which there are, why one decided, whether they do
 * what their examples say. */
#ifndef LEADGATE_RULES_H
#define LEADGATE_RULES_H

#include "leadgate/bounce.h"

/* Texts live as long as the classifier. */
struct rule_info {
    const char *name, *stage, *path, *note; /* note: "" = none */
    int line;
    enum cause cause;
};

/* The rules in the order in which they are asked. */
size_t classifier_count(const struct classifier *classifier);
struct rule_info classifier_rule(const struct classifier *classifier, size_t i);

/* Tries the patterns of the shipped rules, too, which else are compiled when they are needed. 0, or -1 with
 * err. */
int classifier_check(const struct classifier *classifier, struct err *err);

#define EXPLAINED_MOST 32

/* What was seen of one refusal, and all rules that it fits, the deciding one first. */
struct explanation {
    char status[16]; /* as believed; "" = none */
    int reply;
    /* As compared: small letters, without codes, addresses and links. notice: "" where no rule asks for it.
     */
    char diag[2048], human[4096], notice[4096];
    struct explained_rule {
        struct rule_info rule;
        const char *place; /* diag, human, notice, or codes */
    } rules[EXPLAINED_MOST];
    size_t n;
};

void classifier_explain(const struct classifier *classifier, const struct rejection *rejection,
                        struct explanation *out);

/* One example of a rule, tried. */
struct rule_trial {
    struct rule_info rule;
    const char *example;
    int line;               /* of the example */
    bool passed;            /* this rule decided */
    struct finding finding; /* what was found */
};

/* Tries the examples of the rules in the file of this path (as given to classifier_new(); NULL = in all), and
 * of rules without one says so with an example of NULL. */
void classifier_try(const struct classifier *classifier, const char *path,
                    void (*each)(void *ctx, const struct rule_trial *trial), void *ctx);

#endif
