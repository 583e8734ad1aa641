/* SPDX-License-Identifier: BSD-2-Clause */
/* replay_report: what a rehearsal came to, as text, CSV and a chart. Write errors stay in the stream, for the
 * caller to find at its end. */
#ifndef LEADGATE_CLI_REPLAY_REPORT_H
#define LEADGATE_CLI_REPLAY_REPORT_H

#include "leadgate/rehearsal.h"

#include <stdio.h>

/* One way in which the same mails were gone through. */
struct replay_way {
    const char *settings; /* where they come from */
    struct rehearsal_result result;
    const struct rehearsal_provider *providers; /* the same ones, with the same days, for all ways */
    size_t n_providers;
};

#define REPLAY_WAYS 2

struct replay_report {
    int64_t files, lines, foreign; /* foreign: no lines of Postfix's */
    int64_t passed;                /* deliveries that are nobody's event: local, internal, bounces */
    int64_t left_out;              /* deliveries that are not of the period that was asked for */
    int64_t disordered;            /* deliveries that stand behind later ones */
    int64_t forgotten;             /* messages of which too little was remembered */
    size_t n;                      /* ways: at least the first one, Leadgate's; then the compared one */
    struct replay_way way[REPLAY_WAYS];
};

/* The tables, for people. */
void replay_print_text(FILE *to, const struct replay_report *report);

/* A line of column names, then a line for each day and provider. */
void replay_print_csv(FILE *to, const struct replay_report *report);

/* Mails in vain and the share of invalid recipients, by day. */
void replay_print_svg(FILE *to, const struct replay_report *report);

#endif
