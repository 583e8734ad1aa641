/* SPDX-License-Identifier: BSD-2-Clause */
#include "settings/signing_make.h"

#include "leadgate/keyring.h"
#include "leadgate/network.h"
#include "leadgate/signing.h"

#include <stdlib.h>

static const struct {
    struct span word;
    enum channel channel;
} channels[] = {
    { { "header", 6 }, CHANNEL_HEADER },
    { { "envelope-id", 11 }, CHANNEL_ENVELOPE_ID },
    { { "return-path", 11 }, CHANNEL_RETURN_PATH },
};

unsigned signing_channel(struct span word)
{
    for (size_t i = 0; i < sizeof(channels) / sizeof(channels[0]); i++)
        if (span_eq(word, channels[i].word))
            return channels[i].channel;
    return 0;
}

unsigned signing_channels_of(const struct config_texts *words, unsigned otherwise)
{
    unsigned all = 0;

    for (size_t i = 0; i < words->n; i++) {
        struct span word = span_of(words->item[i]);

        all |= span_eq(word, SPAN("inherit")) ? otherwise : signing_channel(word);
    }
    return all;
}

static int read_networks(struct settings *settings, struct err *err)
{
    const struct config_texts *texts = &settings->signing.networks;
    size_t *n = &settings->n_own_networks;

    if ((settings->own_networks = calloc(texts->n + 1, sizeof(*settings->own_networks))) == NULL)
        return err_set(err, "out of memory");
    for (; *n < texts->n; (*n)++)
        if (!network_parse(&settings->own_networks[*n], span_of(texts->item[*n]), err))
            return -1;
    return 0;
}

static int read_bounce_addresses(struct settings *settings, struct err *err)
{
    const struct config_texts *texts = &settings->milter.bounce_addresses;
    struct address_rules rules = settings_address_rules(settings);
    size_t *n = &settings->n_bounce_addresses;
    struct err why;

    if ((settings->bounce_addresses = calloc(texts->n + 1, sizeof(*settings->bounce_addresses))) == NULL)
        return err_set(err, "out of memory");
    for (; *n < texts->n; (*n)++)
        if (address_parse(&settings->bounce_addresses[*n], ADDRESS_MAILBOX, span_of(texts->item[*n]), &rules,
                          &why) < 0)
            return err_set(err, "milter.bounce_addresses: %s: %s", texts->item[*n], why.text);
    return 0;
}

int signing_make(struct settings *settings, struct err *err)
{
    const struct config_texts *keys = &settings->signing.keys;
    struct err why;

    signing_free(settings);
    settings->keyring = keyring_load((const char *const *)keys->item, keys->n, &why);
    if (settings->keyring == NULL)
        return err_set(err, "signing.keys: %s", why.text);
    if (keys->n == 0 && settings->signing.authenticity == AUTHENTICITY_REQUIRE)
        return err_set(err,
                       "signing.authenticity: require needs signing.keys; `leadgate key new FILE` makes one");
    return read_networks(settings, err) < 0 ? -1 : read_bounce_addresses(settings, err);
}

void signing_free(struct settings *settings)
{
    keyring_free(settings->keyring);
    free(settings->own_networks);
    free(settings->bounce_addresses);
    settings->keyring = NULL;
    settings->own_networks = NULL;
    settings->bounce_addresses = NULL;
    settings->n_own_networks = settings->n_bounce_addresses = 0;
}
