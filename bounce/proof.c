/* SPDX-License-Identifier: BSD-2-Clause */
/* Only what stands above the topmost Received field is our own Postfix's writing: its delivery agents put
 * Return-Path, X-Original-To and Delivered-To there. That field itself is its writing, too: `from CLIENT ...
 * by HOST` for what came by SMTP, `by HOST` alone for what bounce(8) wrote. Whatever a client sends is below.
 */
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
 * what sendmail(1) brought has `(Postfix, from userid 1000)` there. */
static void read_received(struct report_proof *proof, struct span value)
{
    struct span rest = value, by = span_cut(&rest, ' '), host;

    if (!span_eq_nocase(by, SPAN("by")))
        return;
    host = span_cut(&rest, ' ');
    if (span_find_nocase(rest, SPAN("userid")) == NULL)
        span_copy(proof->written_by, sizeof(proof->written_by), host);
}

void proof_read_arrival(struct report_proof *proof, const struct header *header)
{
    char line[1024];

    for (size_t i = 0; i < header->n; i++) {
        const struct field *field = &header->fields[i];

        if (span_eq_nocase(field->name, SPAN("Received"))) {
            read_received(proof, (struct span){ line, field_unfold(line, sizeof(line), field->value) });
            return;
        }
        read_top_field(proof, field);
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
