/* SPDX-License-Identifier: BSD-2-Clause */
/* check_report: what leadgate check prints: findings about addresses as they come, and the sum of it. */
#ifndef LEADGATE_CLI_CHECK_REPORT_H
#define LEADGATE_CLI_CHECK_REPORT_H

#include "cli/domains.h"
#include "leadgate/span.h"

#include <stdbool.h>
#include <stdint.h>

enum finding_kind {
    FINDING_SYNTAX,
    FINDING_DUPLICATE,
    FINDING_OPTED_OUT,
    FINDING_REFUSED,
    FINDING_ROLE,
    FINDING_TYPO,
    FINDING_HOLD,
    FINDINGS
};

struct tally {
    int64_t rows, recipients; /* recipients: different ones, those of bad syntax among them */
    int64_t invalid;          /* known to be dead, or of bad syntax */
    int64_t found[FINDINGS];
};

struct check_limits {
    int64_t limit; /* thousandths of a percent */
    int64_t floor; /* a domain with fewer recipients is not judged by itself */
};

void check_print_header(int format);
void check_print_finding(int format, int64_t line, struct span address, enum finding_kind kind,
                         struct span detail);

/* Prints the summary, in CSV to standard error. True when the list is fit. */
bool check_print_summary(int format, const struct tally *tally, const struct domains *domains,
                         const struct check_limits *limits);

#endif
