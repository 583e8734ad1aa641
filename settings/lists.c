/* SPDX-License-Identifier: BSD-2-Clause */
/* A wrong item has been refused by its row in the table of keys, with its place in the file; so what fails
 * here is memory, or a row that lets too much pass. */
#include "settings/lists.h"

#include <stdlib.h>

static int read_addresses(struct address_list *out, const struct config_texts *texts,
                          const struct address_rules *rules, const char *key, struct err *err)
{
    struct err why;

    if ((out->item = calloc(texts->n + 1, sizeof(*out->item))) == NULL)
        return err_set(err, "out of memory");
    for (; out->n < texts->n; out->n++)
        if (address_parse(&out->item[out->n], ADDRESS_MAILBOX, span_of(texts->item[out->n]), rules, &why) < 0)
            return err_set(err, "%s: %s: %s", key, texts->item[out->n], why.text);
    return 0;
}

static int read_networks(struct network_list *out, const struct config_texts *texts, const char *key,
                         struct err *err)
{
    struct err why;

    if ((out->item = calloc(texts->n + 1, sizeof(*out->item))) == NULL)
        return err_set(err, "out of memory");
    for (; out->n < texts->n; out->n++)
        if (!network_parse(&out->item[out->n], span_of(texts->item[out->n]), &why))
            return err_set(err, "%s: %s", key, why.text);
    return 0;
}

int lists_make(struct settings *settings, struct err *err)
{
    struct address_rules rules = settings_address_rules(settings);

    lists_free(settings);
    if (read_addresses(&settings->bounce_addresses, &settings->milter.bounce_addresses, &rules,
                       "milter.bounce_addresses", err) < 0 ||
        read_addresses(&settings->feedback_addresses, &settings->milter.feedback_addresses, &rules,
                       "milter.feedback_addresses", err) < 0 ||
        read_networks(&settings->own_networks, &settings->signing.networks, "signing.networks", err) < 0 ||
        read_networks(&settings->internal_relays, &settings->feed.internal_relays, "feed.internal_relays",
                      err) < 0)
        return -1;
    return 0;
}

void lists_free(struct settings *settings)
{
    free(settings->bounce_addresses.item);
    free(settings->feedback_addresses.item);
    free(settings->own_networks.item);
    free(settings->internal_relays.item);
    settings->bounce_addresses = settings->feedback_addresses = (struct address_list){ .n = 0 };
    settings->own_networks = settings->internal_relays = (struct network_list){ .n = 0 };
}
