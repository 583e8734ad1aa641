/* SPDX-License-Identifier: BSD-2-Clause */
/* A host of `smarthosts` stands for its whole registrable domain: that is all that is known of a host where
 * its provider is asked for. */
#include "settings/provider_names.h"

#include "leadgate/address.h"
#include "leadgate/stream.h"

#include <stdlib.h>
#include <string.h>

/* The registrable domain of a name as people write it, in its normal form; *whole: it is that name itself. */
static bool read_domain(char dst[PROVIDER_SIZE], const char *text, bool *whole, struct err *err)
{
    struct address address;
    struct address_rules rules = { .default_domain = text };

    if (address_parse(&address, ADDRESS_INTERNAL, SPAN("x"), &rules, err) < 0)
        return false;
    if (!provider_of_host(dst, address_domain(&address))) {
        err_set(err, "found \"%.60s\", which has no registrable domain", text);
        return false;
    }
    *whole = span_eq(address_domain(&address), span_of(dst));
    return true;
}

bool check_provider_name_or_none(const char *text, struct err *err)
{
    if (text[0] == '\0' || stream_is_name(span_of(text)))
        return true;
    err_set(err, "found \"%.80s\"; allowed are up to %d letters, digits, '-', '_' and '.'", text,
            PROVIDER_SIZE - 1);
    return false;
}

_Static_assert(STREAM_NAME_SIZE == PROVIDER_SIZE, "a name of a stream is one of a provider");

bool check_provider_domain(const char *text, struct err *err)
{
    char domain[PROVIDER_SIZE];
    bool whole;

    if (!read_domain(domain, text, &whole, err))
        return false;
    if (!whole)
        err_set(err, "found \"%.60s\"; allowed is a registrable domain, as %s", text, domain);
    return whole;
}

bool check_provider_host(const char *text, struct err *err)
{
    char domain[PROVIDER_SIZE];
    bool whole;

    return read_domain(domain, text, &whole, err);
}

const char *provider_names_find(const struct provider_names *names, struct span domain)
{
    for (size_t i = 0; i < names->n; i++)
        if (span_eq(span_of(names->item[i].domain), domain))
            return names->item[i].name;
    return NULL;
}

/* False when the domain is there already; each text has been checked by its row. */
static bool add(struct provider_names *names, const char *text, const char *name)
{
    struct provider_name *next = &names->item[names->n];
    struct err err;
    bool whole;

    if (!read_domain(next->domain, text, &whole, &err) ||
        provider_names_find(names, span_of(next->domain)) != NULL)
        return false;
    next->name = name;
    names->n++;
    return true;
}

static bool make_room(struct provider_names *names, size_t n)
{
    names->item = calloc(n + 1, sizeof(*names->item));
    return names->item != NULL;
}

static size_t count_domains(const struct config_items *groups)
{
    const struct provider_group *group = groups->item;
    size_t n = 0;

    for (size_t i = 0; i < groups->n; i++)
        n += group[i].domains.n;
    return n;
}

/* The first domain that an earlier one, of this group or another, has already; NULL = none. */
static const char *add_group(struct provider_names *names, const struct provider_group *group)
{
    for (size_t i = 0; i < group->domains.n; i++)
        if (!add(names, group->domains.item[i], group->name))
            return group->domains.item[i];
    return NULL;
}

static bool check_group(const struct config_items *items, struct provider_names *names,
                        struct config_fault *fault, struct err *err)
{
    const struct provider_group *groups = items->item, *group = &groups[fault->item];
    const char *again;

    fault->key = "name";
    if (group->name[0] == '\0') {
        err_set(err, "a group without a name; `name` is needed");
        return false;
    }
    for (size_t i = 0; i < fault->item; i++) {
        if (strcmp(groups[i].name, group->name) == 0) {
            err_set(err, "a second group of the name \"%s\"", group->name);
            return false;
        }
    }
    fault->key = "domains";
    if ((again = add_group(names, group)) != NULL) {
        err_set(err, "found \"%.60s\" a second time; a domain is one provider's", again);
        return false;
    }
    return true;
}

bool provider_groups_check(const struct config_items *items, struct config_fault *fault, struct err *err)
{
    struct provider_names names = { .n = 0 };
    bool good = make_room(&names, count_domains(items));

    if (!good)
        err_set(err, "out of memory");
    for (fault->item = 0, fault->key = ""; good && fault->item < items->n; fault->item++)
        if (!(good = check_group(items, &names, fault, err)))
            break;
    free(names.item);
    return good;
}

int provider_names_make(struct settings *settings, struct err *err)
{
    const struct config_items *groups = &settings->providers.groups;
    const struct config_texts *hosts = &settings->providers.smarthosts;
    const struct provider_group *group = groups->item;

    provider_names_free(settings);
    if (!make_room(&settings->provider_names, count_domains(groups)) ||
        !make_room(&settings->smarthosts, hosts->n))
        return err_set(err, "out of memory");
    for (size_t i = 0; i < groups->n; i++)
        (void)add_group(&settings->provider_names, &group[i]);
    for (size_t i = 0; i < hosts->n; i++)
        (void)add(&settings->smarthosts, hosts->item[i], "");
    return 0;
}

void provider_names_free(struct settings *settings)
{
    free(settings->provider_names.item);
    free(settings->smarthosts.item);
    settings->provider_names = settings->smarthosts = (struct provider_names){ .n = 0 };
}
