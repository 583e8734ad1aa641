/* SPDX-License-Identifier: BSD-2-Clause */
/* campaign: who has been sent one already, so that nobody gets it twice. One key per campaign and lead, which
 * Redis forgets by itself. */
#ifndef LEADGATE_CAMPAIGN_H
#define LEADGATE_CAMPAIGN_H

#include "leadgate/store.h"

struct campaign {
    uint64_t name;     /* hash_bytes() of what names it */
    struct span queue; /* the queue id of the mail that is on its way now */
    int64_t window;    /* seconds for which it is remembered; at least 1 */
};

/* Notes that n leads are sent the campaign now, in one round trip; seen[i]: by another mail it was sent to
 * the lead before. Asked about the same mail again the answer is the same. STORE_DOWN: nobody knows, and some
 * may be noted. */
enum store_rc store_note_campaign(struct store *store, const struct campaign *campaign,
                                  const struct address *leads, size_t n, bool *seen, struct err *err);

#endif
