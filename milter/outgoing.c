/* SPDX-License-Identifier: BSD-2-Clause */
/* What is done with a mail is known at its sender but for the number of its recipients:
 *
 *   suppressed recipients  of mail from sendmail(1), and of services whose clients cannot bear a refusal
 *   duplicates             of our own mail (signing.h), in streams that ask for it
 *   header                 where the policy server, which else does it, is not asked: as for the suppressed
 *   envelope-id            of our own mail; an application's own ENVID is left alone
 *   return-path            of our own mail to one recipient; not where the client has Postfix itself write a
 *                          path for each recipient (XVERP)
 *   List-Unsubscribe       of our own mail to one recipient, in streams that have such an address
 *
 * Of mail whose sender is a path already only the suppressed recipients are looked at: it was here before.
 *
 * The sender's stream says which recipients are suppressed; in a stream that is off none is, and nobody looks
 * for duplicates.
 *
 * Such a mail is never refused or deferred: Postfix would keep what came by sendmail(1) in its maildrop and
 * try it for ever, and tell nobody. While Redis is away it passes. */
#include "milter/outgoing.h"

#include "leadgate/keyring.h"
#include "leadgate/logline.h"
#include "leadgate/signing.h"
#include "milter/failure.h"

#include <stdlib.h>
#include <string.h>

bool outgoing_is_unasked(const struct settings *settings, const struct message_origin *origin)
{
    const struct config_texts *daemons = &settings->milter.filter_daemons;

    for (size_t i = 0; i < daemons->n; i++)
        if (span_eq(span_of(daemons->item[i]), origin->daemon))
            return true;
    return origin->local;
}

static const struct stream *stream_of(const struct settings *settings, const struct message_origin *origin,
                                      struct span sender)
{
    const struct stream_request request = {
        .sender = sender,
        .sender_form = address_form_of(sender),
        .sasl_username = origin->sasl_username,
        .client_address = origin->client_address,
        .server_port = origin->server_port,
    };

    return stream_find(settings, &request);
}

static struct span without_brackets(struct span path)
{
    if (path.n >= 2 && path.p[0] == '<' && path.p[path.n - 1] == '>')
        return (struct span){ path.p + 1, path.n - 2 };
    return path;
}

static bool has_argument(const struct message_origin *origin, struct span begin)
{
    for (const char *const *at = origin->arguments; at != NULL && *at != NULL; at++)
        if (span_starts_nocase(span_of(*at), begin))
            return true;
    return false;
}

/* A path has its token: the mail was here before, and comes from a content filter behind the queue. */
static bool is_path(const struct settings *settings, struct span sender)
{
    struct address_rules rules = settings_address_rules(settings);
    struct address address, lead;
    struct span token;
    struct err err;

    return address_parse(&address, address_form_of(sender), sender, &rules, &err) == 0 &&
           token_path_split(&address, &token, &lead, &rules);
}

static unsigned channels_of(struct outgoing *outgoing, const struct message_origin *origin,
                            const struct signing_origin *from, struct span sender)
{
    const struct settings *settings = outgoing->rules->settings;
    unsigned possible = 0;

    if (outgoing_is_unasked(settings, origin) && outgoing->may.add_fields)
        possible |= CHANNEL_HEADER;
    if (outgoing->may.sender && !has_argument(origin, SPAN("ENVID=")))
        possible |= CHANNEL_ENVELOPE_ID;
    if (outgoing->may.sender && !has_argument(origin, SPAN("XVERP")))
        possible |= CHANNEL_RETURN_PATH;
    if ((outgoing->stream->channels & possible) == 0)
        return 0;
    return possible & signing_channels(settings, from, outgoing->stream, sender, address_form_of(sender),
                                       &outgoing->base);
}

