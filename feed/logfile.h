/* SPDX-License-Identifier: BSD-2-Clause */
/* logfile: one file of a log, plain or gzip'd (told by its content), open for reading. It keeps the file's
 * beginning: by that it is known again, and by that it shows when the file was cut off and written anew under
 * us. */
#ifndef FEED_LOGFILE_H
#define FEED_LOGFILE_H

#include "feed/place.h"
#include "leadgate/err.h"

#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>
#include <zlib.h>

struct logfile {
    int fd;    /* -1 = closed */
    gzFile gz; /* where it is compressed */
    dev_t dev;
    ino_t ino;
    int64_t at; /* of the next byte to be read, uncompressed */
    size_t head_n;
    char head[PLACE_HEAD];
};

#define LOGFILE_CLOSED ((struct logfile){ .fd = -1 })

enum logfile_rc {
    LOGFILE_OK = 1,
    LOGFILE_MISSING, /* with err, too */
    LOGFILE_BAD,     /* not to be read, or no file at all: err says why */
};

/* Opens it at its beginning; what *file held must have been closed. */
enum logfile_rc logfile_open(struct logfile *file, const char *path, struct err *err);
void logfile_close(struct logfile *file); /* a closed one is fine */

/* The beginning, as far as it has been seen. */
struct span logfile_head(const struct logfile *file);

/* Whether it is the log of that place, and reaches so far. */
bool logfile_holds(const struct logfile *file, const struct place *place);

/* Whether both have the same text right before a place; of compressed ones nobody asks. */
bool logfile_agree(const struct logfile *a, const struct logfile *b, int64_t at);

/* Where the next read begins. 0, or -1 with err. */
int logfile_seek(struct logfile *file, int64_t at, struct err *err);

/* Bytes read, 0 at the end for now, -1 with err. Bytes that a writer has cut off meanwhile are not told from
 * good ones: ask logfile_is_cut() behind each read. */
ssize_t logfile_read(struct logfile *file, char *buffer, size_t size, struct err *err);

/* Whether the file no longer is what it was: shorter than what was read, or with another beginning. */
bool logfile_is_cut(struct logfile *file);

/* When it was last written. */
struct timespec logfile_time(const struct logfile *file);

/* How long it is uncompressed; of a compressed one what its trailer says, modulo 4 GiB. */
int64_t logfile_size(const struct logfile *file);

#endif
