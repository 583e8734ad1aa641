/* SPDX-License-Identifier: BSD-2-Clause */
/* leadgate-milter: reads the bounces that come in, and takes suppressed recipients out of mail that the
 * policy server is never asked about.
 *
 * Signals. libmilter has a thread that waits (sigwait(3)) for SIGTERM, SIGINT and SIGHUP, and stops the
 * milter at each of them; it cannot be told to leave SIGHUP alone, and a second thread in sigwait() would
 * only share the signals with it. But Linux gives a signal to the main thread as long as that does not block
 * it (complete_signal() in kernel/signal.c; POSIX leaves the choice open). So libmilter runs in a thread of
 * its own, and the main thread takes SIGHUP by a handler and never blocks it, not even while the handler
 * runs; SIGTERM and SIGINT it leaves to libmilter. Should SIGHUP reach libmilter after all, the milter stops
 * in good order, as it does at SIGTERM. */
#include "milter/callbacks.h"
#include "milter/listener.h"

#include "leadgate/bounce.h"
#include "leadgate/logline.h"
#include "leadgate/startup.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

static const char usage[] =
    "Reads bounces as Postfix receives them and removes suppressed recipients from mail that was\n"
    "injected with sendmail(1). Postfix finds it through smtpd_milters and non_smtpd_milters.\n";

/* libmilter and signal handlers pass no argument of ours: the program's only globals. */
static struct snapshot_slot *slot;
static sem_t wake; /* posted at SIGHUP, and when libmilter ends */
static atomic_bool ended;

static sfsistat on_negotiate(SMFICTX *ctx, unsigned long actions, unsigned long steps, unsigned long f2,
                             unsigned long f3, unsigned long *use_actions, unsigned long *use_steps,
                             unsigned long *use_f2, unsigned long *use_f3)
{
    struct callbacks_offer offer = { actions, steps, use_actions, use_steps };

    (void)f2;
    (void)f3;
    *use_f2 = *use_f3 = 0;
    return callbacks_open(ctx, slot, &offer);
}

static void on_hangup(int number)
{
    int saved = errno;

    (void)number;
    sem_post(&wake);
    errno = saved;
}

/* SIGTERM and SIGINT stay blocked in every thread: libmilter's waits for them. SIGHUP is blocked in all but
 * this one. */
static void prepare_signals(void)
{
    struct sigaction hangup = { .sa_handler = on_hangup, .sa_flags = SA_RESTART | SA_NODEFER };
    struct sigaction ignore = { .sa_handler = SIG_IGN };
    sigset_t blocked;

    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    sigaddset(&blocked, SIGINT);
    pthread_sigmask(SIG_BLOCK, &blocked, NULL);
    sigaction(SIGHUP, &hangup, NULL);
    sigaction(SIGPIPE, &ignore, NULL);
}

static void *run_libmilter(void *result)
{
    *(int *)result = smfi_main();
    atomic_store(&ended, true);
    sem_post(&wake);
    return NULL;
}

/* Threads inherit the mask of the one that makes them. */
static int start_libmilter(pthread_t *thread, int *result)
{
    sigset_t hangup;
    int rc;

    sigemptyset(&hangup);
    sigaddset(&hangup, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &hangup, NULL);
    rc = pthread_create(thread, NULL, run_libmilter, result);
    pthread_sigmask(SIG_UNBLOCK, &hangup, NULL);
    return rc;
}

static void warn_of_redis(struct snapshot *snapshot)
{
    struct err warning, err;

    switch (snapshot_check_store(snapshot, &warning, &err)) {
    case STORE_OK:
        if (warning.text[0] != '\0')
            log_say(LOG_WARNING, "%s", warning.text);
        break;
    case STORE_DOWN: log_say(LOG_WARNING, "Redis cannot serve: %s", err.text); break;
    }
}

static void reload(void)
{
    struct settings *settings;
    struct snapshot *next;
    struct err err;

    startup_reloading();
    if ((settings = startup_reload()) != NULL) {
        if ((next = snapshot_new(settings, &err)) == NULL) {
            log_say(LOG_ERR, "%s; the old settings stay", err.text);
        } else {
            warn_of_redis(next);
            snapshot_slot_set(slot, next);
            log_say(LOG_NOTICE,
                    "settings reloaded; milter.listen and milter.socket take effect at a restart");
        }
    }
    startup_ready();
}

static void serve_signals(void)
{
    for (;;) {
        while (sem_wait(&wake) < 0 && errno == EINTR)
            ;
        if (atomic_load(&ended))
            return;
        while (sem_trywait(&wake) == 0) /* many at once are one */
            if (atomic_load(&ended))
                return;
        reload();
    }
}

int main(int argc, char **argv)
{
    static const struct program program = { "leadgate-milter", usage };
    char name[] = "leadgate-milter";
    struct smfiDesc description = callbacks_describe(name);
    struct settings *settings = startup(&program, NULL, 0, argc, argv);
    struct snapshot *snapshot;
    struct err err;
    pthread_t thread;
    int result = MI_FAILURE;

    bounce_init();
    if ((snapshot = snapshot_new(settings, &err)) == NULL) {
        log_say(LOG_ERR, "%s", err.text);
        return EX_CONFIG;
    }
    sem_init(&wake, 0, 0);
    prepare_signals();
    description.xxfi_negotiate = on_negotiate;
    if ((slot = snapshot_slot_new(snapshot)) == NULL || smfi_register(description) != MI_SUCCESS) {
        log_say(LOG_ERR, "out of memory");
        return EX_OSERR;
    }
    if (listener_open(&snapshot_settings(snapshot)->milter, &err) < 0) {
        log_say(LOG_ERR, "%s", err.text);
        return EX_UNAVAILABLE;
    }
    warn_of_redis(snapshot);
    if ((errno = start_libmilter(&thread, &result)) != 0) {
        log_say(LOG_ERR, "cannot start a thread: %s", strerror(errno));
        return EX_OSERR;
    }
    startup_ready();
    serve_signals();
    startup_stopping();
    pthread_join(thread, NULL);
    /* Threads of connections may still be at work: what they use is left to them. */
    return result == MI_SUCCESS ? EX_OK : EX_SOFTWARE;
}
