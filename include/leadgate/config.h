/* SPDX-License-Identifier: BSD-2-Clause */
/* config: a YAML file read into a struct through a table of keys. The engine knows no key: settings/ owns the
 * table, and the loader, the reference and the tests all read that one table. */
#ifndef LEADGATE_CONFIG_H
#define LEADGATE_CONFIG_H

#include "leadgate/endpoint.h"
#include "leadgate/err.h"
#include "leadgate/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a key holds, and the C type of its member. Every text is owned by the struct and freed by
 * config_free(). */
enum config_type {
    CONFIG_INT = 1,      /* int64_t */
    CONFIG_BOOL,         /* bool: true, false */
    CONFIG_WORD,         /* int: one of `words`, its index */
    CONFIG_TEXT,         /* char * */
    CONFIG_TEXTS,        /* struct config_texts: a sequence of texts */
    CONFIG_DURATION,     /* int64_t seconds: 90s 12h 3d, units s m h d w */
    CONFIG_MILLISECONDS, /* int64_t milliseconds: the same spelling and `ms` */
    CONFIG_SIZE,         /* int64_t bytes: 512 64KiB 1MiB 1GiB */
    CONFIG_PERCENT,      /* int64_t: 5% */
    CONFIG_DECIMAL,      /* int64_t thousandths: 0.2 -5 */
    CONFIG_MODE,         /* int64_t: octal, 0660 */
    CONFIG_ENDPOINT,     /* struct endpoint: unix:/path inet:host:port */
    CONFIG_ENDPOINTS,    /* struct config_endpoints: a sequence of those */
    CONFIG_SECRET, /* char *: the first line of the file named; the file may not be readable by others */
    CONFIG_ITEMS,  /* struct config_items: a sequence of mappings, each a struct with a table of its own */
};

struct config_texts {
    char **item;
    size_t n;
};

struct config_endpoints {
    struct endpoint *item;
    size_t n;
};

struct config_items {
    void *item; /* an array of what config_table.size says */
    size_t n;
};

/* Which item of a list is wrong. */
struct config_fault {
    size_t item;
    const char *key; /* its key or section, static storage; "" = the item as a whole */
};

/* What one item of CONFIG_ITEMS is read by. */
struct config_table {
    const struct config_key *keys; /* `at` counts from the start of the item; no CONFIG_ITEMS among them */
    size_t n, size;                /* how many keys, and the size of an item */
    /* What the items must have in common, asked when all have been read; NULL = nothing. False with *fault,
     * and err without the place. */
    bool (*check)(const struct config_items *items, struct config_fault *fault, struct err *err);
};

struct config_key {
    const char *name; /* "redis.timeout"; one "*" stands for each of `names`: "causes.*.strikes" */
    enum config_type type;
    size_t at;        /* offset of the member; with "*", of the first element's */
    const char *def;  /* the default in the file's spelling ("" for an empty text, [] for an empty list); NULL
                         with "*": the  caller has filled the members in before */
    int64_t min, max; /* numbers, durations, sizes, percents: the allowed range */
    const char *const *words;          /* CONFIG_WORD: the words, NULL-terminated */
    const char *(*each)(size_t index); /* with "*": the names, NULL for an index without one; up to each_n */
    size_t each_n, stride;             /* with "*": how many, and the size of one element */
    bool (*check)(const char *text, struct err *err); /* texts: further conditions; NULL = none */
    const char *at_most; /* numbers: another key of the same type, without "*", above which it may not be;
                            looked at when all is read. NULL = none */
    const struct config_table *items; /* CONFIG_ITEMS */
    const char *help;                 /* one sentence: what it does */
};

/* Sets every key of the table to its default. base points at the struct. 0, or -1 with err (a default that
 * breaks its own row: a bug). */
int config_defaults(void *base, const struct config_key *keys, size_t n, struct err *err);

/* Reads the file at path over what base holds. 0, or -1 with err as `path:line:column: what was found, what
 * is allowed`. Unknown and repeated keys are errors, and so are two that contradict each other. seen, if not
 * NULL, is called with the full name of each key read; in an item that is list[0].key. */
int config_read(void *base, const struct config_key *keys, size_t n, const char *path,
                void (*seen)(void *ctx, const char *name), void *ctx, struct err *err);

/* Frees what the keys own and zeroes those members. */
void config_free(void *base, const struct config_key *keys, size_t n);

/* Writes a key's value in the file's spelling; index counts the "*" names. Of CONFIG_ITEMS only how many
 * there are, [{...}, {...}]: each key of an item is shown by its own row. For tests, and for showing
 * settings. False when it does not fit. */
bool config_show(char *dst, size_t size, const void *base, const struct config_key *key, size_t index);

#endif
