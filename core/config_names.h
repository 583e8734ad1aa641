/* SPDX-License-Identifier: BSD-2-Clause */
/* config_names: the dotted names of a table of keys, its "*" filled in. Inside core/ only. */
#ifndef CORE_CONFIG_NAMES_H
#define CORE_CONFIG_NAMES_H

#include "leadgate/config.h"

#define CONFIG_NAME_SIZE 128

enum config_match { NAME_UNKNOWN = 1, NAME_SECTION, NAME_KEY };

struct config_keys {
    const struct config_key *row;
    size_t n;
};

/* The full name of a row for one of its indexes. False for an index that has none, or past the last. */
bool config_name_full(char dst[CONFIG_NAME_SIZE], const struct config_key *key, size_t index);
/* How many indexes a row has. */
size_t config_name_count(const struct config_key *key);

/* What a full name is; for a key also which row and index. */
enum config_match config_name_find(struct config_keys keys, const char *name, const struct config_key **key,
                                   size_t *index);

/* The words that may stand directly below a section ("" = the top), with ", " between them. */
void config_name_children(char *dst, size_t size, struct config_keys keys, const char *section);

/* Sets `unknown key "word"` and what helps. Returns -1. */
int config_name_unknown(struct config_keys keys, const char *section, struct span word, struct err *err);

#endif
