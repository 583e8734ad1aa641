/* SPDX-License-Identifier: BSD-2-Clause */
/* captured_log: what the code under test logs, which is what it writes to standard error. */
#ifndef LEADGATE_TEST_CAPTURED_LOG_H
#define LEADGATE_TEST_CAPTURED_LOG_H

struct captured_log {
    int file, stderr_was;
    char text[8192];
};

void captured_log_begin(struct captured_log *log);
/* Standard error is what it was. */
void captured_log_end(struct captured_log *log);

/* All of it since it began, as much as there is room for; until the next call. */
const char *captured_log_text(struct captured_log *log);

#endif
