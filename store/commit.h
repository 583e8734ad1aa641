/* SPDX-License-Identifier: BSD-2-Clause */
/* commit: one event's effect on one lead, written by one server-side script that changes all of it or
 * nothing. */
#ifndef LEADGATE_STORE_COMMIT_H
#define LEADGATE_STORE_COMMIT_H

#include "leadgate/store.h"
#include "store/answer.h"
#include "store/keys.h"
#include "store/undo.h"

/* The script's text, for SCRIPT LOAD. Its answer is a list: "done", "race", "used" (the event's token has
 * convicted this lead before: nothing was written), or "odd" (done, and a key of a type that is not ours was
 * set aside); behind it, where an opt-out changed, the id of the entry in the
 * lead's log. The lead's field `journal` holds that id until the entry is in the journal, too (journal.h). */
extern const char commit_script[];

/* What was read about a lead before lead_apply(). The spans point into the replies. */
struct loaded {
    struct lead lead;
    struct optouts optouts;
    struct span rev;           /* as it stood in the hash, "" = none: compared byte by byte */
    struct span optout_value;  /* as it stood, "" = none or not a string */
    struct span refused_value; /* of the event's stream; "" = none */
    bool optout_odd;           /* there, but not a string */
    bool lead_allowed;         /* lead:{ADDR}:allow alone, for the comparison */
};

enum { COMMIT_KEYS_LEAST = 5, COMMIT_KEYS = 8, COMMIT_ARGS = 108 };

/* An EVALSHA in hiredis's argv form. Its strings live here, in the event and in the replies that `loaded`
 * points to. */
struct commit {
    struct key keys[COMMIT_KEYS];
    const char *argv[COMMIT_ARGS];
    size_t len[COMMIT_ARGS];
    int argc, log_at; /* argv from log_at on: the fields of the log entry, where there is a change */
    char value[OPTOUT_TEXT_SIZE];
    char undo[UNDO_TEXT_SIZE]; /* what it leaves behind to be taken back (undo.h) */
    bool undoable;             /* there is an effect that can be */
    char texts[2700];
    size_t used;
    bool returns; /* it leaves a lead who will come back (returning.h) */
};

/* The next argument; the text lives as long as the command. There is room for all that is ever made. */
void commit_add(struct commit *commit, struct span text);
/* The same of a text that does not live long enough by itself; and of a number, in digits. */
void commit_add_copy(struct commit *commit, const char *text);
void commit_add_int(struct commit *commit, int64_t number);

/* Writes the command. sha: the loaded script's name. */
void commit_make(struct commit *commit, const char *sha, const struct event *event,
                 const struct loaded *loaded, const struct lead *after, const struct change *change,
                 int64_t retention, int64_t now);

#endif
