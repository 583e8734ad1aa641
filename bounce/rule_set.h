/* SPDX-License-Identifier: BSD-2-Clause */
/* rule_set: rules made ready to be asked. Constant once made; any number of threads may ask at once. */
#ifndef LEADGATE_BOUNCE_RULE_SET_H
#define LEADGATE_BOUNCE_RULE_SET_H

#include "bounce/rule_file.h"
#include "leadgate/err.h"
#include "leadgate/span.h"

/* What was brought forward about one refusal. */
struct evidence {
    const char *status;      /* enhanced status code, "" = none */
    int reply;               /* SMTP reply code, 0 = none */
    struct span diag, human; /* in the form of reply_normalise() */
    struct span notice;      /* the same; only where rule_set_asks_notice() */
    struct span reporter;
    bool local;
};

/* A rule that fits the evidence. */
struct rule_hit {
    const struct rule *rule;
    enum rule_place place; /* where its pattern was found; 0 = it has none */
};

struct rule_set;

/* files: those in front outrank those behind; patterns of a trusted one are not tried before they are needed.
 * They are borrowed, and must stay as they are. NULL with err
 * (`path:line: ...`) for a pattern that is none, or when out of memory. */
struct rule_set *rule_set_new(const struct rule_file *files, size_t n, struct err *err);
/* Tries the patterns of all rules, those of trusted files, too. 0, or -1 with err. */
int rule_set_check(const struct rule_set *set, struct err *err);
void rule_set_free(struct rule_set *set); /* NULL is fine */

/* The rules that are asked, in their order, and how many. */
const struct rule *const *rule_set_rules(const struct rule_set *set, size_t *n);

/* Whether there are rules about all of a notice that fit the rest of the evidence: else it needs not be made
 * ready. */
bool rule_set_asks_notice(const struct rule_set *set, const struct evidence *evidence);

/* The rules that fit, the deciding one first; at most `most`. Returns how many. */
size_t rule_set_find(const struct rule_set *set, const struct evidence *evidence, struct rule_hit *hits,
                     size_t most);

#endif
