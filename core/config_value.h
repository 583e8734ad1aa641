/* SPDX-License-Identifier: BSD-2-Clause */
/* config_value: the values of keys, one type at a time: read, shown, freed. Knows neither files nor YAML.
 * Errors have no place; the caller puts it in front. Inside core/ only. */
#ifndef CORE_CONFIG_VALUE_H
#define CORE_CONFIG_VALUE_H

#include "leadgate/config.h"

bool config_value_is_list(enum config_type type);

/* Sets the member from a scalar; what it held is freed. */
int config_value_set(void *member, const struct config_key *key, struct span text, struct err *err);
/* Appends one entry to a list. */
int config_value_add(void *member, const struct config_key *key, struct span text, struct err *err);
/* Frees what the member owns and zeroes it. */
void config_value_free(void *member, const struct config_key *key);

/* As config_show(). */
bool config_value_show(char *dst, size_t size, const void *member, const struct config_key *key);

/* Sets `found "text"WHY; allowed is ...` in the words of the key's row. why is "" or starts with a comma.
 * Returns -1. */
int config_value_refuse(const struct config_key *key, struct span text, const char *why, struct err *err);
/* The part behind "allowed is". */
void config_value_allowed(char *dst, size_t size, const struct config_key *key);

#endif
