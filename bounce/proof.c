/* SPDX-License-Identifier: BSD-2-Clause */
/* Only what stands above the topmost Received field is our own Postfix's writing: its delivery agents put
 * Return-Path, X-Original-To and Delivered-To there. That field itself is its writing, too: `from CLIENT ...
 * by HOST` for what came by SMTP, `by HOST` alone for what bounce(8) wrote, and for what local(8) sent on to
 * another address, which has the first kind below. Whatever a client sends is below that; of a mail without
 * such a field nothing is known to be ours. */
#include "bounce/proof.h"

#include <stdlib.h>
#include <string.h>

/* Of the delivery agents' fields. */
static void read_top_field(struct report_proof *proof, const struct field *field)
{
    bool original = span_eq_nocase(field->name, SPAN("X-Original-To"));

    if (span_eq_nocase(field->name, SPAN("Return-Path")))
        proof->null_sender = span_eq(field->value, SPAN("<>"));
    if (original || (span_eq_nocase(field->name, SPAN("Delivered-To")) && proof->delivered_to[0] == '\0'))
        span_copy(proof->delivered_to, sizeof(proof->delivered_to), field->value);
}

/* `by mx.example.org (Postfix) id 4XkZ2d; ...`. bounce(8) puts nothing but the mail's name in the brackets;
 * what sendmail(1) brought has `(Postfix, from userid 1000)` there. Empty where a client is named. */
static struct span writer_of(struct span received)
{
    struct span rest = received, by = span_cut(&rest, ' '), host = span_cut(&rest, ' ');

    if (!span_eq_nocase(by, SPAN("by")) || span_find_nocase(rest, SPAN("userid")) != NULL)
        return SPAN_NONE;
    return host;
}

/* A mail that was written here has been nowhere else. */
static void read_received(struct report_proof *proof, struct span value, bool topmost)
{
    char line[1024];
    struct span host = writer_of((struct span){ line, field_unfold(line, sizeof(line), value) });

    if (topmost)
        span_copy(proof->written_by, sizeof(proof->written_by), host);
    else if (!span_eq_nocase(host, span_of(proof->written_by)))
        proof->written_by[0] = '\0';
}

void proof_read_arrival(struct report_proof *proof, const struct header *header)
{
    bool ours = true;

    for (size_t i = 0; i < header->n; i++) {
        const struct field *field = &header->fields[i];

        if (span_eq_nocase(field->name, SPAN("Received"))) {
            read_received(proof, field->value, ours);
            ours = false;
        } else if (ours) {
            read_top_field(proof, field);
        }
    }
    if (ours) {
        proof->null_sender = false;
        proof->delivered_to[0] = '\0';
    }
}

void proof_read_tokens(struct report_proof *proof, const struct header *returned)
{
    for (size_t i = 0; i < returned->n && proof->n_tokens < REPORT_TOKENS; i++) {
        const struct field *field = &returned->fields[i];

        if (!span_eq_nocase(field->name, SPAN(REPORT_TOKEN_FIELD)))
            continue;
        if (proof->tokens == NULL && (proof->tokens = calloc(REPORT_TOKENS, sizeof(*proof->tokens))) == NULL)
            return;
        if ((proof->tokens[proof->n_tokens] = strndup(field->value.p, field->value.n)) == NULL)
            return;
        proof->n_tokens++;
    }
}

void proof_free(struct report_proof *proof)
{
    for (size_t i = 0; i < proof->n_tokens; i++)
        free(proof->tokens[i]);
    free(proof->tokens);
    proof->tokens = NULL;
    proof->n_tokens = 0;
}
