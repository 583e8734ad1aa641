/* SPDX-License-Identifier: BSD-2-Clause */
/* Where the 23 characters stand. A later version takes other letters for its kinds.
 *
 *   0      kind and version: b a mail to one, m a mail to several, u unsubscribe
 *   1      the key's id
 *   2..4   days since the epoch, modulo 32768 (until 2059 there is no need to ask which)
 *   5..6   ten bits of the message
 *   7..22  the first 80 bits of the MAC over the seven before it and the claim
 */
#include "leadgate/token.h"

#include "core/base32.h"
#include "core/keyring_keys.h"

#include <string.h>

enum { AT_KIND = 0, AT_KEY = 1, AT_DAY = 2, AT_ABOUT = 5, AT_MAC = 7, MAC_BYTES = 10, DAY = 24 * 60 * 60 };

_Static_assert(AT_MAC + BASE32_LENGTH(MAC_BYTES) == TOKEN_LENGTH, "the MAC ends the token");

static const char kinds[] = { [TOKEN_BOUNCE] = 'b', [TOKEN_MESSAGE] = 'm', [TOKEN_UNSUBSCRIBE] = 'u' };

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* In small letters, and a NUL behind: no field can be taken for a part of its neighbour. */
static void add_field(crypto_auth_hmacsha256_state *state, struct span field)
{
    unsigned char piece[64];

    for (size_t at = 0; at <= field.n; at += sizeof(piece)) {
        size_t n = 0;

        for (; n < sizeof(piece) && at + n < field.n; n++)
            piece[n] = (unsigned char)lower(field.p[at + n]);
        crypto_auth_hmacsha256_update(state, piece, n);
    }
    crypto_auth_hmacsha256_update(state, (const unsigned char *)"", 1);
}

/* head: the characters in front of the MAC, in small letters. */
static void make_mac(unsigned char mac[crypto_auth_hmacsha256_BYTES], const struct signing_key *key,
                     const char *head, const struct token_claim *claim)
{
    crypto_auth_hmacsha256_state state;

    crypto_auth_hmacsha256_init(&state, key->mac, sizeof(key->mac));
    add_field(&state, (struct span){ head, AT_MAC });
    add_field(&state, claim->domain);
    add_field(&state, claim->subject);
    add_field(&state, claim->stream);
    crypto_auth_hmacsha256_final(&state, mac);
    sodium_memzero(&state, sizeof(state));
}

static void put_number(char *dst, unsigned digits, unsigned number)
{
    for (unsigned i = digits; i-- > 0; number >>= 5)
        dst[i] = base32_digit(number);
}

static unsigned get_number(const char *text, unsigned digits)
{
    unsigned number = 0;

    for (unsigned i = 0; i < digits; i++)
        number = number << 5 | (unsigned)base32_value(text[i]);
    return number;
}

static unsigned ten_bits_of(struct span about)
{
    unsigned char hash[crypto_generichash_BYTES_MIN];

    crypto_generichash(hash, sizeof(hash), (const unsigned char *)about.p, about.n, NULL, 0);
    return hash[0] | (unsigned)hash[1] << 8;
}

bool token_make(char dst[TOKEN_SIZE], const struct keyring *keyring, const struct token_claim *claim,
                struct span about, int64_t now)
{
    unsigned char mac[crypto_auth_hmacsha256_BYTES];

    dst[0] = '\0';
    if (keyring->n == 0)
        return false;
    dst[AT_KIND] = kinds[claim->kind];
    put_number(dst + AT_KEY, 1, keyring->keys[0].id);
    put_number(dst + AT_DAY, AT_ABOUT - AT_DAY, (unsigned)(now / DAY));
    put_number(dst + AT_ABOUT, AT_MAC - AT_ABOUT, ten_bits_of(about));
    make_mac(mac, &keyring->keys[0], dst, claim);
    base32_encode(dst + AT_MAC, mac, MAC_BYTES);
    dst[TOKEN_LENGTH] = '\0';
    return true;
}

/* XChaCha20 with the MAC as nonce: no two subjects share one, unless all they vouch for is the same. */
static void encipher(unsigned char *dst, const unsigned char *src, size_t n, const struct signing_key *key,
                     const unsigned char mac[MAC_BYTES])
{
    unsigned char nonce[crypto_stream_xchacha20_NONCEBYTES] = { 0 };

    memcpy(nonce, mac, MAC_BYTES);
    crypto_stream_xchacha20_xor(dst, src, n, nonce, key->cipher);
}

bool token_seal(char dst[TOKEN_SEALED_SIZE], const struct keyring *keyring, const struct token_claim *claim,
                struct span about, int64_t now)
{
    unsigned char hidden[ADDRESS_SIZE], mac[MAC_BYTES];
    struct span subject = claim->subject;

