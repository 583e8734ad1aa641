/* SPDX-License-Identifier: BSD-2-Clause */
/* First all tokens that the mail brings are checked, each against the domains that it can have been made for;
 * then each finding is given the one that is about its lead. */
#include "leadgate/authenticity.h"

#include "leadgate/keyring.h"
#include "leadgate/signing.h"
#include "leadgate/token.h"

#include <stdlib.h>
#include <string.h>

/* What one good token says. */
struct witness {
    struct address lead;
    char token[TOKEN_SIZE];
};

struct hearing {
    const struct settings *settings;
    struct report *report;
    int64_t now;
    struct witness *witnesses; /* each with another lead; room for all tokens that the mail brings */
    size_t n;
    bool message; /* a good token for the message as a whole */
    char message_token[TOKEN_SIZE];
    enum proof worst; /* of the tokens that are not good: PROOF_FORGED, PROOF_EXPIRED or PROOF_NONE */
};

static void note_bad(struct hearing *hearing, enum token_rc rc)
{
    if (rc == TOKEN_FORGED)
        hearing->worst = PROOF_FORGED;
    else if (rc == TOKEN_EXPIRED && hearing->worst == PROOF_NONE)
        hearing->worst = PROOF_EXPIRED;
}

static const struct witness *find_witness(const struct hearing *hearing, const struct address *lead)
{
    for (size_t i = 0; i < hearing->n; i++)
        if (span_eq(address_span(&hearing->witnesses[i].lead), address_span(lead)))
            return &hearing->witnesses[i];
    return NULL;
}

static void add_witness(struct hearing *hearing, const struct address *lead, struct span token)
{
    struct witness *witness = &hearing->witnesses[hearing->n];

    if (find_witness(hearing, lead) != NULL)
        return;
    witness->lead = *lead;
    token_name(witness->token, token);
    hearing->n++;
}

static void hear_path(struct hearing *hearing, const struct address *path)
{
    struct address lead;
    char token[TOKEN_SIZE];
    enum token_rc rc = signing_check_path(hearing->settings, path, hearing->now, &lead, token);

    if (rc == TOKEN_GOOD)
        add_witness(hearing, &lead, span_of(token));
    else
        note_bad(hearing, rc);
}

/* A better word than the one before: a token that was good once over one that never was. */
static enum token_rc better(enum token_rc a, enum token_rc b)
{
    static const int rank[] = { [TOKEN_NONE] = 0, [TOKEN_FORGED] = 1, [TOKEN_EXPIRED] = 2, [TOKEN_GOOD] = 3 };

    return rank[a] >= rank[b] ? a : b;
}

/* A sealed token: by which of our domains it was made is not said. */
static void hear_sealed(struct hearing *hearing, struct span text)
{
    const struct settings *settings = hearing->settings;
    struct address_rules rules = settings_address_rules(settings);
    enum token_rc rc = TOKEN_NONE;
    char subject[ADDRESS_SIZE];
    struct address lead;
    struct err err;

    for (size_t i = 0; i < settings->bounce_addresses.n && rc != TOKEN_GOOD; i++) {
        struct token_claim claim = { .kind = TOKEN_BOUNCE,
                                     .domain = address_domain(&settings->bounce_addresses.item[i]) };

        rc = better(rc, token_open(settings->keyring, text, &claim, subject, hearing->now,
                                   settings->signing.token_lifetime));
    }
    if (rc == TOKEN_GOOD && address_parse(&lead, ADDRESS_INTERNAL, span_of(subject), &rules, &err) == 0)
        add_witness(hearing, &lead, text);
    else
        note_bad(hearing, rc);
}

/* A token for the message as a whole, which is named by its Message-ID. */
static void hear_message(struct hearing *hearing, struct span text)
{
    const struct settings *settings = hearing->settings;
    enum token_rc rc = TOKEN_NONE;

    for (size_t i = 0; i < settings->bounce_addresses.n && rc != TOKEN_GOOD; i++) {
        const struct token_claim claim = { .kind = TOKEN_MESSAGE,
                                           .domain = address_domain(&settings->bounce_addresses.item[i]),
                                           .subject = span_of(hearing->report->message) };

        rc = better(
            rc, token_check(settings->keyring, text, &claim, hearing->now, settings->signing.token_lifetime));
    }
    if (rc != TOKEN_GOOD) {
        note_bad(hearing, rc);
        return;
    }
    hearing->message = true;
    token_name(hearing->message_token, text);
}

static void hear_envelope_id(struct hearing *hearing)
{
    struct span text = span_of(hearing->report->envelope_id);
    enum token_kind kind;

    if (token_looks_like(text, &kind) && kind == TOKEN_MESSAGE)
        hear_message(hearing, text);
    else
        hear_sealed(hearing, text);
}

/* X-Original-To or Delivered-To, where the envelope is not known. */
static bool read_delivered_to(const struct settings *settings, const struct report *report,
                              const struct arrival *arrival, struct address *out)
{
    struct address_rules rules = settings_address_rules(settings);
    struct span text = span_of(report->proof.delivered_to);
    struct err err;

    return arrival->delivered && text.n > 0 && address_parse(out, ADDRESS_MAILBOX, text, &rules, &err) == 0 &&
           signing_is_bounce_address(settings, out);
}

static int hear_all(struct hearing *hearing, const struct arrival *arrival, struct err *err)
{
    const struct report_proof *proof = &hearing->report->proof;
    struct address path;

    /* The bounce addresses, or the one of the header; the envelope id; the header of the returned mail. */
    hearing->witnesses = calloc(arrival->n + 2 + proof->n_tokens, sizeof(*hearing->witnesses));
    if (hearing->witnesses == NULL)
        return err_set(err, "out of memory");
    for (size_t i = 0; i < arrival->n; i++)
        hear_path(hearing, &arrival->recipients[i]);
    if (read_delivered_to(hearing->settings, hearing->report, arrival, &path))
        hear_path(hearing, &path);
    hear_envelope_id(hearing);
    for (size_t i = 0; i < proof->n_tokens; i++)
        hear_sealed(hearing, span_of(proof->tokens[i]));
    return 0;
}

