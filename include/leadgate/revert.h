/* SPDX-License-Identifier: BSD-2-Clause */
/* revert: bounces taken back: the leads are again as if those had never come. For an operator, and for an
 * incident, whose bounces were the provider's fault.
 *
 * A bounce can be taken back for two days, as long as nothing stands on it: no later bounce that is not taken
 * back with it, no delivery, no engagement, no operator's word. Deferrals, unsubscribes and resubscribes
 * stand on no bounce. Of a lead with several, those that can be are taken back, the newest first. What cannot
 * be is left alone: all of it stays, the opt-out too.
 *
 * Taken back is what the bounce led to: strikes, cause, cycle, series, since, until, struck, doubted, score,
 * seen, and the opt-out (a bounce never replaces one: before it there was none). What is kept is that it
 * happened: bounced, message, noted, status, diag, provider, the used token; by these the same bounce is a
 * repeat when its mail or its log is read again. rev goes on counting. What the recipient refused, and
 * whitelisting, have nothing to do with it.
 *
 * A revert is one step for each lead, against which any program that changes the lead at that moment wins or
 * starts anew. Done twice it is done once. */
#ifndef LEADGATE_REVERT_H
#define LEADGATE_REVERT_H

#include "leadgate/store.h"

struct revert_plan {
    struct span provider; /* as the events named it, ASCII case ignored; empty = every one */
    int64_t since;   /* when the bounces happened, both included; an incident that is open knows no end: */
    int64_t until;   /* INT64_MAX, else what has just been added stands on what is to be taken back */
    uint64_t causes; /* revert_cause() of each, or-ed; 0 = every one */
    /* Whether the remote server's words, cut to 127 bytes, are such. NULL = all are. */
    bool (*match)(void *ctx, struct span words);
    void *match_ctx;
    bool dry_run;    /* changes nothing, and tells what would be done */
    struct span by;  /* for the lead's log: its source, `operator` or `incident` */
    struct span why; /* and its evidence, free text */
};

static inline uint64_t revert_cause(enum cause cause)
{
    return UINT64_C(1) << cause;
}

/* For so many seconds a bounce is kept to be taken back, from when it was read. */
int64_t revert_kept(void);

/* What was, or would be, done about one lead that has such bounces. */
struct reverted {
    const struct address *lead;
    int bounces;     /* that are taken back; 0 = none */
    bool left_alone; /* something stands on some of them, or on all */
    /* The last of them. */
    enum cause cause;
    int64_t at;
    struct span provider, words;
    struct optout optout;   /* the opt-out that is taken away; .present = there is one */
    const struct lead *was; /* before it is done, and afterwards; the same when bounces is 0 */
    const struct lead *is;
};

/* Once for each lead; the spans and pointers live for the call. (Twice, perhaps, when a program died after it
 * had put a bounce into the list and before it committed it.) It may not use the store. */
typedef void revert_fn(void *ctx, const struct reverted *lead);

struct revert_tally {
    int64_t leads;      /* of which bounces were taken back */
    int64_t bounces;    /* how many */
    int64_t let_in;     /* leads whose opt-out was taken away */
    int64_t left_alone; /* leads on whose bounces something stands */
};

/* Takes back what the plan names. fn may be NULL. Reads and writes in batches of some hundred leads, in
 * constant memory, while others go on committing: what they commit meanwhile may be seen or not. STORE_DOWN:
 * some are done; the tally says how many; running it again does the rest.
 *
 * A program that holds up bounces from now on (incident) should run it once more when the others have
 * noticed: a bounce that was on its way to be committed is in the list afterwards only. */
enum store_rc revert_run(struct store *store, const struct revert_plan *plan, int64_t now, revert_fn *fn,
                         void *ctx, struct revert_tally *tally, struct err *err);

#endif
