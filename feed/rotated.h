/* SPDX-License-Identifier: BSD-2-Clause */
/* rotated: what became of a log that was rotated: the files beside it that carry its name and a number or a
 * date, as logrotate(8) (with compress, delaycompress, dateext, too) and `postfix logrotate` make them:
 *
 *   mail.log.1  mail.log.2.gz  mail.log-20261125  mail.log-20261125.gz  mail.log.20261125-062501 */
#ifndef FEED_ROTATED_H
#define FEED_ROTATED_H

#include "leadgate/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <time.h>

struct rotated_file {
    char *path;
    dev_t dev;
    ino_t ino;
    off_t size;
    struct timespec time; /* last written */
    int count;            /* the N of mail.log.N; 0 = none */
};

struct rotated {
    struct rotated_file *item; /* the oldest first */
    size_t n;
};

/* Lists those of the log `path`, which is not among them. A list that was taken while files were being
 * renamed is not used, but taken again. 0, or -1 with err; rotated_free() in any case. */
int rotated_list(struct rotated *out, const char *path, struct err *err);
void rotated_free(struct rotated *rotated);

/* Whether no file was renamed, made or removed between the two lists. */
bool rotated_eq(const struct rotated *a, const struct rotated *b);

#endif
