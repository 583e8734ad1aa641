/* SPDX-License-Identifier: BSD-2-Clause */
/* A list, the counter used last in front: few names make up nearly all of what is counted. To flush is to
 * take the whole list; so nothing is kept of names that are not used any more, and what is counted meanwhile
 * starts a list of its own. */
#include "store/counters.h"

#include "leadgate/logline.h"
#include "store/backoff.h"
#include "store/keys.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EVERY_MS = 1000 };

struct counters {
    pthread_mutex_t lock;
    struct counter *first;
    size_t n;
    int64_t taken; /* monotonic milliseconds, when the list was last taken */
    bool refused;  /* Redis did not take all of it, and that was said; the flushing thread's */
};

struct counters *counters_new(void)
{
    struct counters *counters = calloc(1, sizeof(*counters));

    if (counters != NULL)
        pthread_mutex_init(&counters->lock, NULL);
    return counters;
}

static void free_list(struct counter *first)
{
    while (first != NULL) {
        struct counter *next = first->next;

        free(first);
        first = next;
    }
}

void counters_free(struct counters *counters)
{
    if (counters == NULL)
        return;
    free_list(counters->first);
    pthread_mutex_destroy(&counters->lock);
    free(counters);
}

static struct counter *find(struct counters *counters, struct span name)
{
    for (struct counter **at = &counters->first; *at != NULL; at = &(*at)->next) {
        struct counter *counter = *at;

        if (counter->n != name.n || memcmp(counter->name, name.p, name.n) != 0)
            continue;
        *at = counter->next;
        counter->next = counters->first;
        counters->first = counter;
        return counter;
    }
    return NULL;
}

static void link_first(struct counters *counters, struct counter *counter)
{
    counter->next = counters->first;
    counters->first = counter;
    counters->n++;
}

static struct counter *make(struct counters *counters, struct span name, bool gauge)
{
    struct counter *counter = malloc(sizeof(*counter) + name.n);

    if (counter == NULL)
        return NULL;
    *counter = (struct counter){ .gauge = gauge, .n = name.n };
    memcpy(counter->name, name.p, name.n);
    link_first(counters, counter);
    return counter;
}

/* The lock is held. NULL when there is no memory, or no room for one more gauge. */
static struct counter *find_or_make(struct counters *counters, struct span name, bool gauge)
{
    struct counter *counter = find(counters, name);

    if (counter != NULL || counters->n < COUNTERS_MOST)
        return counter != NULL ? counter : make(counters, name, gauge);
    if (gauge)
        return NULL;
    counter = find(counters, SPAN("other"));
    return counter != NULL ? counter : make(counters, SPAN("other"), false);
}

static void append(char name[COUNTER_NAME_SIZE], const char *word)
{
    size_t n = strlen(name);

    if (n > 0 && n < COUNTER_NAME_SIZE - 1)
        name[n++] = '.';
    span_excerpt(name + n, COUNTER_NAME_SIZE - n, span_of(word));
}

void counters_add(struct counters *counters, int64_t n, const char *word, ...)
{
    char name[COUNTER_NAME_SIZE] = "";
    struct counter *counter;
    va_list words;

    if (counters == NULL || n == 0)
        return;
    va_start(words, word);
    for (; word != NULL; word = va_arg(words, const char *))
        append(name, word);
    va_end(words);
    pthread_mutex_lock(&counters->lock);
    if ((counter = find_or_make(counters, span_of(name), false)) != NULL)
        counter->amount += n;
    pthread_mutex_unlock(&counters->lock);
}

void counters_gauge(struct counters *counters, const char *group, const char *name, int64_t value)
{
    char text[COUNTER_NAME_SIZE] = "";
    struct counter *counter;

    if (counters == NULL)
        return;
    append(text, group);
    append(text, name);
    pthread_mutex_lock(&counters->lock);
    if ((counter = find_or_make(counters, span_of(text), true)) != NULL)
        counter->amount = value;
    pthread_mutex_unlock(&counters->lock);
}

