/* SPDX-License-Identifier: BSD-2-Clause */
/* leadgate: the operator's command. A table of subcommands, each in a file of its own. */
#include "cli/command.h"
#include "leadgate/settings.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

static const struct command {
    const char *name, *help;
    int (*run)(int argc, char **argv);
} commands[] = {
    { "show", "what is known of a lead, and what the next bounce would do", command_show },
    { "why", "the evidence against a lead", command_why },
    { "list", "who is opted out, refused or whitelisted", command_list },
    { "stats", "how many, by kind and cause, and what the programs did", command_stats },
    { "optout", "opt leads out", command_optout },
    { "flush", "let leads in again", command_flush },
    { "allow", "whitelist leads and domains", command_allow },
    { "disallow", "take a whitelisting back", command_disallow },
    { "forget", "delete what is known of leads", command_forget },
    { "revert", "take bounces back: the leads as if they had never come", command_revert },
    { "import", "read another system's suppression list", command_import },
    { "export", "print what import reads back", command_export },
    { "check", "say whether a list is fit to be mailed", command_check },
    { "guard", "who does not exist, by provider, and who is held back for it", command_guard },
    { "unverified", "list, accept or drop bounces that nothing vouches for", command_unverified },
    { "incidents", "list the providers whose leads are held back", command_incidents },
    { "incident", "open or close a provider's incident by hand", command_incident },
    { "key", "make a key for signing", command_key },
    { "classify", "say what mails that came back mean", command_classify },
    { "rules", "list the rules for refusals, and try their examples", command_rules },
    { "replay", "say what the settings would have done to mails of the past", command_replay },
    { "simulate", "say what the settings would do to a list", command_simulate },
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void print_usage(FILE *to)
{
    fputs("usage: leadgate COMMAND [ARGUMENT...]\n"
          "       leadgate --help | --version\n"
          "\n"
          "Commands (leadgate COMMAND --help tells more):\n",
          to);
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(to, "  %-12s %s\n", commands[i].name, commands[i].help);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_usage(stderr);
        return EX_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_usage(stdout);
        return EX_OK;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("leadgate " LEADGATE_VERSION);
        return EX_OK;
    }
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    fprintf(stderr, "leadgate: no command `%s`; leadgate --help lists them\n", argv[1]);
    return EX_USAGE;
}
