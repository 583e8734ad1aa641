/* SPDX-License-Identifier: BSD-2-Clause */
/* leadgate classify: reads mails and prints what Leadgate would believe about them. Needs no settings and no
 * Redis, so that it can be tried on any mail anywhere. With --tsv the columns are a contract: scripts and
 * scores read them. */
#include "cli/command.h"
#include "cli/output.h"
#include "leadgate/rules.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

/* Bytes of one mail; the room is used again for the next. */
struct buffer {
    char *p;
    size_t n, room;
};

/* Reads fd to its end, or to as much as is looked at. 0, or -1 with errno. */
static int buffer_read(struct buffer *buffer, int fd)
{
    buffer->n = 0;
    for (;;) {
        ssize_t got;

        if (buffer->n >= REPORT_BYTES)
            return 0;
        if (buffer->n == buffer->room) {
            size_t room = buffer->room == 0 ? 64 * 1024 : buffer->room * 2;
            char *grown = realloc(buffer->p, room);

            if (grown == NULL)
                return -1;
            buffer->p = grown;
            buffer->room = room;
        }
        got = read(fd, buffer->p + buffer->n, buffer->room - buffer->n);
        if (got == 0)
            return 0;
        if (got > 0)
            buffer->n += (size_t)got;
        else if (errno != EINTR)
            return -1;
    }
}

static int buffer_read_file(struct buffer *buffer, const char *path)
{
    int fd, rc, saved;

    if (strcmp(path, "-") == 0)
        return buffer_read(buffer, STDIN_FILENO);
    if ((fd = open(path, O_RDONLY | O_CLOEXEC)) < 0)
        return -1;
    rc = buffer_read(buffer, fd);
    saved = errno;
    close(fd);
    errno = saved;
    return rc;
}

/* One line of the answer. */
struct row {
    bool first; /* of its file */
    const char *file, *recipient, *status, *cause, *hardness, *rule;
};

/* A value is one column on one line, whatever is in it: a file's name may hold tabs and newlines. */
static void put_safe(const char *value)
{
    for (; *value != '\0'; value++)
        putchar((unsigned char)*value < 0x20 || *value == 0x7f ? '?' : *value);
}

static void print_tsv(const struct row *row)
{
    const char *const columns[] = { row->file,  row->recipient, row->status,
                                    row->cause, row->hardness,  row->rule };

    for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
        if (i > 0)
            putchar('\t');
        put_safe(columns[i]);
    }
    putchar('\n');
}

static void print_aligned(const struct row *row)
{
    if (row->first) {
        put_safe(row->file);
        putchar('\n');
    }
    printf("  %-40s %-9s %-20s %-5s %s\n", row->recipient, row->status[0] == '\0' ? "-" : row->status,
           row->cause, row->hardness, row->rule);
}

/* named: the file's name has been printed */
static void print_report(const char *file, const struct report *report, bool named,
                         void (*print)(const struct row *row))
{
    struct row row = { .first = !named, .file = file };

    for (size_t i = 0; i < report->n; i++) {
        const struct finding *finding = &report->findings[i];

        row.recipient = finding->lead.text;
        row.status = finding->status;
        row.cause = cause_name(finding->cause);
        row.hardness = hardness_name(finding->hardness);
        row.rule = finding->rule;
        print(&row);
        row.first = false;
    }
    for (size_t i = 0; i < report->n_delayed; i++) {
        row.recipient = report->delayed[i].lead.text;
        row.status = "";
        row.cause = mail_kind_name(report->kind);
        row.hardness = hardness_name(HARDNESS_SOFT);
        row.rule = report->rule;
        print(&row);
        row.first = false;
    }
    if (report->n + report->n_delayed > 0)
        return;
    row.recipient = "-";
    row.status = "";
    row.cause = mail_kind_name(report->kind);
    row.hardness = hardness_name(HARDNESS_NONE);
    row.rule = report->rule;
    print(&row);
}

/* --- explaining --- */

/* A reply may hold anything; what is shown is one line. */
static void print_part(const char *name, struct span text)
{
    if (text.n == 0)
        return;
    printf("    %-9s", name);
    for (size_t i = 0; i < text.n; i++)
        putchar((unsigned char)text.p[i] < 0x20 || text.p[i] == 0x7f ? ' ' : text.p[i]);
    putchar('\n');
}

static void print_rules(const struct explanation *found, const struct finding *finding)
{
    /* Our own marker and "nothing matched" are no rules. */
    if (found->n == 0 || strcmp(found->rules[0].rule.name, finding->rule) != 0)
        printf("    decided  %s: %s\n", finding->rule, cause_name(finding->cause));
    for (size_t i = 0; i < found->n; i++) {
        const struct rule_info *rule = &found->rules[i].rule;
        bool decided = i == 0 && strcmp(rule->name, finding->rule) == 0;

        printf("    %-9s%s: %s (%s, seen in %s; %s:%d)\n", decided ? "decided" : "also", rule->name,
               cause_name(rule->cause), rule->stage, found->rules[i].place, rule->path, rule->line);
        if (decided && rule->note[0] != '\0')
            printf("             %s\n", rule->note);
    }
}

