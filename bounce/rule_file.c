/* SPDX-License-Identifier: BSD-2-Clause */
/* A line at a time, as Postfix reads its own files: what begins at the margin opens a rule, what is indented
 * belongs to the rule above, `#` opens a comment line. The text is kept and cut up in place, so that rules
 * point into it. The first mistake ends the reading: half a rule set is no rule set. */
#include "bounce/rule_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MOST (4 * 1024 * 1024) /* a slip of the finger (a mailbox, a device) is not read to its end */

static const char *const stage_names[RULE_STAGES] = {
    [STAGE_LOCAL] = "local",     [STAGE_PROVIDER] = "provider", [STAGE_SPECIFIC] = "specific",
    [STAGE_TELLING] = "telling", [STAGE_GENERIC] = "generic",   [STAGE_STATUS] = "status",
    [STAGE_REPLY] = "reply",
};

const char *rule_stage_name(enum rule_stage stage)
{
    return stage_names[stage];
}

/* A file on its way in. */
struct reader {
    struct rule_file *file;
    size_t room;
    int line;
    struct err *err;
};

/* err_set() with the place in front. */
static int wrong(const struct reader *reader, const char *what, struct span about)
{
    return err_set(reader->err, "%s:%d: %s%s%.*s", reader->file->path, reader->line, what,
                   about.n > 0 ? ": " : "", SPAN_FMT(about));
}

static struct span next_word(struct span *rest)
{
    struct span word = { rest->p, 0 };

    while (word.n < rest->n && rest->p[word.n] != ' ' && rest->p[word.n] != '\t')
        word.n++;
    *rest = span_trim((struct span){ rest->p + word.n, rest->n - word.n });
    return word;
}

/* The text is ours: what stands behind a value is the line's end or a blank. */
static const char *terminate(struct span value)
{
    char *p = (char *)(uintptr_t)value.p;

    p[value.n] = '\0';
    return p;
}

static bool find_stage(struct span word, enum rule_stage *out)
{
    for (int i = 0; i < RULE_STAGES; i++)
        if (span_eq(word, span_of(stage_names[i]))) {
            *out = (enum rule_stage)i;
            return true;
        }
    return false;
}

static struct rule *add_rule(struct reader *reader)
{
    struct rule_file *file = reader->file;

    if (file->n == reader->room) {
        size_t room = reader->room == 0 ? 64 : reader->room * 2;
        struct rule *grown = reallocarray(file->rules, room, sizeof(*grown));

        if (grown == NULL)
            return NULL;
        file->rules = grown;
        reader->room = room;
    }
    file->rules[file->n] = (struct rule){ .path = file->path, .line = reader->line };
    return &file->rules[file->n++];
}

/* `rule NAME STAGE CAUSE`, `rule NAME off` */
static int read_head(struct reader *reader, struct span line)
{
    struct span name, stage, cause;
    struct rule *rule;

    if (!span_eq(next_word(&line), SPAN("rule")))
        return wrong(reader, "expected `rule NAME STAGE CAUSE`, or a blank before what belongs to a rule",
                     line);
    name = next_word(&line);
    stage = next_word(&line);
    cause = next_word(&line);
    if (name.n == 0 || line.n > 0)
        return wrong(reader, "expected `rule NAME STAGE CAUSE` or `rule NAME off`", SPAN_NONE);
    if ((rule = add_rule(reader)) == NULL)
        return wrong(reader, "out of memory", SPAN_NONE);
    rule->name = "";
    rule->places = PLACE_DIAG | PLACE_HUMAN;
    rule->off = span_eq(stage, SPAN("off")) && cause.n == 0;
    if (!rule->off && !find_stage(stage, &rule->stage))
        return wrong(reader, "not a stage (local, provider, specific, telling, generic, status, reply)",
                     stage);
    if (!rule->off && (!cause_parse(cause, &rule->cause) || rule->cause == CAUSE_NONE))
        return wrong(reader, "not a cause", cause);
    rule->name = terminate(name);
    for (size_t i = 0; i + 1 < reader->file->n; i++)
        if (strcmp(reader->file->rules[i].name, rule->name) == 0)
            return wrong(reader, "a second rule of this name", name);
    return 0;
}

static int add_line(struct reader *reader, struct rule_line **lines, size_t *n, struct span value)
{
    struct rule_line *grown = reallocarray(*lines, *n + 1, sizeof(*grown));

    if (grown == NULL)
        return wrong(reader, "out of memory", SPAN_NONE);
    *lines = grown;
    grown[(*n)++] = (struct rule_line){ terminate(value), reader->line };
    return 0;
}

/* 0 = there is no such place. */
static enum rule_place find_place(struct span word)
{
    if (span_eq(word, SPAN("diag")))
        return PLACE_DIAG;
    if (span_eq(word, SPAN("human")))
        return PLACE_HUMAN;
    return span_eq(word, SPAN("notice")) ? PLACE_NOTICE : 0;
}

static int read_places(struct reader *reader, struct rule *rule, struct span value)
{
    rule->places = 0;
    while (value.n > 0) {
        struct span word = next_word(&value);
        enum rule_place place = find_place(word);

        rule->places |= place;
        if (place == 0)
            return wrong(reader, "not a place (diag, human, notice)", word);
    }
    return 0;
}

