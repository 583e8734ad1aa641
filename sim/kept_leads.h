/* SPDX-License-Identifier: BSD-2-Clause */
/* kept_leads: what a rehearsal remembers of each lead, packed: a struct lead and its address are a thousand
 * bytes, of which the lifecycle of a lead without an application's events needs a sixth. */
#ifndef LEADGATE_SIM_KEPT_LEADS_H
#define LEADGATE_SIM_KEPT_LEADS_H

#include "leadgate/lead.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KEPT_MAILS 3

/* A mail: its hash, with what was decided about it in the lowest byte. 0 = none. */
#define MAIL_CAUSE   UINT64_C(0x1f) /* of the opt-out for which it is refused; CAUSE_NONE = it is not */
#define MAIL_ENDED   UINT64_C(0x20) /* that opt-out is for good */
#define MAIL_DONE    UINT64_C(0x40) /* its outcome is known */
#define MAIL_BITS    UINT64_C(0xff)
#define MAIL_PRESENT UINT64_C(0x100) /* always set: a hash is never all zero */

/* Nothing lifts an opt-out here but its end, so the key that stands in Redis is told by the lead's own
 * `since` and `until`, and its cause. */
struct kept_lead {
    int64_t seen, since, until, series, delivered, bounced, struck, deferred, doubted, scored;
    uint64_t message, noted; /* hashes; 0 = none */
    uint64_t mails[KEPT_MAILS];
    uint32_t strikes, cycle, deliveries;
    int32_t score;
    uint32_t out;      /* 1 << cause: opted out for it */
    uint32_t missed;   /* 1 << cause: a good mail would not have been sent for it */
    uint16_t provider; /* the last one known */
    uint16_t n;        /* length of the address */
    uint8_t cause, optout_cause;
    uint8_t oldest;    /* of mails[] */
    bool missed_ended; /* a good mail would not have been sent, with her opted out for good */
    char address[];
};

struct kept_slot {
    uint64_t hash; /* 0 = empty */
    struct kept_lead *lead;
};

struct kept_chunk;

struct kept_leads {
    struct kept_slot *slots;
    size_t n, room;
    struct kept_chunk *chunks;
};

/* The lead of that address, all zero when it is new. NULL when out of memory. */
struct kept_lead *kept_leads_take(struct kept_leads *leads, struct span address);
/* NULL when there is none. */
struct kept_lead *kept_leads_find(const struct kept_leads *leads, struct span address);
void kept_leads_free(struct kept_leads *leads);

/* A message's name as it is kept, and given to lead_apply(): the hash in hexadecimal digits, "" for none. */
#define KEPT_MESSAGE_SIZE 17
void kept_message(char dst[KEPT_MESSAGE_SIZE], struct span message);

void kept_lead_unpack(const struct kept_lead *kept, struct lead *lead);
void kept_lead_pack(struct kept_lead *kept, const struct lead *lead);

/* Whether the last opt-out still stands at that time; it may have begun later. */
bool kept_lead_is_out(const struct kept_lead *kept, int64_t at);

#endif
