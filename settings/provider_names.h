/* SPDX-License-Identifier: BSD-2-Clause */
/* provider_names: what `providers` in the settings says, checked once and turned into a table of domains.
 * Inside settings/ only. */
#ifndef SETTINGS_PROVIDER_NAMES_H
#define SETTINGS_PROVIDER_NAMES_H

#include "leadgate/settings.h"

/* For rows of the table of keys. */
bool check_provider_name_or_none(const char *text, struct err *err); /* as a stream's name */
bool check_provider_domain(const char *text, struct err *err);       /* a registrable domain */
bool check_provider_host(const char *text, struct err *err);         /* that, or a host's name */

/* A config_table.check: what groups must have in common. */
bool provider_groups_check(const struct config_items *items, struct config_fault *fault, struct err *err);

/* Fills in settings->provider_names and settings->smarthosts. 0, or -1 with err. */
int provider_names_make(struct settings *settings, struct err *err);
void provider_names_free(struct settings *settings); /* leaves them empty; twice is fine */

/* What a domain in normal form stands for; NULL: it is not there. */
const char *provider_names_find(const struct provider_names *names, struct span domain);

#endif
