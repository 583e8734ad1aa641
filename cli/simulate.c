/* SPDX-License-Identifier: BSD-2-Clause */
/* leadgate simulate: what the settings would do to a list, before they do it. Touches neither Redis nor
 * mail: the leads live and are forgotten in memory. */
#include "leadgate/simulate.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/simulate_report.h"
#include "cli/simulate_trouble.h"
#include "leadgate/settings.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define DEFAULT_PATH LEADGATE_SYSCONFDIR "/leadgate/config.yaml"

/* What the command line says. */
struct arguments {
    struct sim_plan plan;
    const struct trouble_scenario *trouble; /* NULL = plan.scenario it is */
    int64_t leads;                          /* 0 = nobody said */
    const char *config;                     /* NULL = the default file, if there is one */
    const char *csv, *svg;
};

static void print_usage(FILE *to)
{
    size_t n;
    const struct sim_scenario *scenarios = sim_scenarios(&n);

    fputs(
        "usage: leadgate simulate [-c FILE] [--scenario NAME] [--leads N] [--days N] [--every N] [--out N]\n"
        "                         [--csv FILE] [--svg FILE]\n"
        "\n"
        "Sends mails to leads that do not exist, and prints what Leadgate would make of it with these\n"
        "settings, beside no suppression and \"N bounces and out\".\n"
        "\n"
        "  -c, --config FILE    the settings; default " DEFAULT_PATH ", else the defaults\n"
        "  --scenario NAME      which leads there are (below)\n"
        "  --leads N            how many; default 1000000\n"
        "  --days N             for how long; default 30\n"
        "  --every N            a mail every N days; default 1\n"
        "  --out N              the N of \"N bounces and out\"; default 3\n"
        "  --csv FILE           write a line for each day; - writes it to standard output, and no table\n"
        "  --svg FILE           draw the days\n"
        "\n"
        "Scenarios; the first is the default:\n",
        to);
    for (size_t i = 0; i < n; i++)
        fprintf(to, "  %-20s %s\n", scenarios[i].name, scenarios[i].help);
    simulate_trouble_list(to);
    fputs("\nExit status: 0; 1 when a file could not be written; 64 for wrong arguments; 78 for wrong "
          "settings.\n",
          to);
}

static int parse_number(int64_t *out, const char *name, const char *text, int64_t most)
{
    char *end;
    long long number;

    errno = 0;
    number = strtoll(text, &end, 10);
    if (errno == 0 && end != text && *end == '\0' && number >= 1 && number <= most) {
        *out = number;
        return 0;
    }
    fprintf(stderr, "leadgate: --%s %s: a number from 1 to %" PRId64 " is wanted\n", name, text, most);
    return -1;
}

static int find_scenario(struct arguments *arguments, const char *name)
{
    size_t n;
    const struct sim_scenario *scenarios = sim_scenarios(&n);

    if ((arguments->trouble = simulate_trouble_find(name)) != NULL)
        return 0;
    for (size_t i = 0; i < n; i++)
        if (strcmp(scenarios[i].name, name) == 0) {
            arguments->plan.scenario = &scenarios[i];
            return 0;
        }
    fprintf(stderr, "leadgate: no scenario `%s`; leadgate simulate --help lists them\n", name);
    return -1;
}

