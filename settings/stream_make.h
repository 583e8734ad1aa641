/* SPDX-License-Identifier: BSD-2-Clause */
/* stream_make: what `streams` in the settings says, checked once and turned into what a decision needs.
 * Inside settings/ only. */
#ifndef SETTINGS_STREAM_MAKE_H
#define SETTINGS_STREAM_MAKE_H

#include "leadgate/network.h"
#include "leadgate/settings.h"

/* One entry of match.sender. */
struct sender_pattern {
    enum { SENDER_NULL = 1, SENDER_DOMAIN, SENDER_ADDRESS } kind;
    struct address address; /* SENDER_DOMAIN: of its local part nothing is meant */
};

/* The conditions of one stream. An empty list is none; of one that is not empty any entry will do. */
struct stream_match {
    struct sender_pattern *senders;
    size_t n_senders;
    struct network *clients;
    size_t n_clients;
    const struct config_texts *sasl_username, *policy_context, *server_port, *ccert_fingerprint;
};

/* `<>`, `ann@example.com`, `@example.com` or `example.com`. False with err. */
bool sender_pattern_parse(struct sender_pattern *out, const char *text, bool fold_local_part,
                          struct err *err);

/* The causes that a word of `causes` stands for, 1 << cause each; it is a cause's name or a group's. False
 * when it is neither. */
bool stream_causes(struct span word, uint32_t *causes);

/* The words that are groups, with ", " between them. */
#define STREAM_CAUSE_GROUPS "all, none, hard, soft, lead, sender, message, transient, will"

/* A config_table.check: what streams must have in common. */
bool streams_check(const struct config_items *items, struct config_fault *fault, struct err *err);

/* Fills in settings->streams. 0, or -1 with err. */
int streams_make(struct settings *settings, struct err *err);
void streams_free(struct streams *streams); /* leaves it empty; twice is fine */

#endif
