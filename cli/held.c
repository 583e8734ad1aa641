/* SPDX-License-Identifier: BSD-2-Clause */
/* A hold's key is there for all; without one an open incident tells who passes. */
#include "cli/held.h"

#include "cli/output.h"
#include "leadgate/logline.h"
#include "leadgate/store_provider.h"

#include <stdio.h>

/* The name by which the policy server asks. */
static enum store_rc find_name(struct session *session, const struct address *lead,
                               char provider[PROVIDER_SIZE], struct err *err)
{
    struct span domain = address_domain(lead);

    if (store_find_domains(session->store, &domain, 1, (char(*)[PROVIDER_SIZE])provider, err) == STORE_DOWN)
        return STORE_DOWN;
    if (provider[0] == '\0')
        (void)span_copy(provider, PROVIDER_SIZE, settings_provider(session->settings, SPAN_NONE, lead));
    return STORE_OK;
}

/* The incident's own end is the earlier one: its hold is kept for some minutes more. */
static int64_t end_of(const struct incident_state *state, int64_t now)
{
    bool waits = state->open && state->incident.percent <= 0 && state->incident.until > now;

    if (state->hold.present && state->hold.since == 0)
        return state->hold.until;
    return waits ? state->incident.until : state->hold.until;
}

static void judge(struct held *out, const struct incident_state *state, const struct address *lead,
                  int64_t now)
{
    bool held = state->hold.present, open = state->open && !state->neglected;

    out->incident = (struct incident_brief){ .open = state->open,
                                             .sign = state->incident.sign,
                                             .since = state->incident.since,
                                             .step = state->incident.step };
    if (!held && !open)
        return;
    out->present = true;
    out->by_hand = held && state->hold.since == 0;
    out->until = end_of(state, now);
    out->percent = held || state->incident.percent < 0 ? 0 : state->incident.percent;
    out->passes = !held && incident_passes(out->percent, lead);
    if (out->by_hand)
        return;
    out->since = state->open ? state->incident.since : state->hold.since;
    out->sign = state->open ? state->incident.sign : state->hold.sign;
    (void)span_copy(out->by, sizeof(out->by), span_of(state->by));
}

enum store_rc held_find(struct session *session, const struct address *lead, struct held *out,
                        struct err *err)
{
    struct incident_state state;
    struct span name;

    *out = (struct held){ .provider = "" };
    if (find_name(session, lead, out->provider, err) == STORE_DOWN)
        return STORE_DOWN;
    if (out->provider[0] == '\0')
        return STORE_OK;
    name = span_of(out->provider);
    if (store_find_incidents(session->store, &name, 1, session->now, &state, err) == STORE_DOWN)
        return STORE_DOWN;
    judge(out, &state, lead, session->now);
    return STORE_OK;
}

const char *held_exception(const struct session *session, const struct address *lead,
                           const struct dossier *dossier)
{
    if (session->settings->incident.when_held != WHEN_HELD_DEFER)
        return "incident.when_held is accept";
    if (settings_never_refuses(session->settings, lead))
        return "policy.never_refuse names her";
    return dossier->allow.present || dossier->domain_allow.present ? "whitelisted" : NULL;
}

static void print_incident(const struct held *held)
{
    char since[TIME_TEXT_SIZE];

    fputs(", by its incident", stdout);
    if (held->sign != SIGN_NONE)
        printf(" (%s)", incident_sign_name(held->sign));
    if (held->since != 0)
        printf(" since %s", time_text(since, held->since));
    if (held->by[0] != '\0') {
        fputs(", opened by ", stdout);
        output_text(stdout, span_of(held->by));
    }
}

void held_print(const struct held *held)
{
    char until[TIME_TEXT_SIZE];

    output_text(stdout, span_of(held->provider));
    if (held->by_hand)
        fputs(", by hand", stdout);
    else
        print_incident(held);
    if (held->until != 0)
        printf(", until %s", time_text(until, held->until));
    if (held->percent > 0)
        printf("; %d %% pass, she %s", held->percent, held->passes ? "does" : "does not");
    else
        fputs("; nobody passes", stdout);
}
