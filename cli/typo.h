/* SPDX-License-Identifier: BSD-2-Clause */
/* typo: domains that were likely meant to be another one. A guess for a human to judge: nothing is ever
 * rewritten by it. Pure. */
#ifndef LEADGATE_CLI_TYPO_H
#define LEADGATE_CLI_TYPO_H

#include "leadgate/span.h"

#include <stdbool.h>
#include <stddef.h>

#define TYPO_SIZE 256

/* The domain that was likely meant, NUL-terminated; false when there is nothing to say. domain is in normal
 * form. */
bool typo_suggest(char dst[TYPO_SIZE], struct span domain);

/* How many insertions, deletions, replacements and swaps of neighbours lead from a to b (optimal string
 * alignment); more than `most` is most + 1. Texts of up to 64 bytes; longer ones are most + 1 apart. */
size_t typo_distance(struct span a, struct span b, size_t most);

#endif
