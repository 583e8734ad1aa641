/* SPDX-License-Identifier: BSD-2-Clause */
#include "leadgate/signing.h"

#include "leadgate/keyring.h"
#include "leadgate/network.h"

bool signing_is_on(const struct settings *settings)
{
    return keyring_count(settings->keyring) > 0 && settings->bounce_addresses.n > 0;
}

static bool is_listed(const struct config_texts *list, struct span word)
{
    for (size_t i = 0; i < list->n; i++)
        if (span_eq(span_of(list->item[i]), word))
            return true;
    return false;
}

static bool is_own_client(const struct settings *settings, struct span client)
{
    struct ip ip;

    if (!ip_parse(&ip, client))
        return false;
    for (size_t i = 0; i < settings->own_networks.n; i++)
        if (network_holds(&settings->own_networks.item[i], &ip))
            return true;
    return false;
}

bool signing_is_outgoing(const struct settings *settings, const struct signing_origin *origin)
{
    const struct signing_settings *signing = &settings->signing;

    return origin->local || (signing->authenticated && origin->sasl_username.n > 0) ||
           is_own_client(settings, origin->client_address) || is_listed(&signing->daemons, origin->daemon);
}

bool signing_is_bounce_address(const struct settings *settings, const struct address *address)
{
    for (size_t i = 0; i < settings->bounce_addresses.n; i++)
        if (address_covers(&settings->bounce_addresses.item[i], address))
            return true;
    return false;
}

unsigned signing_channels(const struct settings *settings, const struct signing_origin *origin,
                          const struct stream *stream, struct span sender, enum address_form form,
                          struct address *out)
{
    struct address_rules rules = settings_address_rules(settings);
    struct err err;

    if (stream->channels == 0 || !signing_is_on(settings) || !signing_is_outgoing(settings, origin) ||
        address_parse(out, form, sender, &rules, &err) < 0 || !signing_is_bounce_address(settings, out))
        return 0;
    return stream->channels;
}

bool signing_header(char dst[TOKEN_SEALED_SIZE], const struct settings *settings,
                    const struct address *sender, const struct address *lead, struct span about, int64_t now)
{
    const struct token_claim claim = {
        .kind = TOKEN_BOUNCE,
        .domain = address_domain(sender),
        .subject = address_span(lead),
    };

    return token_seal(dst, settings->keyring, &claim, about, now);
}

enum token_rc signing_check_path(const struct settings *settings, const struct address *path, int64_t now,
                                 struct address *lead, char name[TOKEN_SIZE])
{
    struct address_rules rules = settings_address_rules(settings);
    struct token_claim claim = { .kind = TOKEN_BOUNCE, .domain = address_domain(path) };
    enum token_kind kind;
    struct span token;

    name[0] = '\0';
    if (!token_path_split(path, &token, lead, &rules) || !token_looks_like(token, &kind) ||
        kind != claim.kind)
        return TOKEN_NONE;
    token_name(name, token);
    claim.subject = address_span(lead);
    return token_check(settings->keyring, token, &claim, now, settings->signing.token_lifetime);
}

static struct token_claim claim_to_leave(const struct stream *stream, const struct address *lead)
{
    return (struct token_claim){
        .kind = TOKEN_UNSUBSCRIBE,
        .domain = address_domain(&stream->unsubscribe),
        .subject = address_span(lead),
        .stream = span_of(stream->name),
    };
}

bool signing_unsubscribe_path(struct address *dst, const struct settings *settings,
                              const struct stream *stream, const struct address *lead, struct span about,
                              int64_t now)
{
    const struct token_claim claim = claim_to_leave(stream, lead);
    char token[TOKEN_SIZE];

    return stream->unsubscribe.n > 0 && token_make(token, settings->keyring, &claim, about, now) &&
           token_path_make(dst, &stream->unsubscribe, span_of(token), lead);
}

/* Several streams may share one address: it is the token that tells which is meant. */
enum token_rc signing_check_unsubscribe(const struct settings *settings, const struct address *path,
                                        int64_t now, struct address *lead, const struct stream **stream,
                                        char name[TOKEN_SIZE])
{
    struct address_rules rules = settings_address_rules(settings);
    enum token_rc best = TOKEN_NONE;
    struct span token;

    name[0] = '\0';
    if (!token_path_split(path, &token, lead, &rules))
        return TOKEN_NONE;
    token_name(name, token);
    for (size_t i = 0; i < settings->streams.n && best != TOKEN_GOOD; i++) {
        const struct stream *one = &settings->streams.item[i];
        const struct token_claim claim = claim_to_leave(one, lead);
        enum token_rc rc = TOKEN_NONE;

        if (one->unsubscribe.n > 0 && address_covers(&one->unsubscribe, path))
            rc = token_check(settings->keyring, token, &claim, now, settings->signing.token_lifetime);
        if (rc == TOKEN_GOOD || (rc == TOKEN_EXPIRED && best != TOKEN_EXPIRED)) {
            best = rc;
            *stream = one;
        } else if (rc == TOKEN_FORGED && best == TOKEN_NONE) {
            best = rc;
        }
    }
    return best;
}
