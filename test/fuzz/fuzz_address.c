/* SPDX-License-Identifier: BSD-2-Clause */
/* Addresses in each form. The normal form of a normal form is itself: what is stored under a key is found
 * under it again. */
#include "leadgate/address.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum address_form forms[] = { ADDRESS_INTERNAL, ADDRESS_MAILBOX, ADDRESS_DSN };
    struct address_rules rules = { .fold_local_part = true, .default_domain = "default.example" };

    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        struct address once, twice;
        struct err err;

        if (address_parse(&once, forms[i], (struct span){ (const char *)data, size }, &rules, &err) < 0)
            continue;
        if (once.n != strlen(once.text) || once.text[once.at] != '@' || strpbrk(once.text, "{}\n") != NULL)
            abort();
        if (address_parse(&twice, ADDRESS_INTERNAL, address_span(&once), &rules, &err) < 0 ||
            strcmp(once.text, twice.text) != 0)
            abort();
    }
    return 0;
}
