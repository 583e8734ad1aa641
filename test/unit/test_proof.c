/* SPDX-License-Identifier: BSD-2-Clause */
/* What a header brings that can be checked: only what our own Postfix wrote on top counts, and nothing is cut
 * to fit. */
#include "bounce/proof.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static struct report_proof arrival_of(const char *text)
{
    struct report_proof proof = { .null_sender = false };
    struct header header;
    struct span rest = span_of(text);

    header_read(&header, &rest);
    proof_read_arrival(&proof, &header);
    return proof;
}

#define CLIENT                                                                                               \
    "Received: from c (c [192.0.2.1]) by mx.example (Postfix) with ESMTP id 4Xk; Mon, 30 Nov 2026\n"
#define SELF "Received: by mx.example (Postfix)\n\tid 4Xk; Mon, 30 Nov 2026 08:00:00 +0000 (UTC)\n"

static void fields_on_top(void **state)
{
    static const struct {
        const char *text, *delivered_to, *written_by;
        bool null_sender;
    } rows[] = {
        { "Return-Path: <>\nX-Original-To: a@x.example\nDelivered-To: b@x.example\n" CLIENT, "a@x.example",
          "", true },
        { "Delivered-To: b@x.example\nX-Original-To: a@x.example\n" CLIENT, "a@x.example", "", false },
        { "delivered-to: b@x.example\nDelivered-To: c@x.example\n" CLIENT, "b@x.example", "", false },
        { "Return-Path: <ann@example.com>\n" CLIENT, "", "", false },
        { CLIENT "Return-Path: <>\nX-Original-To: a@x.example\nDelivered-To: b@x.example\n", "", "", false },
        { "Return-Path: <>\nDelivered-To: b@x.example\nSubject: no Received\n", "", "", false },
        { SELF, "", "mx.example", false },
        { "Return-Path: <>\n" SELF "Subject: x\n", "", "mx.example", true },
        { SELF SELF, "", "mx.example", false },
        { SELF CLIENT, "", "", false },
        { CLIENT SELF, "", "", false },
        { SELF "Received: by other.example (Postfix) id 4Xk; Mon, 30 Nov 2026\n", "", "", false },
        { SELF "Received: by mx.example (Postfix, from userid 33) id 4Xk; Mon, 30 Nov 2026\n", "", "",
          false },
        { "Received: by mx.example (Postfix, from userid 33) id 4Xk; Mon, 30 Nov 2026\n", "", "", false },
        { "Received: BY MX.example (Postfix) id 4Xk\n", "", "MX.example", false },
        { "Received: by\n", "", "", false },
        { "Received:\n", "", "", false },
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct report_proof proof = arrival_of(rows[i].text);

        assert_string_equal(proof.delivered_to, rows[i].delivered_to);
        assert_string_equal(proof.written_by, rows[i].written_by);
        assert_int_equal(proof.null_sender, rows[i].null_sender);
    }
}

/* Too long is none, not a shorter one. */
static void too_long(void **state)
{
    char text[4096];
    struct report_proof proof;

    (void)state;
    snprintf(text, sizeof(text),
             "Delivered-To: %0600d@x.example\nReceived: by %0300d.example (Postfix) id 4Xk\n", 1, 2);
    proof = arrival_of(text);
    assert_string_equal(proof.delivered_to, "");
    assert_string_equal(proof.written_by, "");
}

static void tokens(void **state)
{
    static const char text[] =
        "Received: x\nX-Leadgate-Token: first\nx-leadgate-token:  second \nX-Leadgate-Tokens: no\n"
        "X-Leadgate-Token:\n\nX-Leadgate-Token: body\n";
    struct report_proof proof = { .null_sender = false };
    struct header header;
    struct span rest = span_of(text);

    (void)state;
    header_read(&header, &rest);
    proof_read_tokens(&proof, &header);
    assert_int_equal(proof.n_tokens, 3);
    assert_string_equal(proof.tokens[0], "first");
    assert_string_equal(proof.tokens[1], "second");
    assert_string_equal(proof.tokens[2], "");
    proof_free(&proof);
    proof_free(&proof);
}

static void so_many_tokens(void **state)
{
    char text[200 * 32] = "";
    struct report_proof proof = { .null_sender = false };
    struct header header;
    struct span rest;

    (void)state;
    for (int i = 0; i < 200; i++)
        snprintf(text + strlen(text), sizeof(text) - strlen(text), "X-Leadgate-Token: t%d\n", i);
    rest = span_of(text);
    header_read(&header, &rest);
    proof_read_tokens(&proof, &header);
    assert_int_equal(proof.n_tokens, REPORT_TOKENS);
    assert_string_equal(proof.tokens[REPORT_TOKENS - 1], "t99");
    proof_free(&proof);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_on_top),
        cmocka_unit_test(too_long),
        cmocka_unit_test(tokens),
        cmocka_unit_test(so_many_tokens),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
