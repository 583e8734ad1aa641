/* SPDX-License-Identifier: BSD-2-Clause */
#include "leadgate/settings.h"

#include <stdlib.h>

static int read_addresses(struct address *out, const struct config_texts *texts, const char *key,
                          const struct address_rules *rules, struct err *err)
{
    struct err why;

    for (size_t i = 0; i < texts->n; i++)
        if (address_parse(&out[i], ADDRESS_MAILBOX, span_of(texts->item[i]), rules, &why) < 0)
            return err_set(err, "%s: %s: %s", key, texts->item[i], why.text);
    return 0;
}

struct address *settings_bounce_addresses(const struct settings *settings, size_t *n, struct err *err)
{
    const struct config_texts *bounces = &settings->milter.bounce_addresses;
    const struct config_texts *feedback = &settings->milter.feedback_addresses;
    struct address_rules rules = settings_address_rules(settings);
    struct address *addresses = calloc(bounces->n + feedback->n + 1, sizeof(*addresses));

    if (addresses == NULL) {
        err_set(err, "out of memory");
        return NULL;
    }
    if (read_addresses(addresses, bounces, "milter.bounce_addresses", &rules, err) < 0 ||
        read_addresses(addresses + bounces->n, feedback, "milter.feedback_addresses", &rules, err) < 0) {
        free(addresses);
        return NULL;
    }
    *n = bounces->n + feedback->n;
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
