/* SPDX-License-Identifier: BSD-2-Clause */
/* incident_log: entries of leadgate:incidents, printed. They may have been written by hand. */
#ifndef LEADGATE_CLI_INCIDENT_LOG_H
#define LEADGATE_CLI_INCIDENT_LOG_H

#include "leadgate/store_incident.h"

void incident_log_csv_header(void);

/* A store_told_fn; ctx is the format, an int of FORMAT_TEXT, FORMAT_CSV or FORMAT_JSON. */
void incident_log_print(void *ctx, const struct log_field *fields, size_t n);

#endif
