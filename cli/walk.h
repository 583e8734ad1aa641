/* SPDX-License-Identifier: BSD-2-Clause */
/* walk: every lead in turn, with a progress bar, for list, export and stats. */
#ifndef LEADGATE_CLI_WALK_H
#define LEADGATE_CLI_WALK_H

#include "cli/session.h"

/* Calls fn for everything of these kinds (enum standing_kind, or-ed), until it returns false or
 * nobody reads standard output any more. streams: fn prints as it goes. The exit status. */
int walk(struct session *session, unsigned kinds, bool streams, admin_standing_fn *fn, void *ctx);

/* temporary, permanent, refused, allowed. */
const char *walk_kind_name(const struct standing *standing);

/* One line of a listing: address, kind, cause, since, until, stream, status, text. */
void walk_print_csv_header(void);
void walk_print_csv(const struct standing *standing);
void walk_print_json(const struct standing *standing);

#endif
