/* SPDX-License-Identifier: BSD-2-Clause */
#include "settings/signing_make.h"

#include "leadgate/keyring.h"
#include "leadgate/signing.h"

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

int signing_make(struct settings *settings, struct err *err)
{
    const struct config_texts *keys = &settings->signing.keys;
    struct err why;

    keyring_free(settings->keyring);
    settings->keyring = keyring_load((const char *const *)keys->item, keys->n, &why);
    if (settings->keyring == NULL)
        return err_set(err, "signing.keys: %s", why.text);
    if (keys->n == 0 && settings->signing.authenticity == AUTHENTICITY_REQUIRE)
        return err_set(err,
                       "signing.authenticity: require needs signing.keys; `leadgate key new FILE` makes one");
    return 0;
}
