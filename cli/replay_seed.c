/* SPDX-License-Identifier: BSD-2-Clause */
/* Events go in as leadgate-feed would have brought them, in the order of the log; what is known already
 * changes nothing (design: rule 1), so that nothing has to be remembered between one run and the next. */
#include "cli/replay_seed.h"

#include "cli/figures.h"
#include "leadgate/answers.h"

#include <stdlib.h>
#include <sysexits.h>

enum { BATCH = 256 };

/* The texts that an event borrows: the line is gone when it is applied. */
struct texts {
    char message[1000]; /* RFC 5322 has no longer line */
    char status[16], evidence[512], provider[PROVIDER_SIZE];
};

struct seed {
    struct session *session;
    struct event events[BATCH];
    struct texts texts[BATCH];
    struct outcome outcomes[BATCH];
    size_t n;
    int64_t applied, repeated;
    int64_t out, ended; /* opt-outs that are new and stand: all of them, for good */
};

struct seed *seed_new(struct session *session)
{
    struct seed *seed = calloc(1, sizeof(*seed));

    if (seed != NULL)
        seed->session = session;
    return seed;
}

void seed_free(struct seed *seed)
{
    free(seed);
}

/* An opt-out in place of another one, or one that is over by now, is no new one. */
static void count(struct seed *seed, const struct outcome *outcome)
{
    const struct optout *optout = &outcome->change.optout;
    bool stands = outcome->change.kind == CHANGE_OPTOUT &&
                  (optout->kind == OPTOUT_PERMANENT || optout->until > seed->session->now);

    seed->applied++;
    seed->repeated += outcome->effect == EFFECT_REPEAT;
    seed->out += stands && !outcome->before.present;
    seed->ended += stands && optout->kind == OPTOUT_PERMANENT &&
                   (!outcome->before.present || outcome->before.kind != OPTOUT_PERMANENT);
}

int seed_finish(struct seed *seed)
{
    struct session *session = seed->session;
    char applied[GROUPED_SIZE];
    size_t n = seed->n;
    struct err err;

    seed->n = 0;
    if (n == 0)
        return GO_ON;
    if (answers_apply(session->settings, session->store, seed->events, n, session->now, seed->outcomes, NULL,
                      &err) == STORE_DOWN) {
        fprintf(stderr, "leadgate: %s\nleadgate: %s events were applied before; run it again\n", err.text,
                figures_grouped(applied, seed->applied));
        return EX_TEMPFAIL;
    }
    for (size_t i = 0; i < n; i++)
        count(seed, &seed->outcomes[i]);
    return GO_ON;
}

static struct span keep(char *dst, size_t size, struct span text)
{
    span_excerpt(dst, size, text);
    return span_of(dst);
}

int seed_add(struct seed *seed, const struct event *event)
{
    struct event *copy = &seed->events[seed->n];
    struct texts *texts = &seed->texts[seed->n];

    *copy = *event;
    copy->message = keep(texts->message, sizeof(texts->message), event->message);
    copy->status = keep(texts->status, sizeof(texts->status), event->status);
    copy->evidence = keep(texts->evidence, sizeof(texts->evidence), event->evidence);
    copy->provider = keep(texts->provider, sizeof(texts->provider), event->provider);
    return ++seed->n == BATCH ? seed_finish(seed) : GO_ON;
}

void seed_print(FILE *to, const struct seed *seed, int64_t leads)
{
    char number[GROUPED_SIZE];

    fprintf(to, "\nRedis: %s events", figures_grouped(number, seed->applied));
    fprintf(to, " of %s leads", figures_grouped(number, leads));
    if (seed->repeated > 0)
        fprintf(to, ", of which %s were known", figures_grouped(number, seed->repeated));
    fprintf(to, "; %s leads opted out by them", figures_grouped(number, seed->out));
    fprintf(to, ", %s of them for good\n", figures_grouped(number, seed->ended));
}