/* What the rules were asked about, and what they said. */
static void show(void *ctx, const struct rejection *rejection, const struct finding *finding)
{
    const struct classifier *classifier = ctx;
    struct explanation found;
    char reply[16];

    classifier_explain(classifier, rejection, &found);
    snprintf(reply, sizeof(reply), "%d", found.reply);
    printf("  %s\n", finding->lead.text);
    print_part("status", span_of(found.status));
    print_part("reply", found.reply == 0 ? SPAN_NONE : span_of(reply));
    print_part("reporter", rejection->reporter);
    print_part("local",
               rejection->local ? SPAN("the verdict of the mail system that wrote the report") : SPAN_NONE);
    print_part("diag", span_of(found.diag));
    print_part("human", span_of(found.human));
    print_part("notice", span_of(found.notice));
    print_rules(&found, finding);
}

/* 0, or -1 after saying on standard error what is wrong with the file. */
static int classify_file(const struct bounce_context *context, struct buffer *buffer, const char *file,
                         void (*print)(const struct row *row))
{
    struct report report;
    struct err err;

    if (buffer_read_file(buffer, file) < 0) {
        fprintf(stderr, "leadgate: %s: %s\n", file, strerror(errno));
        return -1;
    }
    if (context->show != NULL) {
        put_safe(file);
        putchar('\n');
    }
    if (report_read(&report, (struct span){ buffer->p, buffer->n }, context, &err) < 0) {
        fprintf(stderr, "leadgate: %s: %s\n", file, err.text);
        report_free(&report);
        return -1;
    }
    print_report(file, &report, context->show != NULL, print);
    report_free(&report);
    return 0;
}

static void print_usage(FILE *to)
{
    fputs(
        "usage: leadgate classify [--tsv | --explain] [--rules FILE]... FILE...\n"
        "\n"
        "Reads mails, one a file (- is standard input), and prints for each recipient that failed for good:\n"
        "recipient, enhanced status, cause, hard|soft|none, and the rule that decided. A warning of a delay\n"
        "lists who waits, as delayed. A mail without a recipient prints what it is: none, vacation, "
        "delayed,\n"
        "delivered, complaint.\n"
        "\n"
        "  --tsv        one line each, with the file in front, columns separated by tabs\n"
        "  --explain    also what was seen of each refusal, the rule that decided, and which others matched\n"
        "  --rules FILE rules of your own, which go before the shipped ones; several: the last one first\n"
        "\n"
        "Exit status: 0; 1 when a file could not be read or is no mail; 64 for wrong arguments; 78 for wrong "
        "rules.\n",
        to);
}

struct arguments {
    bool tsv, explain;
    const char **rules; /* files */
    size_t n_rules;
};

/* EX_OK, or the status to exit with; *done: nothing is left to do. */
static int read_arguments(struct arguments *out, int argc, char **argv, bool *done)
{
    static const struct option options[] = {
        { "tsv", no_argument, NULL, 't' },
        { "explain", no_argument, NULL, 'e' },
        { "rules", required_argument, NULL, 'r' },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    int option;

    *done = true;
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1)
        switch (option) {
        case 't': out->tsv = true; break;
        case 'e': out->explain = true; break;
        case 'r': out->rules[out->n_rules++] = optarg; break;
        case 'h': print_usage(stdout); return EX_OK;
        default: print_usage(stderr); return EX_USAGE;
        }
    *done = optind == argc || (out->tsv && out->explain);
    if (*done)
        print_usage(stderr);
    return *done ? EX_USAGE : EX_OK;
}

static int classify_files(struct bounce_context *context, const struct arguments *arguments, int n,
                          char **files)
{
    struct buffer buffer = { NULL, 0, 0 };
    int rc = EX_OK;

    if (arguments->explain) {
        context->show = show;
        context->ctx = (void *)(uintptr_t)context->classifier;
    }
    for (int i = 0; i < n; i++)
        if (classify_file(context, &buffer, files[i], arguments->tsv ? print_tsv : print_aligned) < 0)
            rc = 1;
    free(buffer.p);
    return output_finish(rc);
}

int command_classify(int argc, char **argv)
{
    struct bounce_context context = { .addresses = { .fold_local_part = true } };
    struct arguments arguments = { .rules = calloc((size_t)argc, sizeof(*arguments.rules)) };
    struct classifier *classifier = NULL;
    struct err err;
    bool done;
    int rc = EX_OSERR;

    if (arguments.rules == NULL || (rc = read_arguments(&arguments, argc, argv, &done)) != EX_OK || done)
        goto out;
    bounce_init();
    if ((classifier = classifier_new(arguments.rules, arguments.n_rules, &err)) == NULL) {
        fprintf(stderr, "leadgate: %s\n", err.text);
        rc = EX_CONFIG;
        goto out;
    }
    context.classifier = classifier;
    rc = classify_files(&context, &arguments, argc - optind, argv + optind);
out:
    classifier_free(classifier);
    free(arguments.rules);
    return rc;
}
