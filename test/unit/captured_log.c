/* SPDX-License-Identifier: BSD-2-Clause */
#include "captured_log.h"

#include <sys/mman.h>
#include <unistd.h>

void captured_log_begin(struct captured_log *log)
{
    log->stderr_was = dup(STDERR_FILENO);
    log->file = memfd_create("log", 0);
    dup2(log->file, STDERR_FILENO);
}

void captured_log_end(struct captured_log *log)
{
    dup2(log->stderr_was, STDERR_FILENO);
    close(log->stderr_was);
    close(log->file);
}

const char *captured_log_text(struct captured_log *log)
{
    ssize_t n = pread(log->file, log->text, sizeof(log->text) - 1, 0);

    log->text[n < 0 ? 0 : n] = '\0';
    return log->text;
}
