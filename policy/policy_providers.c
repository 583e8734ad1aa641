/* SPDX-License-Identifier: BSD-2-Clause */
/* Two tables of fixed size: domains, each with the name of its provider, and providers. A place in them is
 * one of a few that the name's hash leads to; where all are taken the one that was used longest ago is given
 * away. Each domain's answer tells of its provider too, so he is as fresh as the freshest of his domains.
 *
 * A domain is asked about at most once a second, while there are decisions on it; the next ones of that
 * second are looked up behind it on the same connection, and so are answered after it.
 *
 * How many risky leads are under way is counted in Redis, by all policy servers together; each adds its own
 * once a second, and goes by what Redis said and what it has let pass since. Where many more may pass a
 * glance at each lead does, which does not tell who is risky: one in GUARD_SAMPLE is looked at closely and
 * counts for all of them. Which one is not to be foreseen: a list may have an order. */
#include "policy/policy_providers.h"

#include "leadgate/guard.h"
#include "leadgate/hash.h"

#include <stdlib.h>
#include <string.h>

enum {
    WAYS = 4,
    DOMAINS = 4096, /* powers of two */
    PROVIDERS = 1024,
    DOMAIN_SIZE = 256, /* RFC 1035 2.3.4 */
};

#define SECOND 1000
#define HOUR   (3600 * SECOND)

struct domain {
    uint64_t hash; /* 0: free */
    int64_t asked; /* 0: it is to be asked about */
    int64_t used;  /* and both: milliseconds */
    bool known;    /* there was an answer */
    bool held, returning;
    size_t provider_at; /* where his place was at the last answer, and of which hash */
    uint64_t provider_hash;
    int64_t told; /* in his place, when it was asked; -1: he was not known */
    char name[DOMAIN_SIZE];
};

struct place {
    uint64_t hash; /* 0: free */
    int64_t used;
    int64_t told;   /* risky leads of whom Redis was told from this place, whoever had it */
    uint64_t turns; /* decisions, for the samples */
    struct policy_provider provider;
};

struct policy_providers {
    struct lookup *lookup;
    const struct settings *settings;
    char *streams; /* their names, with blanks between them; NULL: there was no memory for them */
    bool followed; /* some feed follows a log, by the last answer */
    struct domain domains[DOMAINS];
    struct place places[PROVIDERS];
};

static uint64_t hash_of(struct span name)
{
    return hash_spread(hash_bytes(HASH_START, name));
}

static struct domain *find_domain(struct policy_providers *providers, struct span name, uint64_t hash)
{
    struct domain *set = &providers->domains[hash % (DOMAINS / WAYS) * WAYS];

    for (int i = 0; i < WAYS; i++)
        if (set[i].hash == hash && span_eq(span_of(set[i].name), name))
            return &set[i];
    return NULL;
}

/* NULL: the name is too long for any domain. */
static struct domain *take_domain(struct policy_providers *providers, struct span name, uint64_t hash)
{
    struct domain *set = &providers->domains[hash % (DOMAINS / WAYS) * WAYS], *oldest = set;

    for (int i = 1; i < WAYS; i++)
        if (set[i].used < oldest->used)
            oldest = &set[i];
    *oldest = (struct domain){ .hash = hash };
    if (span_copy(oldest->name, sizeof(oldest->name), name))
        return oldest;
    oldest->hash = 0;
    return NULL;
}

/* Redis is told how many risky leads were let pass. */
static void tell(struct policy_providers *providers, struct place *place, int64_t now)
{
    struct policy_provider *provider = &place->provider;

    if (provider->passed == 0 ||
        !lookup_pass(providers->lookup, span_of(provider->name), provider->passed, now / SECOND))
        return;
    place->told += provider->passed;
    provider->passed = 0;
}

static void empty_place(struct policy_providers *providers, struct place *place, int64_t now)
{
    tell(providers, place, now);
    free(place->provider.counts);
    *place = (struct place){ .told = place->told };
}

