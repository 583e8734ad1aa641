/* SPDX-License-Identifier: BSD-2-Clause */
/* reader: what the files of this folder share while a line is read. */
#ifndef MAILLOG_READER_H
#define MAILLOG_READER_H

#include "leadgate/maillog.h"
#include "maillog/line.h"
#include "maillog/providers.h"
#include "maillog/queue.h"

struct maillog {
    struct maillog_settings settings;
    struct stamp_cache stamps;
    struct providers providers;
    struct queue *queue;
    struct maillog_tally tally;
};

/* A line about a message, and who is to be told. */
struct reading {
    struct maillog *maillog;
    struct log_line line;
    struct span key; /* of its message in the queue */
    maillog_fn *fn;
    void *ctx;
};

/* What became of one recipient; false when the line is not understood. */
bool tell_attempt(struct reading *reading);

/* The message was given up: tells of each recipient who waited. */
void tell_expiry(struct reading *reading, struct queued *message);

#endif
