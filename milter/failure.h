/* SPDX-License-Identifier: BSD-2-Clause */
/* failure: what the milter says and counts when something with a mail did not go as it should. Any thread. */
#ifndef LEADGATE_MILTER_FAILURE_H
#define LEADGATE_MILTER_FAILURE_H

#include "milter/message.h"

/* One warning; queue is the mail's id, why the reason. */
void failure_log(const char *what, struct span queue, const char *why);

/* Redis cannot serve: the same, and counted. */
void failure_of_store(const struct message_rules *rules, const char *what, struct span queue,
                      const char *why);

#endif
