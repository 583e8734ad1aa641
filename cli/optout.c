/* SPDX-License-Identifier: BSD-2-Clause */
/* leadgate optout, leadgate flush: an operator's word as an event, like any other. */
#include "cli/command.h"
#include "cli/output.h"
#include "cli/subjects.h"
#include "leadgate/logline.h"

#include <stdio.h>
#include <sysexits.h>

struct order {
    enum event_type type;
    int64_t until;
    struct span why;
    struct event events[SUBJECTS_BATCH];
    struct outcome outcomes[SUBJECTS_BATCH];
};

static void print_optout(const struct optout *optout)
{
    char until[TIME_TEXT_SIZE];

    if (optout->kind == OPTOUT_PERMANENT)
        printf("opted out for good (%s)\n", cause_name(optout->cause));
    else
        printf("opted out until %s (%s)\n", time_text(until, optout->until), cause_name(optout->cause));
}

static void print_outcome(const struct event *event, const struct outcome *outcome)
{
    output_text(stdout, address_span(&event->lead));
    fputs(": ", stdout);
    switch (outcome->change.kind) {
    case CHANGE_OPTOUT: print_optout(&outcome->change.optout); break;
    case CHANGE_LIFT: puts("let in again"); break;
    case CHANGE_NONE:
        if (event->type == EVENT_FLUSH) {
            puts("was not opted out");
            break;
        }
        fputs("unchanged: already ", stdout);
        print_optout(&outcome->before);
        break;
    case CHANGE_REFUSE:
    case CHANGE_ACCEPT: break; /* not by these events */
    }
}

static int apply(struct session *session, void *ctx, const struct subject *subjects, size_t n)
{
    struct order *order = ctx;
    struct err err;

    for (size_t i = 0; i < n; i++)
        order->events[i] = (struct event){ .type = order->type,
                                           .source = SOURCE_OPERATOR,
                                           .lead = subjects[i].lead,
                                           .cause = CAUSE_MANUAL,
                                           .at = session->now,
                                           .until = order->until,
                                           .evidence = order->why };
    if (store_apply(session->store, &session->settings->lead, order->events, n, session->now, order->outcomes,
                    &err) == STORE_DOWN)
        return session_fail(&err);
    for (size_t i = 0; i < n; i++)
        print_outcome(&order->events[i], &order->outcomes[i]);
    return GO_ON;
}

static int run(enum event_type type, const char *usage, size_t n_options, int argc, char **argv)
{
    const char *why = "by hand", *until = NULL, *length = NULL;
    const struct cli_option options[] = { { "why", &why, NULL },
                                          { "until", &until, NULL },
                                          { "for", &length, NULL } };
    struct cli_arguments arguments;
    struct session session;
    struct order order = { .type = type };
    int status = cli_read_arguments(usage, options, n_options, argc, argv, &arguments);

    if (status != GO_ON)
        return status;
    if (arguments.n == 0)
        return cli_fail_usage(usage, NULL);
    order.why = span_of(why);
    if ((status = session_open(&session, arguments.config)) == GO_ON &&
        (status = subjects_read_end(&session, until, length, &order.until)) == GO_ON)
        status = output_finish(subjects_each(&session, &arguments, false, apply, &order));
    session_close(&session);
    return status;
}

int command_optout(int argc, char **argv)
{
    static const char usage[] =
        "usage: leadgate optout [-c FILE] [--until T | --for LENGTH] [--why TEXT] ADDR... | -\n"
        "\n"
        "Opts leads out: mail to them is refused from now on, for good or for a time. A graver opt-out that\n"
        "stands already stays. - reads addresses from standard input, one a line.\n"
        "\n"
        "  --until T      2026-12-24, 2026-12-24T10:00, 7d\n"
        "  --for LENGTH   90s 30m 12h 7d 2w\n"
        "  --why TEXT     for the lead's log and the journal\n"
        "\n"
        "Exit status: 0; 1 when something was no address; 64, 75 (Redis is away), 78 (settings).\n";

    return run(EVENT_OPTOUT, usage, 3, argc, argv);
}

int command_flush(int argc, char **argv)
{
    static const char usage[] =
        "usage: leadgate flush [-c FILE] [--why TEXT] ADDR... | -\n"
        "\n"
        "Lets leads in again, whatever they are opted out for; their history stays. What they refused\n"
        "themselves (complaint, unsubscribe) stays refused. - reads addresses from standard input.\n"
        "\n"
        "  --why TEXT     for the lead's log and the journal\n"
        "\n"
        "Exit status: 0; 1 when something was no address; 64, 75 (Redis is away), 78 (settings).\n";

    return run(EVENT_FLUSH, usage, 1, argc, argv);
}
