/* SPDX-License-Identifier: BSD-2-Clause */
/* leadgate rules: for who writes rules of their own: the shipped ones to read, and a trial of the examples.
 * Needs no settings and no Redis. */
#include "leadgate/rules.h"
#include "cli/command.h"
#include "cli/output.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

static void print_usage(FILE *to)
{
    fputs("usage: leadgate rules list [FILE]...\n"
          "       leadgate rules test [FILE]...\n"
          "\n"
          "list  prints the rules in the order in which they are asked: those of the files, which go before "
          "the\n"
          "      shipped ones, and these.\n"
          "test  tries the examples of the rules in each file, or, without a file, of the shipped rules: "
          "each must\n"
          "      be decided by its own rule, whatever other rules there are.\n"
          "\n"
          "Exit status: 0; 1 when an example fails or a rule has none; 64 for wrong arguments; 78 for wrong "
          "rules.\n",
          to);
}

static int list(const struct classifier *classifier)
{
    for (size_t i = 0; i < classifier_count(classifier); i++) {
        struct rule_info rule = classifier_rule(classifier, i);

        printf("%-9s %-21s %-32s %s:%d  %s\n", rule.stage, cause_name(rule.cause), rule.name, rule.path,
               rule.line, rule.note);
    }
    return EX_OK;
}

struct count {
    size_t tried, failed;
};

static void judge(void *ctx, const struct rule_trial *trial)
{
    struct count *count = ctx;

    count->tried += trial->example != NULL;
    if (trial->passed)
        return;
    count->failed++;
    if (trial->example == NULL)
        printf("%s:%d: %s has no example\n", trial->rule.path, trial->line, trial->rule.name);
    else
        printf("%s:%d: %s: decided by %s (%s) instead: %s\n", trial->rule.path, trial->line, trial->rule.name,
               trial->finding.rule, cause_name(trial->finding.cause), trial->example);
}

static int test(const struct classifier *classifier, const char *const *files, size_t n)
{
    struct count count = { 0, 0 };
    struct err err;

    if (classifier_check(classifier, &err) < 0) {
        fprintf(stderr, "leadgate: %s\n", err.text);
        return EX_CONFIG;
    }
    if (n == 0)
        classifier_try(classifier, NULL, judge, &count);
    for (size_t i = 0; i < n; i++)
        classifier_try(classifier, files[i], judge, &count);
    printf("%zu examples, %zu failed\n", count.tried, count.failed);
    return count.failed == 0 ? EX_OK : 1;
}

int command_rules(int argc, char **argv)
{
    static const struct option options[] = { { "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 } };
    struct classifier *classifier;
    const char *const *files;
    struct err err;
    size_t n;
    int option, rc;

    if ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        print_usage(option == 'h' ? stdout : stderr);
        return option == 'h' ? EX_OK : EX_USAGE;
    }
    if (optind == argc || (strcmp(argv[optind], "list") != 0 && strcmp(argv[optind], "test") != 0)) {
        print_usage(stderr);
        return EX_USAGE;
    }
    files = (const char *const *)argv + optind + 1;
    n = (size_t)(argc - optind - 1);
    if ((classifier = classifier_new(files, n, &err)) == NULL) {
        fprintf(stderr, "leadgate: %s\n", err.text);
        return EX_CONFIG;
    }
    rc = strcmp(argv[optind], "list") == 0 ? list(classifier) : test(classifier, files, n);
    classifier_free(classifier);
    return output_finish(rc);
}