/* 0; -1 after saying what is wrong; 1 when --help has said all. */
static int parse_arguments(struct arguments *arguments, int argc, char **argv)
{
    static const struct option options[] = {
        { "config", required_argument, NULL, 'c' }, { "scenario", required_argument, NULL, 'S' },
        { "leads", required_argument, NULL, 'l' },  { "days", required_argument, NULL, 'd' },
        { "every", required_argument, NULL, 'e' },  { "out", required_argument, NULL, 'o' },
        { "csv", required_argument, NULL, 'C' },    { "svg", required_argument, NULL, 'V' },
        { "help", no_argument, NULL, 'h' },         { NULL, 0, NULL, 0 },
    };
    struct sim_plan *plan = &arguments->plan;
    int option, rc = 0;

    while (rc == 0 && (option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        switch (option) {
        case 'c': arguments->config = optarg; break;
        case 'S': rc = find_scenario(arguments, optarg); break;
        case 'l': rc = parse_number(&arguments->leads, "leads", optarg, 1000000000); break;
        case 'd': rc = parse_number(&plan->days, "days", optarg, 3650); break;
        case 'e': rc = parse_number(&plan->every, "every", optarg, 365); break;
        case 'o': rc = parse_number(&plan->out, "out", optarg, 1000); break;
        case 'C': arguments->csv = optarg; break;
        case 'V': arguments->svg = optarg; break;
        case 'h': print_usage(stdout); return 1;
        default: print_usage(stderr); return -1;
        }
    }
    if (rc == 0 && optind < argc) {
        print_usage(stderr);
        return -1;
    }
    return rc;
}

/* Says which settings those are in *name. NULL after saying what is wrong with them. */
static struct settings *load_settings(const char *path, const char **name)
{
    struct settings *settings;
    struct err err;

    *name = path != NULL ? path : DEFAULT_PATH;
    if (path == NULL && access(DEFAULT_PATH, F_OK) < 0 && errno == ENOENT) {
        *name = "the defaults";
        if ((settings = settings_new()) == NULL)
            fputs("leadgate: out of memory\n", stderr);
        return settings;
    }
    if (settings_load(&settings, *name, &err) == 0)
        return settings;
    fprintf(stderr, "leadgate: %s\n", err.text);
    return NULL;
}

struct outcome_of_plan {
    const struct sim_plan *plan;
    const struct sim_result *result;
};

static void print_csv(FILE *to, const void *what)
{
    const struct outcome_of_plan *outcome = what;

    simulate_print_csv(to, outcome->plan, outcome->result);
}

static void print_svg(FILE *to, const void *what)
{
    const struct outcome_of_plan *outcome = what;

    simulate_print_svg(to, outcome->plan, outcome->result);
}

static int print_all(const struct arguments *arguments, const struct sim_result *result, const char *settings)
{
    bool csv_to_stdout = arguments->csv != NULL && strcmp(arguments->csv, "-") == 0;
    const struct outcome_of_plan outcome = { &arguments->plan, result };
    int rc;

    if (csv_to_stdout)
        simulate_print_csv(stdout, &arguments->plan, result);
    else
        simulate_print_text(stdout, &arguments->plan, result, settings);
    rc = output_finish(EX_OK);
    if (arguments->csv != NULL && !csv_to_stdout && output_file(arguments->csv, print_csv, &outcome) < 0)
        rc = 1;
    if (arguments->svg != NULL && output_file(arguments->svg, print_svg, &outcome) < 0)
        rc = 1;
    return rc;
}

static void step(void *progress)
{
    progress_step(progress, 1);
}

int command_simulate(int argc, char **argv)
{
    size_t n;
    struct arguments arguments = {
        .plan = { .scenario = sim_scenarios(&n), .leads = 1000000, .days = 30, .every = 1, .out = 3 }
    };
    struct settings *settings = NULL;
    struct sim_result *result = NULL;
    struct progress progress;
    const char *name;
    int rc = parse_arguments(&arguments, argc, argv);

    if (rc != 0)
        return rc > 0 ? EX_OK : EX_USAGE;
    if ((settings = load_settings(arguments.config, &name)) == NULL)
        return EX_CONFIG;
    if (arguments.trouble != NULL) {
        const struct trouble_request request = {
            arguments.trouble,   settings,      name,         arguments.leads,
            arguments.plan.days, arguments.csv, arguments.svg
        };

        rc = simulate_trouble(&request);
        goto out;
    }
    arguments.plan.settings = &settings->lead;
    if (arguments.leads > 0)
        arguments.plan.leads = arguments.leads;
    progress = progress_begin("leads", (uint64_t)arguments.plan.leads);
    result = sim_run(&arguments.plan, step, &progress);
    progress_end(&progress);
    if (result == NULL) {
        fputs("leadgate: out of memory\n", stderr);
        rc = EX_OSERR;
        goto out;
    }
    rc = print_all(&arguments, result, name);
out:
    sim_result_free(result);
    settings_free(settings);
    return rc;
}
