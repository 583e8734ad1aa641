/* SPDX-License-Identifier: BSD-2-Clause */
/* The file is read as libyaml's events, each with its place, by one function per shape that a value can have:
 * section, list, scalar. What may stand where comes from the table alone (config_names.c), what a scalar may
 * say from its row (config_value.c). The walk goes no deeper than the table's names do, so a hostile file
 * cannot nest its way through the stack.
 *
 * YAML's own types play no part: `on`, `5` and `~` are the letters that stand there, and the row says what
 * they mean. Anchors, aliases and tags are refused: nothing here needs them, and they hide what a key is set
 * to. */
#include "leadgate/config.h"

#include "core/config_names.h"
#include "core/config_value.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <yaml.h>

#define FILE_MAX (1 << 20) /* a configuration that is longer is another file */

struct seen {
    char name[CONFIG_NAME_SIZE];
    size_t line;
};

struct walk {
    yaml_parser_t parser;
    yaml_event_t event; /* the current one; its type is YAML_NO_EVENT before the first */
    const char *path;
    struct span text; /* the whole file */
    void *base;
    struct config_keys keys;
    struct seen *seen; /* names read so far */
    size_t n_seen;
    void (*tell)(void *ctx, const char *name);
    void *ctx;
    struct err *err;
};

static void *member_of(void *base, const struct config_key *key, size_t index)
{
    return (char *)base + key->at + index * key->stride;
}

/* Puts the place before the words. name is the key's, "" when there is none. */
__attribute__((format(printf, 4, 5))) static int fail(struct walk *walk, yaml_mark_t mark, const char *name,
                                                      const char *fmt, ...)
{
    char words[sizeof(walk->err->text)];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(words, sizeof(words), fmt, ap);
    va_end(ap);
    return err_set(walk->err, "%s:%zu:%zu: %s%s%s", walk->path, mark.line + 1, mark.column + 1, name,
                   name[0] == '\0' ? "" : ": ", words);
}

/* libyaml gives no line for what is wrong in the bytes themselves (no UTF-8, control bytes), only an offset.
 */
static yaml_mark_t mark_of_offset(struct span text, size_t offset)
{
    yaml_mark_t mark = { .index = offset };

    for (size_t i = 0; i < offset && i < text.n; i++) {
        mark.column += ((unsigned char)text.p[i] & 0xc0) != 0x80; /* characters, as libyaml counts them */
        if (text.p[i] == '\n') {
            mark.line++;
            mark.column = 0;
        }
    }
    return mark;
}

static int fail_yaml(struct walk *walk)
{
    const yaml_parser_t *parser = &walk->parser;
    const char *problem = parser->problem == NULL ? "cannot be read" : parser->problem;

    if (parser->error == YAML_MEMORY_ERROR)
        return err_set(walk->err, "%s: out of memory", walk->path);
    if (parser->error == YAML_READER_ERROR)
        return fail(walk, mark_of_offset(walk->text, parser->problem_offset), "", "not valid YAML: %s",
                    problem);
    if (parser->context == NULL)
        return fail(walk, parser->problem_mark, "", "not valid YAML: %s", problem);
    return fail(walk, parser->problem_mark, "", "not valid YAML: %s, %s (from line %zu)", problem,
                parser->context, parser->context_mark.line + 1);
}

static const char *extra_of(const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_ALIAS_EVENT: return "an alias (*)";
    case YAML_SCALAR_EVENT:
        if (event->data.scalar.anchor != NULL)
            return "an anchor (&)";
        return event->data.scalar.tag != NULL ? "a tag (!)" : NULL;
    case YAML_SEQUENCE_START_EVENT:
        if (event->data.sequence_start.anchor != NULL)
            return "an anchor (&)";
        return event->data.sequence_start.tag != NULL ? "a tag (!)" : NULL;
    case YAML_MAPPING_START_EVENT:
        if (event->data.mapping_start.anchor != NULL)
            return "an anchor (&)";
        return event->data.mapping_start.tag != NULL ? "a tag (!)" : NULL;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_START_EVENT:
    case YAML_DOCUMENT_END_EVENT:
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT: return NULL;
    }
    return NULL;
}

