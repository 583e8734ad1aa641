/* SPDX-License-Identifier: BSD-2-Clause */
/* session: what the commands that work on Redis have in common: options, settings, connections, the time. */
#ifndef LEADGATE_CLI_SESSION_H
#define LEADGATE_CLI_SESSION_H

#include "leadgate/settings.h"
#include "leadgate/store.h"
#include "leadgate/store_admin.h"

#include <stdbool.h>
#include <stdint.h>

/* A command's own option: --NAME VALUE, or --NAME alone where value is NULL. Where both are given it may be
 * repeated: the values are value[0], value[1], ..., NULL behind the last; *flag: there were more than
 * CLI_REPEATED. */
enum { CLI_REPEATED = 31 };

struct cli_option {
    const char *name;
    const char **value;
    bool *flag;
};

struct cli_arguments {
    const char *config; /* NULL = the default file, if there is one */
    char **operand;
    int n;
};

#define GO_ON (-1)

/* Reads -c/--config, --help and the command's own options. GO_ON, or the exit status to end with: usage is
 * printed for --help and, on standard error, for what is wrong. */
int cli_read_arguments(const char *usage, const struct cli_option *own, size_t n, int argc, char **argv,
                       struct cli_arguments *out);

/* For arguments that make no sense: says why (NULL: nothing), then the usage. Returns EX_USAGE. */
int cli_fail_usage(const char *usage, const char *why);

/* --format: its index in the NULL-terminated words, the first when text is NULL; -1 after saying so. */
int cli_read_format(const char *text, const char *const *words);

enum { FORMAT_TEXT, FORMAT_CSV, FORMAT_JSON };
extern const char *const cli_formats[]; /* the words of these */

struct session {
    struct settings *settings;
    struct address_rules rules;
    struct store *store;
    struct admin *admin;
    int64_t now;
};

/* Loads the settings; nothing connects yet. GO_ON, or the exit status after saying what is wrong. End with
 * session_close() in any case. */
int session_open(struct session *session, const char *config);
void session_close(struct session *session);

/* Which settings those are: the file of -c, the default file, or "the defaults". */
const char *session_settings_name(const char *config);

/* Redis is away: says so, returns EX_TEMPFAIL. */
int session_fail(const struct err *err);

/* Something on the command line is no address: says so, returns EX_USAGE. */
int session_refuse(const struct err *err);

/* An address on the command line: with quotes or <> as in mail, else as leadgate prints it, so that what list
 * says can be given to flush. */
int session_parse(const struct session *session, struct span text, struct address *out, struct err *err);

/* An address on somebody's list: a Mailbox of RFC 5321, with its domain. */
int session_parse_listed(const struct session *session, struct span text, struct address *out,
                         struct err *err);

#endif
