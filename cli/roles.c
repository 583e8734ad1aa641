/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/roles.h"

#include <stdlib.h>
#include <string.h>

/* Sorted, for bsearch(3). */
static const char *const roles[] = {
    "abuse",
    "accounting",
    "accounts",
    "admin",
    "administrator",
    "billing",
    "bounce",
    "bounces",
    "careers",
    "compliance",
    "contact",
    "customerservice",
    "datenschutz",
    "dns",
    "do-not-reply",
    "donotreply",
    "empfang",
    "enquiries",
    "everyone",
    "feedback",
    "finance",
    "ftp",
    "hello",
    "help",
    "helpdesk",
    "hostmaster",
    "hr",
    "info",
    "inquiries",
    "jobs",
    "kontakt",
    "legal",
    "list",
    "mail",
    "mailer-daemon",
    "marketing",
    "media",
    "news",
    "newsletter",
    "no-reply",
    "noc",
    "noreply",
    "office",
    "orders",
    "owner",
    "postmaster",
    "press",
    "privacy",
    "root",
    "sales",
    "security",
    "service",
    "spam",
    "staff",
    "subscribe",
    "support",
    "sysadmin",
    "team",
    "undisclosed-recipients",
    "unsubscribe",
    "usenet",
    "uucp",
    "verkauf",
    "webmaster",
    "www",
};

static int compare(const void *key, const void *member)
{
    const struct span *local = key;
    const char *role = *(const char *const *)member;
    size_t n = strlen(role);
    int order = memcmp(local->p, role, local->n < n ? local->n : n);

    return order != 0 ? order : (local->n > n) - (local->n < n);
}

static bool ends_with(struct span text, struct span end)
{
    return text.n > end.n && memcmp(text.p + text.n - end.n, end.p, end.n) == 0;
}

bool role_is(struct span local)
{
    /* RFC 2142 6: the people behind a mailing list. */
    if (ends_with(local, SPAN("-request")) || ends_with(local, SPAN("-owner")) ||
        (local.n > 6 && memcmp(local.p, "owner-", 6) == 0))
        return true;
    return bsearch(&local, roles, sizeof(roles) / sizeof(roles[0]), sizeof(roles[0]), compare) != NULL;
}
