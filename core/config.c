/* SPDX-License-Identifier: BSD-2-Clause */
/* The file is walked event by event (config_yaml.c), by one function per shape that a value can have:
 * section, list, list of mappings, scalar. What may stand where comes from the table alone (config_names.c),
 * what a scalar may say from its row (config_value.c). The walk goes no deeper than the table's names do, so
 * a hostile file cannot nest its way through the stack.
 *
 * A list of mappings is a table inside the table: each item is a struct of its own with rows of its own.
 * While one is read the walk stands in its scope, and names in errors begin with it: streams[2].match.sender.
 */
#include "leadgate/config.h"

#include "core/config_names.h"
#include "core/config_value.h"
#include "core/config_yaml.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A name in an item, and that of the item before it. */
#define FULL_NAME_SIZE (2 * CONFIG_NAME_SIZE + 24)

struct seen {
    char name[FULL_NAME_SIZE];
    yaml_mark_t mark;
};

/* Where the walk stands: in the file, or in an item of one of its lists. */
struct scope {
    struct config_keys keys;
    void *base;
    const char *item; /* the item's name; "" for the file */
};

struct walk {
    struct config_yaml yaml;
    struct scope scope;
    struct seen *seen; /* names read so far */
    size_t n_seen;
    void (*tell)(void *ctx, const char *name);
    void *ctx;
};

static void *member_of(void *base, const struct config_key *key, size_t index)
{
    return (char *)base + key->at + index * key->stride;
}

/* name is the one in the scope, "" for the item or the file itself. */
static void full_name(char dst[FULL_NAME_SIZE], const struct walk *walk, const char *name)
{
    bool both = walk->scope.item[0] != '\0' && name[0] != '\0';

    snprintf(dst, FULL_NAME_SIZE, "%s%s%s", walk->scope.item, both ? "." : "", name);
}

/* Puts place and name before the words. */
__attribute__((format(printf, 4, 5))) static int fail(struct walk *walk, yaml_mark_t mark, const char *name,
                                                      const char *fmt, ...)
{
    char words[sizeof(walk->yaml.err->text)], full[FULL_NAME_SIZE];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(words, sizeof(words), fmt, ap);
    va_end(ap);
    full_name(full, walk, name);
    return config_yaml_fail(&walk->yaml, mark, "%s%s%s", full, full[0] == '\0' ? "" : ": ", words);
}

static int fail_memory(struct walk *walk)
{
    return err_set(walk->yaml.err, "%s: out of memory", walk->yaml.path);
}

static int read_scalar(struct walk *walk, const char *name, const struct config_key *key, void *member)
{
    struct err err;
    char allowed[256];

    config_value_allowed(allowed, sizeof(allowed), key);
    if (walk->yaml.event.type != YAML_SCALAR_EVENT || config_yaml_is_nothing(&walk->yaml))
        return fail(walk, walk->yaml.event.start_mark, name, "found %s; allowed is %s%s",
                    config_yaml_shape(&walk->yaml), allowed,
                    key->type == CONFIG_TEXT || key->type == CONFIG_SECRET ? ", \"\" for none" : "");
    if (config_value_set(member, key, config_yaml_scalar(&walk->yaml), &err) < 0)
        return fail(walk, walk->yaml.event.start_mark, name, "%s", err.text);
    return 0;
}

static int read_list(struct walk *walk, const char *name, const struct config_key *key, void *member)
{
    struct err err;
    char allowed[256];

    config_value_allowed(allowed, sizeof(allowed), key);
    if (walk->yaml.event.type != YAML_SEQUENCE_START_EVENT)
        return fail(walk, walk->yaml.event.start_mark, name, "found %s; allowed is %s",
                    config_yaml_shape(&walk->yaml), allowed);
    config_value_free(member, key);
    for (;;) {
        if (config_yaml_next(&walk->yaml) < 0)
            return -1;
        if (walk->yaml.event.type == YAML_SEQUENCE_END_EVENT)
            return 0;
        if (walk->yaml.event.type != YAML_SCALAR_EVENT)
            return fail(walk, walk->yaml.event.start_mark, name, "found %s in a list; allowed is %s",
                        config_yaml_shape(&walk->yaml), allowed);
        if (config_value_add(member, key, config_yaml_scalar(&walk->yaml), &err) < 0)
            return fail(walk, walk->yaml.event.start_mark, name, "%s", err.text);
    }
}

