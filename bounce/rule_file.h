/* SPDX-License-Identifier: BSD-2-Clause */
/* rule_file: what refusals mean, as people write it down: the shipped leadgate.rules and the operator's own
 * files. Text in, rules out; nothing is compiled here. The form is explained at the head of leadgate.rules.
 */
#ifndef LEADGATE_BOUNCE_RULE_FILE_H
#define LEADGATE_BOUNCE_RULE_FILE_H

#include "leadgate/cause.h"
#include "leadgate/err.h"
#include "leadgate/span.h"

#include <stdbool.h>
#include <stddef.h>

/* How good a rule's evidence is, best first: a rule of a later stage is asked when no earlier one matched. */
enum rule_stage {
    STAGE_LOCAL,    /* words of our own mail system; asked only of its own verdicts */
    STAGE_PROVIDER, /* one provider's or program's phrase, and known lies */
    STAGE_SPECIFIC, /* phrases that say what they mean */
    STAGE_TELLING,  /* enhanced status codes that are set on purpose: x.2.x, x.7.x */
    STAGE_GENERIC,  /* phrases that are said of more than one thing */
    STAGE_STATUS,   /* enhanced status codes that many servers answer with to anything */
    STAGE_REPLY,    /* SMTP reply codes, and what is left */
    RULE_STAGES
};

/* Where a rule's patterns are looked for. All of a notice only by rules that name it: what it says apart from
 * a recipient is advice and manners mostly. */
enum rule_place { PLACE_DIAG = 1, PLACE_HUMAN = 2, PLACE_NOTICE = 4 };

struct rule_line {
    const char *text;
    int line;
};

/* Texts are NUL-terminated and belong to the file. */
struct rule {
    const char *name, *path, *note;
    int line;
    bool off; /* only takes the rule of this name away; nothing else is set */
    enum rule_stage stage;
    enum cause cause;
    unsigned places;                       /* enum rule_place */
    const char *status, *reply, *reporter; /* patterns between blanks, any of which must fit; NULL = all do */
    struct rule_line *matches, *examples;  /* PCRE; refusals that this rule decides */
    size_t n_matches, n_examples;
};

struct rule_file {
    char *path, *text;
    struct rule *rules;
    size_t n;
    bool trusted; /* the shipped rules: a test has tried their patterns */
};

/* Reads a file, or text that stands for one (path is then what messages call it). 0, or -1 with err
 * (`path:line: ...`). rule_file_free() in either case. */
int rule_file_read(struct rule_file *out, const char *path, struct err *err);
int rule_file_parse(struct rule_file *out, const char *path, struct span text, struct err *err);
void rule_file_free(struct rule_file *file); /* leaves it empty */

const char *rule_stage_name(enum rule_stage stage);

/* A refusal as an example tells it: `status=5.1.1 reply=550 reporter=exim from=local in=human the words`. */
struct rule_example {
    struct span status, reply, reporter, words;
    enum rule_place place; /* of the words; 0 = not said */
    bool local;
};

void rule_example_read(struct rule_example *out, const char *text);

#endif
