/* SPDX-License-Identifier: BSD-2-Clause */
/* rehearsal: a history of deliveries, gone through again as if Leadgate had stood at the door. It is told of
 * one try to deliver after the other, in about the order in which they happened, and knows from each lead's
 * state, kept by lead_apply(), whether the mail would have been refused at RCPT TO when it was handed in.
 *
 * A mail that would have been refused would not have been sent: what became of it says whether that saves a
 * useless mail or costs a good one, and nothing follows from it for the lead. All others are applied. A
 * temporary opt-out ends by itself, as its key in Redis does.
 *
 * In memory: some 200 bytes for each lead, whatever the number of her mails, and a few for each provider and
 * day. What that leaves out:
 *  - Of a lead's mails the last three are remembered, to count each of them once and to decide on it once. Of
 *    more that are in the queue at the same time, one may be counted as waiting although it is done later.
 *  - Of a lead's opt-outs the last one is remembered: a mail that was handed in during one and is heard of
 *    only after the next one has begun is taken as sent.
 *  - Messages and their ids are told apart by hashes of 64 and 55 bits.
 *  - The first REHEARSAL_PROVIDERS providers are told apart; what comes later is one provider, "others".
 *
 * No I/O, no clock, no randomness: the same history gives the same counts. One thread at a time. */
#ifndef LEADGATE_REHEARSAL_H
#define LEADGATE_REHEARSAL_H

#include "leadgate/event.h"
#include "leadgate/lead.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REHEARSAL_PROVIDERS 8192

/* One try. Borrowed for the call. */
struct rehearsal_mail {
    const struct event *event; /* EVENT_DELIVERED, EVENT_BOUNCE or EVENT_DEFERRED, with at > 0 */
    struct span id;            /* of the message: its queue id */
    uint32_t enforced; /* 1 << cause for each that the mail's stream enforces; 0 = it is never refused */
};

/* Mails of which the outcome is known. What would have been sent with Leadgate is what is left of `mails`
 * without `saved` and `missed`. */
struct rehearsal_count {
    int64_t mails;
    int64_t failed;        /* of them: bounced or expired */
    int64_t invalid;       /* of these: user-unknown, domain-unknown */
    int64_t saved;         /* would not have been sent, and failed */
    int64_t saved_invalid; /* of these: user-unknown, domain-unknown */
    int64_t missed;        /* would not have been sent, and arrived */
};

/* What a cause did. Leads are counted once for each cause. */
struct rehearsal_cause {
    int64_t failed, saved; /* mails that failed for it */
    int64_t optouts;       /* how often it opted a lead out */
    int64_t leads;         /* how many leads those were */
    int64_t ended;         /* of these: how many were opted out for good */
    int64_t missed;        /* mails that would not have been sent for it, and arrived: the price */
    int64_t missed_leads;  /* how many leads those were to */
    int64_t missed_ended;  /* of these: how many were opted out for good then: the worst of it */
};

struct rehearsal_result {
    struct rehearsal_count count;
    struct rehearsal_cause of[CAUSES];  /* failed: by the cause of the failure; else by that of the opt-out */
    struct rehearsal_cause all;         /* whatever the cause; leads are counted once */
    int64_t leads;                      /* different ones */
    int64_t waiting;                    /* mails that were deferred, and of which no more was heard */
    int64_t deferrals;                  /* tries that failed for now */
    int64_t first, last;                /* when the history begins and ends; 0 = it is empty */
    int64_t suspended_last, ended_last; /* leads opted out at `last`: for a time, for good */
};

/* A day of UTC: seconds since the epoch by 86400. */
struct rehearsal_day {
    int64_t day;
    struct rehearsal_count count;
};

struct rehearsal_provider {
    const char *name;           /* "" = no host was reached, or none that has a provider */
    int64_t leads, ended;       /* opted out, by who answered for the lead then; of these: for good */
    struct rehearsal_day *days; /* ascending; only those with a mail */
    size_t n;
};

struct rehearsal;

/* settings is borrowed and must outlive the rehearsal. NULL when out of memory. */
struct rehearsal *rehearsal_new(const struct lead_settings *settings);
void rehearsal_free(struct rehearsal *rehearsal); /* NULL is fine */

/* 0, or -1 when out of memory. */
int rehearsal_add(struct rehearsal *rehearsal, const struct rehearsal_mail *mail);

/* What came of it so far. *out is written. */
void rehearsal_sum(const struct rehearsal *rehearsal, struct rehearsal_result *out);

/* In the order in which they were first heard of, whatever the settings. They live until the next
 * rehearsal_add(). */
const struct rehearsal_provider *rehearsal_providers(const struct rehearsal *rehearsal, size_t *n);

/* A lead's state: what lead_apply() looks at. Of its texts only the messages are kept, and those as
 * hashes. False when nothing is known of her. */
bool rehearsal_find(const struct rehearsal *rehearsal, const struct address *address, struct lead *out,
                    struct optout *optout);

#endif
