/* SPDX-License-Identifier: BSD-2-Clause */
/* maildir: a Maildir on disk: what is in new/, one mail's bytes, and where a mail goes when it is done with.
 * Several processes may work on one Maildir: a mail that is gone was taken by another, which is no error. */
#ifndef FEED_MAILDIR_H
#define FEED_MAILDIR_H

#include "feed/names.h"
#include "leadgate/err.h"
#include "leadgate/span.h"

#include <stddef.h>
#include <stdint.h>

struct maildir {
    const char *path; /* borrowed */
    int fd;           /* the folder itself, -1 = not open */
};

#define MAILDIR_CLOSED(where) ((struct maildir){ .path = (where), .fd = -1 })

/* Opens the folder anew, so that one that was replaced is found, and lists new/, sorted; names with a leading
 * dot are nobody's mail. 0, or -1 with err; out was empty, and is to be freed in both cases. */
int maildir_list(struct maildir *maildir, struct names *out, struct err *err);
void maildir_close(struct maildir *maildir); /* twice is fine */

enum maildir_rc {
    MAILDIR_OK = 1,
    MAILDIR_GONE,   /* no longer in new/ */
    MAILDIR_FAILED, /* not to be read, or moved; err says why */
};

/* Reads at most size bytes of new/NAME. *arrived is when the file was written. */
enum maildir_rc maildir_read(const struct maildir *maildir, const char *name, char *buffer, size_t size,
                             struct span *mail, int64_t *arrived, struct err *err);

enum maildir_fate {
    FATE_KEEP,         /* to cur/, as seen */
    FATE_DELETE,       /* away */
    FATE_UNRECOGNISED, /* to new/ of the folder .Unrecognised (Maildir++), made when it is first needed */
};

enum maildir_rc maildir_settle(const struct maildir *maildir, const char *name, enum maildir_fate fate,
                               struct err *err);

#endif
