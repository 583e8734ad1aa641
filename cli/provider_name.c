/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/provider_name.h"

#include "cli/output.h"
#include "leadgate/store_guard.h"
#include "leadgate/store_incident.h"
#include "leadgate/store_provider.h"
#include "leadgate/store_shares.h"

#include <stdio.h>

/* All whose names are printed: who was heard of, has an incident or a share, was sent risky leads. */
static enum store_rc list_known(struct session *session, struct provider_list *list, struct err *err)
{
    struct store *store = session->store;

    if (store_list_providers(store, 0, list, err) == STORE_DOWN ||
        store_list_open(store, list, err) == STORE_DOWN || store_list_shared(store, list, err) == STORE_DOWN)
        return STORE_DOWN;
    return store_list_passed(store, list, err);
}

/* As it is spelt; else in other letters of either case. */
static bool find_known(const struct provider_list *list, struct span name, char provider[PROVIDER_SIZE])
{
    if (provider_list_has(list, name))
        return span_copy(provider, PROVIDER_SIZE, name);
    for (size_t i = 0; i < list->n; i++)
        if (span_eq_nocase(span_of(list->name[i]), name))
            return span_copy(provider, PROVIDER_SIZE, span_of(list->name[i]));
    return false;
}

int provider_name_find(struct session *session, const char *operand, char provider[PROVIDER_SIZE])
{
    struct provider_list list = { .n = 0 };
    struct span name = span_of(operand);
    struct err err;
    bool known;

    if (list_known(session, &list, &err) == STORE_DOWN) {
        provider_list_free(&list);
        return session_fail(&err);
    }
    known = find_known(&list, name, provider);
    provider_list_free(&list);
    if (known)
        return GO_ON;
    if (store_find_domains(session->store, &name, 1, (char(*)[PROVIDER_SIZE])provider, &err) == STORE_DOWN)
        return session_fail(&err);
    if (provider[0] != '\0')
        return GO_ON;
    fputs("leadgate: ", stderr);
    output_text(stderr, name);
    fputs(": no such provider, nor a domain whose provider is known; ZRANGE leadgate:providers 0 -1 names "
          "all\n",
          stderr);
    return 1;
}