static const struct seen *find_seen(const struct walk *walk, const char *full)
{
    for (size_t i = 0; i < walk->n_seen; i++)
        if (strcmp(walk->seen[i].name, full) == 0)
            return &walk->seen[i];
    return NULL;
}

/* A key may stand once: of two, one would silently lose. */
static int note_name(struct walk *walk, const char *name, yaml_mark_t mark)
{
    char full[FULL_NAME_SIZE];
    const struct seen *before;
    struct seen *seen;

    full_name(full, walk, name);
    if ((before = find_seen(walk, full)) != NULL)
        return fail(walk, mark, name, "found a second time; the first is in line %zu", before->mark.line + 1);
    if ((seen = reallocarray(walk->seen, walk->n_seen + 1, sizeof(*seen))) == NULL)
        return fail_memory(walk);
    walk->seen = seen;
    seen += walk->n_seen++;
    seen->mark = mark;
    span_copy(seen->name, sizeof(seen->name), span_of(full));
    return 0;
}

static void tell_name(const struct walk *walk, const char *name)
{
    char full[FULL_NAME_SIZE];

    full_name(full, walk, name);
    if (walk->tell != NULL)
        walk->tell(walk->ctx, full);
}

static int read_entry(struct walk *walk, const char *section);

static int read_section(struct walk *walk, const char *section)
{
    char children[384];

    if (config_yaml_is_nothing(&walk->yaml))
        return 0; /* every key below it is commented out */
    if (walk->yaml.event.type != YAML_MAPPING_START_EVENT) {
        config_name_children(children, sizeof(children), walk->scope.keys, section);
        return fail(walk, walk->yaml.event.start_mark, section, "found %s; allowed are the keys %s",
                    config_yaml_shape(&walk->yaml), children);
    }
    for (;;) {
        if (config_yaml_next(&walk->yaml) < 0)
            return -1;
        if (walk->yaml.event.type == YAML_MAPPING_END_EVENT)
            return 0;
        if (read_entry(walk, section) < 0)
            return -1;
    }
}

/* Makes room for one more item and sets its defaults; NULL with err. */
static void *add_item(struct walk *walk, struct config_items *items, const struct config_table *table)
{
    char *grown = reallocarray(items->item, items->n + 1, table->size), *item;

    if (grown == NULL) {
        fail_memory(walk);
        return NULL;
    }
    items->item = grown;
    item = grown + items->n++ * table->size;
    memset(item, 0, table->size);
    return config_defaults(item, table->keys, table->n, walk->yaml.err) < 0 ? NULL : item;
}

/* The mapping that is the current event. */
static int read_item(struct walk *walk, const char *name, struct config_items *items,
                     const struct config_table *table)
{
    struct scope outer = walk->scope;
    char full[CONFIG_NAME_SIZE + 24];
    void *item = add_item(walk, items, table);
    int rc;

    if (item == NULL)
        return -1;
    snprintf(full, sizeof(full), "%s[%zu]", name, items->n - 1);
    walk->scope = (struct scope){ { table->keys, table->n }, item, full };
    rc = note_name(walk, "", walk->yaml.event.start_mark) < 0 ? -1 : read_section(walk, "");
    walk->scope = outer;
    return rc;
}

