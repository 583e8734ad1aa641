/* SPDX-License-Identifier: BSD-2-Clause */
/* Tries are not independent: one message that waits is tried every few minutes, and its failure says the same
 * each time. So what is tested is scaled down to one try for each lead.
 *
 * The past is a mean of days, of which some are worse: twice its share of failures is still a usual day. And
 * it is never trusted to be better than a floor: a provider that had no failure in a month would otherwise
 * have an incident at the first. */
#include "leadgate/incident.h"

#include "leadgate/hash.h"

#include <math.h>

#define MINUTE INT64_C(60)
#define HOUR   (60 * MINUTE)

#define CHANCE       1e-6 /* below it, it is no chance */
#define USUAL        2    /* times the mean */
#define FAULTS_FLOOR 0.01 /* the least share that the past is believed to have */
#define DEAD_FLOOR   0.0025

/* Who passes, one step after the other. */
static const int steps[] = { 0, 1, 5, 20, 50, 100 };

enum { STEPS = sizeof(steps) / sizeof(steps[0]), ANSWERS_LEAST = 3, ANSWERS_MOST = 50 };

void incident_settings_default(struct incident_settings *settings)
{
    *settings = (struct incident_settings){
        .window = 15 * MINUTE, .floor = 50, .share = 20, .hold = 30 * MINUTE, .longest = 12 * HOUR
    };
}

double binomial_tail(int64_t tries, int64_t hits, double chance)
{
    double n = (double)tries, k = (double)hits, term, sum;

    if (hits <= 0 || chance >= 1)
        return 1;
    if (hits > tries || chance <= 0)
        return 0;
    /* The terms fall only beyond the mean; before it the tail is no rare event anyway. */
    if (k <= n * chance)
        return 1;
    term =
        exp(lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) + k * log(chance) + (n - k) * log1p(-chance));
    sum = term;
    for (; k < n && term > sum * 1e-12; k++) {
        term *= (n - k) / (k + 1) * chance / (1 - chance);
        sum += term;
    }
    return sum;
}

static double share_of(int64_t hits, int64_t tries)
{
    return tries > 0 ? (double)hits / (double)tries : 0;
}

static double usual_share(int64_t hits, int64_t tries, double floor)
{
    return fmin(USUAL * fmax(share_of(hits, tries), floor), 1);
}

static bool is_far_off(const struct incident_settings *settings, int64_t leads, int64_t tries, int64_t hits,
                       double past)
{
    double share = share_of(hits, tries);
    int64_t one_each = tries < leads ? tries : leads;

    return share * 100 > (double)settings->share &&
           binomial_tail(one_each, (int64_t)floor(share * (double)one_each), past) < CHANCE;
}

enum incident_sign incident_detect(const struct incident_settings *settings, const struct provider_count *now,
                                   const struct provider_count *past)
{
    double faults = usual_share(past->faults, past->tries, FAULTS_FLOOR);
    double dead = usual_share(past->known_dead, past->known, DEAD_FLOOR);

    if (now->leads < settings->floor)
        return SIGN_NONE;
    if (is_far_off(settings, now->leads, now->known, now->known_dead, dead))
        return SIGN_DEAD;
    if (is_far_off(settings, now->leads, now->tries, now->faults, faults))
        return SIGN_FAULTS;
    return SIGN_NONE;
}

bool incident_explains(enum incident_sign sign, enum cause cause)
{
    enum fault fault = cause_info(cause)->fault;

    switch (sign) {
    case SIGN_NONE: return false;
    case SIGN_FAULTS: return fault == FAULT_SENDER || fault == FAULT_TRANSIENT;
    case SIGN_DEAD: return cause == CAUSE_USER_UNKNOWN || cause == CAUSE_DOMAIN_UNKNOWN;
    }
    return false;
}

void incident_open(const struct incident_settings *settings, enum incident_sign sign, int64_t leads,
                   int64_t now, struct incident *out)
{
    *out = (struct incident){ .sign = sign,
                              .since = now,
                              .size = leads,
                              .length = settings->hold,
                              .until = now + settings->hold,
                              .step = now };
}

static int next_step(int percent)
{
    for (int i = 0; i + 1 < STEPS; i++)
        if (steps[i] >= percent)
            return steps[i + 1];
    return 100;
}

/* Half of those who should have been tried at this step, had they all got mail; no less than a few, and no
 * more than says enough. */
static int64_t answers_needed(const struct incident *incident)
{
    int64_t half = incident->size * incident->percent / 200;

    return half < ANSWERS_LEAST ? ANSWERS_LEAST : half > ANSWERS_MOST ? ANSWERS_MOST : half;
}

static bool is_healthy(const struct incident_settings *settings, const struct incident *incident,
                       const struct provider_count *count)
{
    double share = incident->sign == SIGN_DEAD ? share_of(count->known_dead, count->known)
                                               : share_of(count->faults, count->tries);

    return share * 100 <= (double)settings->share;
}

static enum incident_move hold_again(const struct incident_settings *settings, struct incident *incident,
                                     int64_t now)
{
    incident->length = incident->length < settings->longest / 2 ? incident->length * 2 : settings->longest;
    incident->until = now + incident->length;
    incident->percent = 0;
    incident->step = now;
    return MOVE_HOLD;
}

enum incident_move incident_move(const struct incident_settings *settings, struct incident *incident,
                                 const struct provider_count *count, int64_t now)
{
    if (incident->percent == 0) {
        if (now < incident->until)
            return MOVE_NONE;
    } else if (count->leads < answers_needed(incident)) {
        return MOVE_NONE;
    } else if (!is_healthy(settings, incident, count)) {
        return hold_again(settings, incident, now);
    }
    incident->percent = next_step(incident->percent);
    incident->step = now;
    return incident->percent == 100 ? MOVE_OVER : MOVE_STEP;
}

bool incident_passes(int percent, const struct address *lead)
{
    uint64_t hash = hash_bytes(HASH_START, address_span(lead));

    hash ^= hash >> 32;
    return (int)(hash % 100) < percent;
}

const char *incident_sign_name(enum incident_sign sign)
{
    switch (sign) {
    case SIGN_NONE: return "none";
    case SIGN_FAULTS: return "faults";
    case SIGN_DEAD: return "dead";
    }
    return "?";
}

enum incident_sign incident_sign_parse(struct span word)
{
    if (span_eq(word, SPAN("faults")))
        return SIGN_FAULTS;
    return span_eq(word, SPAN("dead")) ? SIGN_DEAD : SIGN_NONE;
}
