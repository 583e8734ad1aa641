/* SPDX-License-Identifier: BSD-2-Clause */
/* network: IP addresses and ranges of them (CIDR, RFC 4632 and RFC 4291 2.3). Pure; any thread. */
#ifndef LEADGATE_NETWORK_H
#define LEADGATE_NETWORK_H

#include "leadgate/err.h"
#include "leadgate/span.h"

#include <stdbool.h>

struct ip {
    int family; /* AF_INET or AF_INET6 */
    unsigned char byte[16];
};

struct network {
    struct ip ip;
    unsigned bits; /* of it that count */
};

/* `192.0.2.7`, `2001:db8::7`, a %zone behind it is passed over. False for anything else. */
bool ip_parse(struct ip *out, struct span text);

/* An address, or address/bits with nothing but zeros behind the bits. False with err. */
bool network_parse(struct network *out, struct span text, struct err *err);

bool network_holds(const struct network *network, const struct ip *ip);

#endif
