/* SPDX-License-Identifier: BSD-2-Clause */
/* The conditions stand in the order in which they cost: comparing texts first, the address of the client and
 * the sender, which have to be read, last; and those are read once, for the first stream that asks. */
#include "leadgate/stream.h"

#include "leadgate/network.h"
#include "settings/stream_make.h"

/* It is a field of lead:{ADDR}:refused, a word in log lines, and must fit struct refusal. */
bool stream_is_name(struct span text)
{
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
              c == '_' || c == '.'))
            return false;
    }
    return text.n > 0 && text.n < STREAM_NAME_SIZE;
}

/* What has been found out about a request so far. */
struct reading {
    const struct settings *settings;
    const struct stream_request *request;
    enum { NOT_READ, READ_BAD, READ_GOOD } client, sender;
    struct ip ip;
    struct address address;
};

static bool is_listed(const struct config_texts *list, struct span value)
{
    if (list->n == 0)
        return true;
    for (size_t i = 0; i < list->n; i++)
        if (span_eq(span_of(list->item[i]), value))
            return true;
    return false;
}

/* Postfix writes them in capitals, openssl(1) in either. */
static bool is_listed_fingerprint(const struct config_texts *list, const struct stream_request *request)
{
    if (list->n == 0)
        return true;
    for (size_t i = 0; i < list->n; i++)
        if (span_eq_nocase(span_of(list->item[i]), request->ccert_fingerprint) ||
            span_eq_nocase(span_of(list->item[i]), request->ccert_pubkey_fingerprint))
            return true;
    return false;
}

static bool client_matches(const struct stream_match *match, struct reading *reading)
{
    if (match->n_clients == 0)
        return true;
    if (reading->client == NOT_READ)
        reading->client = ip_parse(&reading->ip, reading->request->client_address) ? READ_GOOD : READ_BAD;
    for (size_t i = 0; reading->client == READ_GOOD && i < match->n_clients; i++)
        if (network_holds(&match->clients[i], &reading->ip))
            return true;
    return false;
}

static bool is_null_sender(struct span sender)
{
    return sender.n == 0 || span_eq(sender, SPAN("<>"));
}

static void read_sender(struct reading *reading)
{
    const struct stream_request *request = reading->request;
    struct address_rules rules = settings_address_rules(reading->settings);
    struct err err;

    reading->sender =
        address_parse(&reading->address, request->sender_form, request->sender, &rules, &err) == 0 ? READ_GOOD
                                                                                                   : READ_BAD;
}

static bool is_sender(const struct sender_pattern *pattern, const struct reading *reading)
{
    const struct address *sender = &reading->address;

    switch (pattern->kind) {
    case SENDER_NULL: return false;
    case SENDER_DOMAIN: return span_eq(address_domain(&pattern->address), address_domain(sender));
    case SENDER_ADDRESS: return address_covers(&pattern->address, sender);
    }
    return false;
}

static bool sender_matches(const struct stream_match *match, struct reading *reading)
{
    bool null = is_null_sender(reading->request->sender);

    if (match->n_senders == 0)
        return true;
    if (!null && reading->sender == NOT_READ)
        read_sender(reading);
    for (size_t i = 0; i < match->n_senders; i++)
        if (null ? match->senders[i].kind == SENDER_NULL
                 : reading->sender == READ_GOOD && is_sender(&match->senders[i], reading))
            return true;
    return false;
}

static bool matches(const struct stream_match *match, struct reading *reading)
{
    const struct stream_request *request = reading->request;

    return match == NULL || (is_listed(match->server_port, request->server_port) &&
                             is_listed(match->policy_context, request->policy_context) &&
                             is_listed(match->sasl_username, request->sasl_username) &&
                             is_listed_fingerprint(match->ccert_fingerprint, request) &&
                             client_matches(match, reading) && sender_matches(match, reading));
}

const struct stream *stream_find(const struct settings *settings, const struct stream_request *request)
{
    const struct streams *streams = &settings->streams;
    struct reading reading;
    size_t i = 0;

    reading.settings = settings; /* member by member: the address is large, and mostly not needed */
    reading.request = request;
    reading.client = reading.sender = NOT_READ;
    while (i + 1 < streams->n && !matches(streams->item[i].match, &reading))
        i++;
    return &streams->item[i];
}

static bool enforces(const struct stream *stream, enum cause cause)
{
    return (stream->causes & UINT32_C(1) << cause) != 0;
}

static bool is_known(const struct streams *streams, struct span name)
{
    for (size_t i = 0; i < streams->n; i++)
        if (span_eq(span_of(streams->item[i].name), name))
            return true;
    return false;
}

/* What was said to a stream that has been renamed, or taken out of the settings, was still said: nobody knows
 * any more to which mail, so it counts for all. */
static bool is_about(const struct stream *stream, const struct refusal *refusal)
{
    struct span about = span_of(refusal->stream);

    if (stream->refusals_of == NULL || span_eq(about, SPAN("*")) || span_eq(about, span_of(stream->name)) ||
        !is_known(stream->among, about))
        return true;
    return stream->refusals_of->n > 0 && is_listed(stream->refusals_of, about);
}

struct ruling stream_judge(const struct stream *stream, const struct suppression *found)
{
    const struct optout *optout = &found->optout;

    for (size_t i = 0; i < found->n_refusals; i++)
        if (enforces(stream, found->refusals[i].cause) && is_about(stream, &found->refusals[i]))
            return (
                struct ruling){ .holds = true, .cause = found->refusals[i].cause, .kind = OPTOUT_PERMANENT };
    if (optout->present && !found->allowed && enforces(stream, optout->cause))
        return (struct ruling){
            .holds = true, .cause = optout->cause, .kind = optout->kind, .until = optout->until
        };
    return (struct ruling){ .holds = false };
}
