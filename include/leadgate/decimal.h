/* SPDX-License-Identifier: BSD-2-Clause */
/* decimal: numbers with up to three decimals, kept as whole thousandths so that sums are exact and the same
 * everywhere. */
#ifndef LEADGATE_DECIMAL_H
#define LEADGATE_DECIMAL_H

#include "leadgate/span.h"

#define DECIMAL_ONE 1000

/* "-1.25" is -1250. False for anything but an optional '-', digits, and at most three digits behind a '.'. */
bool decimal_parse(struct span text, int64_t *thousandths);

/* -1250 is "-1.25"; returns dst. */
#define DECIMAL_TEXT_SIZE 28
const char *decimal_text(char dst[DECIMAL_TEXT_SIZE], int64_t thousandths);

#endif
