/* SPDX-License-Identifier: BSD-2-Clause */
/* An address is found by its '@': the local part is what stands before it, read backwards, the domain what
 * stands behind. Both are ASCII or, for SMTPUTF8, letters of two bytes; scripts written without blanks
 * (three bytes a character) count only next to the '@', since the sentence around an address touches it. */
#include "bounce/mailbox.h"

#include "bounce/fields.h"

#include <string.h>

#include <gmime/gmime.h>

#define LOCAL_MAX  128 /* RFC 5321 has 64; VERP goes beyond */
#define DOMAIN_MAX 253

static bool is_alnum(char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

/* Atoms without the characters that text has around addresses more often than inside of them. */
static bool is_local(char c)
{
    return is_alnum(c) || (c != '\0' && strchr(".-_+=%&'*/!#$^~?", c) != NULL);
}

/* The length of the character that ends at p + n, if it is one of more than one byte. */
static size_t wide_before(const char *p, size_t n, size_t most)
{
    for (size_t k = 2; k <= most && k <= n; k++)
        if (((unsigned char)p[n - k] & 0xc0) != 0x80)
            return utf8_length((struct span){ p + n - k, k }) == k ? k : 0;
    return 0;
}

/* Where the quoted string that ends in front of at begins; at when there is none. */
static size_t quoted_start(struct span text, size_t at)
{
    for (size_t i = at - 1; i > 0 && at - i < LOCAL_MAX; i--) {
        if (text.p[i - 1] == '\n')
            break;
        if (text.p[i - 1] == '"')
            return i - 1;
    }
    return at;
}

static size_t local_start(struct span text, size_t at)
{
    size_t start = at;

    if (at > 1 && text.p[at - 1] == '"')
        return quoted_start(text, at);
    while (start > 0 && at - start < LOCAL_MAX) {
        size_t wide = 0;

        if (!is_local(text.p[start - 1]) && (wide = wide_before(text.p, start, start == at ? 4 : 2)) == 0)
            break;
        start -= wide == 0 ? 1 : wide;
        if (wide > 2) { /* a whole name in such a script */
            while ((wide = wide_before(text.p, start, 4)) > 2)
                start -= wide;
            break;
        }
    }
    /* An encoded word that nobody decoded is the local part as it stands. */
    if (at - start > 4 && memcmp(text.p + start, "=?", 2) == 0 && memcmp(text.p + at - 2, "?=", 2) == 0)
        return start;
    /* What is wrapped around an address, or was put in front of it. */
    while (start < at && strchr("'*=./?!&-#", text.p[start]) != NULL)
        start++;
    if (at - start > 5 && strncasecmp(text.p + start, "smtp=", 5) == 0)
        start += 5;
    return start;
}

/* The end of the domain that begins at start; start when it is none. */
static size_t domain_end(struct span text, size_t start)
{
    size_t end = start, dots = 0, letters = 0;

    if (start < text.n && text.p[start] == '[') {
        const char *close = memchr(text.p + start, ']', text.n - start < 64 ? text.n - start : 64);

        return close == NULL ? start : (size_t)(close - text.p) + 1;
    }
    while (end < text.n && end - start < DOMAIN_MAX) {
        char c = text.p[end];
        size_t n = 1;

        if ((unsigned char)c >= 0x80) {
            n = utf8_length((struct span){ text.p + end, text.n - end });
            if (n == 0 || (n > 2 && dots > 0))
                break;
        } else if (!is_alnum(c) && c != '-' && c != '.' && c != '_') {
            break;
        }
        dots += c == '.';
        end += n;
    }
    while (end > start && strchr(".-_", text.p[end - 1]) != NULL) {
        dots -= text.p[end - 1] == '.';
        end--;
    }
    for (size_t i = end; i > start && text.p[i - 1] != '.'; i--)
        letters += text.p[i - 1] < '0' || text.p[i - 1] > '9';
    return dots > 0 && letters > 0 ? end : start;
}

bool mailbox_find(struct span text, size_t *from, struct span *out)
{
    size_t floor = *from;

    while (*from < text.n) {
        const char *hit = memchr(text.p + *from, '@', text.n - *from);
        size_t at, start, end;

        if (hit == NULL)
            break;
        at = (size_t)(hit - text.p);
        *from = at + 1;
        start = local_start((struct span){ text.p + floor, text.n - floor }, at - floor) + floor;
        end = domain_end(text, at + 1);
        if (start < at && end > at + 1) {
            *from = end;
            *out = (struct span){ text.p + start, end - start };
            return true;
        }
    }
    *from = text.n;
    return false;
}

bool mailbox_parse(struct address *out, struct span found, const struct address_rules *rules)
{
    struct err ignored;

    return address_parse(out, ADDRESS_MAILBOX, found, rules, &ignored) == 0;
}

static bool parse_dsn(struct address *out, struct span text, const struct address_rules *rules)
{
    struct address_rules whole = *rules;
    struct err ignored;

    whole.default_domain = NULL;
    return address_parse(out, ADDRESS_DSN, text, &whole, &ignored) == 0;
}

/* `rfc822;rfc822;ann@...`, `rfc/822; ...`, `= rfc822; smtp:ann@...`: what a mailer put in front of the
 * address goes, as long as the address is none without that. */
static bool parse_loose(struct address *out, struct span text, const struct address_rules *rules)
{
    struct span rest = text, found;
    size_t from = 0;

    if (memchr(text.p, ';', text.n) != NULL)
        span_cut(&rest, ';');
    for (; memchr(rest.p, ';', rest.n) != NULL && memchr(rest.p, ';', rest.n) < memchr(rest.p, '@', rest.n);)
        span_cut(&rest, ';');
    return mailbox_find(rest, &from, &found) && mailbox_parse(out, found, rules);
}

static bool is_clean(struct span text)
{
    struct span head = text, rest = text;

    head = span_cut(&rest, ';');
    rest = span_trim(rest);
    return (span_eq_nocase(span_trim(head), SPAN("rfc822")) ||
            span_eq_nocase(span_trim(head), SPAN("utf-8"))) &&
           memchr(rest.p, ';', rest.n) == NULL && memchr(rest.p, '>', rest.n) == NULL &&
           memchr(rest.p, ':', rest.n) == NULL && memchr(rest.p, '\'', rest.n) == NULL;
}

bool mailbox_of_field(struct address *out, struct span field, const struct address_rules *rules)
{
    char text[ADDRESS_SIZE * 4];
    struct span line;
    char *decoded;
    bool found;

    if (field.n == 0 || field.n >= sizeof(text))
        return false;
    line = (struct span){ text, field_unfold(text, sizeof(text), field) };
    if (is_clean(line) && parse_dsn(out, line, rules))
        return true;
    if (strstr(text, "=?") != NULL) {
        decoded = g_mime_utils_header_decode_text(NULL, text);
        found = strcmp(decoded, text) != 0 && parse_loose(out, span_of(decoded), rules);
        g_free(decoded);
        if (found)
            return true;
    }
    return parse_loose(out, line, rules) || parse_dsn(out, line, rules);
}
