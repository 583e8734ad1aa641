/* SPDX-License-Identifier: BSD-2-Clause */
/* Mail systems are many, the shapes of their notices few. Instead of a parser for each vendor there is one
 * reader of shapes: a list of recipients, each with its reason on the same line or on the lines below it; a
 * labelled line; a sentence; the transcript of a session. The best shape that names anybody wins, and the
 * others are not asked: an address in a contact sentence is in none of them, and one that is quoted inside
 * of a reason is in a worse one than the recipient.
 *
 * The copy of the returned mail is cut off first. It begins with a line that says so in some language, or,
 * in any language, with the fields that every mail in transit has. */
#include "bounce/notice.h"

#include "bounce/fields.h"
#include "bounce/mailbox.h"

#include <string.h>

#define LINES_MAX 600 /* of a notice; reasons stand at its front */
#define ABOUT_MAX 1500

struct line {
    struct span text; /* trimmed */
    size_t at;        /* where it begins in the notice */
    size_t indent;
    struct span address; /* the first in it; empty = none */
    struct span before;  /* what stands in front of the address, without bullets and brackets */
    struct span behind;  /* what stands behind the address, without its closing bracket */
};

static struct span lower_of(const struct notice *notice, struct span part)
{
    if (part.n == 0)
        return SPAN_NONE;
    return (struct span){ notice->lower.p + (part.p - notice->text.p), part.n };
}

static bool holds(struct span lower, const char *const *phrases)
{
    for (; *phrases != NULL; phrases++)
        if (lower.n > 0 && memmem(lower.p, lower.n, *phrases, strlen(*phrases)) != NULL)
            return true;
    return false;
}

static bool starts_with(struct span lower, const char *const *phrases)
{
    for (; *phrases != NULL; phrases++) {
        size_t n = strlen(*phrases);

        if (lower.n >= n && memcmp(lower.p, *phrases, n) == 0)
            return true;
    }
    return false;
}

static bool ends_with(struct span lower, const char *const *phrases)
{
    for (; *phrases != NULL; phrases++) {
        size_t n = strlen(*phrases);

        if (lower.n >= n && memcmp(lower.p + lower.n - n, *phrases, n) == 0)
            return true;
    }
    return false;
}

static bool is_one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

/* Without the bullets, rules and quote marks that lines begin with. */
static struct span undecorated(struct span s)
{
    while (s.n > 0 && is_one_of(s.p[0], " \t-*>=#_~|.+")) {
        s.p++;
        s.n--;
    }
    return s;
}

/* Whether a line is the first of a copied header: these fields begin the copies of all mailers. */
static bool begins_header(struct span line)
{
    while (line.n > 0 && (line.p[0] == '>' || line.p[0] == ' ')) {
        line.p++;
        line.n--;
    }
    return span_starts_nocase(line, SPAN("Received: ")) || span_starts_nocase(line, SPAN("Return-Path:")) ||
           span_starts_nocase(line, SPAN("Delivered-To:")) ||
           span_starts_nocase(line, SPAN("DKIM-Signature:"));
}

void notice_open(struct notice *notice, struct span text, char *lower)
{
    struct span rest = text, line;

    for (size_t i = 0; i < text.n; i++)
        lower[i] = text.p[i] >= 'A' && text.p[i] <= 'Z' ? (char)(text.p[i] | 0x20) : text.p[i];
    *notice = (struct notice){ text, { lower, text.n }, SPAN_NONE };
    while (span_line(&rest, &line)) {
        struct span bare = lower_of(notice, undecorated(line));

        if (begins_header(line)) {
            notice->returned = (struct span){ line.p, (size_t)(text.p + text.n - line.p) };
        } else if (bare.n < 100 && starts_with(bare, notice_copy_starts)) {
            notice->returned = rest;
        } else {
            continue;
        }
        notice->text.n = (size_t)(line.p - text.p);
        notice->lower.n = notice->text.n;
        return;
    }
}

bool notice_has(const struct notice *notice, const char *const *phrases)
{
    return holds(notice->lower, phrases);
}

