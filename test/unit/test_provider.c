/* SPDX-License-Identifier: BSD-2-Clause */
/* Who runs a mail host. */
#include "leadgate/provider.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    const char *host, *provider; /* "" = not known */
} rows[] = {
    { "gmail-smtp-in.l.google.com", "google.com" },
    { "alt1.aspmx.l.google.com", "google.com" },
    { "a-com.olc.protection.outlook.com", "outlook.com" },
    { "firm-example.mail.protection.outlook.com", "outlook.com" },
    { "mx-eu.mail.am0.yahoodns.net", "yahoodns.net" },
    { "google.com", "google.com" },
    /* Suffixes of two labels, and of private registries. */
    { "mx.firm.co.uk", "firm.co.uk" },
    { "mail.firm.com.au", "firm.com.au" },
    { "mx.firm.blogspot.com", "firm.blogspot.com" },
    /* However it is written. */
    { "MX1.Firm.Example", "firm.example" },
    { "mx1.firm.example.", "firm.example" },
    { "mx.xn--bcher-kva.de", "xn--bcher-kva.de" },
    { "mx_1.firm.example", "firm.example" },
    /* Suffixes themselves, single names, addresses. */
    { "com", "" },
    { "co.uk", "" },
    { "localhost", "" },
    { "127.0.0.1", "" },
    { "192.0.2.7.", "" },
    { "[192.0.2.7]", "" },
    { "2001:db8::7", "" },
    { "2001:db8::ab", "" },
    { "", "" },
    { ".", "" },
    { "none", "" },
};

static void finds_the_registrable_domain(void **state)
{
    char provider[PROVIDER_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        bool found = provider_of_host(provider, span_of(rows[i].host));

        if (strcmp(provider, rows[i].provider) != 0 || found != (rows[i].provider[0] != '\0'))
            fail_msg("\"%s\" is of \"%s\", not \"%s\"", rows[i].host, provider, rows[i].provider);
    }
}

static void leaves_out_what_does_not_fit(void **state)
{
    char host[400], provider[PROVIDER_SIZE];

    (void)state;
    for (size_t n = 1; n < 390; n++) { /* labels of n bytes, where a host has 63 and 255 at most */
        bool fits = n + sizeof(".com") - 1 < PROVIDER_SIZE;

        memset(host, 'x', n);
        snprintf(host + n, sizeof(host) - n, ".com");
        assert_int_equal(provider_of_host(provider, span_of(host)), fits);
        assert_int_equal(strlen(provider), fits ? n + 4 : 0);
    }
    assert_false(provider_of_host(provider, (struct span){ "mx\0.firm.example", 16 }));
    assert_string_equal(provider, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_registrable_domain),
        cmocka_unit_test(leaves_out_what_does_not_fit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
