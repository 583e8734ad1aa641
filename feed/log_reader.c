/* SPDX-License-Identifier: BSD-2-Clause */
/* A delivery's texts are borrowed for the call; each held event has a copy of its own. */
#include "feed/log_reader.h"

#include "leadgate/logline.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Applied at once; only the last line before that may tell of more (a message that expires). */
#define HELD_MOST ((size_t)512)

enum { SAY_SECONDS = 3600 };

struct held {
    struct event *events;
    char **texts; /* of each event */
    size_t n, room;
};

struct log_reader {
    const struct settings *settings;
    struct applier *applier;
    struct maillog *maillog;
    struct held held;
    bool out_of_memory;
    int64_t events, repeats;
    int64_t last;   /* when the last of them happened */
    int64_t said;   /* lines in the last tally that was said */
    int64_t say_at; /* when the next one is due (monotonic seconds) */
};

static int64_t monotonic(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec;
}

struct log_reader *log_reader_new(const struct settings *settings, struct applier *applier, struct err *err)
{
    struct log_reader *reader = calloc(1, sizeof(*reader));
    struct maillog_settings maillog = settings_maillog(settings);

    if (reader == NULL) {
        err_set(err, "out of memory");
        return NULL;
    }
    reader->settings = settings;
    reader->applier = applier;
    reader->say_at = monotonic() + SAY_SECONDS;
    if ((reader->maillog = maillog_new(&maillog)) != NULL)
        return reader;
    err_set(err, "out of memory");
    log_reader_free(reader);
    return NULL;
}

void log_reader_free(struct log_reader *reader)
{
    if (reader == NULL)
        return;
    log_reader_drop(reader);
    free(reader->held.events);
    free(reader->held.texts);
    maillog_free(reader->maillog);
    free(reader);
}

/* --- holding events --- */

static bool make_room(struct held *held)
{
    size_t room = held->room == 0 ? HELD_MOST : held->room * 2;
    struct event *events;
    char **texts;

    if (held->n < held->room)
        return true;
    if ((events = realloc(held->events, room * sizeof(*events))) == NULL)
        return false;
    held->events = events;
    if ((texts = realloc(held->texts, room * sizeof(*texts))) == NULL)
        return false;
    held->texts = texts;
    held->room = room;
    return true;
}

static void move_text(struct span *span, char **to)
{
    memcpy(*to, span->p, span->n);
    span->p = *to;
    *to += span->n;
}

static bool hold(struct held *held, const struct event *event)
{
    struct event *copy;
    char *text;

    if (!make_room(held))
        return false;
    copy = &held->events[held->n];
    *copy = *event;
    text = malloc(event->message.n + event->status.n + event->evidence.n + event->stream.n +
                  event->provider.n + 1);
    if ((held->texts[held->n] = text) == NULL)
        return false;
    move_text(&copy->message, &text);
    move_text(&copy->status, &text);
    move_text(&copy->evidence, &text);
    move_text(&copy->stream, &text);
    move_text(&copy->provider, &text);
    held->n++;
    return true;
}

static void on_delivery(void *ctx, const struct delivery *delivery)
{
    struct log_reader *reader = ctx;
    struct event event;

    delivery_event(delivery, &event);
    event.mail_stream = span_of(settings_delivery_stream(reader->settings, delivery)->name);
    if (!hold(&reader->held, &event))
        reader->out_of_memory = true;
}

bool log_reader_line(struct log_reader *reader, struct span line, int64_t now)
{
    maillog_line(reader->maillog, line, now, on_delivery, reader);
    return !reader->out_of_memory;
}

void log_reader_recall(struct log_reader *reader, struct span line, int64_t now)
{
    maillog_line(reader->maillog, line, now, NULL, NULL);
}

size_t log_reader_held(const struct log_reader *reader)
{
    return reader->held.n;
}

bool log_reader_full(const struct log_reader *reader)
{
    return reader->held.n >= HELD_MOST;
}

void log_reader_drop(struct log_reader *reader)
{
    for (size_t i = 0; i < reader->held.n; i++)
        free(reader->held.texts[i]);
    reader->held.n = 0;
    reader->out_of_memory = false;
}

enum store_rc log_reader_apply(struct log_reader *reader, int64_t now, struct err *err)
{
    struct held *held = &reader->held;
    int64_t repeats;

    if (held->n == 0)
        return STORE_OK;
    if (applier_apply(reader->applier, held->events, held->n, now, &repeats, err) == STORE_DOWN)
        return STORE_DOWN;
    reader->events += (int64_t)held->n;
    reader->repeats += repeats;
    reader->last = held->events[held->n - 1].at;
    return STORE_OK;
}

int64_t log_reader_last(const struct log_reader *reader)
{
    return reader->last;
}

struct log_tally log_reader_tally(const struct log_reader *reader)
{
    return (struct log_tally){ maillog_tally(reader->maillog), reader->events, reader->repeats };
}

void log_reader_say(struct log_reader *reader, const char *name)
{
    struct log_tally tally = log_reader_tally(reader);
    struct logline line;

    if (tally.read.lines == reader->said)
        return;
    reader->said = tally.read.lines;
    logline_start(&line, "tally");
    logline_text(&line, "log", name);
    logline_int(&line, "lines", tally.read.lines);
    logline_int(&line, "foreign", tally.read.foreign);
    logline_int(&line, "local", tally.read.local);
    logline_int(&line, "forgotten", tally.read.forgotten);
    logline_int(&line, "events", tally.events);
    logline_int(&line, "repeats", tally.repeats);
    logline_send(&line, LOG_INFO);
}

void log_reader_say_hourly(struct log_reader *reader, const char *name)
{
    if (monotonic() < reader->say_at)
        return;
    log_reader_say(reader, name);
    reader->say_at = monotonic() + SAY_SECONDS;
}
