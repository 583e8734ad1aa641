/* SPDX-License-Identifier: BSD-2-Clause */
/* keyring_keys: the secrets themselves, for token.c alone. */
#ifndef CORE_KEYRING_KEYS_H
#define CORE_KEYRING_KEYS_H

#include "leadgate/keyring.h"

#include <sodium.h>

struct signing_key {
    unsigned id; /* 0..31, of the secret; two keys may have the same */
    unsigned char mac[crypto_auth_hmacsha256_KEYBYTES];
    unsigned char cipher[crypto_stream_xchacha20_KEYBYTES];
};

struct keyring {
    struct signing_key *keys; /* sodium_malloc() */
    size_t n;
};

#endif
