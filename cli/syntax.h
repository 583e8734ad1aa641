/* SPDX-License-Identifier: BSD-2-Clause */
/* syntax: whether an address on a list is one that mail can be sent to, more strictly than address_parse(),
 * which reads all that a mail server may say. Pure. */
#ifndef LEADGATE_CLI_SYNTAX_H
#define LEADGATE_CLI_SYNTAX_H

#include "leadgate/address.h"

/* NULL when it is fine, else what is wrong. raw is as the list has it, address what was read from it. */
const char *syntax_fault(struct span raw, const struct address *address);

#endif
