/* SPDX-License-Identifier: BSD-2-Clause */
/* YAML's own types play no part: `on`, `5` and `~` are the letters that stand there, and whoever reads them
 * says what they mean. Anchors, aliases and tags are refused: nothing here needs them, and they hide what a
 * key is set to. */
#include "core/config_yaml.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_MAX (1 << 20) /* a configuration that is longer is another file */

int config_yaml_fail(struct config_yaml *yaml, yaml_mark_t mark, const char *fmt, ...)
{
    char words[sizeof(yaml->err->text)];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(words, sizeof(words), fmt, ap);
    va_end(ap);
    return err_set(yaml->err, "%s:%zu:%zu: %s", yaml->path, mark.line + 1, mark.column + 1, words);
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

static int fail_to_parse(struct config_yaml *yaml)
{
    const yaml_parser_t *parser = &yaml->parser;
    const char *problem = parser->problem == NULL ? "cannot be read" : parser->problem;

    if (parser->error == YAML_MEMORY_ERROR)
        return err_set(yaml->err, "%s: out of memory", yaml->path);
    if (parser->error == YAML_READER_ERROR)
        return config_yaml_fail(yaml, mark_of_offset(yaml->text, parser->problem_offset),
                                "not valid YAML: %s", problem);
    if (parser->context == NULL)
        return config_yaml_fail(yaml, parser->problem_mark, "not valid YAML: %s", problem);
    return config_yaml_fail(yaml, parser->problem_mark, "not valid YAML: %s, %s (from line %zu)", problem,
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

int config_yaml_next(struct config_yaml *yaml)
{
    const char *extra;

    yaml_event_delete(&yaml->event);
    if (yaml_parser_parse(&yaml->parser, &yaml->event) == 0)
        return fail_to_parse(yaml);
    if ((extra = extra_of(&yaml->event)) != NULL)
        return config_yaml_fail(yaml, yaml->event.start_mark, "found %s; allowed are plain keys and values",
                                extra);
    return 0;
}

struct span config_yaml_scalar(const struct config_yaml *yaml)
{
    return (struct span){ (const char *)yaml->event.data.scalar.value, yaml->event.data.scalar.length };
}

bool config_yaml_is_nothing(const struct config_yaml *yaml)
{
    return yaml->event.type == YAML_SCALAR_EVENT && yaml->event.data.scalar.length == 0 &&
           yaml->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

const char *config_yaml_shape(const struct config_yaml *yaml)
{
    if (yaml->event.type == YAML_MAPPING_START_EVENT)
        return "keys";
    if (yaml->event.type == YAML_SEQUENCE_START_EVENT)
        return "a list";
    return config_yaml_is_nothing(yaml) ? "nothing" : "a value";
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

int config_yaml_open(struct config_yaml *yaml, const char *path, struct err *err)
{
    *yaml = (struct config_yaml){ .path = path, .err = err };
    if ((yaml->file = read_file(path, &yaml->text.n, err)) == NULL)
        return -1;
    yaml->text.p = yaml->file;
    if (yaml_parser_initialize(&yaml->parser) == 0)
        return err_set(err, "%s: out of memory", path);
    yaml_parser_set_input_string(&yaml->parser, (const unsigned char *)yaml->file, yaml->text.n);
    return 0;
}

void config_yaml_close(struct config_yaml *yaml)
{
    yaml_event_delete(&yaml->event);
    yaml_parser_delete(&yaml->parser);
    free(yaml->file);
}
