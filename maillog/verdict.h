/* SPDX-License-Identifier: BSD-2-Clause */
/* verdict: what one failed attempt means. */
#ifndef MAILLOG_VERDICT_H
#define MAILLOG_VERDICT_H

#include "leadgate/bounce.h"
#include "maillog/reason.h"

/* Fills in all of *finding but its lead. status: the attempt's `dsn=`. */
void verdict_find(struct finding *finding, const struct bounce_context *context, const struct reason *reason,
                  struct span status);

#endif
