/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/keys.h"

#include <stdio.h>
#include <string.h>

static const struct {
    struct span before, after;
    bool domain; /* named by the domain alone */
} forms[KEY_KINDS] = {
    [KEY_LEAD] = { { "lead:{", 6 }, { "}", 1 }, false },
    [KEY_OPTOUT] = { { "lead:{", 6 }, { "}:optout", 8 }, false },
    [KEY_REFUSED] = { { "lead:{", 6 }, { "}:refused", 9 }, false },
    [KEY_ALLOW] = { { "lead:{", 6 }, { "}:allow", 7 }, false },
    [KEY_LOG] = { { "lead:{", 6 }, { "}:log", 5 }, false },
    [KEY_TOKENS] = { { "lead:{", 6 }, { "}:tokens", 8 }, false },
    [KEY_DOMAIN_ALLOW] = { { "domain:{", 8 }, { "}:allow", 7 }, true },
    [KEY_DOMAIN_HOLD] = { { "domain:{", 8 }, { "}:hold", 6 }, true },
};

static void append(struct key *key, struct span part)
{
    memcpy(key->text + key->n, part.p, part.n);
    key->n += part.n;
}

void key_make(struct key *key, enum key_kind kind, const struct address *lead)
{
    /* An address is shorter than ADDRESS_SIZE and the longest frame has 17 bytes: it always fits. */
    key->n = 0;
    append(key, forms[kind].before);
    append(key, forms[kind].domain ? address_domain(lead) : address_span(lead));
    append(key, forms[kind].after);
    key->text[key->n] = '\0';
}

void key_make_sent(struct key *key, const struct address *lead, uint64_t campaign)
{
    key->n = (size_t)snprintf(key->text, sizeof(key->text), "lead:{%s}:sent:%016llx", lead->text,
                              (unsigned long long)campaign);
}

bool key_is(struct span key, enum key_kind kind, struct span *name)
{
    struct span before = forms[kind].before, after = forms[kind].after;

    if (key.n < before.n + after.n || memcmp(key.p, before.p, before.n) != 0 ||
        memcmp(key.p + key.n - after.n, after.p, after.n) != 0)
        return false;
    *name = (struct span){ key.p + before.n, key.n - before.n - after.n };
    return true;
}
