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
#define BOUNCED_KEY    "leadgate:bounced" /* :N, stream, bounces of the hour N since the epoch (bounced.h) */

#define PROVIDERS_KEY "leadgate:providers" /* zset, provider -> when it was last heard of */
#define SHARES_KEY    "leadgate:shares"    /* hash, PROVIDER/STREAM -> `tries invalid …` (store_shares.h) */
#define INCIDENTS_KEY "leadgate:incidents" /* stream, every step of every incident, capped */
#define OPEN_KEY      "leadgate:open" /* set, providers with an incident, so that they need not be searched */
#define LEADER_KEY    "leadgate:leader" /* string with a TTL, the feed that looks for incidents */
#define PASSED_KEY    "leadgate:passed" /* zset with a TTL, provider -> when a risky lead was let pass last */
#define FOLLOWED_KEY  "leadgate:followed" /* string with a TTL, a feed that follows a delivery log */

/* What is kept of a provider. A script puts the name between these itself: it learns it on the way. */
#define PROVIDER_BEFORE   "provider:{"
#define PROVIDER_HOLD     "}:hold"     /* string with a TTL: held */
#define PROVIDER_INCIDENT "}:incident" /* hash, the incident that is open */
#define PROVIDER_RELEASE  "}:release"  /* string with a TTL: the guard lets pass */
#define PROVIDER_ENDED    "}:ended"    /* string with a TTL: when the last incident ended */
#define PROVIDER_PASSED   "}:passed"   /* hash with a TTL, N = time / 300 -> risky leads that were let pass */

#define EVENTS_GROUP "leadgate" /* the consumer group that reads leadgate:events */

struct key {
    char text[ADDRESS_SIZE + 32];
    size_t n;
};

enum key_kind {
    KEY_LEAD,             /* lead:{ADDR}          hash, the history */
    KEY_OPTOUT,           /* lead:{ADDR}:optout   string, suppressed for its health */
    KEY_REFUSED,          /* lead:{ADDR}:refused  hash, the recipient's will */
    KEY_ALLOW,            /* lead:{ADDR}:allow    string, whitelisted */
    KEY_LOG,              /* lead:{ADDR}:log      stream, what changed and why */
    KEY_TOKENS,           /* lead:{ADDR}:tokens   hash, EVENT:TOKEN -> when it convicted her */
    KEY_RETURNING,        /* lead:{ADDR}:returning  string, comes back from a temporary opt-out, with a TTL */
    KEY_UNDO,             /* lead:{ADDR}:undo     string, what her last bounces replaced (undo.h) */
    KEY_DOMAIN_ALLOW,     /* domain:{DOMAIN}:allow */
    KEY_DOMAIN_RETURNING, /* domain:{DOMAIN}:returning  string with a TTL: leads of it may come back */
    KEY_DOMAIN_HOLD,      /* domain:{DOMAIN}:hold */
    KEY_KINDS
};

void key_make(struct key *key, enum key_kind kind, const struct address *lead);

/* lead:{ADDR}:sent:CAMPAIGN  string, the queue id of the mail by which the lead was sent the campaign; 16
 * hexadecimal digits, with a TTL */
void key_make_sent(struct key *key, const struct address *lead, uint64_t campaign);

/* domain:{DOMAIN}  hash, what is known of a recipient domain: provider, at */
void key_make_domain(struct key *key, struct span domain);

/* Keys of a provider; the name is shorter than PROVIDER_SIZE. Each carries the hash tag {P}. */
enum provider_key {
    OF_PROVIDER_HOLD,     /* provider:{P}:hold */
    OF_PROVIDER_INCIDENT, /* provider:{P}:incident */
    OF_PROVIDER_RELEASE,  /* provider:{P}:release */
    OF_PROVIDER_ENDED,    /* provider:{P}:ended */
    OF_PROVIDER_PASSED,   /* provider:{P}:passed */
    OF_PROVIDER_KEYS
};

void key_make_provider(struct key *key, enum provider_key kind, struct span provider);

/* What is counted of a provider, in stretches of time that have numbers; and beside each hash of counts a
 * HyperLogLog of the leads that were tried. */
enum provider_count_key {
    COUNT_FIVE, /* provider:{P}:five:N  hash, five minutes, N = time / 300; with `:leads` behind it */
    COUNT_DAY,  /* provider:{P}:day:N   hash, a day, N = time / 86400; without leads */
    COUNT_STEP, /* provider:{P}:step:N  hash, what came after an incident's step at N; with `:leads` */
    COUNT_KEYS
};

/* The number is left out where it is below 0: what all of them begin with. */
void key_make_count(struct key *key, enum provider_count_key kind, struct span provider, int64_t number);
void key_make_leads(struct key *key, enum provider_count_key kind, struct span provider, int64_t number);

/* provider:{P}:warned:WORD:STREAM  string with a TTL, that its share is too high has been said */
void key_make_warning(struct key *key, struct span provider, struct span stream, const char *word);

/* Whether a key that Redis names is of that kind; *name is then what stands in the braces. */
bool key_is(struct span key, enum key_kind kind, struct span *name);

#endif
