/* SPDX-License-Identifier: BSD-2-Clause */
/* Two steps, whatever the form. First the outside is taken off (address_unwrap.c: brackets, quotes, what DSN
 * fields encode): left is what Postfix calls the internal form, which is how its policy protocol hands
 * recipients over anyway. Then the internal form is taken apart as Postfix's trivial-rewrite(8) would, and
 * each part is written in its one spelling. An address in plain ASCII, nearly all of them, is normalised
 * without an allocation.
 *
 * Not done: what Postfix does only for domains of its own (`a%b@$mydestination`), append_dot_mydomain, and
 * address extensions: ann+x@ is another mailbox than ann@ to everybody but its owner. */
#include "leadgate/address.h"

#include "core/address_unwrap.h"

#include <errno.h>
#include <idn2.h>
#include <stdlib.h>
#include <string.h>
#include <unicase.h>
#include <uninorm.h>
#include <unistr.h>

#define LABEL_MAX  63  /* RFC 1035 2.3.4 */
#define DOMAIN_MAX 255 /* RFC 5321 4.5.3.1.2 */

struct parts {
    struct span local, domain;
};

static struct span span_from(struct span s, size_t start)
{
    return (struct span){ s.p + start, s.n - start };
}

static const char *last_byte(struct span s, char c)
{
    for (size_t i = s.n; i > 0; i--)
        if (s.p[i - 1] == c)
            return s.p + i - 1;
    return NULL;
}

/* `@a,@b:user@c` is user@c. A colon behind the last '@' is one of a domain literal, [IPv6:...], unless that
 * '@' is the route's own (`@a:user`). Again and again, so that no normal form looks like a route. */
static struct span strip_route(struct span s)
{
    while (s.n > 0 && s.p[0] == '@') {
        const char *colon = memchr(s.p, ':', s.n), *at = last_byte(s, '@');

        if (colon == NULL || (colon > at && at != s.p))
            break;
        s = span_from(s, (size_t)(colon + 1 - s.p));
    }
    return s;
}

/* The order of trivial-rewrite's rewrite_tree(): '@' wins, then the first '!', then the last '%', then the
 * default domain. */
static struct parts split(struct span s, struct span default_domain)
{
    const char *at = last_byte(s, '@'), *bang = s.n == 0 ? NULL : memchr(s.p, '!', s.n);

    if (at == NULL && bang != NULL)
        return (struct parts){ span_from(s, (size_t)(bang + 1 - s.p)), { s.p, (size_t)(bang - s.p) } };
    if (at == NULL)
        at = last_byte(s, '%');
    if (at == NULL)
        return (struct parts){ s, default_domain };
    return (struct parts){ { s.p, (size_t)(at - s.p) }, span_from(s, (size_t)(at + 1 - s.p)) };
}

