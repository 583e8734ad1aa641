/* SPDX-License-Identifier: BSD-2-Clause */
/* One pass over the text undoes everything, so that nothing which came out of one encoding is taken for
 * another: quotes and backslashes (RFC 5321 4.1.2), and in DSN fields \x{FC} (RFC 6533 3) and xtext
 * (RFC 3461 4).
 *
 * DSN fields carry addresses decoded, by right; many reporters copy ORCPT as it was. So only that of xtext is
 * undone which xtext is bound to encode, '+', '=' and bytes that are not ASCII, in upper-case digits:
 * ann+20@example.com is a person with a tag. */
#include "core/address_unwrap.h"

#include <stdbool.h>
#include <string.h>
#include <unistr.h>

/* What is undone beside quotes. */
struct encodings {
    bool xtext, embedded;
};

static bool put(struct unwrapped *out, const char *p, size_t n)
{
    if (n > sizeof(out->text) - out->n)
        return false;
    memcpy(out->text + out->n, p, n);
    out->n += n;
    return true;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The byte of `+XX` at the head of s, or -1. */
static int xtext_byte(struct span s)
{
    int high, low;

    if (s.n < 3 || s.p[0] != '+' || (high = hex_digit(s.p[1])) < 0 || (low = hex_digit(s.p[2])) < 0)
        return -1;
    return high << 4 | low;
}

/* Undoes the `+XX` at the head of s that stand for one character. How many bytes of s it took; 0 when this is
 * no xtext. */
static size_t take_xtext(struct unwrapped *out, struct span s, bool *fits)
{
    uint8_t character[4];
    size_t n = 0;
    int byte = xtext_byte(s);

    if (byte == '+' || byte == '=') {
        *fits = put(out, &(char){ (char)byte }, 1);
        return 3;
    }
    while (n < sizeof(character) && (byte = xtext_byte((struct span){ s.p + 3 * n, s.n - 3 * n })) >= 0x80) {
        character[n++] = (uint8_t)byte;
        if (u8_mblen(character, n) == (int)n) {
            *fits = put(out, (const char *)character, n);
            return 3 * n;
        }
    }
    return 0;
}

/* Undoes one `\x{...}`; as take_xtext(). */
static size_t take_embedded(struct unwrapped *out, struct span s, bool *fits)
{
    uint8_t character[6];
    ucs4_t point = 0;
    size_t i = 3;
    int n;

    if (s.n < 5 || memcmp(s.p, "\\x{", 3) != 0)
        return 0;
    /* HEXPOINT is in upper case by the letter of the RFC; quoted strings of ABNF match either. */
    for (; i < s.n && i < 9 && s.p[i] != '}'; i++) {
        int digit = hex_digit((char)(s.p[i] >= 'a' && s.p[i] <= 'f' ? s.p[i] - 'a' + 'A' : s.p[i]));

        if (digit < 0)
            return 0;
        point = point << 4 | (ucs4_t)digit;
    }
    if (i == 3 || i == s.n || s.p[i] != '}' || (n = u8_uctomb(character, point, sizeof(character))) < 1)
        return 0;
    *fits = put(out, (const char *)character, (size_t)n);
    return i + 1;
}

static size_t take_encoded(struct unwrapped *out, struct span s, struct encodings encodings, bool *fits)
{
    if (encodings.xtext && s.p[0] == '+')
        return take_xtext(out, s, fits);
    if (encodings.embedded && s.p[0] == '\\')
        return take_embedded(out, s, fits);
    return 0;
}

/* Undoes quotes, quoted pairs and encodings up to the '>' that closes a path, or to the end. What stands
 * behind the '>' is left in *s. */
static int unquote(struct unwrapped *out, struct span *s, bool path, struct encodings encodings,
                   struct err *err)
{
    bool quoted = false, fits = true;
    size_t taken;

    for (; s->n > 0 && fits; s->p += taken, s->n -= taken) {
        char c = s->p[0];

        if (c == '>' && path && !quoted)
            break;
        taken = take_encoded(out, *s, encodings, &fits);
        if (taken > 0)
            continue;
        taken = 1;
        if (c == '"') {
            quoted = !quoted;
        } else if (c == '\\' && s->n > 1) {
            taken = 2;
            fits = put(out, s->p + 1, 1);
        } else {
            fits = put(out, &c, 1);
        }
    }
    if (!fits)
        return err_set(err, "the address is too long");
    if (quoted)
        return err_set(err, "a quote is not closed in the address");
    return 0;
}

static int unwrap(struct unwrapped *out, struct span raw, struct encodings encodings, struct err *err)
{
    struct span s = span_trim(raw), rest;
    bool path = s.n > 0 && s.p[0] == '<';

    out->n = 0;
    if (path)
        s = span_trim((struct span){ s.p + 1, s.n - 1 });
    rest = s;
    if (unquote(out, &rest, path, encodings, err) < 0)
        return -1;
    if (path && rest.n != 1)
        return err_set(err, "\"<%.*s\" does not end with its '>'", SPAN_FMT(s));
    /* A blank before the '>' is the path's, not the domain's. */
    while (path && out->n > 0 && (out->text[out->n - 1] == ' ' || out->text[out->n - 1] == '\t'))
        out->n--;
    return 0;
}

int address_unwrap_mailbox(struct unwrapped *out, struct span raw, struct err *err)
{
    return unwrap(out, raw, (struct encodings){ false, false }, err);
}

/* `type ; address`, the type being any word: reporters write rfc822, utf-8, but also LOCAL or unknown.
 * Without a type the text is left as it is. */
static struct span cut_type(struct span *field)
{
    struct span rest = *field, type;

    if (field->n == 0 || memchr(field->p, ';', field->n) == NULL)
        return SPAN_NONE;
    type = span_trim(span_cut(&rest, ';'));
    for (size_t i = 0; i < type.n; i++)
        if (type.p[i] <= ' ' || type.p[i] >= 0x7f || strchr("@<>\"\\!%", type.p[i]) != NULL)
            return SPAN_NONE;
    *field = rest;
    return type;
}

int address_unwrap_dsn(struct unwrapped *out, struct span raw, struct err *err)
{
    struct span type = cut_type(&raw);

    return unwrap(out, raw, (struct encodings){ true, span_eq_nocase(type, SPAN("utf-8")) }, err);
}
