/* SPDX-License-Identifier: BSD-2-Clause */
/* tail: a log that is followed through rotation, line by line, and the place that has been reached. No
 * events, no Redis, no waiting: it looks when it is asked.
 *
 * Rotation by renaming: the old file is read on until the new one has something in it, and then to its end,
 * since a writer goes on writing to the old one until it opens the new one. Rotation by copying and cutting
 * off (copytruncate): what had not been read is found in the copy. However many rotations there have been
 * since the place was kept, the files are read one after the other, the oldest first (rotated.h).
 *
 * What is wrong with the files is logged, once. */
#ifndef FEED_TAIL_H
#define FEED_TAIL_H

#include "feed/place.h"
#include "leadgate/span.h"

#include <stdbool.h>
#include <stdint.h>

struct tail;

/* path is borrowed. place: where to go on, NULL = at the beginning of the file that is there now; so is it
 * where no file is found that the place is of. history: so many bytes before the place are read once more,
 * to be remembered only. NULL when out of memory. */
struct tail *tail_new(const char *path, const struct place *place, int64_t history);
void tail_free(struct tail *tail); /* NULL is fine */

enum tail_rc {
    TAIL_LINE = 1, /* a line that was not read before */
    TAIL_PAST,     /* a line from before the place */
    TAIL_END,      /* no more for now; ask again when something was written, and every second */
};

/* The next line, without its LF; valid until the next call. */
enum tail_rc tail_line(struct tail *tail, struct span *line);

/* Where a later tail_new() is to go on: behind the last line. False while there is nothing to tell a place
 * by: no file, or an empty one. */
bool tail_place(struct tail *tail, struct place *out);

/* When the last line was written, as far as the file tells: the clock for the file that is being written, the
 * time of its last change for an older one. */
int64_t tail_time(const struct tail *tail, int64_t now);

#endif
