/* SPDX-License-Identifier: BSD-2-Clause */
/* rules: what is known about refusals, as rows: enhanced status codes, phrases, reply codes. The order in
 * which they are asked is classify.c's; within a table the first row that matches wins. */
#ifndef LEADGATE_BOUNCE_RULES_H
#define LEADGATE_BOUNCE_RULES_H

#include "leadgate/cause.h"

#include <stddef.h>

/* What a code or phrase is worth against other evidence. */
enum weight {
    WEIGHT_LOCAL = 1, /* phrases: believed of the local mail system only ("connection refused") */
    WEIGHT_STRONG,    /* asked first: says what it means */
    WEIGHT_WEAK,      /* asked when nothing strong was found: habitually used for something else, too */
};

struct status_rule {
    const char *rule; /* "status:5.1.1", as printed */
    const char *code; /* "5.1.1"; "x.1.1" is of class 4 or 5 */
    enum weight weight;
    enum cause cause;
    const char *note;
};

struct text_rule {
    const char *rule;   /* "phrase:user unknown", as printed */
    const char *phrase; /* in the form of reply_normalise(): lower case, single blanks, "@" for an address */
    enum weight weight;
    enum cause cause;
    const char *note;
};

struct reply_rule {
    const char *rule; /* "reply:552", as printed */
    int code;
    enum cause cause;
    const char *note;
};

const struct status_rule *status_rules(size_t *n);
const struct text_rule *text_rules(size_t *n);
const struct reply_rule *reply_rules(size_t *n);

#endif
