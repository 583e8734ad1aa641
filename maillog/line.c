/* SPDX-License-Identifier: BSD-2-Clause */
/* From the front: `<22>`, time, host, `postfix/smtp[30566]:`, queue id. Each piece ends at the next blank, so
 * most lines are done with after a look at some sixty bytes. A line without time, host and tag (journalctl -o
 * cat) is told from others by its queue id alone.
 *
 * Only a tag with a `/` is Postfix's: others log its queue ids, too, milters for example. */
#include "maillog/line.h"

#include <string.h>

#define QUEUE_ID_MOST 40
#define SHORT_LEAST   6  /* microseconds and inode, in upper-case hexadecimal digits */
#define LONG_LEAST    10 /* seconds, microseconds and inode, in 52 digits: no vowels */

enum { DIGIT_SHORT = 1, DIGIT_LONG = 2 };

static const unsigned char queue_id_digits[256] = {
    ['0'] = 3, ['1'] = 3, ['2'] = 3, ['3'] = 3, ['4'] = 3, ['5'] = 3, ['6'] = 3, ['7'] = 3, ['8'] = 3,
    ['9'] = 3, ['A'] = 1, ['B'] = 3, ['C'] = 3, ['D'] = 3, ['E'] = 1, ['F'] = 3, ['G'] = 2, ['H'] = 2,
    ['J'] = 2, ['K'] = 2, ['L'] = 2, ['M'] = 2, ['N'] = 2, ['P'] = 2, ['Q'] = 2, ['R'] = 2, ['S'] = 2,
    ['T'] = 2, ['V'] = 2, ['W'] = 2, ['X'] = 2, ['Y'] = 2, ['Z'] = 2, ['b'] = 2, ['c'] = 2, ['d'] = 2,
    ['f'] = 2, ['g'] = 2, ['h'] = 2, ['j'] = 2, ['k'] = 2, ['l'] = 2, ['m'] = 2, ['n'] = 2, ['p'] = 2,
    ['q'] = 2, ['r'] = 2, ['s'] = 2, ['t'] = 2, ['v'] = 2, ['w'] = 2, ['x'] = 2, ['y'] = 2, ['z'] = 2,
};

/* Cuts `word ` off the front; false, and nothing is cut, when there is no blank. */
static bool cut_word(struct span *rest, struct span *word)
{
    const char *blank = rest->n == 0 ? NULL : memchr(rest->p, ' ', rest->n);

    if (blank == NULL)
        return false;
    *word = (struct span){ rest->p, (size_t)(blank - rest->p) };
    *rest = (struct span){ blank + 1, rest->n - word->n - 1 };
    return true;
}

static void skip(struct span *rest, size_t n)
{
    *rest = (struct span){ rest->p + n, rest->n - n };
}

/* syslog's priority, as in a datagram: `<22>`. */
static void skip_priority(struct span *rest)
{
    size_t n = 1;

    if (rest->n == 0 || rest->p[0] != '<')
        return;
    while (n < rest->n && n <= 3 && rest->p[n] >= '0' && rest->p[n] <= '9')
        n++;
    if (n > 1 && n < rest->n && rest->p[n] == '>')
        skip(rest, n + 1);
}

/* `4XkZ2d1q9zXYZ: `, cut off. */
static bool cut_queue_id(struct span *rest, struct span *queue_id)
{
    unsigned both = DIGIT_SHORT | DIGIT_LONG;
    size_t n = 0;

    while (n < rest->n && n <= QUEUE_ID_MOST && (both & queue_id_digits[(unsigned char)rest->p[n]]) != 0)
        both &= queue_id_digits[(unsigned char)rest->p[n++]];
    if (n > QUEUE_ID_MOST || n < ((both & DIGIT_SHORT) != 0 ? SHORT_LEAST : LONG_LEAST) || rest->n - n < 2 ||
        rest->p[n] != ':' || rest->p[n + 1] != ' ')
        return false;
    *queue_id = (struct span){ rest->p, n };
    skip(rest, n + 2);
    return true;
}

/* `postfix/smtp[30566]:`; the process id may be missing. */
static bool read_tag(struct log_line *out, struct span tag)
{
    struct span name;

    if (tag.n == 0 || tag.p[tag.n - 1] != ':')
        return false;
    tag.n--;
    name = span_cut(&tag, '[');
    out->instance = span_cut(&name, '/');
    out->program = SPAN_NONE;
    while (name.n > 0)
        out->program = span_cut(&name, '/');
    return out->instance.n > 0 && out->program.n > 0;
}

/* rsyslog joins lines that are equal: `message repeated 2 times: [ 1C7D3AAE587: ...]`. To tell of one
 * delivery twice changes nothing, so the number is of no interest. */
static void unwrap_repeated(struct span *rest)
{
    static const struct span start = { "message repeated ", 17 }, middle = { " times: [ ", 10 };
    size_t n = start.n;

    if (rest->n < start.n || memcmp(rest->p, start.p, start.n) != 0)
        return;
    while (n < rest->n && rest->p[n] >= '0' && rest->p[n] <= '9')
        n++;
    if (rest->n - n < middle.n || memcmp(rest->p + n, middle.p, middle.n) != 0)
        return;
    skip(rest, n + middle.n);
    if (rest->n > 0 && rest->p[rest->n - 1] == ']')
        rest->n--;
}

static size_t read_stamp(struct log_line *out, struct stamp_cache *cache, struct span text, int64_t now)
{
    if (text.n > 4 && text.p[4] == '-')
        return stamp_read_iso(text, &out->at);
    return stamp_read_traditional(cache, text, now, &out->at);
}

enum line_kind line_read(struct log_line *out, struct stamp_cache *cache, struct span line, int64_t now)
{
    struct span rest = line, tag;
    size_t n;

    skip_priority(&rest);
    if ((n = read_stamp(out, cache, rest, now)) > 0) {
        skip(&rest, n);
        if (rest.n == 0 || rest.p[0] != ' ')
            return LINE_FOREIGN;
        skip(&rest, 1);
        if (!cut_word(&rest, &out->host) || !cut_word(&rest, &tag) || !read_tag(out, tag))
            return LINE_FOREIGN;
        unwrap_repeated(&rest);
    } else {
        out->at = now;
        out->host = out->instance = out->program = SPAN_NONE;
    }
    if (!cut_queue_id(&rest, &out->queue_id))
        return n > 0 ? LINE_OTHER : LINE_FOREIGN;
    out->rest = rest;
    return LINE_MESSAGE;
}
