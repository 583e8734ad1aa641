/* SPDX-License-Identifier: BSD-2-Clause */
/* Looking costs Redis one short answer. A blocking read (XREADGROUP BLOCK) would be told of an entry some
 * milliseconds earlier, but hold a connection that nothing else can use, and the loop with it. */
#include "feed/applications.h"

#include "feed/backlog.h"

#include <event2/event.h>
#include <stdlib.h>
#include <time.h>

enum { LOOK_MS = 200, BACKOFF_MS = 500, BACKOFF_LIMIT_MS = 5000 };

struct applications {
    struct backlog *backlog;
    struct event *timer;
    int delay; /* the last back-off, milliseconds; 0 = all is well */
};

static void turn_in(struct applications *applications, int milliseconds)
{
    struct timeval tv = { .tv_sec = milliseconds / 1000, .tv_usec = milliseconds % 1000 * 1000 };

    event_add(applications->timer, &tv);
}

static int next_delay(int delay)
{
    delay = delay == 0 ? BACKOFF_MS : delay * 2;
    return delay < BACKOFF_LIMIT_MS ? delay : BACKOFF_LIMIT_MS;
}

static void on_turn(evutil_socket_t fd, short what, void *ctx)
{
    struct applications *applications = ctx;
    int wait = LOOK_MS;

    (void)fd;
    (void)what;
    switch (backlog_step(applications->backlog, time(NULL))) {
    case BACKLOG_DONE: applications->delay = 0; break;
    case BACKLOG_MORE: applications->delay = wait = 0; break;
    case BACKLOG_DOWN: wait = applications->delay = next_delay(applications->delay); break;
    }
    turn_in(applications, wait);
}

struct applications *applications_new(struct event_base *base, const struct settings *settings,
                                      struct applier *applier, struct err *err)
{
    struct applications *applications = calloc(1, sizeof(*applications));

    if (applications == NULL || (applications->backlog = backlog_new(settings, applier)) == NULL ||
        (applications->timer = event_new(base, -1, 0, on_turn, applications)) == NULL) {
        err_set(err, "out of memory");
        applications_free(applications);
        return NULL;
    }
    turn_in(applications, 0);
    return applications;
}

void applications_free(struct applications *applications)
{
    if (applications == NULL)
        return;
    if (applications->timer != NULL)
        event_free(applications->timer);
    backlog_free(applications->backlog);
    free(applications);
}
