/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/keys.h"

#include <inttypes.h>
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
    [KEY_RETURNING] = { { "lead:{", 6 }, { "}:returning", 11 }, false },
    [KEY_UNDO] = { { "lead:{", 6 }, { "}:undo", 6 }, false },
    [KEY_DOMAIN_ALLOW] = { { "domain:{", 8 }, { "}:allow", 7 }, true },
    [KEY_DOMAIN_RETURNING] = { { "domain:{", 8 }, { "}:returning", 11 }, true },
    [KEY_DOMAIN_HOLD] = { { "domain:{", 8 }, { "}:hold", 6 }, true },
};

static void append(struct key *key, struct span part)
{
    memcpy(key->text + key->n, part.p, part.n);
    key->n += part.n;
}

void key_make(struct key *key, enum key_kind kind, const struct address *lead)
{
    /* An address is shorter than ADDRESS_SIZE and the longest frame has 19 bytes: it always fits. */
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

void key_make_domain(struct key *key, struct span domain)
{
    key->n = (size_t)snprintf(key->text, sizeof(key->text), "domain:{%.*s}", SPAN_FMT(domain));
}

void key_make_provider(struct key *key, enum provider_key kind, struct span provider)
{
    static const char *const ends[OF_PROVIDER_KEYS] = { [OF_PROVIDER_HOLD] = PROVIDER_HOLD,
                                                        [OF_PROVIDER_INCIDENT] = PROVIDER_INCIDENT,
                                                        [OF_PROVIDER_RELEASE] = PROVIDER_RELEASE,
                                                        [OF_PROVIDER_ENDED] = PROVIDER_ENDED,
                                                        [OF_PROVIDER_PASSED] = PROVIDER_PASSED };

    key->n = (size_t)snprintf(key->text, sizeof(key->text), PROVIDER_BEFORE "%.*s%s", SPAN_FMT(provider),
                              ends[kind]);
}

void key_make_count(struct key *key, enum provider_count_key kind, struct span provider, int64_t number)
{
    static const char *const kinds[COUNT_KEYS] = {
        [COUNT_FIVE] = "five", [COUNT_DAY] = "day", [COUNT_STEP] = "step"
    };

    key->n = (size_t)snprintf(key->text, sizeof(key->text), PROVIDER_BEFORE "%.*s}:%s:", SPAN_FMT(provider),
                              kinds[kind]);
    if (number >= 0)
        key->n += (size_t)snprintf(key->text + key->n, sizeof(key->text) - key->n, "%" PRId64, number);
}

void key_make_leads(struct key *key, enum provider_count_key kind, struct span provider, int64_t number)
{
    key_make_count(key, kind, provider, number);
    key->n += (size_t)snprintf(key->text + key->n, sizeof(key->text) - key->n, ":leads");
}

void key_make_warning(struct key *key, struct span provider, struct span stream, const char *word)
{
    key->n = (size_t)snprintf(key->text, sizeof(key->text), PROVIDER_BEFORE "%.*s}:warned:%s:%.*s",
                              SPAN_FMT(provider), word, SPAN_FMT(stream));
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
