/* SPDX-License-Identifier: BSD-2-Clause */
/* Recipients are filtered where the policy server is not asked: mail from sendmail(1), and of services whose
 * clients cannot bear a refusal. The sender's stream says which recipients are suppressed; in a stream that
 * is off none is, and the mail is let go at once.
 *
 * Such a mail is never refused or deferred: Postfix would keep what came by sendmail(1) in its maildrop and
 * try it for ever, and tell nobody. While Redis is away it passes. */
#include "milter/outgoing.h"

#include "leadgate/logline.h"
#include "milter/failure.h"

static bool is_filtered(const struct settings *settings, const struct message_origin *origin)
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

bool outgoing_start(struct outgoing *outgoing, const struct message_rules *rules,
                    const struct message_origin *origin, struct span sender)
{
    *outgoing = (struct outgoing){
        .rules = rules,
        .stream = stream_of(rules->settings, origin, sender),
    };
    span_excerpt(outgoing->sender, sizeof(outgoing->sender), without_brackets(sender));
    return outgoing->stream->enforce != ENFORCE_OFF && is_filtered(rules->settings, origin);
}

void outgoing_free(struct outgoing *outgoing)
{
    recipients_free(&outgoing->filtered);
    *outgoing = (struct outgoing){ .rules = NULL };
}

/* No address, no lead: nothing can stand against it. */
void outgoing_recipient(struct outgoing *outgoing, struct span spelled, const struct address *address)
{
    outgoing->recipients++;
    if (address != NULL && !settings_never_refuses(outgoing->rules->settings, address))
        recipients_add(&outgoing->filtered, spelled, address);
}

static void log_suppressed(const struct outgoing *outgoing, const char *word, size_t i, struct span queue)
{
    const struct ruling *ruling = &outgoing->filtered.rulings[i];
    struct logline line;

    logline_start(&line, word);
    logline_span(&line, "lead", address_span(&outgoing->filtered.leads[i]));
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
    for (size_t next = 0, i = 0; recipients_next(&outgoing->filtered, &next, &i);)
        log_suppressed(outgoing, word, i, queue);
}

enum verdict outgoing_data(struct outgoing *outgoing, struct span queue, int64_t now)
{
    struct recipients *filtered = &outgoing->filtered;
    const struct message_rules *rules = outgoing->rules;
    struct err err;

    switch (recipients_judge(filtered, outgoing->stream, &rules->store, now, &err)) {
    case STORE_DOWN:
        failure_of_store(rules, "recipients not checked, the mail passes", queue, err.text);
        break;
    case STORE_OK: break;
    }
    if (filtered->suppressed == 0)
        return VERDICT_ACCEPT;
    if (outgoing->stream->enforce == ENFORCE_OBSERVE) {
        log_all_suppressed(outgoing, "observed", queue);
        return VERDICT_ACCEPT;
    }
    return VERDICT_CONTINUE;
}

/* The envelope can be changed only now, and only now is it certain that the client does not give the mail up:
 * so a mail of which no recipient is left is not discarded before, either. */
enum verdict outgoing_end(const struct outgoing *outgoing, struct span queue)
{
    if (outgoing->filtered.suppressed == 0)
        return VERDICT_ACCEPT;
    log_all_suppressed(outgoing, "removed", queue);
    return outgoing->filtered.suppressed == outgoing->recipients ? VERDICT_DISCARD : VERDICT_ACCEPT;
}

const char *outgoing_next_removal(const struct outgoing *outgoing, size_t *at)
{
    size_t i;

    return recipients_next(&outgoing->filtered, at, &i) ? outgoing->filtered.spelled[i] : NULL;
}
