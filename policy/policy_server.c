/* SPDX-License-Identifier: BSD-2-Clause */
/* How it works: a connection reads into its buffer, the parser finds a request in it, the decider is asked,
 * the answer is written, and so on until the buffer holds no whole request.
 *
 * Plain events and direct read(2) and send(2), not bufferevents: in lock-step each reply fits the socket, so
 * waiting for writability, with its two epoll_ctl(2) calls, is the exception and not the rule. That is half
 * of what a do-nothing answer costs.
 *
 * A connection is freed in one place, run_conn(), and only while it has no open question: the decider holds
 * a pointer into it. A client that goes away meanwhile is noticed when the answer is written. */
#include "policy/policy_server.h"

#include "leadgate/logline.h"

#include <errno.h>
#include <event2/event.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

/* Connections taken in one turn of the loop, so that a storm of them does not starve those that are there. */
#define ACCEPT_AT_ONCE 64

enum conn_state {
    CONN_READING = 1, /* no request whole yet */
    CONN_ASKED,       /* the decider has a question */
    CONN_WRITING,     /* the client is slow to take an answer */
    CONN_OVER,        /* to be freed */
};

struct conn {
    struct policy_question question;
    struct policy_server *server;
    LIST_ENTRY(conn) link;
    struct event *readable, *writable;
    int fd;
    enum conn_state state;
    bool running; /* run_conn() is at work further up the stack */
    bool gone;    /* end of file: what is in the buffer is all there will be */
    bool full;    /* not reading, for want of room */
    struct policy_parser parser;
    size_t in_n, out_n, out_at;
    char in[POLICY_REQUEST_MAX];
    char out[512];
};

struct listener {
    struct policy_server *server;
    struct event *event;
    LIST_ENTRY(listener) link;
};

struct policy_server {
    struct event_base *base;
    policy_decide_fn *decide;
    void *ctx;
    LIST_HEAD(, listener) listeners;
    LIST_HEAD(, conn) conns;
    struct event *again; /* after accept(2) ran out of something */
    bool starved;        /* that has been said */
    bool stopping;
};

static void free_conn(struct conn *conn)
{
    LIST_REMOVE(conn, link);
    if (conn->readable != NULL)
        event_free(conn->readable);
    if (conn->writable != NULL)
        event_free(conn->writable);
    close(conn->fd);
    free(conn);
}

/* Who is at the other end, for a log line: an address, or the process behind a unix socket. */
static void name_peer(char *dst, size_t size, int fd)
{
    struct sockaddr_storage address;
    socklen_t n = sizeof(address);
    struct ucred peer = { 0 };
    socklen_t peer_n = sizeof(peer);
    char host[NI_MAXHOST], port[NI_MAXSERV];

    if (getpeername(fd, (struct sockaddr *)&address, &n) == 0 && address.ss_family != AF_UNIX &&
        getnameinfo((struct sockaddr *)&address, n, host, sizeof(host), port, sizeof(port),
                    NI_NUMERICHOST | NI_NUMERICSERV) == 0)
        snprintf(dst, size, "[%s]:%s", host, port);
    else if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &peer_n) == 0)
        snprintf(dst, size, "pid:%ld,uid:%ld", (long)peer.pid, (long)peer.uid);
    else
        snprintf(dst, size, "unknown");
}

static void log_bad(const struct conn *conn, const char *why)
{
    struct logline line;
    char peer[NI_MAXHOST + NI_MAXSERV + 4];

    name_peer(peer, sizeof(peer), conn->fd);
    logline_start(&line, "warning");
    logline_text(&line, "text", "no policy request, connection closed");
    logline_text(&line, "reason", why);
    logline_text(&line, "peer", peer);
    logline_send(&line, LOG_WARNING);
}

