/* SPDX-License-Identifier: BSD-2-Clause */
/* startup: what the three daemons do alike: arguments, settings, log, systemd's readiness. */
#ifndef LEADGATE_STARTUP_H
#define LEADGATE_STARTUP_H

#include "leadgate/settings.h"

#include <stddef.h>

struct program {
    const char *name;  /* "leadgate-policyd" */
    const char *usage; /* the text of --help, without the common options */
};

/* A program's own option: --NAME VALUE, or --NAME alone where value is NULL. */
struct program_option {
    const char *name;
    const char **value;
    bool *flag;
};

/* Parses -c/--config FILE (default SYSCONFDIR/leadgate/config.yaml), -t/--test (load, say so, exit 0),
 * --help, --version and the program's own options; loads the settings and opens the log. Does not return
 * where an option says all or something is wrong: EX_USAGE (64) for arguments, EX_CONFIG (78) with
 * `file:line:column: ...` on standard error. */
struct settings *startup(const struct program *program, const struct program_option *options, size_t n,
                         int argc, char **argv);

/* Loads the same file again (SIGHUP): the new settings, or NULL after logging why the old ones stay. */
struct settings *startup_reload(void);

/* Tells systemd (sd_notify(3)); without systemd they do nothing. */
void startup_ready(void);
void startup_reloading(void);
void startup_stopping(void);

/* Sets mode, owner and group of a unix socket's file. 0, or -1 with err. */
int startup_socket_rights(const char *path, const struct socket_settings *rights, struct err *err);

#endif
