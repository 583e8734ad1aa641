/* SPDX-License-Identifier: BSD-2-Clause */
/* leadgate-policyd: Postfix's policy server. Arguments, signals, and the order of starting and stopping.
 *
 * SIGHUP loads the settings again, SIGTERM and SIGINT end: questions that are open get their answer first.
 * The settings it was started with are kept for good, since the sockets and the connection to Redis are made
 * from them; a reload only replaces those by which is decided. */
#include "leadgate/logline.h"
#include "leadgate/settings.h"
#include "leadgate/startup.h"
#include "leadgate/store.h"
#include "policy/policy_decide.h"
#include "policy/policy_server.h"
#include "policy/policy_sockets.h"

#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

struct daemon {
    struct settings *first, *reloaded; /* reloaded: NULL before the first SIGHUP */
    struct event_base *base;
    struct policy_decider *decider;
    struct policy_server *server;
    struct policy_sockets sockets;
    struct event *signals[3];
};

static bool same_text(const char *a, const char *b)
{
    return strcmp(a == NULL ? "" : a, b == NULL ? "" : b) == 0;
}

static bool same_endpoint(const struct endpoint *a, const struct endpoint *b)
{
    return a->kind == b->kind && a->port == b->port && same_text(a->host, b->host);
}

static bool same_redis(const struct store_settings *a, const struct store_settings *b)
{
    return same_endpoint(&a->address, &b->address) && a->database == b->database &&
           same_text(a->username, b->username) && same_text(a->password, b->password) &&
           a->timeout == b->timeout;
}

static bool same_sockets(const struct policy_settings *a, const struct policy_settings *b)
{
    bool same = a->listen.n == b->listen.n && a->socket.mode == b->socket.mode &&
                same_text(a->socket.owner, b->socket.owner) && same_text(a->socket.group, b->socket.group);

    for (size_t i = 0; same && i < a->listen.n; i++)
        same = same_endpoint(&a->listen.item[i], &b->listen.item[i]);
    return same;
}

static void on_hangup(evutil_socket_t signal_number, short what, void *arg)
{
    struct daemon *daemon = arg;
    struct settings *fresh;

    (void)signal_number;
    (void)what;
    startup_reloading();
    fresh = startup_reload();
    if (fresh != NULL) {
        policy_decider_use(daemon->decider, fresh);
        settings_free(daemon->reloaded);
        daemon->reloaded = fresh;
        log_say(LOG_NOTICE, "settings loaded again");
        if (!same_redis(&daemon->first->redis, &fresh->redis))
            log_say(LOG_WARNING, "the settings of Redis have changed; they need a restart");
        if (!same_sockets(&daemon->first->policy, &fresh->policy))
            log_say(LOG_WARNING, "policy.listen or policy.socket_* has changed; that needs a restart");
    }
    startup_ready();
}

static void on_stop(evutil_socket_t signal_number, short what, void *arg)
{
    struct daemon *daemon = arg;

    (void)signal_number;
    (void)what;
    startup_stopping();
    policy_server_stop(daemon->server);
    policy_sockets_close(&daemon->sockets);
}

/* Says now what an operator would otherwise find out from a lost opt-out. Redis away is no reason not to
 * start: mail flows without it, by policy.on_failure. */
static void check_redis(const struct store_settings *settings)
{
    struct store *store = store_new(settings);
    struct err warning, err;

    if (store == NULL)
        return;
    if (store_check(store, &warning, &err) == STORE_DOWN)
        log_say(LOG_WARNING, "Redis: %s", err.text);
    else if (warning.text[0] != '\0')
        log_say(LOG_WARNING, "Redis: %s", warning.text);
    store_free(store);
}

static int add_signal(struct daemon *daemon, size_t i, int signal_number, event_callback_fn fn)
{
    daemon->signals[i] = evsignal_new(daemon->base, signal_number, fn, daemon);
    return daemon->signals[i] == NULL ? -1 : event_add(daemon->signals[i], NULL);
}

static int start(struct daemon *daemon, struct err *err)
{
    if ((daemon->base = event_base_new()) == NULL ||
        (daemon->decider = policy_decider_new(daemon->base, daemon->first)) == NULL)
        return err_set(err, "out of memory");
    policy_decider_settle(daemon->decider);
    if ((daemon->server = policy_server_new(daemon->base, policy_decide, daemon->decider)) == NULL ||
        add_signal(daemon, 0, SIGHUP, on_hangup) < 0 || add_signal(daemon, 1, SIGTERM, on_stop) < 0 ||
        add_signal(daemon, 2, SIGINT, on_stop) < 0)
        return err_set(err, "out of memory");
    if (policy_sockets_open(&daemon->sockets, &daemon->first->policy, err) < 0)
        return -1;
    for (size_t i = 0; i < daemon->sockets.n; i++)
        if (policy_server_listen(daemon->server, daemon->sockets.item[i].fd) < 0)
            return err_set(err, "out of memory");
    return 0;
}

static void finish(struct daemon *daemon)
{
    /* The decider first: it answers what is still open, and the server must be there for that. */
    policy_decider_free(daemon->decider);
    policy_server_free(daemon->server);
    policy_sockets_close(&daemon->sockets);
    for (size_t i = 0; i < sizeof(daemon->signals) / sizeof(daemon->signals[0]); i++)
        if (daemon->signals[i] != NULL)
            event_free(daemon->signals[i]);
    if (daemon->base != NULL)
        event_base_free(daemon->base);
    settings_free(daemon->reloaded);
    settings_free(daemon->first);
}

int main(int argc, char **argv)
{
    static const struct program program = { "leadgate-policyd", "Answers Postfix's policy requests." };
    struct daemon daemon = { .first = startup(&program, NULL, 0, argc, argv) };
    struct logline line;
    struct err err;
    int rc = EX_OSERR;

    check_redis(&daemon.first->redis);
    if (start(&daemon, &err) < 0) {
        log_say(LOG_ERR, "%s", err.text);
        goto out;
    }
    logline_start(&line, "started");
    logline_text(&line, "version", LEADGATE_VERSION);
    logline_int(&line, "sockets", (int64_t)daemon.sockets.n);
    logline_send(&line, LOG_NOTICE);
    startup_ready();
    rc = event_base_dispatch(daemon.base) < 0 ? EX_SOFTWARE : EX_OK;
    policy_decider_flush(daemon.decider);
out:
    finish(&daemon);
    return rc;
}
