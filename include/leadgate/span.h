/* SPDX-License-Identifier: BSD-2-Clause */
/* span: borrowed bytes. Not NUL-terminated, never freed, lives no longer than its source.
 * All functions are pure and safe in any thread. Case is ASCII case: mail's keywords are ASCII. */
#ifndef LEADGATE_SPAN_H
#define LEADGATE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct span {
    const char *p;
    size_t n;
};

#define SPAN(lit) ((struct span){ "" lit, sizeof(lit) - 1 })
#define SPAN_NONE ((struct span){ "", 0 })
/* For printf's "%.*s". */
#define SPAN_FMT(s) (int)(s).n, (s).p

/* The span of a C string; NULL gives the empty span. */
struct span span_of(const char *text);

bool span_eq(struct span a, struct span b);
bool span_eq_nocase(struct span a, struct span b);
bool span_starts_nocase(struct span s, struct span prefix);

/* First occurrence of needle in s, ASCII case ignored; NULL when there is none. */
const char *span_find_nocase(struct span s, struct span needle);

/* Without the white space (blank, tab, CR, LF) at both ends. */
struct span span_trim(struct span s);

/* Cuts *rest at the first `stop`: returns what stands before it and leaves what stands behind it.
 * Without a `stop` returns all and leaves *rest empty. */
struct span span_cut(struct span *rest, char stop);

/* The next line of *rest without its line end (LF, CRLF or a lone CR); false when *rest is empty. */
bool span_line(struct span *rest, struct span *line);

/* Whether it is UTF-8 from end to end (RFC 3629: no over-long forms, no surrogates). */
bool span_is_utf8(struct span s);

/* Copies with a terminating NUL. False, and dst is "", when it does not fit or holds a NUL: too long
 * is an answer, not a shorter string. size must be at least 1. */
bool span_copy(char *dst, size_t size, struct span s);

/* Copies as much as fits, cut at a whole UTF-8 character; for texts that people read, never for keys. */
void span_excerpt(char *dst, size_t size, struct span s);

/* A whole decimal number, nothing before or behind it, that fits int64_t. */
bool span_int64(struct span s, int64_t *out);

#endif
