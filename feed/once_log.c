/* SPDX-License-Identifier: BSD-2-Clause */
#include "feed/once_log.h"

#include "feed/lines.h"
#include "feed/log_reader.h"
#include "feed/logfile.h"
#include "leadgate/logline.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

enum {
    QUIET = 200,    /* milliseconds without a line: time to apply what has come */
    LONGEST = 1000, /* that a line waits for company */
    RETRY = 500,    /* between two tries while Redis is away */
};

/* What both ways of reading stand on. */
struct once {
    struct lines *lines;
    struct log_reader *reader;
};

static void once_close(struct once *once)
{
    log_reader_free(once->reader);
    lines_free(once->lines);
}

static bool once_open(struct once *once, struct applier *applier, const struct settings *settings)
{
    struct err err = { "out of memory" };

    *once = (struct once){ .lines = lines_new() };
    if (once->lines != NULL)
        once->reader = log_reader_new(settings, applier, &err);
    if (once->reader != NULL)
        return true;
    log_say(LOG_ERR, "%s", err.text);
    once_close(once);
    return false;
}

static void print_summary(const struct once *once)
{
    struct log_tally tally = log_reader_tally(once->reader);

    printf("lines=%" PRId64 " foreign=%" PRId64 " local=%" PRId64 " events=%" PRId64 " repeats=%" PRId64 "\n",
           tally.read.lines, tally.read.foreign, tally.read.local, tally.events, tally.repeats);
}

/* Nothing is held afterwards, unless Redis is away. */
static enum store_rc apply_held(struct log_reader *reader)
{
    struct err err;

    if (log_reader_apply(reader, time(NULL), &err) == STORE_DOWN)
        return STORE_DOWN;
    log_reader_drop(reader);
    return STORE_OK;
}

/* --- a file --- */

typedef bool take_line(struct lines *lines, struct span *line);

/* Applies the complete lines that are there; with lines_last() the incomplete one, too. */
static int apply_lines(struct once *once, take_line *take, int64_t written)
{
    struct span line;

    while (take(once->lines, &line)) {
        if (!log_reader_line(once->reader, line, written))
            return EX_OSERR;
        if (log_reader_full(once->reader) && apply_held(once->reader) == STORE_DOWN)
            return EX_TEMPFAIL;
    }
    return EX_OK;
}

static int apply_file(struct once *once, struct logfile *file, const char *path)
{
    int64_t written = logfile_time(file).tv_sec;
    int status = EX_OK;
    struct err err;
    ssize_t n = 1;

    while (status == EX_OK && n > 0) {
        size_t size;
        char *room = lines_room(once->lines, &size);

        if ((n = logfile_read(file, room, size, &err)) > 0)
            lines_add(once->lines, (size_t)n);
        status = apply_lines(once, n > 0 ? lines_next : lines_last, written);
    }
    if (status == EX_OK && apply_held(once->reader) == STORE_DOWN)
        return EX_TEMPFAIL;
    if (n >= 0)
        return status;
    log_say(LOG_ERR, "%s: %s", path, err.text);
    return EX_NOINPUT;
}

int once_log(struct applier *applier, const struct settings *settings, const char *path)
{
    struct logfile file;
    struct once once;
    int status = EX_OSERR;
    struct err err;

    if (logfile_open(&file, path, &err) != LOGFILE_OK) {
        log_say(LOG_ERR, "%s", err.text);
        return EX_NOINPUT;
    }
    if (once_open(&once, applier, settings)) {
        status = apply_file(&once, &file, path);
        print_summary(&once);
        once_close(&once);
    }
    logfile_close(&file);
    return status;
}

/* --- standard input --- */

struct input {
    struct once once;
    struct applier *applier;
    int signals;   /* a signalfd(2) */
    int told;      /* how many have come */
    int64_t since; /* when the first event that is held came (monotonic milliseconds) */
};

static int64_t monotonic_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * INT64_C(1000) + ts.tv_nsec / 1000000;
}

/* Waits for input, where that is wanted, and for signals. Whether there is input. */
static bool wait_for(struct input *input, bool wanted, int milliseconds)
{
    struct pollfd fds[2] = { { .fd = input->signals, .events = POLLIN },
                             { .fd = wanted ? STDIN_FILENO : -1, .events = POLLIN } };
    struct signalfd_siginfo info;

    if (poll(fds, 2, milliseconds) <= 0)
        return false;
    if (fds[0].revents != 0 && read(input->signals, &info, sizeof(info)) == sizeof(info))
        input->told++;
    return fds[1].revents != 0;
}

/* Applies what is held, however long that takes. False: a second signal has come first. */
static bool apply_patiently(struct input *input)
{
    while (apply_held(input->once.reader) == STORE_DOWN) {
        if (input->told > 1)
            return false;
        wait_for(input, false, RETRY);
    }
    return true;
}

static int apply_input_lines(struct input *input, take_line *take)
{
    struct log_reader *reader = input->once.reader;
    struct span line;

    while (take(input->once.lines, &line)) {
        if (log_reader_held(reader) == 0)
            input->since = monotonic_ms();
        if (!log_reader_line(reader, line, time(NULL)))
            return EX_OSERR;
        if (log_reader_full(reader) && !apply_patiently(input))
            return EX_TEMPFAIL;
    }
    return EX_OK;
}

/* How long to wait for the next line; -1 = as long as it takes. */
static int patience(const struct input *input)
{
    int64_t left = input->since + LONGEST - monotonic_ms();

    if (log_reader_held(input->once.reader) == 0)
        return -1;
    return left < 0 ? 0 : left < QUIET ? (int)left : QUIET;
}

/* Reads what is there. 0 at the end of the input, or when it cannot be read. */
static ssize_t read_some(struct input *input)
{
    size_t size;
    char *room = lines_room(input->once.lines, &size);
    ssize_t n = read(STDIN_FILENO, room, size);

    if (n < 0)
        log_say(LOG_ERR, "standard input: %s", strerror(errno));
    return n < 0 ? 0 : n;
}

static int apply_input(struct input *input)
{
    int status = EX_OK;
    ssize_t n = 1;

    while (status == EX_OK && n > 0 && input->told == 0) {
        int milliseconds = patience(input);

        if (milliseconds < 0 && applier_flush_due(input->applier))
            milliseconds = LONGEST;
        log_reader_say_hourly(input->once.reader, "-");
        if (milliseconds != 0 && wait_for(input, true, milliseconds)) {
            if ((n = read_some(input)) > 0)
                lines_add(input->once.lines, (size_t)n);
            status = apply_input_lines(input, n > 0 ? lines_next : lines_last);
        } else if (log_reader_held(input->once.reader) > 0 && !apply_patiently(input)) {
            status = EX_TEMPFAIL;
        }
    }
    return status == EX_OK && !apply_patiently(input) ? EX_TEMPFAIL : status;
}

int once_log_stdin(struct applier *applier, const struct settings *settings)
{
    struct input input = { .applier = applier, .told = 0 };
    int status = EX_OSERR;
    sigset_t ours;

    sigemptyset(&ours);
    sigaddset(&ours, SIGTERM);
    sigaddset(&ours, SIGINT);
    sigprocmask(SIG_BLOCK, &ours, NULL);
    if ((input.signals = signalfd(-1, &ours, SFD_CLOEXEC)) < 0) {
        log_say(LOG_ERR, "cannot wait for signals: %s", strerror(errno));
        return EX_OSERR;
    }
    if (once_open(&input.once, applier, settings)) {
        status = apply_input(&input);
        print_summary(&input.once);
        once_close(&input.once);
    }
    close(input.signals);
    return status;
}
