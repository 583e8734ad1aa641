/* SPDX-License-Identifier: BSD-2-Clause */
/* place: how far a log has been read, told by what the log holds and not by its name or inode: rotation and
 * compression change both. A log is known by its beginning, which never changes once it is written. */
#ifndef FEED_PLACE_H
#define FEED_PLACE_H

#include "leadgate/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PLACE_HEAD 1024 /* so much of a log's beginning is looked at, at most */

struct place {
    int64_t offset; /* of the first byte that is still to be read */
    size_t head;    /* bytes of the beginning that are hashed; 0 = no place */
    uint64_t hash;
};

struct place place_make(int64_t offset, struct span head);
bool place_eq(const struct place *a, const struct place *b);

/* Whether a log that begins with `head` is the one. */
bool place_matches(const struct place *place, struct span head);

/* As Redis keeps it: `offset head hash`. */
#define PLACE_TEXT_SIZE 64
const char *place_text(char dst[PLACE_TEXT_SIZE], const struct place *place); /* returns dst */
bool place_parse(struct place *out, struct span text);                        /* false: it is none */

#endif