/* The place of a provider, taken for him if need be. */
static struct place *take_place(struct policy_providers *providers, struct span name, int64_t now)
{
    uint64_t hash = hash_of(name);
    struct place *set = &providers->places[hash % (PROVIDERS / WAYS) * WAYS], *oldest = set;

    for (int i = 0; i < WAYS; i++) {
        if (set[i].hash == hash && span_eq(span_of(set[i].provider.name), name))
            return &set[i];
        if (set[i].used < oldest->used)
            oldest = &set[i];
    }
    empty_place(providers, oldest, now);
    oldest->hash = hash;
    (void)span_copy(oldest->provider.name, sizeof(oldest->provider.name), name);
    return oldest;
}

static struct place *place_of(struct policy_providers *providers, const struct domain *domain)
{
    struct place *place = &providers->places[domain->provider_at];

    return domain->known && place->hash == domain->provider_hash ? place : NULL;
}

/* Room for the counts, when there is anything to be counted. */
static bool make_counts(struct policy_provider *provider, const struct provider_state *state, size_t n)
{
    bool any = state->followed;
    struct guard_count share;

    if (provider->counts != NULL)
        return true;
    for (size_t i = 0; !any && i < n; i++)
        any = provider_state_share(state, i, &share);
    provider->counts = any ? calloc(n, sizeof(*provider->counts)) : NULL;
    provider->n_counts = provider->counts == NULL ? 0 : n;
    return provider->counts != NULL;
}

/* told: what Redis had been told when it was asked. */
static void read_shares(struct policy_providers *providers, struct place *place,
                        const struct provider_state *state, int64_t told)
{
    struct policy_provider *provider = &place->provider;

    if (!make_counts(provider, state, providers->settings->streams.n + 1))
        return;
    for (size_t i = 0; i < provider->n_counts; i++)
        (void)provider_state_share(state, i, &provider->counts[i]);
    provider->answering = state->followed && !state->late;
    provider->counts[0].risky += place->told - told + provider->passed;
}

/* Who has no name, or none of ours, shares a place with all such, and is in no trouble. */
static struct place *read_provider(struct policy_providers *providers, const struct domain *domain,
                                   const struct provider_state *state)
{
    static const struct provider_state nobody = { .percent = 100 };
    const struct place *before = place_of(providers, domain);
    struct place *place;

    if (state->provider.n == 0 || state->provider.n >= PROVIDER_SIZE)
        state = &nobody;
    place = take_place(providers, state->provider, domain->used);
    place->used = domain->used;
    place->provider.held = state->held;
    place->provider.percent = state->percent;
    place->provider.released = state->released;
    read_shares(providers, place, state, place == before && domain->told >= 0 ? domain->told : place->told);
    place->provider.trouble = policy_hold_is_near(providers->settings, &place->provider);
    return place;
}

/* A lookup_domain_fn. The place may have gone to another domain meanwhile. */
static void on_domain(void *ctx, const struct address *lead, enum store_rc rc,
                      const struct provider_state *state)
{
    struct policy_providers *providers = ctx;
    struct span name = address_domain(lead);
    struct domain *domain = find_domain(providers, name, hash_of(name));
    struct place *place;

    if (domain == NULL)
        return;
    if (rc == STORE_DOWN) {
        domain->asked = 0;
        return;
    }
    providers->followed = state->followed;
    place = read_provider(providers, domain, state);
    domain->known = true;
    domain->held = state->domain_held;
    domain->returning = state->returning;
    domain->provider_at = (size_t)(place - providers->places);
    domain->provider_hash = place->hash;
}

static bool is_fresh(const struct domain *domain, const struct place *place, int64_t now)
{
    return domain->asked != 0 && now - domain->asked < SECOND && now >= domain->asked &&
           (!domain->known || place != NULL);
}

static void ask(struct policy_providers *providers, struct domain *domain, const struct address *lead,
                int64_t now)
{
    const struct place *place = place_of(providers, domain);

    domain->asked = now;
    domain->told = place == NULL ? -1 : place->told;
    lookup_domain(providers->lookup, lead, settings_provider(providers->settings, SPAN_NONE, lead),
                  providers->streams != NULL ? span_of(providers->streams) : SPAN_NONE, now / SECOND,
                  on_domain, providers);
}

