/* SPDX-License-Identifier: BSD-2-Clause */
/* keys: the key schema, the only place that spells a Redis key. All keys of one lead carry the hash tag
 * {ADDR}, so that one script may touch them all (Redis cluster specification). */
#ifndef LEADGATE_STORE_KEYS_H
#define LEADGATE_STORE_KEYS_H

#include "leadgate/address.h"

#include <stddef.h>
#include <stdint.h>

#define JOURNAL_KEY    "leadgate:journal"    /* stream, every change of an opt-out, capped */
#define COUNTERS_KEY   "leadgate:counters"   /* hash, what the programs did and what they met */
#define EVENTS_KEY     "leadgate:events"     /* stream, what applications report, until it is applied */
#define REJECTED_KEY   "leadgate:rejected"   /* stream, what of it could not be understood, capped */
#define POSITIONS_KEY  "leadgate:positions"  /* hash, HOST:PATH -> how far a log has been read */
#define UNVERIFIED_KEY "leadgate:unverified" /* stream, bounces that nothing vouches for, capped */

#define EVENTS_GROUP "leadgate" /* the consumer group that reads leadgate:events */

struct key {
    char text[ADDRESS_SIZE + 32];
    size_t n;
};

enum key_kind {
    KEY_LEAD,         /* lead:{ADDR}          hash, the history */
    KEY_OPTOUT,       /* lead:{ADDR}:optout   string, suppressed for its health */
    KEY_REFUSED,      /* lead:{ADDR}:refused  hash, the recipient's will */
    KEY_ALLOW,        /* lead:{ADDR}:allow    string, whitelisted */
    KEY_LOG,          /* lead:{ADDR}:log      stream, what changed and why */
    KEY_TOKENS,       /* lead:{ADDR}:tokens   hash, EVENT:TOKEN -> when it convicted her */
    KEY_DOMAIN_ALLOW, /* domain:{DOMAIN}:allow */
    KEY_DOMAIN_HOLD,  /* domain:{DOMAIN}:hold */
    KEY_KINDS
};

void key_make(struct key *key, enum key_kind kind, const struct address *lead);

/* lead:{ADDR}:sent:CAMPAIGN  string, the queue id of the mail by which the lead was sent the campaign; 16
 * hexadecimal digits, with a TTL */
void key_make_sent(struct key *key, const struct address *lead, uint64_t campaign);

/* Whether a key that Redis names is of that kind; *name is then what stands in the braces. */
bool key_is(struct span key, enum key_kind kind, struct span *name);

#endif
