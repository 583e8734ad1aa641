/* SPDX-License-Identifier: BSD-2-Clause */
/* rule_literals: what a text must hold for a pattern to match at all, read off the pattern: of
 * `(user|mailbox) (unknown|not found)` "user unknown", "mailbox unknown", ... Looking for hundreds of such
 * strings at once (literal_index.h) is far cheaper than running hundreds of patterns. */
#ifndef LEADGATE_BOUNCE_RULE_LITERALS_H
#define LEADGATE_BOUNCE_RULE_LITERALS_H

#include "leadgate/span.h"

#include <glib.h>

#define LITERALS_MOST 48 /* of one pattern */

struct literals {
    struct span item[LITERALS_MOST];
    size_t n; /* 0 = nothing is known: the pattern must be run */
};

/* Any text in which pattern (PCRE, no extended syntax) matches holds one of the literals. Those live in
 * chunk, or are parts of pattern. Doubt makes the answer weaker, never wrong. */
void rule_literals_read(struct literals *out, struct span pattern, GStringChunk *chunk);

#endif
