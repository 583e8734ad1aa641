/* SPDX-License-Identifier: BSD-2-Clause */
/* leadgate-feed: arguments, signals, exit statuses. As a daemon it runs one loop with one applier (one
 * connection to Redis), a source for each Maildir and log, and one for what applications report; a reload
 * makes all of them anew before it lets the old ones go. */
#include "feed/applications.h"
#include "feed/applier.h"
#include "feed/incidents.h"
#include "feed/intake.h"
#include "feed/log_source.h"
#include "feed/once.h"
#include "feed/once_log.h"
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
        "Reads what comes back and applies it to the leads it is about. Without options: follows the "
        "Maildirs\n"
        "and logs named by feed.maildirs and feed.logs, and the Redis stream on which applications report\n"
        "(feed.applications), until told to stop.\n"
        "  --once          reads what is in the Maildirs and on the stream now and exits\n"
        "  --maildir DIR   this Maildir instead of those of feed.maildirs, and nothing else\n"
        "  --mbox FILE     reads an mbox and exits\n"
        "  --stdin         reads one mail, for pipe(8)\n"
        "  --log FILE      reads a Postfix log, plain or gzip'd, and exits; - is standard input: events are\n"
        "                  applied as they come, and while Redis is away no more is read\n"
        "Exit status: 0 done; 64 wrong arguments; 66 no such mailbox or log; 75 Redis is away, run it "
        "again;\n"
        "78 wrong settings.\n",
};

struct arguments {
    const char *mbox, *maildir, *log;
    bool once, from_stdin;
};

/* What comes back, from one place: made on the loop, works by itself, let go by the program. */
struct source {
    void (*close)(void *it);
    void *it;
};

/* The sources and what they stand on; all of one generation of the settings. */
struct feed {
    struct settings *settings;
    struct applier *applier;
    struct intake *intake;
    struct source *sources;
    size_t n;
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

static struct config_texts chosen_logs(const struct arguments *arguments, const struct settings *settings)
{
    return arguments->maildir != NULL ? (struct config_texts){ NULL, 0 } : settings->feed.logs;
}

/* --maildir is about one Maildir and nothing else. */
static bool are_applications_read(const struct arguments *arguments, const struct settings *settings)
{
    return settings->feed.applications && arguments->maildir == NULL;
}

/* what: the settings that could name something. */
static int need_sources(size_t n, const char *what, struct err *err)
{
    return n > 0 ? 0 : err_set(err, "%s and feed.applications is off: there is nothing to read", what);
}

static void feed_close(struct feed *feed)
{
    for (size_t i = 0; i < feed->n; i++)
        feed->sources[i].close(feed->sources[i].it);
    free(feed->sources);
    intake_free(feed->intake);
    applier_free(feed->applier);
    settings_free(feed->settings);
    *feed = (struct feed){ .n = 0 };
}

static void close_watch(void *it)
{
    watch_free(it);
}

static void close_log(void *it)
{
    log_source_free(it);
}

static void close_applications(void *it)
{
    applications_free(it);
}

static void close_incidents(void *it)
{
    incidents_free(it);
}

/* Takes a source that was made; NULL: it was not, and err says why. There is room for all of them. */
static bool add_source(struct feed *feed, void *it, void (*close)(void *it))
{
    if (it == NULL)
        return false;
    feed->sources[feed->n++] = (struct source){ close, it };
    return true;
}

static bool open_sources(struct feed *feed, struct event_base *base, const struct config_texts *maildirs,
                         const struct config_texts *logs, struct err *err)
{
    const struct settings *settings = feed->settings;

    for (size_t i = 0; i < maildirs->n; i++)
        if (!add_source(feed, watch_new(base, maildirs->item[i], &settings->feed, feed->intake, err),
                        close_watch))
            return false;
    for (size_t i = 0; i < logs->n; i++)
        if (!add_source(feed, log_source_new(base, logs->item[i], settings, feed->applier, err), close_log))
            return false;
    return true;
}

/* EX_OK, or EX_CONFIG or EX_OSERR with err. Owns settings, whatever the answer. */
static int feed_open(struct feed *out, struct daemon *daemon, struct settings *settings, struct err *err)
{
    struct feed feed = { .settings = settings };
    int status = EX_OSERR;
    char *only;
    struct config_texts maildirs = chosen_maildirs(daemon->arguments, settings, &only);
    struct config_texts logs = chosen_logs(daemon->arguments, settings);
    bool applications = are_applications_read(daemon->arguments, settings);
    size_t n = maildirs.n + logs.n + applications;

    if (need_sources(n, "neither feed.maildirs nor feed.logs names anything", err) < 0) {
        status = EX_CONFIG;
        goto fail;
    }
    feed.applier = applier_new(settings, daemon->counters);
    feed.intake = intake_new(settings, feed.applier);
    feed.sources = calloc(n + 1, sizeof(*feed.sources));
    if (feed.applier == NULL || feed.intake == NULL || feed.sources == NULL) {
        err_set(err, "out of memory");
        goto fail;
    }
    if (!open_sources(&feed, daemon->base, &maildirs, &logs, err))
        goto fail;
    if (applications &&
        !add_source(&feed, applications_new(daemon->base, settings, feed.applier, err), close_applications))
        goto fail;
    /* No source, but it works on the loop like one. */
    if (daemon->arguments->maildir == NULL &&
        !add_source(&feed, incidents_new(daemon->base, settings, logs.n > 0, daemon->counters, err),
                    close_incidents))
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
    applier_flush_due(daemon->feed.applier);
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
    applier_check(daemon.feed.applier);
    startup_ready();
    if (event_base_dispatch(daemon.base) >= 0)
        status = EX_OK;
out:
    if (status != EX_OK)
        log_say(LOG_ERR, "%s", err.text);
    for (size_t i = 0; i < 4; i++)
        if (events[i] != NULL)
            event_free(events[i]);
    if (daemon.feed.applier != NULL)
        applier_flush(daemon.feed.applier);
    feed_close(&daemon.feed);
    counters_free(daemon.counters);
    if (daemon.base != NULL)
        event_base_free(daemon.base);
    return status;
}

static int read_mail_once(const struct arguments *arguments, const struct settings *settings,
                          struct applier *applier)
{
    struct intake *intake = intake_new(settings, applier);
    int status = EX_TEMPFAIL;
    struct err err;
    char *only;
    struct config_texts maildirs = chosen_maildirs(arguments, settings, &only);
    bool applications = are_applications_read(arguments, settings);

