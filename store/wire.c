/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/wire.h"

#include "store/answer.h"
#include "store/backoff.h"
#include "store/commit.h"
#include "store/provider_note.h"
#include "store/provider_sum.h"
#include "store/shares.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

enum { SHA_SIZE = 41 }; /* SHA-1 in hexadecimal, as Redis names scripts */

struct wire {
    const struct store_settings *settings;
    redisContext *context;
    int64_t session;
    struct backoff backoff;
    char scripts[SCRIPTS][SHA_SIZE];
    char last_error[sizeof(((struct err *)0)->text)]; /* answered again while the back-off lasts */
};

struct wire *wire_new(const struct store_settings *settings)
{
    struct wire *wire = calloc(1, sizeof(*wire));

    if (wire != NULL)
        wire->settings = settings;
    return wire;
}

static void close_context(struct wire *wire)
{
    if (wire->context != NULL)
        redisFree(wire->context);
    wire->context = NULL;
}

void wire_free(struct wire *wire)
{
    if (wire == NULL)
        return;
    close_context(wire);
    free(wire);
}

const char *wire_script(const struct wire *wire, enum script script)
{
    return wire->scripts[script];
}

enum store_rc wire_fail(struct wire *wire, const struct err *err)
{
    span_excerpt(wire->last_error, sizeof(wire->last_error), span_of(err->text));
    close_context(wire);
    backoff_failed(&wire->backoff);
    return STORE_DOWN;
}

void wire_send(struct wire *wire, int argc, const char **argv, const size_t *len)
{
    /* It fails only for want of memory; then context->err is set and the next wire_receive() says so. */
    redisAppendCommandArgv(wire->context, argc, argv, len);
}

enum store_rc wire_receive(struct wire *wire, redisReply **out, struct err *err)
{
    void *reply = NULL;

    if (redisGetReply(wire->context, &reply) == REDIS_OK) {
        *out = reply;
        return STORE_OK;
    }
    /* A receive time-out (SO_RCVTIMEO) shows as EAGAIN. */
    if (wire->context->err == REDIS_ERR_IO && (errno == EAGAIN || errno == EWOULDBLOCK))
        err_set(err, "Redis did not answer within %lld ms", (long long)wire->settings->timeout);
    else
        err_set(err, "connection to Redis lost: %s", wire->context->errstr);
    return wire_fail(wire, err);
}

enum store_rc wire_take(struct wire *wire, redisReply **out, struct err *err)
{
    *out = NULL;
    if (wire_receive(wire, out, err) == STORE_DOWN)
        return STORE_DOWN;
    if (answer_check(*out, err) == STORE_OK)
        return STORE_OK;
    freeReplyObject(*out);
    *out = NULL;
    return wire_fail(wire, err);
}

enum store_rc wire_ask(struct wire *wire, int argc, const char **argv, const size_t *len, redisReply **out,
                       struct err *err)
{
    *out = NULL;
    if (wire_ready(wire, err) == STORE_DOWN)
        return STORE_DOWN;
    wire_send(wire, argc, argv, len);
    return wire_take(wire, out, err);
}

/* One command whose answer must be no error. */
static enum store_rc demand(struct wire *wire, int argc, const char **argv, redisReply **out, struct err *err)
{
    redisReply *reply = NULL;
    size_t len[4];

    for (int i = 0; i < argc; i++)
        len[i] = strlen(argv[i]);
    wire_send(wire, argc, argv, len);
    if (wire_receive(wire, &reply, err) == STORE_DOWN)
        return STORE_DOWN;
    if (reply->type == REDIS_REPLY_ERROR) {
        err_set(err, "Redis answers to %s: %s", argv[0], reply->str);
        freeReplyObject(reply);
        return wire_fail(wire, err);
    }
    if (out != NULL)
        *out = reply;
    else
        freeReplyObject(reply);
    return STORE_OK;
}

enum store_rc wire_load_scripts(struct wire *wire, struct err *err)
{
    static const char *const texts[SCRIPTS] = {
        [SCRIPT_COMMIT] = commit_script, [SCRIPT_QUESTION] = question_script, [SCRIPT_NOTE] = note_script,
        [SCRIPT_LEARN] = learn_script,   [SCRIPT_SUM] = sum_script,           [SCRIPT_SHARES] = shares_script,
    };

    for (int i = 0; i < SCRIPTS; i++) {
        const char *argv[] = { "SCRIPT", "LOAD", texts[i] };
        redisReply *reply = NULL;

        if (demand(wire, 3, argv, &reply, err) == STORE_DOWN)
            return STORE_DOWN;
        if (!span_copy(wire->scripts[i], sizeof(wire->scripts[i]), answer_text(reply)))
            wire->scripts[i][0] = '\0';
        freeReplyObject(reply);
    }
    return STORE_OK;
}

static enum store_rc greet(struct wire *wire, struct err *err)
{
    const struct store_settings *settings = wire->settings;
    char database[24];

    if (settings->password != NULL && settings->password[0] != '\0') {
        bool named = settings->username != NULL && settings->username[0] != '\0';
        const char *argv[] = { "AUTH", named ? settings->username : settings->password, settings->password };

        if (demand(wire, named ? 3 : 2, argv, NULL, err) == STORE_DOWN)
            return STORE_DOWN;
    }
    if (settings->database != 0) {
        const char *argv[] = { "SELECT", database };

        snprintf(database, sizeof(database), "%lld", (long long)settings->database);
        if (demand(wire, 2, argv, NULL, err) == STORE_DOWN)
            return STORE_DOWN;
    }
    return wire_load_scripts(wire, err);
}

/* Nothing is outstanding, so anything to be read means that Redis has closed, or is out of step. */
static bool is_stale(const struct wire *wire)
{
    struct pollfd fd = { .fd = wire->context->fd, .events = POLLIN };

    return poll(&fd, 1, 0) != 0;
}

enum store_rc wire_ready(struct wire *wire, struct err *err)
{
    const struct endpoint *address = &wire->settings->address;
    struct timeval timeout = { .tv_sec = wire->settings->timeout / 1000,
                               .tv_usec = wire->settings->timeout % 1000 * 1000 };
    char name[ENDPOINT_TEXT_SIZE];

    if (wire->context != NULL && !is_stale(wire))
        return STORE_OK;
    close_context(wire);
    if (!backoff_may_try(&wire->backoff)) {
        err_set(err, "%s", wire->last_error);
        return STORE_DOWN;
    }
    wire->context = address->kind == ENDPOINT_UNIX
                        ? redisConnectUnixWithTimeout(address->host, timeout)
                        : redisConnectWithTimeout(address->host, address->port, timeout);
    if (wire->context == NULL || wire->context->err != 0 ||
        redisSetTimeout(wire->context, timeout) != REDIS_OK) {
        err_set(err, "cannot connect to Redis at %s: %s", endpoint_text(name, address),
                wire->context == NULL ? "out of memory" : wire->context->errstr);
        return wire_fail(wire, err);
    }
    if (greet(wire, err) == STORE_DOWN)
        return STORE_DOWN;
    backoff_succeeded(&wire->backoff);
    wire->session++;
    return STORE_OK;
}

int64_t wire_session(const struct wire *wire)
{
    return wire->session;
}

enum store_rc wire_still(struct wire *wire, int64_t session, struct err *err)
{
    if (wire_ready(wire, err) == STORE_DOWN)
        return STORE_DOWN;
    if (wire->session == session)
        return STORE_OK;
    err_set(err, "connection to Redis lost, and made anew");
    return STORE_DOWN;
}
