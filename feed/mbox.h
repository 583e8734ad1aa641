/* SPDX-License-Identifier: BSD-2-Clause */
/* mbox: cuts an mbox file into its mails without copying. A mail begins behind a line that starts with "From
 * " and stands at the beginning of the file or after an empty line (RFC 4155); lines end in LF or CRLF. Lines
 * quoted as ">From " stay as they are: no field of a report begins so. Pure. */
#ifndef FEED_MBOX_H
#define FEED_MBOX_H

#include "leadgate/err.h"
#include "leadgate/span.h"

#include <stdbool.h>
#include <stdint.h>

struct mbox {
    struct span rest; /* begins with a "From " line, or is empty */
};

struct mbox_mail {
    struct span mail; /* header and body, without the "From " line and the empty line before the next one */
    int64_t at;       /* the time on the "From " line, 0 = none that we can read */
};

/* 0, or -1 with err when this is no mbox. A file that is empty, or holds only empty lines, is one without
 * mails. */
int mbox_start(struct mbox *mbox, struct span file, struct err *err);

/* The next mail, borrowed from the file; false after the last one. */
bool mbox_next(struct mbox *mbox, struct mbox_mail *out);

#endif
