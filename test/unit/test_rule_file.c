/* SPDX-License-Identifier: BSD-2-Clause */
/* Files of rules: what is said about broken ones, how an operator's stand against the shipped ones, and that
 * a hostile pattern costs no more than its limit. */
#include "bounce/rule_literals.h"
#include "leadgate/rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define PATH_SIZE sizeof("/tmp/test_rule_file_XXXXXX")

/* A classifier with a file of these rules in front; NULL with err. path: PATH_SIZE bytes, for its name. */
static struct classifier *load(char *path, const char *text, struct err *err)
{
    const char *const files[] = { path };
    struct classifier *classifier;
    int fd;

    memcpy(path, "/tmp/test_rule_file_XXXXXX", PATH_SIZE);
    fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
    classifier = classifier_new(files, 1, err);
    unlink(path);
    return classifier;
}

static struct finding ask(const struct classifier *classifier, const char *diag)
{
    struct bounce_context context = { .classifier = classifier };
    struct finding finding = { .cause = CAUSE_NONE };

    classify_rejection(&context, &(struct rejection){ .diag = span_of(diag) }, &finding);
    return finding;
}

static void test_mistakes_are_told_with_their_line(void **state)
{
    static const struct {
        const char *text, *said;
    } rows[] = {
        { "\n# x\nrule a specific nonsense\n", ":3: not a cause: nonsense" },
        { "rule a somewhere spam-block\n", ":1: not a stage" },
        { "rule a specific\n", ":1: not a cause" },
        { "rule\n", ":1: expected `rule NAME STAGE CAUSE`" },
        { "rules a specific spam-block\n", ":1: expected" },
        { "rule a specific spam-block more\n match x\n", ":1: expected" },
        { "match x\n", ":1: expected" },
        { "  match x\n", ":1: belongs to no rule: match" },
        { "rule a specific spam-block\n  match (x\n",
          ":2: the pattern is wrong at character 2: missing closing" },
        { "rule a specific spam-block\n  match x\n  macht y\n", ":3: not known (match, in, status, reply, " },
        { "rule a specific spam-block\n  match\n", ":2: has no value: match" },
        { "rule a specific spam-block\n  note nothing asked\n", ":1: needs a match, a status or a reply: a" },
        { "rule a specific spam-block\n  match x\nrule a generic spam-block\n",
          ":3: a second rule of this name: a" },
        { "rule a specific spam-block\n  status 5.1.1\n  status 5.1.2\n",
          ":3: said twice of this rule: status" },
        { "rule a specific spam-block\n  in body\n", ":2: not a place (diag, human, notice): body" },
        { "rule a off\n  match x\n", ":2: a rule that is off has nothing else: match" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char path[PATH_SIZE];
        struct err err = { "" };

        if (load(path, rows[i].text, &err) != NULL)
            fail_msg("accepted: %s", rows[i].text);
        if (strncmp(err.text, path, strlen(path)) != 0 ||
            strncmp(err.text + strlen(path), rows[i].said, strlen(rows[i].said)) != 0)
            fail_msg("want %s, got %s", rows[i].said, err.text);
    }
}

static void test_no_file(void **state)
{
    const char *const files[] = { "/nowhere/at/all.rules" };
    struct err err;

    (void)state;
    assert_null(classifier_new(files, 1, &err));
    assert_string_equal(err.text, "/nowhere/at/all.rules: No such file or directory");
}

static void count(void *ctx, const struct rule_trial *trial)
{
    size_t *counts = ctx;

    counts[trial->passed ? 0 : 1]++;
}

static void test_own_rules_go_first(void **state)
{
    static const char text[] = "rule mine specific rate-limited\r\n"
                               "    match  MAILBOX is\\b\r\n"
                               "    match  besetzt\r\n"
                               "    status 5.* x.6.9\r\n"
                               "    example 550 5.0.0 the mailbox is full\r\n"
                               "    example 550 5.0.0 nothing of the kind\r\n"
                               "\r\n"
                               "rule reply:552 reply expired\r\n"
                               "    reply 552\r\n"
                               "rule generic.spam off\r\n";
    char path[PATH_SIZE];
    struct err err;
    size_t counts[2] = { 0, 0 };
    struct classifier *classifier = load(path, text, &err);

    (void)state;
    if (classifier == NULL)
        fail_msg("%s", err.text);
    assert_string_equal(ask(classifier, "550 5.0.0 the mailbox is full").rule, "mine");
    assert_string_equal(ask(classifier, "450 4.6.9 besetzt").rule, "mine");
    assert_string_equal(ask(classifier, "550 4.0.0 the mailbox is full").rule, "full.mailbox");
    assert_int_equal(ask(classifier, "552 no").cause, CAUSE_EXPIRED);
    assert_string_equal(ask(classifier, "550 spam").rule, "nothing matched");
    /* One example passes, one does not, and one rule has none. */
    classifier_try(classifier, path, count, counts);
    assert_int_equal(counts[0], 1);
    assert_int_equal(counts[1], 2);
    classifier_free(classifier);
}

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Doubling with each letter, such patterns would run for years. The bound is wide: sanitizers, slow machines.
 */
static void test_catastrophic_pattern(void **state)
{
    static const char text[] = "rule bad provider spam-block\n"
                               "    match (?:a+)+$\n"
                               "    match (?:[a-z]+ ?)+x\\d\n"
                               "    match (?:.*.*)*x\\d\n";
    char path[PATH_SIZE], diag[2000];
    struct err err;
    struct classifier *classifier = load(path, text, &err);
    int64_t start = now_ms();

    (void)state;
    if (classifier == NULL)
        fail_msg("%s", err.text);
    memset(diag, 'a', sizeof(diag) - 1);
    diag[sizeof(diag) - 2] = '!';
    diag[sizeof(diag) - 1] = '\0';
    assert_string_equal(ask(classifier, diag).rule, "nothing matched");
    assert_true(now_ms() - start < 5000);
    classifier_free(classifier);
}

/* What a pattern needs must be in every text in which it matches; where that is not sure nothing is said. */
static void test_literals(void **state)
{
    static const struct {
        const char *pattern, *literals;
    } rows[] = {
        { "user unknown", "user unknown" },
        { "user|mailbox", "user,mailbox" },
        { "(?:user|mailbox) (?:is )?full", "user is full,user full,mailbox is full,mailbox full" },
        { "mailbox.*full", "mailbox" },
        { "\\bquota\\b", "quota" },
        { "no such (?!thing)user", "no such user" },
        { "(?<!sender )address", "address" },
        { "colou?r", "colour,color" },
        { "abc[xyz]+defgh", "defgh" },
        { "ab{2,3}cdef", "cdef" },
        { "ab{0,3}cdef", "cdef" },
        { "1\\.2\\.3", "1.2.3" },
        { "почта", "почта" },
        { "почта?x", "почтаx,почтx" },
        /* Nothing that must be there. */
        { "us|mailbox", "" },
        { "(?:mailbox)?", "" },
        { "mailbox|.", "" },
        { "mailbox|", "" },
        { "\\d+", "" },
        { "[abc]+", "" },
        { "(?i:mailbox)", "" },
        { "(mailbox)\\1", "" },
        { "(?:mail|box", "" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        GStringChunk *chunk = g_string_chunk_new(64);
        struct literals literals;
        char got[512] = "";

        rule_literals_read(&literals, span_of(rows[i].pattern), chunk);
        for (size_t k = 0; k < literals.n; k++)
            snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%.*s", k == 0 ? "" : ",",
                     SPAN_FMT(literals.item[k]));
        if (strcmp(got, rows[i].literals) != 0)
            fail_msg("%s: want %s, got %s", rows[i].pattern, rows[i].literals, got);
        g_string_chunk_free(chunk);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mistakes_are_told_with_their_line),
        cmocka_unit_test(test_no_file),
        cmocka_unit_test(test_own_rules_go_first),
        cmocka_unit_test(test_catastrophic_pattern),
        cmocka_unit_test(test_literals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
