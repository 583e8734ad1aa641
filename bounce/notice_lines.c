/* SPDX-License-Identifier: BSD-2-Clause */
/* Phrases are looked for with memmem() in text that was put into lower case once: notices are short, tables
 * are not, and most tables are asked only about the few lines around an address. */
#include "bounce/notice_lines.h"

#include "bounce/mailbox.h"

#include <string.h>

struct span line_lower(const struct notice *notice, struct span part)
{
    if (part.n == 0)
        return SPAN_NONE;
    return (struct span){ notice->lower.p + (part.p - notice->text.p), part.n };
}

bool line_holds(struct span lower, const char *const *phrases)
{
    for (; *phrases != NULL; phrases++)
        if (lower.n > 0 && memmem(lower.p, lower.n, *phrases, strlen(*phrases)) != NULL)
            return true;
    return false;
}

bool line_starts_with(struct span lower, const char *const *phrases)
{
    for (; *phrases != NULL; phrases++) {
        size_t n = strlen(*phrases);

        if (lower.n >= n && memcmp(lower.p, *phrases, n) == 0)
            return true;
    }
    return false;
}

bool line_ends_with(struct span lower, const char *const *phrases)
{
    for (; *phrases != NULL; phrases++) {
        size_t n = strlen(*phrases);

        if (lower.n >= n && memcmp(lower.p + lower.n - n, *phrases, n) == 0)
            return true;
    }
    return false;
}

bool line_is_one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

struct span line_undecorated(struct span s)
{
    while (s.n > 0 && line_is_one_of(s.p[0], " \t-*>=#_~|.+")) {
        s.p++;
        s.n--;
    }
    return s;
}

struct span line_strip_end(struct span s)
{
    while (s.n > 0 && line_is_one_of(s.p[s.n - 1], " \t<\"'([{*"))
        s.n--;
    return s;
}

struct span line_strip_start(struct span s)
{
    while (s.n > 0 && line_is_one_of(s.p[0], " \t>\"')]}*")) {
        s.p++;
        s.n--;
    }
    return s;
}

static void read_line(struct line *line, struct span raw, size_t at)
{
    size_t from = 0;
    const char *end;

    *line = (struct line){ .text = span_trim(raw), .at = at };
    line->indent = line->text.n == 0 ? 0 : (size_t)(line->text.p - raw.p);
    if (!mailbox_find(line->text, &from, &line->address)) {
        line->address = SPAN_NONE;
        return;
    }
    end = line->address.p + line->address.n;
    line->before = (struct span){ line->text.p, (size_t)(line->address.p - line->text.p) };
    line->behind = line_strip_start((struct span){ end, (size_t)(line->text.p + line->text.n - end) });
}

void lines_read(struct lines *lines, const struct notice *notice)
{
    struct span rest = notice->text, line;

    lines->notice = notice;
    lines->n = 0;
    while (lines->n < LINES_MAX && span_line(&rest, &line))
        read_line(&lines->line[lines->n++], line, (size_t)(line.p - notice->text.p));
}

struct span lines_above(const struct lines *lines, size_t i, size_t most)
{
    size_t start = i, words = 0;

    while (start > 0 && words < most && i - start < 10)
        words += lines->line[--start].text.n > 0;
    return (struct span){ lines->notice->text.p + lines->line[start].at,
                          lines->line[i].at - lines->line[start].at };
}
