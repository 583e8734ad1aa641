/* SPDX-License-Identifier: BSD-2-Clause */
/* counters, from the inside: what leaves the table for Redis, for the two ways there: over a blocking
 * connection (counters_flush.c) and behind a program's questions (lookup.c). */
#ifndef LEADGATE_STORE_COUNTERS_INTERNAL_H
#define LEADGATE_STORE_COUNTERS_INTERNAL_H

#include "leadgate/counters.h"

#include <hiredis/hiredis.h>

struct counter {
    struct counter *next;
    int64_t amount;
    bool gauge; /* it is set, not added */
    size_t n;
    char name[];
};

/* What is on its way: one command for each counter, answered in this order. All zero is nothing. One thread.
 */
struct batch {
    struct counters *counters;
    struct counter *first; /* the next one to be answered; NULL = all are */
    struct err refusal;    /* what Redis had against one of them; "" = nothing so far */
};

/* Takes all that is counted out of the table. False when that is nothing. The batch before it is answered. */
bool batch_take(struct batch *batch, struct counters *counters);

/* Redis's answer to the first one. An error puts it back into the table; NULL, no answer will come, gives it
 * up. */
void batch_answer(struct batch *batch, const redisReply *reply);

/* Puts back what could not be sent: all from *rest, a link of the batch's list, on. */
void batch_keep(struct batch *batch, struct counter **rest);

/* A command in hiredis's argv form; it borrows from the counter. */
enum { COUNTER_ARGS = 4 };

struct counter_command {
    const char *argv[COUNTER_ARGS];
    size_t len[COUNTER_ARGS];
    char amount[24];
};

void counter_command_make(struct counter_command *command, const struct counter *counter);

#endif
