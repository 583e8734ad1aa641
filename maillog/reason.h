/* SPDX-License-Identifier: BSD-2-Clause */
/* reason: why a delivery failed, in Postfix's words: `host mx.example.com[192.0.2.7] said: 550 ... (in reply
 * to RCPT TO command)`. */
#ifndef MAILLOG_REASON_H
#define MAILLOG_REASON_H

#include "maillog/attempt.h"

struct reason {
    struct span words; /* the remote server's; else Postfix's own */
    bool remote;       /* they are the server's */
    bool has_peer;     /* a host is named */
    bool reached;      /* and there was a connection to it */
    struct peer peer;
};

/* text: of a delivery that failed. */
void reason_read(struct reason *out, struct span text);

/* Whether these are the words of an SMTP client that found no server for the domain; for lines that do not
 * say which program wrote them. */
bool reason_is_of_smtp(struct span text);

#endif
