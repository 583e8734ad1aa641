/* SPDX-License-Identifier: BSD-2-Clause */
/* Each turn reads lines until enough events are held, or there are no more; applies them; keeps the place.
 * When Redis is away what is held stays held, and no more is read, until it has been applied.
 *
 * Redis may come back with an older copy of its data, as after a crash without appendonly. Then the place in
 * it is an older one, too, and what happened since is not in it: so the place is compared before each batch,
 * and where Redis knows of another one the log is read again from there. It may also be the same one, and the
 * batch not in it: so that stays held, too, until the place behind it is kept, on the same connection.
 *
 * inotify(7) tells of lines and of rotation; the look every second is for what it does not tell (a network
 * file system, a writer that still has the old file open). */
#include "feed/log_source.h"

#include "feed/log_reader.h"
#include "feed/tail.h"
#include "leadgate/logline.h"

#include <event2/event.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <time.h>
#include <unistd.h>

/* A message in the queue is known from lines that may be days old: so much of the log is read up again. */
#define HISTORY ((int64_t)64 * 1024 * 1024)

enum {
    TURN_LINES = 4096,
    GATHER = 20, /* milliseconds from the first news to the look: lines come in flocks */
    LOOK = 1000,
    BACKOFF = 500,
    BACKOFF_LIMIT = 8000,
};

struct log_source {
    const char *path;
    struct applier *applier;
    struct log_reader *reader;
    char name[HOST_NAME_MAX + PATH_MAX + 2]; /* HOST:PATH, in leadgate:positions */
    struct tail *tail;                       /* NULL: not known yet where to go on */
    struct place kept;                       /* in Redis; head 0 = none */
    int64_t session;                         /* the connection on which that was last compared */
    struct event *timer, *wake;
    int inotify, file; /* file: the watch on the log itself; -1 = none */
    bool soon;         /* the next turn comes at once, or when what is being written has come */
    int64_t delay;     /* the last back-off, milliseconds; 0 = all is well */
    int64_t lag;       /* as last told, seconds */
};

static void turn_in(struct log_source *source, int64_t milliseconds)
{
    struct timeval tv = { .tv_sec = (time_t)(milliseconds / 1000),
                          .tv_usec = (suseconds_t)(milliseconds % 1000 * 1000) };

    event_add(source->timer, &tv);
}

static void back_off(struct log_source *source)
{
    source->delay = source->delay == 0 ? BACKOFF : source->delay * 2;
    if (source->delay > BACKOFF_LIMIT)
        source->delay = BACKOFF_LIMIT;
    turn_in(source, source->delay);
}

/* --- the place --- */

/* Head 0: there is none. */
static enum store_rc find_place(struct log_source *source, struct place *out, struct err *err)
{
    char text[POSITION_SIZE];

    if (applier_find_position(source->applier, span_of(source->name), text, err) == STORE_DOWN)
        return STORE_DOWN;
    source->session = applier_session(source->applier);
    if (!place_parse(out, span_of(text)))
        *out = (struct place){ .head = 0 };
    return STORE_OK;
}

/* Asks Redis where to go on. */
static enum store_rc start(struct log_source *source, struct err *err)
{
    const struct place *kept = &source->kept;

    if (find_place(source, &source->kept, err) == STORE_DOWN)
        return STORE_DOWN;
    source->tail = tail_new(source->path, kept->head > 0 ? kept : NULL, HISTORY);
    if (source->tail != NULL)
        return STORE_OK;
    err_set(err, "out of memory");
    return STORE_DOWN;
}

static enum store_rc keep_place(struct log_source *source, const struct place *place, struct err *err)
{
    char text[PLACE_TEXT_SIZE];

    if (applier_keep_position(source->applier, span_of(source->name), span_of(place_text(text, place)),
                              source->session, err) == STORE_DOWN)
        return STORE_DOWN;
    source->kept = *place;
    return STORE_OK;
}

/* --- lines --- */

/* Forgets what was read and not applied, and asks Redis again where to go on. */
static void start_over(struct log_source *source, const char *why)
{
    log_say(LOG_WARNING, "log %s: %s; starting over", source->path, why);
    log_reader_drop(source->reader);
    tail_free(source->tail);
    source->tail = NULL;
}

enum collected { COLLECTED_MORE, COLLECTED_ALL, COLLECTED_FAILED };

static enum collected collect(struct log_source *source)
{
    int64_t now = time(NULL);
    struct span line;

    for (int i = 0; i < TURN_LINES && !log_reader_full(source->reader); i++) {
        switch (tail_line(source->tail, &line)) {
        case TAIL_LINE:
            if (log_reader_line(source->reader, line, tail_time(source->tail, now)))
                break;
            start_over(source, "out of memory");
            return COLLECTED_FAILED;
        case TAIL_PAST: log_reader_recall(source->reader, line, tail_time(source->tail, now)); break;
        case TAIL_END: return COLLECTED_ALL;
        }
    }
    return COLLECTED_MORE;
}

/* Whether Redis still has the place behind which these events stand. */
static enum store_rc is_in_step(struct log_source *source, bool *in_step, struct err *err)
{
    struct place place;

    if (find_place(source, &place, err) == STORE_DOWN)
        return STORE_DOWN;
    *in_step = place_eq(&place, &source->kept);
    return STORE_OK;
}

/* Nothing to apply may still mean that the place is another one. */
static enum collected commit(struct log_source *source, enum collected rc)
{
    struct place place = source->kept;
    bool in_step;
    struct err err;