/* What is done with our own mail, suppressed recipients aside. */
static void plan(struct outgoing *outgoing, const struct message_origin *origin, struct span sender)
{
    const struct signing_origin from = { .client_address = origin->client_address,
                                         .sasl_username = origin->sasl_username,
                                         .daemon = origin->daemon,
                                         .local = origin->local };
    const struct settings *settings = outgoing->rules->settings;
    const struct stream *stream = outgoing->stream;

    outgoing->channels = channels_of(outgoing, origin, &from, sender);
    outgoing->duplicates = stream->duplicates > 0 && stream->enforce != ENFORCE_OFF;
    outgoing->unsubscribe =
        stream->unsubscribe.n > 0 && outgoing->may.add_fields && keyring_count(settings->keyring) > 0;
    if (outgoing->channels == 0 && !outgoing->duplicates && !outgoing->unsubscribe)
        return;
    if (!signing_is_outgoing(settings, &from) || is_path(settings, sender)) {
        outgoing->channels = 0;
        outgoing->duplicates = outgoing->unsubscribe = false;
    }
    if ((outgoing->channels & CHANNEL_ENVELOPE_ID) != 0 &&
        (outgoing->spelled = strndup(sender.p, sender.n)) == NULL)
        outgoing->channels &= ~(unsigned)CHANNEL_ENVELOPE_ID;
}

bool outgoing_start(struct outgoing *outgoing, const struct message_rules *rules,
                    const struct message_origin *origin, struct span sender)
{
    outgoing->rules = rules;
    outgoing->stream = stream_of(rules->settings, origin, sender);
    outgoing->may = origin->may;
    outgoing->filtered =
        outgoing->stream->enforce != ENFORCE_OFF && outgoing_is_unasked(rules->settings, origin);
    plan(outgoing, origin, sender);
    span_excerpt(outgoing->sender, sizeof(outgoing->sender), without_brackets(sender));
    return outgoing->filtered || outgoing->channels != 0 || outgoing->duplicates || outgoing->unsubscribe;
}

void outgoing_free(struct outgoing *outgoing)
{
    recipients_free(&outgoing->recipients);
    fields_free(&outgoing->fields);
    signature_free(&outgoing->signature);
    free(outgoing->spelled);
    *outgoing = (struct outgoing){ .rules = NULL };
}

void outgoing_recipient(struct outgoing *outgoing, struct span spelled, const struct address *address)
{
    bool exempt = address != NULL && settings_never_refuses(outgoing->rules->settings, address);

    recipients_add(&outgoing->recipients, spelled, address, exempt);
}

static void log_suppressed(const struct outgoing *outgoing, const char *word, size_t i, struct span queue)
{
    const struct ruling *ruling = &outgoing->recipients.rulings[i];
    struct logline line;

    logline_start(&line, word);
    logline_span(&line, "lead", address_span(&outgoing->recipients.leads[i]));
    logline_text(&line, "cause", cause_name(ruling->cause));
    logline_text(&line, "kind", optout_kind_name(ruling->kind));
    logline_time(&line, "until", ruling->until);
    logline_text(&line, "stream", outgoing->stream->name);
    logline_span(&line, "queue", queue);
    logline_text(&line, "sender", outgoing->sender);
    logline_send(&line, LOG_INFO);
    counters_add(outgoing->rules->counters, 1, "decisions", word, cause_name(ruling->cause), NULL);
}

/* The one line per recipient that Postfix does not write. */
static void log_all_suppressed(const struct outgoing *outgoing, const char *word, struct span queue)
{
    for (size_t next = 0, i = 0; recipients_next(&outgoing->recipients, FATE_SUPPRESSED, &next, &i);)
        log_suppressed(outgoing, word, i, queue);
}

static void judge(struct outgoing *outgoing, struct span queue, int64_t now)
{
    const struct message_rules *rules = outgoing->rules;
    struct err err;

    switch (recipients_judge(&outgoing->recipients, outgoing->stream, &rules->store, now, &err)) {
    case STORE_DOWN:
        failure_of_store(rules, "recipients not checked, the mail passes", queue, err.text);
        break;
    case STORE_OK: break;
    }
    if (outgoing->stream->enforce == ENFORCE_OBSERVE) {
        log_all_suppressed(outgoing, "observed", queue);
        recipients_spare(&outgoing->recipients, FATE_SUPPRESSED);
    }
}

/* Which of what it can be given depends on how many get it; a mail without recipients is only thrown away. */
static bool is_changed(const struct outgoing *outgoing)
{
    const unsigned any = CHANNEL_HEADER | CHANNEL_ENVELOPE_ID;
    size_t left = recipients_left(&outgoing->recipients);

    return (left > 0 && (outgoing->channels & any) != 0) ||
           (left == 1 && (outgoing->channels != 0 || outgoing->unsubscribe));
}

enum verdict outgoing_data(struct outgoing *outgoing, struct span queue, int64_t now)
{
    if (outgoing->filtered)
        judge(outgoing, queue, now);
    return outgoing->recipients.removed > 0 || outgoing->duplicates || is_changed(outgoing) ? VERDICT_CONTINUE
                                                                                            : VERDICT_ACCEPT;
}