/* Brackets and quotes are no part of what stands around an address. */
static struct span strip_end(struct span s)
{
    while (s.n > 0 && is_one_of(s.p[s.n - 1], " \t<\"'([{*"))
        s.n--;
    return s;
}

static struct span strip_start(struct span s)
{
    while (s.n > 0 && is_one_of(s.p[0], " \t>\"')]}*")) {
        s.p++;
        s.n--;
    }
    return s;
}

static void read_line(struct line *line, struct span raw, size_t at)
{
    size_t from = 0;
    const char *end;

    *line = (struct line){ .text = span_trim(raw), .at = at };
    line->indent = line->text.n == 0 ? 0 : (size_t)(line->text.p - raw.p);
    if (!mailbox_find(line->text, &from, &line->address)) {
        line->address = SPAN_NONE;
        return;
    }
    end = line->address.p + line->address.n;
    line->before = (struct span){ line->text.p, (size_t)(line->address.p - line->text.p) };
    line->behind = strip_start((struct span){ end, (size_t)(line->text.p + line->text.n - end) });
}

/* A bare bracket, quote or bullet in front is nothing in front. "smtp:" and "mailto:" neither. */
static bool stands_first(const struct line *line)
{
    struct span before = undecorated(line->before);

    if (span_eq_nocase(before, SPAN("smtp:")) || span_eq_nocase(before, SPAN("[smtp:")) ||
        span_eq_nocase(before, SPAN("<mailto:")) || span_eq_nocase(before, SPAN("mailto:")))
        return true;
    while (before.n > 0 && is_one_of(before.p[0], "<\"'[(")) {
        before.p++;
        before.n--;
    }
    return span_trim(before).n == 0 || span_eq(before, SPAN("•")) || span_eq(before, SPAN("・")) ||
           span_eq(before, SPAN("·"));
}

/* Takes end off label, if it ends so. */
static bool take_end(struct span *label, struct span end)
{
    if (label->n <= end.n || !span_eq_nocase((struct span){ label->p + label->n - end.n, end.n }, end))
        return false;
    label->n -= end.n;
    return true;
}

/* "Recipient: <ann@...>", "User quota exceeded: SMTP <ann@...>", "Recipient: [SMTP:ann@...]". */
static bool is_labelled(const struct notice *notice, const struct line *line)
{
    struct span label = strip_end(line->before);

    if (take_end(&label, SPAN("smtp:")) || take_end(&label, SPAN("smtp")))
        label = strip_end(label);
    if (label.n == 0 || label.n > 60 || (line->behind.n > 1 && line->behind.p[0] != '('))
        return false;
    if (!take_end(&label, SPAN(":")) && !take_end(&label, SPAN("=")) && !take_end(&label, SPAN("：")))
        return false;
    label = lower_of(notice, label);
    return holds(label, notice_labels) && !holds(label, notice_not_labels);
}

/* The fields of a copied header that name people. */
static bool is_header_line(const struct line *line)
{
    static const char *const names[] = { "to:",         "cc:",  "from:",      "sender:",    "reply-to:",
                                         "message-id:", "bcc:", "mail from:", "errors-to:", "x-" };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (span_starts_nocase(line->text, span_of(names[i])))
            return true;
    return false;
}

/* The lines of a notice. */
struct lines {
    const struct notice *notice;
    struct line line[LINES_MAX];
    size_t n;
};

static void read_lines(struct lines *lines, const struct notice *notice)
{
    struct span rest = notice->text, line;

    lines->notice = notice;
    lines->n = 0;
    while (lines->n < LINES_MAX && span_line(&rest, &line))
        read_line(&lines->line[lines->n++], line, (size_t)(line.p - notice->text.p));
}

/* The text of the few lines above line i, from the nearest ones back. */
static struct span lines_above(const struct lines *lines, size_t i)
{
    size_t start = i, words = 0;

    while (start > 0 && words < 4 && i - start < 10)
        words += lines->line[--start].text.n > 0;
    return (struct span){ lines->notice->text.p + lines->line[start].at,
                          lines->line[i].at - lines->line[start].at };
}

