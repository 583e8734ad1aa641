/* SPDX-License-Identifier: BSD-2-Clause */
/* Whatever a reply template could do wrong in Postfix's hands is refused here, at start: Postfix reads a
 * reply that does not begin with a code as a list of restrictions, and answers 451 to all mail when it knows
 * none of its words. */
#include "settings/settings_checks.h"

#include "leadgate/address.h"
#include "leadgate/network.h"
#include "leadgate/span.h"
#include "leadgate/stream.h"
#include "settings/signing_make.h"
#include "settings/stream_make.h"

#include <string.h>

/* RFC 5321 4.5.3.1.5 has 512 octets for a reply line; Postfix puts the recipient in front, we put in values
 * and the marker. */
#define REPLY_MAX 200

#define REPLY_ALLOWED "allowed is `4xx 4.x.y text` or `5xx 5.x.y text`"

static bool take_digits(struct span *s, size_t min, size_t max)
{
    size_t n = 0;

    while (n < s->n && n < max && s->p[n] >= '0' && s->p[n] <= '9')
        n++;
    *s = (struct span){ s->p + n, s->n - n };
    return n >= min;
}

static bool take_char(struct span *s, char c)
{
    if (s->n == 0 || s->p[0] != c)
        return false;
    *s = (struct span){ s->p + 1, s->n - 1 };
    return true;
}

/* `5xx 5.x.y text` (RFC 3463 2: three digits at most in subject and detail). */
static bool has_codes(const char *text)
{
    struct span s = span_of(text);
    char class = text[0];

    return (class == '4' || class == '5') && take_digits(&s, 3, 3) && take_char(&s, ' ') &&
           take_char(&s, class) && take_char(&s, '.') && take_digits(&s, 1, 3) && take_char(&s, '.') &&
           take_digits(&s, 1, 3) && take_char(&s, ' ') && span_trim(s).n > 0;
}

static bool is_word(struct span word)
{
    static const char *const words[] = { "lead", "cause", "until", "kind", "stream" };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (span_eq(word, span_of(words[i])))
            return true;
    return false;
}

/* Whether a '{' has something else behind it than one of our words and a '}'. */
static bool has_unknown_word(struct span s, struct span *word)
{
    const char *open, *close;

    while ((open = memchr(s.p, '{', s.n)) != NULL) {
        s = (struct span){ open + 1, s.n - (size_t)(open + 1 - s.p) };
        close = memchr(s.p, '}', s.n);
        *word = close == NULL ? s : (struct span){ s.p, (size_t)(close - s.p) };
        if (close == NULL || !is_word(*word))
            return true;
    }
    return false;
}

bool check_reply(const char *text, struct err *err)
{
    struct span s = span_of(text), word = SPAN_NONE;

    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < ' ' || s.p[i] > '~') {
            err_set(err, "character %zu is not printable ASCII; " REPLY_ALLOWED, i + 1);
            return false;
        }
    }
    if (!has_codes(text)) {
        err_set(err, "found \"%.60s\"; " REPLY_ALLOWED, text);
        return false;
    }
    if (s.n > REPLY_MAX) {
        err_set(err, "found %zu characters; allowed are %d", s.n, REPLY_MAX);
        return false;
    }
    if (has_unknown_word(s, &word)) {
        err_set(err, "unknown word {%.*s}; allowed are {lead}, {cause}, {until}, {kind} and {stream}",
                SPAN_FMT(word));
        return false;
    }
    return true;
}

bool check_reply_or_none(const char *text, struct err *err)
{
    return text[0] == '\0' || check_reply(text, err);
}

bool check_temporary_reply(const char *text, struct err *err)
{
    if (!check_reply(text, err))
        return false;
    if (text[0] != '4') {
        err_set(err, "found \"%.60s\", a permanent refusal; allowed is `4xx 4.x.y text`", text);
        return false;
    }
    return true;
}