    if (intake == NULL) {
        log_say(LOG_ERR, "out of memory");
    } else if (arguments->mbox != NULL) {
        status = once_mbox(intake, &settings->feed, arguments->mbox);
    } else if (arguments->from_stdin) {
        status = once_stdin(intake, &settings->feed);
    } else if (need_sources(maildirs.n + applications, "feed.maildirs names no Maildir", &err) < 0) {
        log_say(LOG_ERR, "%s", err.text);
        status = EX_CONFIG;
    } else {
        status = once_sources(intake, applications ? applier : NULL, settings, &maildirs);
    }
    intake_free(intake);
    return status;
}

static int run_once(const struct arguments *arguments, struct settings *settings)
{
    struct counters *counters = counters_new();
    struct applier *applier = counters == NULL ? NULL : applier_new(settings, counters);
    int status = EX_TEMPFAIL;

    if (applier == NULL)
        log_say(LOG_ERR, "out of memory");
    else if (arguments->log == NULL)
        status = read_mail_once(arguments, settings, applier);
    else if (strcmp(arguments->log, "-") == 0)
        status = once_log_stdin(applier, settings);
    else
        status = once_log(applier, settings, arguments->log);
    if (applier != NULL)
        applier_flush(applier);
    applier_free(applier);
    counters_free(counters);
    settings_free(settings);
    return status;
}

static bool is_ambiguous(const struct arguments *arguments)
{
    bool maildirs = arguments->once || arguments->maildir != NULL;

    return (arguments->mbox != NULL) + (arguments->log != NULL) + arguments->from_stdin + maildirs > 1;
}

int main(int argc, char **argv)
{
    struct arguments arguments = { .mbox = NULL };
    const struct program_option options[] = {
        { "once", NULL, &arguments.once }, { "maildir", &arguments.maildir, NULL },
        { "mbox", &arguments.mbox, NULL }, { "stdin", NULL, &arguments.from_stdin },
        { "log", &arguments.log, NULL },
    };
    struct settings *settings = startup(&program, options, sizeof(options) / sizeof(options[0]), argc, argv);

    if (is_ambiguous(&arguments)) {
        fprintf(stderr, "%s: --mbox, --stdin, --log and Maildirs exclude each other\n", program.name);
        settings_free(settings);
        return EX_USAGE;
    }
    bounce_init();
    if (arguments.mbox != NULL || arguments.log != NULL || arguments.from_stdin || arguments.once)
        return run_once(&arguments, settings);
    return run_daemon(&arguments, settings);
}
