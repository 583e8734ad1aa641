/* SPDX-License-Identifier: BSD-2-Clause */
/* From an attempt to a delivery. Of what delivery agents log, only that tells of a lead which a server on the
 * other side said, or which this Postfix found out on its way there. Passed over: deliveries on this host, to
 * a content filter and back; what this Postfix refuses by its own configuration (error(8)), or because we
 * said so; mail about bounces; probes. */
#include "maillog/attempt.h"
#include "maillog/reader.h"
#include "maillog/verdict.h"

#include <string.h>

enum agent {
    AGENT_REMOTE = 1, /* SMTP */
    AGENT_QUEUE,      /* deliver nothing: error(8), retry(8), the queue manager */
    AGENT_LOCAL,
    AGENT_UNKNOWN, /* a program of somebody's own */
    AGENT_UNNAMED, /* the line has no tag */
};

static enum agent agent_of(struct span program)
{
    static const struct {
        const char *name;
        enum agent agent;
    } agents[] = {
        { "smtp", AGENT_REMOTE },   { "error", AGENT_QUEUE },   { "retry", AGENT_QUEUE },
        { "qmgr", AGENT_QUEUE },    { "oqmgr", AGENT_QUEUE },   { "nqmgr", AGENT_QUEUE },
        { "local", AGENT_LOCAL },   { "lmtp", AGENT_LOCAL },    { "pipe", AGENT_LOCAL },
        { "virtual", AGENT_LOCAL }, { "discard", AGENT_LOCAL }, { "cleanup", AGENT_LOCAL },
    };

    if (program.n == 0)
        return AGENT_UNNAMED;
    for (size_t i = 0; i < sizeof(agents) / sizeof(agents[0]); i++)
        if (span_eq(program, span_of(agents[i].name)))
            return agents[i].agent;
    return AGENT_UNKNOWN;
}

/* What an attempt says, read. */
struct telling {
    struct attempt attempt;
    struct reason reason; /* unless it was sent */
    struct peer peer;
    bool has_peer; /* of the relay, else of the reason */
};

static bool is_internal(const struct maillog_settings *settings, const struct peer *peer)
{
    for (size_t i = 0; i < settings->n_internal_relays; i++)
        if (network_holds(&settings->internal_relays[i], &peer->ip))
            return true;
    return false;
}

/* Whether these are the words of an SMTP client that found no server for the domain. */
static bool is_of_smtp(struct span text)
{
    static const struct span words[] = { { "Name service error for name=", 28 },
                                         { "unable to look up host ", 23 },
                                         { " (nullMX)", 9 },
                                         { " loops back to myself", 21 },
                                         { "has a valid address record", 26 } };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (memmem(text.p, text.n, words[i].p, words[i].n) != NULL)
            return true;
    return false;
}

/* Whether the agent's word is one about the recipient's side. */
static bool is_of_agent(const struct telling *telling, enum agent agent)
{
    const struct attempt *attempt = &telling->attempt;
    bool none = span_eq(attempt->relay, SPAN("none"));
    struct span rest = attempt->relay;
    struct peer peer;

    if (!none && !peer_cut(&rest, &peer)) /* `local`, `procmail`, `filter[/run/socket]` */
        return false;
    switch (agent) {
    case AGENT_REMOTE: return !none || attempt->status != ATTEMPT_SENT;
    case AGENT_QUEUE: return attempt->status == ATTEMPT_DEFERRED;
    case AGENT_LOCAL: return false;
    case AGENT_UNKNOWN: return !none && rest.n > 1 && rest.p[0] == ':';
    case AGENT_UNNAMED:
        return !none || attempt->status == ATTEMPT_DEFERRED ||
               (attempt->status == ATTEMPT_BOUNCED && is_of_smtp(attempt->text));
    }
    return false;
}

static void find_peer(struct telling *telling)
{
    struct span rest = telling->attempt.relay;

    telling->has_peer = peer_cut(&rest, &telling->peer);
    if (telling->attempt.status == ATTEMPT_SENT)
        return;
    reason_read(&telling->reason, telling->attempt.text);
    if (!telling->has_peer && telling->reason.has_peer) {
        telling->has_peer = true;
        telling->peer = telling->reason.peer;
    }
}