/* Whether this Postfix wrote it, by the field that it put on top. */
static bool is_written_here(const struct settings *settings, const struct report *report,
                            const struct arrival *arrival)
{
    const struct config_texts *hosts = &settings->signing.local_hosts;
    struct span by = span_of(report->proof.written_by);

    if (arrival->local || !arrival->delivered)
        return arrival->local;
    for (size_t i = 0; i < hosts->n && by.n > 0; i++)
        if (span_eq_nocase(span_of(hosts->item[i]), by))
            return true;
    return false;
}

static void judge(const struct hearing *hearing, struct finding *finding, bool local)
{
    const struct witness *witness = find_witness(hearing, &finding->lead);

    if (witness == NULL && hearing->n == 1 && hearing->report->n == 1) {
        witness = &hearing->witnesses[0];
        finding->lead = witness->lead;
    }
    finding->proof = hearing->worst;
    if (witness != NULL) {
        finding->proof = PROOF_TOKEN;
        memcpy(finding->token, witness->token, sizeof(finding->token));
    } else if (local) {
        finding->proof = PROOF_LOCAL;
    } else if (hearing->message) {
        finding->proof = PROOF_MESSAGE;
        memcpy(finding->token, hearing->message_token, sizeof(finding->token));
    }
}

_Static_assert(sizeof(((struct finding *)0)->token) == TOKEN_SIZE, "a finding has room for a token's name");

/* The lead of a bounce address that is a path with a good token. */
static bool find_path_lead(const struct settings *settings, const struct report *report,
                           const struct arrival *arrival, int64_t now, struct address *lead)
{
    char token[TOKEN_SIZE];
    struct address path;

    for (size_t i = 0; i < arrival->n; i++)
        if (signing_check_path(settings, &arrival->recipients[i], now, lead, token) == TOKEN_GOOD)
            return true;
    return read_delivered_to(settings, report, arrival, &path) &&
           signing_check_path(settings, &path, now, lead, token) == TOKEN_GOOD;
}

static bool has_null_sender(const struct report *report, const struct arrival *arrival)
{
    return arrival->null_sender || (arrival->delivered && report->proof.null_sender);
}

/* Nothing was found in it, but it may be a refusal in words that only tell why. */
static int read_again(struct report *report, struct span mail, const struct settings *settings,
                      const struct arrival *arrival, int64_t now, struct err *err)
{
    struct bounce_context context = settings_bounce_context(settings);
    struct address lead;

    if (report->n > 0 || report->kind != MAIL_NONE || !has_null_sender(report, arrival) ||
        !find_path_lead(settings, report, arrival, now, &lead))
        return 0;
    context.recipient = &lead;
    report_free(report);
    return report_read(report, mail, &context, err);
}

int authenticity_read(struct report *out, struct span mail, const struct settings *settings,
                      const struct arrival *arrival, int64_t now, struct err *err)
{
    struct bounce_context context = settings_bounce_context(settings);
    struct hearing hearing = { .settings = settings, .report = out, .now = now, .worst = PROOF_NONE };

    if (report_read(out, mail, &context, err) < 0)
        return -1;
    if (!signing_is_on(settings))
        return 0;
    if (read_again(out, mail, settings, arrival, now, err) < 0)
        return -1;
    if (out->n == 0)
        return 0;
    if (hear_all(&hearing, arrival, err) < 0)
        return -1;
    for (size_t i = 0; i < out->n; i++)
        judge(&hearing, &out->findings[i], is_written_here(settings, out, arrival));
    free(hearing.witnesses);
    return 0;
}

enum trust authenticity_trust(const struct settings *settings, const struct report *report, size_t i)
{
    bool require = settings->signing.authenticity == AUTHENTICITY_REQUIRE;
    bool will = report->kind == MAIL_COMPLAINT; /* it has no end: there is no mild form of it */

    if (!signing_is_on(settings) || settings->signing.authenticity == AUTHENTICITY_OFF)
        return TRUST_FULL;
    switch (report->findings[i].proof) {
    case PROOF_LOCAL:
    case PROOF_TOKEN: return TRUST_FULL;
    case PROOF_MESSAGE: return will ? TRUST_NONE : TRUST_MILD;
    case PROOF_NONE:
    case PROOF_EXPIRED: return will || require ? TRUST_NONE : TRUST_MILD;
    case PROOF_FORGED: return TRUST_NONE;
    }
    return TRUST_NONE;
}

size_t authenticity_events(const struct settings *settings, const struct report *report, bool to_apply,
                           enum event_source source, int64_t now, struct event *events)
{
    size_t n = 0;

    for (size_t i = 0; i < report->n; i++) {
        enum trust trust = authenticity_trust(settings, report, i);

        if ((trust != TRUST_NONE) != to_apply)
            continue;
        settings_report_event(settings, report, i, source, now, &events[n]);
        if (signing_is_on(settings))
            events[n].proof = proof_name(report->findings[i].proof);
        events[n].unverified = trust == TRUST_MILD;
        n++;
    }
    return n;
}

const char *proof_name(enum proof proof)
{
    switch (proof) {
    case PROOF_NONE: return "none";
    case PROOF_LOCAL: return "local";
    case PROOF_TOKEN: return "token";
    case PROOF_MESSAGE: return "message";
    case PROOF_EXPIRED: return "expired";
    case PROOF_FORGED: return "forged";
    }
    return "?";
}
