/* SPDX-License-Identifier: BSD-2-Clause */
/* log_file: the lines of a log of the past: a file, plain or gzip'd, whatever its name says, or standard
 * input. */
#ifndef LEADGATE_CLI_LOG_FILE_H
#define LEADGATE_CLI_LOG_FILE_H

#include "leadgate/err.h"
#include "leadgate/span.h"

#include <stdbool.h>
#include <stdint.h>

#define LOG_LINE_MOST (64 * 1024) /* bytes; of a longer line only the beginning is handed out */

struct log_file {
    const char *path; /* borrowed */
    void *gz;
    int64_t now;          /* when its last line was written, as far as can be told */
    uint64_t size, taken; /* bytes on disk: all of them (0 = not known), and those that were read */
    char *buffer;
    size_t at, n;
    bool end, cut; /* cut: the rest of a line that was too long is passed over */
};

/* path, `-` is standard input. clock: stands in where there is no file with a time. 0, or -1 with err. Close
 * it in any case. */
int log_file_open(struct log_file *file, const char *path, int64_t clock, struct err *err);
void log_file_close(struct log_file *file); /* twice is fine */

enum log_next { LOG_LINE = 1, LOG_END, LOG_BROKEN };

/* The next line without its line end; it lives until the next call. LOG_BROKEN with err: the file cannot be
 * read any further, or ends within what was compressed. */
enum log_next log_file_next(struct log_file *file, struct span *line, struct err *err);

#endif
