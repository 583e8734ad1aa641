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

#include "bounce/mailbox.h"
#include "bounce/notice_lines.h"

#include <string.h>

#define FRONT_MAX 600  /* bytes in which a mail system says who it is */
#define ABOUT_MAX 1500 /* bytes of what is said about one recipient */

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
        struct span bare = line_lower(notice, line_undecorated(line));

        if (begins_header(line)) {
            notice->returned = (struct span){ line.p, (size_t)(text.p + text.n - line.p) };
        } else if (bare.n < 100 && line_starts_with(bare, notice_copy_starts)) {
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
    return line_holds(notice->lower, phrases);
}

/* "(expanded from: <ann@example.com>)", "(generated from ann@example.com)". */
static struct span original_of(const struct notice *notice, struct span about)
{
    static const char *const words[] = { "expanded from", "generated from", "originally addressed to",
                                         "original address:", NULL };
    struct span lower = line_lower(notice, about), address;

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

/* Up to the first empty line: what stands behind it, the transcript of a session, is another reply. */
static struct span paragraph(struct span text)
{
    struct span rest = text, line;

    while (span_line(&rest, &line))
        if (span_trim(line).n == 0)
            return (struct span){ text.p, (size_t)(line.p - text.p) };
    return text;
}

struct span notice_reply(struct span text)
{
    for (size_t i = 0; i + 4 < text.n; i++) {
        const char *p = text.p + i;

        if ((p[0] == '4' || p[0] == '5') && p[1] >= '0' && p[1] <= '5' && p[2] >= '0' && p[2] <= '9' &&
            line_is_one_of(p[3], " -:") && (i == 0 || line_is_one_of(p[-1], " \t\n\r:(\"<[")))
            return paragraph((struct span){ p, text.n - i });
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

    lines_read(&lines, notice);
    *shape = SHAPE_NONE;
    while (taking.n == 0 && *shape < SHAPE_FIELD)
        notice_take(&taking, &lines, ours, ++*shape);
    finish(&taking, notice);
    return taking.n;
}

/* Whether a line begins with an address; *indent is where its words begin. */
static bool begins_with_address(struct span line, struct span *address, size_t *indent)
{
    size_t from = 0;
    bool found = mailbox_find(line, &from, address) && (size_t)(address->p - line.p) < 24;

    *indent = (size_t)(span_trim(line).p - line.p);
    return found;
}

struct span notice_about(const struct notice *notice, struct span address)
{
    struct span rest = notice->text, line, found, about = SPAN_NONE;
    size_t indent, deepest = 0;

    while (span_line(&rest, &line)) {
        if (!begins_with_address(line, &found, &indent))
            continue;
        if (about.n == 0 && span_eq_nocase(found, address)) {
            about = (struct span){ line.p, (size_t)(notice->text.p + notice->text.n - line.p) };
            deepest = indent;
        } else if (about.n > 0 && indent <= deepest && !span_eq_nocase(found, address)) {
            about.n = (size_t)(line.p - about.p); /* the next recipient; deeper ones are in the reason */
            break;
        }
    }
    if (about.n > ABOUT_MAX)
        about.n = ABOUT_MAX;
    return says_something(about, address) ? about : notice->text;
}

const char *notice_reporter(const struct notice *notice, struct span from)
{
    struct span front = { notice->lower.p, notice->lower.n < FRONT_MAX ? notice->lower.n : FRONT_MAX };
    const struct notice_system *system = notice_systems;

    for (; system->name != NULL; system++)
        if ((system->says != NULL && front.n > 0 &&
             memmem(front.p, front.n, system->says, strlen(system->says)) != NULL) ||
            (system->from != NULL && span_find_nocase(from, span_of(system->from)) != NULL))
            return system->name;
    return "";
}
