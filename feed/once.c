/* SPDX-License-Identifier: BSD-2-Clause */
/* No loop and no signal handlers: killed at any point, what is not committed has not happened. */
#include "feed/once.h"

#include "feed/backlog.h"
#include "feed/mailbox.h"
#include "feed/mbox.h"
#include "leadgate/logline.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

static void print_summary(const struct intake *intake, const struct backlog_tally *reported)
{
    const struct tally *tally = intake_tally(intake);

    printf("mails=%" PRId64 " events=%" PRId64 " repeats=%" PRId64 " unverified=%" PRId64
           " unrecognised=%" PRId64 " rejected=%" PRId64 "\n",
           tally->mails, tally->events + reported->events, tally->repeats + reported->repeats,
           tally->unverified, tally->unrecognised, reported->rejected);
}

/* Maps a file; an empty one is the empty span. 0, or -1 with err. */
static int map_file(struct span *out, const char *path, struct err *err)
{
    struct stat st;
    void *map = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC), rc = -1;

    if (fd < 0 || fstat(fd, &st) < 0) {
        err_set(err, "%s: %s", path, strerror(errno));
        goto out;
    }
    if (!S_ISREG(st.st_mode)) {
        err_set(err, "%s: not a file", path);
        goto out;
    }
    if (st.st_size > 0 &&
        (map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0)) == MAP_FAILED) {
        err_set(err, "%s: %s", path, strerror(errno));
        goto out;
    }
    *out = st.st_size > 0 ? (struct span){ map, (size_t)st.st_size } : SPAN_NONE;
    rc = 0;
out:
    if (fd >= 0)
        close(fd);
    return rc;
}

static int apply_mbox(struct intake *intake, const struct feed_settings *settings, struct mbox *mbox,
                      const char *path)
{
    size_t most = (size_t)settings->max_size;
    char name[PATH_MAX + 32];
    struct mbox_mail mail;
    struct err err;

    for (size_t i = 1; mbox_next(mbox, &mail); i++) {
        int64_t now = time(NULL);

        if (mail.mail.n > most)
            mail.mail.n = most;
        snprintf(name, sizeof(name), "%s#%zu", path, i);
        intake_read(intake, mail.mail, name, mail.at != 0 ? mail.at : now, now);
        if (intake_full(intake) && intake_commit(intake, now, &err) == STORE_DOWN)
            return EX_TEMPFAIL;
    }
    return intake_commit(intake, time(NULL), &err) == STORE_DOWN ? EX_TEMPFAIL : EX_OK;
}

int once_mbox(struct intake *intake, const struct feed_settings *settings, const char *path)
{
    struct span file = SPAN_NONE;
    struct mbox mbox;
    struct err err;
    int status = EX_NOINPUT;

    if (map_file(&file, path, &err) < 0) {
        log_say(LOG_ERR, "%s", err.text);
        goto out;
    }
    if (mbox_start(&mbox, file, &err) < 0) {
        log_say(LOG_ERR, "%s: %s", path, err.text);
        goto out;
    }
    status = apply_mbox(intake, settings, &mbox, path);
    print_summary(intake, &(struct backlog_tally){ .events = 0 });
out:
    if (file.n > 0)
        munmap((void *)(uintptr_t)file.p, file.n);
    return status;
}

static int apply_maildir(struct intake *intake, const struct feed_settings *settings, const char *path)
{
    struct mailbox *mailbox = mailbox_new(path, settings, intake);
    enum mailbox_rc rc = MAILBOX_MORE;
    struct err err;

    if (mailbox == NULL) {
        log_say(LOG_ERR, "out of memory");
        return EX_TEMPFAIL;
    }
    if (mailbox_look(mailbox, true, &err) < 0) {
        log_say(LOG_ERR, "%s", err.text);
        mailbox_free(mailbox);
        return EX_NOINPUT;
    }
    while (rc == MAILBOX_MORE)
        rc = mailbox_step(mailbox, time(NULL));
    mailbox_free(mailbox);
    return rc == MAILBOX_DOWN ? EX_TEMPFAIL : EX_OK;
}

static int apply_backlog(struct applier *applier, const struct settings *settings,
                         struct backlog_tally *tally)
{
    struct backlog *backlog = backlog_new(settings, applier);
    enum backlog_rc rc = BACKLOG_MORE;

    if (backlog == NULL) {
        log_say(LOG_ERR, "out of memory");
        return EX_TEMPFAIL;
    }
    while (rc == BACKLOG_MORE)
        rc = backlog_step(backlog, time(NULL));
    *tally = *backlog_tally(backlog);
    backlog_free(backlog);
    return rc == BACKLOG_DOWN ? EX_TEMPFAIL : EX_OK;
}

int once_sources(struct intake *intake, struct applier *applier, const struct settings *settings,
                 const struct config_texts *maildirs)
{
    int status = EX_OK, rc = EX_OK;
    struct backlog_tally reported = { .events = 0 };

    for (size_t i = 0; i < maildirs->n && status != EX_TEMPFAIL; i++) {
        rc = apply_maildir(intake, &settings->feed, maildirs->item[i]);
        status = rc != EX_OK ? rc : status;
    }
    if (applier != NULL && status != EX_TEMPFAIL) {
        rc = apply_backlog(applier, settings, &reported);
        status = rc != EX_OK ? rc : status;
    }
    print_summary(intake, &reported);
    return status;
}

/* Reads at most size bytes, and the rest away: a pipe that is closed early is an error to some who write it.
 */
static int read_stdin(char *buffer, size_t size, struct span *mail, struct err *err)
{
    char rest[4096];
    size_t n = 0;
    ssize_t got = 1;

    while (got != 0) {
        got = n < size ? read(STDIN_FILENO, buffer + n, size - n) : read(STDIN_FILENO, rest, sizeof(rest));
        if (got < 0 && errno != EINTR)
            return err_set(err, "standard input: %s", strerror(errno));
        if (got > 0 && n < size)
            n += (size_t)got;
    }
    *mail = (struct span){ buffer, n };
    return 0;
}

int once_stdin(struct intake *intake, const struct feed_settings *settings)
{
    int64_t now = time(NULL);
    int status = EX_TEMPFAIL;
    char *buffer = malloc((size_t)settings->max_size);
    struct span mail;
    struct err err;

    if (buffer == NULL) {
        log_say(LOG_ERR, "out of memory");
        goto out;
    }
    if (read_stdin(buffer, (size_t)settings->max_size, &mail, &err) < 0) {
        log_say(LOG_ERR, "%s", err.text);
        goto out;
    }
    intake_read(intake, mail, "-", now, now);
    if (intake_commit(intake, now, &err) == STORE_OK)
        status = EX_OK;
out:
    free(buffer);
    return status;
}