/* False when it does not fit: half an answer would be none to Postfix, and none of ours is that long. */
static bool put_answer(struct conn *conn, const char *action)
{
    static const char head[] = "action=", tail[] = "\n\n";
    const size_t head_n = sizeof(head) - 1, tail_n = sizeof(tail) - 1, n = strlen(action);

    if (head_n + n + tail_n > sizeof(conn->out))
        return false;
    memcpy(conn->out, head, head_n);
    memcpy(conn->out + head_n, action, n);
    memcpy(conn->out + head_n + n, tail, tail_n);
    conn->out_n = head_n + n + tail_n;
    conn->out_at = 0;
    return true;
}

/* Sends what is left of the answer; returns what the connection does next. */
static enum conn_state send_answer(struct conn *conn)
{
    ssize_t n;

    do
        n = send(conn->fd, conn->out + conn->out_at, conn->out_n - conn->out_at, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n < 0 && errno != EAGAIN)
        return CONN_OVER;
    conn->out_at += n < 0 ? 0 : (size_t)n;
    if (conn->out_at == conn->out_n)
        return CONN_READING;
    return event_add(conn->writable, NULL) < 0 ? CONN_OVER : CONN_WRITING;
}

/* Looks for a whole request in the buffer and asks the decider; false when there is none. */
static bool ask_next(struct conn *conn)
{
    const char *why = NULL;

    switch (
        policy_feed(&conn->parser, (struct span){ conn->in, conn->in_n }, &conn->question.request, &why)) {
    case POLICY_MORE:
        if (conn->gone)
            conn->state = CONN_OVER;
        return false;
    case POLICY_DONE:
        conn->state = CONN_ASKED;
        conn->server->decide(&conn->question);
        return true;
    case POLICY_BAD:
        log_bad(conn, why);
        conn->state = CONN_OVER;
        return false;
    }
    abort();
}

static void end_when_idle(struct policy_server *server)
{
    if (server->stopping && LIST_EMPTY(&server->conns))
        event_base_loopbreak(server->base);
}

/* Goes on until the connection waits for something, and frees it when it is over. Each event ends here. */
static void run_conn(struct conn *conn)
{
    struct policy_server *server = conn->server;

    conn->running = true;
    while (conn->state == CONN_READING && ask_next(conn))
        continue;
    conn->running = false;
    if (conn->state == CONN_OVER) {
        free_conn(conn);
        end_when_idle(server);
    }
}

void policy_server_answer(struct policy_question *question, const char *action)
{
    struct conn *conn = (struct conn *)((char *)question - offsetof(struct conn, question));
    size_t used = question->request.size;

    conn->in_n -= used;
    memmove(conn->in, conn->in + used, conn->in_n);
    conn->state = put_answer(conn, action) ? send_answer(conn) : CONN_OVER;
    if (conn->server->stopping)
        conn->state = CONN_OVER;
    if (conn->full && event_add(conn->readable, NULL) == 0)
        conn->full = false;
    if (!conn->running)
        run_conn(conn);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
    struct conn *conn = arg;

    (void)fd;
    (void)what;
    conn->state = send_answer(conn);
    run_conn(conn);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct conn *conn = arg;
    size_t room = sizeof(conn->in) - conn->in_n;
    ssize_t n;

    (void)what;
    if (room == 0) {
        /* More requests ahead than the buffer takes; they wait in the socket. */
        conn->full = true;
        event_del(conn->readable);
        return;
    }
    n = read(fd, conn->in + conn->in_n, room);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n > 0) {
        conn->in_n += (size_t)n;
    } else {
        conn->gone = true;
        event_del(conn->readable);
    }
    run_conn(conn);
}

/* Takes fd over. False when out of memory: fd is closed then. */
static bool add_conn(struct policy_server *server, int fd)
{
    struct conn *conn = malloc(sizeof(*conn));

    if (conn == NULL) {
        close(fd);
        return false;
    }
    /* Not calloc(3): the buffers are most of it, and need no zeroes. */
    memset(conn, 0, offsetof(struct conn, in));
    conn->fd = fd;
    conn->server = server;
    conn->question.ctx = server->ctx;
    conn->state = CONN_READING;
    LIST_INSERT_HEAD(&server->conns, conn, link);
    conn->readable = event_new(server->base, fd, EV_READ | EV_PERSIST, on_readable, conn);
    conn->writable = event_new(server->base, fd, EV_WRITE, on_writable, conn);
    if (conn->readable != NULL && conn->writable != NULL && event_add(conn->readable, NULL) == 0)
        return true;
    free_conn(conn);
    return false;
}

