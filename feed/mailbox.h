/* SPDX-License-Identifier: BSD-2-Clause */
/* mailbox: works through a Maildir's new/, some mails a step, and lets go of each mail only when what it says
 * is committed. Knows no loop: a run from cron steps until nothing is left, watch.c steps between other
 * things. */
#ifndef FEED_MAILBOX_H
#define FEED_MAILBOX_H

#include "feed/intake.h"
#include "leadgate/err.h"
#include "leadgate/settings.h"

#include <stdbool.h>
#include <stdint.h>

struct mailbox;

/* path, settings and intake are borrowed and must outlive the mailbox. NULL when out of memory. */
struct mailbox *mailbox_new(const char *path, const struct feed_settings *settings, struct intake *intake);
void mailbox_free(struct mailbox *mailbox); /* NULL is fine */

/* Lists what is in new/ now. Mails that could not be read or moved before are listed again only when asked
 * for: each listing would try them in vain. 0, or -1 with err: there is no such Maildir, or we may not read
 * it. */
int mailbox_look(struct mailbox *mailbox, bool failed_too, struct err *err);

enum mailbox_rc {
    MAILBOX_DONE = 1, /* nothing listed is left */
    MAILBOX_MORE,     /* step again */
    MAILBOX_DOWN,     /* Redis is away; step again later, with the same mails */
};

/* Applies the next few dozen mails of the list. */
enum mailbox_rc mailbox_step(struct mailbox *mailbox, int64_t now);

#endif
