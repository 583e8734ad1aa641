/* SPDX-License-Identifier: BSD-2-Clause */
/* Nearly every slip is one in the name or the ending of one of a few dozen domains. Name and ending are
 * compared apart: gmail.de is not one letter away from gmail.com, and yahoo.dk is a domain of its own,
 * however near to yahoo.de. The shorter a name, the more real domains are near it, so the less is allowed. */
#include "cli/typo.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* The most common first: they win where several are as near. Small ones are here so that they are not taken
 * for slips of the large ones. */
static const char *const domains[] = {
    "gmail.com",       "yahoo.com",      "hotmail.com",   "outlook.com",    "icloud.com",
    "aol.com",         "live.com",       "msn.com",       "googlemail.com", "gmx.de",
    "web.de",          "t-online.de",    "gmx.net",       "gmx.at",         "gmx.ch",
    "gmx.com",         "freenet.de",     "arcor.de",      "mail.ru",        "yandex.ru",
    "orange.fr",       "wanadoo.fr",     "free.fr",       "laposte.net",    "sfr.fr",
    "libero.it",       "virgilio.it",    "alice.it",      "hotmail.fr",     "hotmail.de",
    "hotmail.it",      "hotmail.es",     "hotmail.co.uk", "yahoo.de",       "yahoo.fr",
    "yahoo.it",        "yahoo.es",       "yahoo.co.uk",   "yahoo.co.jp",    "yahoo.co.in",
    "yahoo.com.br",    "yahoo.ca",       "live.de",       "live.fr",        "live.nl",
    "live.co.uk",      "live.it",        "outlook.de",    "outlook.fr",     "outlook.es",
    "me.com",          "mac.com",        "ymail.com",     "rocketmail.com", "mail.com",
    "email.com",       "email.de",       "mail.de",       "posteo.de",      "mailbox.org",
    "protonmail.com",  "proton.me",      "pm.me",         "tutanota.com",   "zoho.com",
    "fastmail.com",    "btinternet.com", "sky.com",       "ntlworld.com",   "comcast.net",
    "verizon.net",     "att.net",        "sbcglobal.net", "cox.net",        "charter.net",
    "earthlink.net",   "bellsouth.net",  "shaw.ca",       "rogers.com",     "ziggo.nl",
    "kpnmail.nl",      "planet.nl",      "hetnet.nl",     "telenet.be",     "skynet.be",
    "bluewin.ch",      "hispeed.ch",     "aon.at",        "chello.at",      "wp.pl",
    "o2.pl",           "onet.pl",        "interia.pl",    "seznam.cz",      "centrum.cz",
    "uol.com.br",      "bol.com.br",     "terra.com.br",  "qq.com",         "163.com",
    "126.com",         "naver.com",      "hanmail.net",   "rediffmail.com", "bigpond.com",
    "optusnet.com.au", "telia.com",      "vodafone.de",
};

#define DOMAINS (sizeof(domains) / sizeof(domains[0]))

/* Endings that are no top-level domain but the way a finger slips off one. */
static const struct {
    const char *slip, *meant;
} endings[] = {
    { "con", "com" },  { "cmo", "com" }, { "ocm", "com" },  { "vom", "com" },  { "xom", "com" },
    { "cpm", "com" },  { "cim", "com" }, { "cin", "com" },  { "comm", "com" }, { "coom", "com" },
    { "ccom", "com" }, { "c0m", "com" }, { "conm", "com" }, { "comn", "com" }, { "coml", "com" },
    { "nte", "net" },  { "ner", "net" }, { "met", "net" },  { "nett", "net" }, { "ogr", "org" },
    { "orgg", "org" }, { "dee", "de" },
};

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

enum { LONGEST = 64 };