/* accept(2) lacks descriptors or memory. The clients wait in the backlog meanwhile, which costs them less
 * than a closed connection; without the pause the loop would spin on the listener. */
static void pause_accept(struct policy_server *server, const char *why)
{
    static const struct timeval pause = { .tv_usec = 200000 };
    struct listener *listener;

    if (!server->starved)
        log_say(LOG_WARNING, "cannot take a connection: %s; trying again until it works", why);
    server->starved = true;
    LIST_FOREACH(listener, &server->listeners, link)
    event_del(listener->event);
    event_add(server->again, &pause);
}

static void on_again(evutil_socket_t fd, short what, void *arg)
{
    struct policy_server *server = arg;
    struct listener *listener;

    (void)fd;
    (void)what;
    LIST_FOREACH(listener, &server->listeners, link)
    event_add(listener->event, NULL);
}

static void on_connect(evutil_socket_t fd, short what, void *arg)
{
    struct listener *listener = arg;
    struct policy_server *server = listener->server;
    static const int on = 1;

    (void)what;
    for (int i = 0; i < ACCEPT_AT_ONCE; i++) {
        struct sockaddr_storage peer;
        socklen_t n = sizeof(peer);
        int client = accept4(fd, (struct sockaddr *)&peer, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (client < 0) {
            if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
                pause_accept(server, strerror(errno));
            else if (errno == EAGAIN)
                server->starved = false; /* nobody waits any more */
            return;                      /* what else there is concerns that one client */
        }
        if (peer.ss_family != AF_UNIX) {
            setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
            setsockopt(client, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
        }
        if (!add_conn(server, client)) {
            pause_accept(server, strerror(ENOMEM));
            return;
        }
    }
}

struct policy_server *policy_server_new(struct event_base *base, policy_decide_fn *decide, void *ctx)
{
    struct policy_server *server = calloc(1, sizeof(*server));

    if (server == NULL)
        return NULL;
    server->base = base;
    server->decide = decide;
    server->ctx = ctx;
    LIST_INIT(&server->listeners);
    LIST_INIT(&server->conns);
    server->again = evtimer_new(base, on_again, server);
    if (server->again == NULL) {
        free(server);
        return NULL;
    }
    return server;
}

int policy_server_listen(struct policy_server *server, int fd)
{
    struct listener *listener = calloc(1, sizeof(*listener));

    if (listener == NULL)
        return -1;
    listener->server = server;
    listener->event = event_new(server->base, fd, EV_READ | EV_PERSIST, on_connect, listener);
    if (listener->event == NULL || event_add(listener->event, NULL) < 0) {
        if (listener->event != NULL)
            event_free(listener->event);
        free(listener);
        return -1;
    }
    LIST_INSERT_HEAD(&server->listeners, listener, link);
    return 0;
}

static void stop_listening(struct policy_server *server)
{
    struct listener *listener;

    event_del(server->again);
    while ((listener = LIST_FIRST(&server->listeners)) != NULL) {
        LIST_REMOVE(listener, link);
        event_free(listener->event);
        free(listener);
    }
}

void policy_server_stop(struct policy_server *server)
{
    struct conn *conn, *next;

    server->stopping = true;
    stop_listening(server);
    for (conn = LIST_FIRST(&server->conns); conn != NULL; conn = next) {
        next = LIST_NEXT(conn, link);
        if (conn->state != CONN_ASKED)
            free_conn(conn);
    }
    end_when_idle(server);
}

void policy_server_free(struct policy_server *server)
{
    if (server == NULL)
        return;
    stop_listening(server);
    while (!LIST_EMPTY(&server->conns))
        free_conn(LIST_FIRST(&server->conns));
    event_free(server->again);
    free(server);
}