/* Whether the line above asks to write to somebody, or tells who wrote. */
static bool is_contact(const struct lines *lines, size_t i)
{
    static const char *const words[] = { "contact",    "assist",        "support", "questions",
                                         "help",       "sent by",       "from",    "write to",
                                         "postmaster", "administrator", NULL };
    size_t above = i;

    while (above > 0 && lines->line[above - 1].text.n == 0)
        above--;
    return above > 0 && holds(lower_of(lines->notice, lines->line[above - 1].text), words);
}

/* Behind an address that begins a line: what makes it a list's row without a colon. */
static bool begins_reason(struct span behind)
{
    return behind.n == 0 || behind.p[0] == '(' || behind.p[0] == '[' || behind.p[0] == ',' ||
           span_starts_nocase(behind, SPAN("...")) || span_starts_nocase(behind, SPAN("- ")) ||
           span_starts_nocase(behind, SPAN("on ")) || span_starts_nocase(behind, SPAN("; on ")) ||
           span_starts_nocase(behind, SPAN("<")) || span_starts_nocase(behind, SPAN("–")) ||
           span_starts_nocase(behind, SPAN("Invalid Address"));
}

static bool has_colon(const struct line *line)
{
    return line->behind.n > 0 && (line->behind.p[0] == ':' || span_starts_nocase(line->behind, SPAN("：")));
}

static enum notice_shape shape_of(const struct lines *lines, size_t i, struct span ours)
{
    const struct line *line = &lines->line[i];
    bool opened;

    if (line->address.n == 0 || is_header_line(line))
        return SHAPE_NONE;
    if (is_labelled(lines->notice, line))
        return SHAPE_LISTED;
    if (!stands_first(line))
        return SHAPE_NONE;
    if (has_colon(line))
        return SHAPE_LISTED;
    if (is_contact(lines, i))
        return SHAPE_NONE;
    opened = holds(lower_of(lines->notice, lines_above(lines, i)), notice_openers);
    if (opened && begins_reason(line->behind))
        return SHAPE_LISTED;
    if (span_eq_nocase(line->address, ours))
        return SHAPE_NONE;
    return begins_reason(line->behind) ? SHAPE_ALONE : SHAPE_NONE;
}

/* Recipients in the making. */
struct taking {
    struct notice_recipient *out;
    size_t n;
    size_t starts[NOTICE_RECIPIENTS]; /* where each one's line begins */
};

static void take(struct taking *taking, struct span address, size_t start)
{
    /* The same one again is part of what is said about it: ">>> RCPT TO:<ann@...>". */
    if (taking->n == NOTICE_RECIPIENTS ||
        (taking->n > 0 && span_eq_nocase(taking->out[taking->n - 1].address, address)))
        return;
    taking->out[taking->n] = (struct notice_recipient){ address, SPAN_NONE, SPAN_NONE };
    taking->starts[taking->n++] = start;
}

/* "a@example.com, b@example.com and c@example.com": the others. */
static void take_others(struct taking *taking, const struct line *line)
{
    struct span address = line->address;
    size_t from = (size_t)(address.p + address.n - line->text.p), end = from;

    while (mailbox_find(line->text, &from, &address)) {
        struct span between = span_trim(strip_end(
            strip_start((struct span){ line->text.p + end, (size_t)(address.p - line->text.p) - end })));

        if (!span_eq(between, SPAN(",")) && !span_eq_nocase(between, SPAN("and")) &&
            !span_eq(between, SPAN(";")))
            return;
        take(taking, address, (size_t)(line->at));
        end = from;
    }
}

/* A list: once a recipient's line is found, deeper lines right below it are its reason, and the line below a
 * bare "<ann@example.com>:" is, however deep. */
/* Whether two lines are rows of one list: an address at the same place, and the same kind of thing behind it.
 */
static bool is_alike(const struct line *a, const struct line *b)
{
    return b->address.n > 0 && a->indent == b->indent && a->before.n == b->before.n && a->behind.n > 2 &&
           b->behind.n > 2 && memcmp(a->behind.p, b->behind.p, 3) == 0;
}

static void take_lines(struct taking *taking, const struct lines *lines, struct span ours,
                       enum notice_shape shape)
{
    const struct line *last = NULL;
    bool together = false;

