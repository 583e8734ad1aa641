/* SPDX-License-Identifier: BSD-2-Clause */
/* Whatever has to be parsed is parsed here, when the settings are loaded: a decision only compares. What can
 * be wrong with a single value its row has refused before (settings_checks.c); what streams must have in
 * common is checked when all have been read. */
#include "settings/stream_make.h"

#include "settings/signing_make.h"

#include <stdlib.h>
#include <string.h>

/* --- causes --- */

#define BIT(cause) (UINT32_C(1) << (cause))

_Static_assert(CAUSES <= 32, "stream.causes has a bit for each cause");

static bool is_any(enum cause cause)
{
    (void)cause;
    return true;
}

static bool is_none(enum cause cause)
{
    (void)cause;
    return false;
}

static bool is_hard(enum cause cause)
{
    return cause_info(cause)->hardness == HARDNESS_HARD;
}

static bool is_soft(enum cause cause)
{
    return cause_info(cause)->hardness == HARDNESS_SOFT;
}

/* The score and the sunset are no bounces, and nobody's fault; but they are the lead's own. */
static bool is_lead(enum cause cause)
{
    return cause_info(cause)->fault == FAULT_LEAD || cause == CAUSE_SCORE || cause == CAUSE_INACTIVE;
}

static bool is_sender(enum cause cause)
{
    return cause_info(cause)->fault == FAULT_SENDER;
}

static bool is_message(enum cause cause)
{
    return cause_info(cause)->fault == FAULT_MESSAGE;
}

static bool is_transient(enum cause cause)
{
    return cause_info(cause)->fault == FAULT_TRANSIENT;
}

static bool is_will(enum cause cause)
{
    return cause_info(cause)->fault == FAULT_WILL;
}

static const struct {
    const char *word;
    bool (*holds)(enum cause cause);
} groups[] = {
    { "all", is_any },         { "none", is_none },           { "hard", is_hard },
    { "soft", is_soft },       { "lead", is_lead },           { "sender", is_sender },
    { "message", is_message }, { "transient", is_transient }, { "will", is_will },
};

bool stream_causes(struct span word, uint32_t *causes)
{
    enum cause cause;

    *causes = 0;
    if (cause_parse(word, &cause)) {
        *causes = BIT(cause);
        return true;
    }
    for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
        if (!span_eq(word, span_of(groups[i].word)))
            continue;
        for (int c = CAUSE_NONE + 1; c < CAUSES; c++)
            *causes |= groups[i].holds((enum cause)c) ? BIT(c) : 0;
        return true;
    }
    return false;
}

/* An operator's own opt-out is meant for all mail: only a stream that enforces nothing at all passes it by.
 */
static uint32_t all_causes(const struct config_texts *words)
{
    uint32_t all = 0, some;

    for (size_t i = 0; i < words->n; i++)
        if (stream_causes(span_of(words->item[i]), &some))
            all |= some;
    return all == 0 ? 0 : all | BIT(CAUSE_MANUAL);
}

/* --- what streams must have in common --- */

static bool has_match(const struct stream_settings *stream)
{
    return stream->sender.n + stream->sasl_username.n + stream->client_address.n + stream->policy_context.n +
               stream->server_port.n + stream->ccert_fingerprint.n >
           0;
}

static const struct stream_settings *find_name(const struct config_items *items, size_t n, const char *name)
{
    const struct stream_settings *streams = items->item;

    for (size_t i = 0; i < n; i++)
        if (strcmp(streams[i].name, name) == 0)
            return &streams[i];
    return NULL;
}

static bool names_none(const struct config_texts *causes)
{
    for (size_t i = 0; i < causes->n; i++)
        if (strcmp(causes->item[i], "none") == 0)
            return true;
    return false;
}

static const char *find_stranger(const struct config_items *items, const struct config_texts *names)
{
    for (size_t i = 0; i < names->n; i++)
        if (find_name(items, items->n, names->item[i]) == NULL)
            return names->item[i];
    return NULL;
}

static bool refuse(struct config_fault *fault, const char *key)
{
    fault->key = key;
    return false;
}

static bool check_one(const struct config_items *items, struct config_fault *fault, struct err *err)
{
    const struct stream_settings *stream = (const struct stream_settings *)items->item + fault->item;
    bool last = fault->item + 1 == items->n;
    const char *stranger = find_stranger(items, &stream->refusals_of);

    if (stream->name[0] == '\0') {
        err_set(err, "a stream without a name; `name` is needed");
        return refuse(fault, "name");
    }
    if (find_name(items, fault->item, stream->name) != NULL) {
        err_set(err, "a second stream of the name \"%s\"", stream->name);
        return refuse(fault, "name");
    }
    if (stranger != NULL) {
        err_set(err, "found \"%.63s\"; allowed are the names of streams", stranger);
        return refuse(fault, "refusals_of");
    }
    if (names_none(&stream->causes) && stream->causes.n > 1) {
        err_set(err, "found \"none\" among others; it stands alone");
        return refuse(fault, "causes");
    }
    if (last && has_match(stream)) {
        err_set(err, "the last stream must take all mail that is left: it may have no `match`");
        return refuse(fault, "match");
    }
    if (!last && !has_match(stream)) {
        err_set(err, "without a `match` it takes all mail, and no stream behind it is ever reached; only the "
                     "last one may do without");
        return refuse(fault, "match");
    }
    return true;
}

