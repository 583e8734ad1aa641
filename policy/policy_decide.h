/* SPDX-License-Identifier: BSD-2-Clause */
/* policy_decide: the decision itself: a question of Postfix becomes a question to Redis, its answer a reply
 * and, where something is refused, a log line. One loop, one thread. */
#ifndef POLICY_DECIDE_H
#define POLICY_DECIDE_H

#include "leadgate/settings.h"
#include "policy/policy_server.h"

struct event_base;
struct policy_decider;

/* Starts to connect to Redis. settings is borrowed and must outlive the decider. NULL when out of memory. */
struct policy_decider *policy_decider_new(struct event_base *base, const struct settings *settings);
/* Open questions are answered as if Redis were away. NULL is fine. */
void policy_decider_free(struct policy_decider *decider);

/* Runs the loop until Redis has answered or failed for the first time: what is asked before that would be
 * decided without it. No longer than its timeout. */
void policy_decider_settle(struct policy_decider *decider);

/* Adds to leadgate:counters what is still counted here; waits no longer than Redis's timeout. For the end of
 * the program, when nothing is decided any more. */
void policy_decider_flush(struct policy_decider *decider);

/* Decides by other settings from now on, but still asks the same Redis. Borrowed likewise. */
void policy_decider_use(struct policy_decider *decider, const struct settings *settings);

/* A policy_decide_fn; question->ctx is the decider. */
void policy_decide(struct policy_question *question);

#endif
