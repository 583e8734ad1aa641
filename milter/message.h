/* SPDX-License-Identifier: BSD-2-Clause */
/* message: what the milter does with one mail, told in SMTP's own order: sender, recipients, DATA, header,
 * body, end. Knows nothing of libmilter and of connections to Redis: it is told what the MTA said and answers
 * with a verdict. One message is used for one mail after the other; one thread at a time.
 *
 * Spans are borrowed for the call. The rules are borrowed from message_mail() until message_reset(). */
#ifndef LEADGATE_MILTER_MESSAGE_H
#define LEADGATE_MILTER_MESSAGE_H

#include "leadgate/campaign.h"
#include "leadgate/counters.h"
#include "leadgate/settings.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum verdict {
    VERDICT_CONTINUE = 1,
    VERDICT_ACCEPT,    /* nothing is left to be done with this mail */
    VERDICT_DISCARD,   /* take it and throw it away */
    VERDICT_TEMPFAIL,  /* ask the sender to come again: the bounce could not be recorded */
    VERDICT_SKIP_BODY, /* from message_body() only: no more of the body is needed */
};

/* Redis, as far as a message needs it: store_find_suppressions(), store_apply(), store_set_aside(),
 * store_note_campaign(). */
struct message_store {
    enum store_rc (*find)(void *ctx, const struct address *leads, size_t n, int64_t now,
                          struct suppression *found, struct err *err);
    enum store_rc (*apply)(void *ctx, const struct event *events, size_t n, int64_t now,
                           struct outcome *outcomes, struct err *err);
    enum store_rc (*set_aside)(void *ctx, const struct event *events, size_t n, struct err *err);
    enum store_rc (*note_campaign)(void *ctx, const struct campaign *campaign, const struct address *leads,
                                   size_t n, bool *seen, struct err *err);
    void *ctx;
};

/* What a mail is judged by. */
struct message_rules {
    const struct settings *settings;
    struct message_store store;
    struct counters *counters; /* NULL = nothing is counted */
};

/* What the MTA lets us change at a mail's end, beside taking recipients out. */
struct message_powers {
    bool sender;        /* the envelope sender, and its ENVID */
    bool add_fields;    /* of the header */
    bool change_fields; /* those that are there */
};

/* Where a mail enters. */
struct message_origin {
    bool local;         /* not by SMTP: sendmail(1), or a bounce of this Postfix */
    struct span daemon; /* {daemon_name} of the service that took it */
    struct span client_address, sasl_username, server_port; /* empty = not known */
    const char *const *arguments; /* of MAIL FROM, behind the sender; NULL ends them, NULL = none */
    struct message_powers may;
};

struct message;

struct message *message_new(void);           /* NULL when out of memory */
void message_free(struct message *message);  /* NULL is fine */
void message_reset(struct message *message); /* forgets the mail; at its end, and when it is aborted */

/* Sender and recipients come in the MTA's own spelling, with or without <>. */
enum verdict message_mail(struct message *message, const struct message_rules *rules,
                          const struct message_origin *origin, struct span sender);
enum verdict message_recipient(struct message *message, struct span recipient);
/* The envelope is complete. */
enum verdict message_data(struct message *message, struct span queue, int64_t now);
/* value as the milter protocol hands it over: unfolded lines joined by LF, no line end behind it. */
enum verdict message_header(struct message *message, struct span name, struct span value);
enum verdict message_eoh(struct message *message);
enum verdict message_body(struct message *message, struct span chunk);
enum verdict message_end(struct message *message, struct span queue, int64_t now);

/* After message_end() said VERDICT_ACCEPT: the next recipient to be taken out of the envelope, spelled as the
 * MTA spelled it; NULL when there is none left. *at begins at 0. The text lives until message_reset(). */
const char *message_next_removal(const struct message *message, size_t *at);

/* Then: whether the envelope sender changes, or its ENVID; *sender as the MTA takes it, *arguments NULL or
 * ENVID=.... What else the client said of its sender stays. */
bool message_new_sender(const struct message *message, const char **sender, const char **arguments);

/* Then: the next header field; NULL when there is none left. */
struct message_field {
    const char *name;
    char *value;   /* folded lines joined by LF */
    bool replaces; /* it takes the place of the first field of that name; else it is a new one */
};
const struct message_field *message_next_field(const struct message *message, size_t *at);

/* What of a connection mails may need by these settings. */
struct message_powers message_needs(const struct settings *settings);

#endif
