/* SPDX-License-Identifier: BSD-2-Clause */
/* No JSON library for one message: the few names that matter occur once each, so they are looked for by name,
 * and a value is a string. Strings are stepped over as strings, so that a name inside of a value (a subject
 * line, say) is not taken for one. */
#include "bounce/json.h"

#include <string.h>

/* Takes one string off *rest, which is at its opening quote. */
static struct span take_string(struct span *rest)
{
    size_t i = 1;
    struct span out;

    while (i < rest->n && rest->p[i] != '"')
        i += rest->p[i] == '\\' ? 2 : 1;
    if (i > rest->n)
        i = rest->n;
    out = (struct span){ rest->p + 1, i - 1 };
    i += i < rest->n;
    *rest = (struct span){ rest->p + i, rest->n - i };
    return out;
}

/* Takes the next string off *rest; *named: a ':' follows, it is a name. */
static bool next_string(struct span *rest, struct span *out, bool *named)
{
    const char *quote = rest->n == 0 ? NULL : memchr(rest->p, '"', rest->n);
    struct span behind;

    if (quote == NULL)
        return false;
    *rest = (struct span){ quote, (size_t)(rest->p + rest->n - quote) };
    *out = take_string(rest);
    behind = span_trim((struct span){ rest->p, rest->n < 16 ? rest->n : 16 });
    *named = behind.n > 0 && behind.p[0] == ':';
    return true;
}

/* Leaves *rest behind the next name that is called so. */
static bool find_name(struct span *rest, struct span name)
{
    struct span string;
    bool named;

    while (next_string(rest, &string, &named))
        if (named && span_eq(string, name))
            return true;
    return false;
}

struct span json_string(struct span rest, struct span name)
{
    struct span string;
    bool named;

    if (find_name(&rest, name) && next_string(&rest, &string, &named) && !named)
        return string;
    return SPAN_NONE;
}

/* Undoes the escapes of a string in place. */
static size_t unescape(char *p, size_t n)
{
    size_t out = 0;

    for (size_t i = 0; i < n; i++) {
        char c = p[i];

        if (c == '\\' && i + 1 < n) {
            c = p[++i];
            c = c == 'n' || c == 'r' || c == 't' ? ' ' : c;
        }
        p[out++] = c;
    }
    return out;
}

static enum json_event event_named(struct span name)
{
    static const struct {
        const char *name;
        enum json_event event;
    } names[] = {
        { "Bounce", JSON_BOUNCE },   { "Complaint", JSON_COMPLAINT },   { "Delivery", JSON_DELIVERED },
        { "Send", JSON_DELIVERED },  { "DeliveryDelay", JSON_DELAYED }, { "Open", JSON_DELIVERED },
        { "Click", JSON_DELIVERED },
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (span_eq_nocase(name, span_of(names[i].name)))
            return names[i].event;
    return JSON_NONE;
}

static enum json_event event_of(struct span text)
{
    struct span name = json_string(text, SPAN("notificationType"));

    if (name.n == 0)
        name = json_string(text, SPAN("eventType"));
    return event_named(name);
}

enum json_event json_event(struct span *text, char *writable)
{
    struct span head = span_trim(*text), message;
    enum json_event event;

    if (head.n == 0 || head.p[0] != '{')
        return JSON_NONE;
    event = event_of(head);
    if (event != JSON_NONE)
        return event;
    message = json_string(head, SPAN("Message"));
    if (message.n == 0)
        return JSON_NONE;
    writable += message.p - text->p;
    *text = (struct span){ writable, unescape(writable, message.n) };
    return event_of(*text);
}

bool json_next_recipient(struct span *rest, enum json_event event, struct json_recipient *out)
{
    struct span lists[] = { SPAN("bouncedRecipients"), SPAN("complainedRecipients"),
                            SPAN("delayedRecipients") };
    struct span list = lists[event == JSON_COMPLAINT ? 1 : event == JSON_DELAYED ? 2 : 0], one;
    const char *end;

    /* Before the first recipient *rest is the whole text; behind it, inside of the list. */
    if (json_string(*rest, SPAN("notificationType")).n > 0 || json_string(*rest, SPAN("eventType")).n > 0) {
        if (!find_name(rest, list))
            return false;
        end = memchr(rest->p, ']', rest->n);
        if (end != NULL)
            rest->n = (size_t)(end - rest->p);
    }
    if (rest->n == 0 || memchr(rest->p, '{', rest->n) == NULL)
        return false;
    span_cut(rest, '{');
    one = span_cut(rest, '}');
    *out = (struct json_recipient){
        .address = json_string((struct span){ one.p, one.n }, SPAN("emailAddress")),
        .status = json_string(one, SPAN("status")),
        .diagnostic = json_string(one, SPAN("diagnosticCode")),
    };
    return out->address.n > 0;
}

struct span json_sender(struct span text)
{
    return json_string(text, SPAN("source"));
}
