/* SPDX-License-Identifier: BSD-2-Clause */
#include "private_key.h"

#include "leadgate/keyring.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void name_key(char path[64], const char *folder)
{
    snprintf(path, 64, "%s/key", folder);
}

int private_key_make(char *folder)
{
    char key[64];
    struct err err;

    if (mkdtemp(folder) == NULL)
        return -1;
    name_key(key, folder);
    return keyring_create(key, &err);
}

int private_key_remove(const char *folder)
{
    char key[64];

    name_key(key, folder);
    unlink(key);
    return rmdir(folder);
}
