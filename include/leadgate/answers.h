/* SPDX-License-Identifier: BSD-2-Clause */
/* answers: the way by which all that comes back goes into Redis: who answered is found out by the settings,
 * an incident's bounces are excused, the events are applied to their leads, and the answers of mail servers
 * are counted at their providers. One store, one thread at a time. */
#ifndef LEADGATE_ANSWERS_H
#define LEADGATE_ANSWERS_H

#include "leadgate/settings.h"
#include "leadgate/store.h"
#include "leadgate/store_incident.h"

/* As store_apply(), and the rest. outcomes[].provider and .excused are filled in, too. STORE_DOWN: apply all
 * of them again later. Whether the answers of a batch were counted is no part of that: what could not be is
 * not counted later, and *uncounted tells it; it may be NULL. */
enum store_rc answers_apply(const struct settings *settings, struct store *store, const struct event *events,
                            size_t n, int64_t now, struct outcome *outcomes, bool *uncounted,
                            struct err *err);

/* Whether a bounce of this cause, that happened then, is excused: its provider's incident explains it. */
bool answers_excuse(const struct settings *settings, const struct incident_brief *brief, enum cause cause,
                    int64_t at);

#endif
