/* SPDX-License-Identifier: BSD-2-Clause */
/* leadgate incidents, leadgate incident: which providers are held and by whom, and an operator's own. What is
 * done here is told in leadgate:incidents, and gone on with, by the feed that leads. */
#include "cli/command.h"
#include "cli/incident_log.h"
#include "cli/output.h"
#include "cli/provider_name.h"
#include "cli/session.h"
#include "leadgate/logline.h"
#include "leadgate/store_incident.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

/* --- listing --- */

struct row {
    struct span provider, state, sign, since, until, by;
    int percent; /* of its leads who pass */
    int64_t since_at, until_at, leads;
    char since_text[TIME_TEXT_SIZE], until_text[TIME_TEXT_SIZE];
};

static struct span state_of(const struct row *row)
{
    if (row->percent == 0)
        return SPAN("held");
    return row->percent < 100 ? SPAN("recovering") : SPAN("neglected");
}

/* False where nothing is held back, and no bounce explained. */
static bool fill_row(struct row *row, const char *provider, const struct incident_state *state)
{
    bool held = state->hold.present, by_hand = held && (!state->open || state->hold.since == 0);

    if (!held && !state->open)
        return false;
    *row = (struct row){ .provider = span_of(provider), .sign = SPAN_NONE };
    row->percent = held ? 0 : state->neglected ? 100 : state->incident.percent;
    row->state = state_of(row);
    row->by = by_hand ? SPAN("operator") : span_of(state->by);
    row->until_at = by_hand ? state->hold.until : row->percent == 0 ? state->incident.until : 0;
    if (state->open) {
        row->sign = span_of(incident_sign_name(state->incident.sign));
        row->since_at = state->incident.since;
        row->leads = state->incident.size;
    }
    if (row->since_at != 0)
        row->since = span_of(time_text(row->since_text, row->since_at));
    if (row->until_at != 0)
        row->until = span_of(time_text(row->until_text, row->until_at));
    return true;
}

static void print_text(const struct row *row)
{
    char percent[16];
    const struct span columns[] = {
        row->provider,
        row->state,
        { percent, (size_t)snprintf(percent, sizeof(percent), "%d%%", row->percent) },
        row->sign,
        row->since,
        row->until,
        row->by,
    };

    for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
        if (i > 0)
            putchar('\t');
        output_text(stdout, columns[i].n > 0 ? columns[i] : SPAN("-"));
    }
    putchar('\n');
}

static const char csv_header[] = "provider,state,percent,sign,since,until,by";

static void print_csv(const struct row *row)
{
    char percent[16];
    const struct span fields[] = {
        row->provider,
        row->state,
        { percent, (size_t)snprintf(percent, sizeof(percent), "%d", row->percent) },
        row->sign,
        row->since,
        row->until,
        row->by,
    };

    output_csv_row(fields, sizeof(fields) / sizeof(fields[0]));
}

static void print_json(const struct row *row)
{
    bool first = true;

    putchar('{');
    output_json_text(&first, "provider", row->provider);
    output_json_text(&first, "state", row->state);
    output_json_int(&first, "percent", row->percent);
    output_json_text(&first, "sign", row->sign);
    output_json_time(&first, "since", row->since_at);
    output_json_time(&first, "until", row->until_at);
    output_json_text(&first, "by", row->by);
    if (row->leads > 0)
        output_json_int(&first, "leads", row->leads);
    puts("}");
}

static void print_row(int format, const struct row *row)
{
    switch (format) {
    case FORMAT_CSV: print_csv(row); break;
    case FORMAT_JSON: print_json(row); break;
    default: print_text(row);
    }
}

static enum store_rc find_states(struct session *session, const struct provider_list *list,
                                 struct incident_state **states, struct err *err)
{
    struct span *names = calloc(list->n + 1, sizeof(*names));
    enum store_rc rc = STORE_DOWN;

    *states = calloc(list->n + 1, sizeof(**states));
    if (names == NULL || *states == NULL) {
        err_set(err, "out of memory");
    } else {
        for (size_t i = 0; i < list->n; i++)
            names[i] = span_of(list->name[i]);
        rc = list->n == 0 ? STORE_OK
                          : store_find_incidents(session->store, names, list->n, session->now, *states, err);
    }
    free(names);
    return rc;
}

