/* SPDX-License-Identifier: BSD-2-Clause */
/* base32: RFC 4648 6, in small letters, without padding; read in either case. */
#ifndef CORE_BASE32_H
#define CORE_BASE32_H

#include "leadgate/span.h"

#define BASE32_LENGTH(bytes) (((bytes)*8 + 4) / 5)

/* The digit for 0..31. */
char base32_digit(unsigned value);
/* 0..31; -1 for anything else. */
int base32_value(char digit);

/* Writes BASE32_LENGTH(n) characters, without a NUL. */
void base32_encode(char *dst, const unsigned char *bytes, size_t n);
/* Reads n bytes from BASE32_LENGTH(n) characters. False for other characters, or bits that are left over. */
bool base32_decode(unsigned char *dst, size_t n, struct span text);

#endif