/* Whether this decision is the one in GUARD_SAMPLE. */
static bool is_sampled(const struct policy_providers *providers, struct place *place)
{
    uint64_t turn;

    if (!providers->followed || !policy_hold_counts(providers->settings, &place->provider))
        return false;
    turn = place->turns++;
    return turn % GUARD_SAMPLE == hash_spread(turn / GUARD_SAMPLE + place->hash) % GUARD_SAMPLE;
}

enum lookup_look policy_providers_meet(struct policy_providers *providers, const struct address *lead,
                                       int64_t now, int *counts_for)
{
    struct span name = address_domain(lead);
    uint64_t hash = hash_of(name);
    struct domain *domain = find_domain(providers, name, hash);
    struct place *place;
    bool fresh;

    *counts_for = 1;
    if (domain == NULL && (domain = take_domain(providers, name, hash)) == NULL)
        return LOOK_AT_RETURNS;
    domain->used = now;
    place = place_of(providers, domain);
    fresh = is_fresh(domain, place, now);
    if (!fresh)
        ask(providers, domain, lead, now);
    if (domain->held || (place == NULL ? providers->followed : place->provider.trouble))
        return LOOK_CLOSELY;
    if (place != NULL && is_sampled(providers, place)) {
        *counts_for = GUARD_SAMPLE;
        return LOOK_CLOSELY;
    }
    return fresh && domain->known && !domain->returning ? LOOK_BRIEFLY : LOOK_AT_RETURNS;
}

void policy_providers_tell(struct policy_providers *providers, int64_t now)
{
    for (int i = 0; i < PROVIDERS; i++)
        tell(providers, &providers->places[i], now);
}

struct policy_place policy_providers_find(struct policy_providers *providers, const struct address *lead,
                                          int64_t now)
{
    struct span name = address_domain(lead);
    struct domain *domain = find_domain(providers, name, hash_of(name));
    struct place *place = domain == NULL ? NULL : place_of(providers, domain);

    if (place == NULL)
        return (struct policy_place){ .provider = NULL };
    place->used = now;
    if (place->provider.hour != now / HOUR) {
        place->provider.hour = now / HOUR;
        place->provider.sent = place->provider.returned = 0;
    }
    return (struct policy_place){ .provider = &place->provider, .domain_held = domain->held };
}

/* Names of streams have no blanks. NULL when out of memory. */
static char *join_names(const struct streams *streams)
{
    char *text = calloc(streams->n + 1, STREAM_NAME_SIZE + 1), *end = text;

    if (text == NULL)
        return NULL;
    for (size_t i = 0; i < streams->n; i++) {
        end = stpcpy(end, streams->item[i].name);
        *end++ = ' ';
    }
    *end = '\0';
    return text;
}

static void forget_counts(struct policy_providers *providers)
{
    for (int i = 0; i < PROVIDERS; i++) {
        struct policy_provider *provider = &providers->places[i].provider;

        free(provider->counts);
        provider->counts = NULL;
        provider->n_counts = 0;
    }
}

void policy_providers_use(struct policy_providers *providers, const struct settings *settings)
{
    providers->settings = settings;
    free(providers->streams);
    providers->streams = join_names(&settings->streams);
    forget_counts(providers);
    for (int i = 0; i < DOMAINS; i++)
        providers->domains[i].asked = 0;
}

struct policy_providers *policy_providers_new(struct lookup *lookup, const struct settings *settings)
{
    struct policy_providers *providers = calloc(1, sizeof(*providers));

    if (providers == NULL)
        return NULL;
    providers->lookup = lookup;
    policy_providers_use(providers, settings);
    return providers;
}

void policy_providers_free(struct policy_providers *providers)
{
    if (providers == NULL)
        return;
    forget_counts(providers);
    free(providers->streams);
    free(providers);
}