void outgoing_header(struct outgoing *outgoing, struct span name, struct span value)
{
    if (outgoing->channels != 0 || outgoing->duplicates || outgoing->unsubscribe)
        fields_note(&outgoing->fields, outgoing->rules->settings, outgoing->stream, name, value);
}

static void log_duplicates(const struct outgoing *outgoing, bool removed, struct span queue)
{
    const struct recipients *recipients = &outgoing->recipients;

    for (size_t next = 0, i = 0; recipients_next(recipients, FATE_DUPLICATE, &next, &i);) {
        struct logline line;

        logline_start(&line, "duplicate");
        logline_span(&line, "lead", address_span(&recipients->leads[i]));
        logline_text(&line, "campaign", outgoing->fields.campaign_name);
        logline_text(&line, "action", removed ? "removed" : "observed");
        logline_text(&line, "stream", outgoing->stream->name);
        logline_span(&line, "queue", queue);
        logline_text(&line, "sender", outgoing->sender);
        logline_send(&line, LOG_INFO);
        counters_add(outgoing->rules->counters, 1, "duplicates", removed ? "removed" : "observed", NULL);
    }
}

/* Not before the end: until then the client can give the mail up, and comes again with it. */
static void find_duplicates(struct outgoing *outgoing, struct span queue)
{
    const struct message_rules *rules = outgoing->rules;
    const struct campaign campaign = { outgoing->fields.campaign, queue, outgoing->stream->duplicates };
    bool removed = outgoing->stream->enforce != ENFORCE_OBSERVE;
    struct err err;

    switch (recipients_note_campaign(&outgoing->recipients, &campaign, &rules->store, &err)) {
    case STORE_DOWN:
        failure_of_store(rules, "duplicates not looked for, the mail passes", queue, err.text);
        break;
    case STORE_OK: break;
    }
    log_duplicates(outgoing, removed, queue);
    if (!removed)
        recipients_spare(&outgoing->recipients, FATE_DUPLICATE);
}

static void sign(struct outgoing *outgoing, struct span queue, int64_t now)
{
    const struct signature_order order = {
        .rules = outgoing->rules,
        .stream = outgoing->stream,
        .channels = outgoing->channels,
        .unsubscribe = outgoing->unsubscribe,
        .extend = outgoing->may.change_fields,
        .sender = &outgoing->base,
        .recipients = &outgoing->recipients,
        .fields = &outgoing->fields,
        .queue = queue,
        .now = now,
    };

    signature_make(&outgoing->signature, &order);
}

/* The envelope can be changed only now, and only now is it certain that the client does not give the mail up:
 * so a mail of which no recipient is left is not discarded before, either. */
enum verdict outgoing_end(struct outgoing *outgoing, struct span queue, int64_t now)
{
    log_all_suppressed(outgoing, "removed", queue);
    if (outgoing->duplicates && outgoing->fields.has_campaign)
        find_duplicates(outgoing, queue);
    if (recipients_left(&outgoing->recipients) == 0)
        return VERDICT_DISCARD;
    sign(outgoing, queue, now);
    return VERDICT_ACCEPT;
}

bool outgoing_new_sender(const struct outgoing *outgoing, const char **sender, const char **arguments)
{
    const struct signature *signature = &outgoing->signature;

    *sender = signature->sender[0] != '\0' ? signature->sender : outgoing->spelled;
    *arguments = signature->arguments[0] != '\0' ? signature->arguments : NULL;
    return signature->sender[0] != '\0' || signature->arguments[0] != '\0';
}

struct message_powers outgoing_needs(const struct settings *settings)
{
    struct message_powers needs = { .sender = false };

    for (size_t i = 0; i < settings->streams.n && keyring_count(settings->keyring) > 0; i++) {
        const struct stream *stream = &settings->streams.item[i];
        unsigned channels = signing_is_on(settings) ? stream->channels : 0;

        needs.sender |= (channels & (CHANNEL_ENVELOPE_ID | CHANNEL_RETURN_PATH)) != 0;
        needs.add_fields |= (channels & CHANNEL_HEADER) != 0 || stream->unsubscribe.n > 0;
        needs.change_fields |= stream->unsubscribe.n > 0;
    }
    return needs;
}