    tail_place(source->tail, &place);
    if (log_reader_held(source->reader) == 0 && place_eq(&place, &source->kept))
        return rc;
    if (is_in_step(source, &in_step, &err) == STORE_DOWN)
        return COLLECTED_FAILED;
    if (!in_step) {
        start_over(source, "Redis has another place for it than was kept");
        return COLLECTED_MORE;
    }
    if (log_reader_apply(source->reader, time(NULL), &err) == STORE_DOWN ||
        keep_place(source, &place, &err) == STORE_DOWN)
        return COLLECTED_FAILED;
    log_reader_drop(source->reader);
    return rc;
}

/* Where nothing is kept yet, the beginning is: else the file could be rotated away before the first batch,
 * and nobody would know. */
static enum collected keep_beginning(struct log_source *source)
{
    return source->kept.head > 0 ? COLLECTED_MORE : commit(source, COLLECTED_MORE);
}

/* At the log's end it is up to date, however old the last line is; else as far behind as what it has come to.
 * Told where it is news, and while there is something to read: somebody may have deleted the counters. */
static void note_lag(struct log_source *source, enum collected rc, bool busy)
{
    int64_t last = log_reader_last(source->reader), lag = 0, now = time(NULL);

    if (rc == COLLECTED_MORE && last > 0 && last < now)
        lag = now - last;
    if (busy || lag != source->lag)
        applier_note_lag(source->applier, source->name, lag);
    source->lag = lag;
}

static enum collected work(struct log_source *source)
{
    enum collected rc = COLLECTED_MORE;
    struct err err;
    bool busy;

    if (source->tail == NULL && start(source, &err) == STORE_DOWN)
        return COLLECTED_FAILED;
    if (log_reader_held(source->reader) == 0) {
        if ((rc = keep_beginning(source)) == COLLECTED_FAILED || source->tail == NULL)
            return rc;
        if ((rc = collect(source)) == COLLECTED_FAILED)
            return rc;
    }
    busy = log_reader_held(source->reader) > 0;
    if ((rc = commit(source, rc)) != COLLECTED_FAILED)
        note_lag(source, rc, busy);
    return rc;
}

/* --- turns --- */

/* The file that stands under the log's name now; it may have been replaced. */
static void follow(struct log_source *source)
{
    int file = inotify_add_watch(source->inotify, source->path, IN_MODIFY);

    if (source->file >= 0 && source->file != file)
        inotify_rm_watch(source->inotify, source->file);
    source->file = file;
}

static void on_turn(evutil_socket_t fd, short what, void *ctx)
{
    struct log_source *source = ctx;

    (void)fd;
    (void)what;
    source->soon = false;
    log_reader_say_hourly(source->reader, source->path);
    /* Before the look, so that nothing is written in between unseen. */
    follow(source);
    switch (work(source)) {
    case COLLECTED_FAILED: back_off(source); return;
    case COLLECTED_MORE: source->soon = true; break;
    case COLLECTED_ALL: break;
    }
    source->delay = 0;
    turn_in(source, source->soon ? 0 : LOOK);
}

static void on_news(evutil_socket_t fd, short what, void *ctx)
{
    struct log_source *source = ctx;
    char events[4096] __attribute__((aligned(__alignof__(struct inotify_event))));

    (void)what;
    while (read(fd, events, sizeof(events)) > 0)
        continue;
    if (source->delay > 0 || source->soon)
        return;
    source->soon = true;
    turn_in(source, GATHER);
}

/* Files that come into the folder, the rotated log's successor among them. Where that cannot be watched, the
 * look every second must do. */
static void watch_folder(struct log_source *source)
{
    const char *slash = strrchr(source->path, '/');
    char folder[PATH_MAX] = ".";

    if (slash != NULL)
        span_copy(folder, sizeof(folder),
                  (struct span){ source->path, slash == source->path ? 1 : (size_t)(slash - source->path) });
    inotify_add_watch(source->inotify, folder, IN_CREATE | IN_MOVED_TO | IN_ONLYDIR);
}

static void make_name(struct log_source *source)
{
    char host[HOST_NAME_MAX + 1] = "localhost";

    gethostname(host, sizeof(host) - 1);
    snprintf(source->name, sizeof(source->name), "%s:%s", host, source->path);
}

struct log_source *log_source_new(struct event_base *base, const char *path, const struct settings *settings,
                                  struct applier *applier, struct err *err)
{
    struct log_source *source = calloc(1, sizeof(*source));

    if (source == NULL) {
        err_set(err, "out of memory");
        return NULL;
    }
    source->path = path;
    source->applier = applier;
    source->file = -1;
    make_name(source);
    source->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if ((source->reader = log_reader_new(settings, applier, err)) == NULL)
        goto fail;
    source->timer = event_new(base, -1, 0, on_turn, source);
    if (source->inotify >= 0) {
        watch_folder(source);
        source->wake = event_new(base, source->inotify, EV_READ | EV_PERSIST, on_news, source);
    }
    if (source->timer == NULL || (source->wake != NULL && event_add(source->wake, NULL) < 0)) {
        err_set(err, "out of memory");
        goto fail;
    }
    turn_in(source, 0);
    return source;
fail:
    log_source_free(source);
    return NULL;
}

void log_source_free(struct log_source *source)
{
    if (source == NULL)
        return;
    if (source->reader != NULL)
        log_reader_say(source->reader, source->path);
    if (source->wake != NULL)
        event_free(source->wake);
    if (source->timer != NULL)
        event_free(source->timer);
    if (source->inotify >= 0)
        close(source->inotify);
    tail_free(source->tail);
    log_reader_free(source->reader);
    free(source);
}