/* What the items must have in common. The place is that of the key which is wrong, or of its item. */
static int check_items(struct walk *walk, const char *name, const struct config_items *items,
                       const struct config_table *table)
{
    struct config_fault fault = { .key = "" };
    char full[FULL_NAME_SIZE];
    const struct seen *seen;
    struct err err;

    if (table->check == NULL || table->check(items, &fault, &err))
        return 0;
    snprintf(full, sizeof(full), "%s[%zu].%s", name, fault.item, fault.key);
    if ((seen = find_seen(walk, full)) == NULL) {
        snprintf(full, sizeof(full), "%s[%zu]", name, fault.item);
        seen = find_seen(walk, full);
    }
    return fail(walk, seen == NULL ? walk->yaml.event.start_mark : seen->mark, full, "%s", err.text);
}

static int read_items(struct walk *walk, const char *name, const struct config_key *key,
                      struct config_items *items)
{
    char allowed[256];

    config_value_allowed(allowed, sizeof(allowed), key);
    if (walk->yaml.event.type != YAML_SEQUENCE_START_EVENT)
        return fail(walk, walk->yaml.event.start_mark, name, "found %s; allowed is %s",
                    config_yaml_shape(&walk->yaml), allowed);
    config_value_free(items, key);
    for (;;) {
        if (config_yaml_next(&walk->yaml) < 0)
            return -1;
        if (walk->yaml.event.type == YAML_SEQUENCE_END_EVENT)
            return check_items(walk, name, items, key->items);
        if (walk->yaml.event.type != YAML_MAPPING_START_EVENT)
            return fail(walk, walk->yaml.event.start_mark, name, "found %s in a list; allowed is %s",
                        config_yaml_shape(&walk->yaml), allowed);
        if (read_item(walk, name, items, key->items) < 0)
            return -1;
    }
}

/* One key, which is the current event, and its value. */
static int read_entry(struct walk *walk, const char *section)
{
    const struct config_key *key = NULL;
    enum config_match match = NAME_UNKNOWN;
    yaml_mark_t mark = walk->yaml.event.start_mark;
    char name[CONFIG_NAME_SIZE];
    struct span word;
    struct err err;
    size_t index = 0;

    if (walk->yaml.event.type != YAML_SCALAR_EVENT)
        return fail(walk, mark, section, "found %s; allowed is a key", config_yaml_shape(&walk->yaml));
    word = config_yaml_scalar(&walk->yaml);
    /* `redis.timeout:` in one word is refused, so that a key has one spelling. */
    if (memchr(word.p, '.', word.n) == NULL && memchr(word.p, '\0', word.n) == NULL &&
        (size_t)snprintf(name, sizeof(name), "%s%s%.*s", section, section[0] == '\0' ? "" : ".",
                         SPAN_FMT(word)) < sizeof(name))
        match = config_name_find(walk->scope.keys, name, &key, &index);
    if (match == NAME_UNKNOWN) {
        config_name_unknown(walk->scope.keys, section, word, &err);
        return fail(walk, mark, section, "%s", err.text);
    }
    if (note_name(walk, name, mark) < 0 || config_yaml_next(&walk->yaml) < 0)
        return -1;
    if (match == NAME_SECTION)
        return read_section(walk, name);
    tell_name(walk, name);
    if (key->type == CONFIG_ITEMS)
        return read_items(walk, name, key, member_of(walk->scope.base, key, index));
    if (config_value_is_list(key->type))
        return read_list(walk, name, key, member_of(walk->scope.base, key, index));
    return read_scalar(walk, name, key, member_of(walk->scope.base, key, index));
}

/* At most one document, at most one mapping in it. */
static int read_stream(struct walk *walk)
{
    if (config_yaml_next(&walk->yaml) < 0 ||
        config_yaml_next(&walk->yaml) < 0) /* the stream's start, the document's or the end */
        return -1;
    if (walk->yaml.event.type == YAML_STREAM_END_EVENT)
        return 0;
    if (config_yaml_next(&walk->yaml) < 0 || read_section(walk, "") < 0)
        return -1;
    if (config_yaml_next(&walk->yaml) < 0 ||
        config_yaml_next(&walk->yaml) < 0) /* the document's end, the stream's */
        return -1;
    if (walk->yaml.event.type != YAML_STREAM_END_EVENT)
        return fail(walk, walk->yaml.event.start_mark, "", "found a second document; allowed is one");
    return 0;
}

