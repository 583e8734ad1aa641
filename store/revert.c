/* SPDX-License-Identifier: BSD-2-Clause */
/* Taking back. The list of bounces (bounced.h) says whom to look at; what the lead's own lines (undo.h) say
 * is compared with the plan here, and what follows is written by a script that changes the lead only if she
 * is still as she was read. Who lost that race is read again.
 *
 * A lead with several bounces stands in the list several times; she is told of where the last of those that
 * the plan names stands. */
#include "leadgate/revert.h"

#include "store/answer.h"
#include "store/bounced.h"
#include "store/journal.h"
#include "store/store.h"
#include "store/target.h"

#include <stdlib.h>
#include <string.h>

enum { BATCH = 256, TRIES_MOST = 1000 };

struct revert {
    struct store *store;
    struct wire *wire;
    struct target_plan plan;
    int64_t now;
    revert_fn *fn;
    void *ctx;
    struct revert_tally *tally;
    size_t n;
    struct target targets[BATCH];
};

static void send_load(struct revert *revert, const struct target *target)
{
    static const struct {
        const char *name;
        enum key_kind key;
    } loads[TARGET_LOADS] = {
        [TARGET_LEAD] = { "HGETALL", KEY_LEAD },
        [TARGET_OPTOUT] = { "GET", KEY_OPTOUT },
        [TARGET_OPTOUT_TTL] = { "PTTL", KEY_OPTOUT },
        [TARGET_UNDO] = { "GET", KEY_UNDO },
    };

    for (int i = 0; i < TARGET_LOADS; i++) {
        struct key key;
        const char *argv[] = { loads[i].name, key.text };
        size_t len[] = { strlen(loads[i].name), 0 };

        key_make(&key, loads[i].key, &target->lead);
        len[1] = key.n;
        wire_send(revert->wire, 2, argv, len);
    }
}

static enum store_rc receive_load(struct revert *revert, struct target *target, struct err *err)
{
    for (int i = 0; i < TARGET_LOADS; i++) {
        if (wire_take(revert->wire, &target->replies[i], err) == STORE_DOWN)
            return STORE_DOWN;
    }
    return STORE_OK;
}

static void send_order(struct revert *revert, struct target *target)
{
    struct commit *commit = &target->commit;

    target_make_order(target, revert->plan.plan, store_settings_of(revert->store)->retention, revert->now);
    wire_send(revert->wire, commit->argc, commit->argv, commit->len);
}

static enum store_rc receive_order(struct revert *revert, struct target *target, struct err *err)
{
    redisReply *answer = NULL;

    if (wire_receive(revert->wire, &answer, err) == STORE_DOWN)
        return STORE_DOWN;
    target->answer = answer;
    if (answer->type != REDIS_REPLY_ARRAY || answer->elements == 0) {
        err_set(err, "Redis answers to a revert: %s", answer->str);
        return wire_fail(revert->wire, err);
    }
    target->done = span_eq(answer_text(answer->element[0]), SPAN("done"));
    return STORE_OK;
}

/* --- a batch --- */

static void tell(struct revert *revert, const struct reverted *result)
{
    struct revert_tally *tally = revert->tally;

    if (result->bounces == 0 && !result->left_alone)
        return;
    tally->leads += result->bounces > 0;
    tally->bounces += result->bounces;
    tally->let_in += result->optout.present;
    tally->left_alone += result->left_alone;
    if (revert->fn != NULL)
        revert->fn(revert->ctx, result);
}

/* Somebody died between a change of this lead and its entry in the journal: that one comes first. */
static enum store_rc recover_journal(struct revert *revert, const struct target *target, struct err *err)
{
    struct span entry = answer_field(target->replies[TARGET_LEAD], SPAN("journal"));

    if (entry.n == 0)
        return STORE_OK;
    return journal_recover(revert->wire, &target->lead, entry, store_settings_of(revert->store)->journal,
                           err);
}

/* The id of the log entry that the commit made; empty when there is none. */
static struct span entry_of(const struct target *target)
{
    return target->answer != NULL && target->answer->elements > 1 ? answer_text(target->answer->element[1])
                                                                  : SPAN_NONE;
}

static enum store_rc receive_journal(struct revert *revert, struct err *err)
{
    for (size_t i = 0; i < revert->n; i++)
        if (entry_of(&revert->targets[i]).n > 0 && journal_receive(revert->wire, err) == STORE_DOWN)
            return STORE_DOWN;
    return STORE_OK;
}

static enum store_rc write_journal(struct revert *revert, struct err *err)
{
    int64_t length = store_settings_of(revert->store)->journal;

    for (size_t i = 0; i < revert->n; i++) {
        const struct target *target = &revert->targets[i];

        if (entry_of(target).n > 0)
            journal_send(revert->wire, &target->lead, entry_of(target), &target->commit, length);
    }
    if (receive_journal(revert, err) == STORE_DOWN)
        return STORE_DOWN;
    for (size_t i = 0; i < revert->n; i++)
        if (entry_of(&revert->targets[i]).n > 0)
            journal_settle(revert->wire, &revert->targets[i].lead, entry_of(&revert->targets[i]));
    return receive_journal(revert, err);
}

