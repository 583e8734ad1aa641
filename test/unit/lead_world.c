/* SPDX-License-Identifier: BSD-2-Clause */
#include "lead_world.h"

#include <stdio.h>
#include <string.h>

struct world new_world(void)
{
    struct world world = { .messages = 0 };

    lead_settings_default(&world.settings);
    world.settings.jitter = 0;
    return world;
}

struct event bounce(struct world *world, enum cause cause, int64_t at)
{
    struct event event = {
        .type = EVENT_BOUNCE, .source = SOURCE_MAILBOX, .cause = cause, .at = at, .sent = at - 60
    };

    snprintf(event.lead.text, sizeof(event.lead.text), "ann@example.com");
    event.lead.n = strlen(event.lead.text);
    event.lead.at = 3;
    snprintf(world->message, sizeof(world->message), "m%d@example.org", world->messages++);
    event.message = span_of(world->message);
    return event;
}

struct event other(enum event_type type, int64_t at)
{
    return (struct event){ .type = type, .source = SOURCE_APPLICATION, .at = at };
}

bool is_opted_out(const struct world *world, int64_t now)
{
    const struct optout *optout = &world->optouts.optout;

    return optout->present && (optout->kind == OPTOUT_PERMANENT || now < optout->until);
}

enum effect apply_late(struct world *world, struct event event, int64_t now)
{
    enum effect effect;

    world->optouts.optout.present = is_opted_out(world, now);
    effect = lead_apply(&world->settings, &world->lead, &world->optouts, &event, now, &world->lead,
                        &world->change);
    switch (world->change.kind) {
    case CHANGE_OPTOUT: world->optouts.optout = world->change.optout; break;
    case CHANGE_LIFT: world->optouts.optout.present = false; break;
    case CHANGE_REFUSE:
        world->optouts.refused = true;
        world->optouts.refused_since = event.at < now ? event.at : now;
        break;
    case CHANGE_ACCEPT: world->optouts.refused = false; break;
    case CHANGE_NONE: break;
    }
    return effect;
}

enum effect apply(struct world *world, struct event event)
{
    return apply_late(world, event, event.at);
}
