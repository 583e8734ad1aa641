/* SPDX-License-Identifier: BSD-2-Clause */
/* keyring: the secrets under which tokens are made and checked. The first key signs, all of them verify: to
 * rotate, put a new key in front, and take an old one away when its last token is over (token_lifetime).
 *
 * A key file holds one line, `leadgate-key-1 ` and 32 random bytes in base32 (RFC 4648, without padding), and
 * gives no right to others. Secrets are kept in memory that is locked, wiped when freed and left out of core
 * dumps (libsodium's sodium_malloc()). A keyring never changes after it is made: any thread may use it. */
#ifndef LEADGATE_KEYRING_H
#define LEADGATE_KEYRING_H

#include "leadgate/err.h"

#include <stddef.h>

struct keyring;

/* Reads the keys of these files; none at all is an empty ring, which makes no token and finds none good. NULL
 * with err (`path: ...`). */
struct keyring *keyring_load(const char *const *paths, size_t n, struct err *err);
void keyring_free(struct keyring *keyring); /* NULL is fine */

size_t keyring_count(const struct keyring *keyring);

/* Writes a new key to a new file, mode 0640; an existing file is left alone. 0, or -1 with err. */
int keyring_create(const char *path, struct err *err);

#endif
