/* SPDX-License-Identifier: BSD-2-Clause */
/* verdict: what one failed attempt means. */
#ifndef MAILLOG_VERDICT_H
#define MAILLOG_VERDICT_H

#include "leadgate/bounce.h"
#include "leadgate/reason.h"
#include "maillog/attempt.h"

/* Fills in what *finding says of why; reason: the attempt's text, read. */
void verdict_find(struct finding *finding, const struct bounce_context *context, const struct reason *reason,
                  const struct attempt *attempt);

#endif
