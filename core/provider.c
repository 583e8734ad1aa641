/* SPDX-License-Identifier: BSD-2-Clause */
/* The list is the one that libpsl was built with; Debian keeps both up to date. */
#include "leadgate/provider.h"

#include <libpsl.h>
#include <string.h>

#define HOST_SIZE 256 /* RFC 1035 2.3.4 */

/* Host names are ASCII; a resolver's answer may be in any case. */
static bool copy_lower(char dst[HOST_SIZE], struct span host)
{
    if (!span_copy(dst, HOST_SIZE, host))
        return false;
    for (char *p = dst; *p != '\0'; p++)
        if (*p >= 'A' && *p <= 'Z')
            *p = (char)(*p - 'A' + 'a');
    return true;
}

/* 192.0.2.7, 2001:db8::7 and [192.0.2.7] have no registrable domain; the list takes any last label for one.
 */
static bool is_address(struct span host)
{
    char last = host.p[host.n - 1];

    return last == ']' || (last >= '0' && last <= '9') || memchr(host.p, ':', host.n) != NULL;
}

bool provider_of_host(char dst[PROVIDER_SIZE], struct span host)
{
    char name[HOST_SIZE];
    const char *domain;

    dst[0] = '\0';
    if (host.n > 0 && host.p[host.n - 1] == '.')
        host.n--;
    if (host.n == 0 || is_address(host) || !copy_lower(name, host) ||
        (domain = psl_registrable_domain(psl_builtin(), name)) == NULL)
        return false;
    return span_copy(dst, PROVIDER_SIZE, span_of(domain));
}
