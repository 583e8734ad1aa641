/* SPDX-License-Identifier: BSD-2-Clause */
/* Replies reach us in many states: `550 5.1.1 no such user`, several lines joined by Postfix with each line's
 * `550-5.1.1` prefix still there, `5.1.1 smtp;550 ...`, `host mx said: 550-...`. Codes are believed only
 * where codes stand, so that a message size, a version or an IP address is not taken for one. */
#include "bounce/reply.h"

#include "bounce/fold.h"

#include <string.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Control bytes, NUL among them, are no part of a word. */
static bool is_space(char c)
{
    return (unsigned char)c <= 0x20 || c == 0x7f;
}

/* Reads 1 to 3 digits; returns how many, 0 when there are none or more. */
static size_t read_number(struct span s, int *value)
{
    size_t n = 0;

    *value = 0;
    while (n < s.n && is_digit(s.p[n])) {
        if (n == 3)
            return 0;
        *value = *value * 10 + (s.p[n++] - '0');
    }
    return n;
}

/* The length of the enhanced status code at the start of s, 0 = none. The registry has subjects 0 to 7; to
 * insist on it keeps versions ("4.94.2") out, and what goes on with a dot is an IP address. */
static size_t status_length(struct span s)
{
    size_t at = 2, n;
    int subject, detail;

    if (s.n < 5 || (s.p[0] != '2' && s.p[0] != '4' && s.p[0] != '5') || s.p[1] != '.')
        return 0;
    if ((n = read_number((struct span){ s.p + at, s.n - at }, &subject)) == 0 || subject > 7)
        return 0;
    at += n;
    if (at == s.n || s.p[at++] != '.')
        return 0;
    if ((n = read_number((struct span){ s.p + at, s.n - at }, &detail)) == 0)
        return 0;
    at += n;
    if (at + 1 < s.n && s.p[at] == '.' && is_digit(s.p[at + 1]))
        return 0;
    return at;
}

bool status_read(char dst[STATUS_SIZE], struct span s)
{
    return span_copy(dst, STATUS_SIZE, (struct span){ s.p, status_length(s) }) && dst[0] != '\0';
}

bool status_is_bare(const char *status)
{
    return status[0] == '\0' || strcmp(status + 1, ".0.0") == 0 || strcmp(status + 1, ".1.0") == 0 ||
           strcmp(status + 1, ".5.0") == 0;
}

/* Codes stand at the start, behind a blank, behind the '-' of a line that goes on, or in (#5.1.1). */
static bool may_precede_code(char c)
{
    return is_space(c) || c == '-' || c == '#' || c == '(' || c == '[' || c == '\'' || c == ';' || c == ':';
}

void reply_find_status(char dst[STATUS_SIZE], struct span text)
{
    char found[STATUS_SIZE];

    dst[0] = '\0';
    for (size_t i = 0; i < text.n; i++) {
        if (!is_digit(text.p[i]) || (i > 0 && !may_precede_code(text.p[i - 1])))
            continue;
        if (!status_read(found, (struct span){ text.p + i, text.n - i }) || found[0] == '2')
            continue; /* what went well before it failed is no reason */
        if (dst[0] == '\0')
            memcpy(dst, found, sizeof(found));
        if (!status_is_bare(found)) {
            memcpy(dst, found, sizeof(found));
            return;
        }
    }
}

/* A reply code at the start of s: three digits that end there. */
static int code_at(struct span s)
{
    int code;

    if (read_number(s, &code) != 3 || code < 200 || code > 599)
        return 0;
    return s.n == 3 || is_space(s.p[3]) || s.p[3] == '-' ? code : 0;
}

int reply_find_code(struct span text)
{
    const char *said;
    struct span rest;
    int code = code_at(span_trim(text));

    if (code != 0)
        return code;
    if ((said = span_find_nocase(text, SPAN("said:"))) != NULL) {
        rest = (struct span){ said + 5, text.n - (size_t)(said + 5 - text.p) };
        if ((code = code_at(span_trim(rest))) != 0)
            return code;
    }
    for (size_t i = 1; i + 9 <= text.n; i++) {
        rest = (struct span){ text.p + i, text.n - i };
        if (may_precede_code(text.p[i - 1]) && (code = code_at(rest)) != 0 &&
            status_length((struct span){ rest.p + 4, rest.n - 4 }) > 0)
            return code;
    }
    return 0;
}

