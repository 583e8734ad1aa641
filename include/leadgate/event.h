/* SPDX-License-Identifier: BSD-2-Clause */
/* event: one thing that happened to one lead. Everything that comes back is turned into these before it is
 * applied. */
#ifndef LEADGATE_EVENT_H
#define LEADGATE_EVENT_H

#include "leadgate/address.h"
#include "leadgate/cause.h"
#include "leadgate/span.h"

#include <stdint.h>

enum event_type {
    EVENT_BOUNCE = 1,   /* a final failure; `cause` says why */
    EVENT_DELIVERED,    /* the remote side took a message */
    EVENT_DEFERRED,     /* a try that failed for now: the message is still queued */
    EVENT_OPEN,         /* engagement; what each kind is worth is a setting */
    EVENT_MACHINE_OPEN, /* an image fetched by a mail proxy, not by a person */
    EVENT_CLICK,
    EVENT_REPLY,
    EVENT_COMPLAINT, /* RFC 5965 abuse: the recipient's will */
    EVENT_UNSUBSCRIBE,
    EVENT_RESUBSCRIBE, /* and RFC 5965 not-spam */
    EVENT_OPTOUT,      /* an operator, or another system's list: opted out, until `until` */
    EVENT_FLUSH,       /* an operator: let in again; the history stays */
    EVENT_TYPES
};

/* Where the evidence came from, for logs and for the lead's own log. */
enum event_source { SOURCE_MAILBOX = 1, SOURCE_MILTER, SOURCE_LOG, SOURCE_APPLICATION, SOURCE_OPERATOR };

struct event {
    enum event_type type;
    enum event_source source;
    struct address lead;
    enum cause cause; /* bounces; EVENT_OPTOUT: CAUSE_MANUAL, or what another system's list says */
    /* Seconds since the epoch. `at` is when it happened, from where a replay finds the same time again (the
     * topmost Received field, the log line); never in the future of the caller's clock. `sent` is when the
     * message that it is about was sent, 0 = not known. */
    int64_t at, sent;
    int64_t until;   /* EVENT_OPTOUT: when it ends; 0 = for good */
    bool unverified; /* a bounce that anybody may have written: one soft strike at most, nothing for good */
    bool excused;    /* a bounce that its provider's bad day explains: recorded, and no more */
    /* Borrowed for the call. */
    struct span message;  /* Message-ID of the message it is about, else its queue id; empty = not known */
    struct span status;   /* enhanced status, "5.1.1" */
    struct span evidence; /* the remote server's words; cut to fit where it is stored */
    struct span stream;   /* complaint, unsubscribe, resubscribe: which stream; empty = every one */
    /* The name of the token that vouches for the mail which brought it; it convicts once. Empty = none. */
    struct span token;
    const char *proof; /* what vouches for it: proof_name(), static storage; NULL = it was not asked for */
    /* Registrable domain of the host that answered, then the provider's name by the settings; empty = not
     * known. */
    struct span provider;
    struct span mail_stream; /* bounces, deliveries: of the mail, by the settings; empty = not known */
    const char *rule;        /* the rule that classified it; lives as long as the classifier; NULL = none */
};

/* The field of lead:{ADDR}:refused that the event is about: its stream, "*" when it names none. */
struct span event_stream(const struct event *event);

/* A deferral of who comes for the first time, and is only to come again (RFC 6647): by a rule whose name ends
 * in `.greylisting`. */
bool event_is_greylisting(const struct event *event);

const char *event_type_name(enum event_type type);
const char *event_source_name(enum event_source source);

#endif
