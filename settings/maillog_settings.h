/* SPDX-License-Identifier: BSD-2-Clause */
/* maillog_settings: the lists that a delivery log is read by, parsed once, when the settings are loaded.
 * Inside settings/ only; settings_maillog() hands them out. */
#ifndef SETTINGS_MAILLOG_SETTINGS_H
#define SETTINGS_MAILLOG_SETTINGS_H

#include "leadgate/settings.h"

struct maillog_lists {
    struct address *bounce_addresses; /* milter.bounce_addresses */
    size_t n_bounce_addresses;
    struct network *internal_relays; /* feed.internal_relays */
    size_t n_internal_relays;
};

/* Fills in settings->maillog. 0, or -1 with err. */
int maillog_lists_make(struct settings *settings, struct err *err);
void maillog_lists_free(struct maillog_lists *lists); /* NULL is fine */

#endif
