/* SPDX-License-Identifier: BSD-2-Clause */
/* simulate_trouble: the scenarios of leadgate simulate that are about a provider's bad days (trouble.h), each
 * gone through with and without what is done about it. */
#ifndef LEADGATE_CLI_SIMULATE_TROUBLE_H
#define LEADGATE_CLI_SIMULATE_TROUBLE_H

#include "leadgate/settings.h"

#include <stdint.h>
#include <stdio.h>

struct trouble_scenario;

/* NULL for a name that is none of them. Static storage. */
const struct trouble_scenario *simulate_trouble_find(const char *name);
/* A line each, for --help. */
void simulate_trouble_list(FILE *to);

struct trouble_request {
    const struct trouble_scenario *scenario;
    const struct settings *settings;
    const char *settings_name;
    int64_t leads; /* 0 = the scenario's own number */
    int64_t days;
    const char *csv, *svg; /* NULL = none; csv `-`: standard output, and no table */
};

/* Runs it and prints. Returns the exit status. */
int simulate_trouble(const struct trouble_request *request);

#endif
