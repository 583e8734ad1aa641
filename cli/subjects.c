/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/subjects.h"

#include "cli/csv.h"
#include "cli/output.h"
#include "leadgate/times.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

struct batch {
    struct session *session;
    bool domains;
    subjects_fn *fn;
    void *ctx;
    struct subject subjects[SUBJECTS_BATCH];
    size_t n;
    bool some_bad;
};

struct span subject_name(const struct subject *subject)
{
    struct span name = address_span(&subject->lead);

    if (!subject->whole_domain)
        return name;
    /* With its '@'. */
    return (struct span){ name.p + subject->lead.at, name.n - subject->lead.at };
}

static int parse(const struct batch *batch, struct span text, struct subject *out, struct err *err)
{
    char whole[ADDRESS_SIZE];

    text = span_trim(text);
    out->whole_domain = batch->domains && text.n > 1 && text.p[0] == '@';
    if (!out->whole_domain)
        return session_parse(batch->session, text, &out->lead, err);
    /* Any local part will do to have the domain normalised. */
    snprintf(whole, sizeof(whole), "x%.*s", SPAN_FMT(text));
    return address_parse(&out->lead, ADDRESS_INTERNAL, span_of(whole), &batch->session->rules, err);
}

static int flush(struct batch *batch)
{
    size_t n = batch->n;

    batch->n = 0;
    return n > 0 ? batch->fn(batch->session, batch->ctx, batch->subjects, n) : GO_ON;
}

static int take(struct batch *batch, struct span text, int64_t line)
{
    struct err err;

    if (parse(batch, text, &batch->subjects[batch->n], &err) < 0) {
        batch->some_bad = true;
        fputs("leadgate: ", stderr);
        if (line > 0)
            fprintf(stderr, "line %lld: ", (long long)line);
        output_text(stderr, span_of(err.text));
        fputc('\n', stderr);
        return GO_ON;
    }
    batch->n++;
    return batch->n == SUBJECTS_BATCH ? flush(batch) : GO_ON;
}

static int take_input(struct batch *batch)
{
    struct csv_file file;
    struct csv_row row;
    enum csv_next next = CSV_NEXT_FAILED;
    int status = GO_ON;

    if (csv_open(&file, "-") == 0)
        while (status == GO_ON && (next = csv_next(&file, &row)) <= CSV_NEXT_BAD)
            status = take(batch, next == CSV_NEXT_ROW ? row.fields[0] : SPAN_NONE, row.line);
    if (status == GO_ON && next == CSV_NEXT_FAILED) {
        fprintf(stderr, "leadgate: standard input: %s\n", strerror(errno));
        status = EX_NOINPUT;
    }
    csv_close(&file);
    return status;
}

int subjects_each(struct session *session, const struct cli_arguments *arguments, bool domains,
                  subjects_fn *fn, void *ctx)
{
    struct batch *batch = calloc(1, sizeof(*batch));
    int status = GO_ON;

    if (batch == NULL)
        return EX_OSERR;
    *batch = (struct batch){ .session = session, .domains = domains, .fn = fn, .ctx = ctx };
    for (int i = 0; i < arguments->n && status == GO_ON; i++)
        status = strcmp(arguments->operand[i], "-") == 0 ? take_input(batch)
                                                         : take(batch, span_of(arguments->operand[i]), 0);
    if (status == GO_ON)
        status = flush(batch);
    if (status == GO_ON)
        status = batch->some_bad ? 1 : EX_OK;
    free(batch);
    return status;
}

int subjects_read_end(const struct session *session, const char *until, const char *length, int64_t *end)
{
    int64_t seconds;

    *end = 0;
    if (until != NULL && length != NULL) {
        fputs("leadgate: --until and --for exclude each other\n", stderr);
        return EX_USAGE;
    }
    if (length != NULL) {
        if (!times_read_length(span_of(length), &seconds)) {
            fputs("leadgate: --for takes a length: 90s 30m 12h 7d 2w\n", stderr);
            return EX_USAGE;
        }
        *end = session->now + seconds;
    }
    if (until != NULL) {
        if (!times_read(span_of(until), end) && times_read_length(span_of(until), &seconds))
            *end = session->now + seconds;
        if (*end <= session->now) {
            fputs("leadgate: --until takes a time to come: 2026-12-24, 2026-12-24T10:00, 7d\n", stderr);
            return EX_USAGE;
        }
    }
    return GO_ON;
}
