/* SPDX-License-Identifier: BSD-2-Clause */
/* reason: why a delivery failed, in Postfix's words, as they stand in its log and in `X-Postfix;`
 * diagnostics: `host mx.example.com[192.0.2.7] said: 550 ... (in reply to RCPT TO command)`. Pure; any
 * thread. */
#ifndef LEADGATE_REASON_H
#define LEADGATE_REASON_H

#include "leadgate/network.h"
#include "leadgate/span.h"

/* A host that Postfix talked to, or tried to. */
struct peer {
    struct span name;
    struct ip ip;
};

/* Reads `mx.example.com[192.0.2.7]` off the front of *rest. False, and nothing is cut, for anything else. */
bool peer_cut(struct span *rest, struct peer *peer);

/* Spans point into the text. */
struct reason {
    struct span words; /* the remote server's; else Postfix's own */
    bool remote;       /* they are the server's */
    bool has_peer;     /* a host is named */
    bool reached;      /* and there was a connection to it */
    struct peer peer;
};

void reason_read(struct reason *out, struct span text);

#endif
