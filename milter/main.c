/* SPDX-License-Identifier: BSD-2-Clause */
/* leadgate-milter: reads the bounces that come in, takes suppressed recipients out of mail that the policy
 * server is never asked about, and signs what goes out.
 *
 * Signals. libmilter has a thread that waits (sigwait(3)) for SIGTERM, SIGINT and SIGHUP and stops the milter
 * at each of them. It cannot be told to leave SIGHUP alone, and which of several threads gets a signal is
 * chance: one that begins to wait takes what was meant for another. So that thread waits in a sigwait() of
 * ours, which is for ever; libmilter runs in a thread of its own, and only the main thread lets signals in.
 *
 * What the threads count the main thread adds to Redis, once a second while there is something, so that no
 * mail waits for it.
 *
 * To stop is to exit. smfi_stop() takes effect within five seconds, in which libmilter leaves whoever
 * connects without an answer, and does not wait for mails under way either. For those Postfix takes its
 * milter_default_action; what they had to say is in Redis or it is not, and applied once however often it
 * comes. */
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
#include <time.h>
#include <unistd.h>

static const char usage[] =
    "Reads bounces as Postfix receives them, removes suppressed recipients from mail that was injected\n"
    "with sendmail(1), and signs what goes out. Postfix finds it through smtpd_milters and\n"
    "non_smtpd_milters.\n";

/* libmilter and signal handlers pass no argument of ours: the program's only globals. */
static struct snapshot_slot *slot;
static struct counters *counters; /* outlives the settings, so that a reload loses nothing of it */
static sem_t wake;                /* posted when one of these has become true */
static atomic_bool asked_to_reload, asked_to_stop, ended;

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

/* In place of the C library's, which the dynamic linker finds behind the program's own. */
__attribute__((visibility("default"))) int sigwait(const sigset_t *restrict set, int *restrict number)
{
    (void)set;
    (void)number;
    for (;;)
        pause();
}

static void on_signal(int number)
{
    int saved = errno;

    atomic_store(number == SIGHUP ? &asked_to_reload : &asked_to_stop, true);
    sem_post(&wake);
    errno = saved;
}

static void prepare_signals(sigset_t *ours)
{
    static const int numbers[] = { SIGHUP, SIGTERM, SIGINT };
    struct sigaction handle = { .sa_handler = on_signal, .sa_flags = SA_RESTART | SA_NODEFER };
    struct sigaction ignore = { .sa_handler = SIG_IGN };

    sigemptyset(ours);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
        sigaddset(ours, numbers[i]);
        sigaction(numbers[i], &handle, NULL);
    }
    sigaction(SIGPIPE, &ignore, NULL);
}

static void *run_libmilter(void *unused)
{
    (void)unused;
    smfi_main();
    atomic_store(&ended, true);
    sem_post(&wake);
    return NULL;
}

/* Threads inherit the mask of the one that makes them. */
static int start_libmilter(const sigset_t *ours)
{
    pthread_t thread;
    int rc;

    pthread_sigmask(SIG_BLOCK, ours, NULL);
    rc = pthread_create(&thread, NULL, run_libmilter, NULL);
    pthread_sigmask(SIG_UNBLOCK, ours, NULL);
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
        if ((next = snapshot_new(settings, counters, &err)) == NULL) {
            log_say(LOG_ERR, "%s; the old settings stay", err.text);
        } else {
            warn_of_redis(next);
            snapshot_slot_set(slot, next);
            log_say(LOG_NOTICE,
                    "settings reloaded; milter.listen and milter.socket_* take effect at a restart");
        }
    }
    startup_ready();
}

/* While Redis is away it stays counted. */
static void flush_counters(void)
{
    struct snapshot *snapshot;
    struct err err;

    if (!counters_waiting(counters))
        return;
    snapshot = snapshot_slot_get(slot);
    snapshot_flush_counters(snapshot, &err);
    snapshot_release(snapshot);
}

/* EINTR is as good as a post: what is to be done stands in the flags. */
static void wait_a_second(void)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec++;
    sem_clockwait(&wake, CLOCK_MONOTONIC, &until);
}

/* Until we are asked to stop, or libmilter has stopped without being asked. */
static void serve_signals(void)
{
    while (!atomic_load(&asked_to_stop) && !atomic_load(&ended)) {
        if (atomic_exchange(&asked_to_reload, false))
            reload();
        if (counters_due(counters))
            flush_counters();
        wait_a_second();
    }
    flush_counters();
}

int main(int argc, char **argv)
{
    static const struct program program = { "leadgate-milter", usage };
    char name[] = "leadgate-milter";
    struct smfiDesc description = callbacks_describe(name);
    struct settings *settings = startup(&program, NULL, 0, argc, argv);
    struct snapshot *snapshot;
    struct err err;
    sigset_t ours;

    bounce_init();
    if ((counters = counters_new()) == NULL) {
        log_say(LOG_ERR, "out of memory");
        return EX_OSERR;
    }
    if ((snapshot = snapshot_new(settings, counters, &err)) == NULL) {
        log_say(LOG_ERR, "%s", err.text);
        return EX_OSERR;
    }
    sem_init(&wake, 0, 0);
    prepare_signals(&ours);
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
    if ((errno = start_libmilter(&ours)) != 0) {
        log_say(LOG_ERR, "cannot start a thread: %s", strerror(errno));
        return EX_OSERR;
    }
    startup_ready();
    serve_signals();
    startup_stopping();
    if (!atomic_load(&asked_to_stop)) {
        log_say(LOG_ERR, "libmilter has stopped unasked");
        return EX_SOFTWARE;
    }
    return EX_OK; /* threads are still at work; what they use is never freed */
}
