/* SPDX-License-Identifier: BSD-2-Clause */
/* policy_sockets: the listening sockets: handed over by systemd, or else made as the settings say. */
#ifndef POLICY_SOCKETS_H
#define POLICY_SOCKETS_H

#include "leadgate/err.h"
#include "leadgate/settings.h"

#include <stddef.h>
#include <sys/types.h>

struct policy_socket {
    int fd;           /* listening, non-blocking */
    const char *file; /* the socket file to remove at the end, from the settings; NULL = not ours */
    dev_t device;     /* and which file that was: another one in its place is not ours */
    ino_t inode;
};

struct policy_sockets {
    struct policy_socket *item;
    size_t n;
};

/* Opens them all, or none. Sockets passed by systemd (sd_listen_fds(3)) stand in for settings->listen. The
 * settings must outlive the sockets. 0, or -1 with err. */
int policy_sockets_open(struct policy_sockets *sockets, const struct policy_settings *settings,
                        struct err *err);

/* Closes them, and removes the socket files that are ours. All zero, or closed before, is fine. */
void policy_sockets_close(struct policy_sockets *sockets);

#endif
