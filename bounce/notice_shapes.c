/* SPDX-License-Identifier: BSD-2-Clause */
/* The shapes in which notices name recipients. A line has a shape by what stands in front of its address and
 * behind it, and by what is said in the lines above. */
#include "bounce/fields.h"
#include "bounce/mailbox.h"
#include "bounce/notice_lines.h"

#include <string.h>

#define ABOVE 4 /* lines in which a list is announced */

/* A bare bracket, quote or bullet in front is nothing in front. "smtp:" and "mailto:" neither. */
static bool stands_first(const struct line *line)
{
    struct span before = line_undecorated(line->before);

    if (span_eq_nocase(before, SPAN("smtp:")) || span_eq_nocase(before, SPAN("[smtp:")) ||
        span_eq_nocase(before, SPAN("<mailto:")) || span_eq_nocase(before, SPAN("mailto:")))
        return true;
    while (before.n > 0 && line_is_one_of(before.p[0], "<\"'[(")) {
        before.p++;
        before.n--;
    }
    return span_trim(before).n == 0 || span_eq(before, SPAN("->")) || span_eq(before, SPAN("•")) ||
           span_eq(before, SPAN("・")) || span_eq(before, SPAN("·"));
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
    struct span label = line_strip_end(line->before);

    if (take_end(&label, SPAN("smtp:")) || take_end(&label, SPAN("smtp")))
        label = line_strip_end(label);
    if (label.n == 0 || label.n > 60 || (line->behind.n > 1 && !line_is_one_of(line->behind.p[0], "(,;")))
        return false;
    if (!take_end(&label, SPAN(":")) && !take_end(&label, SPAN("=")) && !take_end(&label, SPAN("：")))
        return false;
    label = line_lower(notice, label);
    return line_holds(label, notice_labels) && !line_holds(label, notice_not_labels);
}

/* Whether line i of a session's transcript is a RCPT TO that nobody refused: its reply accepts it ("<-- 250
 * ok"), or was cut off. */
static bool is_unrefused(const struct lines *lines, size_t i)
{
    struct span next = i + 1 < lines->n ? lines->line[i + 1].text : SPAN_NONE;
    const char *arrow = span_find_nocase(next, SPAN("<-"));

    if (span_find_nocase(lines->line[i].text, SPAN("RCPT TO")) == NULL)
        return false;
    if (next.n == 0)
        return span_find_nocase(lines->line[i].text, SPAN("> RCPT TO")) != NULL;
    if (arrow != NULL)
        next = (struct span){ arrow, (size_t)(next.p + next.n - arrow) };
    while (next.n > 0 && line_is_one_of(next.p[0], "<- \t")) {
        next.p++;
        next.n--;
    }
    return next.n > 3 && next.p[0] == '2' && next.p[1] >= '0' && next.p[1] <= '5' && next.p[3] == ' ';
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

/* Whether the line above asks to write to somebody, or tells who wrote. */
static bool is_contact(const struct lines *lines, size_t i)
{
    static const char *const words[] = { "contact",    "assist",        "support", "questions",
                                         "help",       "sent by",       "from",    "write to",
                                         "postmaster", "administrator", NULL };
    size_t above = i;

    while (above > 0 && lines->line[above - 1].text.n == 0)
        above--;
    return above > 0 && line_holds(line_lower(lines->notice, lines->line[above - 1].text), words);
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

/* Who signs notices, or is to be asked about them. */
static bool is_role(struct span address)
{
    static const char *const roles[] = { "postmaster@", "mailer-daemon@", "abuse@",      "support@",
                                         "help@",       "helpdesk@",      "hostmaster@", "webmaster@",
                                         "noreply@",    "no-reply@" };

    for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
        if (span_starts_nocase(address, span_of(roles[i])))
            return true;
    return false;
}

static enum notice_shape shape_of(const struct lines *lines, size_t i, struct span ours)
{
    const struct line *line = &lines->line[i];
    struct span above;
    bool opened, role;

    if (line->address.n == 0 || is_header_line(line))
        return SHAPE_NONE;
    if (is_unrefused(lines, i))
        return SHAPE_NONE;
    if (is_labelled(lines->notice, line))
        return SHAPE_LISTED;
    if (!stands_first(line))
        return SHAPE_NONE;
    if (has_colon(line))
        return SHAPE_LISTED;
    if (is_contact(lines, i))
        return SHAPE_NONE;
    role = is_role(line->address);
    above = lines_above(lines, i, role ? 1 : ABOVE);
    opened = line_holds(line_lower(lines->notice, above), notice_openers);
    if (opened && begins_reason(line->behind))
        return SHAPE_LISTED;
    if (span_eq_nocase(line->address, ours) || role)
        return SHAPE_NONE;
    return begins_reason(line->behind) ? SHAPE_ALONE : SHAPE_NONE;
}

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
        struct span between = span_trim(line_strip_end(
            line_strip_start((struct span){ line->text.p + end, (size_t)(address.p - line->text.p) - end })));

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
    if (b->address.n == 0 || a->indent != b->indent || a->before.n != b->before.n)
        return false;
    if (a->behind.n == 0 && b->behind.n == 0)
        return a->indent > 0 && stands_first(b) && !is_role(b->address);
    return a->behind.n > 2 && b->behind.n > 2 && memcmp(a->behind.p, b->behind.p, 3) == 0;
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

/* Words in front of an address that say it is another one than the recipient's. */
static bool is_other_party(struct span before)
{
    static const char *const words[] = { "sender",     "contact",   "support",   "help",     "reply",
                                         "report",     "abuse",     "assist",    "write to", "question",
                                         "absender",   "remitente", "remetente", "mittente", "expéditeur",
                                         "отправител", NULL };
    const char *line = before.n == 0 ? NULL : memrchr(before.p, '\n', before.n);

    if (line != NULL)
        before = (struct span){ line, (size_t)(before.p + before.n - line) };
    if (before.n > 32)
        before = (struct span){ before.p + before.n - 32, 32 };
    return line_holds(before, words);
}

static void take_sentences(struct taking *taking, const struct lines *lines, struct span ours)
{
    const struct notice *notice = lines->notice;
    struct span address;
    size_t from = 0;

    while (mailbox_find(notice->text, &from, &address)) {
        char lead[96];
        size_t at = (size_t)(address.p - notice->text.p), back = at < 90 ? at : 90;
        struct span raw = { notice->lower.p + at - back, back };
        size_t n = field_unfold(lead, sizeof(lead), raw);
        struct span before = line_strip_end((struct span){ lead, n });

        if (!span_eq_nocase(address, ours) && line_ends_with(before, notice_leads) && !is_other_party(raw))
            take(taking, address, at);
    }
}

static bool is_transcript(const struct line *line)
{
    struct span text = line_undecorated(line->text);

    if (span_starts_nocase(text, SPAN("RCPT TO:")) || span_find_nocase(text, SPAN("<<< RCPT TO:")) != NULL)
        return true;
    return text.n > 5 && (text.p[0] == '4' || text.p[0] == '5') && text.p[1] >= '0' && text.p[1] <= '9' &&
           text.p[2] >= '0' && text.p[2] <= '9' && line->address.p - text.p < 16 &&
           (span_starts_nocase(line->behind, SPAN("...")) || has_colon(line));
}

static void take_transcript(struct taking *taking, const struct lines *lines)
{
    for (size_t i = 0; i < lines->n; i++)
        if (lines->line[i].address.n > 0 && is_transcript(&lines->line[i]) && !is_unrefused(lines, i))
            take(taking, lines->line[i].address, lines->line[i].at);
}

static bool is_local_part(struct span s)
{
    size_t letters = 0;

    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] <= ' ' || line_is_one_of(s.p[i], "<>()[]:;,\"@/\\") || (unsigned char)s.p[i] >= 0x7f)
            return false;
        letters += (s.p[i] | 0x20) >= 'a' && (s.p[i] | 0x20) <= 'z';
    }
    return s.n > 1 && letters > 0 && s.p[s.n - 1] != '.';
}