void counters_note_event(struct counters *counters, const struct event *event, const struct outcome *outcome)
{
    bool failure = event->type == EVENT_BOUNCE || event->type == EVENT_DEFERRED;

    counters_add(counters, 1, "events", event_source_name(event->source), event_type_name(event->type),
                 failure && event->cause != CAUSE_NONE ? cause_name(event->cause) : NULL, NULL);
    counters_add(counters, 1, "effects", effect_name(outcome->effect), NULL);
    if (outcome->excused && outcome->effect != EFFECT_REPEAT)
        counters_add(counters, 1, "effects", "excused", NULL);
    if (outcome->change.kind == CHANGE_LIFT)
        counters_add(counters, 1, "effects", change_name(CHANGE_LIFT), NULL);
    if (event->cause != CAUSE_NONE && event->rule != NULL && event->rule[0] != '\0')
        counters_add(counters, 1, "rules", event->rule, NULL);
}

bool counters_waiting(struct counters *counters)
{
    bool any;

    pthread_mutex_lock(&counters->lock);
    any = counters->first != NULL;
    pthread_mutex_unlock(&counters->lock);
    return any;
}

bool counters_due(struct counters *counters)
{
    bool due;

    pthread_mutex_lock(&counters->lock);
    due = counters->first != NULL && monotonic_ms() >= counters->taken + EVERY_MS;
    pthread_mutex_unlock(&counters->lock);
    return due;
}

/* --- what leaves the table --- */

bool batch_take(struct batch *batch, struct counters *counters)
{
    *batch = (struct batch){ .counters = counters };
    pthread_mutex_lock(&counters->lock);
    batch->first = counters->first;
    counters->first = NULL;
    counters->n = 0;
    counters->taken = monotonic_ms();
    pthread_mutex_unlock(&counters->lock);
    return batch->first != NULL;
}

/* A gauge that was measured again meanwhile has its newer value. */
static void put_back(struct counters *counters, struct counter *counter)
{
    struct counter *there;

    pthread_mutex_lock(&counters->lock);
    there = find(counters, (struct span){ counter->name, counter->n });
    if (there == NULL && counters->n < COUNTERS_MOST) {
        link_first(counters, counter);
        counter = NULL;
    } else if (there == NULL) {
        there = find_or_make(counters, SPAN("other"), counter->gauge);
    }
    if (counter != NULL && there != NULL && !counter->gauge)
        there->amount += counter->amount;
    pthread_mutex_unlock(&counters->lock);
    free(counter);
}

/* Says what Redis has against it, and that it has nothing any more, when it is news. */
static void tell_news(const struct batch *batch)
{
    bool refused = batch->refusal.text[0] != '\0';

    if (refused && !batch->counters->refused)
        log_say(LOG_WARNING, COUNTERS_KEY ": Redis answers: %s; what is counted waits", batch->refusal.text);
    if (!refused && batch->counters->refused)
        log_say(LOG_NOTICE, COUNTERS_KEY ": Redis takes counts again");
    batch->counters->refused = refused;
}

void batch_answer(struct batch *batch, const redisReply *reply)
{
    struct counter *counter = batch->first;
    bool refused = reply != NULL && reply->type == REDIS_REPLY_ERROR;

    batch->first = counter->next;
    if (refused) {
        if (batch->refusal.text[0] == '\0')
            err_set(&batch->refusal, "%s", reply->str);
        put_back(batch->counters, counter);
    } else {
        free(counter);
    }
    if (batch->first == NULL && reply != NULL)
        tell_news(batch);
}

void batch_keep(struct batch *batch, struct counter **rest)
{
    while (*rest != NULL) {
        struct counter *counter = *rest;

        *rest = counter->next;
        put_back(batch->counters, counter);
    }
}

void counter_command_make(struct counter_command *command, const struct counter *counter)
{
    const struct span words[COUNTER_ARGS] = {
        counter->gauge ? SPAN("HSET") : SPAN("HINCRBY"),
        SPAN(COUNTERS_KEY),
        { counter->name, counter->n },
        { command->amount,
          (size_t)snprintf(command->amount, sizeof(command->amount), "%" PRId64, counter->amount) },
    };

    for (int i = 0; i < COUNTER_ARGS; i++) {
        command->argv[i] = words[i].p;
        command->len[i] = words[i].n;
    }
}
