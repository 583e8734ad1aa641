/* SPDX-License-Identifier: BSD-2-Clause */
/* Entries of leadgate:events: lines are names and values in turn. Whatever is read is an event that the rest
 * of the program can bear; whatever is not has a reason. */
#include "feed/application.h"
#include "leadgate/settings.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FIELDS_MOST 40
#define NOW         INT64_C(1795341185)

/* One for all inputs: the rules are compiled once. */
static struct settings *settings;

static void check(const struct event *event)
{
    if (event->type < EVENT_BOUNCE || event->type >= EVENT_OPTOUT || event->type == EVENT_DEFERRED ||
        event->source != SOURCE_APPLICATION || event->lead.n == 0 || event->at <= 0 || event->at > NOW)
        abort();
    if ((event->type == EVENT_BOUNCE) != (event->cause != CAUSE_NONE))
        abort();
    if (!span_is_utf8(event->message) || !span_is_utf8(event->evidence) || !span_is_utf8(event->provider))
        abort();
    if (event->stream.n > 0 && !span_eq(event->stream, SPAN("*")) && !stream_is_name(event->stream))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct application application;
    struct inbox_field fields[FIELDS_MOST];
    struct inbox_entry entry = { .id = SPAN("1795341085123-0"), .fields = fields };
    struct span rest = { (const char *)data, size };
    struct bounce_context context;
    struct err why = { "" };

    if (settings == NULL && (settings = settings_new()) == NULL)
        abort();
    context = settings_bounce_context(settings);
    context.addresses.default_domain = "origin.example";
    while (rest.n > 0 && entry.n < FIELDS_MOST) {
        struct span name = span_cut(&rest, '\n');

        fields[entry.n++] = (struct inbox_field){ name, span_cut(&rest, '\n') };
    }
    if (application_read(&application, &entry, &context, NOW, &why) == 0)
        check(&application.event);
    else if (why.text[0] == '\0')
        abort();
    return 0;
}
