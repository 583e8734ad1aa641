/* SPDX-License-Identifier: BSD-2-Clause */
/* cause: why mail came back or a lead is opted out: whose fault it is, and what follows by default. */
#ifndef LEADGATE_CAUSE_H
#define LEADGATE_CAUSE_H

#include "leadgate/span.h"

#include <stdbool.h>
#include <stdint.h>

enum cause {
    CAUSE_NONE = 0, /* not known, or nothing happened; has no row in the settings */
    CAUSE_USER_UNKNOWN,
    CAUSE_DOMAIN_UNKNOWN,
    CAUSE_DOMAIN_MISCONFIGURED,
    CAUSE_RECIPIENT_MOVED,
    CAUSE_MAILBOX_FULL,
    CAUSE_MAILBOX_DISABLED,
    CAUSE_RECIPIENT_REFUSED,
    CAUSE_RELAY_DENIED,
    CAUSE_SPAM_BLOCK,
    CAUSE_POLICY_BLOCK,
    CAUSE_SENDER_REFUSED,
    CAUSE_REPUTATION_BLOCK,
    CAUSE_AUTH_FAILURE,
    CAUSE_RATE_LIMITED,
    CAUSE_MESSAGE_TOO_BIG,
    CAUSE_CONTENT_ERROR,
    CAUSE_SYNTAX_ERROR,
    CAUSE_NETWORK_ERROR,
    CAUSE_EXPIRED,
    CAUSE_REMOTE_SYSTEM,
    CAUSE_UNDETERMINED,
    CAUSE_COMPLAINT,
    CAUSE_UNSUBSCRIBE,
    CAUSE_INACTIVE,
    CAUSE_SCORE,
    CAUSE_MANUAL,
    CAUSE_SUPPRESSED,
    CAUSES
};

enum fault { FAULT_LEAD = 1, FAULT_SENDER, FAULT_MESSAGE, FAULT_TRANSIENT, FAULT_WILL, FAULT_NONE };

/* What `leadgate classify` prints in its fifth column. */
enum hardness { HARDNESS_NONE, HARDNESS_SOFT, HARDNESS_HARD };

/* Where a series of suspensions leads to. */
enum cause_end { END_NEVER, END_PERMANENT, END_LONGEST };

/* The numbers of one cause; all are settings. */
struct cause_settings {
    int64_t strikes; /* that many in a row opt out; 0 = recorded, never a strike */
    int64_t first;   /* length of the first suspension, seconds; 0 = none, permanent at once */
    enum cause_end
        end; /* END_PERMANENT: after the series limit; END_LONGEST: stays at the longest suspension */
};

struct cause_info {
    const char *name; /* as in Redis, logs and settings */
    enum fault fault;
    enum hardness hardness;
    struct cause_settings defaults;
    const char *note; /* one line for people */
};

/* The row of a cause, never NULL for 0 <= cause < CAUSES. Static storage. */
const struct cause_info *cause_info(enum cause cause);
const char *cause_name(enum cause cause);
const char *hardness_name(enum hardness hardness);
/* False, and *out is CAUSE_NONE, for a word that is no cause. */
bool cause_parse(struct span word, enum cause *out);

#endif
