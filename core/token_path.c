/* SPDX-License-Identifier: BSD-2-Clause */
/* The lead's domain stands behind the last `=`, as in Postfix's own VERP (VERP_README): a local part may hold
 * a `=`, a domain never does. */
#include "leadgate/token.h"

#include <stdio.h>
#include <string.h>

#define LOCAL_MOST 64 /* RFC 5321 4.5.3.1.1 */

static bool is_plain(struct span local)
{
    for (size_t i = 0; i < local.n; i++) {
        char c = local.p[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              (c != '\0' && strchr(".-_+=", c) != NULL)))
            return false;
    }
    return true;
}

bool token_path_make(struct address *dst, const struct address *base, struct span token,
                     const struct address *lead)
{
    struct span local = address_local(base), domain = address_domain(base);
    struct span user = address_local(lead), host = address_domain(lead);
    size_t at = local.n + 1 + token.n + 1 + user.n + 1 + host.n;

    if (at > LOCAL_MOST || !is_plain(user) || !is_plain(local))
        return false;
    dst->at = at;
    dst->n = (size_t)snprintf(dst->text, sizeof(dst->text), "%.*s+%.*s=%.*s=%.*s@%.*s", SPAN_FMT(local),
                              SPAN_FMT(token), SPAN_FMT(user), SPAN_FMT(host), SPAN_FMT(domain));
    return dst->n < sizeof(dst->text);
}

/* The `+` in front of a token with a `=` behind it. */
static bool find_token(struct span local, struct span *token, struct span *behind)
{
    enum token_kind kind;

    while (local.n > 0) {
        struct span rest = local;

        span_cut(&rest, '+');
        *token = (struct span){ rest.p, TOKEN_LENGTH };
        if (rest.n > TOKEN_LENGTH && rest.p[TOKEN_LENGTH] == '=' && token_looks_like(*token, &kind)) {
            *behind = (struct span){ rest.p + TOKEN_LENGTH + 1, rest.n - TOKEN_LENGTH - 1 };
            return true;
        }
        local = rest;
    }
    return false;
}

bool token_path_split(const struct address *path, struct span *token, struct address *lead,
                      const struct address_rules *rules)
{
    struct span behind;
    const char *last;
    char text[LOCAL_MOST * 4];
    struct err err;

    if (!find_token(address_local(path), token, &behind) || !span_copy(text, sizeof(text), behind) ||
        (last = memrchr(behind.p, '=', behind.n)) == NULL)
        return false;
    text[last - behind.p] = '@';
    return address_parse(lead, ADDRESS_INTERNAL, span_of(text), rules, &err) == 0;
}
