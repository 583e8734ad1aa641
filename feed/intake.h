/* SPDX-License-Identifier: BSD-2-Clause */
/* intake: the door through which every source's mail goes: bytes -> report -> events -> applier.
 *
 * Mails are read one by one and held until intake_commit() applies what they say, in the order in which they
 * were read. Only then may a source let go of them: what was held and not committed has not happened, and
 * what was committed and is read again changes nothing. One thread. */
#ifndef FEED_INTAKE_H
#define FEED_INTAKE_H

#include "feed/applier.h"
#include "leadgate/err.h"
#include "leadgate/settings.h"
#include "leadgate/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INTAKE_MAILS 64 /* that many are held at most */

struct intake;

/* What has gone through, since intake_new(). */
struct tally {
    int64_t mails;        /* applied, or found to be no bounce */
    int64_t events;       /* applied */
    int64_t repeats;      /* of these: known already */
    int64_t unverified;   /* events that nothing vouches for: set aside */
    int64_t unrecognised; /* mails that are no bounce */
};

/* What it is given is borrowed and must outlive the intake. NULL when out of memory. */
struct intake *intake_new(const struct settings *settings, struct applier *applier);
void intake_free(struct intake *intake); /* NULL is fine */

enum intake_rc {
    INTAKE_HELD = 1, /* a bounce, or who leaves a stream: to be committed */
    INTAKE_NOTHING,  /* neither; said in a log line, nothing to commit */
};

/* Reads one mail, which our Postfix has delivered: the fields on its top are its. name stands for it in the
 * log. arrived is when it was put where it was found: it stands in where the mail names no time, or one that
 * has not come yet, so that reading it again finds the same time. Not to be called while the intake is full.
 */
enum intake_rc intake_read(struct intake *intake, struct span mail, const char *name, int64_t arrived,
                           int64_t now);

/* Whether what is held is to be committed before the next mail is read. */
bool intake_full(const struct intake *intake);

/* Applies what is held, or sets it aside (authenticity.h), and holds nothing afterwards. STORE_DOWN, with
 * err: none, or only some, was applied; read the same mails again later. */
enum store_rc intake_commit(struct intake *intake, int64_t now, struct err *err);

const struct tally *intake_tally(const struct intake *intake);

#endif
