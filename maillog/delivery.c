/* SPDX-License-Identifier: BSD-2-Clause */
#include "leadgate/maillog.h"

static enum event_type event_type_of(enum delivery_kind kind)
{
    switch (kind) {
    case DELIVERY_SENT: return EVENT_DELIVERED;
    case DELIVERY_DEFERRED: return EVENT_DEFERRED;
    case DELIVERY_BOUNCED:
    case DELIVERY_EXPIRED: break;
    }
    return EVENT_BOUNCE;
}

void delivery_event(const struct delivery *delivery, struct event *event)
{
    *event = (struct event){
        .type = event_type_of(delivery->kind),
        .source = SOURCE_LOG,
        .lead = delivery->finding.lead,
        .cause = delivery->finding.cause,
        .at = delivery->at,
        .sent = delivery->sent,
        .message = delivery->message,
        .status = span_of(delivery->finding.status),
        .evidence = span_of(delivery->finding.diag),
        .stream = SPAN_NONE,
        .provider = delivery->provider,
        .rule = delivery->kind == DELIVERY_SENT ? NULL : delivery->finding.rule,
    };
}