size_t typo_distance(struct span a, struct span b, size_t most)
{
    size_t rows[3][LONGEST + 1], *before = rows[0], *last = rows[1], *row = rows[2], *spare;

    if (a.n > LONGEST || b.n > LONGEST || a.n > b.n + most || b.n > a.n + most)
        return most + 1;
    for (size_t k = 0; k <= b.n; k++)
        before[k] = last[k] = k;
    for (size_t i = 1; i <= a.n; i++) {
        size_t nearest = row[0] = i;

        for (size_t k = 1; k <= b.n; k++) {
            size_t replaced = last[k - 1] + (a.p[i - 1] != b.p[k - 1]);

            row[k] = least(replaced, least(last[k], row[k - 1]) + 1);
            if (i > 1 && k > 1 && a.p[i - 1] == b.p[k - 2] && a.p[i - 2] == b.p[k - 1])
                row[k] = least(row[k], before[k - 2] + 1);
            nearest = least(nearest, row[k]);
        }
        if (nearest > most + 1)
            return most + 1;
        spare = before;
        before = last;
        last = row;
        row = spare;
    }
    return least(last[b.n], most + 1);
}

/* The name before the first dot; *ending is what is behind it. */
static struct span cut_name(struct span domain, struct span *ending)
{
    *ending = domain;
    return span_cut(ending, '.');
}

/* The same letters, two neighbours swapped. */
static bool is_swap(struct span a, struct span b)
{
    size_t i = 0;

    if (a.n != b.n)
        return false;
    while (i < a.n && a.p[i] == b.p[i])
        i++;
    return i + 1 < a.n && a.p[i] == b.p[i + 1] && a.p[i + 1] == b.p[i] &&
           memcmp(a.p + i + 2, b.p + i + 2, a.n - i - 2) == 0;
}

/* How far a name is from a known one; SIZE_MAX when it is too far for a slip. */
static size_t name_distance(struct span name, struct span known)
{
    size_t most = known.n < 7 ? 1 : 2, distance = typo_distance(name, known, most);

    if (distance == 0 || (known.n < 5 && is_swap(name, known)))
        return distance;
    return known.n < 5 || distance > most ? SIZE_MAX : distance;
}

/* The same for endings. Those of two letters are all taken by countries. */
static size_t ending_distance(struct span ending, struct span known)
{
    size_t distance = typo_distance(ending, known, 1);

    if (distance == 0 || (distance == 1 && (known.n > 2 || is_swap(ending, known))))
        return distance;
    return SIZE_MAX;
}

/* The nearest known domain; NULL when none is near. */
static const char *nearest(struct span domain)
{
    const char *found = NULL;
    size_t best = SIZE_MAX;
    struct span ending, name = cut_name(domain, &ending);

    for (size_t i = 0; i < DOMAINS; i++) {
        struct span known_ending, known_name = cut_name(span_of(domains[i]), &known_ending);
        size_t in_name = name_distance(name, known_name), in_ending;

        if (in_name == SIZE_MAX || (in_ending = ending_distance(ending, known_ending)) == SIZE_MAX)
            continue;
        if (in_name + in_ending <= 2 && in_name + in_ending < best) {
            best = in_name + in_ending;
            found = domains[i];
        }
    }
    return found;
}

static bool is_known(struct span domain)
{
    for (size_t i = 0; i < DOMAINS; i++)
        if (span_eq(domain, span_of(domains[i])))
            return true;
    return false;
}

/* With a right ending in place of a slip; false when it has none. */
static bool mend_ending(char dst[TYPO_SIZE], struct span domain)
{
    const char *dot = memrchr(domain.p, '.', domain.n);
    struct span ending;

    if (dot == NULL)
        return false;
    ending = (struct span){ dot + 1, (size_t)(domain.p + domain.n - dot - 1) };
    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++)
        if (span_eq(ending, span_of(endings[i].slip)))
            return snprintf(dst, TYPO_SIZE, "%.*s.%s", (int)(dot - domain.p), domain.p, endings[i].meant) <
                   TYPO_SIZE;
    return false;
}

bool typo_suggest(char dst[TYPO_SIZE], struct span domain)
{
    bool mended = mend_ending(dst, domain);
    struct span looked_at = mended ? span_of(dst) : domain;
    const char *near;

    if (is_known(looked_at))
        return mended;
    near = nearest(looked_at);
    if (near != NULL)
        return span_copy(dst, TYPO_SIZE, span_of(near));
    return mended;
}
