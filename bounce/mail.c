/* SPDX-License-Identifier: BSD-2-Clause */
/* One walk over the structure of a mail. Bounces arrive damaged: boundaries that never occur or carry the
 * next header on their line, parts without an empty line, line ends of every kind, truncated ends. So the
 * walk reads lines, believes what it finds, and what it cannot take apart becomes text, which the reader of
 * notices makes the best of. It never steps into a returned mail: a bounce of a bounce is about the mail
 * outside, and the recipients inside are somebody else's.
 *
 * Why not a MIME library's parser: it builds an object for every field and part, which costs more than all
 * the rest of reading a bounce, repairs nothing of the above, and its memory grows with what the sender
 * made up. Encodings, charsets and dates are the library's (text.c, report.c). */
#include "bounce/mail.h"

#include <string.h>

#define DEPTH_MAX    16   /* multiparts in multiparts */
#define TYPE_MAX     4096 /* bytes of a Content-Type field that are looked at */
#define BOUNDARY_MAX 256  /* RFC 2046 allows 70; longer than this is none */

/* A Content-Type field, as far as it matters. */
struct content_type {
    struct span type; /* "text/plain", without parameters */
    struct span boundary, charset;
};

static bool is_line_end(char c)
{
    return c == '\n' || c == '\r';
}

/* The value of a parameter that starts behind '='; advances *rest to the next one. */
static struct span parameter_value(struct span *rest)
{
    *rest = span_trim(*rest);
    if (rest->n > 0 && rest->p[0] == '"') {
        struct span value;

        rest->p++;
        rest->n--;
        value = span_cut(rest, '"');
        span_cut(rest, ';');
        return value;
    }
    return span_trim(span_cut(rest, ';'));
}

static struct content_type read_content_type(struct span field)
{
    struct content_type out = { SPAN_NONE, SPAN_NONE, SPAN_NONE };
    struct span rest;

    if (field.n > TYPE_MAX)
        field.n = TYPE_MAX;
    rest = field;
    out.type = span_trim(span_cut(&rest, ';'));
    /* A type and a parameter without the ';' between them: "text/plain charset=..." */
    for (size_t i = 0; i < out.type.n; i++)
        if ((unsigned char)out.type.p[i] <= ' ') {
            rest = (struct span){ out.type.p + i, (size_t)(field.p + field.n - out.type.p) - i };
            out.type.n = i;
        }
    while (rest.n > 0) {
        struct span name = span_trim(span_cut(&rest, '='));
        struct span value = parameter_value(&rest);

        if (span_eq_nocase(name, SPAN("boundary")) && value.n < BOUNDARY_MAX)
            out.boundary = value;
        else if (span_eq_nocase(name, SPAN("charset")))
            out.charset = value;
    }
    return out;
}

static enum part_encoding read_encoding(struct span field)
{
    if (span_starts_nocase(field, SPAN("base64")))
        return ENCODED_BASE64;
    if (span_starts_nocase(field, SPAN("quoted-printable")))
        return ENCODED_QUOTED;
    return ENCODED_NOT;
}

static bool is_status_type(struct span type)
{
    /* Also message/global-delivery-status (RFC 6533) and message/xdelivery-status (XWall). */
    return span_starts_nocase(type, SPAN("message/")) &&
           span_find_nocase(type, SPAN("delivery-status")) != NULL;
}

/* 0 = of no interest. */
static enum part_kind kind_of(struct span type)
{
    static const struct {
        struct span type;
        enum part_kind kind;
    } kinds[] = {
        { { "text/html", 9 }, PART_HTML },
        { { "message/feedback-report", 23 }, PART_FEEDBACK },
        { { "message/disposition-notification", 32 }, PART_DISPOSITION },
        { { "message/rfc822", 14 }, PART_RETURNED },
        { { "message/global", 14 }, PART_RETURNED },
        { { "message/global-headers", 22 }, PART_RETURNED },
        { { "message/rfc822-headers", 22 }, PART_RETURNED },
        { { "message/partial", 15 }, PART_RETURNED },
        { { "text/rfc822-headers", 19 }, PART_RETURNED },
        { { "text/rfc822", 11 }, PART_RETURNED },
    };

    if (type.n == 0 || span_eq_nocase(type, SPAN("text/plain")) || span_eq_nocase(type, SPAN("text")))
        return PART_TEXT;
    if (is_status_type(type))
        return PART_STATUS;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (span_eq_nocase(type, kinds[i].type))
            return kinds[i].kind;
    return 0;
}

static void note_part(struct mail *mail, enum part_kind kind, const struct header *header,
                      const struct content_type *type, struct span content)
{
    if (kind == 0 || mail->n == MAIL_PARTS)
        return;
    mail->parts[mail->n++] = (struct mail_part){
        .kind = kind,
        .encoding = read_encoding(header_find(header, SPAN("Content-Transfer-Encoding"))),
        .charset = type->charset,
        .content = content,
    };
}

/* Whether a delimiter stands at at: at the start of a line (blanks before it are forgiven), and with nothing
 * behind it but the end of the line, the closing "--", or, glued on by damage, the part's first field. */
static bool is_delimiter(struct span body, size_t at, size_t length)
{
    struct span behind = { body.p + at + length, body.n - at - length }, line;
    size_t i = at;

    while (i > 0 && (body.p[i - 1] == ' ' || body.p[i - 1] == '\t'))
        i--;
    if (i > 0 && !is_line_end(body.p[i - 1]))
        return false;
    if (behind.n == 0 || is_line_end(behind.p[0]))
        return true;
    if (behind.n > 160)
        behind.n = 160;
    span_line(&behind, &line);
    line = span_trim(line);
    return line.n == 0 || span_starts_nocase(line, SPAN("--")) || span_starts_nocase(line, SPAN("content-"));
}

