/* SPDX-License-Identifier: BSD-2-Clause */
/* names: file names of a Maildir's new/, oldest first: by the time with which a delivery agent begins the
 * name (maildir(5)), then by the whole name; a name that begins with no time comes first. Owns copies of the
 * names. All zero is the empty list. */
#ifndef FEED_NAMES_H
#define FEED_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct names {
    struct name {
        int64_t time;
        char *text;
    } * item;
    size_t n, room;
};

/* A long list is filled at its end and then sorted, once. False when out of memory. */
bool names_append(struct names *names, const char *text);
void names_sort(struct names *names);

/* For sorted lists. names_insert() is false when the name was there already; one that memory does not suffice
 * for is as new every time. */
bool names_insert(struct names *names, const char *text);
bool names_find(const struct names *names, const char *text);

/* Keeps the names whose being in `other` (sorted) is as `in` says. */
void names_filter(struct names *names, const struct names *other, bool in);

/* Leaves it empty; twice is fine. */
void names_free(struct names *names);

#endif
