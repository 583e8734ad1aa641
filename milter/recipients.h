/* SPDX-License-Identifier: BSD-2-Clause */
/* recipients: those of one mail on its way out, and what becomes of each. One thread at a time. */
#ifndef LEADGATE_MILTER_RECIPIENTS_H
#define LEADGATE_MILTER_RECIPIENTS_H

#include "milter/message.h"

enum fate {
    FATE_PASSES,
    FATE_EXEMPT,     /* passes, whatever stands against it; nobody is asked */
    FATE_SUPPRESSED, /* is taken out, as the ones behind */
    FATE_DUPLICATE,
};

/* All zero is none. */
struct recipients {
    size_t n, size;
    char **spelled; /* as the MTA spelled them: the only form in which it takes them out again */
    struct address *leads;
    enum fate *fates;
    struct ruling *rulings; /* of the suppressed ones; NULL until they are judged */
    size_t unnamed;         /* those that are not kept: no addresses */
    size_t removed;         /* how many are taken out */
};

void recipients_free(struct recipients *recipients); /* leaves none; twice is fine */

/* lead: NULL when it is no address, against which nothing can stand. spelled is copied. Without memory the
 * recipient is not kept, and so passes. */
void recipients_add(struct recipients *recipients, struct span spelled, const struct address *lead,
                    bool exempt);

/* Asks what stands against those that pass and judges it by the stream. STORE_DOWN with err: nobody knows,
 * and none is suppressed. */
enum store_rc recipients_judge(struct recipients *recipients, const struct stream *stream,
                               const struct message_store *store, int64_t now, struct err *err);
/* Notes that those that pass are sent the campaign; whoever has got it is a duplicate. STORE_DOWN with err:
 * nobody knows any more who has, and the others pass. */
enum store_rc recipients_note_campaign(struct recipients *recipients, const struct campaign *campaign,
                                       const struct message_store *store, struct err *err);
/* Those of that fate pass after all. */
void recipients_spare(struct recipients *recipients, enum fate fate);

/* How many are not taken out, unnamed ones too. */
size_t recipients_left(const struct recipients *recipients);
/* The lead, when one is left and it has a name; else NULL. */
const struct address *recipients_only(const struct recipients *recipients);

/* The next one of that fate, in *i; false when there is none left. *next begins at 0. */
bool recipients_next(const struct recipients *recipients, enum fate fate, size_t *next, size_t *i);
/* The next one that is taken out, in the MTA's spelling; or that is not, as its lead. NULL when there is none
 * left. */
const char *recipients_next_removed(const struct recipients *recipients, size_t *next);
const struct address *recipients_next_left(const struct recipients *recipients, size_t *next);

#endif
