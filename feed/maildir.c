/* SPDX-License-Identifier: BSD-2-Clause */
/* Everything is done relative to the folder's descriptor. Moving is rename(2) within one file system, which
 * happens or does not; nothing is synced, since a rename that is undone by a power failure means that the
 * mail is applied again, which changes nothing. */
#include "feed/maildir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define UNRECOGNISED ".Unrecognised"

/* A file of the Maildir, relative to it. */
struct mail_path {
    char text[NAME_MAX + 64];
};

static const char *mail_path(struct mail_path *path, const char *folder, const char *name, const char *suffix)
{
    snprintf(path->text, sizeof(path->text), "%s%s%s", folder, name, suffix);
    return path->text;
}

/* What errno means for one mail of new/. */
static enum maildir_rc failed(const struct maildir *maildir, const char *what, const char *name,
                              struct err *err)
{
    if (errno == ENOENT)
        return MAILDIR_GONE;
    err_set(err, "%s %s/new/%s: %s", what, maildir->path, name, strerror(errno));
    return MAILDIR_FAILED;
}

void maildir_close(struct maildir *maildir)
{
    if (maildir->fd >= 0)
        close(maildir->fd);
    maildir->fd = -1;
}

int maildir_list(struct maildir *maildir, struct names *out, struct err *err)
{
    DIR *dir = NULL;
    struct dirent *entry;
    int fd = -1, rc = -1;

    maildir_close(maildir);
    maildir->fd = open(maildir->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (maildir->fd >= 0)
        fd = openat(maildir->fd, "new", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || (dir = fdopendir(fd)) == NULL) {
        err_set(err, "maildir %s%s: %s", maildir->path, maildir->fd < 0 ? "" : "/new", strerror(errno));
        goto out;
    }
    fd = -1; /* dir's now */
    while (errno = 0, (entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] != '.' && !names_append(out, entry->d_name)) {
            err_set(err, "maildir %s/new: out of memory", maildir->path);
            goto out;
        }
    }
    if (errno != 0) {
        err_set(err, "maildir %s/new: %s", maildir->path, strerror(errno));
        goto out;
    }
    names_sort(out);
    rc = 0;
out:
    if (dir != NULL)
        closedir(dir);
    if (fd >= 0)
        close(fd);
    return rc;
}

enum maildir_rc maildir_read(const struct maildir *maildir, const char *name, char *buffer, size_t size,
                             struct span *mail, int64_t *arrived, struct err *err)
{
    enum maildir_rc rc = MAILDIR_FAILED;
    struct mail_path path;
    struct stat st;
    ssize_t got = 1;
    size_t n = 0;
    int fd;

    /* O_NONBLOCK: a FIFO that somebody put there must not hold us up. */
    fd = openat(maildir->fd, mail_path(&path, "new/", name, ""),
                O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return failed(maildir, "cannot open", name, err);
    if (fstat(fd, &st) < 0) {
        rc = failed(maildir, "cannot read", name, err);
        goto out;
    }
    if (!S_ISREG(st.st_mode)) {
        err_set(err, "%s/new/%s is not a file", maildir->path, name);
        goto out;
    }
    while (n < size && got != 0) {
        got = read(fd, buffer + n, size - n);
        if (got < 0 && errno != EINTR) {
            rc = failed(maildir, "cannot read", name, err);
            goto out;
        }
        n += got > 0 ? (size_t)got : 0;
    }
    *mail = (struct span){ buffer, n };
    *arrived = st.st_mtime;
    rc = MAILDIR_OK;
out:
    close(fd);
    return rc;
}

/* Makes a folder with the Maildir's mode and, as far as we may, its owner and group. One that is there
 * already stays as it is: another feeder, or a person, made it. */
static int make_folder(int fd, const char *path, const struct stat *like)
{
    if (mkdirat(fd, path, 0700) < 0)
        return errno == EEXIST ? 0 : -1;
    if (fchownat(fd, path, like->st_uid, like->st_gid, 0) < 0 && errno != EPERM)
        return -1;
    return fchmodat(fd, path, like->st_mode & 07777, 0);
}

/* Maildir++: a folder beside new/ and cur/, whose name begins with a dot, with a marker file in it. */
static int make_unrecognised(const struct maildir *maildir)
{
    static const char *const folders[] = { UNRECOGNISED, UNRECOGNISED "/tmp", UNRECOGNISED "/cur",
                                           UNRECOGNISED "/new" };
    struct stat like;
    int fd;

    if (fstat(maildir->fd, &like) < 0)
        return -1;
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
        if (make_folder(maildir->fd, folders[i], &like) < 0)
            return -1;
    fd =
        openat(maildir->fd, UNRECOGNISED "/maildirfolder", O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return -1;
    if (fchown(fd, like.st_uid, like.st_gid) < 0 && errno != EPERM) {
        close(fd);
        return -1;
    }
    return close(fd);
}

static bool is_there(const struct maildir *maildir, const char *path)
{
    struct stat st;

    return fstatat(maildir->fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static int move_unrecognised(const struct maildir *maildir, const char *from, const char *name)
{
    struct mail_path to;

    mail_path(&to, UNRECOGNISED "/new/", name, "");
    if (renameat(maildir->fd, from, maildir->fd, to.text) == 0)
        return 0;
    if (errno != ENOENT || !is_there(maildir, from))
        return -1;
    return make_unrecognised(maildir) < 0 ? -1 : renameat(maildir->fd, from, maildir->fd, to.text);
}

enum maildir_rc maildir_settle(const struct maildir *maildir, const char *name, enum maildir_fate fate,
                               struct err *err)
{
    struct mail_path from, to;
    int rc = -1;

    mail_path(&from, "new/", name, "");
    switch (fate) {
    case FATE_KEEP:
        /* A name that carries flags already keeps them. */
        mail_path(&to, "cur/", name, strstr(name, ":2,") != NULL ? "" : ":2,S");
        rc = renameat(maildir->fd, from.text, maildir->fd, to.text);
        break;
    case FATE_DELETE: rc = unlinkat(maildir->fd, from.text, 0); break;
    case FATE_UNRECOGNISED: rc = move_unrecognised(maildir, from.text, name); break;
    }
    if (rc == 0)
        return MAILDIR_OK;
    if (errno == ENOENT && is_there(maildir, from.text)) {
        err_set(err, "cannot move %s/new/%s: %s/cur is missing", maildir->path, name, maildir->path);
        return MAILDIR_FAILED;
    }
    return failed(maildir, "cannot move", name, err);
}
