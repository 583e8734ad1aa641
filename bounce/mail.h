/* SPDX-License-Identifier: BSD-2-Clause */
/* mail: a mail taken apart: its header, and the few parts of it that tell what came back. Wraps GMime, so
 * that nothing else in here walks MIME. One mail, one thread at a time. */
#ifndef LEADGATE_BOUNCE_MAIL_H
#define LEADGATE_BOUNCE_MAIL_H

#include "leadgate/err.h"
#include "leadgate/span.h"

#include <gmime/gmime.h>

enum part_kind {
    PART_STATUS = 1, /* message/delivery-status, message/global-delivery-status */
    PART_FEEDBACK,   /* message/feedback-report (RFC 5965) */
    PART_RETURNED,   /* the mail that came back, or its header: never looked into for more reports */
};

struct mail_part {
    enum part_kind kind;
    GMimeObject *object; /* owned by the mail */
};

#define MAIL_PARTS 16 /* such parts in one mail; what is beyond is no report that anybody meant */

struct mail {
    struct span bytes; /* borrowed */
    GByteArray array;  /* the same, as GMime wants it */
    GMimeMessage *message;
    bool report; /* the mail as a whole is a multipart/report, of whatever type */
    struct mail_part parts[MAIL_PARTS];
    size_t n;
};

/* Parses bytes, which must outlive the mail; nothing is copied. 0, or -1 with err when it has no header.
 * mail_close() in either case. */
int mail_open(struct mail *mail, struct span bytes, struct err *err);
void mail_close(struct mail *mail);

/* A field of the mail's own header, decoded: the topmost of that name; NULL = none. Lives as long as the
 * mail.
 */
const char *mail_header(const struct mail *mail, const char *name);

/* The first part of a kind, NULL = none. */
const struct mail_part *mail_find_part(const struct mail *mail, enum part_kind kind);

/* The decoded bytes of a leaf part. A part without a transfer encoding is borrowed as it stands in the mail;
 * one with it is decoded into *owned (NULL before), which the caller gives to g_byte_array_unref(). */
struct span mail_part_bytes(const struct mail *mail, const struct mail_part *part, GByteArray **owned);

/* A field of the returned mail's header, as UTF-8 on one line. False, and dst is "", when there is no
 * returned mail, it lacks the field, or the value does not fit. */
bool mail_returned_field(const struct mail *mail, const char *name, char *dst, size_t size);

#endif
