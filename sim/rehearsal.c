/* SPDX-License-Identifier: BSD-2-Clause */
/* One try after the other: which lead, which of her mails, would that mail have been sent. If so, the lead
 * lives on through lead_apply(), at the time of the event; if not, its outcome is counted as saved or missed.
 * Mails are counted when their outcome comes, so each of them once, on the day and with the provider of that
 * line. */
#include "leadgate/rehearsal.h"

#include "leadgate/hash.h"
#include "sim/kept_leads.h"
#include "sim/kept_providers.h"

#include <stdlib.h>
#include <string.h>

#define DAY (INT64_C(24) * 60 * 60)

struct rehearsal {
    const struct lead_settings *settings;
    struct kept_leads leads;
    struct kept_providers providers;
    struct rehearsal_result result;
};

struct rehearsal *rehearsal_new(const struct lead_settings *settings)
{
    struct rehearsal *rehearsal = calloc(1, sizeof(*rehearsal));

    if (rehearsal == NULL)
        return NULL;
    rehearsal->settings = settings;
    if (kept_providers_init(&rehearsal->providers))
        return rehearsal;
    free(rehearsal);
    return NULL;
}

void rehearsal_free(struct rehearsal *rehearsal)
{
    if (rehearsal == NULL)
        return;
    kept_leads_free(&rehearsal->leads);
    kept_providers_free(&rehearsal->providers);
    free(rehearsal);
}

/* --- one of a lead's mails --- */

static bool is_waiting(uint64_t mail)
{
    return mail != 0 && (mail & MAIL_DONE) == 0;
}

/* Whether it is refused for the opt-out that stood when it was handed in. */
static uint64_t decide(const struct kept_lead *kept, uint32_t enforced, int64_t sent)
{
    if (sent < kept->since || !kept_lead_is_out(kept, sent) || (enforced >> kept->optout_cause & 1) == 0)
        return 0;
    return kept->optout_cause | (kept->until == 0 ? MAIL_ENDED : 0);
}

static int64_t sent_time(const struct event *event)
{
    return event->sent == 0 || event->sent > event->at ? event->at : event->sent;
}

/* Where a new mail is remembered: in place of one that is done with, else of the oldest. */
static uint64_t *make_room(struct kept_lead *kept)
{
    uint64_t *place = &kept->mails[kept->oldest];

    for (int i = 0; i < KEPT_MAILS && is_waiting(*place); i++)
        place = &kept->mails[(kept->oldest + i) % KEPT_MAILS];
    if (is_waiting(*place))
        place = &kept->mails[kept->oldest];
    kept->oldest = (uint8_t)((place - kept->mails + 1) % KEPT_MAILS);
    return place;
}

/* The mail that it is about: one that is known, else it is decided on now. */
static uint64_t *take_mail(struct rehearsal *rehearsal, struct kept_lead *kept,
                           const struct rehearsal_mail *mail)
{
    uint64_t hash = (hash_spread(hash_bytes(HASH_START, mail->id)) & ~MAIL_BITS) | MAIL_PRESENT;
    uint64_t *place;

    for (int i = 0; i < KEPT_MAILS; i++)
        if ((kept->mails[i] & ~MAIL_BITS) == hash)
            return &kept->mails[i];
    place = make_room(kept);
    rehearsal->result.waiting += is_waiting(*place);
    *place = hash | decide(kept, mail->enforced, sent_time(mail->event));
    return place;
}

/* --- what is counted --- */

static bool is_invalid(const struct event *event)
{
    return event->cause == CAUSE_USER_UNKNOWN || event->cause == CAUSE_DOMAIN_UNKNOWN;
}

static void count_mail(struct rehearsal_count *count, const struct event *event, bool refused)
{
    bool failed = event->type == EVENT_BOUNCE, invalid = failed && is_invalid(event);

    count->mails++;
    count->failed += failed;
    count->invalid += invalid;
    count->saved += refused && failed;
    count->saved_invalid += refused && invalid;
    count->missed += refused && !failed;
}

/* Sets the cause's bit. True when it was not set; *first when no bit was. */
static bool note_cause(uint32_t *causes, enum cause cause, bool *first)
{
    uint32_t before = *causes;

    *causes |= UINT32_C(1) << cause;
    *first = before == 0;
    return before != *causes;
}

/* A good mail that the opt-out would have kept back. */
static void count_price(struct rehearsal *rehearsal, struct kept_lead *kept, uint64_t mail)
{
    enum cause cause = (enum cause)(mail & MAIL_CAUSE);
    struct rehearsal_cause *of = &rehearsal->result.of[cause], *all = &rehearsal->result.all;
    bool first;

    of->missed++;
    all->missed++;
    if (note_cause(&kept->missed, cause, &first)) {
        of->missed_leads++;
        all->missed_leads += first;
    }
    if ((mail & MAIL_ENDED) == 0 || kept->missed_ended)
        return;
    kept->missed_ended = true;
    of->missed_ended++;
    all->missed_ended++;
}

/* The outcome of a mail; -1 when out of memory. */
static int count_outcome(struct rehearsal *rehearsal, struct kept_lead *kept, const struct event *event,
                         uint64_t mail)
{
    struct rehearsal_count *day = kept_providers_day(&rehearsal->providers, kept->provider, event->at / DAY);
    bool refused = (mail & MAIL_CAUSE) != CAUSE_NONE;

    if (day == NULL)
        return -1;
    count_mail(day, event, refused);
    count_mail(&rehearsal->result.count, event, refused);
    if (event->type == EVENT_BOUNCE) {
        rehearsal->result.of[event->cause].failed++;
        rehearsal->result.of[event->cause].saved += refused;
    } else if (refused) {
        count_price(rehearsal, kept, mail);
    }
    return 0;
}