bool check_address(const char *text, struct err *err)
{
    struct address address;
    struct address_rules rules = { .fold_local_part = true };

    return address_parse(&address, ADDRESS_MAILBOX, span_of(text), &rules, err) == 0;
}

bool check_address_or_none(const char *text, struct err *err)
{
    return text[0] == '\0' || check_address(text, err);
}

bool check_local_part(const char *text, struct err *err)
{
    if (strpbrk(text, "@<>\" ") == NULL)
        return true;
    err_set(err, "found \"%.60s\"; allowed is the part of an address before the '@'", text);
    return false;
}

bool check_domain(const char *text, struct err *err)
{
    struct address address;
    struct address_rules rules = { .default_domain = text };

    return text[0] == '\0' || address_parse(&address, ADDRESS_INTERNAL, SPAN("x"), &rules, err) == 0;
}

bool check_path(const char *text, struct err *err)
{
    if (text[0] == '/')
        return true;
    err_set(err, "found \"%.60s\"; allowed is an absolute path", text);
    return false;
}

bool check_stream_name(const char *text, struct err *err)
{
    if (text[0] == '\0' || stream_is_name(span_of(text)))
        return true;
    err_set(err, "found \"%.80s\"; allowed are up to %d letters, digits, '-', '_' and '.'", text,
            STREAM_NAME_SIZE - 1);
    return false;
}

bool check_sender(const char *text, struct err *err)
{
    struct sender_pattern pattern;

    return sender_pattern_parse(&pattern, text, true, err);
}

bool check_network(const char *text, struct err *err)
{
    struct network network;

    return network_parse(&network, span_of(text), err);
}

/* As Postfix spells it: no name of a service, no leading 0. */
bool check_port(const char *text, struct err *err)
{
    int64_t port;

    if (text[0] != '0' && span_int64(span_of(text), &port) && port >= 1 && port <= 65535)
        return true;
    err_set(err, "found \"%.60s\"; allowed is a port number from 1 to 65535", text);
    return false;
}

bool check_fingerprint(const char *text, struct err *err)
{
    if (strspn(text, "0123456789abcdefABCDEF:") == strlen(text))
        return true;
    err_set(err, "found \"%.60s\"; allowed are pairs of hexadecimal digits with ':' between them", text);
    return false;
}

/* RFC 2919 2: an atom with dots, which people write with its <>. */
bool check_list_id(const char *text, struct err *err)
{
    struct span id = span_of(text);

    if (id.n > 2 && id.p[0] == '<' && id.p[id.n - 1] == '>')
        id = (struct span){ id.p + 1, id.n - 2 };
    if (id.n > 0 && strcspn(id.p, "<> \t\"") >= id.n)
        return true;
    err_set(err, "found \"%.60s\"; allowed is what stands between < and > in the field List-Id", text);
    return false;
}

bool check_cause(const char *text, struct err *err)
{
    uint32_t causes;

    if (stream_causes(span_of(text), &causes))
        return true;
    err_set(err, "found \"%.60s\"; allowed are the names of causes and " STREAM_CAUSE_GROUPS, text);
    return false;
}

bool check_field_name_or_none(const char *text, struct err *err)
{
    for (const char *c = text; *c != '\0'; c++) {
        if (*c <= ' ' || *c > '~' || *c == ':') {
            err_set(err, "found \"%.60s\"; allowed is the name of a header field, without the ':'", text);
            return false;
        }
    }
    return true;
}

bool check_channel(const char *text, struct err *err)
{
    if (signing_channel(span_of(text)) != 0)
        return true;
    err_set(err, "found \"%.60s\"; allowed are header, envelope-id and return-path", text);
    return false;
}

bool check_stream_channel(const char *text, struct err *err)
{
    return strcmp(text, "inherit") == 0 || strcmp(text, "none") == 0 || check_channel(text, err);
}

bool check_host(const char *text, struct err *err)
{
    if (text[0] != '\0')
        return check_domain(text, err);
    err_set(err, "found nothing; allowed is a host name");
    return false;
}
