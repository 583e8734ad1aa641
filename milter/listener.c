/* SPDX-License-Identifier: BSD-2-Clause */
/* libmilter binds the socket itself, in its own spelling of addresses. What it does not do: tell a socket
 * that a dead process left behind from one that another milter is answering on, and give it mode, owner and
 * group. */
#include "milter/listener.h"

#include "leadgate/startup.h"

#include <errno.h>
#include <libmilter/mfapi.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* unix:/path, inet:port@host, inet6:port@host */
static void milter_spelling(char *dst, size_t size, const struct endpoint *endpoint)
{
    switch (endpoint->kind) {
    case ENDPOINT_UNIX: snprintf(dst, size, "unix:%s", endpoint->host); break;
    case ENDPOINT_INET:
        snprintf(dst, size, "%s:%u@%s", strchr(endpoint->host, ':') != NULL ? "inet6" : "inet",
                 (unsigned)endpoint->port, endpoint->host);
        break;
    }
}

/* Removes the socket at path unless somebody answers there. */
static int remove_stale_socket(const char *path, struct err *err)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    struct stat st;
    int fd, rc = -1;

    if (lstat(path, &st) < 0)
        return errno == ENOENT ? 0 : err_set(err, "%s: %s", path, strerror(errno));
    if (!S_ISSOCK(st.st_mode))
        return err_set(err, "%s: exists, and is no socket", path);
    if (!span_copy(address.sun_path, sizeof(address.sun_path), span_of(path)))
        return err_set(err, "%s: too long for a unix socket", path);
    if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) < 0)
        return err_set(err, "socket: %s", strerror(errno));
    /* Only a refusal says that nobody is there; a full backlog (EAGAIN) says the contrary. */
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 || errno != ECONNREFUSED)
        err_set(err, "%s: another process listens there", path);
    else if (unlink(path) < 0 && errno != ENOENT)
        err_set(err, "%s: %s", path, strerror(errno));
    else
        rc = 0;
    close(fd);
    return rc;
}

int listener_open(const struct milter_settings *settings, struct err *err)
{
    const struct endpoint *endpoint = &settings->listen;
    char spelling[ENDPOINT_TEXT_SIZE], shown[ENDPOINT_TEXT_SIZE];
    mode_t mask;
    int rc;

    if (endpoint->kind == ENDPOINT_UNIX && remove_stale_socket(endpoint->host, err) < 0)
        return -1;
    milter_spelling(spelling, sizeof(spelling), endpoint);
    if (smfi_setconn(spelling) != MI_SUCCESS)
        return err_set(err, "%s: libmilter does not take this address", endpoint_text(shown, endpoint));
    mask = umask(0177); /* nobody else connects before the rights are set */
    rc = smfi_opensocket(false);
    umask(mask);
    if (rc != MI_SUCCESS)
        return err_set(err, "%s: cannot listen there (libmilter has logged why)",
                       endpoint_text(shown, endpoint));
    if (endpoint->kind == ENDPOINT_UNIX)
        return startup_socket_rights(endpoint->host, &settings->socket, err);
    return 0;
}
