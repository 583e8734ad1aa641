/* SPDX-License-Identifier: BSD-2-Clause */
/* domain: asks who answers for a recipient domain and how things stand with him, in one step: what is held,
 * what is open and what was sent is found under the provider's name, and that under the domain's. */
#ifndef LEADGATE_STORE_DOMAIN_H
#define LEADGATE_STORE_DOMAIN_H

#include "leadgate/address.h"
#include "leadgate/provider_state.h"
#include "leadgate/store.h"
#include "store/keys.h"
#include "store/query.h"

#include <hiredis/hiredis.h>

/* Of an incident that no leader has looked at for an hour nobody is held: so many seconds are left then of
 * the day for which it is kept (incident_change.c). One of an operator's hand may have no end. */
#define INCIDENT_NEGLECTED "82800"

/* A script, for SCRIPT LOAD. Answers a list of what domain_question_read() reads. */
extern const char place_script[];

enum { DOMAIN_KEYS = 3, DOMAIN_ARGS = DOMAIN_KEYS + 8 };

/* An EVALSHA in hiredis's argv form; the strings live as long as the question and what it is made
 * of. */
struct domain_question {
    struct key keys[DOMAIN_KEYS];
    const char *argv[DOMAIN_ARGS];
    size_t len[DOMAIN_ARGS];
    char now[24], five[24], since[24];
    int argc; /* DOMAIN_ARGS */
};

/* sha: the loaded script's name. The domain of `lead` is asked about; otherwise: who answers where Redis
 * knows nobody; streams: names with blanks between them; now: seconds. */
void domain_question_make(struct domain_question *question, const char *sha, const struct address *lead,
                          struct span otherwise, struct span streams, int64_t now);

/* STORE_DOWN: Redis cannot serve now. *out borrows from the reply. */
enum store_rc domain_question_read(const redisReply *reply, struct provider_state *out, struct err *err);

/* n more risky leads of a provider were let pass now. The texts live as long as the command and what it is
 * made of. */
struct passed_command {
    struct key key;
    struct query query;
    char five[24], n[24], now[24];
};

void passed_command_make(struct passed_command *command, struct span provider, int64_t n, int64_t now);

#endif
