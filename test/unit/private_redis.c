/* SPDX-License-Identifier: BSD-2-Clause */
#include "private_redis.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <hiredis/hiredis.h>

static void die(const char *what)
{
    perror(what);
    abort();
}

void private_redis_init(struct private_redis *redis)
{
    *redis = (struct private_redis){
        .settings = { .timeout = 300, .retention = 400 * 86400, .journal = 1000, .unverified = 1000 }
    };
    snprintf(redis->dir, sizeof(redis->dir), "/tmp/leadgate-test.XXXXXX");
    if (mkdtemp(redis->dir) == NULL)
        die("mkdtemp");
    redis->settings.address.kind = ENDPOINT_UNIX;
    snprintf(redis->settings.address.host, sizeof(redis->settings.address.host), "%s/redis.sock", redis->dir);
    private_redis_start(redis, 0);
}

/* Whether the server takes connections; it does while it loads, too. */
static bool answers(struct private_redis *redis)
{
    redisContext *context = redisConnectUnix(redis->settings.address.host);
    redisReply *reply = context == NULL || context->err ? NULL : redisCommand(context, "PING");
    bool answered = reply != NULL;

    freeReplyObject(reply);
    if (context != NULL)
        redisFree(context);
    return answered;
}

void private_redis_start(struct private_redis *redis, int slow_loading)
{
    const struct timespec moment = { .tv_nsec = 10000000 };
    char delay[16];

    snprintf(delay, sizeof(delay), "%d", slow_loading);
    redis->pid = fork();
    if (redis->pid < 0)
        die("fork");
    if (redis->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", redis->settings.address.host,
               "--dir", redis->dir, "--save", "", "--enable-debug-command", "yes", "--logfile", "redis.log",
               "--key-load-delay", delay, "--loading-process-events-interval-bytes", "1024", NULL);
        die("redis-server");
    }
    for (int tries = 0; !answers(redis); tries++) {
        if (tries > 1000 || waitpid(redis->pid, NULL, WNOHANG) != 0)
            die("redis-server does not answer");
        nanosleep(&moment, NULL);
    }
}

void private_redis_stop(struct private_redis *redis)
{
    if (redis->pid == 0)
        return;
    kill(redis->pid, SIGKILL);
    waitpid(redis->pid, NULL, 0);
    redis->pid = 0;
    unlink(redis->settings.address.host);
}

void private_redis_deinit(struct private_redis *redis)
{
    static const char *const files[] = { "redis.sock", "redis.log", "dump.rdb" };
    char path[128];

    private_redis_stop(redis);
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", redis->dir, files[i]);
        unlink(path);
    }
    if (rmdir(redis->dir) != 0)
        die(redis->dir);
}

static void show(char *dst, size_t size, const redisReply *reply)
{
    size_t n = 0;

    switch (reply->type) {
    case REDIS_REPLY_NIL: snprintf(dst, size, "(nil)"); break;
    case REDIS_REPLY_ERROR: snprintf(dst, size, "(error) %s", reply->str); break;
    case REDIS_REPLY_INTEGER: snprintf(dst, size, "%lld", reply->integer); break;
    case REDIS_REPLY_ARRAY:
        dst[0] = '\0';
        for (size_t i = 0; i < reply->elements && n < size; i++) {
            if (i > 0)
                n += (size_t)snprintf(dst + n, size - n, " ");
            show(dst + n, size - n, reply->element[i]);
            n += strlen(dst + n);
        }
        break;
    default: snprintf(dst, size, "%s", reply->str); break;
    }
}

const char *private_redis_cli(struct private_redis *redis, const char *fmt, ...)
{
    static char text[65536];
    redisContext *context = redisConnectUnix(redis->settings.address.host);
    redisReply *reply;
    va_list ap;

    if (context == NULL || context->err)
        die("redis");
    va_start(ap, fmt);
    reply = redisvCommand(context, fmt, ap);
    va_end(ap);
    if (reply == NULL)
        die("redis");
    show(text, sizeof(text), reply);
    freeReplyObject(reply);
    redisFree(context);
    return text;
}
