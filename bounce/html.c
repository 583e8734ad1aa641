/* SPDX-License-Identifier: BSD-2-Clause */
/* Tags go, block tags end a line, entities become characters, styles and scripts are no words. Done in place
 * in the text that the HTML was decoded into: what comes out is never longer than what went in. Addresses in
 * angle brackets that nobody escaped are no tags. */
#include "bounce/html.h"

#include <string.h>

/* Reads and writes the same bytes; out never overtakes in. */
struct html {
    struct span in;
    char *out;
    size_t n;
};

static void put(struct html *html, char c)
{
    /* One blank is as good as many, and no more than two line ends in a row. */
    if (c == ' ' && (html->n == 0 || html->out[html->n - 1] == ' ' || html->out[html->n - 1] == '\n'))
        return;
    if (c == '\n' && html->n > 1 && html->out[html->n - 1] == '\n' && html->out[html->n - 2] == '\n')
        return;
    html->out[html->n++] = c;
}

static void skip(struct html *html, size_t n)
{
    html->in.p += n;
    html->in.n -= n;
}

static bool ends_line(struct span tag)
{
    static const char *const tags[] = { "br", "p",  "div", "tr",    "li", "ul", "ol",         "h1", "h2",
                                        "h3", "hr", "td",  "table", "dt", "dd", "blockquote", "pre" };

    for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++)
        if (span_eq_nocase(tag, span_of(tags[i])))
            return true;
    return false;
}

/* Steps behind the end tag of an element that holds no words. */
static void skip_element(struct html *html, struct span end)
{
    const char *hit = span_find_nocase(html->in, end);

    skip(html, hit == NULL ? html->in.n : (size_t)(hit - html->in.p));
}

/* The name of the tag that begins at '<': "p" of "</p>" and of "<p class=...>". */
static struct span tag_name(struct span tag)
{
    size_t n = 0;

    tag.p++;
    tag.n--;
    if (tag.n > 0 && tag.p[0] == '/') {
        tag.p++;
        tag.n--;
    }
    while (n < tag.n &&
           ((tag.p[n] >= '0' && tag.p[n] <= '9') || ((tag.p[n] | 0x20) >= 'a' && (tag.p[n] | 0x20) <= 'z')))
        n++;
    return (struct span){ tag.p, n };
}

static void read_tag(struct html *html)
{
    const char *end = memchr(html->in.p, '>', html->in.n);
    size_t n = end == NULL ? html->in.n : (size_t)(end - html->in.p) + 1;
    struct span tag = { html->in.p, n }, name = tag_name(tag);
    bool opens = tag.n > 1 && tag.p[1] != '/';

    if (name.n == 0 || end == NULL || (memchr(tag.p, '@', n) != NULL && memchr(tag.p, '=', n) == NULL)) {
        put(html, '<'); /* no tag */
        skip(html, 1);
        return;
    }
    if (ends_line(name))
        put(html, '\n');
    skip(html, n);
    if (opens && span_eq_nocase(name, SPAN("style")))
        skip_element(html, SPAN("</style"));
    else if (opens && span_eq_nocase(name, SPAN("script")))
        skip_element(html, SPAN("</script"));
    else if (opens && span_eq_nocase(name, SPAN("title")))
        skip_element(html, SPAN("</title"));
}

static void put_utf8(struct html *html, unsigned long c)
{
    if (c < 0x80) {
        put(html, (char)(c < 0x20 ? ' ' : c));
    } else if (c == 0xa0) {
        put(html, ' ');
    } else if (c < 0x800) {
        put(html, (char)(0xc0 | (c >> 6)));
        put(html, (char)(0x80 | (c & 0x3f)));
    } else if (c < 0x10000 && (c < 0xd800 || c > 0xdfff)) {
        put(html, (char)(0xe0 | (c >> 12)));
        put(html, (char)(0x80 | ((c >> 6) & 0x3f)));
        put(html, (char)(0x80 | (c & 0x3f)));
    } else {
        put(html, '?');
    }
}

/* The number in "#233" and "#xe9"; 0 = none. */
static unsigned long entity_number(struct span name)
{
    bool hex = name.n > 1 && (name.p[1] | 0x20) == 'x';
    unsigned long value = 0;

    for (size_t i = hex ? 2 : 1; i < name.n; i++) {
        char c = name.p[i], low = (char)(c | 0x20);

        if (c >= '0' && c <= '9')
            value = value * (hex ? 16 : 10) + (unsigned long)(c - '0');
        else if (hex && low >= 'a' && low <= 'f')
            value = value * 16 + (unsigned long)(low - 'a' + 10);
        else
            return 0;
        if (value > 0x10ffff)
            return 0;
    }
    return value;
}

static void read_entity(struct html *html)
{
    static const struct {
        const char *name;
        unsigned long c;
    } names[] = { { "lt", '<' },      { "gt", '>' },      { "amp", '&' },     { "quot", '"' },
                  { "apos", '\'' },   { "nbsp", ' ' },    { "commat", '@' },  { "agrave", 0xe0 },
                  { "eacute", 0xe9 }, { "egrave", 0xe8 }, { "ecirc", 0xea },  { "ccedil", 0xe7 },
                  { "auml", 0xe4 },   { "ouml", 0xf6 },   { "uuml", 0xfc },   { "szlig", 0xdf },
                  { "oacute", 0xf3 }, { "iacute", 0xed }, { "aacute", 0xe1 }, { "ntilde", 0xf1 },
                  { "atilde", 0xe3 }, { "uacute", 0xfa } };
    const char *end = memchr(html->in.p, ';', html->in.n < 12 ? html->in.n : 12);
    struct span name;
    unsigned long c = 0;

    if (end != NULL) {
        name = (struct span){ html->in.p + 1, (size_t)(end - html->in.p) - 1 };
        if (name.n > 1 && name.p[0] == '#')
            c = entity_number(name);
        for (size_t i = 0; c == 0 && i < sizeof(names) / sizeof(names[0]); i++)
            if (span_eq(name, span_of(names[i].name)))
                c = names[i].c;
    }
    if (c == 0) {
        put(html, '&');
        skip(html, 1);
        return;
    }
    put_utf8(html, c);
    skip(html, name.n + 2);
}

struct span html_append(struct text *text, struct span bytes, struct span charset)
{
    struct span in = text_append(text, bytes, charset);
    struct html html = { in, text->p + (text->n - in.n), 0 };

    while (html.in.n > 0) {
        char c = html.in.p[0];

        if (c == '<') {
            read_tag(&html);
        } else if (c == '&') {
            read_entity(&html);
        } else {
            put(&html, c == '\n' || c == '\r' || c == '\t' ? ' ' : c);
            skip(&html, 1);
        }
    }
    text->n = (size_t)(html.out - text->p) + html.n;
    return (struct span){ html.out, html.n };
}