/* Where nothing is held, that is said: an empty answer could as well be a mistake. */
static void print_states(const struct provider_list *list, const struct incident_state *states, int format)
{
    bool any = false;
    struct row row;

    if (format == FORMAT_CSV)
        puts(csv_header);
    for (size_t i = 0; i < list->n && !output_ends(); i++) {
        if (!fill_row(&row, list->name[i], &states[i]))
            continue;
        print_row(format, &row);
        any = true;
    }
    if (!any && format == FORMAT_TEXT)
        puts("no provider is held");
}

static int list_all(struct session *session, int format)
{
    struct provider_list list = { .n = 0 };
    struct incident_state *states = NULL;
    int status = EX_OK;
    struct err err;

    if (store_list_open(session->store, &list, &err) == STORE_DOWN ||
        store_list_providers(session->store, 0, &list, &err) == STORE_DOWN ||
        find_states(session, &list, &states, &err) == STORE_DOWN) {
        status = session_fail(&err);
    } else {
        print_states(&list, states, format);
    }
    free(states);
    provider_list_free(&list);
    return status;
}

enum { LAST = 10, LAST_MOST = 100000 };

/* The steps that were taken last; in text behind the list, too. */
static int print_last(struct session *session, int format, int64_t most)
{
    struct err err;

    if (format == FORMAT_CSV)
        incident_log_csv_header();
    if (store_each_told(session->store, most, incident_log_print, &format, &err) == STORE_DOWN)
        return session_fail(&err);
    return EX_OK;
}

static int run_incidents(struct session *session, int format, int64_t last)
{
    int status;

    if (last > 0)
        return output_finish(print_last(session, format, last));
    if ((status = list_all(session, format)) == EX_OK && format == FORMAT_TEXT) {
        putchar('\n');
        status = print_last(session, format, LAST);
    }
    return output_finish(status);
}

int command_incidents(int argc, char **argv)
{
    static const char usage[] =
        "usage: leadgate incidents [-c FILE] [--last N] [--format text|csv|json]\n"
        "\n"
        "Lists the providers whose leads are held back: provider, held or recovering, how many of its leads "
        "pass,\n"
        "sign (dead: leads that took mail are said not to exist; faults: failures that are no lead's "
        "fault),\n"
        "since when, until when, and by whom; as text also the last ten steps that were taken.\n"
        "\n"
        "  --last N   instead, the last N steps (leadgate:incidents), the newest first\n"
        "  --format   text: columns separated by tabs; csv; json: one object a line\n"
        "\n"
        "Exit status: 0; 64, 75 (Redis is away), 78 (settings).\n";
    const char *format = NULL, *last = NULL;
    const struct cli_option options[] = { { "format", &format, NULL }, { "last", &last, NULL } };
    struct cli_arguments arguments;
    struct session session;
    int64_t most = 0;
    int chosen, status = cli_read_arguments(usage, options, 2, argc, argv, &arguments);

    if (status != GO_ON)
        return status;
    if (arguments.n > 0)
        return cli_fail_usage(usage, "it takes no names");
    if (last != NULL && (!span_int64(span_of(last), &most) || most < 1 || most > LAST_MOST))
        return cli_fail_usage(usage, "--last is a number from 1 to 100000");
    if ((chosen = cli_read_format(format, cli_formats)) < 0)
        return EX_USAGE;
    if ((status = session_open(&session, arguments.config)) == GO_ON)
        status = run_incidents(&session, chosen, most);
    session_close(&session);
    return status;
}

/* --- by hand --- */

static int say(const char *provider, const char *what, int status)
{
    output_text(stdout, span_of(provider));
    printf(": %s\n", what);
    return output_finish(status);
}

