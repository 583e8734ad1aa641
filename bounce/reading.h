/* SPDX-License-Identifier: BSD-2-Clause */
/* reading: a report in the making, and the steps that it is made in. For report.c and its neighbours only. */
#ifndef LEADGATE_BOUNCE_READING_H
#define LEADGATE_BOUNCE_READING_H

#include "bounce/dsn.h"
#include "bounce/json.h"
#include "bounce/kind.h"
#include "bounce/mail.h"
#include "bounce/notice.h"
#include "bounce/text.h"
#include "leadgate/bounce.h"

/* One allocation, so that no stack has to hold it. */
struct reading {
    struct report *report;
    const struct bounce_context *context;
    struct mail mail;
    struct kind_evidence evidence;
    struct notice notice;
    struct header returned;
    struct span status[MAIL_PARTS]; /* the status parts, decoded; or a text that holds such fields */
    size_t n_status;
    struct dsn_message message; /* of the first of them */
    struct span json;
    enum json_event event;
    enum dsn_action wanted; /* which groups are read */
    size_t room;
    size_t words; /* bytes of reasons that were looked at */
    struct text text;
    char lower[TEXT_MAX];
};

/* Decodes the text for people, and finds the fields of reports: in parts of their own, else in the text. */
void reading_open(struct reading *reading);

/* Who failed (wanted is DSN_FAILED) or waits (DSN_DELAYED); into the report's findings. */
void reading_recipients(struct reading *reading);

/* context->recipient failed; with what the notice says. */
void reading_known_recipient(struct reading *reading);
/* Whether the text for people holds a refusal that a rule knows. */
bool reading_says_why(struct reading *reading);

/* Who complains. */
void reading_complaint(struct reading *reading);

#endif
