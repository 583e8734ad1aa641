/* SPDX-License-Identifier: BSD-2-Clause */
/* mail: a mail taken apart: its header, and the few parts of it that tell what came back. Nothing is copied
 * and nothing allocated: spans point into the caller's bytes. Nothing else in here walks MIME. */
#ifndef LEADGATE_BOUNCE_MAIL_H
#define LEADGATE_BOUNCE_MAIL_H

#include "bounce/fields.h"
#include "leadgate/err.h"

enum part_kind {
    PART_TEXT = 1,    /* text/plain, and what has no type */
    PART_HTML,        /* text/html */
    PART_STATUS,      /* message/delivery-status and its variants */
    PART_FEEDBACK,    /* message/feedback-report (RFC 5965) */
    PART_DISPOSITION, /* message/disposition-notification (RFC 8098) */
    PART_RETURNED,    /* the mail that came back, or its header: never looked into for more reports */
};

enum part_encoding { ENCODED_NOT = 1, ENCODED_BASE64, ENCODED_QUOTED };

struct mail_part {
    enum part_kind kind;
    enum part_encoding encoding;
    struct span charset; /* empty = not said */
    struct span content; /* as it stands in the mail, without the part's header */
};

#define MAIL_PARTS 24 /* such parts in one mail; what is beyond is no report that anybody meant */

struct mail {
    struct header header;
    bool report; /* the mail as a whole is a multipart/report, of whatever type */
    struct mail_part parts[MAIL_PARTS];
    size_t n;
};

/* Takes bytes apart, which must outlive the mail. 0, or -1 with err when it does not begin with a header. */
int mail_open(struct mail *mail, struct span bytes, struct err *err);

/* The first part of a kind, NULL = none. */
const struct mail_part *mail_find_part(const struct mail *mail, enum part_kind kind);

#endif
