/* SPDX-License-Identifier: BSD-2-Clause */
/* known_domains: the domains of which the provider was asked for or noted last, in the process: a log
 * names the same domains again and again. A store has one for each connection: what was told on the one
 * before may not have arrived, and a Redis that was restarted may have forgotten it.
 */
#ifndef LEADGATE_STORE_KNOWN_DOMAINS_H
#define LEADGATE_STORE_KNOWN_DOMAINS_H

#include "leadgate/provider.h"

#include <stdbool.h>
#include <stdint.h>

struct known_domains;

struct known_domains *known_domains_new(void); /* NULL: out of memory */
void known_domains_free(struct known_domains *domains);
void known_domains_clear(struct known_domains *domains); /* as new */

/* The provider that is remembered; NULL = none. Valid until something else is remembered. NULL domains is
 * fine. */
const char *known_domains_find(const struct known_domains *domains, struct span domain);

/* Remembers it as seen at a time; false when that is nothing that Redis would have to be told: the same
 * provider, seen less than a day before. NULL domains is news each time. */
bool known_domains_note(struct known_domains *domains, struct span domain, struct span provider, int64_t at);

#endif
