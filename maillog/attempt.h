/* SPDX-License-Identifier: BSD-2-Clause */
/* attempt: what a delivery agent logs about one recipient, taken apart:
 *
 *   to=<ann@example.com>, [orig_to=<...>,] relay=..., [conn_use=2,] delay=..., delays=..., [tls=...,]
 *   dsn=5.1.1, status=bounced (...)
 *
 * and its pieces. All spans point into the line. */
#ifndef MAILLOG_ATTEMPT_H
#define MAILLOG_ATTEMPT_H

#include "leadgate/span.h"

enum attempt_status {
    ATTEMPT_SENT = 1,
    ATTEMPT_BOUNCED,
    ATTEMPT_DEFERRED,
    ATTEMPT_PROBE, /* of an address, by verify(8) or sendmail -bv: no mail was sent */
};

struct attempt {
    struct span to, orig_to; /* between the brackets; orig_to is empty when there is none */
    struct span relay;       /* `mx.example.com[192.0.2.7]:25`, `none`, `local` */
    int64_t delay;           /* whole seconds since the message came */
    struct span dsn;
    enum attempt_status status;
    struct span text; /* between the parentheses; of a line that was cut, its start */
};

/* text: what stands behind the queue id, from `to=<` on. False when it is not of this form. */
bool attempt_read(struct attempt *out, struct span text);

/* Reads `<address>` off the front of *rest, without its brackets. In info_log_addr_form = external a local
 * part is quoted as a whole or not at all, and only a quoted one can hold a '>'. */
bool attempt_cut_address(struct span *rest, struct span *address);

#endif
