/* SPDX-License-Identifier: BSD-2-Clause */
/* hiredis asks for a write with addWrite after each command, and says delWrite when all is written. The first
 * write waits for the connection. Later ones are tried at the end of the turn, by an event that is made
 * active by hand and so runs behind all that the loop has at hand; only when the socket takes less than all
 * is its writability waited for (a unix socket takes some 280 small writes). */
#include "store/loop_adapter.h"

#include <event2/event.h>
#include <stdlib.h>

struct loop_adapter {
    redisAsyncContext *context;
    struct event *readable, *writable, *end_of_turn;
    bool connected;
    bool writing; /* a write was begun and has not written all */
};

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct loop_adapter *adapter = arg;

    (void)fd;
    (void)what;
    redisAsyncHandleRead(adapter->context);
}

/* The context, and the adapter with it, may be gone after redisAsyncHandleWrite(). */
static void on_writable(evutil_socket_t fd, short what, void *arg)
{
    struct loop_adapter *adapter = arg;

    (void)fd;
    (void)what;
    adapter->connected = true;
    adapter->writing = true;
    redisAsyncHandleWrite(adapter->context);
}

static void on_end_of_turn(evutil_socket_t fd, short what, void *arg)
{
    struct loop_adapter *adapter = arg;

    (void)fd;
    (void)what;
    adapter->writing = true;
    redisAsyncHandleWrite(adapter->context);
}

static void stay_readable(void *arg)
{
    (void)arg;
}

static void add_write(void *arg)
{
    struct loop_adapter *adapter = arg;

    if (!adapter->connected || adapter->writing)
        event_add(adapter->writable, NULL);
    else
        event_active(adapter->end_of_turn, EV_TIMEOUT, 1);
}

static void del_write(void *arg)
{
    struct loop_adapter *adapter = arg;

    adapter->writing = false;
    event_del(adapter->writable);
}

static void cleanup(void *arg)
{
    struct loop_adapter *adapter = arg;

    if (adapter->readable != NULL)
        event_free(adapter->readable);
    if (adapter->writable != NULL)
        event_free(adapter->writable);
    if (adapter->end_of_turn != NULL)
        event_free(adapter->end_of_turn);
    free(adapter);
}

bool loop_adapter_attach(redisAsyncContext *context, struct event_base *base)
{
    struct loop_adapter *adapter = calloc(1, sizeof(*adapter));
    int fd = context->c.fd;

    if (adapter == NULL)
        return false;
    adapter->context = context;
    adapter->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, adapter);
    adapter->writable = event_new(base, fd, EV_WRITE, on_writable, adapter);
    adapter->end_of_turn = event_new(base, -1, 0, on_end_of_turn, adapter);
    if (adapter->readable == NULL || adapter->writable == NULL || adapter->end_of_turn == NULL ||
        event_add(adapter->readable, NULL) < 0 || event_add(adapter->writable, NULL) < 0) {
        cleanup(adapter);
        return false;
    }
    context->ev.addRead = stay_readable;
    context->ev.delRead = stay_readable;
    context->ev.addWrite = add_write;
    context->ev.delWrite = del_write;
    context->ev.cleanup = cleanup;
    context->ev.data = adapter;
    return true;
}
