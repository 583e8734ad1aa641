/* SPDX-License-Identifier: BSD-2-Clause */
/* Which requests are worth a question, and what the answer becomes in Postfix's words.
 *
 * Two steps with Redis in between: policy_reply_needs_lookup() sorts out what is let pass in any case,
 * policy_reply_make() turns what Redis said into an action. Texts come from the operator's templates and from
 * an address that an SMTP client chose: they are made printable ASCII and cut to fit, and the marker, by
 * which our own refusal is known again in a DSN, always gets its room at the end. */
#include "policy/policy_reply.h"

#include "leadgate/bounce.h"

#include <string.h>
#include <time.h>

const struct stream *policy_stream(const struct settings *settings, const struct policy_request *request)
{
    const struct stream_request asked = {
        .sender = request->value[POLICY_SENDER],
        .sender_form = ADDRESS_INTERNAL,
        .sasl_username = request->value[POLICY_SASL_USERNAME],
        .client_address = request->value[POLICY_CLIENT_ADDRESS],
        .policy_context = request->value[POLICY_CONTEXT],
        .server_port = request->value[POLICY_SERVER_PORT],
        .ccert_fingerprint = request->value[POLICY_CCERT_FINGERPRINT],
        .ccert_pubkey_fingerprint = request->value[POLICY_CCERT_PUBKEY_FINGERPRINT],
    };

    return stream_find(settings, &asked);
}

bool policy_reply_needs_lookup(const struct settings *settings, const struct policy_request *request,
                               struct address *lead)
{
    struct address_rules rules = settings_address_rules(settings);
    struct err err;

    lead->n = 0;
    /* At other states than RCPT the recipient is unknown, or one of several. */
    if (!span_eq(request->value[POLICY_REQUEST], SPAN("smtpd_access_policy")) ||
        !span_eq(request->value[POLICY_PROTOCOL_STATE], SPAN("RCPT")))
        return false;
    /* What is no address, or empty, is no lead either; whether to take mail for it is Postfix's to say. */
    if (address_parse(lead, ADDRESS_INTERNAL, request->value[POLICY_RECIPIENT], &rules, &err) < 0) {
        lead->n = 0;
        return false;
    }
    if (settings_never_refuses(settings, lead))
        return false;
    return !settings->streams.some_off || policy_stream(settings, request)->enforce != ENFORCE_OFF;
}

/* Appends text as printable ASCII, a '?' for each other character, as far as there is room. */
static void put(char *dst, size_t *n, size_t max, struct span text)
{
    for (size_t i = 0; i < text.n && *n < max; i++) {
        unsigned char c = (unsigned char)text.p[i];

        if ((c & 0xc0) == 0x80)
            continue; /* the rest of a UTF-8 character that has its '?' */
        dst[(*n)++] = c < ' ' || c > '~' ? '?' : (char)c;
    }
}

/* The UTC day on which an opt-out ends, in words that follow "until". */
static struct span until_text(char dst[32], int64_t until)
{
    time_t when = (time_t)until;
    struct tm tm;

    if (until == 0 || gmtime_r(&when, &tm) == NULL)
        return SPAN("further notice");
    return (struct span){ dst, strftime(dst, 32, "%Y-%m-%d", &tm) };
}

/* Fills the template in. Braces around a word that means nothing here stay as they are. */
static void fill_in(struct policy_reply *reply, const char *template, const struct address *lead,
                    const char *cause)
{
    const size_t max = POLICY_ACTION_MAX - sizeof(" " LEADGATE_MARKER) + 1;
    char day[32];
    const struct {
        struct span word, value;
    } words[] = {
        { SPAN("{lead}"), address_span(lead) },
        { SPAN("{cause}"), span_of(cause) },
        { SPAN("{until}"), until_text(day, reply->until) },
        { SPAN("{kind}"), span_of(optout_kind_name(reply->kind)) },
        { SPAN("{stream}"), span_of(reply->stream->name) },
        { SPAN("{provider}"), span_of(reply->provider) },
    };
    struct span rest = span_trim(span_of(template));
    size_t n = 0;

    while (rest.n > 0) {
        struct span from = { rest.p, 1 }, value = from;

        for (size_t i = 0; rest.p[0] == '{' && i < sizeof(words) / sizeof(words[0]); i++) {
            if (span_starts_nocase(rest, words[i].word)) {
                from = words[i].word;
                value = words[i].value;
            }
        }
        put(reply->text, &n, max, value);
        rest = (struct span){ rest.p + from.n, rest.n - from.n };
    }
    memcpy(reply->text + n, " " LEADGATE_MARKER, sizeof(" " LEADGATE_MARKER));
    reply->action = reply->text;
}

/* Redis is away. Nothing is refused where `enforce` says only to observe. */
static void reply_when_down(struct policy_reply *reply, const struct policy_settings *settings,
                            const struct address *lead)
{
    if (settings->on_failure == ON_FAILURE_ACCEPT || reply->stream->enforce != ENFORCE_ON)
        return;
    reply->verdict = POLICY_DEFERRED;
    reply->kind = OPTOUT_TEMPORARY;
    fill_in(reply, settings->reply_unavailable, lead, "unavailable");
}

static void reply_when_suppressed(struct policy_reply *reply, const struct address *lead,
                                  const struct suppression *found)
{
    const struct stream *stream = reply->stream;
    struct ruling ruling = stream_judge(stream, found);

    /* Between question and answer a reload may have turned enforcement off. */
    if (!ruling.holds || stream->enforce == ENFORCE_OFF)
        return;
    reply->cause = ruling.cause;
    reply->kind = ruling.kind;
    reply->until = ruling.until;
    reply->verdict = stream->enforce == ENFORCE_OBSERVE ? POLICY_OBSERVED : POLICY_REFUSED;
    if (reply->verdict == POLICY_REFUSED)
        fill_in(reply, ruling.kind == OPTOUT_TEMPORARY ? stream->reply_temporary : stream->reply_permanent,
                lead, cause_name(ruling.cause));
}

/* Nearly every recipient: then no stream needs to be found. */
static bool is_clear(const struct suppression *found)
{
    return found->n_refusals == 0 && (!found->optout.present || found->allowed);
}

void policy_reply_make(struct policy_reply *reply, const struct settings *settings,
                       const struct policy_request *request, const struct address *lead, enum store_rc rc,
                       const struct suppression *found)
{
    reply->verdict = POLICY_PASSED;
    reply->cause = CAUSE_NONE;
    reply->kind = OPTOUT_PERMANENT;
    reply->until = 0;
    reply->held = (struct policy_held){ .why = POLICY_WHY_NONE };
    reply->provider = "{provider}"; /* which means nothing to other templates */
    reply->stream = NULL;
    reply->action = "DUNNO";
    if (rc == STORE_OK && is_clear(found))
        return;
    reply->stream = policy_stream(settings, request);
    switch (rc) {
    case STORE_OK: reply_when_suppressed(reply, lead, found); break;
    case STORE_DOWN: reply_when_down(reply, &settings->policy, lead); break;
    }
}

void policy_reply_hold(struct policy_reply *reply, const struct settings *settings,
                       const struct stream *stream, const struct address *lead,
                       const struct policy_held *held, const char *provider)
{
    reply->held = *held;
    reply->provider = provider;
    reply->stream = stream;
    reply->kind = OPTOUT_TEMPORARY;
    reply->verdict = held->observed ? POLICY_OBSERVED : POLICY_DEFERRED;
    if (reply->verdict == POLICY_DEFERRED)
        fill_in(reply, settings->policy.reply_held, lead, policy_why_name(held->why));
}
