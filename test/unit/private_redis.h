/* SPDX-License-Identifier: BSD-2-Clause */
/* private_redis: a real redis-server for one test program, on a unix socket in a temporary directory. */
#ifndef LEADGATE_TEST_PRIVATE_REDIS_H
#define LEADGATE_TEST_PRIVATE_REDIS_H

#include "leadgate/store.h"

#include <sys/types.h>

struct private_redis {
    char dir[64];
    pid_t pid;
    struct store_settings settings; /* where it is; a short time-out */
};

/* Makes the directory and starts the server; aborts the program when that fails. */
void private_redis_init(struct private_redis *redis);
/* Starts and stops (SIGKILL) the server; start returns when it answers, or is LOADING. slow_loading: with so
 * long a pause before each key it loads, in microseconds; 0 = none. */
void private_redis_start(struct private_redis *redis, int slow_loading);
void private_redis_stop(struct private_redis *redis);
/* Stops the server and removes the directory. */
void private_redis_deinit(struct private_redis *redis);

/* Runs one command as an operator would (redisCommand() formats), and returns its answer as text: "(nil)",
 * "(error) ...", a number, a string, or elements joined by blanks. Static storage, until the next call. */
const char *private_redis_cli(struct private_redis *redis, const char *fmt, ...);

#endif
