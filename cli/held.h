/* SPDX-License-Identifier: BSD-2-Clause */
/* held: whether a lead's mail waits for the sake of her provider, as the policy server judges it
 * (policy_hold.c), and what his incident makes of her next bounce. The guard is another matter. */
#ifndef LEADGATE_CLI_HELD_H
#define LEADGATE_CLI_HELD_H

#include "cli/session.h"
#include "leadgate/store_incident.h"

struct held {
    char provider[PROVIDER_SIZE]; /* who answers for her domain; "" = he has no name */
    bool present;                 /* he is held, or only a part of his leads passes; else the rest is unset */
    bool by_hand;                 /* an operator's hold; else an incident's doing */
    enum incident_sign sign;
    char by[INCIDENT_BY_SIZE];      /* who opened the incident; "" = not said */
    int64_t since, until;           /* 0 = not known; of a hold by hand: until it is deleted */
    int percent;                    /* of his leads who pass */
    bool passes;                    /* she is one of them */
    struct incident_brief incident; /* what her next bounce is judged by; present or not */
};

enum store_rc held_find(struct session *session, const struct address *lead, struct held *out,
                        struct err *err);

/* Why no hold is for her, be it the provider's or the domain's; NULL: it is. */
const char *held_exception(const struct session *session, const struct address *lead,
                           const struct dossier *dossier);

/* `big.test, by its incident (dead) since T; 5 % pass, she does not`, for one who is present. */
void held_print(const struct held *held);

#endif
