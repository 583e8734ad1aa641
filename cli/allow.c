/* SPDX-License-Identifier: BSD-2-Clause */
/* leadgate allow, disallow, forget: what an operator does to a lead that is no event of her life. */
#include "cli/command.h"
#include "cli/output.h"
#include "cli/subjects.h"
#include "leadgate/logline.h"

#include <stdio.h>
#include <sysexits.h>

enum order { ORDER_ALLOW, ORDER_DISALLOW, ORDER_FORGET };

struct orders {
    enum order order;
    int64_t until;
    struct span why;
};

static enum store_rc carry_out(struct session *session, enum order order, const struct deed *deed,
                               bool *changed, struct err *err)
{
    switch (order) {
    case ORDER_ALLOW: *changed = true; return admin_allow(session->admin, deed, err);
    case ORDER_DISALLOW: return admin_disallow(session->admin, deed, changed, err);
    case ORDER_FORGET: return admin_forget(session->admin, deed, changed, err);
    }
    return STORE_DOWN;
}

static void print_done(const struct orders *orders, const struct subject *subject, bool changed)
{
    static const char *const done[] = { "whitelisted", "no longer whitelisted", "forgotten" };
    static const char *const idle[] = { "", "was not whitelisted", "nothing was known" };
    char until[TIME_TEXT_SIZE];

    output_text(stdout, subject_name(subject));
    printf(": %s", changed ? done[orders->order] : idle[orders->order]);
    if (orders->until != 0)
        printf(" until %s", time_text(until, orders->until));
    putchar('\n');
}

static int apply(struct session *session, void *ctx, const struct subject *subjects, size_t n)
{
    const struct orders *orders = ctx;
    bool changed = false;
    struct err err;

    for (size_t i = 0; i < n; i++) {
        struct deed deed = {
            .subject = subjects[i], .why = orders->why, .at = session->now, .until = orders->until
        };

        if (carry_out(session, orders->order, &deed, &changed, &err) == STORE_DOWN)
            return session_fail(&err);
        print_done(orders, &subjects[i], changed);
    }
    return GO_ON;
}

static int run(enum order order, const char *usage, int argc, char **argv)
{
    const char *why = "by hand", *until = NULL, *length = NULL;
    const struct cli_option options[] = { { "why", &why, NULL },
                                          { "until", &until, NULL },
                                          { "for", &length, NULL } };
    struct cli_arguments arguments;
    struct session session;
    struct orders orders = { .order = order };
    int status = cli_read_arguments(usage, options, order == ORDER_ALLOW ? 3 : 1, argc, argv, &arguments);

    if (status != GO_ON)
        return status;
    if (arguments.n == 0)
        return cli_fail_usage(usage, NULL);
    orders.why = span_of(why);
    if ((status = session_open(&session, arguments.config)) == GO_ON &&
        (status = subjects_read_end(&session, until, length, &orders.until)) == GO_ON)
        status = output_finish(subjects_each(&session, &arguments, order != ORDER_FORGET, apply, &orders));
    session_close(&session);
    return status;
}

int command_allow(int argc, char **argv)
{
    static const char usage[] =
        "usage: leadgate allow [-c FILE] [--until T | --for LENGTH] [--why TEXT] ADDR|@DOMAIN... | -\n"
        "\n"
        "Whitelists leads or whole domains: opt-outs for their health do not apply and none is made. What a\n"
        "recipient refused herself (complaint, unsubscribe) stays refused. - reads standard input.\n"
        "\n"
        "  --until T      2026-12-24, 2026-12-24T10:00, 7d\n"
        "  --for LENGTH   90s 30m 12h 7d 2w\n"
        "  --why TEXT     kept as the key's value, in the lead's log and the journal\n"
        "\n"
        "Exit status: 0; 1 when something was no address; 64, 75 (Redis is away), 78 (settings).\n";

    return run(ORDER_ALLOW, usage, argc, argv);
}

int command_disallow(int argc, char **argv)
{
    static const char usage[] =
        "usage: leadgate disallow [-c FILE] [--why TEXT] ADDR|@DOMAIN... | -\n"
        "\n"
        "Takes the whitelisting of leads or whole domains back. - reads standard input.\n"
        "\n"
        "  --why TEXT     for the lead's log and the journal\n"
        "\n"
        "Exit status: 0; 1 when something was no address; 64, 75 (Redis is away), 78 (settings).\n";

    return run(ORDER_DISALLOW, usage, argc, argv);
}

int command_forget(int argc, char **argv)
{
    static const char usage[] =
        "usage: leadgate forget [-c FILE] [--why TEXT] ADDR... | -\n"
        "\n"
        "Deletes everything that is known of leads: history, opt-out, whitelisting, log, and also what they\n"
        "refused themselves. The journal keeps that they were forgotten. - reads standard input.\n"
        "\n"
        "  --why TEXT     for the journal\n"
        "\n"
        "Exit status: 0; 1 when something was no address; 64, 75 (Redis is away), 78 (settings).\n";

    return run(ORDER_FORGET, usage, argc, argv);
}
