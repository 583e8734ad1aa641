/* SPDX-License-Identifier: BSD-2-Clause */
#include "feed/logfile.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static bool is_gzip(const char *head, size_t n)
{
    return n >= 2 && (unsigned char)head[0] == 0x1f && (unsigned char)head[1] == 0x8b; /* RFC 1952 2.3.1 */
}

static int gz_fail(struct logfile *file, struct err *err)
{
    int code;

    return err_set(err, "%s", gzerror(file->gz, &code));
}

/* Goes on with the uncompressed bytes. The descriptor stays with us, for fstat(2). */
static int open_gz(struct logfile *file, struct err *err)
{
    int copy = fcntl(file->fd, F_DUPFD_CLOEXEC, 0), n;

    if (copy < 0)
        return err_set(err, "%s", strerror(errno));
    if ((file->gz = gzdopen(copy, "rb")) == NULL) {
        close(copy);
        return err_set(err, "out of memory");
    }
    gzbuffer(file->gz, 128 * 1024);
    if ((n = gzread(file->gz, file->head, sizeof(file->head))) < 0 || gzrewind(file->gz) < 0)
        return gz_fail(file, err);
    file->head_n = (size_t)n;
    return 0;
}

static int open_file(struct logfile *file, const char *path, bool *missing, struct err *err)
{
    struct stat st;
    ssize_t n;

    /* O_NONBLOCK: a FIFO of that name must not stop us. */
    file->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    *missing = file->fd < 0 && errno == ENOENT;
    if (file->fd < 0 || fstat(file->fd, &st) < 0)
        return err_set(err, "%s: %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return err_set(err, "%s: not a file", path);
    if ((n = pread(file->fd, file->head, sizeof(file->head), 0)) < 0)
        return err_set(err, "%s: %s", path, strerror(errno));
    file->dev = st.st_dev;
    file->ino = st.st_ino;
    file->head_n = (size_t)n;
    return 0;
}

enum logfile_rc logfile_open(struct logfile *file, const char *path, struct err *err)
{
    struct err why;
    bool missing;

    *file = LOGFILE_CLOSED;
    if (open_file(file, path, &missing, err) < 0) {
        logfile_close(file);
        return missing ? LOGFILE_MISSING : LOGFILE_BAD;
    }
    if (is_gzip(file->head, file->head_n) && open_gz(file, &why) < 0) {
        err_set(err, "%s: %s", path, why.text);
        logfile_close(file);
        return LOGFILE_BAD;
    }
    return LOGFILE_OK;
}

void logfile_close(struct logfile *file)
{
    if (file->gz != NULL)
        gzclose_r(file->gz);
    if (file->fd >= 0)
        close(file->fd);
    *file = LOGFILE_CLOSED;
}

struct span logfile_head(const struct logfile *file)
{
    return (struct span){ file->head, file->head_n };
}

bool logfile_holds(const struct logfile *file, const struct place *place)
{
    return place_matches(place, logfile_head(file)) &&
           (file->gz != NULL || logfile_size(file) >= place->offset);
}

bool logfile_agree(const struct logfile *a, const struct logfile *b, int64_t at)
{
    ssize_t n = at < PLACE_HEAD ? (ssize_t)at : PLACE_HEAD;
    char x[PLACE_HEAD], y[PLACE_HEAD];

    return a->gz == NULL && b->gz == NULL && pread(a->fd, x, (size_t)n, at - n) == n &&
           pread(b->fd, y, (size_t)n, at - n) == n && memcmp(x, y, (size_t)n) == 0;
}

int logfile_seek(struct logfile *file, int64_t at, struct err *err)
{
    if (file->gz != NULL && gzseek(file->gz, at, SEEK_SET) < 0)
        return gz_fail(file, err);
    file->at = at;
    return 0;
}

/* gzread(3) gives 0 where the file breaks off, too. */
static ssize_t read_gz(struct logfile *file, char *buffer, size_t size)
{
    int n = gzread(file->gz, buffer, (unsigned)size), code = Z_OK;

    if (n == 0)
        gzerror(file->gz, &code);
    return code == Z_OK || code == Z_STREAM_END ? n : -1;
}

ssize_t logfile_read(struct logfile *file, char *buffer, size_t size, struct err *err)
{
    ssize_t n;

    if (file->gz != NULL)
        n = read_gz(file, buffer, size);
    else
        n = pread(file->fd, buffer, size, file->at);
    if (n < 0)
        return file->gz != NULL ? gz_fail(file, err) : err_set(err, "%s", strerror(errno));
    file->at += n;
    return n;
}

bool logfile_is_cut(struct logfile *file)
{
    char head[PLACE_HEAD];
    ssize_t n;

    if (file->gz != NULL)
        return false; /* nobody writes to it */
    n = pread(file->fd, head, sizeof(head), 0);
    if (n < (ssize_t)file->head_n || memcmp(head, file->head, file->head_n) != 0 ||
        logfile_size(file) < file->at)
        return true;
    memcpy(file->head, head, (size_t)n); /* it may have grown */
    file->head_n = (size_t)n;
    return false;
}

static struct stat stat_of(const struct logfile *file)
{
    struct stat st;

    return fstat(file->fd, &st) < 0 ? (struct stat){ .st_size = 0 } : st;
}

struct timespec logfile_time(const struct logfile *file)
{
    return stat_of(file).st_mtim;
}

int64_t logfile_size(const struct logfile *file)
{
    int64_t size = (int64_t)stat_of(file).st_size;
    unsigned char length[4]; /* RFC 1952 2.3.1: ISIZE, little-endian */

    if (file->gz == NULL)
        return size;
    if (pread(file->fd, length, sizeof(length), (off_t)(size - 4)) != sizeof(length))
        return 0;
    return (int64_t)length[0] | (int64_t)length[1] << 8 | (int64_t)length[2] << 16 | (int64_t)length[3] << 24;
}
