/* SPDX-License-Identifier: BSD-2-Clause */
/* policy_server: connections on which Postfix asks, on a libevent loop. What to answer is the caller's: it
 * gives a function that decides, so that the same server runs with Redis behind it, in tests, and as the
 * do-nothing floor of the benchmark. One loop, one thread.
 *
 * Each connection has at most one open question; what a client sent ahead waits in its buffer, and answers
 * keep the order of the questions. Connections are closed only when the client closed them, sent what is no
 * request, or the server stops: Postfix keeps idle ones for 300 s, and a closed one costs it a second. */
#ifndef POLICY_SERVER_H
#define POLICY_SERVER_H

#include "leadgate/address.h"
#include "policy/policy_proto.h"
#include "policy/policy_sign.h"

struct event_base;
struct policy_server;

/* One request that waits for its answer. */
struct policy_question {
    struct policy_request request; /* values live until the answer */
    struct address lead;           /* the decider's to use: so no decision needs an allocation */
    bool closely;                  /* the same: the lead has been asked about in full */
    int counts_for;                /* the same: and stands for so many of whom that was not done */
    struct policy_signed before;   /* the same, kept from one question of a connection to the next */
    void *ctx;                     /* as given to policy_server_new() */
};

/* Must lead to exactly one policy_server_answer(), before it returns or later, but not after
 * policy_server_free(). */
typedef void policy_decide_fn(struct policy_question *question);

/* NULL when out of memory. */
struct policy_server *policy_server_new(struct event_base *base, policy_decide_fn *decide, void *ctx);
/* Closes what is open. NULL is fine. */
void policy_server_free(struct policy_server *server);

/* Takes connections from a listening, non-blocking socket, which stays the caller's. 0, or -1 when out of
 * memory. */
int policy_server_listen(struct policy_server *server, int fd);

/* Answers: action is copied. The question is over and its connection may be gone when this returns. */
void policy_server_answer(struct policy_question *question, const char *action);

/* Takes no more connections or questions, and ends the loop when the last open question is answered. */
void policy_server_stop(struct policy_server *server);

#endif
