/* SPDX-License-Identifier: BSD-2-Clause */
/* A scenario is one or two troubles; each is gone through twice, and the two stand side by side. */
#include "cli/simulate_trouble.h"

#include "cli/chart.h"
#include "cli/figures.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "leadgate/trouble.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#define TROUBLES_MOST 2
#define DAYS_LEAST    12

enum { WITHOUT, WITH, WAYS };

struct trouble_scenario {
    const char *name, *help;
    enum trouble_kind kinds[TROUBLES_MOST];
    int n;
    int64_t leads; /* so many when nobody says */
};

static const struct trouble_scenario scenarios[] = {
    { "incident",
      "a provider that says of everyone for six hours that he is unknown; and one that defers all for 2 days",
      { TROUBLE_UNKNOWN, TROUBLE_DEFERS },
      2,
      20000 },
    { "dirty-list",
      "a list four times as long as yours, with 15 % dead addresses, imported on day 10",
      { TROUBLE_DIRTY_LIST },
      1,
      10000 },
};

#define SCENARIOS (sizeof(scenarios) / sizeof(scenarios[0]))

/* Everything that is printed. */
struct both_ways {
    const struct trouble_request *request;
    const struct trouble_scenario *scenario;
    int64_t leads;
    struct trouble_result *results[TROUBLES_MOST][WAYS];
};

const struct trouble_scenario *simulate_trouble_find(const char *name)
{
    for (size_t i = 0; i < SCENARIOS; i++)
        if (strcmp(scenarios[i].name, name) == 0)
            return &scenarios[i];
    return NULL;
}

void simulate_trouble_list(FILE *to)
{
    for (size_t i = 0; i < SCENARIOS; i++)
        fprintf(to, "  %-20s %s\n", scenarios[i].name, scenarios[i].help);
}

/* --- for people --- */

static const char *title_of(enum trouble_kind kind)
{
    switch (kind) {
    case TROUBLE_UNKNOWN: return "It answers 550 5.1.1 to everyone for six hours";
    case TROUBLE_DEFERS: return "It defers everything for two days";
    case TROUBLE_DIRTY_LIST: return "A list with 15 % dead addresses is imported on day 10";
    }
    abort();
}

static void print_recovery(FILE *to, int64_t seconds)
{
    if (seconds < 0)
        fprintf(to, " %13s", "never");
    else
        fprintf(to, " %11.1f h", (double)seconds / 3600);
}

static void print_trouble(FILE *to, const char *way, const struct trouble_result *result)
{
    char lost[GROUPED_SIZE], wall[GROUPED_SIZE], held[GROUPED_SIZE];

    fprintf(to, "  %-20s %12s %14s %12s", way, figures_grouped(lost, result->lost),
            figures_grouped(wall, result->total.wall), figures_grouped(held, result->total.held));
    print_recovery(to, result->recovery);
    putc('\n', to);
}

static void print_incident(FILE *to, const struct both_ways *outcome)
{
    for (int i = 0; i < outcome->scenario->n; i++) {
        fprintf(to, "%s\n  %-20s %12s %14s %12s %13s\n", title_of(outcome->scenario->kinds[i]), "",
                "leads lost", "into the wall", "held", "recovery");
        print_trouble(to, "without incidents", outcome->results[i][WITHOUT]);
        print_trouble(to, "with incidents", outcome->results[i][WITH]);
        putc('\n', to);
    }
    fputs(
        "leads lost: who exist, and are suppressed for good in the end\n"
        "into the wall: tries that met the trouble; a mail that waits in the queue is tried again and again\n"
        "held: told at RCPT TO to come again later; a mail is told so each half hour\n"
        "recovery: from the end of the trouble until no lead who exists was held or refused for it\n",
        to);
}

static double share_of(const struct trouble_day *day)
{
    return day->sent > 0 ? 100.0 * (double)day->invalid / (double)day->sent : 0;
}

static void print_day(FILE *to, const struct trouble_day *day)
{
    char sent[GROUPED_SIZE], held[GROUPED_SIZE];

    fprintf(to, " %12s %12s %8.2f %%", figures_grouped(sent, day->sent), figures_grouped(held, day->held),
            share_of(day));
}

static void print_dirty_list(FILE *to, const struct both_ways *outcome)
{
    const struct trouble_result *without = outcome->results[0][WITHOUT], *with = outcome->results[0][WITH];

    fprintf(to, "%s\n  %5s %36s %36s\n", title_of(TROUBLE_DIRTY_LIST), "", "without the guard",
            "with the guard");
    fprintf(to, "  %5s %12s %12s %10s %12s %12s %10s\n", "day", "sent", "held", "invalid", "sent", "held",
            "invalid");
    for (int64_t day = 1; day <= outcome->request->days; day++) {
        fprintf(to, "  %5" PRId64, day);
        print_day(to, &without->by_day[day - 1]);
        print_day(to, &with->by_day[day - 1]);
        putc('\n', to);
    }
    fputs("\n"
          "invalid: of the day's mail, to addresses that do not exist; near 10 % providers turn against a "
          "sender\n"
          "held: told at RCPT TO to come again later; a mail is told so each half hour\n",
          to);
}

static void print_text(FILE *to, const struct both_ways *outcome)
{
    char leads[GROUPED_SIZE];

    fprintf(to, "%s: %s leads at one provider for %" PRId64 " days, a mail every day; settings: %s\n\n",
            outcome->scenario->name, figures_grouped(leads, outcome->leads), outcome->request->days,
            outcome->request->settings_name);
    if (outcome->scenario->kinds[0] == TROUBLE_DIRTY_LIST)
        print_dirty_list(to, outcome);
    else
        print_incident(to, outcome);
}

