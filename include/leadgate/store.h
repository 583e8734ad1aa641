/* SPDX-License-Identifier: BSD-2-Clause */
/* store: what Redis remembers about leads. One store is one blocking connection: one thread at a time. It
 * connects when it is first needed and again, with back-off, when the connection broke. Arguments are
 * borrowed for the call.
 *
 * Every answer is one of three: OK, "Redis cannot serve us now" (try later, nothing was changed or nothing is
 * known to have been), and, for one lead only, values that an operator wrote by hand, which are obeyed as far
 * as they can be read. A key that is there counts as there, whatever its type or value. */
#ifndef LEADGATE_STORE_H
#define LEADGATE_STORE_H

#include "leadgate/address.h"
#include "leadgate/endpoint.h"
#include "leadgate/err.h"
#include "leadgate/event.h"
#include "leadgate/lead.h"
#include "leadgate/provider.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store_settings {
    struct endpoint address;
    int64_t database;
    char *username;     /* "" = the default user */
    char *password;     /* "" = no AUTH */
    int64_t timeout;    /* milliseconds for connecting and for one answer */
    int64_t retention;  /* seconds that a lead's history is kept after its last event */
    int64_t journal;    /* about how many changes leadgate:journal keeps */
    int64_t unverified; /* about how many bounces leadgate:unverified keeps */
};

enum store_rc {
    STORE_OK = 1,
    STORE_DOWN, /* unreachable, too slow, LOADING, READONLY, OOM, MISCONF, NOAUTH, ...; err has Redis's words
                 */
};

#define STREAM_NAME_SIZE 64

/* The recipient's will about one stream: an entry of lead:{ADDR}:refused. */
struct refusal {
    char stream[STREAM_NAME_SIZE]; /* "*" = every stream */
    enum cause cause; /* CAUSE_COMPLAINT, CAUSE_UNSUBSCRIBE; CAUSE_MANUAL for whatever else stands there */
    int64_t since;    /* 0 = not said */
};

/* So many entries keep the names of their streams. What is beyond them is not dropped, but counts for every
 * stream: at most one entry more for each cause. */
#define REFUSALS_NAMED 8
#define REFUSALS_MOST  (REFUSALS_NAMED + 3)

/* What stands against a recipient at RCPT TO, in whatever stream. What of it counts in one is told by
 * stream_judge(). */
struct suppression {
    bool
        allowed; /* whitelisted: optout does not apply, refusals still do; only told where anything else is */
    struct optout optout; /* .present = opted out for its health */
    size_t n_refusals;
    struct refusal refusals[REFUSALS_MOST];
    bool returning; /* a temporary opt-out was made, and she has taken no mail since; told with `standing` */
    struct {
        bool known; /* the rest is told, and so is `allowed` */
        int64_t delivered, score;
    } standing; /* of her history, as in struct lead */
};

struct store;

/* NULL only when out of memory. settings is borrowed and must outlive the store. Does not connect. */
struct store *store_new(const struct store_settings *settings);
void store_free(struct store *store); /* NULL is fine */

/* Whether Redis answers and takes writes. Puts a warning for the operator in `warning` ("" = none) when Redis
 * may evict keys (maxmemory-policy) or does not persist them. */
enum store_rc store_check(struct store *store, struct err *warning, struct err *err);

/* Which connection to Redis it is: another number than before tells that one was lost, and that Redis may
 * have come back with an older copy of its data. */
int64_t store_session(const struct store *store);

/* What one event did. */
struct outcome {
    enum effect effect;
    struct change change;
    struct optout before; /* the opt-out that stood when it was applied */
    int64_t strikes;      /* the lead's, afterwards */
    bool known;           /* she had taken mail before */
    bool risky;           /* guard_is_risky() said so before */
    /* Of what answers_apply() made: */
    char provider[PROVIDER_SIZE]; /* who answered; "" = not known */
    bool excused;                 /* an incident explains it */
    bool odd; /* a key of this lead had a type that is not ours; it was set aside as KEY:odd or obeyed */
};

/* Applies n events, in order where they concern one lead: reads, lead_apply(), commits by compare-and-set,
 * and again for those that lost a race. All commands of a round go out in one write. STORE_OK: all are
 * applied and outcomes[] is filled. STORE_DOWN: some may be; applying all of them again later changes nothing
 * twice. */
enum store_rc store_apply(struct store *store, const struct lead_settings *settings,
                          const struct event *events, size_t n, int64_t now, struct outcome *outcomes,
                          struct err *err);

/* What stands against n recipients, in one round trip. */
enum store_rc store_find_suppressions(struct store *store, const struct address *leads, size_t n, int64_t now,
                                      struct suppression *found, struct err *err);

/* One log line for an event and what it did. */
void outcome_log(const struct event *event, const struct outcome *outcome);

#endif
