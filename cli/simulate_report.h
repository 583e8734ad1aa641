/* SPDX-License-Identifier: BSD-2-Clause */
/* simulate_report: the result of a simulation as text, CSV and a chart. Write errors stay in the stream, for
 * the caller to find at its end. */
#ifndef LEADGATE_CLI_SIMULATE_REPORT_H
#define LEADGATE_CLI_SIMULATE_REPORT_H

#include "leadgate/simulate.h"

#include <stdio.h>

/* The tables, for people; settings names where the settings come from. */
void simulate_print_text(FILE *to, const struct sim_plan *plan, const struct sim_result *result,
                         const char *settings);

/* A line of column names, then one line per day: the counts of each policy side by side. */
void simulate_print_csv(FILE *to, const struct sim_plan *plan, const struct sim_result *result);

/* Suspended leads and mails in vain per day, one line for each policy. SVG 1.1 that needs nothing else. */
void simulate_print_svg(FILE *to, const struct sim_plan *plan, const struct sim_result *result);

/* What a policy is called; dst is for the one with a number in it. */
#define POLICY_NAME_SIZE 40
const char *simulate_policy_name(char dst[POLICY_NAME_SIZE], const struct sim_plan *plan,
                                 enum sim_policy policy);

#endif
