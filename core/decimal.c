/* SPDX-License-Identifier: BSD-2-Clause */
#include "leadgate/decimal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

bool decimal_parse(struct span text, int64_t *thousandths)
{
    bool negative = text.n > 0 && text.p[0] == '-';
    struct span rest = { text.p + negative, text.n - negative }, whole = span_cut(&rest, '.');
    bool has_point = whole.n + negative < text.n;
    int64_t ones, parts = 0;
    int scale = DECIMAL_ONE;

    if (whole.n == 0 || whole.p[0] == '-' || !span_int64(whole, &ones))
        return false;
    if (has_point && (rest.n == 0 || rest.n > 3 || rest.p[0] == '-' || !span_int64(rest, &parts)))
        return false;
    for (size_t i = 0; has_point && i < rest.n; i++)
        scale /= 10;
    if (__builtin_mul_overflow(ones, DECIMAL_ONE, &ones) ||
        __builtin_add_overflow(ones, has_point ? parts * scale : 0, &ones))
        return false;
    *thousandths = negative ? -ones : ones;
    return true;
}

const char *decimal_text(char dst[DECIMAL_TEXT_SIZE], int64_t thousandths)
{
    uint64_t size = thousandths < 0 ? 0 - (uint64_t)thousandths : (uint64_t)thousandths;
    int n = snprintf(dst, DECIMAL_TEXT_SIZE, "%s%" PRIu64 ".%03d", thousandths < 0 ? "-" : "",
                     size / DECIMAL_ONE, (int)(size % DECIMAL_ONE));

    /* Without the zeroes at the end, and without a point that has nothing behind it. */
    while (n > 0 && dst[n - 1] == '0')
        n--;
    if (n > 0 && dst[n - 1] == '.')
        n--;
    dst[n] = '\0';
    return dst;
}