static void count_optout(struct rehearsal *rehearsal, struct kept_lead *kept, const struct optout *optout)
{
    struct rehearsal_cause *of = &rehearsal->result.of[optout->cause], *all = &rehearsal->result.all;
    struct rehearsal_provider *provider = &rehearsal->providers.item[kept->provider];
    bool first;

    of->optouts++;
    all->optouts++;
    if (note_cause(&kept->out, optout->cause, &first)) {
        of->leads++;
        all->leads += first;
        provider->leads += first;
    }
    /* Once for each lead: nothing in a log ends it. */
    if (optout->kind == OPTOUT_PERMANENT) {
        of->ended++;
        all->ended++;
        provider->ended++;
    }
}

/* --- one try --- */

/* As the programs do, at the time of the event: a log is read in order. Where a line stands behind later
 * ones, the key of an opt-out that began meanwhile is there already. */
static void apply(struct rehearsal *rehearsal, struct kept_lead *kept, const struct event *told)
{
    char message[KEPT_MESSAGE_SIZE];
    struct optouts optouts = { .optout.present = false };
    struct event event = *told;
    struct lead lead;
    struct change change;

    kept_message(message, event.message);
    event.message = span_of(message);
    kept_lead_unpack(kept, &lead);
    if (kept_lead_is_out(kept, event.at))
        optouts.optout = (struct optout){
            .present = true,
            .kind = kept->until == 0 ? OPTOUT_PERMANENT : OPTOUT_TEMPORARY,
            .cause = (enum cause)kept->optout_cause,
            .cycle = kept->cycle,
            .since = kept->since,
            .until = kept->until,
        };
    if (lead_apply(rehearsal->settings, &lead, &optouts, &event, event.at, &lead, &change) == EFFECT_REPEAT)
        return;
    kept_lead_pack(kept, &lead);
    if (change.kind != CHANGE_OPTOUT)
        return;
    kept->optout_cause = (uint8_t)change.optout.cause;
    count_optout(rehearsal, kept, &change.optout);
}

static int take_lead(struct rehearsal *rehearsal, const struct event *event, struct kept_lead **out)
{
    int provider = PROVIDER_NONE;

    if ((*out = kept_leads_take(&rehearsal->leads, address_span(&event->lead))) == NULL ||
        (provider = kept_providers_take(&rehearsal->providers, event->provider)) < 0)
        return -1;
    /* Where no host was reached, it is the one that answered for her last. */
    if (provider != PROVIDER_NONE)
        (*out)->provider = (uint16_t)provider;
    return 0;
}

static void note_time(struct rehearsal_result *result, int64_t at)
{
    if (result->first == 0 || at < result->first)
        result->first = at;
    if (at > result->last)
        result->last = at;
}

int rehearsal_add(struct rehearsal *rehearsal, const struct rehearsal_mail *mail)
{
    const struct event *event = mail->event;
    struct kept_lead *kept;
    uint64_t *known;

    if (take_lead(rehearsal, event, &kept) < 0)
        return -1;
    known = take_mail(rehearsal, kept, mail);
    note_time(&rehearsal->result, event->at);
    if (event->type == EVENT_DEFERRED) {
        rehearsal->result.deferrals++;
    } else if (is_waiting(*known)) {
        if (count_outcome(rehearsal, kept, event, *known) < 0)
            return -1;
        *known |= MAIL_DONE;
    }
    if ((*known & MAIL_CAUSE) == CAUSE_NONE)
        apply(rehearsal, kept, event);
    return 0;
}

/* --- what came of it --- */

void rehearsal_sum(const struct rehearsal *rehearsal, struct rehearsal_result *out)
{
    *out = rehearsal->result;
    out->leads = (int64_t)rehearsal->leads.n;
    for (size_t i = 0; i < rehearsal->leads.room; i++) {
        const struct kept_lead *kept = rehearsal->leads.slots[i].lead;

        if (rehearsal->leads.slots[i].hash == 0)
            continue;
        for (int mail = 0; mail < KEPT_MAILS; mail++)
            out->waiting += is_waiting(kept->mails[mail]);
        if (!kept_lead_is_out(kept, out->last))
            continue;
        out->ended_last += kept->until == 0;
        out->suspended_last += kept->until != 0;
    }
}

const struct rehearsal_provider *rehearsal_providers(const struct rehearsal *rehearsal, size_t *n)
{
    *n = rehearsal->providers.n;
    return rehearsal->providers.item;
}

bool rehearsal_find(const struct rehearsal *rehearsal, const struct address *address, struct lead *out,
                    struct optout *optout)
{
    const struct kept_lead *kept = kept_leads_find(&rehearsal->leads, address_span(address));

    if (kept == NULL)
        return false;
    kept_lead_unpack(kept, out);
    *optout = (struct optout){
        .present = kept->optout_cause != CAUSE_NONE,
        .kind = kept->until == 0 ? OPTOUT_PERMANENT : OPTOUT_TEMPORARY,
        .cause = (enum cause)kept->optout_cause,
        .since = kept->since,
        .until = kept->until,
    };
    return true;
}
