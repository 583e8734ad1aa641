/* SPDX-License-Identifier: BSD-2-Clause */
/* A pattern is walked once. As long as what stands there are letters and alternatives of letters, all the
 * strings that it can stand for are kept (`exact`); where it becomes open ("any word", "maybe more of it")
 * the strings so far are put aside as one thing that must be there, and a new start is made. Of all that must
 * be there the most telling set is kept. Alternatives need one such set each. */
#include "bounce/rule_literals.h"

#include <string.h>

#define LITERAL_LEAST  3 /* shorter ones are everywhere */
#define LITERAL_ENOUGH 9 /* longer ones are no rarer: fewer of them are better */
#define DEPTH_MOST     16
#define JOINED_MOST    16 /* strings that are carried along: more are put aside and a new start is made */

/* A piece of a pattern. */
struct piece {
    struct literals exact;    /* all that it can stand for, when closed */
    struct literals required; /* one of these is in it; n = 0: nothing is known */
    bool closed;
};

struct walk {
    const char *p, *end;
    GStringChunk *chunk;
    unsigned depth;
    bool lost; /* met something it does not understand */
};

static void walk_alternatives(struct walk *walk, struct piece *out);

static void make_empty(struct piece *piece)
{
    piece->closed = true;
    piece->exact.item[0] = SPAN_NONE;
    piece->exact.n = 1;
    piece->required.n = 0;
}

static void make_open(struct piece *piece)
{
    piece->closed = false;
    piece->exact.n = piece->required.n = 0;
}

static void copy(struct literals *to, const struct literals *from)
{
    to->n = from->n;
    memcpy(to->item, from->item, from->n * sizeof(*from->item));
}

static size_t shortest(const struct literals *set)
{
    size_t n = LITERAL_ENOUGH;

    for (size_t i = 0; i < set->n; i++)
        if (set->item[i].n < n)
            n = set->item[i].n;
    return set->n == 0 ? 0 : n;
}

/* Keeps the better of two sets, either of which must be there. */
static void keep_better(struct literals *best, const struct literals *other)
{
    size_t was = shortest(best), is = shortest(other);

    if (is >= LITERAL_LEAST && (is > was || (is == was && other->n < best->n)))
        copy(best, other);
}

static bool join(struct walk *walk, struct literals *left, const struct literals *right)
{
    struct literals joined;

    joined.n = 0;
    if (left->n == 1 && left->item[0].n == 0) {
        copy(left, right);
        return true;
    }
    if (left->n * right->n > JOINED_MOST && left->n * right->n > right->n)
        return false;
    for (size_t i = 0; i < left->n; i++)
        for (size_t k = 0; k < right->n; k++) {
            char text[512];
            struct span a = left->item[i], b = right->item[k];

            if (a.n + b.n > sizeof(text))
                return false;
            memcpy(text, a.p, a.n);
            memcpy(text + a.n, b.p, b.n);
            joined.item[joined.n++] =
                (struct span){ g_string_chunk_insert_len(walk->chunk, text, (gssize)(a.n + b.n)), a.n + b.n };
        }
    copy(left, &joined);
    return true;
}

/* What follows in a row: closed as long as everything was. */
static void append(struct walk *walk, struct piece *row, struct literals *run, const struct piece *next)
{
    if (next->closed && join(walk, run, &next->exact))
        return;
    row->closed = false;
    keep_better(&row->required, run);
    if (next->closed) {
        copy(run, &next->exact);
        return;
    }
    keep_better(&row->required, &next->required);
    run->item[0] = SPAN_NONE;
    run->n = 1;
}

static bool add_all(struct literals *to, const struct literals *from)
{
    if (to->n + from->n > LITERALS_MOST)
        return false;
    memcpy(to->item + to->n, from->item, from->n * sizeof(*from->item));
    to->n += from->n;
    return true;
}

/* Behind what is repeated: `?`, `*`, `+`, `{2,4}`, and the `?` or `+` behind these. */
static void walk_quantifier(struct walk *walk, struct piece *piece)
{
    bool none = false, many = false;
    const char *close;

    if (walk->p == walk->end)
        return;
    if (*walk->p == '?' || *walk->p == '*' || *walk->p == '+') {
        none = *walk->p != '+';
        many = *walk->p != '?';
        walk->p++;
    } else if (*walk->p == '{' && (close = memchr(walk->p, '}', (size_t)(walk->end - walk->p))) != NULL) {
        none = walk->p[1] < '1' || walk->p[1] > '9';
        many = true;
        walk->p = close + 1;
    } else {
        return;
    }
    if (walk->p < walk->end && (*walk->p == '?' || *walk->p == '+'))
        walk->p++;
    if (none && !many && piece->closed && piece->exact.n < LITERALS_MOST) {
        piece->exact.item[piece->exact.n++] = SPAN_NONE;
        return;
    }
    if (none) {
        make_open(piece);
        return;
    }
    if (piece->closed)
        copy(&piece->required, &piece->exact);
    piece->closed = false;
}

