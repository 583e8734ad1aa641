/* SPDX-License-Identifier: BSD-2-Clause */
/* leadgate classify: reads mails and prints what Leadgate would believe about them. Needs no settings and no
 * Redis, so that it can be tried on any mail anywhere. With --tsv the columns are a contract: scripts and
 * scores read them. */
#include "cli/command.h"
#include "leadgate/bounce.h"

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

static void print_report(const char *file, const struct report *report, void (*print)(const struct row *row))
{
    struct row row = { .first = true, .file = file };

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
    if (report_read(&report, (struct span){ buffer->p, buffer->n }, context, &err) < 0) {
        fprintf(stderr, "leadgate: %s: %s\n", file, err.text);
        report_free(&report);
        return -1;
    }
    print_report(file, &report, print);
    report_free(&report);
    return 0;
}

static void print_usage(FILE *to)
{
    fputs(
        "usage: leadgate classify [--tsv] FILE...\n"
        "\n"
        "Reads mails, one a file (- is standard input), and prints for each recipient that failed for good:\n"
        "recipient, enhanced status, cause, hard|soft|none, and the rule that decided. A mail without one\n"
        "prints what it is: none, vacation, delayed, delivered, complaint.\n"
        "\n"
        "  --tsv    one line each, with the file in front, columns separated by tabs\n"
        "\n"
        "Exit status: 0; 1 when a file could not be read or is no mail; 64 for wrong arguments.\n",
        to);
}

int command_classify(int argc, char **argv)
{
    static const struct option options[] = {
        { "tsv", no_argument, NULL, 't' },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    void (*print)(const struct row *row) = print_aligned;
    struct bounce_context context = { .addresses = { .fold_local_part = true } };
    struct buffer buffer = { NULL, 0, 0 };
    struct classifier *classifier;
    struct err err;
    int option, rc = EX_OK;

    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (option == 'h') {
            print_usage(stdout);
            return EX_OK;
        }
        if (option != 't') {
            print_usage(stderr);
            return EX_USAGE;
        }
        print = print_tsv;
    }
    if (optind == argc) {
        print_usage(stderr);
        return EX_USAGE;
    }
    bounce_init();
    if ((classifier = classifier_new(NULL, 0, &err)) == NULL) {
        fprintf(stderr, "leadgate: %s\n", err.text);
        return EX_CONFIG;
    }
    context.classifier = classifier;
    for (int i = optind; i < argc; i++)
        if (classify_file(&context, &buffer, argv[i], print) < 0)
            rc = 1;
    free(buffer.p);
    classifier_free(classifier);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "leadgate: standard output: %s\n", strerror(errno));
        rc = 1;
    }
    return rc;
}
