/* SPDX-License-Identifier: BSD-2-Clause */
/* What is to be done with a mail is decided at its sender, and taken back as soon as it is known that there
 * is nothing to do: a milter that sees each mail to its end costs Postfix a quarter of its throughput, one
 * that accepts at MAIL FROM next to nothing. Feedback loops report in their own name, and who leaves a stream
 * mails in his: of a mail with a sender only the recipients tell whether it is such a one, so where there are
 * feedback or unsubscribe addresses, and only there, the recipients of all mail from outside are looked at.
 *
 *   sender     came by                   role
 *   <>         SMTP                      ROLE_BOUNCE once a recipient is one of our bounce addresses
 *   <>         sendmail(1), bounce(8)    ROLE_OWN_BOUNCE, a bounce of this Postfix: observed only
 *   ann@...    any                       ROLE_OUTGOING if outgoing.c has anything to do with it
 *   ann@...    SMTP                      else ROLE_BOUNCE as above, where there are such addresses
 *   ann@...    SMTP after AUTH, or else  ROLE_NONE
 *
 * What a bounce says is incoming.c's, what becomes of other mail outgoing.c's. */
#include "milter/message.h"

#include "leadgate/unsubscribe.h"
#include "milter/incoming.h"
#include "milter/outgoing.h"

#include <stdlib.h>

enum role { ROLE_NONE, ROLE_BOUNCE, ROLE_OWN_BOUNCE, ROLE_OUTGOING };

struct message {
    const struct message_rules *rules; /* NULL between mails */
    enum role role;
    struct incoming incoming; /* ROLE_BOUNCE, ROLE_OWN_BOUNCE */
    struct outgoing outgoing; /* ROLE_OUTGOING */
};

struct message *message_new(void)
{
    return calloc(1, sizeof(struct message));
}

void message_reset(struct message *message)
{
    incoming_free(&message->incoming);
    outgoing_free(&message->outgoing);
    message->rules = NULL;
    message->role = ROLE_NONE;
}

void message_free(struct message *message)
{
    if (message == NULL)
        return;
    message_reset(message);
    free(message);
}

static enum role role_of(struct message *message, const struct message_origin *origin, struct span sender)
{
    const struct message_rules *rules = message->rules;
    const struct settings *settings = rules->settings;
    bool has_sender = sender.n > 0 && !span_eq(sender, SPAN("<>"));

    if (has_sender && outgoing_start(&message->outgoing, rules, origin, sender))
        return ROLE_OUTGOING;
    if (has_sender && (outgoing_is_unasked(settings, origin) || origin->sasl_username.n > 0))
        return ROLE_NONE;
    /* Complaints have a sender, and so has who leaves. */
    if (!origin->local &&
        settings->feedback_addresses.n + (has_sender ? 0 : settings->bounce_addresses.n) == 0 &&
        !unsubscribe_is_on(settings))
        return ROLE_NONE;
    incoming_start(&message->incoming, rules, origin->local, !has_sender);
    return origin->local ? ROLE_OWN_BOUNCE : ROLE_BOUNCE;
}

enum verdict message_mail(struct message *message, const struct message_rules *rules,
                          const struct message_origin *origin, struct span sender)
{
    message_reset(message);
    message->rules = rules;
    message->role = role_of(message, origin, sender);
    return message->role == ROLE_NONE ? VERDICT_ACCEPT : VERDICT_CONTINUE;
}

enum verdict message_recipient(struct message *message, struct span recipient)
{
    struct address_rules rules;
    struct address address;
    const struct address *lead;
    struct err err;

    if (message->role == ROLE_NONE)
        return VERDICT_CONTINUE;
    rules = settings_address_rules(message->rules->settings);
    /* Postfix's smtpd hands on what the client said, its cleanup the address without <>. */
    lead = address_parse(&address, address_form_of(recipient), recipient, &rules, &err) < 0 ? NULL : &address;
    switch (message->role) {
    case ROLE_NONE: break;
    case ROLE_BOUNCE:
    case ROLE_OWN_BOUNCE: incoming_recipient(&message->incoming, lead); break;
    case ROLE_OUTGOING: outgoing_recipient(&message->outgoing, recipient, lead); break;
    }
    return VERDICT_CONTINUE;
}

enum verdict message_data(struct message *message, struct span queue, int64_t now)
{
    switch (message->role) {
    case ROLE_NONE: return VERDICT_ACCEPT;
    case ROLE_BOUNCE:
    case ROLE_OWN_BOUNCE: return incoming_is_wanted(&message->incoming) ? VERDICT_CONTINUE : VERDICT_ACCEPT;
    case ROLE_OUTGOING: return outgoing_data(&message->outgoing, queue, now);
    }
    abort();
}

static bool is_read(const struct message *message)
{
    return (message->role == ROLE_BOUNCE || message->role == ROLE_OWN_BOUNCE) &&
           incoming_is_read(&message->incoming);
}

enum verdict message_header(struct message *message, struct span name, struct span value)
{
    if (is_read(message)) {
        incoming_keep(&message->incoming, name);
        incoming_keep(&message->incoming, SPAN(": "));
        incoming_keep(&message->incoming, value);
        incoming_keep(&message->incoming, SPAN("\n"));
    } else if (message->role == ROLE_OUTGOING) {
        outgoing_header(&message->outgoing, name, value);
    }
    return VERDICT_CONTINUE;
}

enum verdict message_eoh(struct message *message)
{
    if (is_read(message))
        incoming_keep(&message->incoming, SPAN("\n"));
    return VERDICT_CONTINUE;
}

enum verdict message_body(struct message *message, struct span chunk)
{
    if (!is_read(message))
        return VERDICT_SKIP_BODY;
    incoming_keep(&message->incoming, chunk);
    return message->incoming.text.full ? VERDICT_SKIP_BODY : VERDICT_CONTINUE;
}

enum verdict message_end(struct message *message, struct span queue, int64_t now)
{
    switch (message->role) {
    case ROLE_NONE: return VERDICT_ACCEPT;
    case ROLE_BOUNCE:
    case ROLE_OWN_BOUNCE: return incoming_end(&message->incoming, queue, now);
    case ROLE_OUTGOING: return outgoing_end(&message->outgoing, queue, now);
    }
    abort();
}

const char *message_next_removal(const struct message *message, size_t *at)
{
    return recipients_next_removed(&message->outgoing.recipients, at);
}

bool message_new_sender(const struct message *message, const char **sender, const char **arguments)
{
    return outgoing_new_sender(&message->outgoing, sender, arguments);
}

const struct message_field *message_next_field(const struct message *message, size_t *at)
{
    const struct signature *signature = &message->outgoing.signature;

    return *at < signature->n ? &signature->fields[(*at)++] : NULL;
}

struct message_powers message_needs(const struct settings *settings)
{
    return outgoing_needs(settings);
}
