/* SPDX-License-Identifier: BSD-2-Clause */
/* leadgate-feed: arguments, signals, exit statuses. As a daemon it runs one loop with one intake (one
 * connection to Redis), one source per Maildir and one for what applications report; a reload makes all of
 * them anew before it lets the old ones go. */
#include "feed/applications.h"
#include "feed/intake.h"
#include "feed/once.h"
#include "feed/watch.h"
#include "leadgate/bounce.h"
#include "leadgate/logline.h"
#include "leadgate/startup.h"

#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

static const struct program program = {
    .name = "leadgate-feed",
    .usage =
        "Reads bounces, and what applications report, and applies them to the leads they name. Without\n"
        "options: follows the Maildirs named by feed.maildirs and the Redis stream on which applications\n"
        "report until told to stop.\n"
        "  --once          reads what is there now and exits\n"
        "  --maildir DIR   this Maildir instead of those of feed.maildirs\n"
        "  --mbox FILE     reads an mbox and exits\n"
        "  --stdin         reads one mail, for pipe(8)\n"
        "Exit status: 0 done; 64 wrong arguments; 66 no such mailbox; 75 Redis is away, run it again;\n"
        "78 wrong settings.\n",
};

struct arguments {
    const char *mbox, *maildir;
    bool once, from_stdin;
};

/* The sources and what they stand on; all of one generation of the settings. */
struct feed {
    struct settings *settings;
    struct intake *intake;
    struct watch **sources;
    size_t n;
    struct applications *applications; /* NULL: not read */
};

struct daemon {
    struct event_base *base;
    const struct arguments *arguments;
    struct counters *counters; /* outlives the settings, so that a reload loses nothing of it */
    struct feed feed;
};

/* The Maildirs to read; only is the room for the one that --maildir names. */
static struct config_texts chosen_maildirs(const struct arguments *arguments, const struct settings *settings,
                                           char **only)
{
    *only = (char *)(uintptr_t)arguments->maildir;
    return *only != NULL ? (struct config_texts){ only, 1 } : settings->feed.maildirs;
}

static int need_sources(const struct settings *settings, const struct config_texts *maildirs, struct err *err)
{
    if (maildirs->n > 0 || settings->feed.applications)
        return 0;
    return err_set(err,
                   "feed.maildirs names no Maildir and feed.applications is off: there is nothing to read");
}

static void feed_close(struct feed *feed)
{
    for (size_t i = 0; i < feed->n; i++)
        watch_free(feed->sources[i]);
    free(feed->sources);
    applications_free(feed->applications);
    intake_free(feed->intake);
    settings_free(feed->settings);
    *feed = (struct feed){ .n = 0 };
}

/* EX_OK, or EX_CONFIG or EX_OSERR with err. Owns settings, whatever the answer. */
static int feed_open(struct feed *out, struct daemon *daemon, struct settings *settings, struct err *err)
{
    struct feed feed = { .settings = settings };
    int status = EX_OSERR;
    char *only;
    struct config_texts maildirs = chosen_maildirs(daemon->arguments, settings, &only);

    if (need_sources(settings, &maildirs, err) < 0) {
        status = EX_CONFIG;
        goto fail;
    }
    feed.intake = intake_new(settings, daemon->counters);
    feed.sources = calloc(maildirs.n + 1, sizeof(*feed.sources));
    if (feed.intake == NULL || feed.sources == NULL) {
        err_set(err, "out of memory");
        goto fail;
    }
    for (; feed.n < maildirs.n; feed.n++) {
        feed.sources[feed.n] =
            watch_new(daemon->base, maildirs.item[feed.n], &settings->feed, feed.intake, err);
        if (feed.sources[feed.n] == NULL)
            goto fail;
    }
    if (settings->feed.applications &&
        (feed.applications = applications_new(daemon->base, settings, feed.intake, err)) == NULL)
        goto fail;
    *out = feed;
    return EX_OK;
fail:
    feed_close(&feed);
    return status;
}

static void on_stop(evutil_socket_t number, short what, void *ctx)
{
    struct daemon *daemon = ctx;

    (void)number;
    (void)what;
    startup_stopping();
    event_base_loopexit(daemon->base, NULL);
}