static void clear(struct target *target)
{
    for (int i = 0; i < TARGET_LOADS; i++)
        freeReplyObject(target->replies[i]);
    memset(target->replies, 0, sizeof(target->replies));
    freeReplyObject(target->answer);
    target->answer = NULL;
    free(target->kept);
    target->kept = NULL;
    target->writes = false;
}

static enum store_rc load(struct revert *revert, struct err *err)
{
    for (size_t i = 0; i < revert->n; i++)
        if (!revert->targets[i].done)
            send_load(revert, &revert->targets[i]);
    for (size_t i = 0; i < revert->n; i++)
        if (!revert->targets[i].done && receive_load(revert, &revert->targets[i], err) == STORE_DOWN)
            return STORE_DOWN;
    return STORE_OK;
}

/* Who is decided about is done, or `writes`. */
static enum store_rc decide(struct revert *revert, struct err *err)
{
    for (size_t i = 0; i < revert->n; i++) {
        struct target *target = &revert->targets[i];

        if (target->done)
            continue;
        target->writes = target_decide(target, &revert->plan, revert->now);
        if (!target->writes) {
            target->done = true;
            tell(revert, &target->result);
            continue;
        }
        if (target->kept == NULL) {
            err_set(err, "out of memory");
            return STORE_DOWN;
        }
        if (recover_journal(revert, target, err) == STORE_DOWN)
            return STORE_DOWN;
    }
    return STORE_OK;
}

static enum store_rc take_back(struct revert *revert, struct err *err)
{
    for (size_t i = 0; i < revert->n; i++)
        if (revert->targets[i].writes)
            send_order(revert, &revert->targets[i]);
    for (size_t i = 0; i < revert->n; i++) {
        struct target *target = &revert->targets[i];

        if (target->writes && receive_order(revert, target, err) == STORE_DOWN)
            return STORE_DOWN;
        if (target->writes && target->done)
            tell(revert, &target->result);
    }
    return write_journal(revert, err);
}

/* All that is pending is read and decided on; what is to be written goes out in one write. */
static enum store_rc run_round(struct revert *revert, struct err *err)
{
    if (wire_ready(revert->wire, err) == STORE_DOWN || load(revert, err) == STORE_DOWN ||
        decide(revert, err) == STORE_DOWN)
        return STORE_DOWN;
    return take_back(revert, err);
}

static bool is_pending(const struct revert *revert)
{
    for (size_t i = 0; i < revert->n; i++)
        if (!revert->targets[i].done)
            return true;
    return false;
}

static enum store_rc run_batch(struct revert *revert, struct err *err)
{
    enum store_rc rc = STORE_OK;

    for (int tries = 0; rc == STORE_OK && is_pending(revert); tries++) {
        if (tries == TRIES_MOST) {
            err_set(err, "%s changes in Redis faster than she can be read", revert->targets[0].lead.text);
            return STORE_DOWN;
        }
        rc = run_round(revert, err);
        for (size_t i = 0; i < revert->n; i++)
            clear(&revert->targets[i]);
    }
    revert->n = 0;
    return rc;
}

static enum store_rc take(void *ctx, const struct bounced_lead *one, struct err *err)
{
    const struct address_rules as_it_is = { .fold_local_part = false };
    struct revert *revert = ctx;
    struct target *target = &revert->targets[revert->n];
    struct err bad;

    if (!target_is_planned(&revert->plan, one->at, one->cause, one->provider) ||
        address_parse(&target->lead, ADDRESS_INTERNAL, one->lead, &as_it_is, &bad) < 0)
        return STORE_OK;
    target->at = one->at;
    target->done = false;
    return ++revert->n == BATCH ? run_batch(revert, err) : STORE_OK;
}

int64_t revert_kept(void)
{
    int64_t seconds = 0;

    (void)span_int64(SPAN(UNDO_KEPT), &seconds);
    return seconds;
}

enum store_rc revert_run(struct store *store, const struct revert_plan *plan, int64_t now, revert_fn *fn,
                         void *ctx, struct revert_tally *tally, struct err *err)
{
    struct revert *revert = calloc(1, sizeof(*revert));
    enum store_rc rc;

    *tally = (struct revert_tally){ .leads = 0 };
    if (revert == NULL) {
        err_set(err, "out of memory");
        return STORE_DOWN;
    }
    revert->store = store;
    revert->wire = store_wire(store);
    revert->plan.plan = plan;
    undo_provider(revert->plan.provider, plan->provider);
    revert->now = now;
    revert->fn = fn;
    revert->ctx = ctx;
    revert->tally = tally;
    rc = bounced_each(revert->wire, plan->since, now, take, revert, err);
    if (rc == STORE_OK)
        rc = run_batch(revert, err);
    free(revert);
    return rc;
}