/* Without the rest of the delimiter's line, unless a field was glued to it. */
static struct span skip_empty_rest(struct span part)
{
    struct span ahead = part, line;

    return span_line(&ahead, &line) && span_trim(line).n == 0 ? ahead : part;
}

/* Finds the next delimiter in *rest: *before is what stands in front of it, *rest is left behind it (at the
 * rest of its line). False when there is none left; *before is then all. */
static bool next_delimiter(struct span *rest, struct span delimiter, struct span *before, bool *closing)
{
    size_t from = 0;

    while (from < rest->n) {
        const char *hit = memmem(rest->p + from, rest->n - from, delimiter.p, delimiter.n);
        size_t at;

        if (hit == NULL)
            break;
        at = (size_t)(hit - rest->p);
        if (is_delimiter(*rest, at, delimiter.n)) {
            *before = (struct span){ rest->p, at };
            *rest = (struct span){ hit + delimiter.n, rest->n - at - delimiter.n };
            *closing = rest->n >= 2 && memcmp(rest->p, "--", 2) == 0;
            return true;
        }
        from = at + 1;
    }
    *before = *rest;
    *rest = SPAN_NONE;
    return false;
}

static void walk_part(struct mail *mail, struct span bytes, int depth);

/* The parts of one multipart. False when its boundary never occurs. */
static bool walk_parts(struct mail *mail, struct span body, struct span boundary, int depth)
{
    char delimiter[BOUNDARY_MAX + 2] = "--";
    struct span mark = { delimiter, boundary.n + 2 }, part;
    bool closing = false, more;

    memcpy(delimiter + 2, boundary.p, boundary.n);
    if (!next_delimiter(&body, mark, &part, &closing))
        return false;
    do {
        if (closing)
            break;
        more = next_delimiter(&body, mark, &part, &closing);
        walk_part(mail, skip_empty_rest(part), depth);
    } while (more && mail->n < MAIL_PARTS);
    return true;
}

/* The boundary of a multipart that lost the parameter, or has another one: the first line that looks like a
 * delimiter with a part behind it. Looked for at the front only. */
static struct span guessed_boundary(struct span body)
{
    struct span rest = { body.p, body.n < 4096 ? body.n : 4096 }, line;

    while (span_line(&rest, &line)) {
        line = span_trim(line);
        if (line.n > 6 && line.n < BOUNDARY_MAX && memcmp(line.p, "--", 2) == 0 &&
            memchr(line.p, ' ', line.n) == NULL && span_starts_nocase(rest, SPAN("Content-")))
            return (struct span){ line.p + 2, line.n - 2 };
    }
    return SPAN_NONE;
}

/* What an entity is, whose header has been read. */
static void walk_entity(struct mail *mail, const struct header *header, struct span body, int depth)
{
    struct content_type type = read_content_type(header_find(header, SPAN("Content-Type")));

    if (span_starts_nocase(type.type, SPAN("multipart/"))) {
        if (depth < DEPTH_MAX && type.boundary.n > 0 && walk_parts(mail, body, type.boundary, depth))
            return;
        type.boundary = guessed_boundary(body);
        if (depth < DEPTH_MAX && type.boundary.n > 0 && walk_parts(mail, body, type.boundary, depth))
            return;
        type.type = SPAN_NONE; /* not to be taken apart: text */
    }
    note_part(mail, kind_of(type.type), header, &type, body);
}

/* Whether bytes begin with a field: a part may have no header, and begin with its text. */
static bool begins_with_field(struct span bytes)
{
    struct span line, name;

    if (!span_line(&bytes, &line) || memchr(line.p, ':', line.n) == NULL)
        return false;
    name = span_trim(span_cut(&line, ':'));
    return name.n > 0 && memchr(name.p, ' ', name.n) == NULL;
}

/* A part whose header is that of a mail, and not one of a part: returned, but not labelled. */
static bool is_bare_mail(const struct header *header)
{
    return !header_has(header, SPAN("Content-Type")) &&
           (header_has(header, SPAN("Received")) || header_has(header, SPAN("Return-Path")) ||
            (header_has(header, SPAN("From")) && header_has(header, SPAN("Subject"))));
}

static void walk_part(struct mail *mail, struct span bytes, int depth)
{
    struct content_type none = { SPAN_NONE, SPAN_NONE, SPAN_NONE };
    struct header header = { .n = 0 };
    struct span body = bytes;

    if (begins_with_field(bytes))
        header_read(&header, &body);
    if (is_bare_mail(&header))
        note_part(mail, PART_RETURNED, &header, &none, bytes);
    else
        walk_entity(mail, &header, body, depth + 1);
}

/* The separator line of an mbox. */
static void skip_separator(struct span *bytes)
{
    struct span line;

    if (span_starts_nocase(*bytes, SPAN("From ")) || span_starts_nocase(*bytes, SPAN(">From ")))
        span_line(bytes, &line);
}

int mail_open(struct mail *mail, struct span bytes, struct err *err)
{
    struct content_type type;

    mail->n = 0;
    skip_separator(&bytes);
    header_read(&mail->header, &bytes);
    if (mail->header.n == 0)
        return err_set(err, "not a mail: it does not begin with a header");
    type = read_content_type(header_find(&mail->header, SPAN("Content-Type")));
    mail->report = span_eq_nocase(type.type, SPAN("multipart/report"));
    walk_entity(mail, &mail->header, bytes, 0);
    return 0;
}

const struct mail_part *mail_find_part(const struct mail *mail, enum part_kind kind)
{
    for (size_t i = 0; i < mail->n; i++)
        if (mail->parts[i].kind == kind)
            return &mail->parts[i];
    return NULL;
}
