/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/figures.h"

#include <inttypes.h>
#include <stdio.h>

const char *figures_grouped(char dst[GROUPED_SIZE], int64_t number)
{
    char digits[GROUPED_SIZE];
    size_t n = (size_t)snprintf(digits, sizeof(digits), "%" PRId64, number), out = 0;

    for (size_t i = 0; i < n; i++) {
        if (i > 0 && (n - i) % 3 == 0 && digits[i - 1] != '-')
            dst[out++] = ',';
        dst[out++] = digits[i];
    }
    dst[out] = '\0';
    return dst;
}