/* One trailing dot is the root; two, or nothing before it, is no domain and stays to be refused. */
static struct span strip_dot(struct span domain)
{
    if (domain.n > 1 && domain.p[domain.n - 1] == '.' && domain.p[domain.n - 2] != '.')
        domain.n--;
    return domain;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static bool put(struct address *out, const char *p, size_t n)
{
    if (n >= sizeof(out->text) - out->n)
        return false;
    memcpy(out->text + out->n, p, n);
    out->n += n;
    out->text[out->n] = '\0';
    return true;
}

static bool put_escape(struct address *out, unsigned char c)
{
    static const char hex[] = "0123456789ABCDEF";

    return put(out, (const char[]){ '%', hex[c >> 4], hex[c & 15] }, 3);
}

static bool needs_escape(unsigned char c)
{
    return c < 0x20 || c == 0x7f || c == '{' || c == '}';
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Folding makes no difference between %7B and %7b, so one of them must be the spelling: that of
 * put_escape(). Else a second normalisation would change the first one's escapes. */
static void fix_escapes(char *text, size_t n)
{
    for (char *p = text; n >= 3 && (p = memchr(p, '%', (size_t)(text + n - 2 - p))) != NULL; p++) {
        int high = hex_digit(p[1]), low = hex_digit(p[2]);

        if (high < 0 || low < 0 || (high < 8 && !needs_escape((unsigned char)(high << 4 | low))))
            continue;
        for (int i = 1; i <= 2; i++)
            p[i] = (char)(p[i] >= 'a' ? p[i] - ('a' - 'A') : p[i]);
    }
}

/* Lower case where wanted, and NFC. ü may come as one code point or as two, by the keyboard it was typed on.
 * Folding is without a language: the Turkish i must not depend on where we run. */
static int fold_unicode(struct address *out, bool fold, struct err *err)
{
    uint8_t room[ADDRESS_SIZE], *folded;
    const uint8_t *text = (const uint8_t *)out->text;
    size_t n = sizeof(room);
    int rc = -1;

    folded = fold ? u8_tolower(text, out->n, NULL, UNINORM_NFC, room, &n)
                  : u8_normalize(UNINORM_NFC, text, out->n, room, &n);
    if (folded == NULL)
        return err_set(err, "cannot fold the address: %s", strerror(errno));
    if (n >= sizeof(out->text)) {
        err_set(err, "the address is too long");
        goto out;
    }
    memcpy(out->text, folded, n);
    out->text[n] = '\0';
    out->n = n;
    rc = 0;
out:
    if (folded != room)
        free(folded);
    return rc;
}

static int put_local(struct address *out, struct span local, bool fold, struct err *err)
{
    bool ascii = true, fits = true;

    for (size_t i = 0, n; i < local.n && fits; i += n) {
        unsigned char c = (unsigned char)local.p[i];
        int length = c < 0x80 ? 1 : u8_mblen((const uint8_t *)local.p + i, local.n - i);
        char folded = fold ? lower(local.p[i]) : local.p[i];

        n = length < 1 ? 1 : (size_t)length;
        ascii = ascii && n == 1;
        if (length < 1 || needs_escape(c))
            fits = put_escape(out, c);
        else
            fits = n == 1 ? put(out, &folded, 1) : put(out, local.p + i, n);
    }
    if (!fits)
        return err_set(err, "the address is too long");
    if (!ascii && fold_unicode(out, fold, err) < 0)
        return -1;
    if (fold)
        fix_escapes(out->text, out->n);
    return 0;
}

/* Letters, digits, '-' and '_' (no host has one, but mail domains do) in labels. */
static const char *domain_fault(struct span domain)
{
    size_t label = 0;

    for (size_t i = 0; i < domain.n; i++) {
        char c = domain.p[i];

        if (c == '.' && label == 0)
            return "has an empty label";
        if (c != '.' && !(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '_')
            return "has a character that no domain has";
        label = c == '.' ? 0 : label + 1;
        if (label > LABEL_MAX)
            return "has a label of more than 63 characters";
    }
    if (label == 0)
        return "has an empty label";
    return domain.n > DOMAIN_MAX ? "is longer than 255 characters" : NULL;
}

/* RFC 5321 4.1.3: [192.0.2.1], [IPv6:2001:db8::1]. */
static const char *literal_fault(struct span domain)
{
    if (domain.n < 3 || domain.p[domain.n - 1] != ']')
        return "is no address literal";
    for (size_t i = 1; i + 1 < domain.n; i++)
        if (domain.p[i] <= ' ' || domain.p[i] >= 0x7f || strchr("[]\\{}", domain.p[i]) != NULL)
            return "is no address literal";
    return NULL;
}

/* Writes an all-ASCII domain and checks it. given is the domain as it came, for the message. */
static int put_ascii_domain(struct address *out, struct span domain, struct span given, struct err *err)
{
    size_t start = out->n;
    struct span written;
    const char *fault;

    domain = strip_dot(domain);
    if (!put(out, domain.p, domain.n))
        return err_set(err, "the address is too long");
    for (size_t i = start; i < out->n; i++)
        out->text[i] = lower(out->text[i]);
    written = (struct span){ out->text + start, out->n - start };
    fault = written.n > 0 && written.p[0] == '[' ? literal_fault(written) : domain_fault(written);
    return fault == NULL ? 0 : err_set(err, "the domain \"%.*s\" %s", SPAN_FMT(given), fault);
}

/* UTS 46 maps more than case (wide letters, ideographic full stops), so its result is checked like any other
 * domain. */
static int put_unicode_domain(struct address *out, struct span domain, struct err *err)
{
    char text[ADDRESS_SIZE], *ascii = NULL;
    int rc;

    if (!span_copy(text, sizeof(text), domain))
        return err_set(err, "the domain \"%.*s\" is too long or has a NUL byte", SPAN_FMT(domain));
    rc = idn2_to_ascii_8z(text, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
    if (rc != IDN2_OK)
        return err_set(err, "the domain \"%s\" has no form in ASCII: %s", text, idn2_strerror(rc));
    rc = put_ascii_domain(out, span_of(ascii), domain, err);
    idn2_free(ascii);
    return rc;
}

static int put_domain(struct address *out, struct span domain, struct err *err)
{
    struct span name = strip_dot(domain);

    for (size_t i = 0; i < name.n; i++)
        if ((unsigned char)name.p[i] >= 0x80)
            return put_unicode_domain(out, name, err);
    return put_ascii_domain(out, name, domain, err);
}

static int put_address(struct address *out, struct span internal, const struct address_rules *rules,
                       struct err *err)
{
    struct parts parts = split(strip_route(internal), span_of(rules->default_domain));

    out->n = 0;
    out->text[0] = '\0';
    if (parts.local.n == 0)
        return err_set(err, "\"%.*s\" has no local part", SPAN_FMT(internal));
    if (parts.domain.n == 0)
        return err_set(err, "\"%.*s\" has no domain", SPAN_FMT(internal));
    if (put_local(out, parts.local, rules->fold_local_part, err) < 0)
        return -1;
    out->at = out->n;
    if (!put(out, "@", 1))
        return err_set(err, "the address is too long");
    return put_domain(out, parts.domain, err);
}

enum address_form address_form_of(struct span text)
{
    return text.n > 0 && (text.p[0] == '<' || text.p[0] == '"') ? ADDRESS_MAILBOX : ADDRESS_INTERNAL;
}

int address_parse(struct address *out, enum address_form form, struct span raw,
                  const struct address_rules *rules, struct err *err)
{
    struct unwrapped unwrapped;

    switch (form) {
    case ADDRESS_INTERNAL: return put_address(out, raw, rules, err);
    case ADDRESS_MAILBOX:
        if (address_unwrap_mailbox(&unwrapped, raw, err) < 0)
            return -1;
        break;
    case ADDRESS_DSN:
        if (address_unwrap_dsn(&unwrapped, raw, err) < 0)
            return -1;
        break;
    }
    return put_address(out, (struct span){ unwrapped.text, unwrapped.n }, rules, err);
}

struct span address_span(const struct address *address)
{
    return (struct span){ address->text, address->n };
}

struct span address_domain(const struct address *address)
{
    return span_from(address_span(address), address->at + 1);
}

struct span address_local(const struct address *address)
{
    return (struct span){ address->text, address->at };
}

bool address_covers(const struct address *base, const struct address *address)
{
    struct span local = address_local(base), other = address_local(address);

    return span_eq(address_domain(base), address_domain(address)) &&
           (span_eq(local, other) || (other.n > local.n && other.p[local.n] == '+' &&
                                      span_eq(local, (struct span){ other.p, local.n })));
}
