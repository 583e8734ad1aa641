/* SPDX-License-Identifier: BSD-2-Clause */
/* stream: mail of one kind (newsletters, invoices), as the operator tells them apart, and what of all that
 * stands against a recipient counts there (design: "Streams"). Pure: no I/O, no clock, no allocation; any
 * thread. Streams belong to their settings and live as long. */
#ifndef LEADGATE_STREAM_H
#define LEADGATE_STREAM_H

#include "leadgate/address.h"
#include "leadgate/config.h"
#include "leadgate/span.h"
#include "leadgate/store.h"

#include <stdbool.h>
#include <stdint.h>

struct settings;
struct stream_match;
struct streams;

enum enforce { ENFORCE_ON, ENFORCE_OBSERVE, ENFORCE_OFF, ENFORCE_INHERIT };

struct stream {
    const char *name;
    int enforce;                /* enum enforce, never ENFORCE_INHERIT */
    uint32_t causes;            /* 1 << cause for each that is enforced */
    unsigned channels;          /* of enum channel, or-ed: by which its mail is signed */
    struct address unsubscribe; /* to which its recipients write to leave it; n == 0: there is none */
    int64_t duplicates;         /* seconds in which a lead gets a campaign once; 0 = it is not looked at */
    const char *reply_temporary, *reply_permanent;
    const struct config_texts
        *refusals_of;                    /* what recipients said to these counts, too; NULL = to any stream */
    const struct stream_match *match;    /* NULL = all mail */
    const struct config_texts *list_ids; /* of its mail; NULL = none */
    const struct streams *among;         /* all that there are */
};

/* What a stream may be called: up to STREAM_NAME_SIZE - 1 letters, digits, '-', '_' and '.'. */
bool stream_is_name(struct span text);

/* In the order of the settings; at least one, and the last one matches all mail. */
struct streams {
    struct stream *item;
    size_t n;
    bool some_off; /* one or more have ENFORCE_OFF */
};

/* What is known of a mail at its RCPT TO. What is not known is empty, and meets no condition. */
struct stream_request {
    struct span sender;            /* as the MTA spells it; empty or <> = the null sender */
    enum address_form sender_form; /* how to read it */
    struct span sasl_username, client_address, policy_context, server_port;
    struct span ccert_fingerprint, ccert_pubkey_fingerprint; /* either may be the one that is asked for */
};

/* The first stream that matches; never NULL. */
const struct stream *stream_find(const struct settings *settings, const struct stream_request *request);

/* The name of the stream of a mail that came back with a complaint, by what stands in its header: the first
 * stream that has its List-Id; else the first whose `match` asks for the sender only, and for this one. Empty
 * when it is none of these, or the one that takes all mail: nobody knows which mail it was, so the complaint
 * counts for all. list_id as the field has it, `Our news <news.shop.example>`; both may be empty. */
struct span stream_of_returned(const struct settings *settings, struct span sender, struct span list_id);

/* Whether a recipient is to be refused, and why. */
struct ruling {
    bool holds; /* the rest is set only if it does */
    enum cause cause;
    enum optout_kind kind;
    int64_t until; /* 0 = no end, or none that is known */
};

/* What counts in this stream. The recipient's will goes first: it outlasts any opt-out, and a whitelist does
 * not lift it. */
struct ruling stream_judge(const struct stream *stream, const struct suppression *found);

#endif
