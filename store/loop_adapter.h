/* SPDX-License-Identifier: BSD-2-Clause */
/* loop_adapter: hiredis on a libevent loop. hiredis's own adapter takes its read event off the loop at each
 * answer and puts it back, and waits for writability before each write: four system calls and a turn of the
 * loop for each batch of questions. Here the read event stays, and what was asked in a turn is written at its
 * end. */
#ifndef LEADGATE_STORE_LOOP_ADAPTER_H
#define LEADGATE_STORE_LOOP_ADAPTER_H

#include <hiredis/async.h>
#include <stdbool.h>

struct event_base;

/* Right after the context was made. False when out of memory; else the adapter is freed with the context. */
bool loop_adapter_attach(redisAsyncContext *context, struct event_base *base);

#endif
