/* SPDX-License-Identifier: BSD-2-Clause */
/* figures: numbers for people. Pure. */
#ifndef LEADGATE_CLI_FIGURES_H
#define LEADGATE_CLI_FIGURES_H

#include <stdint.h>

/* 1234567 is "1,234,567"; returns dst. */
#define GROUPED_SIZE 28
const char *figures_grouped(char dst[GROUPED_SIZE], int64_t number);

#endif
