/* SPDX-License-Identifier: BSD-2-Clause */
/* One line that is drawn over and over. The coarse clock tells whether it is time to draw again: it costs a
 * few nanoseconds, and its ticks of some milliseconds are fine enough for ten times a second. */
#include "cli/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define REDRAW_MS   100
#define BAR_CELLS   30
#define ERASE_RIGHT "\033[K" /* ECMA-48 EL */

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool can_draw(void)
{
    const char *term = getenv("TERM");

    return isatty(STDERR_FILENO) && term != NULL && strcmp(term, "dumb") != 0;
}

static void draw(const struct progress *progress)
{
    static const char full[BAR_CELLS + 1] = "##############################";
    static const char empty[BAR_CELLS + 1] = "..............................";
    unsigned long long done = progress->done, total = progress->total;
    double share;
    int cells;

    if (total == 0) {
        fprintf(stderr, "\r%s: %llu" ERASE_RIGHT, progress->label, done);
        return;
    }
    /* What grew while it was worked on is full, not more than full. */
    share = done < total ? (double)done / (double)total : 1;
    cells = (int)(share * BAR_CELLS);
    fprintf(stderr, "\r%s: [%.*s%.*s] %3d %% of %llu" ERASE_RIGHT, progress->label, cells, full,
            BAR_CELLS - cells, empty, (int)(share * 100), total);
}

struct progress progress_begin(const char *label, uint64_t total)
{
    /* The first bar after a while: work that is done at once needs none. */
    return (struct progress){ .label = label, .total = total, .drawn = now_ms(), .shown = can_draw() };
}

void progress_step(struct progress *progress, uint64_t n)
{
    int64_t now;

    progress->done += n;
    if (!progress->shown || (now = now_ms()) - progress->drawn < REDRAW_MS)
        return;
    progress->drawn = now;
    draw(progress);
}

void progress_pause(const struct progress *progress)
{
    if (progress->shown)
        fputs("\r" ERASE_RIGHT, stderr);
}

void progress_end(struct progress *progress)
{
    progress_pause(progress);
    progress->shown = false;
}
