/* SPDX-License-Identifier: BSD-2-Clause */
/* What there is to read: the text that a mail system wrote for people, and the fields it wrote for programs.
 * Both come damaged: a report that lost its parts on the way has its fields in the text, one that somebody
 * forwarded has quote marks in front of its lines. */
#include "bounce/reading.h"

#include <string.h>

#define TEXT_PARTS 4 /* texts of a notice; what follows is footers */

static bool has_letters(struct span text)
{
    for (size_t i = 0; i < text.n; i++)
        if ((unsigned char)text.p[i] > ' ')
            return true;
    return false;
}

/* The texts in front of the returned mail. */
static struct span append_texts(struct reading *reading, enum part_kind kind)
{
    struct text *text = &reading->text;
    size_t start = text->n, n = 0;

    for (size_t i = 0; i < reading->mail.n && n < TEXT_PARTS; i++) {
        if (reading->mail.parts[i].kind == PART_RETURNED)
            break;
        if (reading->mail.parts[i].kind != kind)
            continue;
        if (n++ > 0)
            text_append(text, SPAN("\n"), SPAN_NONE);
        text_append_part(text, &reading->mail.parts[i]);
    }
    return (struct span){ text->p + start, text->n - start };
}

/* Takes the "> " off the lines of a forwarded notice, in place. */
static struct span unquoted(struct reading *reading, struct span text)
{
    char *out = reading->text.p + (text.p - reading->text.p);
    struct span rest = text, line;
    size_t n = 0;

    while (span_line(&rest, &line)) {
        size_t length;

        while (line.n > 0 && line.p[0] == '>' && !(line.n > 3 && memcmp(line.p, ">>> ", 4) == 0)) {
            line.p++;
            line.n--;
        }
        if (line.n > 0 && line.p[0] == ' ') {
            line.p++;
            line.n--;
        }
        length = line.n;
        memmove(out + n, line.p, length);
        n += length;
        if (n < text.n)
            out[n++] = '\n';
    }
    return (struct span){ out, n };
}

/* A forwarded notice as it was before: without quote marks, and without the header above it. */
static struct span forwarded(struct reading *reading, struct span text)
{
    static const struct span from = { "From:", 5 };
    struct span rest = unquoted(reading, text), ahead = rest, line;
    bool header = false;

    while (span_line(&ahead, &line)) {
        header = header || span_starts_nocase(line, from);
        if (header && line.n == 0)
            return ahead;
    }
    return rest;
}

static void read_notice(struct reading *reading)
{
    struct span text = append_texts(reading, PART_TEXT);

    if (!has_letters(text)) {
        reading->text.n = 0;
        text = append_texts(reading, PART_HTML);
    }
    reading->json = text;
    reading->event = json_event(&reading->json, reading->text.p);
    if (span_find_nocase((struct span){ text.p, text.n < 400 ? text.n : 400 }, SPAN("forwarded message")) !=
        NULL) {
        text = forwarded(reading, text);
        reading->evidence.forwarded = true;
    }
    notice_open(&reading->notice, text, reading->lower);
}

static void count_groups(struct span text, struct tally *tally, struct dsn_message *message)
{
    struct dsn_reader reader;
    struct dsn_recipient group;

    dsn_start(&reader, text, message);
    while (dsn_next(&reader, &group)) {
        switch (dsn_recipient_action(&group)) {
        case DSN_UNCLEAR: tally->unclear++; break;
        case DSN_FAILED: tally->failed++; break;
        case DSN_DELAYED: tally->delayed++; break;
        case DSN_DELIVERED: tally->delivered++; break;
        }
    }
}

static bool is_counted(const struct tally *tally)
{
    return tally->failed + tally->delayed + tally->delivered > 0;
}

static void note_status(struct reading *reading, struct span text)
{
    struct dsn_message message;

    count_groups(text, &reading->evidence.tally, &message);
    if (reading->n_status == 0)
        reading->message = message;
    reading->status[reading->n_status++] = text;
}

/* A report whose parts were lost on the way: its fields stand in the text. */
static void find_status_in_text(struct reading *reading)
{
    static const char *const names[] = { "reporting-mta:", "original-recipient:", "final-recipient:",
                                         "action:" };
    struct span text = reading->notice.text, rest, line;

    if (text.n == 0)
        return;
    rest = text;
    while (span_line(&rest, &line))
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
            if (span_starts_nocase(line, span_of(names[i]))) {
                reading->n_status = 0;
                note_status(reading, (struct span){ line.p, (size_t)(text.p + text.n - line.p) });
                if (is_counted(&reading->evidence.tally))
                    reading->notice.text.n = (size_t)(line.p - text.p);
                reading->notice.lower.n = reading->notice.text.n;
                return;
            }
}

static void read_status_parts(struct reading *reading)
{
    for (size_t i = 0; i < reading->mail.n; i++) {
        const struct mail_part *part = &reading->mail.parts[i];

        if (part->kind == PART_STATUS)
            note_status(reading, part->encoding == ENCODED_NOT ? part->content
                                                               : text_append_part(&reading->text, part));
    }
    reading->evidence.loose = !is_counted(&reading->evidence.tally);
    if (reading->evidence.loose)
        find_status_in_text(reading);
}

/* Fields are read where they stand; some gateways encode them all the same. */
static void decode_feedback(struct reading *reading)
{
    for (size_t i = 0; i < reading->mail.n; i++) {
        struct mail_part *part = &reading->mail.parts[i];

        if (part->kind == PART_FEEDBACK && part->encoding != ENCODED_NOT) {
            part->content = text_append_part(&reading->text, part);
            part->encoding = ENCODED_NOT;
        }
    }
}

void reading_open(struct reading *reading)
{
    read_notice(reading);
    read_status_parts(reading);
    decode_feedback(reading);
}
