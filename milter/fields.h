/* SPDX-License-Identifier: BSD-2-Clause */
/* fields: what of the header of a mail on its way out matters to us. One thread at a time. */
#ifndef LEADGATE_MILTER_FIELDS_H
#define LEADGATE_MILTER_FIELDS_H

#include "leadgate/bounce.h"
#include "leadgate/settings.h"

#include <stdbool.h>
#include <stdint.h>

/* All zero is an empty header. */
struct fields {
    /* Without <>, "" = none. One that is longer than what a report keeps of it would not be known again. */
    char message_id[sizeof(((struct report *)0)->message)];
    bool has_campaign;
    uint64_t campaign;      /* what names it, hashed */
    char campaign_name[64]; /* the same for log lines, cut */
    bool has_token;         /* SIGNING_FIELD */
    bool has_dkim;          /* a DKIM signature of the application's own */
    char *unsubscribe;      /* the first List-Unsubscribe, NULL = none */
    bool offers_ours;       /* a List-Unsubscribe holds the stream's unsubscribe address */
};

void fields_free(struct fields *fields); /* leaves it empty; twice is fine */

/* The next field. value: folded lines joined by LF. */
void fields_note(struct fields *fields, const struct settings *settings, const struct stream *stream,
                 struct span name, struct span value);

#endif
