/* SPDX-License-Identifier: BSD-2-Clause */
/* unsubscribe: who leaves a stream by mailing to the address that its mail named for that (signing.h).
 * Whoever sent it, and whatever is in it: the token is the lead's word. It does not matter how old it is, as
 * long as its key is there: who wants to leave may take his time. Pure but for the keyring; any thread. */
#ifndef LEADGATE_UNSUBSCRIBE_H
#define LEADGATE_UNSUBSCRIBE_H

#include "leadgate/event.h"
#include "leadgate/settings.h"
#include "leadgate/token.h"

struct unsubscribe {
    struct address lead;
    const struct stream *stream;
    char token[TOKEN_SIZE];
    bool meant; /* the token is ours; else nothing follows */
};

/* Whether any stream has such an address; and whether this is one, with or without a token. */
bool unsubscribe_is_on(const struct settings *settings);
bool unsubscribe_is_address(const struct settings *settings, const struct address *address);

/* Reads a recipient. False when it is no path of any stream's. */
bool unsubscribe_read(struct unsubscribe *out, const struct settings *settings,
                      const struct address *recipient, int64_t now);

/* The event, if it is meant; it borrows from `leaving`. */
struct event unsubscribe_event(const struct unsubscribe *leaving, enum event_source source, int64_t at);

/* One log line for a mail from which nothing follows; name: its file or queue id, as where says. */
void unsubscribe_log_refused(const struct unsubscribe *leaving, const char *where, struct span name);

#endif