    for (size_t i = 0; i < lines->n; i++) {
        const struct line *line = &lines->line[i];
        bool bare = line->address.n > 0 && has_colon(line) && line->behind.n == 1;

        if (line->text.n == 0) {
            together = false;
            continue;
        }
        if (together && line->indent > last->indent)
            continue;
        if (last != NULL && last + 1 == line && last->behind.n == 1 && has_colon(last) && !bare)
            continue;
        if (shape_of(lines, i, ours) != shape && (last == NULL || !is_alike(last, line)))
            continue;
        take(taking, line->address, line->at);
        take_others(taking, line);
        last = line;
        together = true;
    }
}

static void take_sentences(struct taking *taking, const struct lines *lines, struct span ours)
{
    const struct notice *notice = lines->notice;
    struct span address;
    size_t from = 0;

    while (mailbox_find(notice->text, &from, &address)) {
        char lead[96];
        size_t at = (size_t)(address.p - notice->text.p), back = at < 90 ? at : 90;
        size_t n = field_unfold(lead, sizeof(lead), (struct span){ notice->lower.p + at - back, back });
        struct span before = strip_end((struct span){ lead, n });

        if (!span_eq_nocase(address, ours) && ends_with(before, notice_leads))
            take(taking, address, at);
    }
}

static bool is_transcript(const struct line *line)
{
    struct span text = undecorated(line->text);

    if (span_starts_nocase(text, SPAN("RCPT TO:")) || span_find_nocase(text, SPAN("<<< RCPT TO:")) != NULL)
        return true;
    return text.n > 5 && (text.p[0] == '4' || text.p[0] == '5') && text.p[1] >= '0' && text.p[1] <= '9' &&
           text.p[2] >= '0' && text.p[2] <= '9' && line->address.p - text.p < 16 &&
           (span_starts_nocase(line->behind, SPAN("...")) || has_colon(line));
}

static void take_transcript(struct taking *taking, const struct lines *lines)
{
    for (size_t i = 0; i < lines->n; i++)
        if (lines->line[i].address.n > 0 && is_transcript(&lines->line[i]))
            take(taking, lines->line[i].address, lines->line[i].at);
}

static bool is_local_part(struct span s)
{
    size_t letters = 0;

    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] <= ' ' || is_one_of(s.p[i], "<>()[]:;,\"@/\\") || (unsigned char)s.p[i] >= 0x7f)
            return false;
        letters += (s.p[i] | 0x20) >= 'a' && (s.p[i] | 0x20) <= 'z';
    }
    return s.n > 1 && letters > 0 && s.p[s.n - 1] != '.';
}

/* The first word of a line, if it stands alone or in a column of its own. */
static struct span first_column(struct span line)
{
    struct span rest = line, word = span_cut(&rest, ' ');

    return rest.n == 0 || is_one_of(rest.p[0], " (\t") ? word : SPAN_NONE;
}

static void take_local_parts(struct taking *taking, const struct lines *lines)
{
    static const char *const openers[] = { "following recipient", "following address", "following user",
                                           "to the following:", NULL };

    for (size_t i = 1; i < lines->n; i++) {
        struct span word = first_column(lines->line[i].text);

        if (lines->line[i].indent > 0 && is_local_part(word) &&
            holds(lower_of(lines->notice, lines_above(lines, i)), openers))
            take(taking, word, lines->line[i].at);
    }
}

/* The To field of our mail, where a notice tells no more of it than that; not for a list of them. */
static void take_field(struct taking *taking, const struct lines *lines, struct span ours)
{
    const struct line *only = NULL;

    for (size_t i = 0; i < lines->n; i++) {
        const struct line *line = &lines->line[i];

        if (line->address.n == 0 || !span_starts_nocase(line->text, SPAN("To:")))
            continue;
        if (only != NULL || line->behind.n > 1)
            return;
        only = line;
    }
    if (only != NULL && !span_eq_nocase(only->address, ours))
        take(taking, only->address, only->at);
}

/* "(expanded from: <ann@example.com>)", "(generated from ann@example.com)". */
static struct span original_of(const struct notice *notice, struct span about)
{
    static const char *const words[] = { "expanded from", "generated from", "originally addressed to", NULL };
    struct span lower = lower_of(notice, about), address;