static int next(struct walk *walk)
{
    const char *extra;

    yaml_event_delete(&walk->event);
    if (yaml_parser_parse(&walk->parser, &walk->event) == 0)
        return fail_yaml(walk);
    if ((extra = extra_of(&walk->event)) != NULL)
        return fail(walk, walk->event.start_mark, "", "found %s; allowed are plain keys and values", extra);
    return 0;
}

static struct span scalar_of(const yaml_event_t *event)
{
    return (struct span){ (const char *)event->data.scalar.value, event->data.scalar.length };
}

/* `key:` with nothing behind it. `key: ""` is an empty text. */
static bool is_nothing(const yaml_event_t *event)
{
    return event->type == YAML_SCALAR_EVENT && event->data.scalar.length == 0 &&
           event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

/* What an event is, for "found ...". */
static const char *shape_of(const yaml_event_t *event)
{
    if (event->type == YAML_MAPPING_START_EVENT)
        return "keys";
    if (event->type == YAML_SEQUENCE_START_EVENT)
        return "a list";
    return is_nothing(event) ? "nothing" : "a value";
}

static int read_scalar(struct walk *walk, const char *name, const struct config_key *key, void *member)
{
    struct err err;
    char allowed[256];

    config_value_allowed(allowed, sizeof(allowed), key);
    if (walk->event.type != YAML_SCALAR_EVENT || is_nothing(&walk->event))
        return fail(walk, walk->event.start_mark, name, "found %s; allowed is %s%s", shape_of(&walk->event),
                    allowed, key->type == CONFIG_TEXT || key->type == CONFIG_SECRET ? ", \"\" for none" : "");
    if (config_value_set(member, key, scalar_of(&walk->event), &err) < 0)
        return fail(walk, walk->event.start_mark, name, "%s", err.text);
    return 0;
}

static int read_list(struct walk *walk, const char *name, const struct config_key *key, void *member)
{
    struct err err;
    char allowed[256];

    config_value_allowed(allowed, sizeof(allowed), key);
    if (walk->event.type != YAML_SEQUENCE_START_EVENT)
        return fail(walk, walk->event.start_mark, name, "found %s; allowed is %s", shape_of(&walk->event),
                    allowed);
    config_value_free(member, key);
    for (;;) {
        if (next(walk) < 0)
            return -1;
        if (walk->event.type == YAML_SEQUENCE_END_EVENT)
            return 0;
        if (walk->event.type != YAML_SCALAR_EVENT)
            return fail(walk, walk->event.start_mark, name, "found %s in a list; allowed is %s",
                        shape_of(&walk->event), allowed);
        if (config_value_add(member, key, scalar_of(&walk->event), &err) < 0)
            return fail(walk, walk->event.start_mark, name, "%s", err.text);
    }
}

/* A key may stand once: of two, one would silently lose. */
static int note_name(struct walk *walk, const char *name, yaml_mark_t mark)
{
    struct seen *seen;

    for (size_t i = 0; i < walk->n_seen; i++)
        if (strcmp(walk->seen[i].name, name) == 0)
            return fail(walk, mark, name, "found a second time; the first is in line %zu",
                        walk->seen[i].line);
    if ((seen = reallocarray(walk->seen, walk->n_seen + 1, sizeof(*seen))) == NULL)
        return err_set(walk->err, "%s: out of memory", walk->path);
    walk->seen = seen;
    seen += walk->n_seen++;
    seen->line = mark.line + 1;
    span_copy(seen->name, sizeof(seen->name), span_of(name));
    return 0;
}

static int read_entry(struct walk *walk, const char *section);

static int read_section(struct walk *walk, const char *section)
{
    char children[384];

    if (is_nothing(&walk->event))
        return 0; /* every key below it is commented out */
    if (walk->event.type != YAML_MAPPING_START_EVENT) {
        config_name_children(children, sizeof(children), walk->keys, section);
        return fail(walk, walk->event.start_mark, section, "found %s; allowed are the keys %s",
                    shape_of(&walk->event), children);
    }
    for (;;) {
        if (next(walk) < 0)
            return -1;
        if (walk->event.type == YAML_MAPPING_END_EVENT)
            return 0;
        if (read_entry(walk, section) < 0)
            return -1;
    }
}

/* One key, which is the current event, and its value. */
static int read_entry(struct walk *walk, const char *section)
{
    const struct config_key *key = NULL;
    enum config_match match = NAME_UNKNOWN;
    yaml_mark_t mark = walk->event.start_mark;
    char name[CONFIG_NAME_SIZE];
    struct span word;
    struct err err;
    size_t index = 0;

    if (walk->event.type != YAML_SCALAR_EVENT)
        return fail(walk, mark, section, "found %s; allowed is a key", shape_of(&walk->event));
    word = scalar_of(&walk->event);
    /* `redis.timeout:` in one word is refused, so that a key has one spelling. */
    if (memchr(word.p, '.', word.n) == NULL && memchr(word.p, '\0', word.n) == NULL &&
        (size_t)snprintf(name, sizeof(name), "%s%s%.*s", section, section[0] == '\0' ? "" : ".",
                         SPAN_FMT(word)) < sizeof(name))
        match = config_name_find(walk->keys, name, &key, &index);
    if (match == NAME_UNKNOWN) {
        config_name_unknown(walk->keys, section, word, &err);
        return fail(walk, mark, section, "%s", err.text);
    }
    if (note_name(walk, name, mark) < 0 || next(walk) < 0)
        return -1;
    if (match == NAME_SECTION)
        return read_section(walk, name);
    if (walk->tell != NULL)
        walk->tell(walk->ctx, name);
    if (config_value_is_list(key->type))
        return read_list(walk, name, key, member_of(walk->base, key, index));
    return read_scalar(walk, name, key, member_of(walk->base, key, index));
}

/* At most one document, at most one mapping in it. */
static int read_stream(struct walk *walk)
{
    if (next(walk) < 0 || next(walk) < 0) /* the stream's start, the document's or the end */
        return -1;
    if (walk->event.type == YAML_STREAM_END_EVENT)
        return 0;
    if (next(walk) < 0 || read_section(walk, "") < 0)
        return -1;
    if (next(walk) < 0 || next(walk) < 0) /* the document's end, the stream's */
        return -1;
    if (walk->event.type != YAML_STREAM_END_EVENT)
        return fail(walk, walk->event.start_mark, "", "found a second document; allowed is one");
    return 0;
}

/* The whole file, to be freed; NULL with err. */
static char *read_file(const char *path, size_t *n, struct err *err)
{
    char *text = NULL, *result = NULL;
    ssize_t got = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

    *n = 0;
    if (fd < 0 || (text = malloc(FILE_MAX + 1)) == NULL) {
        err_set(err, "%s: %s", path, strerror(errno));
        goto out;
    }
    while (*n <= FILE_MAX && (got = read(fd, text + *n, FILE_MAX + 1 - *n)) > 0)
        *n += (size_t)got;
    if (got < 0)
        err_set(err, "%s: %s", path, strerror(errno));
    else if (*n > FILE_MAX)
        err_set(err, "%s: longer than 1 MiB", path);
    else {
        result = text;
        text = NULL;
    }
out:
    free(text);
    if (fd >= 0)
        close(fd);
    return result;
}

int config_read(void *base, const struct config_key *keys, size_t n, const char *path,
                void (*seen)(void *ctx, const char *name), void *ctx, struct err *err)
{
    struct walk walk = {
        .path = path, .base = base, .keys = { keys, n }, .tell = seen, .ctx = ctx, .err = err
    };
    char *text = read_file(path, &walk.text.n, err);
    int rc = -1;

    if (text == NULL)
        return -1;
    walk.text.p = text;
    if (yaml_parser_initialize(&walk.parser) == 0) {
        err_set(err, "%s: out of memory", path);
        goto out;
    }
    yaml_parser_set_input_string(&walk.parser, (const unsigned char *)text, walk.text.n);
    rc = read_stream(&walk);
out:
    yaml_event_delete(&walk.event);
    yaml_parser_delete(&walk.parser);
    free(walk.seen);
    free(text);
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
