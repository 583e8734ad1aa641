/* SPDX-License-Identifier: BSD-2-Clause */
/* endpoint: where a server listens or is found, in Postfix's spelling: unix:/path, inet:host:port,
 * inet:[::1]:port. */
#ifndef LEADGATE_ENDPOINT_H
#define LEADGATE_ENDPOINT_H

#include "leadgate/err.h"
#include "leadgate/span.h"

#include <stdint.h>

struct endpoint {
    enum { ENDPOINT_UNIX = 1, ENDPOINT_INET } kind;
    char host[256]; /* inet: name or address; unix: the absolute path (fits sun_path) */
    uint16_t port;  /* inet only */
};

/* 0, or -1 with err saying what is allowed. */
int endpoint_parse(struct endpoint *out, struct span text, struct err *err);

/* The spelling that endpoint_parse() reads back; returns dst. */
#define ENDPOINT_TEXT_SIZE 280
const char *endpoint_text(char dst[ENDPOINT_TEXT_SIZE], const struct endpoint *endpoint);

#endif
