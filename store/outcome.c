/* SPDX-License-Identifier: BSD-2-Clause */
#include "leadgate/logline.h"
#include "leadgate/store.h"

static void add_optional(struct logline *line, const char *key, struct span value)
{
    if (value.n > 0)
        logline_span(line, key, value);
}

static void log_change(const struct event *event, const struct change *change)
{
    const struct optout *optout = &change->optout;
    struct logline line;

    logline_start(&line, "change");
    logline_span(&line, "lead", address_span(&event->lead));
    logline_text(&line, "change", change_name(change->kind));
    if (change->kind == CHANGE_OPTOUT) {
        logline_text(&line, "kind", optout_kind_name(optout->kind));
        logline_text(&line, "cause", cause_name(optout->cause));
        logline_int(&line, "cycle", optout->cycle);
        logline_time(&line, "since", optout->since);
        logline_time(&line, "until", optout->until);
    } else {
        logline_text(&line, "cause", event_type_name(event->type));
    }
    if (change->kind == CHANGE_REFUSE || change->kind == CHANGE_ACCEPT)
        logline_span(&line, "stream", event_stream(event));
    logline_send(&line, LOG_NOTICE);
}

void outcome_log(const struct event *event, const struct outcome *outcome)
{
    struct logline line;

    logline_start(&line, "event");
    logline_span(&line, "lead", address_span(&event->lead));
    logline_text(&line, "type", event_type_name(event->type));
    if (event->type == EVENT_BOUNCE)
        logline_text(&line, "cause", cause_name(event->cause));
    logline_text(&line, "effect", effect_name(outcome->effect));
    if (event->type == EVENT_BOUNCE)
        logline_int(&line, "strikes", outcome->strikes);
    if (event->proof != NULL)
        logline_text(&line, "proof", event->proof);
    add_optional(&line, "token", event->token);
    add_optional(&line, "status", event->status);
    logline_time(&line, "at", event->at);
    logline_text(&line, "source", event_source_name(event->source));
    add_optional(&line, "message", event->message);
    add_optional(&line, "provider", event->provider);
    add_optional(&line, "evidence", event->evidence);
    logline_send(&line, LOG_INFO);
    if (outcome->odd)
        log_say(LOG_WARNING,
                "a key of lead:{%s} has a type that is not ours; see TYPE and KEY:odd in redis-cli",
                event->lead.text);
    if (outcome->change.kind != CHANGE_NONE)
        log_change(event, &outcome->change);
}
