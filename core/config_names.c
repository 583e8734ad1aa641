/* SPDX-License-Identifier: BSD-2-Clause */
/* Names are looked up by walking the whole table, with each "*" spelled out: a hundred names, read once at
 * start. Nothing is indexed, so nothing can disagree with the table. */
#include "core/config_names.h"

#include <stdio.h>
#include <string.h>

#define WORD_SIZE 64

size_t config_name_count(const struct config_key *key)
{
    return key->each == NULL ? 1 : key->each_n;
}

bool config_name_full(char dst[CONFIG_NAME_SIZE], const struct config_key *key, size_t index)
{
    const char *star = strchr(key->name, '*'), *word;

    if (index >= config_name_count(key))
        return false;
    if (star == NULL)
        return span_copy(dst, CONFIG_NAME_SIZE, span_of(key->name));
    if ((word = key->each(index)) == NULL)
        return false;
    snprintf(dst, CONFIG_NAME_SIZE, "%.*s%s%s", (int)(star - key->name), key->name, word, star + 1);
    return true;
}

/* Whether name lies below section, and the word that stands there. "" is above all. */
static bool child_of(const char *name, const char *section, struct span *child)
{
    size_t n = strlen(section);
    struct span rest = span_of(name);

    if (n > 0 && (strncmp(name, section, n) != 0 || name[n] != '.'))
        return false;
    rest = n == 0 ? rest : (struct span){ name + n + 1, rest.n - n - 1 };
    *child = span_cut(&rest, '.');
    return true;
}

enum config_match config_name_find(struct config_keys keys, const char *name, const struct config_key **key,
                                   size_t *index)
{
    enum config_match match = NAME_UNKNOWN;
    char full[CONFIG_NAME_SIZE];
    struct span child;

    for (size_t k = 0; k < keys.n; k++) {
        for (size_t i = 0; i < config_name_count(&keys.row[k]); i++) {
            if (!config_name_full(full, &keys.row[k], i))
                continue;
            if (strcmp(full, name) == 0) {
                *key = &keys.row[k];
                *index = i;
                return NAME_KEY;
            }
            if (child_of(full, name, &child))
                match = NAME_SECTION;
        }
    }
    return match;
}

/* Calls fn once for each word below a section. Those of one section stand together in the table, but a "*"
 * repeats them in each of its rows. */
static void each_child(struct config_keys keys, const char *section, void (*fn)(void *ctx, struct span child),
                       void *ctx)
{
    char full[CONFIG_NAME_SIZE], last[CONFIG_NAME_SIZE] = "";
    struct span child;

    for (size_t k = 0; k < keys.n; k++) {
        for (size_t i = 0; i < config_name_count(&keys.row[k]); i++) {
            if (!config_name_full(full, &keys.row[k], i) || !child_of(full, section, &child) ||
                span_eq(child, span_of(last)))
                continue;
            span_copy(last, sizeof(last), child);
            fn(ctx, child);
        }
    }
}

struct listing {
    char *dst;
    size_t size, n;
};

/* Whether word is listed between commas already. */
static bool is_listed(const char *list, struct span word)
{
    struct span rest = span_of(list);

    while (rest.n > 0)
        if (span_eq(span_trim(span_cut(&rest, ',')), word))
            return true;
    return false;
}

static void list_child(void *ctx, struct span child)
{
    struct listing *listing = ctx;

    if (is_listed(listing->dst, child) || listing->n + child.n + 3 > listing->size)
        return;
    listing->n += (size_t)snprintf(listing->dst + listing->n, listing->size - listing->n, "%s%.*s",
                                   listing->n == 0 ? "" : ", ", SPAN_FMT(child));
}

void config_name_children(char *dst, size_t size, struct config_keys keys, const char *section)
{
    struct listing listing = { dst, size, 0 };

    dst[0] = '\0';
    each_child(keys, section, list_child, &listing);
}

static size_t min3(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;

    return least < c ? least : c;
}

/* How many letters must be put in, taken out or changed (Levenshtein), row by row. */
static size_t distance(struct span a, struct span b)
{
    size_t row[WORD_SIZE];

    if (b.n >= WORD_SIZE)
        return WORD_SIZE;
    for (size_t j = 0; j <= b.n; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.n; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= b.n; j++) {
            size_t above = row[j];

            row[j] = min3(above + 1, row[j - 1] + 1, diagonal + (a.p[i - 1] != b.p[j - 1]));
            diagonal = above;
        }
    }
    return row[b.n];
}

struct guess {
    struct span word;
    size_t distance;
    char nearest[WORD_SIZE];
};

static void guess_child(void *ctx, struct span child)
{
    struct guess *guess = ctx;
    size_t d = distance(guess->word, child);

    if (d < guess->distance && span_copy(guess->nearest, sizeof(guess->nearest), child))
        guess->distance = d;
}

int config_name_unknown(struct config_keys keys, const char *section, struct span word, struct err *err)
{
    struct guess guess = { .word = word, .distance = WORD_SIZE };
    char found[WORD_SIZE], children[384];

    span_excerpt(found, sizeof(found), word);
    each_child(keys, section, guess_child, &guess);
    /* A third of the letters: more than that is no slip of the finger. */
    if (guess.distance * 3 <= word.n)
        return err_set(err, "unknown key \"%s\"; the nearest is \"%s\"", found, guess.nearest);
    config_name_children(children, sizeof(children), keys, section);
    return err_set(err, "unknown key \"%s\"; allowed here are %s", found, children);
}