static void on_reload(evutil_socket_t number, short what, void *ctx)
{
    struct daemon *daemon = ctx;
    struct settings *settings;
    struct feed feed;
    struct err err;

    (void)number;
    (void)what;
    startup_reloading();
    if ((settings = startup_reload()) != NULL) {
        if (feed_open(&feed, daemon, settings, &err) == EX_OK) {
            feed_close(&daemon->feed);
            daemon->feed = feed;
        } else {
            log_say(LOG_ERR, "%s; the old settings stay", err.text);
        }
    }
    startup_ready();
}

static void on_second(evutil_socket_t number, short what, void *ctx)
{
    struct daemon *daemon = ctx;

    (void)number;
    (void)what;
    intake_flush(daemon->feed.intake);
}

static int run_daemon(const struct arguments *arguments, struct settings *settings)
{
    struct daemon daemon = { .base = event_base_new(), .arguments = arguments, .counters = counters_new() };
    static const struct timeval second = { .tv_sec = 1 };
    struct event *events[4] = { NULL };
    struct err err = { "cannot start the event loop" };
    int status = EX_OSERR;

    if (daemon.base == NULL || daemon.counters == NULL) {
        settings_free(settings);
        goto out;
    }
    if ((status = feed_open(&daemon.feed, &daemon, settings, &err)) != EX_OK)
        goto out;
    status = EX_OSERR;
    events[0] = evsignal_new(daemon.base, SIGTERM, on_stop, &daemon);
    events[1] = evsignal_new(daemon.base, SIGINT, on_stop, &daemon);
    events[2] = evsignal_new(daemon.base, SIGHUP, on_reload, &daemon);
    events[3] = event_new(daemon.base, -1, EV_PERSIST, on_second, &daemon);
    for (size_t i = 0; i < 4; i++)
        if (events[i] == NULL || event_add(events[i], i == 3 ? &second : NULL) < 0)
            goto out;
    intake_check(daemon.feed.intake);
    startup_ready();
    if (event_base_dispatch(daemon.base) >= 0)
        status = EX_OK;
out:
    if (status != EX_OK)
        log_say(LOG_ERR, "%s", err.text);
    for (size_t i = 0; i < 4; i++)
        if (events[i] != NULL)
            event_free(events[i]);
    if (daemon.feed.intake != NULL)
        intake_flush(daemon.feed.intake);
    feed_close(&daemon.feed);
    counters_free(daemon.counters);
    if (daemon.base != NULL)
        event_base_free(daemon.base);
    return status;
}

static int run_once(const struct arguments *arguments, struct settings *settings)
{
    struct counters *counters = counters_new();
    struct intake *intake = counters == NULL ? NULL : intake_new(settings, counters);
    int status = EX_TEMPFAIL;
    struct err err;
    char *only;
    struct config_texts maildirs = chosen_maildirs(arguments, settings, &only);

    if (intake == NULL) {
        log_say(LOG_ERR, "out of memory");
    } else if (arguments->mbox != NULL) {
        status = once_mbox(intake, &settings->feed, arguments->mbox);
    } else if (arguments->from_stdin) {
        status = once_stdin(intake, &settings->feed);
    } else if (need_sources(settings, &maildirs, &err) < 0) {
        log_say(LOG_ERR, "%s", err.text);
        status = EX_CONFIG;
    } else {
        status = once_sources(intake, settings, &maildirs);
    }
    if (intake != NULL)
        intake_flush(intake);
    intake_free(intake);
    counters_free(counters);
    settings_free(settings);
    return status;
}

int main(int argc, char **argv)
{
    struct arguments arguments = { .mbox = NULL };
    const struct program_option options[] = {
        { "once", NULL, &arguments.once },
        { "maildir", &arguments.maildir, NULL },
        { "mbox", &arguments.mbox, NULL },
        { "stdin", NULL, &arguments.from_stdin },
    };
    struct settings *settings = startup(&program, options, sizeof(options) / sizeof(options[0]), argc, argv);

    if ((arguments.mbox != NULL) + arguments.from_stdin + (arguments.once || arguments.maildir != NULL) > 1) {
        fprintf(stderr, "%s: --mbox, --stdin and Maildirs exclude each other\n", program.name);
        settings_free(settings);
        return EX_USAGE;
    }
    bounce_init();
    if (arguments.mbox != NULL || arguments.from_stdin || arguments.once)
        return run_once(&arguments, settings);
    return run_daemon(&arguments, settings);
}