static bool ends_word(char c)
{
    switch (c) {
    case '<':
    case '>':
    case '(':
    case ')':
    case '[':
    case ']':
    case '"':
    case '\'':
    case ',':
    case ';': return true;
    default: return is_space(c);
    }
}

/* Without what Postfix leaves of a reply's line starts when it joins the lines: `550-5.7.1`, `550`, `5.7.1`.
 */
static struct span without_codes(struct span word)
{
    if (code_at(word) != 0) {
        size_t n = word.n > 3 ? 4 : 3;

        word = (struct span){ word.p + n, word.n - n };
    }
    return status_length(word) == word.n ? SPAN_NONE : word;
}

/* Where a link's path begins: links are written with their scheme (https://host/...) and without it
 * (support.host.example/...). SPAN_NONE's length, 0, when the word is no link. */
static size_t host_length(struct span word)
{
    const char *scheme = span_find_nocase(word, SPAN("://"));
    size_t n = scheme == NULL ? 0 : (size_t)(scheme - word.p) + 3;
    bool dot = scheme != NULL;

    for (; n < word.n && memchr("/?#", word.p[n], 3) == NULL; n++)
        dot = dot || (n > 0 && word.p[n] == '.');
    return dot ? n : 0;
}

/* What one word of a reply is copied as. */
static struct span word_shown(struct span word)
{
    size_t host;

    if (memchr(word.p, '@', word.n) != NULL) {
        /* Postfix: `<ann@example.com>: Recipient address rejected`, often without the brackets. */
        return word.p[word.n - 1] == ':' ? SPAN("@:") : SPAN("@");
    }
    if (memchr(word.p, '/', word.n) != NULL && (host = host_length(word)) > 0)
        return (struct span){ word.p, host };
    return without_codes(word);
}

static bool is_wide(const char *p, size_t n)
{
    /* U+3000 to U+9FFF, the scripts that are written without blanks. */
    return n == 3 && (unsigned char)p[0] >= 0xe3 && (unsigned char)p[0] <= 0xe9;
}

/* Only whole characters. */
static size_t put_folded(char *dst, size_t size, size_t n, struct span s)
{
    while (s.n > 0) {
        char character[FOLD_MOST];
        size_t used, k = fold_character(character, s, &used);

        /* A line end in the middle of a Japanese word is no blank. */
        if (is_wide(character, k) && n >= 4 && dst[n - 1] == ' ' && is_wide(dst + n - 4, 3))
            n--;
        if (n + k >= size)
            break;
        memcpy(dst + n, character, k);
        n += k;
        s = (struct span){ s.p + used, s.n - used };
    }
    return n;
}

size_t reply_normalise(char *dst, size_t size, struct span text)
{
    size_t n = 0, i = 0;

    while (i < text.n && n + 1 < size) {
        size_t start = i;

        while (i < text.n && !ends_word(text.p[i]))
            i++;
        if (i > start) {
            n = put_folded(dst, size, n, word_shown((struct span){ text.p + start, i - start }));
            continue;
        }
        /* Angle brackets go; of a run of blanks the first is kept. */
        if (is_space(text.p[i])) {
            if (n > 0 && dst[n - 1] != ' ')
                dst[n++] = ' ';
        } else if (text.p[i] != '<' && text.p[i] != '>') {
            dst[n++] = text.p[i];
        }
        i++;
    }
    dst[n] = '\0';
    return n;
}

bool reply_has_unfolded(struct span text, struct span word)
{
    const char *end, *start = text.p;

    if (text.n == 0) /* then text.p may be NULL */
        return false;
    end = text.p + text.n;
    while ((start = memchr(start, word.p[0], (size_t)(end - start))) != NULL) {
        const char *at = start++;
        size_t matched = 0;

        while (at < end && matched < word.n && (*at == word.p[matched] || is_space(*at))) {
            matched += !is_space(*at);
            at++;
        }
        if (matched == word.n)
            return true;
    }
    return false;
}
