/* SPDX-License-Identifier: BSD-2-Clause */
/* maillog: Postfix's log lines in, deliveries out: what became of each recipient. No files, no Redis, no
 * clock but the one it is told.
 *
 * It reads lines as syslogd, journald and postlogd(8) write them:
 *
 *   Nov 22 05:13:16 mx postfix/smtp[30566]: 1C7D3AAE587: to=<ann@example.com>, relay=..., status=sent (...)
 *   2026-11-22T05:13:16.123456+01:00 mx postfix-out/smtp[30566]: 4XkZ2d1q9zXYZ: to=<...
 *   1C7D3AAE587: to=<...                           (journalctl -o cat)
 *
 * Times. RFC 3339 says all. A traditional time names neither year nor zone: it is local time, of the latest
 * year in which it is no later than a day after the time that the caller gives for the line, and of an hour
 * that comes twice the first. A line without a time happened at that time.
 *
 * A queue id belongs to one host and one instance of Postfix (the first part of the tag). What other lines
 * say of the same queue id (sender, Message-ID, client, who is still deferred) is remembered until the
 * message is removed, for as many messages as maillog_settings allows; the one used longest ago goes first.
 *
 * Fields are read from the front, in the order in which Postfix writes them, and an address from `<` to the
 * `>` that is not in quotes: neither a remote server's words nor an odd local part can be taken for a field.
 * That needs info_log_addr_form = external, Postfix's default since 3.5.
 *
 * One thread at a time. */
#ifndef LEADGATE_MAILLOG_H
#define LEADGATE_MAILLOG_H

#include "leadgate/bounce.h"
#include "leadgate/event.h"
#include "leadgate/network.h"
#include "leadgate/provider.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum delivery_kind {
    DELIVERY_SENT = 1, /* the remote server took it */
    DELIVERY_BOUNCED,  /* refused for good, by the remote server or by this Postfix */
    DELIVERY_DEFERRED, /* failed for now */
    DELIVERY_EXPIRED,  /* given up; with the words of its last deferral */
};

/* One try to deliver one message to one recipient. Borrowed for the call. */
struct delivery {
    enum delivery_kind kind;
    struct finding finding; /* lead: orig_to, else to; cause CAUSE_NONE for DELIVERY_SENT */
    int64_t at, sent; /* of the line; when the message came into the queue, to the second (0 = not known) */
    struct span queue_id;
    struct span message; /* Message-ID without <>, else the queue id */
    struct span relay;   /* the host's name; empty = none was reached */
    /* Of the relay, or of the host that could not be reached; empty = not known, or the sender's own house.
     */
    struct span provider;
    /* Of the message, where its lines have been seen; empty = not known. */
    bool sender_known;
    struct span sender; /* without <>; empty = the null sender, if it is known */
    struct span client_address, sasl_username;
};

struct maillog_settings {
    struct bounce_context context; /* addresses and rules */
    /* Mail to these is about our bounces, not for a lead. */
    const struct address *bounce_addresses;
    size_t n_bounce_addresses;
    /* Hosts that are no remote servers: a content filter, the mail server behind us. */
    const struct network *internal_relays;
    size_t n_internal_relays;
    size_t messages; /* that many are remembered at most; at least 1 */
};

struct maillog;

/* settings is copied, what it points to borrowed. NULL when out of memory. */
struct maillog *maillog_new(const struct maillog_settings *settings);
void maillog_free(struct maillog *maillog); /* NULL is fine */

typedef void maillog_fn(void *ctx, const struct delivery *delivery);

/* Reads one line, without its line end, and calls fn for each delivery that it tells of: none for most lines,
 * one for each recipient still deferred where a message expires. now: when the line was written, as far as
 * the caller knows: the clock for a line that has just come, the file's modification time for an old one. fn
 * may be NULL: the line is only remembered. False when the line is not one of Postfix's, or not understood.
 */
bool maillog_line(struct maillog *maillog, struct span line, int64_t now, maillog_fn *fn, void *ctx);

/* What has been read, since maillog_new(). */
struct maillog_tally {
    int64_t lines, foreign; /* foreign: not Postfix's, or not understood */
    int64_t deliveries;     /* told of */
    int64_t local;          /* passed over: local and internal deliveries, our own refusals, bounces */
    int64_t forgotten;      /* messages that made room for others before they were removed */
};
struct maillog_tally maillog_tally(const struct maillog *maillog);

/* The event that a delivery is. Its texts are the delivery's. */
void delivery_event(const struct delivery *delivery, struct event *event);

#endif
