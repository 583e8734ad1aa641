/* SPDX-License-Identifier: BSD-2-Clause */
/* some_address: an address as a test writes it. Behind cmocka's header. */
#ifndef LEADGATE_TEST_SOME_ADDRESS_H
#define LEADGATE_TEST_SOME_ADDRESS_H

#include "leadgate/address.h"

static inline struct address address_of(const char *text)
{
    const struct address_rules rules = { .fold_local_part = true };
    struct address address;
    struct err err;

    if (address_parse(&address, ADDRESS_INTERNAL, span_of(text), &rules, &err) < 0)
        fail_msg("%s: %s", text, err.text);
    return address;
}

#endif
