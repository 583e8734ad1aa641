/* SPDX-License-Identifier: BSD-2-Clause */
/* log_order: which of several logs is the oldest. */
#ifndef LEADGATE_CLI_LOG_ORDER_H
#define LEADGATE_CLI_LOG_ORDER_H

#include "leadgate/err.h"
#include "leadgate/maillog.h"

/* Sorts the paths by the time of the first delivery that each of them tells of; a file in whose beginning
 * there is none stands where its own time puts it, those of the same time as they were. With standard input
 * (`-`) among them, which can be read only once, all stay as they were. clock stands in for times that are
 * not known. 0, or -1 with err: a file cannot be opened, or no memory. */
int log_order(char **paths, size_t n, const struct maillog_settings *settings, int64_t clock,
              struct err *err);

#endif
