/* SPDX-License-Identifier: BSD-2-Clause */
/* reasons: what other systems' words for a suppression mean here. Pure. */
#ifndef LEADGATE_CLI_REASONS_H
#define LEADGATE_CLI_REASONS_H

#include "leadgate/bounce.h"
#include "leadgate/event.h"

#include <stdbool.h>

struct reason {
    enum event_type type; /* EVENT_OPTOUT, EVENT_COMPLAINT or EVENT_UNSUBSCRIBE */
    enum cause cause;     /* EVENT_OPTOUT */
};

/* False for words that are in no list. Case, blanks and dashes do not matter; our own causes are known, too.
 */
bool reason_of_word(struct span word, struct reason *out);

/* What a remote server's words mean; false when they say nothing that is known. */
bool reason_of_refusal(const struct bounce_context *context, struct span status, struct span diag,
                       struct reason *out);

#endif
