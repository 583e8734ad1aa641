/* SPDX-License-Identifier: BSD-2-Clause */
/* leadgate key: makes a key for signing. Needs no settings and no Redis; never shows a secret. */
#include "cli/command.h"
#include "cli/output.h"
#include "leadgate/keyring.h"

#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

static void print_usage(FILE *to)
{
    fputs(
        "usage: leadgate key new FILE\n"
        "\n"
        "Makes a new key for signing in a new file, mode 0640, and says what to do with it. A file that is\n"
        "there already stays as it is.\n"
        "\n"
        "Exit status: 0; 64 for wrong arguments; 73 when the file cannot be made.\n",
        to);
}

/* signing.keys takes absolute paths. */
static int make(const char *path)
{
    char whole[PATH_MAX];
    struct err err;

    if (keyring_create(path, &err) < 0) {
        fprintf(stderr, "leadgate: %s\n", err.text);
        return EX_CANTCREAT;
    }
    if (realpath(path, whole) == NULL)
        snprintf(whole, sizeof(whole), "%s", path);
    printf("%s: a new key.\n"
           "1. Let the daemons read it, and nobody else:  chgrp leadgate %s\n"
           "2. Name it in config.yaml, in front of the keys that are there, and reload the daemons:\n"
           "     signing:\n"
           "       keys: [ %s ]\n"
           "   The first key signs, all verify: take an old one out when signing.token_lifetime is over.\n",
           whole, whole, whole);
    return output_finish(EX_OK);
}

int command_key(int argc, char **argv)
{
    static const struct option options[] = { { "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 } };
    int c;

    while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        print_usage(c == 'h' ? stdout : stderr);
        return c == 'h' ? EX_OK : EX_USAGE;
    }
    if (argc - optind != 2 || strcmp(argv[optind], "new") != 0) {
        print_usage(stderr);
        return EX_USAGE;
    }
    return make(argv[optind + 1]);
}
