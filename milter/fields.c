/* SPDX-License-Identifier: BSD-2-Clause */
#include "milter/fields.h"

#include "leadgate/hash.h"
#include "leadgate/signing.h"

#include <stdlib.h>
#include <string.h>

void fields_free(struct fields *fields)
{
    free(fields->unsubscribe);
    *fields = (struct fields){ .message_id = "" };
}

static bool has_space(struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == ' ' || s.p[i] == '\t' || s.p[i] == '\r' || s.p[i] == '\n')
            return true;
    return false;
}

/* What stands between the brackets. */
static struct span id_of(struct span value)
{
    if (memchr(value.p, '<', value.n) != NULL)
        span_cut(&value, '<');
    return span_trim(span_cut(&value, '>'));
}

static void note_message_id(struct fields *fields, struct span value)
{
    struct span id = id_of(value);

    if (!has_space(id))
        span_copy(fields->message_id, sizeof(fields->message_id), id);
}

static void note_campaign(struct fields *fields, struct span name)
{
    if (fields->has_campaign || name.n == 0)
        return;
    fields->has_campaign = true;
    span_excerpt(fields->campaign_name, sizeof(fields->campaign_name), name);
    fields->campaign = hash_spread(hash_bytes(HASH_START, name));
}

/* Whether one of the mailto: in it goes to the address, or to a path of it. */
static bool holds_address(struct span value, const struct address *wanted, const struct address_rules *rules)
{
    const char *hit;

    while ((hit = span_find_nocase(value, SPAN("mailto:"))) != NULL) {
        struct span to = { hit + 7, value.n - (size_t)(hit + 7 - value.p) };
        struct address address;
        struct err err;

        value = to;
        to.n = 0;
        while (to.n < value.n && strchr(">?,", to.p[to.n]) == NULL)
            to.n++;
        if (address_parse(&address, ADDRESS_INTERNAL, span_trim(to), rules, &err) == 0 &&
            address_covers(wanted, &address))
            return true;
    }
    return false;
}

static void note_unsubscribe(struct fields *fields, const struct settings *settings,
                             const struct stream *stream, struct span value)
{
    struct address_rules rules = settings_address_rules(settings);

    if (stream->unsubscribe.n == 0)
        return;
    if (fields->unsubscribe == NULL)
        fields->unsubscribe = strndup(value.p, value.n);
    fields->offers_ours |= holds_address(value, &stream->unsubscribe, &rules);
}

void fields_note(struct fields *fields, const struct settings *settings, const struct stream *stream,
                 struct span name, struct span value)
{
    struct span campaign = span_of(settings->duplicates.header);

    if (campaign.n > 0 && span_eq_nocase(name, campaign))
        note_campaign(fields, span_trim(value));
    if (span_eq_nocase(name, SPAN("Message-ID"))) {
        note_message_id(fields, value);
        if (campaign.n == 0)
            note_campaign(fields, id_of(value));
    } else if (span_eq_nocase(name, SPAN(SIGNING_FIELD))) {
        fields->has_token = true;
    } else if (span_eq_nocase(name, SPAN("DKIM-Signature"))) {
        fields->has_dkim = true;
    } else if (span_eq_nocase(name, SPAN("List-Unsubscribe"))) {
        note_unsubscribe(fields, settings, stream, value);
    }
}
