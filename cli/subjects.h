/* SPDX-License-Identifier: BSD-2-Clause */
/* subjects: the leads and domains that a command is given, as arguments or, for `-`, line by line on standard
 * input. */
#ifndef LEADGATE_CLI_SUBJECTS_H
#define LEADGATE_CLI_SUBJECTS_H

#include "cli/session.h"

enum { SUBJECTS_BATCH = 64 };

/* Does something to n subjects, at most SUBJECTS_BATCH. GO_ON, or the exit status to stop with. */
typedef int subjects_fn(struct session *session, void *ctx, const struct subject *subjects, size_t n);

/* Hands out all of them in batches. What is no address is reported, and the others are done. domains: @DOMAIN
 * is welcome, too. The exit status: EX_OK, 1 when something was no address, or that of fn. */
int subjects_each(struct session *session, const struct cli_arguments *arguments, bool domains,
                  subjects_fn *fn, void *ctx);

/* `ann@example.com` or `@example.com`, for messages. */
struct span subject_name(const struct subject *subject);

/* --until T, --for LENGTH: when it is to end, 0 with neither. GO_ON, or EX_USAGE after saying what is wrong.
 */
int subjects_read_end(const struct session *session, const char *until, const char *length, int64_t *end);

#endif
