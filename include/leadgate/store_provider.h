/* SPDX-License-Identifier: BSD-2-Clause */
/* store_provider: what Redis remembers of providers: which domains are theirs, and what they answered.
 *
 * A provider is named as settings_provider() names it: shorter than PROVIDER_SIZE, never empty. STORE_DOWN is
 * as in store.h; what an operator has written by hand is obeyed as far as it can be read. */
#ifndef LEADGATE_STORE_PROVIDER_H
#define LEADGATE_STORE_PROVIDER_H

#include "leadgate/event.h"
#include "leadgate/incident.h"
#include "leadgate/provider.h"
#include "leadgate/store.h"

/* --- domains --- */

/* Who answers for each of n recipient domains, as far as that was seen in the last 90 days; "" = not known.
 * What was asked for, or noted, lately is not asked again. */
enum store_rc store_find_domains(struct store *store, const struct span *domains, size_t n,
                                 char (*providers)[PROVIDER_SIZE], struct err *err);

/* --- answers --- */

/* A bounce, a delivery or a deferral that was applied, and was no repeat: event->provider answered it.
 * Borrowed for the call. */
struct answer {
    const struct event *event;
    bool known;    /* the lead had taken mail before: struct outcome */
    bool risky;    /* and whether it was a risky one: the same */
    bool learned;  /* that it is the provider of the lead's domain was seen, not guessed */
    int64_t since; /* of the incident's step that it came after; 0 = there is none */
};

/* Counts n answers, each in the five minutes and the day of its own time, adds the leads to those who were
 * tried, and remembers which domains are whose; all in one write. Deliveries, deferrals and bounces are
 * tries; a deferral is a fault as a bounce of its cause is. What is older than is kept is not counted.
 * Whether what was under way when the connection broke has been counted nobody can tell; it is not counted
 * twice. */
enum store_rc store_note_answers(struct store *store, const struct answer *answers, size_t n, int64_t now,
                                 struct err *err);

/* What was counted of a provider. */
struct provider_sum {
    struct provider_count count;
    int64_t delivered; /* tries that the provider took */
    int64_t invalid;   /* bounces that were not excused: no such user, no such domain */
    int64_t logged;    /* tries that the delivery log told of: without one nobody knows of deliveries */
};

/* A stretch of time, in whole five minutes or days of UTC, or from an incident's step on. */
struct stretch {
    enum { STRETCH_FIVES = 1, STRETCH_DAYS, STRETCH_STEP } of;
    int64_t from, to; /* seconds; the first and the last five minutes, or day, are those that hold them. Of a
                         step: when it was, in both */
};

/* The sums of n providers in a stretch of time, in one write. Of days the leads are not known, and 0. */
enum store_rc store_sum_answers(struct store *store, const struct span *providers, size_t n,
                                struct stretch stretch, struct provider_sum *out, struct err *err);

/* Takes back that recipients were said not to exist, in the five minutes from the first to the last of these
 * times and in their days, as far as these are kept: that was the provider's fault, and says nothing of the
 * sender's list. Twice is once. */
enum store_rc store_forgive_invalid(struct store *store, struct span provider, int64_t from, int64_t to,
                                    struct err *err);

#endif
