/* SPDX-License-Identifier: BSD-2-Clause */
/* policy_sign: the token that goes into the header of a recipient's mail (signing.h), and the refusal of
 * bounces that bring none back. Pure but for the keyring. */
#ifndef POLICY_SIGN_H
#define POLICY_SIGN_H

#include "policy/policy_reply.h"

/* How many tokens the message under way has got; all zero at first, kept as long as the connection: one
 * smtpd(8) hands in one message after the other. */
struct policy_signed {
    uint64_t instance; /* of the message, hashed */
    int64_t headers;
};

/* Writes `PREPEND X-Leadgate-Token: ...` for a recipient that was let pass. False when the mail is not
 * signed, has tokens enough, or the address is too long for the reply. */
bool policy_sign(char action[POLICY_ACTION_MAX + 1], const struct settings *settings,
                 const struct policy_request *request, const struct address *lead,
                 struct policy_signed *before, int64_t now);

/* The refusal of a bounce to a bounce address without a good token; NULL when it is none, or the settings do
 * not ask for one. Static storage. */
const char *policy_refuse_unsigned(const struct settings *settings, const struct policy_request *request,
                                   const struct address *recipient, int64_t now);

#endif
