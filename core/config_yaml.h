/* SPDX-License-Identifier: BSD-2-Clause */
/* config_yaml: a YAML file as libyaml's events, and errors that begin with their place. Knows no key. Inside
 * core/ only. */
#ifndef CORE_CONFIG_YAML_H
#define CORE_CONFIG_YAML_H

#include "leadgate/err.h"
#include "leadgate/span.h"

#include <yaml.h>

struct config_yaml {
    yaml_parser_t parser;
    yaml_event_t event; /* the current one; its type is YAML_NO_EVENT before the first */
    const char *path;
    char *file; /* all of it */
    struct span text;
    struct err *err;
};

/* path and err are borrowed until config_yaml_close(), which is due also after a failure. 0, or -1. */
int config_yaml_open(struct config_yaml *yaml, const char *path, struct err *err);
void config_yaml_close(struct config_yaml *yaml);

/* Goes to the next event; what was found in the one before is gone. 0, or -1. */
int config_yaml_next(struct config_yaml *yaml);

/* Puts `path:line:column: ` before the words. Returns -1. */
__attribute__((format(printf, 3, 4))) int config_yaml_fail(struct config_yaml *yaml, yaml_mark_t mark,
                                                           const char *fmt, ...);

/* About the current event. */
struct span config_yaml_scalar(const struct config_yaml *yaml);
bool config_yaml_is_nothing(const struct config_yaml *yaml);   /* `key:` with nothing behind it, unlike "" */
const char *config_yaml_shape(const struct config_yaml *yaml); /* for "found ..." */

#endif
