/* SPDX-License-Identifier: BSD-2-Clause */
/* lookup_link: the connection of a lookup: made, greeted, watched, given up and made again. */
#ifndef LEADGATE_STORE_LOOKUP_LINK_H
#define LEADGATE_STORE_LOOKUP_LINK_H

#include "leadgate/lookup.h"
#include "store/backoff.h"
#include "store/counters.h"

#include <hiredis/async.h>

/* DOWN: waiting for the back-off. TRYING: connecting, greeting; that the scripts load tells that Redis
 * serves. Only when UP is anything asked; else the answer is "nobody knows" at once, because a mail server
 * waits for it. */
enum lookup_state { LOOKUP_DOWN = 1, LOOKUP_TRYING, LOOKUP_UP };

enum lookup_script { LOOKUP_QUESTION, LOOKUP_DOMAIN, LOOKUP_SCRIPTS };

struct ask;

struct lookup {
    struct event_base *base;
    const struct store_settings *settings;
    lookup_state_fn *tell;
    void *tell_ctx;
    enum lookup_state state;
    redisAsyncContext *context; /* NULL: none, or one that is being freed */
    int64_t tried;              /* monotonic milliseconds, when the connection was begun */
    struct event *retry, *deadline;
    struct backoff backoff;
    struct ask *oldest, *newest, *spare;
    struct batch batch;           /* counters that are being added */
    int64_t batch_sent;           /* monotonic milliseconds */
    char sha[LOOKUP_SCRIPTS][41]; /* of the loaded scripts, in hexadecimal */
    int loaded;                   /* how many of them are, in a greeting */
    char reason[200];             /* why it is down, or what the greeting met; "" = nothing wrong */
    bool told;                    /* that it is down */
};

/* Something has been sent: an answer is waited for from now on. */
void lookup_watch(struct lookup *lookup);

/* In lookup.c: since when an answer is waited for, monotonic milliseconds; 0 = for none. */
int64_t lookup_waits_since(const struct lookup *lookup);
/* In lookup.c: frees what it keeps to use again. */
void lookup_free_asks(struct lookup *lookup);

#endif