static void walk_class(struct walk *walk, struct piece *piece)
{
    make_open(piece);
    walk->p++;
    if (walk->p < walk->end && *walk->p == '^')
        walk->p++;
    if (walk->p < walk->end && *walk->p == ']')
        walk->p++;
    while (walk->p < walk->end && *walk->p != ']') {
        if (*walk->p == '\\' || (*walk->p == '[' && walk->end - walk->p > 1 && walk->p[1] == ':'))
            walk->p++;
        if (walk->p < walk->end)
            walk->p++;
        if (walk->p + 1 < walk->end && walk->p[0] == ':' && walk->p[1] == ']')
            walk->p += 2;
    }
    if (walk->p < walk->end)
        walk->p++;
}

static void walk_group(struct walk *walk, struct piece *piece)
{
    bool look = false;

    walk->p++;
    if (walk->end - walk->p >= 2 && walk->p[0] == '?') {
        look = walk->p[1] == '=' || walk->p[1] == '!' || walk->p[1] == '<';
        walk->lost |= !look && walk->p[1] != ':';
        walk->p += 2;
        if (look && walk->p[-1] == '<' && walk->p < walk->end)
            walk->lost |= *walk->p != '=' && *walk->p != '!', walk->p++;
    } else if (walk->p < walk->end && *walk->p == '*') {
        walk->lost = true;
    }
    walk->lost |= ++walk->depth > DEPTH_MOST;
    if (!walk->lost)
        walk_alternatives(walk, piece);
    walk->depth--;
    walk->lost |= walk->p == walk->end || *walk->p != ')';
    if (!walk->lost)
        walk->p++;
    if (look)
        make_empty(piece); /* takes no room, and says what is before or behind, or is not */
}

static void walk_escape(struct walk *walk, struct piece *piece)
{
    char c = walk->end - walk->p > 1 ? walk->p[1] : '\0';

    if (strchr("bBAzZ", c) != NULL) {
        make_empty(piece);
    } else if (strchr("sSdDwW", c) != NULL) {
        make_open(piece);
    } else if (c == '\0' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
        walk->lost = true;
    } else {
        make_empty(piece);
        piece->exact.item[0] = (struct span){ walk->p + 1, 1 };
    }
    walk->p += walk->p < walk->end ? 2 : 0;
    if (walk->p > walk->end)
        walk->p = walk->end;
}

static bool is_special(char c)
{
    return strchr("\\^$.[|()?*+{", c) != NULL;
}

static size_t letter_length(const char *p, const char *end)
{
    size_t n = 1;

    while (p + n < end && ((unsigned char)p[n] & 0xc0) == 0x80)
        n++;
    return n;
}

/* Letters up to the next sign that means something; a letter that is repeated stands alone. */
static void walk_letters(struct walk *walk, struct piece *piece)
{
    const char *start = walk->p, *last = walk->p;

    while (walk->p < walk->end && !is_special(*walk->p)) {
        last = walk->p;
        walk->p += letter_length(walk->p, walk->end);
    }
    if (walk->p < walk->end && last > start && strchr("?*+{", *walk->p) != NULL)
        walk->p = last;
    make_empty(piece);
    piece->exact.item[0] = (struct span){ start, (size_t)(walk->p - start) };
}

static void walk_atom(struct walk *walk, struct piece *piece)
{
    switch (*walk->p) {
    case '(': walk_group(walk, piece); break;
    case '[': walk_class(walk, piece); break;
    case '\\': walk_escape(walk, piece); break;
    case '^':
    case '$':
        make_empty(piece);
        walk->p++;
        break;
    case '.':
        make_open(piece);
        walk->p++;
        break;
    case '?':
    case '*':
    case '+':
    case '{': walk->lost = true; break;
    default: walk_letters(walk, piece); break;
    }
}

static void walk_row(struct walk *walk, struct piece *out)
{
    struct literals run;
    struct piece next;

    make_empty(out);
    copy(&run, &out->exact);
    while (!walk->lost && walk->p < walk->end && *walk->p != '|' && *walk->p != ')') {
        make_open(&next);
        walk_atom(walk, &next);
        if (walk->lost)
            return;
        walk_quantifier(walk, &next);
        append(walk, out, &run, &next);
    }
    keep_better(&out->required, &run);
    if (out->closed)
        copy(&out->exact, &run);
}

static void walk_alternatives(struct walk *walk, struct piece *out)
{
    bool known = true;
    struct piece row;

    out->closed = true;
    out->exact.n = out->required.n = 0;
    for (;;) {
        walk_row(walk, &row);
        if (walk->lost)
            return;
        out->closed = out->closed && row.closed && add_all(&out->exact, &row.exact);
        known = known && row.required.n > 0 && add_all(&out->required, &row.required);
        if (walk->p == walk->end || *walk->p != '|')
            break;
        walk->p++;
    }
    if (!known)
        out->required.n = 0;
}

void rule_literals_read(struct literals *out, struct span pattern, GStringChunk *chunk)
{
    struct walk walk = { .p = pattern.p, .end = pattern.p + pattern.n, .chunk = chunk };
    struct piece piece;

    out->n = 0;
    walk_alternatives(&walk, &piece);
    if (!walk.lost && walk.p == walk.end)
        copy(out, &piece.required);
}
