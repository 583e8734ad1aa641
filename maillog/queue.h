/* SPDX-License-Identifier: BSD-2-Clause */
/* queue: what has been read of the messages that are in Postfix's queue: who sent them, which recipients
 * still wait. Bounded: the message used longest ago makes room. A recipient who waits beside another one of
 * the same message takes the room of one more message.
 *
 * A struct queued is good until queue_take() or queue_remove(). */
#ifndef MAILLOG_QUEUE_H
#define MAILLOG_QUEUE_H

#include "maillog/waiting.h"

#define QUEUE_WAITING 1000 /* recipients kept of one message; of more, only the DSN tells */

struct queue;
struct queued; /* one message */

/* What is kept of a message's lines. */
enum queued_text {
    QUEUED_KEY, /* `host instance queueid` */
    QUEUED_SENDER,
    QUEUED_MESSAGE_ID,
    QUEUED_CLIENT,
    QUEUED_USER,
    QUEUED_TEXTS
};

struct queue *queue_new(size_t messages); /* at least 1. NULL when out of memory */
void queue_free(struct queue *queue);     /* NULL is fine */
int64_t queue_forgotten(const struct queue *queue);

/* NULL when nothing is known of it. */
struct queued *queue_find(struct queue *queue, struct span key);
/* Finds or adds. NULL when out of memory, or for a key longer than any text that is kept. */
struct queued *queue_take(struct queue *queue, struct span key);
void queue_remove(struct queue *queue, struct queued *message);
/* Forgets all but its key: another message has got its queue id. */
void queue_restart(struct queue *queue, struct queued *message);

/* Empty when not known. */
struct span queued_text(const struct queued *message, enum queued_text which);
/* A text longer than any real one, or for which there is no memory, is not kept. */
void queued_set(struct queued *message, enum queued_text which, struct span text);

/* The queue manager has named the sender; an empty one is the null sender. */
bool queued_is_active(const struct queued *message);
void queued_set_active(struct queued *message);

/* Recipients who wait. */
const struct waiter *queued_waiting(const struct queued *message); /* NULL = none */
void queue_wait(struct queue *queue, struct queued *message, struct span to, const struct waiting *waiting);
void queue_settle(struct queue *queue, struct queued *message, struct span to);
void queue_settle_all(struct queue *queue, struct queued *message);

#endif
