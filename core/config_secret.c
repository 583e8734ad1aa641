/* SPDX-License-Identifier: BSD-2-Clause */
/* The checks are made on the open file, not on its name, which could be another file a moment later. */
#include "core/config_secret.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECRET_SIZE 4096

static int check_file(int fd, const char *path, struct err *err)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return err_set(err, "%s: %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return err_set(err, "%s is no regular file", path);
    if ((st.st_mode & 0007) != 0)
        return err_set(err, "%s has mode %04o: others may not have any right to a secret; allowed is 0640",
                       path, (unsigned)(st.st_mode & 07777));
    return 0;
}

/* The bytes of the first line, or -1. */
static ssize_t read_line(int fd, char line[SECRET_SIZE], const char *path, struct err *err)
{
    size_t n = 0;
    ssize_t got = 0;

    while (n < SECRET_SIZE && (got = read(fd, line + n, SECRET_SIZE - n)) > 0)
        n += (size_t)got;
    if (got < 0)
        return err_set(err, "%s: %s", path, strerror(errno));
    for (size_t i = 0; i < n; i++) {
        if (line[i] == '\0')
            return err_set(err, "%s holds a NUL byte; allowed is one line of text", path);
        if (line[i] == '\n')
            return (ssize_t)(i > 0 && line[i - 1] == '\r' ? i - 1 : i);
    }
    if (n == SECRET_SIZE)
        return err_set(err, "%s: its first line has more than %d bytes", path, SECRET_SIZE - 1);
    return (ssize_t)n;
}

char *config_secret_read(struct span path, struct err *err)
{
    char name[PATH_MAX], line[SECRET_SIZE], *secret = NULL;
    ssize_t n;
    int fd = -1;

    if (path.n == 0) {
        if ((secret = strdup("")) == NULL)
            err_set(err, "out of memory");
        return secret;
    }
    if (path.p[0] != '/' || !span_copy(name, sizeof(name), path)) {
        err_set(err, "found \"%.*s\"; allowed is the absolute path of a file", SPAN_FMT(path));
        return NULL;
    }
    /* Without O_NONBLOCK a FIFO in its place would hang the start. */
    if ((fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)) < 0) {
        err_set(err, "%s: %s", name, strerror(errno));
        return NULL;
    }
    if (check_file(fd, name, err) < 0 || (n = read_line(fd, line, name, err)) < 0)
        goto out;
    if (n == 0)
        err_set(err, "%s is empty; its first line is the secret", name);
    else if ((secret = strndup(line, (size_t)n)) == NULL)
        err_set(err, "out of memory");
out:
    explicit_bzero(line, sizeof(line));
    close(fd);
    return secret;
}

void config_secret_free(char *secret)
{
    if (secret != NULL)
        explicit_bzero(secret, strlen(secret));
    free(secret);
}
