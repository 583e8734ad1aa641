/* SPDX-License-Identifier: BSD-2-Clause */
/* lead: the life of one recipient address. lead_apply() is the only place that decides what follows from an
 * event (design: "The life of a lead"); the milter, the feeds, the operator's command and every simulation
 * call it. Pure C: no I/O, no clock, no global state; any thread. All times are seconds since the epoch, 0 =
 * never. */
#ifndef LEADGATE_LEAD_H
#define LEADGATE_LEAD_H

#include "leadgate/cause.h"
#include "leadgate/event.h"

#include <stdbool.h>
#include <stdint.h>

#define SCORE_UNIT 1000              /* scores are kept in thousandths */
#define SCORE_MOST (10 * SCORE_UNIT) /* and stay in -10..10 */

/* The weights of rule 8, in thousandths. */
struct score_settings {
    int64_t delivered;      /* a delivery */
    int64_t delivered_most; /* deliveries alone raise the score no further */
    int64_t soft, hard;     /* bounces that are the lead's or nobody's fault; below 0 */
    int64_t block;          /* bounces that are the sender's fault; below 0 */
    int64_t complaint;      /* below 0 */
    int64_t half_life;      /* seconds in which half of it is forgotten */
    int64_t floor;          /* at or below it the lead is opted out (causes.score) */
};

/* The ways to show a sign of life, each with its numbers. */
enum engagement { ENGAGED_OPEN, ENGAGED_MACHINE_OPEN, ENGAGED_CLICK, ENGAGED_REPLY, ENGAGEMENTS };

struct engagement_settings {
    int64_t weight;   /* thousandths; what it adds to the score */
    bool reactivates; /* lifts an opt-out and counts as activity; else only its weight counts */
};

/* The numbers of the lifecycle, from the settings. */
struct lead_settings {
    int64_t strike_spacing; /* seconds; bounces closer together are one strike */
    int64_t backoff;        /* each suspension of a series is that many times the one before, 1..10 */
    int64_t series_limit;   /* seconds from the first opt-out of a series until the next one is permanent */
    int64_t longest;        /* seconds; the longest suspension of causes with END_LONGEST */
    int64_t jitter;         /* percent, 0..100; suspensions are up to that much longer, never shorter */
    int64_t activity_grace; /* seconds after an open or click in which soft causes do not suspend */
    int64_t trust_window;   /* seconds after an open or click in which a hard bounce is doubted */
    int64_t trust_score;    /* thousandths; from this score on a hard bounce is doubted */
    int64_t doubt; /* seconds; length of the suspension that a doubted hard bounce leads to; 0 = no doubt */
    int64_t sunset_sends; /* deliveries, at least, before the sunset */
    int64_t sunset_after; /* seconds without engagement; 0 = no sunset */
    struct score_settings score;
    struct engagement_settings engagement[ENGAGEMENTS];
    struct cause_settings causes[CAUSES];
};

/* Fills in every default. */
void lead_settings_default(struct lead_settings *settings);

/* Texts of a lead are kept short: Redis stores a small hash without a value over 64 bytes
 * (hash-max-listpack-value) in a fraction of the memory, and the whole words stand in the lead's log. */
#define LEAD_TEXT_SIZE 64

/* A lead's history: the hash lead:{ADDR}. All zero is a lead that nothing is known of. */
struct lead {
    enum cause cause;             /* of the run of strikes, or of the last opt-out */
    int64_t strikes;              /* in a row, of `cause` */
    int64_t cycle;                /* suspensions in this series so far */
    int64_t series;               /* when the series' first opt-out began */
    int64_t since;                /* when the current or last opt-out for its health began */
    int64_t until;                /* when that was to end; 0 = permanent */
    int64_t seen;                 /* first event, by when it happened */
    int64_t delivered;            /* last delivery */
    int64_t bounced;              /* last bounce, whether it was a strike or not */
    int64_t struck;               /* last bounce that was a strike */
    int64_t deferred;             /* last deferral */
    int64_t engaged;              /* last engagement that reactivates */
    int64_t noticed;              /* last one that does not */
    int64_t resubscribed;         /* to the event's stream: what was said before it is answered */
    int64_t doubted;              /* when a hard bounce was doubted; 0 = not since the last sign of life */
    int64_t deliveries;           /* how many */
    int64_t score;                /* thousandths, as it was at `scored` */
    int64_t scored;               /* when the score was last touched */
    int64_t rev;                  /* the store's: counts commits, compared at each; lead_apply() copies it */
    char message[LEAD_TEXT_SIZE]; /* of the last strike; a longer one by its beginning and a hash */
    char noted[LEAD_TEXT_SIZE];   /* the same of a bounce after it that was no strike; "" = none */
    char status[16];              /* of the last bounce or deferral */
    char diag[LEAD_TEXT_SIZE];    /* of the last bounce or deferral, cut */
    char provider[LEAD_TEXT_SIZE];
};

