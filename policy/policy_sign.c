/* SPDX-License-Identifier: BSD-2-Clause */
/* PREPEND is DUNNO with a header field: Postfix goes on with the restrictions behind us, and adds the field
 * once for each recipient that it was answered for. All recipients of the message see all of them; what they
 * say is for us alone. */
#include "policy/policy_sign.h"

#include "leadgate/hash.h"
#include "leadgate/signing.h"

#include <stdio.h>

#define PREPEND "PREPEND " SIGNING_FIELD ": "

static bool has_enough(struct policy_signed *before, const struct settings *settings, struct span instance)
{
    uint64_t hash = hash_bytes(HASH_START, instance);

    if (hash != before->instance)
        *before = (struct policy_signed){ .instance = hash };
    return before->headers >= settings->signing.headers_most;
}

bool policy_sign(char action[POLICY_ACTION_MAX + 1], const struct settings *settings,
                 const struct policy_request *request, const struct address *lead,
                 struct policy_signed *before, int64_t now)
{
    const struct signing_origin origin = {
        .client_address = request->value[POLICY_CLIENT_ADDRESS],
        .sasl_username = request->value[POLICY_SASL_USERNAME],
    };
    struct span instance = request->value[POLICY_INSTANCE];
    char token[TOKEN_SEALED_SIZE];
    struct address sender;
    int n;

    if (!signing_is_on(settings) ||
        (signing_channels(settings, &origin, policy_stream(settings, request), request->value[POLICY_SENDER],
                          ADDRESS_INTERNAL, &sender) &
         CHANNEL_HEADER) == 0 ||
        has_enough(before, settings, instance) ||
        !signing_header(token, settings, &sender, lead, instance, now))
        return false;
    n = snprintf(action, POLICY_ACTION_MAX + 1, PREPEND "%s", token);
    if (n > POLICY_ACTION_MAX)
        return false;
    before->headers++;
    return true;
}

const char *policy_refuse_unsigned(const struct settings *settings, const struct policy_request *request,
                                   const struct address *recipient, int64_t now)
{
    struct address lead;
    char name[TOKEN_SIZE];

    if (!settings->signing.refuse_unsigned || request->value[POLICY_SENDER].n > 0 ||
        !signing_is_on(settings) || !signing_is_bounce_address(settings, recipient) ||
        signing_check_path(settings, recipient, now, &lead, name) == TOKEN_GOOD)
        return NULL;
    return "550 5.7.1 only bounces of mail that was sent from here are taken for this address";
}
