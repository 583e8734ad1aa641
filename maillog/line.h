/* SPDX-License-Identifier: BSD-2-Clause */
/* line: who wrote a log line, when, and about which message. */
#ifndef MAILLOG_LINE_H
#define MAILLOG_LINE_H

#include "maillog/stamp.h"

/* Spans point into the line. */
struct log_line {
    int64_t at;
    /* Empty where the line has no prefix. Of the tag `postfix/submission/smtpd` postfix is the instance and
     * smtpd the program. */
    struct span host, instance, program;
    struct span queue_id;
    struct span rest; /* what stands behind `QUEUEID: ` */
};

enum line_kind {
    LINE_FOREIGN = 1, /* not written by Postfix, as far as can be told */
    LINE_OTHER,       /* about no message */
    LINE_MESSAGE,
};

/* now: stands in where the line names no time, and says which year it is. *out is filled in for LINE_MESSAGE.
 */
enum line_kind line_read(struct log_line *out, struct stamp_cache *cache, struct span line, int64_t now);

#endif
