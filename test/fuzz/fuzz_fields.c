/* SPDX-License-Identifier: BSD-2-Clause */
/* The fields of delivery status parts. Each group takes some of the bytes, so their number is bounded. */
#include "bounce/dsn.h"
#include "bounce/fields.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A value is empty, or points into the bytes. */
static void check_inside(struct span value, struct span all)
{
    if (value.n > 0 && (value.p < all.p || value.p + value.n > all.p + all.n))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span all = { (const char *)data, size };
    struct dsn_message message;
    struct dsn_recipient group;
    struct dsn_reader reader;
    size_t groups = 0;

    dsn_start(&reader, all, &message);
    check_inside(message.reporting_mta, all);
    while (dsn_next(&reader, &group)) {
        char text[64];

        if (++groups > size)
            abort();
        check_inside(group.original, all);
        check_inside(group.final, all);
        check_inside(group.diagnostic, all);
        if (field_unfold(text, sizeof(text), group.diagnostic) >= sizeof(text))
            abort();
        (void)dsn_recipient_action(&group);
    }
    return 0;
}