/* --- for programs, and drawn --- */

static const char *word_of(enum trouble_kind kind)
{
    switch (kind) {
    case TROUBLE_UNKNOWN: return "unknown";
    case TROUBLE_DEFERS: return "defers";
    case TROUBLE_DIRTY_LIST: return "dirty-list";
    }
    abort();
}

static void print_csv(FILE *to, const void *what)
{
    static const char *const ways[WAYS] = { "without", "with" };
    const struct both_ways *outcome = what;

    fputs("trouble,handling,day,sent,wall,invalid,held\n", to);
    for (int i = 0; i < outcome->scenario->n; i++)
        for (int way = 0; way < WAYS; way++)
            for (int64_t day = 1; day <= outcome->request->days; day++) {
                const struct trouble_day *counts = &outcome->results[i][way]->by_day[day - 1];

                fprintf(to, "%s,%s,%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 "\n",
                        word_of(outcome->scenario->kinds[i]), ways[way], day, counts->sent, counts->wall,
                        counts->invalid, counts->held);
            }
}

/* Of incidents: into the wall. Of the list: the share, in hundredths of a percent. */
static int64_t value_of(const void *ctx, size_t panel, size_t series, int64_t day)
{
    const struct both_ways *outcome = ctx;
    const struct trouble_day *counts =
        &outcome->results[panel][series == 0 ? WITH : WITHOUT]->by_day[day - 1];

    if (outcome->scenario->kinds[panel] != TROUBLE_DIRTY_LIST)
        return counts->wall;
    return counts->sent > 0 ? counts->invalid * 10000 / counts->sent : 0;
}

static void label_of(char dst[CHART_LABEL_SIZE], const void *ctx, int64_t day)
{
    (void)ctx;
    snprintf(dst, CHART_LABEL_SIZE, "%" PRId64, day);
}

static void print_svg(FILE *to, const void *what)
{
    const struct both_ways *outcome = what;
    bool list = outcome->scenario->kinds[0] == TROUBLE_DIRTY_LIST;
    const struct chart_panel incident[] = {
        { .title = "Mails into the wall per day: unknown for six hours", .unit = 1 },
        { .title = "Mails into the wall per day: deferred for two days", .unit = 1 },
    };
    const struct chart_panel share[] = {
        { .title = "Invalid recipients, % of the day's mail",
          .unit = 100,
          .mark = 1000,
          .mark_name = "10 %" },
    };
    const struct chart chart = {
        .title = "leadgate simulate",
        .heading = outcome->scenario->help,
        .series = { list ? "with the guard" : "with incidents", list ? "without" : "without" },
        .panels = list ? share : incident,
        .n_series = 2,
        .n_panels = (size_t)outcome->scenario->n,
        .axis = "day",
        .days = outcome->request->days,
        .ticks = 15,
        .value = value_of,
        .label = label_of,
        .ctx = outcome,
    };

    chart_print(to, &chart);
}

/* --- all of it --- */

static void step(void *progress)
{
    progress_step(progress, 1);
}

static bool run_all(struct both_ways *outcome)
{
    const struct settings *settings = outcome->request->settings;
    struct progress progress =
        progress_begin("days", (uint64_t)(outcome->request->days * outcome->scenario->n * WAYS));
    bool whole = true;

    for (int i = 0; i < outcome->scenario->n; i++)
        for (int way = 0; way < WAYS; way++) {
            const struct trouble_plan plan = { .settings = &settings->lead,
                                               .incident = &settings->incident.numbers,
                                               .guard = &settings->guard.limits,
                                               .kind = outcome->scenario->kinds[i],
                                               .leads = outcome->leads,
                                               .list = 4 * outcome->leads,
                                               .days = outcome->request->days,
                                               .handled = way == WITH };

            outcome->results[i][way] = trouble_run(&plan, step, &progress);
            whole = whole && outcome->results[i][way] != NULL;
        }
    progress_end(&progress);
    return whole;
}

static int print_all(const struct both_ways *outcome)
{
    const struct trouble_request *request = outcome->request;
    bool csv_to_stdout = request->csv != NULL && strcmp(request->csv, "-") == 0;
    int rc;

    if (csv_to_stdout)
        print_csv(stdout, outcome);
    else
        print_text(stdout, outcome);
    rc = output_finish(EX_OK);
    if (request->csv != NULL && !csv_to_stdout && output_file(request->csv, print_csv, outcome) < 0)
        rc = 1;
    if (request->svg != NULL && output_file(request->svg, print_svg, outcome) < 0)
        rc = 1;
    return rc;
}

int simulate_trouble(const struct trouble_request *request)
{
    struct both_ways outcome = { .request = request,
                                 .scenario = request->scenario,
                                 .leads = request->leads > 0 ? request->leads : request->scenario->leads };
    int rc = EX_OSERR;

    if (request->days < DAYS_LEAST) {
        fprintf(stderr, "leadgate: --days %" PRId64 ": this scenario needs at least %d\n", request->days,
                DAYS_LEAST);
        return EX_USAGE;
    }
    if (run_all(&outcome))
        rc = print_all(&outcome);
    else
        fputs("leadgate: out of memory\n", stderr);
    for (int i = 0; i < TROUBLES_MOST; i++)
        for (int way = 0; way < WAYS; way++)
            trouble_result_free(outcome.results[i][way]);
    return rc;
}