enum optout_kind { OPTOUT_TEMPORARY = 1, OPTOUT_PERMANENT };

/* One opt-out for the lead's health: the key lead:{ADDR}:optout. */
struct optout {
    bool present;
    enum optout_kind kind; /* by the key's TTL, whatever its value says */
    enum cause cause;      /* CAUSE_MANUAL when an operator's free text names none */
    int64_t cycle;
    int64_t since; /* 0 = not said */
    int64_t until; /* by the key's TTL; 0 = permanent */
    char status[16];
};

/* What stands against, or for, a lead at the moment an event is applied. */
struct optouts {
    struct optout optout;
    bool allowed;          /* lead:{ADDR}:allow or domain:{DOMAIN}:allow exists */
    bool refused;          /* lead:{ADDR}:refused holds the event's stream */
    int64_t refused_since; /* by its value; 0 = not said */
};

/* What an event did. */
enum effect {
    EFFECT_REPEAT = 1, /* known already: nothing changes, nothing is to be written */
    EFFECT_RECORDED,   /* history only: the cause never strikes, or the lead is allowed */
    EFFECT_IN_FLIGHT,  /* history only: old evidence about an opt-out that had begun (rule 2) */
    EFFECT_SPACED,     /* history only: too close to the strike before it to be another (rule 3) */
    EFFECT_STRIKE,     /* one strike more, no opt-out yet */
    EFFECT_OPTOUT,     /* opted out: change->kind is CHANGE_OPTOUT */
    EFFECT_GOOD,       /* a delivery or engagement; CHANGE_LIFT when it let her in */
    EFFECT_WILL,       /* the recipient's will changed, or was said again */
    EFFECTS
};

enum change_kind {
    CHANGE_NONE,
    CHANGE_OPTOUT, /* set lead:{ADDR}:optout to `optout` */
    CHANGE_LIFT,   /* delete lead:{ADDR}:optout */
    CHANGE_REFUSE, /* add the event's stream to lead:{ADDR}:refused */
    CHANGE_ACCEPT, /* take the event's stream out of lead:{ADDR}:refused */
};

/* At most one change of the opt-outs follows from an event. */
struct change {
    enum change_kind kind;
    struct optout
        optout; /* CHANGE_OPTOUT; may already be over when old evidence is applied late: then until <= now */
};

/* Applies event to the lead `before` under `optouts`, as seen at `now`; writes the next lead to *after and
 * the change to *change. after may be before. Times of the event that lie in the future are taken as `now`.
 */
enum effect lead_apply(const struct lead_settings *settings, const struct lead *before,
                       const struct optouts *optouts, const struct event *event, int64_t now,
                       struct lead *after, struct change *change);

/* The score as it stands at a time; at times before it was last touched, as it was then. */
int64_t score_at(const struct lead_settings *settings, const struct lead *lead, int64_t at);

/* The engagement that an event is; false for all other events. */
bool event_engagement(enum event_type type, enum engagement *out);
/* As in the settings and as the event is named: open, machine-open, click, reply. NULL beyond the last. */
const char *engagement_name(size_t engagement);

const char *effect_name(enum effect effect);
const char *change_name(enum change_kind kind);
const char *optout_kind_name(enum optout_kind kind);

#endif
