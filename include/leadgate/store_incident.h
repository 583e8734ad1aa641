/* SPDX-License-Identifier: BSD-2-Clause */
/* store_incident: which providers are held, and the incidents behind that: read, changed and told.
 *
 * Who passes tells the hash provider:{P}:incident while it is there: `percent` of the provider's leads.
 * Before any pass its hold, provider:{P}:hold, is there, too; an operator's hold is one without an incident,
 * or in the place of the incident's: it stays his, and nobody passes while it is there. What an operator
 * deletes is gone: the leader takes away what is left of the incident.
 *
 * Every change compares what was read with what stands there now, so that of two leaders one does it; and it
 * leaves its words in the incident, as `news`, until they are in the stream leadgate:incidents: whoever leads
 * next writes what a dead one left. STORE_DOWN is as in store.h. */
#ifndef LEADGATE_STORE_INCIDENT_H
#define LEADGATE_STORE_INCIDENT_H

#include "leadgate/incident.h"
#include "leadgate/provider.h"
#include "leadgate/store.h"
#include "leadgate/store_admin.h"

/* --- what is there --- */

struct hold {
    bool present;
    int64_t since; /* of the incident that holds it; 0 = an operator does */
    enum incident_sign sign;
    int64_t until; /* by the key's TTL; 0 = until it is deleted */
};

/* Reads a hold's value: `incident=2026-11-25T02:10:00Z sign=dead percent=0`. It is present whatever it says;
 * until is left alone. */
void hold_parse(struct hold *out, struct span value);

#define INCIDENT_BY_SIZE   96
#define INCIDENT_NEWS_SIZE 400

struct incident_state {
    bool open;      /* the rest of the incident is set only if it is */
    bool neglected; /* no leader has looked at it for an hour: it holds nobody, and still explains bounces */
    struct incident incident;
    char by[INCIDENT_BY_SIZE]; /* who opened it */
    int64_t cleaned;           /* how often the bounces before it were taken back */
    struct hold hold;          /* whether there is an incident or not */
    int64_t ended;             /* when the last one ended; 0 = not lately */
    /* What was done last and is not in the stream yet, as words; "" = it is. It may be left of an incident
     * that is over: then open is false. */
    char news[INCIDENT_NEWS_SIZE];
};

/* Of n providers, in one round trip. */
enum store_rc store_find_incidents(struct store *store, const struct span *providers, size_t n, int64_t now,
                                   struct incident_state *out, struct err *err);

/* What the bounces of a provider are judged by. */
struct incident_brief {
    bool open;
    enum incident_sign sign;
    int64_t since, step; /* when it was opened; when more leads were let in last, or none any more */
};

enum store_rc store_find_briefs(struct store *store, const struct span *providers, size_t n,
                                struct incident_brief *out, struct err *err);

/* Names of providers. All zeros is an empty list. */
struct provider_list {
    char (*name)[PROVIDER_SIZE];
    size_t n, room;
};

void provider_list_free(struct provider_list *list); /* leaves it empty; twice is fine */
/* Adds one that is not there yet; false when out of memory. A name that is too long is passed over. */
bool provider_list_add(struct provider_list *list, struct span name);
bool provider_list_has(const struct provider_list *list, struct span name);
/* Adds all of another one, and sorts; quicker than one after the other. */
bool provider_list_unite(struct provider_list *list, const struct provider_list *others);

/* Adds those that were heard of since then, or all with 0; or those with an incident. */
enum store_rc store_list_providers(struct store *store, int64_t since, struct provider_list *list,
                                   struct err *err);
enum store_rc store_list_open(struct store *store, struct provider_list *list, struct err *err);

/* --- what is done --- */

/* The words of a change, for the stream. */
struct incident_note {
    const char *action;                 /* open, step, hold, over */
    const char *by, *why;               /* a host and process, `operator`; NULL or "" = not said */
    const struct provider_count *count; /* NULL = none */
};

/* Changes the incident from what was read to what it is to be, and its hold with it: before NULL opens one,
 * after NULL ends it. *done is false, and nothing is changed, when another incident, or none, stands there by
 * now. An operator's hold is left as it is. */
enum store_rc store_change_incident(struct store *store, struct span provider, const struct incident *before,
                                    const struct incident *after, const struct incident_note *note,
                                    int64_t now, bool *done, struct err *err);

/* Keeps an incident from ending by itself, as it does an hour after the last change or keeping. */
enum store_rc store_keep_incident(struct store *store, struct span provider, struct err *err);

/* Takes away what is left of an incident that is not there any more: its hold; and notes that it ended now,
 * unless that is known. */
enum store_rc store_drop_incident(struct store *store, struct span provider, int64_t now, struct err *err);

/* Puts an incident's news into the stream, about `length` entries long; and what else is to be told, by
 * words: `action=taken-back leads=12`. */
enum store_rc store_tell_incident(struct store *store, struct span provider, const char *news, int64_t length,
                                  struct err *err);
enum store_rc store_tell(struct store *store, struct span provider, const char *words, int64_t length,
                         struct err *err);

/* Tells of the last `most` entries of the stream, the newest first; the spans live for the call. What
 * somebody wrote there by hand is told as it is. */
typedef void store_told_fn(void *ctx, const struct log_field *fields, size_t n);
enum store_rc store_each_told(struct store *store, int64_t most, store_told_fn *fn, void *ctx,
                              struct err *err);

/* Says how often the bounces before an incident have been taken back. */
enum store_rc store_note_cleaned(struct store *store, struct span provider, const struct incident *incident,
                                 int64_t times, struct err *err);

/* --- who leads --- */

/* Takes the lead, or keeps it, for so many milliseconds. */
enum store_rc store_take_lead(struct store *store, const char *name, int64_t ms, bool *leads,
                              struct err *err);
/* Lets go of it, if it is ours. */
enum store_rc store_leave_lead(struct store *store, const char *name, struct err *err);

/* Says for so many milliseconds that a delivery log is followed: what is sent will be heard of. */
enum store_rc store_say_followed(struct store *store, const char *name, int64_t ms, struct err *err);

#endif
