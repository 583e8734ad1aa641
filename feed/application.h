/* SPDX-License-Identifier: BSD-2-Clause */
/* application: an entry of leadgate:events, as an application has put it there, turned into the event that it
 * tells of, or into what is wrong with it. Pure; any thread.
 *
 *   type     open, machine-open, click, reply, delivered, bounce, complaint, unsubscribe, resubscribe
 *   lead     the address, in any form
 *   at       when it happened: seconds or milliseconds since the epoch, or 2026-11-22T09:53:05Z; without it,
 *            when the entry was added
 *   status   bounce: 5.1.1, or an SMTP reply code, and
 *   text     the remote server's words: one of the two is needed
 *   machine  1, yes or true: an open, or a click, of a program
 *   stream   complaint, unsubscribe, resubscribe: which stream; without it, every one
 *   message, campaign, provider
 *
 * `event` is another name of type, `email` and `recipient` of lead, `timestamp` of at. A field without a
 * value is as one that is not there; fields of other names are passed over. */
#ifndef FEED_APPLICATION_H
#define FEED_APPLICATION_H

#include "leadgate/bounce.h"
#include "leadgate/err.h"
#include "leadgate/event.h"
#include "leadgate/provider.h"
#include "leadgate/store_inbox.h"

#include <stdint.h>

#define APPLICATION_FIELD_MAX (64 * 1024) /* bytes of a value */

/* The event and the texts of it that stand in no field; it may not be moved. */
struct application {
    struct event event;
    char status[16], provider[PROVIDER_SIZE], evidence[256];
};

/* Reads an entry; now bounds its times. 0, or -1 with why: the field, what was found there, what is allowed.
 * The event borrows from the entry. */
int application_read(struct application *out, const struct inbox_entry *entry,
                     const struct bounce_context *context, int64_t now, struct err *why);

#endif
