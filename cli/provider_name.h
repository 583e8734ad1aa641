/* SPDX-License-Identifier: BSD-2-Clause */
/* provider_name: which provider an operator means. */
#ifndef LEADGATE_CLI_PROVIDER_NAME_H
#define LEADGATE_CLI_PROVIDER_NAME_H

#include "cli/session.h"
#include "leadgate/provider.h"

/* By a name that `leadgate incidents` or `leadgate guard` prints, in any case, or by a recipient domain he
 * answers for. GO_ON, or the exit status after saying why not: 1 where nobody knows such a one. */
int provider_name_find(struct session *session, const char *operand, char provider[PROVIDER_SIZE]);

#endif
