/* SPDX-License-Identifier: BSD-2-Clause */
#include "milter/failure.h"

#include "leadgate/logline.h"

void failure_log(const char *what, struct span queue, const char *why)
{
    struct logline line;

    logline_start(&line, "warning");
    logline_text(&line, "text", what);
    logline_span(&line, "queue", queue);
    logline_text(&line, "reason", why);
    logline_send(&line, LOG_WARNING);
}

void failure_of_store(const struct message_rules *rules, const char *what, struct span queue, const char *why)
{
    counters_add(rules->counters, 1, "failures", "store", "milter", NULL);
    failure_log(what, queue, why);
}