/* The first word of a line, if it stands alone or in a column of its own. */
static struct span first_column(struct span line)
{
    struct span rest = line, word = span_cut(&rest, ' ');

    return rest.n == 0 || line_is_one_of(rest.p[0], " (\t") ? word : SPAN_NONE;
}

static void take_local_parts(struct taking *taking, const struct lines *lines)
{
    static const char *const openers[] = { "following recipient", "following address", "following user",
                                           "to the following:", NULL };

    for (size_t i = 1; i < lines->n; i++) {
        struct span word = first_column(lines->line[i].text);

        if (lines->line[i].indent > 0 && is_local_part(word) &&
            line_holds(line_lower(lines->notice, lines_above(lines, i, ABOVE)), openers))
            take(taking, word, lines->line[i].at);
    }
}

/* Whether the notice says that the mail whose To field stands at at failed, and announces no list of
 * recipients: one that was cut off is no reason to believe the field. */
static bool fails_as_a_whole(const struct notice *notice, size_t at)
{
    struct span front = { notice->lower.p, at };
    struct span behind = { notice->lower.p + at, notice->lower.n - at };

    if (span_find_nocase(behind, SPAN("following")) != NULL)
        return false;
    if (line_holds(behind, notice_failures))
        return true;
    return line_holds(front, notice_failures) && span_find_nocase(front, SPAN("recipient")) == NULL &&
           span_find_nocase(front, SPAN("address")) == NULL;
}

/* The To field of our mail, where nobody else is named. */
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
    if (only != NULL && !span_eq_nocase(only->address, ours) && fails_as_a_whole(lines->notice, only->at))
        take(taking, only->address, only->at);
}

void notice_take(struct taking *taking, const struct lines *lines, struct span ours, enum notice_shape shape)
{
    switch (shape) {
    case SHAPE_NONE: break;
    case SHAPE_LISTED:
    case SHAPE_ALONE: take_lines(taking, lines, ours, shape); break;
    case SHAPE_SENTENCE: take_sentences(taking, lines, ours); break;
    case SHAPE_TRANSCRIPT: take_transcript(taking, lines); break;
    case SHAPE_LOCAL_PART: take_local_parts(taking, lines); break;
    case SHAPE_FIELD: take_field(taking, lines, ours); break;
    }
}
