/* SPDX-License-Identifier: BSD-2-Clause */
/* Read strictly from the front (log_adhoc(3) in Postfix's sources): all that others have a say in, the
 * addresses and the text, is delimited before it is looked at, and what does not follow the form is not
 * guessed at. */
#include "maillog/attempt.h"

#include <string.h>

/* Reads from the front; after the first failure nothing is read any more. */
struct cursor {
    struct span rest;
    bool failed;
};

static bool take(struct cursor *cursor, struct span literal)
{
    if (cursor->failed || cursor->rest.n < literal.n || memcmp(cursor->rest.p, literal.p, literal.n) != 0)
        return false;
    cursor->rest = (struct span){ cursor->rest.p + literal.n, cursor->rest.n - literal.n };
    return true;
}

static void need(struct cursor *cursor, struct span literal)
{
    if (!take(cursor, literal))
        cursor->failed = true;
}

static struct span take_address(struct cursor *cursor)
{
    struct span address = SPAN_NONE;

    if (!cursor->failed && !attempt_cut_address(&cursor->rest, &address))
        cursor->failed = true;
    return address;
}

/* A value without a comma, not empty. */
static struct span take_value(struct cursor *cursor)
{
    const char *comma =
        cursor->failed || cursor->rest.n == 0 ? NULL : memchr(cursor->rest.p, ',', cursor->rest.n);
    struct span value = SPAN_NONE;

    if (comma == NULL || comma == cursor->rest.p) {
        cursor->failed = true;
        return value;
    }
    value = (struct span){ cursor->rest.p, (size_t)(comma - cursor->rest.p) };
    cursor->rest = (struct span){ comma, cursor->rest.n - value.n };
    return value;
}

/* A value of these characters. */
static struct span take_plain(struct cursor *cursor, const char *allowed)
{
    struct span value = take_value(cursor);

    for (size_t i = 0; i < value.n; i++)
        if (value.p[i] == '\0' || strchr(allowed, value.p[i]) == NULL)
            cursor->failed = true;
    return value;
}

bool attempt_cut_address(struct span *rest, struct span *address)
{
    size_t i = 1;
    const char *close;

    if (rest->n < 2 || rest->p[0] != '<')
        return false;
    if (rest->p[1] == '"') {
        for (i = 2; i < rest->n && rest->p[i] != '"'; i++)
            i += rest->p[i] == '\\';
        if (i + 1 >= rest->n || (rest->p[i + 1] != '@' && rest->p[i + 1] != '>'))
            return false;
    }
    if ((close = memchr(rest->p + i, '>', rest->n - i)) == NULL)
        return false;
    *address = (struct span){ rest->p + 1, (size_t)(close - rest->p) - 1 };
    *rest = (struct span){ close + 1, rest->n - address->n - 2 };
    return true;
}

/* `4.4`, `0.02`, `432000`: the whole seconds. */
static int64_t seconds_of(struct cursor *cursor, struct span value)
{
    struct span rest = value;
    int64_t seconds = 0;

    if (!cursor->failed && !span_int64(span_cut(&rest, '.'), &seconds))
        cursor->failed = true;
    return seconds;
}

/* RFC 3463: three numbers. */
static void check_dsn(struct cursor *cursor, struct span value)
{
    struct span rest = value;
    size_t parts = 0;

    while (rest.n > 0 && parts++ < 3) {
        struct span part = span_cut(&rest, '.');

        if (part.n == 0 || part.n > 3)
            cursor->failed = true;
    }
    if (parts != 3 || rest.n > 0 || value.p[value.n - 1] == '.')
        cursor->failed = true;
}

static enum attempt_status take_status(struct cursor *cursor)
{
    static const struct {
        struct span word;
        enum attempt_status status;
    } words[] = {
        { { "sent", 4 }, ATTEMPT_SENT },
        { { "bounced", 7 }, ATTEMPT_BOUNCED },
        { { "deferred", 8 }, ATTEMPT_DEFERRED },
        { { "SOFTBOUNCE", 10 }, ATTEMPT_DEFERRED }, /* soft_bounce = yes: it stays in the queue */
        { { "deliverable", 11 }, ATTEMPT_PROBE },
        { { "undeliverable", 13 }, ATTEMPT_PROBE },
    };
    struct span rest = cursor->rest, word = span_cut(&rest, ' ');

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]) && !cursor->failed; i++)
        if (span_eq(word, words[i].word)) {
            cursor->rest = rest;
            return words[i].status;
        }
    cursor->failed = true;
    return 0;
}

/* `(...)`; the parenthesis at the end is missing when the line was cut. */
static struct span take_text(struct cursor *cursor)
{
    struct span text = cursor->rest;

    if (cursor->failed || text.n == 0)
        return SPAN_NONE;
    if (text.p[0] != '(') {
        cursor->failed = true;
        return SPAN_NONE;
    }
    text = (struct span){ text.p + 1, text.n - 1 };
    if (text.n > 0 && text.p[text.n - 1] == ')')
        text.n--;
    return text;
}

bool attempt_read(struct attempt *out, struct span text)
{
    struct cursor cursor = { .rest = text };

    need(&cursor, SPAN("to="));
    out->to = take_address(&cursor);
    out->orig_to = take(&cursor, SPAN(", orig_to=")) ? take_address(&cursor) : SPAN_NONE;
    need(&cursor, SPAN(", relay="));
    out->relay = take_value(&cursor);
    if (take(&cursor, SPAN(", conn_use=")))
        take_plain(&cursor, "0123456789");
    need(&cursor, SPAN(", delay="));
    out->delay = seconds_of(&cursor, take_plain(&cursor, ".0123456789"));
    need(&cursor, SPAN(", delays="));
    take_plain(&cursor, "/.0123456789");
    if (take(&cursor, SPAN(", tls="))) /* Postfix 3.11 */
        take_value(&cursor);
    need(&cursor, SPAN(", dsn="));
    out->dsn = take_plain(&cursor, ".0123456789");
    if (cursor.failed)
        return false;
    check_dsn(&cursor, out->dsn);
    need(&cursor, SPAN(", status="));
    out->status = take_status(&cursor);
    out->text = take_text(&cursor);
    return !cursor.failed;
}
