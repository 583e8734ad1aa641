/* SPDX-License-Identifier: BSD-2-Clause */
/* notice: what a mail system wrote for people: which recipients it names, and what it says about each. Works
 * on decoded text (text.h), knows no MIME. No allocation, any thread. */
#ifndef LEADGATE_BOUNCE_NOTICE_H
#define LEADGATE_BOUNCE_NOTICE_H

#include "leadgate/span.h"

/* A text in two forms of the same length, offset by offset: phrases are looked for in `lower`. */
struct notice {
    struct span text;     /* up to the returned mail */
    struct span lower;    /* the same with ASCII letters in lower case */
    struct span returned; /* what follows: a copy of the mail, or of its header; often empty */
};

/* How a recipient was found, best first. */
enum notice_shape {
    SHAPE_NONE = 0,
    SHAPE_LISTED, /* "<ann@example.com>: reason", "Recipient: ann@...", a line of its own after "the following
                     addresses failed" */
    SHAPE_SENTENCE,   /* "unable to deliver your message to ann@example.com" */
    SHAPE_ALONE,      /* a line of its own, wherever */
    SHAPE_TRANSCRIPT, /* "554 <ann@example.com>... ", ">>> RCPT TO:<ann@...>" */
    SHAPE_LOCAL_PART, /* a line of its own with a local part only, after "the following recipients" */
    SHAPE_FIELD,      /* "To: ann@example.com", where nobody else is named */
};

struct notice_recipient {
    struct span address;
    struct span original; /* where it was expanded or generated from, as the notice says; empty = no word */
    struct span about;    /* what the notice says about it: from its line to the next recipient's */
};

#define NOTICE_RECIPIENTS 256 /* read off one text; no mail system lists more there */

/* Cuts text at the copy of the returned mail. lower: room for as many bytes as text has. */
void notice_open(struct notice *notice, struct span text, char *lower);

/* The recipients that are named in the best shape that there is. ours: the address the notice came to; it is
 * believed to be a recipient in SHAPE_LISTED only. Returns how many; *shape how they were found. */
size_t notice_recipients(const struct notice *notice, struct span ours,
                         struct notice_recipient out[NOTICE_RECIPIENTS], enum notice_shape *shape);

/* What the notice says about an address; all of it where it says nothing in particular. */
struct span notice_about(const struct notice *notice, struct span address);

/* What text says from the first SMTP reply in it to the end of its paragraph: the remote server's own words.
 * Empty when there is none. */
struct span notice_reply(struct span text);

/* Whether the notice holds one of the phrases (lower case), NULL-terminated. */
bool notice_has(const struct notice *notice, const char *const *phrases);

/* Which mail system wrote the notice, by what it says of itself or by its sender: "exim", "qmail"; "" = not
 * known. Static storage. */
const char *notice_reporter(const struct notice *notice, struct span from);

/* Systems by their words, in notice_phrases.c. Either sign may be NULL; both are lower case. */
struct notice_system {
    const char *name;
    const char *says; /* at the front of the notice */
    const char *from; /* in its sender */
};
extern const struct notice_system notice_systems[]; /* ends with a NULL name */

/* Phrases, in notice_phrases.c. Starts of lines are without what lines are decorated with. */
extern const char *const notice_copy_starts[]; /* how the line above the copy of the mail begins */
extern const char *const notice_openers[];     /* what is said above a list of recipients that failed */
extern const char *const notice_leads[];       /* what stands in front of the recipient in a sentence */
extern const char *const notice_labels[];      /* "recipient:": names of a recipient's line */
extern const char *const notice_not_labels[];  /* ... and of other people's */
extern const char *const notice_delays[];      /* said by delay warnings only */
extern const char *const notice_successes[];   /* said where it did not fail */
extern const char *const notice_subjects[];    /* of notices */
extern const char *const notice_failures[];    /* said where delivery failed */

#endif
