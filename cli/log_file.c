/* SPDX-License-Identifier: BSD-2-Clause */
/* zlib tells gzip'd from plain by the first two bytes, and reads both. */
#include "cli/log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#define BUFFER_SIZE (4 * LOG_LINE_MOST)
#define ZLIB_BUFFER (128 * 1024)

static int open_path(const char *path)
{
    return strcmp(path, "-") == 0 ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
                                  : open(path, O_RDONLY | O_CLOEXEC);
}

static int fail(const struct log_file *file, int error, struct err *err)
{
    return err_set(err, "%s: %s", file->path, strerror(error));
}

int log_file_open(struct log_file *file, const char *path, int64_t clock, struct err *err)
{
    struct stat stat = { .st_size = 0 };
    int fd = open_path(path);

    *file = (struct log_file){ .path = path, .now = clock };
    if (fd < 0)
        return fail(file, errno, err);
    if (fstat(fd, &stat) == 0 && S_ISDIR(stat.st_mode)) {
        close(fd);
        return fail(file, EISDIR, err);
    }
    if (S_ISREG(stat.st_mode)) {
        file->now = (int64_t)stat.st_mtime;
        file->size = (uint64_t)stat.st_size;
    }
    if ((file->buffer = malloc(BUFFER_SIZE)) == NULL || (file->gz = gzdopen(fd, "r")) == NULL) {
        close(fd);
        return fail(file, ENOMEM, err);
    }
    gzbuffer(file->gz, ZLIB_BUFFER);
    return 0;
}

void log_file_close(struct log_file *file)
{
    if (file->gz != NULL)
        gzclose_r(file->gz);
    free(file->buffer);
    file->gz = NULL;
    file->buffer = NULL;
}

/* What zlib says of the last read; 0, or -1 with err. Z_BUF_ERROR: the end came before the end. */
static int check(const struct log_file *file, struct err *err)
{
    int error = Z_OK;
    const char *words = gzerror(file->gz, &error);

    switch (error) {
    case Z_OK:
    case Z_STREAM_END: return 0;
    case Z_ERRNO: return fail(file, errno, err);
    case Z_BUF_ERROR: return err_set(err, "%s: ends in the middle of what was compressed", file->path);
    default: return err_set(err, "%s: %s", file->path, words);
    }
}

/* 0, or -1 with err. */
static int refill(struct log_file *file, struct err *err)
{
    z_off_t offset;
    int got;

    memmove(file->buffer, file->buffer + file->at, file->n - file->at);
    file->n -= file->at;
    file->at = 0;
    errno = 0;
    got = gzread(file->gz, file->buffer + file->n, (unsigned)(BUFFER_SIZE - file->n));
    if (got <= 0 && check(file, err) < 0)
        return -1;
    file->end = got <= 0;
    file->n += got > 0 ? (size_t)got : 0;
    if ((offset = gzoffset(file->gz)) > 0)
        file->taken = (uint64_t)offset;
    return 0;
}

/* The line at `at`, with its line end if it has one; `length` is what it takes up. */
static void take(struct log_file *file, size_t length, struct span *line)
{
    const char *start = file->buffer + file->at;
    size_t n = length;

    if (n > 0 && start[n - 1] == '\n')
        n--;
    if (n > 0 && start[n - 1] == '\r')
        n--;
    *line = (struct span){ start, n < LOG_LINE_MOST ? n : LOG_LINE_MOST };
    file->at += length;
}

enum log_next log_file_next(struct log_file *file, struct span *line, struct err *err)
{
    for (;;) {
        const char *start = file->buffer + file->at;
        size_t n = file->n - file->at;
        const char *lf = n > 0 ? memchr(start, '\n', n) : NULL;
        size_t length = lf != NULL ? (size_t)(lf - start) + 1 : n;
        bool was_cut = file->cut;

        if (lf == NULL && !file->end && n < BUFFER_SIZE) {
            if (refill(file, err) < 0)
                return LOG_BROKEN;
            continue;
        }
        if (n == 0)
            return LOG_END;
        take(file, length, line);
        file->cut = lf == NULL;
        if (!was_cut)
            return LOG_LINE;
    }
}
