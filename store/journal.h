/* SPDX-License-Identifier: BSD-2-Clause */
/* journal: leadgate:journal, a capped stream of all changes of opt-outs, for applications that mirror the
 * suppression list (XREAD). It is another key than the lead's, on a cluster perhaps on another node, so it
 * cannot be written in the lead's commit. Instead the commit leaves a mark in the lead, the entry is written,
 * the mark is taken away; whoever finds a mark writes the entry first. So each change is there at least once;
 * `lead` and `entry` name it. */
#ifndef LEADGATE_STORE_JOURNAL_H
#define LEADGATE_STORE_JOURNAL_H

#include "store/commit.h"
#include "store/wire.h"

/* Queues the entry of a committed change. length: about how many entries the journal keeps. */
void journal_send(struct wire *wire, const struct address *lead, struct span entry,
                  const struct commit *commit, int64_t length);
/* Queues the taking away of its mark: once it is known to be written. */
void journal_settle(struct wire *wire, const struct address *lead, struct span entry);
/* The answer to either. */
enum store_rc journal_receive(struct wire *wire, struct err *err);

/* Writes the entry that somebody else left a mark for: it is copied from the lead's log, if it is still
 * there. */
enum store_rc journal_recover(struct wire *wire, const struct address *lead, struct span entry,
                              int64_t length, struct err *err);

#endif
