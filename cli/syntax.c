/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/syntax.h"

#include <string.h>

#define LOCAL_MOST 64 /* RFC 5321 4.5.3.1.1 */

/* atext of RFC 5322 3.2.3, and UTF-8 (RFC 6532 3.2). */
static bool is_atext(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (unsigned char)c >= 0x80 || (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

static const char *local_fault(struct span local)
{
    bool dot = true;

    if (local.n > LOCAL_MOST)
        return "the part before the @ is longer than 64 characters";
    for (size_t i = 0; i < local.n; i++) {
        if (local.p[i] == '.' && dot)
            return "a dot at the beginning, or two in a row";
        dot = local.p[i] == '.';
        if (!dot && !is_atext(local.p[i]))
            return "a character that no address has";
    }
    return dot ? "a dot before the @" : NULL;
}

static const char *domain_fault(struct span domain)
{
    struct span rest = domain, label = SPAN_NONE;
    bool digits = true;

    if (memchr(domain.p, '.', domain.n) == NULL)
        return "the domain has no dot";
    while (rest.n > 0) {
        label = span_cut(&rest, '.');
        if (label.n > 0 && (label.p[0] == '-' || label.p[label.n - 1] == '-'))
            return "the domain has a dash at the edge of a label";
    }
    for (size_t i = 0; i < label.n; i++)
        digits = digits && label.p[i] >= '0' && label.p[i] <= '9';
    return digits ? "the domain ends in digits" : NULL;
}

const char *syntax_fault(struct span raw, const struct address *address)
{
    struct span domain = address_domain(address);
    const char *at = memrchr(raw.p, '@', raw.n), *fault = NULL;

    if (raw.n > 0 && raw.p[0] == '<')
        raw = (struct span){ raw.p + 1, raw.n - 1 };
    /* A quoted local part may hold anything; one that is not is looked at as it was written. */
    if (at != NULL && at >= raw.p && raw.p[0] != '"')
        fault = local_fault((struct span){ raw.p, (size_t)(at - raw.p) });
    if (fault == NULL && domain.p[0] != '[')
        fault = domain_fault(domain);
    return fault;
}
