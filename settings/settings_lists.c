/* SPDX-License-Identifier: BSD-2-Clause */
#include "leadgate/settings.h"

#include <stdlib.h>

struct address *settings_bounce_addresses(const struct settings *settings, struct err *err)
{
    const struct config_texts *texts = &settings->milter.bounce_addresses;
    struct address_rules rules = settings_address_rules(settings);
    struct address *addresses = calloc(texts->n + 1, sizeof(*addresses));
    struct err why;

    if (addresses == NULL) {
        err_set(err, "out of memory");
        return NULL;
    }
    for (size_t i = 0; i < texts->n; i++) {
        if (address_parse(&addresses[i], ADDRESS_MAILBOX, span_of(texts->item[i]), &rules, &why) < 0) {
            err_set(err, "milter.bounce_addresses: %s: %s", texts->item[i], why.text);
            free(addresses);
            return NULL;
        }
    }
    return addresses;
}

struct network *settings_internal_relays(const struct settings *settings, struct err *err)
{
    const struct config_texts *texts = &settings->feed.internal_relays;
    struct network *networks = calloc(texts->n + 1, sizeof(*networks));
    struct err why;

    if (networks == NULL) {
        err_set(err, "out of memory");
        return NULL;
    }
    for (size_t i = 0; i < texts->n; i++) {
        if (!network_parse(&networks[i], span_of(texts->item[i]), &why)) {
            err_set(err, "feed.internal_relays: %s: %s", texts->item[i], why.text);
            free(networks);
            return NULL;
        }
    }
    return networks;
}