/* --- what two keys have in common --- */

static const struct config_key *find_key(const struct walk *walk, const char *name)
{
    const struct config_key *key = NULL;
    size_t index;

    (void)config_name_find(walk->scope.keys, name, &key, &index);
    return key;
}

static int64_t number_of(const struct walk *walk, const struct config_key *key)
{
    return *(const int64_t *)member_of(walk->scope.base, key, 0);
}

/* The file may name either of them, the other one has its default. Told is the one that is there; of both,
 * the one that is too much. */
static int fail_most(struct walk *walk, const struct config_key *key, const struct config_key *most)
{
    const struct seen *seen = find_seen(walk, key->name), *other = find_seen(walk, most->name);
    const bool by_other = seen == NULL && other != NULL;
    char high[64], low[64];

    config_show(high, sizeof(high), walk->scope.base, key, 0);
    config_show(low, sizeof(low), walk->scope.base, most, 0);
    if (by_other)
        return fail(walk, other->mark, most->name, "found %s, less than %s, which is %s; allowed is no less",
                    low, key->name, high);
    return fail(walk, seen == NULL ? walk->yaml.event.start_mark : seen->mark, key->name,
                "found %s, more than %s, which is %s; allowed is no more", high, most->name, low);
}

static int check_pairs(struct walk *walk)
{
    for (size_t i = 0; i < walk->scope.keys.n; i++) {
        const struct config_key *key = &walk->scope.keys.row[i];
        const struct config_key *most = key->at_most == NULL ? NULL : find_key(walk, key->at_most);

        if (most != NULL && number_of(walk, key) > number_of(walk, most))
            return fail_most(walk, key, most);
    }
    return 0;
}

int config_read(void *base, const struct config_key *keys, size_t n, const char *path,
                void (*seen)(void *ctx, const char *name), void *ctx, struct err *err)
{
    struct walk walk = { .scope = { { keys, n }, base, "" }, .tell = seen, .ctx = ctx };
    int rc = config_yaml_open(&walk.yaml, path, err) < 0 || read_stream(&walk) < 0 || check_pairs(&walk) < 0
                 ? -1
                 : 0;

    config_yaml_close(&walk.yaml);
    free(walk.seen);
    return rc;
}

/* A default's list is spelled as in the file, [a, b], of texts that need no quotes. */
static int set_default(void *member, const struct config_key *key, struct err *err)
{
    struct span rest = span_of(key->def);

    if (!config_value_is_list(key->type))
        return config_value_set(member, key, rest, err);
    if (rest.n < 2 || rest.p[0] != '[' || rest.p[rest.n - 1] != ']')
        return err_set(err, "found \"%s\"; allowed is a list", key->def);
    config_value_free(member, key);
    rest = (struct span){ rest.p + 1, rest.n - 2 };
    while (rest.n > 0)
        if (config_value_add(member, key, span_trim(span_cut(&rest, ',')), err) < 0)
            return -1;
    return 0;
}

int config_defaults(void *base, const struct config_key *keys, size_t n, struct err *err)
{
    struct err why;

    for (size_t i = 0; i < n; i++)
        if (keys[i].def != NULL && set_default(member_of(base, &keys[i], 0), &keys[i], &why) < 0)
            return err_set(err, "the default of %s: %s", keys[i].name, why.text);
    return 0;
}

void config_free(void *base, const struct config_key *keys, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t index = 0; index < config_name_count(&keys[i]); index++)
            config_value_free(member_of(base, &keys[i], index), &keys[i]);
}

bool config_show(char *dst, size_t size, const void *base, const struct config_key *key, size_t index)
{
    return config_value_show(dst, size, (const char *)base + key->at + index * key->stride, key);
}