bool streams_check(const struct config_items *items, struct config_fault *fault, struct err *err)
{
    for (fault->item = 0; fault->item < items->n; fault->item++)
        if (!check_one(items, fault, err))
            return false;
    return true;
}

/* --- the streams themselves --- */

bool sender_pattern_parse(struct sender_pattern *out, const char *text, bool fold_local_part, struct err *err)
{
    const char *at = strchr(text, '@');
    bool whole = at != NULL && at != text;
    struct address_rules rules = { .fold_local_part = fold_local_part,
                                   .default_domain = whole ? NULL : text + (at == text) };

    if (strcmp(text, "<>") == 0) {
        out->kind = SENDER_NULL;
        return true;
    }
    out->kind = whole ? SENDER_ADDRESS : SENDER_DOMAIN;
    return address_parse(&out->address, ADDRESS_MAILBOX, whole ? span_of(text) : SPAN("x"), &rules, err) == 0;
}

static void match_free(struct stream_match *match)
{
    if (match == NULL)
        return;
    free(match->senders);
    free(match->clients);
    free(match);
}

/* NULL with err. */
static struct stream_match *match_make(const struct stream_settings *from, bool fold_local_part,
                                       struct err *err)
{
    struct stream_match *match = calloc(1, sizeof(*match));

    if (match == NULL)
        goto memory;
    match->senders = calloc(from->sender.n + 1, sizeof(*match->senders));
    match->clients = calloc(from->client_address.n + 1, sizeof(*match->clients));
    if (match->senders == NULL || match->clients == NULL)
        goto memory;
    for (size_t i = 0; i < from->sender.n; i++, match->n_senders++)
        if (!sender_pattern_parse(&match->senders[i], from->sender.item[i], fold_local_part, err))
            goto fail;
    for (size_t i = 0; i < from->client_address.n; i++, match->n_clients++)
        if (!network_parse(&match->clients[i], span_of(from->client_address.item[i]), err))
            goto fail;
    match->sasl_username = &from->sasl_username;
    match->policy_context = &from->policy_context;
    match->server_port = &from->server_port;
    match->ccert_fingerprint = &from->ccert_fingerprint;
    return match;
memory:
    err_set(err, "out of memory");
fail:
    match_free(match);
    return NULL;
}

static const char *or_else(const char *text, const char *otherwise)
{
    return text[0] != '\0' ? text : otherwise;
}

static int stream_make(struct stream *stream, const struct stream_settings *from,
                       const struct settings *settings, struct err *err)
{
    const struct policy_settings *policy = &settings->policy;
    struct address_rules rules = settings_address_rules(settings);

    *stream = (struct stream){
        .name = from->name,
        .enforce = from->enforce == ENFORCE_INHERIT ? policy->enforce : from->enforce,
        .causes = all_causes(&from->causes),
        .duplicates = from->duplicates,
        .reply_temporary = or_else(from->reply_temporary, policy->reply_temporary),
        .reply_permanent = or_else(from->reply_permanent, policy->reply_permanent),
        .refusals_of = &from->refusals_of,
        .channels = signing_channels_of(&from->signing, signing_channels_of(&settings->signing.channels, 0)),
        .list_ids = &from->list_ids,
    };
    if (from->unsubscribe[0] != '\0' &&
        address_parse(&stream->unsubscribe, ADDRESS_MAILBOX, span_of(from->unsubscribe), &rules, err) < 0)
        return -1;
    if (!has_match(from))
        return 0;
    stream->match = match_make(from, settings->fold_local_part, err);
    return stream->match == NULL ? -1 : 0;
}

/* Stands in where the settings name no stream: to all mail applies all that stands against a recipient. */
static struct stream stream_for_all(const struct settings *settings)
{
    const struct policy_settings *policy = &settings->policy;

    return (struct stream){ .name = "default",
                            .enforce = policy->enforce,
                            .causes = UINT32_MAX,
                            .channels = signing_channels_of(&settings->signing.channels, 0),
                            .reply_temporary = policy->reply_temporary,
                            .reply_permanent = policy->reply_permanent };
}

int streams_make(struct settings *settings, struct err *err)
{
    const struct config_items *from = &settings->stream_items;
    struct streams *streams = &settings->streams;

    streams_free(streams);
    if ((streams->item = calloc(from->n + 1, sizeof(*streams->item))) == NULL)
        return err_set(err, "out of memory");
    for (; streams->n < from->n; streams->n++)
        if (stream_make(&streams->item[streams->n], (const struct stream_settings *)from->item + streams->n,
                        settings, err) < 0)
            return -1;
    if (from->n == 0)
        streams->item[streams->n++] = stream_for_all(settings);
    for (size_t i = 0; i < streams->n; i++) {
        streams->item[i].among = streams;
        streams->some_off |= streams->item[i].enforce == ENFORCE_OFF;
    }
    return 0;
}

void streams_free(struct streams *streams)
{
    for (size_t i = 0; i < streams->n; i++)
        match_free((struct stream_match *)streams->item[i].match);
    free(streams->item);
    *streams = (struct streams){ .n = 0 };
}
