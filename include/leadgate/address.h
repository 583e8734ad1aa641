/* SPDX-License-Identifier: BSD-2-Clause */
/* address: one normal form for a mailbox, whichever way it comes.
 *
 * The normal form is the lead's name and part of its Redis keys. Domain: lower case, A-labels (IDNA 2008, UTS
 * 46 non-transitional), no trailing dot. Local part: unquoted, lower case unless the settings say otherwise
 * (Unicode lower case and NFC where it is not ASCII); '{', '}', control bytes, DEL and bytes that are not
 * UTF-8 as %XX, so that a Redis hash tag holds. Forms that Postfix rewrites to one mailbox (rewrite(8): a@d.,
 * a%d, d!a, @r:a@d) are one lead. Normalising a normal form changes nothing. Pure but for allocations inside
 * libidn2; any thread. */
#ifndef LEADGATE_ADDRESS_H
#define LEADGATE_ADDRESS_H

#include "leadgate/err.h"
#include "leadgate/span.h"

#include <stdbool.h>

#define ADDRESS_SIZE 512 /* RFC 5321 4.5.3.1: 64 + 1 + 255 octets; room for %XX */

struct address {
    char text[ADDRESS_SIZE]; /* normal form, NUL-terminated */
    size_t n;                /* strlen(text) */
    size_t at;               /* offset of the last '@' */
};

/* How local parts are read, from the settings. */
struct address_rules {
    bool fold_local_part; /* Ann@ and ann@ are one lead (the default) */
    const char
        *default_domain; /* for `ann` without a domain: Postfix's $myorigin; NULL or "" = such is an error */
};

enum address_form {
    ADDRESS_INTERNAL, /* Postfix's policy protocol, milter macros: unquoted: john doe@example.com */
    ADDRESS_MAILBOX,  /* RFC 5321 Mailbox or Path: "john doe"@example.com, <ann@example.com>,
                         <@r:ann@example.com> */
    ADDRESS_DSN, /* RFC 3464 / 6533 field: `rfc822; ann@example.com`, `utf-8; \x{FC}@...`, xtext undone */
};

/* The form of an address that may be in either of the first two: Postfix quotes only what must be quoted, and
 * people write what they see. text is trimmed. */
enum address_form address_form_of(struct span text);

/* Parses raw into *out. 0, or -1 with err (no '@' and no default domain, empty local part or domain, too
 * long, a domain that is no domain). *out is unspecified after -1. */
int address_parse(struct address *out, enum address_form form, struct span raw,
                  const struct address_rules *rules, struct err *err);

/* The parts; they point into address. */
struct span address_span(const struct address *address);
struct span address_domain(const struct address *address);
struct span address_local(const struct address *address);

/* Whether address is base itself, or base with an extension behind a '+': ann+news@example.com. */
bool address_covers(const struct address *base, const struct address *address);

#endif