static int set_once(struct reader *reader, const char **to, struct span name, struct span value)
{
    if (*to != NULL)
        return wrong(reader, "said twice of this rule", name);
    *to = terminate(value);
    return 0;
}

static int read_attribute(struct reader *reader, struct span line)
{
    struct rule *rule = reader->file->n == 0 ? NULL : &reader->file->rules[reader->file->n - 1];
    struct span name = next_word(&line);

    if (rule == NULL)
        return wrong(reader, "belongs to no rule", name);
    if (rule->off)
        return wrong(reader, "a rule that is off has nothing else", name);
    if (line.n == 0)
        return wrong(reader, "has no value", name);
    if (span_eq(name, SPAN("match")))
        return add_line(reader, &rule->matches, &rule->n_matches, line);
    if (span_eq(name, SPAN("example")))
        return add_line(reader, &rule->examples, &rule->n_examples, line);
    if (span_eq(name, SPAN("in")))
        return read_places(reader, rule, line);
    if (span_eq(name, SPAN("status")))
        return set_once(reader, &rule->status, name, line);
    if (span_eq(name, SPAN("reply")))
        return set_once(reader, &rule->reply, name, line);
    if (span_eq(name, SPAN("reporter")))
        return set_once(reader, &rule->reporter, name, line);
    if (span_eq(name, SPAN("note")))
        return set_once(reader, &rule->note, name, line);
    return wrong(reader, "not known (match, in, status, reply, reporter, note, example)", name);
}

/* A rule that asks for nothing would decide everything. */
static int check_last(struct reader *reader)
{
    const struct rule *rule = reader->file->n == 0 ? NULL : &reader->file->rules[reader->file->n - 1];

    if (rule == NULL || rule->off || rule->n_matches > 0 || rule->status != NULL || rule->reply != NULL)
        return 0;
    reader->line = rule->line;
    return wrong(reader, "needs a match, a status or a reply", span_of(rule->name));
}

static int read_line(struct reader *reader, struct span line)
{
    struct span said = span_trim(line);

    if (said.n == 0 || said.p[0] == '#')
        return 0;
    if (said.p != line.p)
        return read_attribute(reader, said);
    return check_last(reader) < 0 ? -1 : read_head(reader, said);
}

static int read_lines(struct reader *reader, struct span rest)
{
    while (rest.n > 0) {
        /* Not span_line(): the value's end is written to, so it must not be looked for again. */
        const char *end = memchr(rest.p, '\n', rest.n);
        size_t n = end == NULL ? rest.n : (size_t)(end - rest.p);
        struct span line = { rest.p, n };

        reader->line++;
        rest = end == NULL ? SPAN_NONE : (struct span){ end + 1, rest.n - n - 1 };
        if (memchr(line.p, '\0', line.n) != NULL)
            return wrong(reader, "holds a NUL byte", SPAN_NONE);
        if (read_line(reader, line) < 0)
            return -1;
    }
    return check_last(reader);
}

int rule_file_parse(struct rule_file *out, const char *path, struct span text, struct err *err)
{
    struct reader reader = { .file = out, .err = err };

    *out = (struct rule_file){ .path = strdup(path), .text = malloc(text.n + 1) };
    if (out->path == NULL || out->text == NULL)
        return err_set(err, "%s: out of memory", path);
    memcpy(out->text, text.p, text.n);
    out->text[text.n] = '\0';
    return read_lines(&reader, (struct span){ out->text, text.n });
}

int rule_file_read(struct rule_file *out, const char *path, struct err *err)
{
    FILE *fp = fopen(path, "re");
    char *text = NULL;
    size_t n;
    int rc = -1;

    *out = (struct rule_file){ .n = 0 };
    if (fp == NULL || (text = malloc(FILE_MOST)) == NULL)
        goto failed;
    n = fread(text, 1, FILE_MOST, fp);
    if (ferror(fp))
        goto failed;
    rc = n < FILE_MOST ? rule_file_parse(out, path, (struct span){ text, n }, err)
                       : err_set(err, "%s: larger than 4 MiB: this is no file of rules", path);
    goto out;
failed:
    err_set(err, "%s: %s", path, strerror(errno));
out:
    free(text);
    if (fp != NULL)
        fclose(fp);
    return rc;
}

void rule_file_free(struct rule_file *file)
{
    for (size_t i = 0; i < file->n; i++) {
        free(file->rules[i].matches);
        free(file->rules[i].examples);
    }
    free(file->rules);
    free(file->text);
    free(file->path);
    *file = (struct rule_file){ .n = 0 };
}

void rule_example_read(struct rule_example *out, const char *text)
{
    *out = (struct rule_example){ .words = span_trim(span_of(text)) };
    while (out->words.n > 0) {
        struct span rest = out->words;
        struct span value = next_word(&rest);
        bool known = memchr(value.p, '=', value.n) != NULL;
        struct span name = span_cut(&value, '=');

        if (!known)
            return;
        if (span_eq(name, SPAN("status")))
            out->status = value;
        else if (span_eq(name, SPAN("reply")))
            out->reply = value;
        else if (span_eq(name, SPAN("reporter")))
            out->reporter = value;
        else if (span_eq(name, SPAN("from")))
            out->local = span_eq(value, SPAN("local"));
        else if (span_eq(name, SPAN("in")))
            out->place = find_place(value);
        else
            return;
        out->words = rest;
    }
}
