/* SPDX-License-Identifier: BSD-2-Clause */
/* progress: how far long work has come, on the terminal behind standard error; in a pipe, in a file and on a
 * dumb terminal, nothing at all. One thread. A command whose answer streams to a terminal on standard output
 * begins none: the two would be mixed up. */
#ifndef LEADGATE_CLI_PROGRESS_H
#define LEADGATE_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
    const char *label; /* borrowed until the end; a few words */
    uint64_t total, done;
    int64_t drawn; /* milliseconds */
    bool shown;
};

/* total is what the steps will add up to; 0 = not known, then only what is done is shown. */
struct progress progress_begin(const char *label, uint64_t total);
/* Cheap enough for every line of a long list: it is drawn ten times a second at most. */
void progress_step(struct progress *progress, uint64_t n);
/* Takes the bar away until the next step, so that what is printed stands on a clean line. */
void progress_pause(const struct progress *progress);
/* Takes the bar away for good. Also before an error is printed. */
void progress_end(struct progress *progress);

#endif
