/* SPDX-License-Identifier: BSD-2-Clause */
/* One timer drives it: each turn looks, or does one step, and sets the timer for the next turn: at once while
 * there is work, after the back-off when something failed, else in a minute. An inotify event, whatever it
 * says (a new mail, a lost queue, the folder gone), only makes the next turn come at once and look again.
 *
 * The look every minute is for what inotify does not tell: deliveries by another host on a network file
 * system, a Maildir that was moved away by one of its parents, and mails that could not be read or moved
 * before. */
#include "feed/watch.h"

#include "feed/mailbox.h"
#include "leadgate/logline.h"

#include <errno.h>
#include <event2/event.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <time.h>
#include <unistd.h>

enum { LOOK_SECONDS = 60, BACKOFF_SECONDS = 1, BACKOFF_LIMIT = 60 };

struct watch {
    const char *path;
    struct mailbox *mailbox;
    struct event *timer, *wake;
    int inotify, descriptor; /* of new/; -1 = not watched */
    bool listed;             /* the mailbox has mails to step through */
    bool news;               /* inotify told of something since it was listed */
    bool trouble;            /* it is missing, or cannot be watched, and that was said */
    int64_t delay;           /* the last back-off, seconds; 0 = all is well */
    int64_t look_at;         /* when to look at everything again, failed mails too (monotonic seconds) */
};

static int64_t monotonic(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec;
}

static void turn_in(struct watch *watch, int64_t seconds)
{
    struct timeval tv = { .tv_sec = (time_t)seconds };

    event_add(watch->timer, &tv);
}

static void back_off(struct watch *watch)
{
    watch->delay = watch->delay == 0 ? BACKOFF_SECONDS : watch->delay * 2;
    if (watch->delay > BACKOFF_LIMIT)
        watch->delay = BACKOFF_LIMIT;
    turn_in(watch, watch->delay);
}

/* Asking again for the same folder gives the same descriptor; another one means that the folder was replaced.
 */
static int follow(struct watch *watch, struct err *err)
{
    char path[PATH_MAX];
    int descriptor = -1;

    if (snprintf(path, sizeof(path), "%s/new", watch->path) >= (int)sizeof(path))
        errno = ENAMETOOLONG;
    else
        descriptor = inotify_add_watch(watch->inotify, path,
                                       IN_CREATE | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR);
    if (descriptor < 0)
        return err_set(err, "cannot watch maildir %s: %s", path, strerror(errno));
    if (watch->descriptor >= 0 && watch->descriptor != descriptor)
        inotify_rm_watch(watch->inotify, watch->descriptor);
    watch->descriptor = descriptor;
    return 0;
}

/* Says that something is wrong with the Maildir, or no longer, when it is news. */
static void note_trouble(struct watch *watch, bool trouble, const struct err *err)
{
    if (trouble && !watch->trouble)
        log_say(LOG_WARNING, "%s; trying again", err->text);
    if (!trouble && watch->trouble)
        log_say(LOG_NOTICE, "maildir %s is there", watch->path);
    watch->trouble = trouble;
}

/* Watches first and lists then, so that no mail comes in between unseen. Where it cannot be watched (the
 * limits of inotify(7)) it is still looked at every minute. */
static int look(struct watch *watch)
{
    int64_t now = monotonic();
    bool everything = now >= watch->look_at;
    int followed, listed;
    struct err err;

    watch->news = false;
    followed = follow(watch, &err);
    listed = mailbox_look(watch->mailbox, everything, &err);
    note_trouble(watch, followed < 0 || listed < 0, &err);
    if (everything)
        watch->look_at = now + LOOK_SECONDS;
    return listed;
}

static void on_turn(evutil_socket_t fd, short what, void *ctx)
{
    struct watch *watch = ctx;

    (void)fd;
    (void)what;
    if (!watch->listed && look(watch) < 0) {
        back_off(watch);
        return;
    }
    watch->listed = true;
    switch (mailbox_step(watch->mailbox, time(NULL))) {
    case MAILBOX_DOWN: back_off(watch); return;
    case MAILBOX_MORE: break;
    case MAILBOX_DONE: watch->listed = false; break;
    }
    watch->delay = 0;
    turn_in(watch, watch->listed || watch->news ? 0 : LOOK_SECONDS);
}

static void on_news(evutil_socket_t fd, short what, void *ctx)
{
    struct watch *watch = ctx;
    char events[4096] __attribute__((aligned(__alignof__(struct inotify_event))));

    (void)what;
    while (read(fd, events, sizeof(events)) > 0)
        continue;
    watch->news = true;
    if (watch->delay == 0)
        turn_in(watch, 0);
}

struct watch *watch_new(struct event_base *base, const char *path, const struct feed_settings *settings,
                        struct intake *intake, struct err *err)
{
    struct watch *watch = calloc(1, sizeof(*watch));

    if (watch == NULL) {
        err_set(err, "out of memory");
        return NULL;
    }
    *watch = (struct watch){ .path = path, .inotify = -1, .descriptor = -1 };
    if ((watch->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) < 0) {
        err_set(err, "cannot watch maildir %s: %s", path, strerror(errno));
        goto fail;
    }
    watch->mailbox = mailbox_new(path, settings, intake);
    watch->timer = event_new(base, -1, 0, on_turn, watch);
    watch->wake = event_new(base, watch->inotify, EV_READ | EV_PERSIST, on_news, watch);
    if (watch->mailbox == NULL || watch->timer == NULL || watch->wake == NULL ||
        event_add(watch->wake, NULL) < 0) {
        err_set(err, "out of memory");
        goto fail;
    }
    turn_in(watch, 0);
    return watch;
fail:
    watch_free(watch);
    return NULL;
}

void watch_free(struct watch *watch)
{
    if (watch == NULL)
        return;
    if (watch->wake != NULL)
        event_free(watch->wake);
    if (watch->timer != NULL)
        event_free(watch->timer);
    if (watch->inotify >= 0)
        close(watch->inotify);
    mailbox_free(watch->mailbox);
    free(watch);
}