    for (size_t i = 0; words[i] != NULL; i++) {
        const char *hit = memmem(lower.p, lower.n, words[i], strlen(words[i]));
        size_t from = hit == NULL ? 0 : (size_t)(hit - lower.p), start = from;

        if (hit != NULL && mailbox_find(about, &from, &address) &&
            (size_t)(address.p - about.p) - start < strlen(words[i]) + 4)
            return address;
    }
    return SPAN_NONE;
}

/* Whether about says more than the address. */
static bool says_something(struct span about, struct span address)
{
    size_t letters = 0;

    for (size_t i = 0; i < about.n; i++)
        letters += (unsigned char)about.p[i] > '@';
    return letters > address.n + 6;
}

struct span notice_reply(struct span text)
{
    for (size_t i = 0; i + 4 < text.n; i++) {
        const char *p = text.p + i;

        if ((p[0] == '4' || p[0] == '5') && p[1] >= '0' && p[1] <= '5' && p[2] >= '0' && p[2] <= '9' &&
            is_one_of(p[3], " -:") && (i == 0 || is_one_of(p[-1], " \t\n\r:(\"<[")))
            return (struct span){ p, text.n - i };
    }
    return SPAN_NONE;
}

/* The reason of the only recipient may stand above it: always, where he is one labelled line among others. */
static bool is_reason_above(const struct taking *taking, const struct notice *notice)
{
    struct span above = { notice->text.p, taking->starts[0] };

    if (taking->n != 1 || notice_reply(taking->out[0].about).n > 0)
        return false;
    return notice_reply(above).n > 0 || taking->out[0].address.p > notice->text.p + taking->starts[0] + 5;
}

static void finish(struct taking *taking, const struct notice *notice)
{
    for (size_t i = 0; i < taking->n; i++) {
        struct notice_recipient *recipient = &taking->out[i];
        size_t end = notice->text.n;

        for (size_t k = i + 1; k < taking->n && end == notice->text.n; k++)
            if (taking->starts[k] > taking->starts[i])
                end = taking->starts[k];
        recipient->about = (struct span){ notice->text.p + taking->starts[i], end - taking->starts[i] };
        if (recipient->about.n > ABOUT_MAX)
            recipient->about.n = ABOUT_MAX;
        recipient->original = original_of(notice, recipient->about);
        if (!says_something(recipient->about, recipient->address) || is_reason_above(taking, notice))
            recipient->about = notice->text;
    }
}

size_t notice_recipients(const struct notice *notice, struct span ours,
                         struct notice_recipient out[NOTICE_RECIPIENTS], enum notice_shape *shape)
{
    struct taking taking = { .out = out, .n = 0 };
    struct lines lines;

    read_lines(&lines, notice);
    for (*shape = SHAPE_LISTED; taking.n == 0; ++*shape) {
        switch (*shape) {
        case SHAPE_LISTED:
        case SHAPE_ALONE: take_lines(&taking, &lines, ours, *shape); break;
        case SHAPE_SENTENCE: take_sentences(&taking, &lines, ours); break;
        case SHAPE_TRANSCRIPT: take_transcript(&taking, &lines); break;
        case SHAPE_LOCAL_PART: take_local_parts(&taking, &lines); break;
        case SHAPE_FIELD: take_field(&taking, &lines, ours); break;
        case SHAPE_NONE: break;
        }
        if (taking.n > 0 || *shape == SHAPE_FIELD)
            break;
    }
    if (taking.n == 0)
        *shape = SHAPE_NONE;
    finish(&taking, notice);
    return taking.n;
}

struct span notice_about(const struct notice *notice, struct span address)
{
    struct span rest = notice->text, line, found;
    size_t from;

    while (span_line(&rest, &line)) {
        from = 0;
        if (mailbox_find(line, &from, &found) && span_eq_nocase(found, address) &&
            (size_t)(found.p - line.p) < 24) {
            struct span about = { line.p, (size_t)(notice->text.p + notice->text.n - line.p) };

            if (about.n > ABOUT_MAX)
                about.n = ABOUT_MAX;
            return says_something(about, address) ? about : notice->text;
        }
    }
    return notice->text;
}
