/* SPDX-License-Identifier: BSD-2-Clause */
/* notice_lines: the lines of a notice, each with the first address in it. For notice*.c only. */
#ifndef LEADGATE_BOUNCE_NOTICE_LINES_H
#define LEADGATE_BOUNCE_NOTICE_LINES_H

#include "bounce/notice.h"

#define LINES_MAX 600 /* of a notice; reasons stand at its front */

struct line {
    struct span text; /* trimmed */
    size_t at;        /* where it begins in the notice */
    size_t indent;
    struct span address; /* the first in it; empty = none */
    struct span before;  /* what stands in front of the address */
    struct span behind;  /* what stands behind the address, without its closing bracket */
};

struct lines {
    const struct notice *notice;
    struct line line[LINES_MAX];
    size_t n;
};

void lines_read(struct lines *lines, const struct notice *notice);

/* The text of the nearest lines above line i, up to so many that are not empty. */
struct span lines_above(const struct lines *lines, size_t i, size_t most);

/* The same part of the notice in lower case. */
struct span line_lower(const struct notice *notice, struct span part);

/* Phrases are NULL-terminated, and lower case as what they are looked for in. */
bool line_holds(struct span lower, const char *const *phrases);
bool line_starts_with(struct span lower, const char *const *phrases);
bool line_ends_with(struct span lower, const char *const *phrases);

bool line_is_one_of(char c, const char *set); /* never of NUL */

/* Without the bullets, rules and quote marks that lines begin with. */
struct span line_undecorated(struct span s);

/* Without brackets and quotes, which are no part of what stands around an address. */
struct span line_strip_end(struct span s);
struct span line_strip_start(struct span s);

/* Recipients in the making. */
struct taking {
    struct notice_recipient *out;
    size_t n;
    size_t starts[NOTICE_RECIPIENTS]; /* where each one's line begins */
};

/* Takes the recipients that are named in one shape (notice_shapes.c). */
void notice_take(struct taking *taking, const struct lines *lines, struct span ours, enum notice_shape shape);

#endif
