/* SPDX-License-Identifier: BSD-2-Clause */
/* None of the libraries that we use has it: GLib and libsodium know base64 alone, which a mail system that
 * folds case would destroy. */
#include "core/base32.h"

static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";

char base32_digit(unsigned value)
{
    return digits[value & 31];
}

int base32_value(char digit)
{
    if (digit >= 'a' && digit <= 'z')
        return digit - 'a';
    if (digit >= 'A' && digit <= 'Z')
        return digit - 'A';
    return digit >= '2' && digit <= '7' ? digit - '2' + 26 : -1;
}

void base32_encode(char *dst, const unsigned char *bytes, size_t n)
{
    unsigned held = 0, bits = 0;

    for (size_t i = 0; i < n; i++) {
        held = (held << 8 | bytes[i]) & 0xfff;
        for (bits += 8; bits >= 5; bits -= 5)
            *dst++ = base32_digit(held >> (bits - 5));
    }
    if (bits > 0)
        *dst = base32_digit(held << (5 - bits));
}

bool base32_decode(unsigned char *dst, size_t n, struct span text)
{
    unsigned held = 0, bits = 0;

    if (text.n != BASE32_LENGTH(n))
        return false;
    for (size_t i = 0; i < text.n; i++) {
        int value = base32_value(text.p[i]);

        if (value < 0)
            return false;
        held = (held << 5 | (unsigned)value) & 0xfff;
        if ((bits += 5) >= 8) {
            bits -= 8;
            *dst++ = (unsigned char)(held >> bits);
        }
    }
    return (held & ((1u << bits) - 1)) == 0;
}
