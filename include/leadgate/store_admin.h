/* SPDX-License-Identifier: BSD-2-Clause */
/* store_admin: what an operator asks of Redis and does to it beyond events: everything about one lead, every
 * lead in turn, whitelisting, forgetting. One admin is one blocking connection: one thread at a time.
 * Arguments are borrowed for the call; STORE_DOWN is as in store.h. Values may have been written by hand:
 * they are handed out as they are, and may hold any byte. */
#ifndef LEADGATE_STORE_ADMIN_H
#define LEADGATE_STORE_ADMIN_H

#include "leadgate/store.h"

struct admin;

/* NULL only when out of memory. settings is borrowed and must outlive the admin. Does not connect. */
struct admin *admin_new(const struct store_settings *settings);
void admin_free(struct admin *admin); /* NULL is fine */

/* A lead, or her whole domain. */
struct subject {
    struct address lead;
    bool whole_domain; /* only the domain of `lead` counts */
};

/* What an operator does to a subject, and for the log: why. */
struct deed {
    struct subject subject;
    struct span why; /* free text */
    int64_t at;
    int64_t until; /* admin_allow(): when it ends; 0 = never */
};

/* Whitelisting, and taking it back. It is in the lead's log, in one step with the change, and in the journal;
 * for a whole domain in the journal alone, as `lead=@DOMAIN`. *changed: false when there was nothing to take
 * back. */
enum store_rc admin_allow(struct admin *admin, const struct deed *deed, struct err *err);
enum store_rc admin_disallow(struct admin *admin, const struct deed *deed, bool *changed, struct err *err);

/* Deletes every key of the lead: history, opt-out, refusals, whitelisting, log, used tokens. The journal is
 * told first, so that no forgetting is missed in it. *changed: false when nothing was known. */
enum store_rc admin_forget(struct admin *admin, const struct deed *deed, bool *changed, struct err *err);

/* Everything about one lead, in one round trip. */
#define DOSSIER_REFUSALS 32

struct dossier {
    bool known; /* there is a history */
    struct lead lead;
    struct optout optout;
    struct {
        bool present;
        int64_t until; /* 0 = no end */
        char text[128];
    } allow, domain_allow, domain_hold;
    struct {
        char stream[64];
        enum cause cause;
        int64_t since; /* 0 = not said */
    } refusals[DOSSIER_REFUSALS];
    size_t n_refusals; /* all there are, maybe more than fit */
};

enum store_rc admin_read(struct admin *admin, const struct address *lead, int64_t now, struct dossier *out,
                         struct err *err);

/* The lead's own log, newest first. The spans live for the call. */
struct log_field {
    struct span name, value;
};
typedef void admin_log_fn(void *ctx, const struct log_field *fields, size_t n);
enum store_rc admin_read_log(struct admin *admin, const struct address *lead, admin_log_fn *fn, void *ctx,
                             struct err *err);

/* One thing that stands against or for a lead or a domain. */
enum standing_kind { STANDING_OPTOUT = 1, STANDING_REFUSED = 2, STANDING_ALLOWED = 4 };

struct standing {
    enum standing_kind kind;
    bool whole_domain;    /* name is a domain; only STANDING_ALLOWED */
    struct span name;     /* as it is in the key */
    struct optout optout; /* STANDING_OPTOUT: all of it; REFUSED: cause and since; ALLOWED: until */
    struct span stream;   /* STANDING_REFUSED: one of them */
    bool again;           /* STANDING_REFUSED: another stream of the same lead */
    struct span text;     /* STANDING_ALLOWED: the key's value */
};

/* fn returns false to end the scan. step, unless NULL, is told how many keys have been looked at. */
typedef bool admin_standing_fn(void *ctx, const struct standing *standing);
struct scan {
    unsigned kinds; /* of enum standing_kind, or-ed */
    admin_standing_fn *fn;
    void (*step)(void *ctx, uint64_t keys);
    void *ctx;
};

/* Walks over all keys with SCAN, in constant memory and without blocking Redis. What is there from the
 * beginning to the end is told of at least once; a key may be told of twice when Redis resizes its table
 * meanwhile (SCAN's guarantees). */
enum store_rc admin_scan(struct admin *admin, const struct scan *scan, int64_t now, struct err *err);

/* How many keys the database has, and how many entries the journal. */
enum store_rc admin_count(struct admin *admin, uint64_t *keys, uint64_t *journal, struct err *err);

/* Every field of leadgate:counters, by their names in the order of bytes, whoever wrote it; the spans live
 * for the call. Not told when there is none. *odd: the key is there, but is no hash. */
typedef void admin_counters_fn(void *ctx, const struct log_field *fields, size_t n);
enum store_rc admin_read_counters(struct admin *admin, admin_counters_fn *fn, void *ctx, bool *odd,
                                  struct err *err);

/* Whether each of n leads has an opt-out or a refusal at all, or a domain on hold: the cheap question before
 * store_find_suppressions(). One round trip; n at most some thousand. */
enum mark { MARK_SUPPRESSED, MARK_DOMAIN_HOLD };
enum store_rc admin_find_marks(struct admin *admin, enum mark mark, const struct address *leads, size_t n,
                               bool *marked, struct err *err);

#endif
