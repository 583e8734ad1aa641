/* SPDX-License-Identifier: BSD-2-Clause */
/* An empty span may have a NULL pointer (a zeroed struct), which memcmp() and its kin must not see even for 0
 * bytes. */
#include "leadgate/span.h"

#include <string.h>
#include <strings.h>
#include <unistr.h>

struct span span_of(const char *text)
{
    return text == NULL ? SPAN_NONE : (struct span){ text, strlen(text) };
}

bool span_eq(struct span a, struct span b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool span_eq_nocase(struct span a, struct span b)
{
    return a.n == b.n && (a.n == 0 || strncasecmp(a.p, b.p, a.n) == 0);
}

bool span_starts_nocase(struct span s, struct span prefix)
{
    return s.n >= prefix.n && (prefix.n == 0 || strncasecmp(s.p, prefix.p, prefix.n) == 0);
}

const char *span_find_nocase(struct span s, struct span needle)
{
    for (size_t i = 0; i + needle.n <= s.n; i++)
        if (strncasecmp(s.p + i, needle.p, needle.n) == 0)
            return s.p + i;
    return NULL;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct span span_trim(struct span s)
{
    while (s.n > 0 && is_blank(s.p[0])) {
        s.p++;
        s.n--;
    }
    while (s.n > 0 && is_blank(s.p[s.n - 1]))
        s.n--;
    return s;
}

struct span span_cut(struct span *rest, char stop)
{
    const char *hit = rest->n == 0 ? NULL : memchr(rest->p, stop, rest->n);
    struct span head = *rest;

    if (hit == NULL) {
        rest->n = 0;
        return head;
    }
    head.n = (size_t)(hit - rest->p);
    *rest = (struct span){ hit + 1, rest->n - head.n - 1 };
    return head;
}

bool span_line(struct span *rest, struct span *line)
{
    size_t i = 0;

    if (rest->n == 0)
        return false;
    while (i < rest->n && rest->p[i] != '\n' && rest->p[i] != '\r')
        i++;
    *line = (struct span){ rest->p, i };
    if (i < rest->n && rest->p[i] == '\r')
        i++;
    if (i < rest->n && rest->p[i] == '\n' && (i == line->n || rest->p[i - 1] == '\r'))
        i++;
    *rest = (struct span){ rest->p + i, rest->n - i };
    return true;
}

bool span_is_utf8(struct span s)
{
    return s.n == 0 || u8_check((const uint8_t *)s.p, s.n) == NULL;
}

bool span_copy(char *dst, size_t size, struct span s)
{
    dst[0] = '\0';
    if (s.n == 0)
        return true;
    if (s.n >= size || memchr(s.p, '\0', s.n) != NULL)
        return false;
    memcpy(dst, s.p, s.n);
    dst[s.n] = '\0';
    return true;
}

void span_excerpt(char *dst, size_t size, struct span s)
{
    size_t n = s.n < size ? s.n : size - 1;

    /* Do not cut inside a UTF-8 sequence: step back over its continuation bytes. */
    if (n < s.n)
        while (n > 0 && ((unsigned char)s.p[n] & 0xc0) == 0x80)
            n--;
    if (n > 0)
        memcpy(dst, s.p, n);
    dst[n] = '\0';
}

bool span_int64(struct span s, int64_t *out)
{
    bool negative = s.n > 0 && s.p[0] == '-';
    int64_t value = 0;

    if (negative) {
        s.p++;
        s.n--;
    }
    if (s.n == 0)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
        /* Built up as a negative number: that side has room for INT64_MIN. */
        if (__builtin_mul_overflow(value, 10, &value) || __builtin_sub_overflow(value, s.p[i] - '0', &value))
            return false;
    }
    if (!negative && value == INT64_MIN)
        return false;
    *out = negative ? value : -value;
    return true;
}
