/* SPDX-License-Identifier: BSD-2-Clause */
#include "leadgate/network.h"

#include <arpa/inet.h>
#include <string.h>

bool ip_parse(struct ip *out, struct span text)
{
    struct span rest = text, address = span_cut(&rest, '%');
    char copy[INET6_ADDRSTRLEN];

    if (address.n == 0)
        return false;
    memset(out->byte, 0, sizeof(out->byte));
    out->family = memchr(address.p, ':', address.n) != NULL ? AF_INET6 : AF_INET;
    return span_copy(copy, sizeof(copy), address) && inet_pton(out->family, copy, out->byte) == 1;
}

/* The mask of the byte at i. */
static unsigned char mask_of(unsigned bits, unsigned i)
{
    unsigned in_byte = bits <= i * 8 ? 0 : bits - i * 8 < 8 ? bits - i * 8 : 8;

    return (unsigned char)(0xff00u >> in_byte);
}

bool network_parse(struct network *out, struct span text, struct err *err)
{
    struct span rest = text, address = span_cut(&rest, '/');
    int64_t bits;

    if (memchr(address.p, '%', address.n) != NULL || !ip_parse(&out->ip, address))
        goto bad;
    bits = out->ip.family == AF_INET ? 32 : 128;
    if (address.n < text.n) { /* there is a '/' */
        int64_t most = bits;

        if (!span_int64(rest, &bits) || bits < 0 || bits > most)
            goto bad;
    }
    out->bits = (unsigned)bits;
    for (unsigned i = 0; i < sizeof(out->ip.byte); i++) {
        if ((out->ip.byte[i] & (unsigned char)~mask_of(out->bits, i)) != 0) {
            err_set(err, "found \"%.60s\", whose address does not end in zeros behind its first %u bits",
                    text.p, out->bits);
            return false;
        }
    }
    return true;
bad:
    err_set(err,
            "found \"%.60s\"; allowed is an IP address, or one with the number of bits that count: "
            "192.0.2.0/24, 2001:db8::/32",
            text.p);
    return false;
}

bool network_holds(const struct network *network, const struct ip *ip)
{
    unsigned whole = network->bits / 8;

    if (network->ip.family != ip->family || memcmp(network->ip.byte, ip->byte, whole) != 0)
        return false;
    return network->bits % 8 == 0 ||
           ((network->ip.byte[whole] ^ ip->byte[whole]) & mask_of(network->bits, whole)) == 0;
}
