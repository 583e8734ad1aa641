/* SPDX-License-Identifier: BSD-2-Clause */
/* kind: what a mail is, decided before a recipient is read from it. */
#ifndef LEADGATE_BOUNCE_KIND_H
#define LEADGATE_BOUNCE_KIND_H

#include "bounce/mail.h"
#include "leadgate/bounce.h"

/* What the groups of a mail's status parts say, counted. */
struct tally {
    size_t failed, delayed, delivered, unclear;
};

/* *rule: why, static storage. */
enum mail_kind kind_decide(const struct mail *mail, const struct tally *tally, const char **rule);

#endif
