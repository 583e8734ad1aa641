/* SPDX-License-Identifier: BSD-2-Clause */
/* A unix socket's file outlives a process that was killed, so one that nobody listens on any more is
 * replaced; one that answers belongs to a running server and is left alone, with words. The file gets its
 * rights between bind(2) and listen(2): until then nobody can connect, so it is never more open than the
 * settings say. */
#include "policy/policy_sockets.h"

#include "leadgate/endpoint.h"
#include "leadgate/startup.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#ifdef HAVE_SYSTEMD
#include <fcntl.h>
#include <systemd/sd-daemon.h>
#endif

/* Takes fd over: it is closed when it cannot be added. */
static struct policy_socket *add_socket(struct policy_sockets *sockets, int fd, struct err *err)
{
    struct policy_socket *item = reallocarray(sockets->item, sockets->n + 1, sizeof(*item));

    if (item == NULL) {
        close(fd);
        err_set(err, "out of memory");
        return NULL;
    }
    sockets->item = item;
    item += sockets->n++;
    *item = (struct policy_socket){ .fd = fd };
    return item;
}

/* Makes way for a socket at address: removes a file that a dead server left behind. */
static int clear_way(const struct sockaddr_un *address, struct err *err)
{
    const char *path = address->sun_path;
    struct stat st;
    int fd, rc, why;

    if (lstat(path, &st) < 0)
        return errno == ENOENT ? 0 : err_set(err, "%s: %s", path, strerror(errno));
    if (!S_ISSOCK(st.st_mode))
        return err_set(err, "%s exists and is no socket", path);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_set(err, "socket: %s", strerror(errno));
    rc = connect(fd, (const struct sockaddr *)address, sizeof(*address));
    why = errno;
    close(fd);
    /* EAGAIN: its backlog is full, so somebody listens. */
    if (rc == 0 || why == EAGAIN)
        return err_set(err, "%s: another program listens there", path);
    if (why != ECONNREFUSED)
        return err_set(err, "%s: %s", path, strerror(why));
    if (unlink(path) < 0)
        return err_set(err, "%s: cannot remove the socket left behind: %s", path, strerror(errno));
    return 0;
}

static int open_unix(struct policy_sockets *sockets, const char *path, const struct socket_settings *rights,
                     struct err *err)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    struct policy_socket *item;
    struct stat st;
    int fd;

    if (!span_copy(address.sun_path, sizeof(address.sun_path), span_of(path)))
        return err_set(err, "%s: too long for a unix socket", path);
    if (clear_way(&address, err) < 0)
        return -1;
    if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) < 0)
        return err_set(err, "socket: %s", strerror(errno));
    if ((item = add_socket(sockets, fd, err)) == NULL)
        return -1;
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || lstat(path, &st) < 0)
        return err_set(err, "%s: %s", path, strerror(errno));
    item->file = path;
    item->device = st.st_dev;
    item->inode = st.st_ino;
    if (startup_socket_rights(path, rights, err) < 0)
        return -1;
    return listen(fd, SOMAXCONN) == 0 ? 0 : err_set(err, "%s: listen: %s", path, strerror(errno));
}

/* Listens on one address; the descriptor, or -1 with errno. */
static int listen_on(const struct addrinfo *address)
{
    static const int on = 1;
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int why;

    if (fd < 0)
        return -1;
    /* [::] and 0.0.0.0 are two settings: neither takes the other's port. */
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
        (address->ai_family != AF_INET6 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) == 0) &&
        bind(fd, address->ai_addr, address->ai_addrlen) == 0 && listen(fd, SOMAXCONN) == 0)
        return fd;
    why = errno;
    close(fd);
    errno = why;
    return -1;
}

static int open_inet(struct policy_sockets *sockets, const struct endpoint *endpoint, struct err *err)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV };
    struct addrinfo *list = NULL;
    char text[ENDPOINT_TEXT_SIZE], port[8];
    size_t before = sockets->n;
    int rc;

    endpoint_text(text, endpoint);
    snprintf(port, sizeof(port), "%u", (unsigned)endpoint->port);
    if ((rc = getaddrinfo(endpoint->host, port, &hints, &list)) != 0)
        return err_set(err, "%s: %s", text, gai_strerror(rc));
    /* All addresses of the name: a client may try any of them first. A host without IPv6 may still have ::1
     * for localhost in its hosts(5): one that the host does not have is passed over while there is another.
     */
    for (const struct addrinfo *at = list; at != NULL && rc == 0; at = at->ai_next) {
        int fd = listen_on(at);
        bool lacking = fd < 0 && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL);

        if (fd >= 0)
            rc = add_socket(sockets, fd, err) == NULL ? -1 : 0;
        else if (!lacking || (at->ai_next == NULL && sockets->n == before))
            rc = err_set(err, "%s: %s", text, strerror(errno));
    }
    freeaddrinfo(list);
    return rc;
}

#ifdef HAVE_SYSTEMD
/* Adds what systemd passed, and leaves nothing of it to child processes; there may be none. */
static int take_passed(struct policy_sockets *sockets, struct err *err)
{
    int n = sd_listen_fds(1);

    if (n < 0)
        return err_set(err, "sd_listen_fds: %s", strerror(-n));
    for (int fd = SD_LISTEN_FDS_START; fd < SD_LISTEN_FDS_START + n; fd++) {
        if (sd_is_socket(fd, AF_UNSPEC, SOCK_STREAM, 1) <= 0)
            return err_set(err, "descriptor %d, passed by systemd, is no listening stream socket", fd);
        if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
            return err_set(err, "descriptor %d, passed by systemd: %s", fd, strerror(errno));
        if (add_socket(sockets, fd, err) == NULL)
            return -1;
    }
    return 0;
}
#else
static int take_passed(struct policy_sockets *sockets, struct err *err)
{
    (void)sockets;
    (void)err;
    return 0;
}
#endif

static int open_all(struct policy_sockets *sockets, const struct policy_settings *settings, struct err *err)
{
    if (take_passed(sockets, err) < 0)
        return -1;
    if (sockets->n > 0)
        return 0;
    for (size_t i = 0; i < settings->listen.n; i++) {
        const struct endpoint *endpoint = &settings->listen.item[i];
        int rc = endpoint->kind == ENDPOINT_UNIX ? open_unix(sockets, endpoint->host, &settings->socket, err)
                                                 : open_inet(sockets, endpoint, err);

        if (rc < 0)
            return -1;
    }
    return sockets->n > 0 ? 0 : err_set(err, "policy.listen names no socket, and systemd passed none");
}

int policy_sockets_open(struct policy_sockets *sockets, const struct policy_settings *settings,
                        struct err *err)
{
    *sockets = (struct policy_sockets){ 0 };
    if (open_all(sockets, settings, err) == 0)
        return 0;
    policy_sockets_close(sockets);
    return -1;
}

void policy_sockets_close(struct policy_sockets *sockets)
{
    struct stat st;

    for (size_t i = 0; i < sockets->n; i++) {
        const struct policy_socket *item = &sockets->item[i];

        if (item->file != NULL && lstat(item->file, &st) == 0 && st.st_dev == item->device &&
            st.st_ino == item->inode)
            unlink(item->file);
        close(item->fd);
    }
    free(sockets->item);
    *sockets = (struct policy_sockets){ 0 };
}
