/* SPDX-License-Identifier: BSD-2-Clause */
/* store_inbox: the stream leadgate:events, on which applications report what they know of leads. It is read
 * as one of a consumer group: an entry belongs to one reader, and stays its until it is settled. What a
 * reader has not settled when it dies is read first when it comes again (under the same name), and taken over
 * by another after a minute. What is settled is taken out of the stream, so that its length is the backlog.
 *
 * One inbox is one blocking connection: one thread at a time. STORE_DOWN is as in store.h. Needs Redis 5 for
 * streams; taking over from another reader needs Redis 6.2. */
#ifndef LEADGATE_STORE_INBOX_H
#define LEADGATE_STORE_INBOX_H

#include "leadgate/store.h"

#define INBOX_ENTRIES 500 /* that many are read at a time */

struct inbox_field {
    struct span name, value; /* any bytes, of any length */
};

struct inbox_entry {
    struct span id; /* "1795341185123-0" */
    const struct inbox_field *fields;
    size_t n;
};

struct inbox;

/* reader: who we are among all that read, the same after a restart. Both are borrowed and must outlive the
 * inbox. NULL when out of memory. Does not connect. */
struct inbox *inbox_new(const struct store_settings *settings, const char *reader);
void inbox_free(struct inbox *inbox); /* NULL is fine */

struct inbox_batch {
    const struct inbox_entry *entries; /* live until the next call */
    size_t n;
    int64_t clock; /* Redis's own, seconds since the epoch: ids are never later */
    bool more;     /* ask again at once */
};

/* The next entries, without waiting for any. Those read before and not settled come again. STORE_DOWN also
 * when the key is no stream. */
enum store_rc inbox_read(struct inbox *inbox, struct inbox_batch *out, struct err *err);

/* Says that an entry that was just read is not understood: it goes to leadgate:rejected when it is settled.
 */
void inbox_reject(struct inbox *inbox, size_t entry, const char *reason);

/* Everything that was just read is done with. */
enum store_rc inbox_settle(struct inbox *inbox, struct err *err);

#endif