static int open_incident(struct session *session, const char *provider, enum incident_sign sign,
                         const struct incident_state *state)
{
    static const struct incident_note note = { .action = "open", .by = "operator" };
    struct incident incident;
    char text[120], until[TIME_TEXT_SIZE];
    struct err err;
    bool done;

    if (state->open)
        return say(provider, "an incident is open already", 1);
    incident_open(&session->settings->incident.numbers, sign, 0, session->now, &incident);
    if (store_change_incident(session->store, span_of(provider), NULL, &incident, &note, session->now, &done,
                              &err) == STORE_DOWN)
        return session_fail(&err);
    if (!done)
        return say(provider, "an incident was opened in the same moment", 1);
    if (!state->hold.present)
        snprintf(text, sizeof(text), "held until %s", time_text(until, incident.until));
    else if (state->hold.until != 0)
        snprintf(text, sizeof(text), "held until %s, by an operator's own hold",
                 time_text(until, state->hold.until));
    else
        snprintf(text, sizeof(text), "held until somebody deletes an operator's own hold");
    return say(provider, text, EX_OK);
}

/* What `close` does not touch. */
static int say_hold_stays(const char *provider, const char *what, int status)
{
    char text[PROVIDER_SIZE + 120];

    snprintf(text, sizeof(text), "%s; an operator's own hold stays: DEL 'provider:{%s}:hold' ends it", what,
             provider);
    return say(provider, text, status);
}

static int close_incident(struct session *session, const char *provider, const struct incident_state *state)
{
    static const struct incident_note note = { .action = "over", .by = "operator" };
    bool stays = state->hold.present && state->hold.since == 0, done;
    struct err err;

    if (!state->open)
        return stays ? say_hold_stays(provider, "no incident is open", 1)
                     : say(provider, "no incident is open", 1);
    if (store_change_incident(session->store, span_of(provider), &state->incident, NULL, &note, session->now,
                              &done, &err) == STORE_DOWN)
        return session_fail(&err);
    if (!done)
        return say(provider, "it has just changed, try again", 1);
    return stays ? say_hold_stays(provider, "the incident is over", EX_OK)
                 : say(provider, "over: all its leads pass", EX_OK);
}

static int change_incident(struct session *session, bool open, enum incident_sign sign, const char *operand)
{
    char provider[PROVIDER_SIZE] = "";
    struct span name = { provider, 0 };
    struct incident_state state;
    int status = provider_name_find(session, operand, provider);
    struct err err;

    if (status != GO_ON)
        return status;
    name = span_of(provider);
    if (store_find_incidents(session->store, &name, 1, session->now, &state, &err) == STORE_DOWN)
        return session_fail(&err);
    return open ? open_incident(session, provider, sign, &state) : close_incident(session, provider, &state);
}

int command_incident(int argc, char **argv)
{
    static const char usage[] =
        "usage: leadgate incident open [-c FILE] [--sign dead|faults] PROVIDER\n"
        "       leadgate incident close [-c FILE] PROVIDER\n"
        "\n"
        "Opens an incident by hand: the provider's leads are held, let in again step by step as the answers "
        "allow,\n"
        "and bounces that the sign explains count for nothing, those of the last window too, which are taken "
        "back.\n"
        "Closes one: all its leads pass at once, unless an operator's own hold is there.\n"
        "\n"
        "  --sign   dead (leads that took mail are said not to exist; the default) or faults (failures that "
        "are no\n"
        "           lead's fault)\n"
        "\n"
        "PROVIDER is a name as `leadgate incidents` and `leadgate guard` print it, or a recipient domain.\n"
        "Exit status: 0; 1 when it is open already, or none is, or no such provider is known; 64, 75 (Redis "
        "is\n"
        "away), 78 (settings).\n";
    const char *text = NULL;
    const struct cli_option options[] = { { "sign", &text, NULL } };
    enum incident_sign sign = SIGN_DEAD;
    struct cli_arguments arguments;
    struct session session;
    bool open;
    int status = cli_read_arguments(usage, options, 1, argc, argv, &arguments);

    if (status != GO_ON)
        return status;
    if (arguments.n != 2)
        return cli_fail_usage(usage, "it takes open or close, and a provider");
    open = strcmp(arguments.operand[0], "open") == 0;
    if (!open && strcmp(arguments.operand[0], "close") != 0)
        return cli_fail_usage(usage, "neither open nor close");
    if (text != NULL && (!open || (sign = incident_sign_parse(span_of(text))) == SIGN_NONE))
        return cli_fail_usage(usage, open ? "--sign is dead or faults" : "--sign is for open");
    if ((status = session_open(&session, arguments.config)) == GO_ON)
        status = change_incident(&session, open, sign, arguments.operand[1]);
    session_close(&session);
    return status;
}
