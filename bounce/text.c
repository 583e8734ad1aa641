/* SPDX-License-Identifier: BSD-2-Clause */
/* Encodings are GMime's, charsets iconv's; what is left is to be forgiving. Notices are mislabelled as a
 * rule: 8-bit text under us-ascii, EUC under iso-2022-jp, no label at all. So valid UTF-8 is UTF-8 whatever
 * the label says, a charset that the bytes do not obey is tried once against the one that is written by
 * mistake for it, and a byte that nothing explains becomes '?'. */
#include "bounce/text.h"

#include "bounce/html.h"

#include <errno.h>
#include <iconv.h>
#include <string.h>

#include <gmime/gmime.h>

#define ENCODED_MAX (2 * TEXT_MAX) /* bytes of one part that are looked at */

static struct span head_of(struct span bytes, size_t most)
{
    return (struct span){ bytes.p, bytes.n < most ? bytes.n : most };
}

/* Copies what fits, cut at a whole character. */
static struct span append_utf8(struct text *text, struct span bytes)
{
    char *start = text->p + text->n;
    size_t n = bytes.n, room = TEXT_MAX - text->n;

    if (n > room) {
        n = room;
        while (n > 0 && ((unsigned char)bytes.p[n] & 0xc0) == 0x80)
            n--;
    }
    if (n > 0)
        memcpy(start, bytes.p, n);
    text->n += n;
    return (struct span){ start, n };
}

enum shape { SHAPE_ASCII, SHAPE_ESCAPED, SHAPE_UTF8, SHAPE_8BIT };

/* What bytes are by their looks. SHAPE_ESCAPED: ASCII with escape sequences (ISO-2022). A character cut off
 * by the end is no evidence against UTF-8. */
static enum shape shape_of(struct span bytes)
{
    bool escaped = false, utf8 = false;

    for (size_t i = 0; i < bytes.n;) {
        unsigned char c = (unsigned char)bytes.p[i];
        size_t n = 1;

        if (c >= 0x80) {
            n = utf8_length((struct span){ bytes.p + i, bytes.n - i });
            if (n == 0)
                return bytes.n - i < 4 && utf8 ? SHAPE_UTF8 : SHAPE_8BIT;
            utf8 = true;
        }
        escaped = escaped || c == 0x1b;
        i += n;
    }
    return utf8 ? SHAPE_UTF8 : escaped ? SHAPE_ESCAPED : SHAPE_ASCII;
}

/* The charset that is meant where another one is written. */
static const char *meant_instead(struct span charset)
{
    static const struct {
        const char *written, *meant;
    } slips[] = {
        { "iso-2022-jp", "EUC-JP" }, { "shift_jis", "CP932" },      { "gb2312", "GB18030" },
        { "gbk", "GB18030" },        { "ks_c_5601-1987", "CP949" }, { "euc-kr", "CP949" },
        { "big5", "CP950" },         { "iso-8859-1", "CP1252" },    { "us-ascii", "CP1252" },
    };

    for (size_t i = 0; i < sizeof(slips) / sizeof(slips[0]); i++)
        if (span_eq_nocase(charset, span_of(slips[i].written)))
            return slips[i].meant;
    return "CP1252";
}

/* Converts into what room the text has; counts what could not be. False when nobody knows the charset. */
static bool convert(struct text *text, struct span bytes, const char *charset, size_t *bad)
{
    iconv_t cd = iconv_open("UTF-8", charset);
    char *in = (char *)(uintptr_t)bytes.p, *out = text->p + text->n;
    size_t in_left = bytes.n, out_left = TEXT_MAX - text->n;

    *bad = 0;
    if (cd == (iconv_t)-1)
        return false;
    while (in_left > 0 && iconv(cd, &in, &in_left, &out, &out_left) == (size_t)-1) {
        if (errno == E2BIG || out_left == 0)
            break;
        *out++ = '?';
        out_left--;
        in++;
        in_left--;
        ++*bad;
    }
    iconv_close(cd);
    text->n = (size_t)(out - text->p);
    return true;
}

struct span text_append(struct text *text, struct span bytes, struct span charset)
{
    size_t start = text->n, bad = 0;
    char name[64];
    enum shape shape;

