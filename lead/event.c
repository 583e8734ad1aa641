/* SPDX-License-Identifier: BSD-2-Clause */
#include "leadgate/event.h"

#include <string.h>

struct span event_stream(const struct event *event)
{
    return event->stream.n > 0 ? event->stream : SPAN("*");
}

bool event_is_greylisting(const struct event *event)
{
    const char *last =
        event->type == EVENT_DEFERRED && event->rule != NULL ? strrchr(event->rule, '.') : NULL;

    return last != NULL && strcmp(last, ".greylisting") == 0;
}

const char *event_type_name(enum event_type type)
{
    switch (type) {
    case EVENT_BOUNCE: return "bounce";
    case EVENT_DELIVERED: return "delivered";
    case EVENT_DEFERRED: return "deferred";
    case EVENT_OPEN: return "open";
    case EVENT_MACHINE_OPEN: return "machine-open";
    case EVENT_CLICK: return "click";
    case EVENT_REPLY: return "reply";
    case EVENT_COMPLAINT: return "complaint";
    case EVENT_UNSUBSCRIBE: return "unsubscribe";
    case EVENT_RESUBSCRIBE: return "resubscribe";
    case EVENT_OPTOUT: return "optout";
    case EVENT_FLUSH: return "flush";
    case EVENT_TYPES: break;
    }
    return "?";
}

const char *event_source_name(enum event_source source)
{
    switch (source) {
    case SOURCE_MAILBOX: return "mailbox";
    case SOURCE_MILTER: return "milter";
    case SOURCE_LOG: return "log";
    case SOURCE_APPLICATION: return "application";
    case SOURCE_OPERATOR: return "operator";
    }
    return "?";
}
