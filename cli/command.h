/* SPDX-License-Identifier: BSD-2-Clause */
/* command: the subcommands of leadgate(1). Each gets its own arguments, its name as argv[0], and returns the
 * exit status. */
#ifndef LEADGATE_CLI_COMMAND_H
#define LEADGATE_CLI_COMMAND_H

int command_allow(int argc, char **argv);
int command_check(int argc, char **argv);
int command_disallow(int argc, char **argv);
int command_export(int argc, char **argv);
int command_flush(int argc, char **argv);
int command_forget(int argc, char **argv);
int command_guard(int argc, char **argv);
int command_import(int argc, char **argv);
int command_incident(int argc, char **argv);
int command_incidents(int argc, char **argv);
int command_key(int argc, char **argv);
int command_list(int argc, char **argv);
int command_optout(int argc, char **argv);
int command_revert(int argc, char **argv);
int command_show(int argc, char **argv);
int command_stats(int argc, char **argv);
int command_unverified(int argc, char **argv);
int command_why(int argc, char **argv);
int command_classify(int argc, char **argv);
int command_rules(int argc, char **argv);
int command_replay(int argc, char **argv);
int command_simulate(int argc, char **argv);

#endif
