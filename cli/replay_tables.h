/* SPDX-License-Identifier: BSD-2-Clause */
/* replay_tables: what the tables of a rehearsal have in common. */
#ifndef LEADGATE_CLI_REPLAY_TABLES_H
#define LEADGATE_CLI_REPLAY_TABLES_H

#include "cli/replay_report.h"

enum { AS_IT_WAS = -1 }; /* stands for a way: no Leadgate */

/* What was sent of the mails that are counted. */
struct replay_sent {
    int64_t mails, vain, invalid;
};

struct replay_sent replay_sent(const struct rehearsal_count *count, int way);

const char *replay_way_name(int way);

/* A cell, with a blank in front. */
void replay_print_number(FILE *to, int width, int64_t number);

/* A title above the names of lines, and so many columns for each way; the ways' own names stand above them
 * where there are two. */
void replay_print_head(FILE *to, const struct replay_report *report, const char *title,
                       const char *const names[], size_t n);

void replay_print_providers(FILE *to, const struct replay_report *report);

#endif
