/* SPDX-License-Identifier: BSD-2-Clause */
/* rules_shipped: the bytes of share/rules/leadgate.rules, put into the program when it is built. */
#ifndef LEADGATE_BOUNCE_RULES_SHIPPED_H
#define LEADGATE_BOUNCE_RULES_SHIPPED_H

#include <stddef.h>

extern const char rules_shipped[];
extern const size_t rules_shipped_n;

#endif