/* Our own refusal, come back from this Postfix or from one behind it. */
static bool is_suppressed(const struct attempt *attempt)
{
    return memmem(attempt->text.p, attempt->text.n, LEADGATE_MARKER, sizeof(LEADGATE_MARKER) - 1) != NULL;
}

/* Whether the attempt says anything of a lead; the lead itself is not known yet. */
static bool is_telling(struct telling *telling, const struct reading *reading, const struct queued *message)
{
    const struct attempt *attempt = &telling->attempt;

    if (attempt->status == ATTEMPT_PROBE || !is_of_agent(telling, agent_of(reading->line.program)))
        return false;
    if (message != NULL && queued_is_active(message) && queued_text(message, QUEUED_SENDER).n == 0)
        return false;
    find_peer(telling);
    if (telling->has_peer && is_internal(&reading->maillog->settings, &telling->peer))
        return false;
    return attempt->status == ATTEMPT_SENT || !is_suppressed(attempt);
}

/* What the client gave, before aliases; `orig_to=<root>`, an alias of this host, is no address. */
static bool find_lead(struct address *lead, const struct attempt *attempt, const struct address_rules *rules)
{
    struct err err;

    return (attempt->orig_to.n > 0 &&
            address_parse(lead, ADDRESS_MAILBOX, attempt->orig_to, rules, &err) == 0) ||
           address_parse(lead, ADDRESS_MAILBOX, attempt->to, rules, &err) == 0;
}

static bool is_bounce_address(const struct maillog_settings *settings, const struct address *lead)
{
    for (size_t i = 0; i < settings->n_bounce_addresses; i++)
        if (address_covers(&settings->bounce_addresses[i], lead))
            return true;
    return false;
}

/* What the message's lines say. */
static void describe(struct delivery *delivery, const struct reading *reading, const struct queued *message)
{
    delivery->at = reading->line.at;
    delivery->queue_id = reading->line.queue_id;
    delivery->message = delivery->queue_id;
    delivery->sender_known = message != NULL && queued_is_active(message);
    delivery->sender = delivery->client_address = delivery->sasl_username = SPAN_NONE;
    if (message == NULL)
        return;
    if (queued_text(message, QUEUED_MESSAGE_ID).n > 0)
        delivery->message = queued_text(message, QUEUED_MESSAGE_ID);
    delivery->sender = queued_text(message, QUEUED_SENDER);
    delivery->client_address = queued_text(message, QUEUED_CLIENT);
    delivery->sasl_username = queued_text(message, QUEUED_USER);
}

static void tell(struct reading *reading, const struct delivery *delivery)
{
    if (reading->fn == NULL)
        return;
    reading->maillog->tally.deliveries++;
    reading->fn(reading->ctx, delivery);
}

static void find_sent(struct finding *finding, const struct attempt *attempt)
{
    int64_t reply = 0;
    struct span rest = attempt->text;

    (void)span_int64(span_cut(&rest, ' '), &reply);
    finding->cause = CAUSE_NONE;
    finding->hardness = HARDNESS_NONE;
    finding->reply = reply >= 200 && reply < 300 ? (int)reply : 0;
    finding->rule = "";
    finding->diag[0] = '\0';
    (void)span_copy(finding->status, sizeof(finding->status), attempt->dsn);
}

/* The recipient waits. Needs a message to be remembered with, which moves others. */
static struct queued *wait_for(struct reading *reading, const struct attempt *attempt,
                               const struct delivery *delivery)
{
    struct queue *queue = reading->maillog->queue;
    struct queued *message = queue_take(queue, reading->key);

    if (message != NULL)
        queue_wait(
            queue, message, attempt->to,
            &(struct waiting){ &delivery->finding, delivery->sent, delivery->relay, delivery->provider });
    return message;
}

/* A mail that is still being tried has not expired, whatever else is not known of why. */
static void find_deferred(struct finding *finding)
{
    if (finding->cause == CAUSE_EXPIRED) {
        finding->cause = CAUSE_UNDETERMINED;
        finding->hardness = cause_info(CAUSE_UNDETERMINED)->hardness;
    }
}

