/* SPDX-License-Identifier: BSD-2-Clause */
/* kind: what a mail is, decided before a recipient is read from it. */
#ifndef LEADGATE_BOUNCE_KIND_H
#define LEADGATE_BOUNCE_KIND_H

#include "bounce/mail.h"
#include "bounce/notice.h"
#include "leadgate/bounce.h"

/* What the groups of a mail's reports say, counted. */
struct tally {
    size_t failed, delayed, delivered, unclear;
};

/* What a mail is judged by. */
struct kind_evidence {
    const struct mail *mail;
    const struct notice *notice;
    struct span subject; /* decoded */
    struct tally tally;
    bool loose;     /* the groups were found in the text, not in a part of their own */
    bool forwarded; /* somebody forwarded it by hand */
};

/* *rule: why, static storage. */
enum mail_kind kind_decide(const struct kind_evidence *evidence, const char **rule);

/* Whether From is that of a mail system, and not a person's. */
bool kind_from_mail_system(const struct mail *mail);

/* Whether it says of itself that it answers a mail, as people and their auto-replies do. */
bool kind_is_answer(const struct mail *mail, struct span subject);

#endif
