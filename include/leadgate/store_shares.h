/* SPDX-License-Identifier: BSD-2-Clause */
/* store_shares: how many of a provider's recipients do not exist, for each stream, of the last 24 hours:
 * added up from the five minutes by whoever leads, and put together in the hash leadgate:shares, so that
 * whoever has to go by them asks for a few numbers. STORE_DOWN is as in store.h. */
#ifndef LEADGATE_STORE_SHARES_H
#define LEADGATE_STORE_SHARES_H

#include "leadgate/provider.h"
#include "leadgate/store.h"
#include "leadgate/store_incident.h"

struct share {
    char provider[PROVIDER_SIZE], stream[STREAM_NAME_SIZE]; /* stream "*" = all mail */
    int64_t tries, invalid; /* that were answered for good: of a deferral there will be another try */
    int64_t answered;       /* of all mail only: risky leads let pass from since on, and answered for good */
    int64_t since;          /* a number of five minutes: under_way_since() when it was added up; 0 = of now */
};

/* Risky leads who were let pass in these five minutes, or in one of the three before them, are under way
 * until they are answered for good; older ones are not waited for. under_way_since(): the number of the
 * first. */
#define UNDER_WAY_FIVES 3

static inline int64_t under_way_since(int64_t now)
{
    return now / 300 - UNDER_WAY_FIVES;
}

/* All zeros is an empty list. */
struct share_list {
    struct share *item;
    size_t n, room;
};

void share_list_free(struct share_list *list); /* leaves it empty; twice is fine */

/* Adds those of n providers in the 24 hours before `now`; none of a provider that was tried less often than
 * `least` since yesterday began, or of which the delivery log tells nothing: without its deliveries a share
 * says nothing. */
enum store_rc store_sum_shares(struct store *store, const struct span *providers, size_t n, int64_t now,
                               int64_t least, struct share_list *out, struct err *err);

/* Writes leadgate:shares anew, whatever was there. It is forgotten after an hour. */
enum store_rc store_write_shares(struct store *store, const struct share_list *list, struct err *err);

/* Adds the providers that are in it. */
enum store_rc store_list_shared(struct store *store, struct provider_list *list, struct err *err);

/* Notes that a share is too high, by a word for how much; *first: that was not noted in the last `life`
 * seconds. */
enum store_rc store_note_warning(struct store *store, struct span provider, struct span stream,
                                 const char *word, int64_t life, bool *first, struct err *err);

#endif