/* Who runs the host; not known where it is the sender's own house: that is a relay of ours. */
static void find_provider(struct reading *reading, struct delivery *delivery, const struct queued *message)
{
    struct providers *providers = &reading->maillog->providers;
    struct span sender = message == NULL ? SPAN_NONE : queued_text(message, QUEUED_SENDER);
    const char *at = sender.n == 0 ? NULL : memrchr(sender.p, '@', sender.n);
    char *provider = delivery->finding.provider, ours[PROVIDER_SIZE];

    if (providers_find(providers, provider, delivery->relay) && at != NULL &&
        providers_find(providers, ours, (struct span){ at + 1, (size_t)(sender.p + sender.n - at) - 1 }) &&
        strcmp(ours, provider) == 0)
        provider[0] = '\0';
    delivery->provider = span_of(provider);
}

static void tell_delivery(struct reading *reading, const struct telling *telling, struct delivery *delivery,
                          struct queued *message)
{
    const struct attempt *attempt = &telling->attempt;

    delivery->finding.proof = PROOF_NONE;
    delivery->finding.token[0] = '\0';
    delivery->sent = reading->line.at > attempt->delay ? reading->line.at - attempt->delay : 0;
    delivery->relay = telling->has_peer ? telling->peer.name : SPAN_NONE;
    find_provider(reading, delivery, message);
    if (attempt->status == ATTEMPT_SENT) {
        delivery->kind = DELIVERY_SENT;
        find_sent(&delivery->finding, attempt);
    } else {
        delivery->kind = attempt->status == ATTEMPT_BOUNCED ? DELIVERY_BOUNCED : DELIVERY_DEFERRED;
        if (span_eq(attempt->relay, SPAN("none")) && !telling->reason.reached)
            delivery->relay = SPAN_NONE;
        verdict_find(&delivery->finding, &reading->maillog->settings.context, &telling->reason, attempt);
    }
    if (delivery->kind == DELIVERY_DEFERRED) {
        message = wait_for(reading, attempt, delivery);
        find_deferred(&delivery->finding);
    }
    describe(delivery, reading, message);
    tell(reading, delivery);
}

bool tell_attempt(struct reading *reading)
{
    struct maillog *maillog = reading->maillog;
    struct queued *message = queue_find(maillog->queue, reading->key);
    struct telling telling;
    struct delivery delivery;

    if (!attempt_read(&telling.attempt, reading->line.rest))
        return false;
    if (message != NULL && telling.attempt.status != ATTEMPT_DEFERRED)
        queue_settle(maillog->queue, message, telling.attempt.to);
    if (!is_telling(&telling, reading, message)) {
        maillog->tally.local++;
        return true;
    }
    if (!find_lead(&delivery.finding.lead, &telling.attempt, &maillog->settings.context.addresses))
        return false;
    if (is_bounce_address(&maillog->settings, &delivery.finding.lead)) {
        maillog->tally.local++;
        return true;
    }
    if (reading->fn != NULL || telling.attempt.status == ATTEMPT_DEFERRED)
        tell_delivery(reading, &telling, &delivery, message);
    return true;
}

void tell_expiry(struct reading *reading, struct queued *message)
{
    const struct waiter *waiter = queued_waiting(message);
    struct delivery delivery = { .kind = DELIVERY_EXPIRED };
    struct waiting waiting;

    describe(&delivery, reading, message);
    while (waiter != NULL) {
        waiter = waiter_read(waiter, &waiting, &delivery.finding);
        if (delivery.finding.cause == CAUSE_NONE || delivery.finding.cause == CAUSE_UNDETERMINED) {
            delivery.finding.cause = CAUSE_EXPIRED;
            delivery.finding.hardness = cause_info(CAUSE_EXPIRED)->hardness;
        }
        delivery.sent = waiting.sent < delivery.at ? waiting.sent : delivery.at;
        delivery.relay = waiting.relay;
        delivery.provider = waiting.provider;
        tell(reading, &delivery);
    }
    queue_settle_all(reading->maillog->queue, message);
}
