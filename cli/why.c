/* SPDX-License-Identifier: BSD-2-Clause */
/* leadgate why: the evidence. Reads the lead's own log, which is written in one step with each change. */
#include "cli/command.h"
#include "cli/held.h"
#include "cli/output.h"
#include "cli/session.h"
#include "leadgate/logline.h"

#include <stdio.h>
#include <sysexits.h>

static struct span field(const struct log_field *fields, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (span_eq(fields[i].name, span_of(name)))
            return fields[i].value;
    return SPAN_NONE;
}

/* `BEFORE value`, if there is one. */
static void print_part(const char *before, struct span value)
{
    if (value.n == 0)
        return;
    fputs(before, stdout);
    output_text(stdout, value);
}

/* The words for a change; an unknown one, of a newer version, stands for itself. */
static void print_change(const struct log_field *fields, size_t n)
{
    static const struct {
        const char *change, *words;
    } words[] = {
        { "optout", "opted out" },  { "lift", "let in again" },
        { "refuse", "refused" },    { "accept", "no longer refused" },
        { "allow", "whitelisted" }, { "disallow", "no longer whitelisted" },
        { "revert", "taken back" },
    };
    struct span change = field(fields, n, "change");

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (span_eq(change, span_of(words[i].change)))
            change = span_of(words[i].words);
    output_text(stdout, change);
}

static void print_entry(void *ctx, const struct log_field *fields, size_t n)
{
    size_t *count = ctx;

    (*count)++;
    output_text(stdout, field(fields, n, "at"));
    fputs("  ", stdout);
    print_change(fields, n);
    if (span_eq(field(fields, n, "kind"), SPAN("permanent")))
        fputs(" for good", stdout);
    print_part(" until ", field(fields, n, "until"));
    print_part(", stream ", field(fields, n, "stream"));
    print_part(", cause ", field(fields, n, "cause"));
    print_part(", bounces taken back: ", field(fields, n, "bounces"));
    fputs("\n    by ", stdout);
    output_text(stdout, field(fields, n, "source"));
    print_part(", event ", field(fields, n, "event"));
    print_part(", status ", field(fields, n, "status"));
    print_part(", provider ", field(fields, n, "provider"));
    print_part(", message ", field(fields, n, "message"));
    print_part("\n    evidence: ", field(fields, n, "evidence"));
    print_part("\n    before: ", field(fields, n, "was"));
    putchar('\n');
}

static void print_exception(const char *exception)
{
    if (exception != NULL)
        printf("; not applied: %s", exception);
    putchar('\n');
}

/* Holds of her domain and of her provider; whether she waits. */
static bool print_holds(const struct session *session, const struct address *address,
                        const struct dossier *dossier, const struct held *held)
{
    const char *exception = held_exception(session, address, dossier);
    char until[TIME_TEXT_SIZE];

    if (dossier->domain_hold.present) {
        fputs("now: domain held, by hand", stdout);
        if (dossier->domain_hold.until != 0)
            printf(", until %s", time_text(until, dossier->domain_hold.until));
        print_exception(exception);
    }
    if (held->present) {
        fputs("now: provider held: ", stdout);
        held_print(held);
        print_exception(exception);
    }
    return exception == NULL && (dossier->domain_hold.present || (held->present && !held->passes));
}

static void print_now(const struct session *session, const struct address *address,
                      const struct dossier *dossier, const struct held *held)
{
    bool waits;
    char until[TIME_TEXT_SIZE];
    const struct optout *optout = &dossier->optout;

    if (optout->present && optout->until == 0)
        printf("now: opted out for good, cause %s\n", cause_name(optout->cause));
    else if (optout->present)
        printf("now: opted out until %s, cause %s\n", time_text(until, optout->until),
               cause_name(optout->cause));
    for (size_t i = 0; i < dossier->n_refusals && i < DOSSIER_REFUSALS; i++) {
        printf("now: refused, cause %s, stream ", cause_name(dossier->refusals[i].cause));
        output_text(stdout, span_of(dossier->refusals[i].stream));
        putchar('\n');
    }
    if (dossier->allow.present || dossier->domain_allow.present)
        puts("now: whitelisted");
    waits = print_holds(session, address, dossier, held);
    if (!optout->present && dossier->n_refusals == 0 && !waits)
        puts("now: nothing stands against her");
}

static int why(struct session *session, struct span name)
{
    struct dossier dossier;
    struct address address;
    struct held held;
    struct err err;
    size_t count = 0;

    if (session_parse(session, name, &address, &err) < 0)
        return session_refuse(&err);
    if (admin_read(session->admin, &address, session->now, &dossier, &err) == STORE_DOWN ||
        held_find(session, &address, &held, &err) == STORE_DOWN)
        return session_fail(&err);
    output_text(stdout, address_span(&address));
    putchar('\n');
    print_now(session, &address, &dossier, &held);
    if (admin_read_log(session->admin, &address, print_entry, &count, &err) == STORE_DOWN)
        return session_fail(&err);
    if (count == 0)
        puts("no log: nothing ever changed, or it was too long ago, or it was written by hand");
    return EX_OK;
}

int command_why(int argc, char **argv)
{
    static const char usage[] =
        "usage: leadgate why [-c FILE] ADDR\n"
        "\n"
        "Says what stands against a lead now, a hold of her domain or her provider too, and on what "
        "evidence:\n"
        "the changes in her log, newest first.\n"
        "\n"
        "Exit status: 0; 64, 75 (Redis is away), 78 (settings).\n";
    struct cli_arguments arguments;
    struct session session;
    int status = cli_read_arguments(usage, NULL, 0, argc, argv, &arguments);

    if (status != GO_ON)
        return status;
    if (arguments.n != 1)
        return cli_fail_usage(usage, NULL);
    if ((status = session_open(&session, arguments.config)) == GO_ON)
        status = output_finish(why(&session, span_of(arguments.operand[0])));
    session_close(&session);
    return status;
}