    if (subject.n >= sizeof(hidden) || !token_make(dst, keyring, claim, about, now) ||
        !base32_decode(mac, sizeof(mac), (struct span){ dst + AT_MAC, TOKEN_LENGTH - AT_MAC })) {
        dst[0] = '\0';
        return false;
    }
    encipher(hidden, (const unsigned char *)subject.p, subject.n, &keyring->keys[0], mac);
    base32_encode(dst + TOKEN_LENGTH, hidden, subject.n);
    dst[TOKEN_LENGTH + BASE32_LENGTH(subject.n)] = '\0';
    return true;
}

bool token_name(char dst[TOKEN_SIZE], struct span text)
{
    dst[0] = '\0';
    if (text.n < TOKEN_LENGTH || memchr(kinds + 1, lower(text.p[AT_KIND]), sizeof(kinds) - 1) == NULL)
        return false;
    for (size_t i = 0; i < TOKEN_LENGTH; i++)
        if (base32_value(text.p[i]) < 0)
            return false;
    for (size_t i = 0; i < TOKEN_LENGTH; i++)
        dst[i] = lower(text.p[i]);
    dst[TOKEN_LENGTH] = '\0';
    return true;
}

bool token_looks_like(struct span text, enum token_kind *kind)
{
    char name[TOKEN_SIZE];

    if (text.n != TOKEN_LENGTH || !token_name(name, text))
        return false;
    *kind = (enum token_kind)((const char *)memchr(kinds + 1, name[AT_KIND], sizeof(kinds) - 1) - kinds);
    return true;
}

/* Signed on a day that has come, by the clock of any time zone, and not too long ago. */
static bool is_in_time(const char *name, int64_t now, int64_t lifetime)
{
    unsigned today = (unsigned)(now / DAY), day = get_number(name + AT_DAY, AT_ABOUT - AT_DAY);
    unsigned age = (today + 1 - day) & 0x7fff; /* one more than it has days */

    return age <= (unsigned)((lifetime + DAY - 1) / DAY) + 1;
}

/* name: in small letters. */
static bool is_made_by(const struct signing_key *key, const char *name, const struct token_claim *claim)
{
    unsigned char want[crypto_auth_hmacsha256_BYTES], have[MAC_BYTES];

    make_mac(want, key, name, claim);
    return base32_decode(have, sizeof(have), (struct span){ name + AT_MAC, TOKEN_LENGTH - AT_MAC }) &&
           sodium_memcmp(want, have, MAC_BYTES) == 0;
}

static bool is_of(const char *name, const struct signing_key *key, enum token_kind kind)
{
    return name[AT_KIND] == kinds[kind] && name[AT_KEY] == base32_digit(key->id);
}

enum token_rc token_check(const struct keyring *keyring, struct span text, const struct token_claim *claim,
                          int64_t now, int64_t lifetime)
{
    char name[TOKEN_SIZE];

    if (text.n != TOKEN_LENGTH || !token_name(name, text))
        return TOKEN_NONE;
    for (size_t i = 0; i < keyring->n; i++)
        if (is_of(name, &keyring->keys[i], claim->kind) && is_made_by(&keyring->keys[i], name, claim))
            return is_in_time(name, now, lifetime) ? TOKEN_GOOD : TOKEN_EXPIRED;
    return TOKEN_FORGED;
}

enum token_rc token_open(const struct keyring *keyring, struct span text, struct token_claim *claim,
                         char subject[ADDRESS_SIZE], int64_t now, int64_t lifetime)
{
    unsigned char hidden[ADDRESS_SIZE], mac[MAC_BYTES];
    struct span sealed;
    char name[TOKEN_SIZE];
    size_t n;

    if (!token_name(name, text))
        return TOKEN_NONE;
    sealed = (struct span){ text.p + TOKEN_LENGTH, text.n - TOKEN_LENGTH };
    n = sealed.n * 5 / 8;
    if (n == 0 || n >= ADDRESS_SIZE || !base32_decode(hidden, n, sealed) ||
        !base32_decode(mac, sizeof(mac), (struct span){ name + AT_MAC, TOKEN_LENGTH - AT_MAC }))
        return TOKEN_NONE;
    claim->subject = (struct span){ subject, n };
    for (size_t i = 0; i < keyring->n; i++) {
        if (!is_of(name, &keyring->keys[i], claim->kind))
            continue;
        encipher((unsigned char *)subject, hidden, n, &keyring->keys[i], mac);
        subject[n] = '\0';
        if (is_made_by(&keyring->keys[i], name, claim))
            return is_in_time(name, now, lifetime) ? TOKEN_GOOD : TOKEN_EXPIRED;
    }
    return TOKEN_FORGED;
}
