/* SPDX-License-Identifier: BSD-2-Clause */
#include "leadgate/unsubscribe.h"

#include "leadgate/keyring.h"
#include "leadgate/logline.h"
#include "leadgate/signing.h"

/* Without a key there is no token that could be good. */
bool unsubscribe_is_on(const struct settings *settings)
{
    if (keyring_count(settings->keyring) == 0)
        return false;
    for (size_t i = 0; i < settings->streams.n; i++)
        if (settings->streams.item[i].unsubscribe.n > 0)
            return true;
    return false;
}

bool unsubscribe_is_address(const struct settings *settings, const struct address *address)
{
    for (size_t i = 0; i < settings->streams.n; i++) {
        const struct address *base = &settings->streams.item[i].unsubscribe;

        if (base->n > 0 && address_covers(base, address))
            return true;
    }
    return false;
}

/* A bounce address may be an unsubscribe address, too: the token tells. */
static bool is_path_to_leave(const struct settings *settings, const struct address *path)
{
    struct address_rules rules = settings_address_rules(settings);
    enum token_kind kind;
    struct address lead;
    struct span token;

    return token_path_split(path, &token, &lead, &rules) && token_looks_like(token, &kind) &&
           kind == TOKEN_UNSUBSCRIBE;
}

bool unsubscribe_read(struct unsubscribe *out, const struct settings *settings,
                      const struct address *recipient, int64_t now)
{
    enum token_rc rc = TOKEN_NONE;

    if (is_path_to_leave(settings, recipient))
        rc = signing_check_unsubscribe(settings, recipient, now, &out->lead, &out->stream, out->token);
    out->meant = rc == TOKEN_GOOD || rc == TOKEN_EXPIRED;
    return rc != TOKEN_NONE;
}

struct event unsubscribe_event(const struct unsubscribe *leaving, enum event_source source, int64_t at)
{
    return (struct event){
        .type = EVENT_UNSUBSCRIBE,
        .source = source,
        .lead = leaving->lead,
        .cause = CAUSE_UNSUBSCRIBE,
        .at = at,
        .message = SPAN_NONE,
        .status = SPAN_NONE,
        .evidence = SPAN("a mail to the address for unsubscribing"),
        .stream = span_of(leaving->stream->name),
        .token = span_of(leaving->token),
        .proof = "token",
        .provider = SPAN_NONE,
    };
}

void unsubscribe_log_refused(const struct unsubscribe *leaving, const char *where, struct span name)
{
    struct logline line;

    logline_start(&line, "unrecognised");
    logline_span(&line, where, name);
    logline_text(&line, "kind", "unsubscribe");
    logline_text(&line, "rule", "none of our keys has made its token");
    logline_text(&line, "token", leaving->token);
    logline_send(&line, LOG_INFO);
}
