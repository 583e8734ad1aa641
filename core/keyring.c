/* SPDX-License-Identifier: BSD-2-Clause */
/* What stands in a file is a master key; the keys that are used, and the key's id, are derived from it, each
 * under a name of its own. */
#include "core/keyring_keys.h"

#include "core/base32.h"
#include "core/config_secret.h"
#include "leadgate/span.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEAD         "leadgate-key-1 "
#define SECRET_BYTES crypto_auth_hmacsha256_KEYBYTES

_Static_assert(crypto_auth_hmacsha256_BYTES == 32 && SECRET_BYTES == 32 &&
                   crypto_stream_xchacha20_KEYBYTES == 32,
               "a derived key is one HMAC");

static int start_sodium(struct err *err)
{
    return sodium_init() < 0 ? err_set(err, "libsodium cannot be used here") : 0;
}

static void derive(unsigned char dst[32], const unsigned char secret[SECRET_BYTES], const char *name)
{
    crypto_auth_hmacsha256(dst, (const unsigned char *)name, strlen(name), secret);
}

static void key_make(struct signing_key *key, const unsigned char secret[SECRET_BYTES])
{
    unsigned char id[32];

    derive(id, secret, "leadgate key id");
    key->id = id[0] & 31;
    derive(key->mac, secret, "leadgate token mac");
    derive(key->cipher, secret, "leadgate token cipher");
}

static int read_key(struct signing_key *key, const char *path, struct err *err)
{
    char *line = config_secret_read(span_of(path), err);
    unsigned char secret[SECRET_BYTES];
    struct span text = span_of(line), head = SPAN(HEAD);
    int rc = -1;

    if (line == NULL)
        return -1;
    if (!span_starts_nocase(text, head) ||
        !base32_decode(secret, sizeof(secret), (struct span){ text.p + head.n, text.n - head.n })) {
        err_set(err, "%s holds no key; `leadgate key new %s.new` makes one", path, path);
        goto out;
    }
    key_make(key, secret);
    rc = 0;
out:
    sodium_memzero(secret, sizeof(secret));
    config_secret_free(line);
    return rc;
}

struct keyring *keyring_load(const char *const *paths, size_t n, struct err *err)
{
    struct keyring *keyring = NULL;

    if (start_sodium(err) < 0)
        return NULL;
    if ((keyring = calloc(1, sizeof(*keyring))) == NULL ||
        (n > 0 && (keyring->keys = sodium_allocarray(n, sizeof(*keyring->keys))) == NULL)) {
        err_set(err, "out of memory");
        goto fail;
    }
    for (; keyring->n < n; keyring->n++)
        if (read_key(&keyring->keys[keyring->n], paths[keyring->n], err) < 0)
            goto fail;
    return keyring;
fail:
    keyring_free(keyring);
    return NULL;
}

void keyring_free(struct keyring *keyring)
{
    if (keyring == NULL)
        return;
    sodium_free(keyring->keys);
    free(keyring);
}

size_t keyring_count(const struct keyring *keyring)
{
    return keyring->n;
}

int keyring_create(const char *path, struct err *err)
{
    unsigned char secret[SECRET_BYTES];
    char line[sizeof(HEAD) + BASE32_LENGTH(SECRET_BYTES)]; /* the NUL's place is the line end's */
    int fd = -1, rc = -1;

    if (start_sodium(err) < 0)
        return -1;
    randombytes_buf(secret, sizeof(secret));
    memcpy(line, HEAD, sizeof(HEAD) - 1);
    base32_encode(line + sizeof(HEAD) - 1, secret, sizeof(secret));
    line[sizeof(line) - 1] = '\n';
    if ((fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)) < 0 || fchmod(fd, 0640) < 0 ||
        write(fd, line, sizeof(line)) != (ssize_t)sizeof(line) || fsync(fd) < 0) {
        err_set(err, "%s: %s", path, strerror(errno));
        goto out;
    }
    rc = 0;
out:
    sodium_memzero(secret, sizeof(secret));
    sodium_memzero(line, sizeof(line));
    if (fd >= 0)
        close(fd);
    if (fd >= 0 && rc < 0)
        unlink(path);
    return rc;
}
