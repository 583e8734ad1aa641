/* SPDX-License-Identifier: BSD-2-Clause */
/* policy_reply: what Postfix is told about a recipient. Pure: request, settings and what Redis said in;
 * action out.
 *
 * An action is DUNNO, or begins with a 4xx or 5xx code and an enhanced status: never OK (it would skip the
 * restrictions behind us), never empty (Postfix takes that for OK), never DISCARD (the whole message would be
 * lost). Beginning with the code also keeps Postfix from reading a word of the text as a restriction. */
#ifndef POLICY_REPLY_H
#define POLICY_REPLY_H

#include "leadgate/address.h"
#include "leadgate/settings.h"
#include "leadgate/store.h"
#include "policy/policy_hold.h"
#include "policy/policy_proto.h"

#include <stdbool.h>
#include <stdint.h>

/* With "action=" before it at most 400 bytes: Postfix puts the recipient in front of the text, and what it
 * says should fit the 512 octets of RFC 5321 4.5.3.1.5. */
#define POLICY_ACTION_MAX (400 - 7)

enum policy_verdict {
    POLICY_PASSED = 1,
    POLICY_REFUSED,
    POLICY_OBSERVED, /* would have been refused or held, but for `enforce: observe` */
    POLICY_DEFERRED, /* Redis is away, and the settings say to wait; or held */
};

struct policy_reply {
    enum policy_verdict verdict;
    enum cause cause; /* refused, observed: why, in what way and how long; until 0 = no end */
    enum optout_kind kind;
    int64_t until;
    struct policy_held held;     /* for the sake of which provider, below; else all of these are none */
    const char *provider;        /* lives as long as what is known of him */
    const struct stream *stream; /* whose rules decided; NULL when nothing stood against the recipient */
    const char *action;          /* static storage, or `text` */
    char text[POLICY_ACTION_MAX + 1];
};

/* The stream of the mail that a request is about; never NULL. */
const struct stream *policy_stream(const struct settings *settings, const struct policy_request *request);

/* Whether this is a question for Redis, and about which lead. False: it is DUNNO whatever Redis would say;
 * the lead is empty where there is none. */
bool policy_reply_needs_lookup(const struct settings *settings, const struct policy_request *request,
                               struct address *lead);

/* Request and lead as they were when it was asked; the settings may be newer. The templates are what the
 * settings' check lets pass: a code and an enhanced status come first. found as lookup_recipient() gives it:
 * NULL unless rc is STORE_OK. */
void policy_reply_make(struct policy_reply *reply, const struct settings *settings,
                       const struct policy_request *request, const struct address *lead, enum store_rc rc,
                       const struct suppression *found);

/* The same recipient, whom nothing stood against: she is held for the sake of her provider. */
void policy_reply_hold(struct policy_reply *reply, const struct settings *settings,
                       const struct stream *stream, const struct address *lead,
                       const struct policy_held *held, const char *provider);

#endif
