/* SPDX-License-Identifier: BSD-2-Clause */
/* A look costs Redis a few small commands for each provider that was heard of in the window, in batches; the
 * lead is kept for three looks. It has a connection of its own: what it does may take a while, and must not
 * be mixed up with a batch of events. */
#include "feed/incidents.h"

#include "feed/tend.h"
#include "leadgate/logline.h"
#include "leadgate/store_shares.h"

#include <event2/event.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum {
    LOOK_MOST = 10,    /* seconds from one look to the next */
    LOOKS = 90,        /* but so many in a window */
    LOOKS_OF_LEAD = 3, /* so long the lead is kept, and a followed log believed in */
    BATCH = 256,
    SHARE_LEAST = 10, /* tries, before a share is of any interest */
};

struct incidents {
    const struct settings *settings;
    struct counters *counters;
    struct store *store;
    struct event *timer;
    int64_t look; /* seconds */
    bool follows, leads;
    char name[HOST_NAME_MAX + 24];
};

static int64_t look_of(int64_t window)
{
    int64_t look = window / LOOKS;

    return look < 1 ? 1 : look > LOOK_MOST ? LOOK_MOST : look;
}

/* --- the list --- */

/* All that have to be looked at, and those of them that stand in the list of incidents. */
struct round {
    struct tend tend;
    struct provider_list open, all, shared;
    struct share_list shares;
};

static enum store_rc list_providers(struct round *round, struct err *err)
{
    struct store *store = round->tend.store;

    if (store_list_providers(store, tend_window(&round->tend).from, &round->all, err) == STORE_DOWN ||
        store_list_open(store, &round->open, err) == STORE_DOWN ||
        store_list_shared(store, &round->shared, err) == STORE_DOWN)
        return STORE_DOWN;
    if (provider_list_unite(&round->shared, &round->all) && provider_list_unite(&round->all, &round->open))
        return STORE_OK;
    err_set(err, "out of memory");
    return STORE_DOWN;
}

static void round_close(struct round *round)
{
    provider_list_free(&round->all);
    provider_list_free(&round->open);
    provider_list_free(&round->shared);
    share_list_free(&round->shares);
}

static size_t name_batch(const struct provider_list *list, size_t from, struct span names[BATCH])
{
    size_t n = 0;

    while (n < BATCH && from + n < list->n) {
        names[n] = span_of(list->name[from + n]);
        n++;
    }
    return n;
}

/* --- incidents --- */

static enum store_rc look_at(struct round *round, struct span provider, struct incident_state *state,
                             const struct provider_sum *sum, struct err *err)
{
    const struct tend *tend = &round->tend;

    if (tend_incident(tend, provider, provider_list_has(&round->open, provider), state, err) == STORE_DOWN)
        return STORE_DOWN;
    return tend->settings->incident.detect ? tend_look(tend, provider, state, sum, err) : STORE_OK;
}

static enum store_rc look_at_batch(struct round *round, const struct span *names, size_t n, struct err *err)
{
    const struct tend *tend = &round->tend;
    struct incident_state *states = calloc(n, sizeof(*states));
    struct provider_sum *sums = calloc(n, sizeof(*sums));
    enum store_rc rc = STORE_DOWN;

    if (states == NULL || sums == NULL) {
        err_set(err, "out of memory");
        goto out;
    }
    if (store_find_incidents(tend->store, names, n, tend->now, states, err) == STORE_DOWN ||
        store_sum_answers(tend->store, names, n, tend_window(tend), sums, err) == STORE_DOWN)
        goto out;
    rc = STORE_OK;
    for (size_t i = 0; rc == STORE_OK && i < n; i++)
        rc = look_at(round, names[i], &states[i], &sums[i], err);
out:
    free(states);
    free(sums);
    return rc;
}

static enum store_rc look_at_all(struct round *round, struct err *err)
{
    struct span names[BATCH];

    for (size_t done = 0, n; (n = name_batch(&round->all, done, names)) > 0; done += n)
        if (look_at_batch(round, names, n, err) == STORE_DOWN)
            return STORE_DOWN;
    return STORE_OK;
}

/* --- shares --- */

static enum store_rc write_shares(struct round *round, struct err *err)
{
    const struct tend *tend = &round->tend;
    struct span names[BATCH];

    for (size_t done = 0, n; (n = name_batch(&round->shared, done, names)) > 0; done += n)
        if (store_sum_shares(tend->store, names, n, tend->now, SHARE_LEAST, &round->shares, err) ==
            STORE_DOWN)
            return STORE_DOWN;
    if (store_write_shares(tend->store, &round->shares, err) == STORE_DOWN)
        return STORE_DOWN;
    for (size_t i = 0; i < round->shares.n; i++)
        if (tend_share(tend, &round->shares.item[i], err) == STORE_DOWN)
            return STORE_DOWN;
    return STORE_OK;
}

/* --- looks --- */

static enum store_rc look(struct incidents *incidents, struct err *err)
{
    struct round round = { .tend = { .settings = incidents->settings,
                                     .store = incidents->store,
                                     .counters = incidents->counters,
                                     .name = incidents->name,
                                     .now = time(NULL) } };
    enum store_rc rc = list_providers(&round, err);

    if (rc == STORE_OK)
        rc = look_at_all(&round, err);
    if (rc == STORE_OK)
        rc = write_shares(&round, err);
    round_close(&round);
    return rc;
}

/* While Redis is away nobody leads; that it is away is said by whoever has events for it. */
static void on_look(evutil_socket_t fd, short what, void *ctx)
{
    struct incidents *incidents = ctx;
    int64_t life = incidents->look * LOOKS_OF_LEAD * 1000;
    bool leads = false;
    struct err err;

    (void)fd;
    (void)what;
    if (incidents->follows)
        (void)store_say_followed(incidents->store, incidents->name, life, &err);
    if (store_take_lead(incidents->store, incidents->name, life, &leads, &err) == STORE_OK && leads) {
        if (!incidents->leads)
            log_say(LOG_NOTICE, "%s looks at providers from now on", incidents->name);
        leads = look(incidents, &err) == STORE_OK;
    }
    incidents->leads = leads;
}

static void make_name(struct incidents *incidents)
{
    char host[HOST_NAME_MAX + 1] = "localhost";

    gethostname(host, sizeof(host) - 1);
    snprintf(incidents->name, sizeof(incidents->name), "%s:%ld", host, (long)getpid());
}

struct incidents *incidents_new(struct event_base *base, const struct settings *settings, bool follows,
                                struct counters *counters, struct err *err)
{
    struct incidents *incidents = calloc(1, sizeof(*incidents));
    struct timeval every = { .tv_sec = look_of(settings->incident.numbers.window) };

    if (incidents == NULL)
        goto fail;
    incidents->settings = settings;
    incidents->counters = counters;
    incidents->follows = follows;
    incidents->look = every.tv_sec;
    make_name(incidents);
    incidents->store = store_new(&settings->redis);
    incidents->timer = event_new(base, -1, EV_PERSIST, on_look, incidents);
    if (incidents->store == NULL || incidents->timer == NULL || event_add(incidents->timer, &every) < 0)
        goto fail;
    return incidents;
fail:
    err_set(err, "out of memory");
    incidents_free(incidents);
    return NULL;
}

void incidents_free(struct incidents *incidents)
{
    struct err err;

    if (incidents == NULL)
        return;
    if (incidents->timer != NULL)
        event_free(incidents->timer);
    if (incidents->leads)
        (void)store_leave_lead(incidents->store, incidents->name, &err);
    store_free(incidents->store);
    free(incidents);
}
