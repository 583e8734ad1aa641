/* SPDX-License-Identifier: BSD-2-Clause */
/* A field is a line with a name and a colon, and the lines behind it that begin with a blank. Whatever is
 * damaged costs only itself: a line without a colon is skipped, a field cut off by the end of the bytes
 * counts as far as it goes. */
#include "bounce/fields.h"

#include <string.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Takes the folded lines that follow off *rest; returns where the last of them ends. A line of blanks only is
 * an empty line, not a fold: gateways that pad lines must not glue two groups together. */
static const char *skip_folds(struct span *rest, const char *end)
{
    while (rest->n > 0 && is_blank(rest->p[0])) {
        struct span ahead = *rest, line;

        span_line(&ahead, &line);
        if (span_trim(line).n == 0)
            break;
        end = line.p + line.n;
        *rest = ahead;
    }
    return end;
}

/* Field names are printable ASCII without blanks (RFC 5322 2.2); blanks before the colon are forgiven. */
static bool is_name(struct span name)
{
    for (size_t i = 0; i < name.n; i++)
        if (name.p[i] <= 0x20 || name.p[i] >= 0x7f)
            return false;
    return name.n > 0;
}

enum field_rc field_next(struct span *rest, struct field *out)
{
    struct span line;

    while (span_line(rest, &line)) {
        struct span value = line;

        if (span_trim(line).n == 0) {
            struct span ahead = *rest;

            while (span_line(&ahead, &line) && span_trim(line).n == 0)
                *rest = ahead;
            return FIELD_BLANK;
        }
        if (memchr(line.p, ':', line.n) == NULL)
            continue;
        out->name = span_trim(span_cut(&value, ':'));
        if (!is_name(out->name))
            continue;
        value.n = (size_t)(skip_folds(rest, line.p + line.n) - value.p);
        out->value = span_trim(value);
        return FIELD_ONE;
    }
    return FIELD_END;
}

size_t utf8_length(struct span s)
{
    unsigned char c = (unsigned char)s.p[0], d = s.n > 1 ? (unsigned char)s.p[1] : 0;
    size_t n = c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;

    if (n == 0 || n > s.n || (c == 0xe0 && d < 0xa0) || (c == 0xed && d > 0x9f) || (c == 0xf0 && d < 0x90) ||
        (c == 0xf4 && d > 0x8f))
        return 0;
    for (size_t i = 1; i < n; i++)
        if (((unsigned char)s.p[i] & 0xc0) != 0x80)
            return 0;
    return n;
}

size_t field_unfold(char *dst, size_t size, struct span value)
{
    size_t n = 0;

    while (value.n > 0) {
        unsigned char c = (unsigned char)value.p[0];
        size_t length = utf8_length(value), take = length == 0 ? 1 : length;
        bool space = c <= 0x20 || c == 0x7f;

        if (n + take >= size)
            break;
        if (!space && length > 0)
            memcpy(dst + n, value.p, length);
        else
            dst[n] = space ? ' ' : '?';
        /* A run of blanks is one: what a fold was made of cannot be told from it. */
        if (!space || (n > 0 && dst[n - 1] != ' '))
            n += take;
        value.p += take;
        value.n -= take;
    }
    dst[n] = '\0';
    return n;
}

void header_read(struct header *header, struct span *rest)
{
    struct field field;

    header->n = 0;
    while (field_next(rest, &field) == FIELD_ONE)
        if (header->n < HEADER_FIELDS)
            header->fields[header->n++] = field;
}

static const struct field *header_field(const struct header *header, struct span name)
{
    for (size_t i = 0; i < header->n; i++)
        if (span_eq_nocase(header->fields[i].name, name))
            return &header->fields[i];
    return NULL;
}

struct span header_find(const struct header *header, struct span name)
{
    const struct field *field = header_field(header, name);

    return field == NULL ? SPAN_NONE : field->value;
}

bool header_has(const struct header *header, struct span name)
{
    return header_field(header, name) != NULL;
}