    bytes = head_of(bytes, ENCODED_MAX);
    shape = shape_of(bytes);
    if (shape == SHAPE_UTF8 || (shape == SHAPE_ASCII && !span_starts_nocase(charset, SPAN("utf-7"))))
        return append_utf8(text, bytes);
    if (shape == SHAPE_ESCAPED && span_find_nocase(charset, SPAN("2022")) == NULL)
        charset = SPAN("ISO-2022-JP");
    if (!span_copy(name, sizeof(name), charset) || name[0] == '\0' || !convert(text, bytes, name, &bad) ||
        bad > 0) {
        size_t first_end = text->n, first_bad = bad;
        bool had = first_end > start;

        text->n = start;
        if (!had || first_bad > 0)
            (void)convert(text, bytes, meant_instead(charset), &bad);
    }
    return (struct span){ text->p + start, text->n - start };
}

static struct span append_decoded(struct text *text, const struct mail_part *part, struct span bytes)
{
    if (part->kind == PART_HTML)
        return html_append(text, bytes, part->charset);
    return text_append(text, bytes, part->charset);
}

/* Whether an encoded part ends in the middle: a soft line break, or a last line of base64 that is as long as
 * those before it and not padded. */
static bool is_cut(const struct mail_part *part)
{
    struct span bytes = span_trim(part->content), first = bytes, line;
    const char *last;

    if (bytes.n == 0 || part->encoding == ENCODED_NOT)
        return false;
    if (part->encoding == ENCODED_QUOTED || bytes.p[bytes.n - 1] == '=')
        return part->encoding == ENCODED_QUOTED && bytes.p[bytes.n - 1] == '=';
    span_line(&first, &line);
    last = memrchr(bytes.p, bytes.p[line.n], bytes.n); /* the line end that is in use here */
    return first.n > 0 && last != NULL && (size_t)(bytes.p + bytes.n - last) > line.n;
}

/* Without the last line. */
static struct span without_last_line(struct span bytes)
{
    const char *end = bytes.n == 0 ? NULL : memrchr(bytes.p, '\n', bytes.n);

    return end == NULL ? SPAN_NONE : (struct span){ bytes.p, (size_t)(end - bytes.p) + 1 };
}

/* The decoder knows soft line breaks by their LF; of mail with lone CRs it gets a copy with LFs. */
static char *with_lf(struct span bytes)
{
    char *copy;

    if (memchr(bytes.p, '\n', bytes.n) != NULL || memchr(bytes.p, '\r', bytes.n) == NULL)
        return NULL;
    copy = g_malloc(bytes.n);
    for (size_t i = 0; i < bytes.n; i++)
        copy[i] = bytes.p[i] == '\r' ? '\n' : bytes.p[i];
    return copy;
}

/* Whether bytes are quoted-printable and nobody says so: a gateway lost the field. Its lines are as long as
 * they may be, and end in a soft line break. Left as it is, addresses would be cut in two. */
static bool looks_quoted(struct span bytes)
{
    struct span rest = bytes, line;

    while (span_line(&rest, &line))
        if (line.n >= 70 && line.n <= 76 && line.p[line.n - 1] == '=' && line.p[line.n - 2] != '=')
            return true;
    return false;
}

static enum part_encoding encoding_of(const struct mail_part *part, struct span bytes)
{
    return part->encoding == ENCODED_NOT && looks_quoted(bytes) ? ENCODED_QUOTED : part->encoding;
}

struct span text_append_part(struct text *text, const struct mail_part *part)
{
    struct span bytes = head_of(part->content, ENCODED_MAX), out;
    enum part_encoding encoding = encoding_of(part, bytes);
    GMimeEncoding state;
    char *decoded, *copy;
    size_t n;

    if (encoding == ENCODED_NOT || bytes.n == 0)
        return append_decoded(text, part, bytes);
    if ((copy = with_lf(bytes)) != NULL)
        bytes.p = copy;
    g_mime_encoding_init_decode(&state, encoding == ENCODED_BASE64 ? GMIME_CONTENT_ENCODING_BASE64
                                                                   : GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE);
    decoded = g_malloc(g_mime_encoding_outlen(&state, bytes.n));
    n = g_mime_encoding_flush(&state, bytes.p, bytes.n, decoded);
    out = (struct span){ decoded, n };
    out = append_decoded(text, part, is_cut(part) ? without_last_line(out) : out);
    g_free(decoded);
    g_free(copy);
    return out;
}

struct span text_append_field(struct text *text, struct span value)
{
    char line[2048];
    char *decoded;
    struct span out;
    size_t n = field_unfold(line, sizeof(line), value);

    if (strstr(line, "=?") == NULL) {
        /* Raw 8-bit, of whatever charset, would be '?' by now. */
        return text_append(text, memchr(line, '?', n) == NULL ? (struct span){ line, n } : value, SPAN(""));
    }
    decoded = g_mime_utils_header_decode_text(NULL, line);
    out = text_append(text, span_of(decoded), SPAN(""));
    g_free(decoded);
    return out;
}
