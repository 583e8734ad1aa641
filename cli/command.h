/* SPDX-License-Identifier: BSD-2-Clause */
/* command: the subcommands of leadgate(1). Each gets its own arguments, its name as argv[0], and returns the
 * exit status. */
#ifndef LEADGATE_CLI_COMMAND_H
#define LEADGATE_CLI_COMMAND_H

int command_classify(int argc, char **argv);
int command_rules(int argc, char **argv);
int command_simulate(int argc, char **argv);

#endif
