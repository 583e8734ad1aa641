/* SPDX-License-Identifier: BSD-2-Clause */
/* leadgate list, leadgate export: who is suppressed, as it comes out of SCAN: nothing is kept, sorted or
 * counted, so ten million leads take no more memory than ten. */
#include "cli/command.h"
#include "cli/output.h"
#include "cli/walk.h"
#include "leadgate/logline.h"
#include "leadgate/times.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

struct filter {
    int format;
    bool temporary, permanent; /* neither: both */
    enum cause cause;          /* CAUSE_NONE = any */
    struct span domain;        /* empty = any */
    int64_t until;             /* 0 = any */
};

static struct span domain_of(const struct standing *standing)
{
    struct span name = standing->name;
    const char *at = memrchr(name.p, '@', name.n);

    if (standing->whole_domain || at == NULL)
        return name;
    return (struct span){ at + 1, (size_t)(name.p + name.n - at - 1) };
}

static bool is_wanted(const struct filter *filter, const struct standing *standing)
{
    const struct optout *optout = &standing->optout;

    if (standing->kind == STANDING_OPTOUT && filter->temporary != filter->permanent &&
        filter->temporary != (optout->kind == OPTOUT_TEMPORARY))
        return false;
    if (filter->cause != CAUSE_NONE && (standing->kind == STANDING_ALLOWED || optout->cause != filter->cause))
        return false;
    if (filter->until != 0 && (optout->until == 0 || optout->until > filter->until))
        return false;
    return filter->domain.n == 0 || span_eq_nocase(domain_of(standing), filter->domain);
}

static void print_text(const struct standing *standing)
{
    char until[TIME_TEXT_SIZE] = "-";

    if (standing->whole_domain)
        putchar('@');
    output_text(stdout, standing->name);
    if (standing->optout.until != 0)
        time_text(until, standing->optout.until);
    printf("\t%s\t%s\t", walk_kind_name(standing), until);
    switch (standing->kind) {
    case STANDING_OPTOUT: fputs(cause_name(standing->optout.cause), stdout); break;
    case STANDING_REFUSED:
        printf("%s\t", cause_name(standing->optout.cause));
        output_text(stdout, standing->stream);
        break;
    case STANDING_ALLOWED: output_text(stdout, standing->text); break;
    }
    putchar('\n');
}

static bool print_standing(void *ctx, const struct standing *standing)
{
    const struct filter *filter = ctx;

    if (!is_wanted(filter, standing))
        return true;
    switch (filter->format) {
    case FORMAT_CSV: walk_print_csv(standing); break;
    case FORMAT_JSON: walk_print_json(standing); break;
    default: print_text(standing);
    }
    return true;
}

/* The words of the command line. */
struct wishes {
    const char *cause, *domain, *until, *format;
    bool temporary, permanent, refused, allowed;
};

/* GO_ON, or EX_USAGE. */
static int read_filter(const struct session *session, const struct wishes *wishes, struct address *domain,
                       struct filter *filter)
{
    char whole[ADDRESS_SIZE];
    struct err err;

    filter->temporary = wishes->temporary;
    filter->permanent = wishes->permanent;
    if (wishes->cause != NULL && !cause_parse(span_of(wishes->cause), &filter->cause)) {
        fprintf(stderr, "leadgate: no cause `%s`\n", wishes->cause);
        return EX_USAGE;
    }
    if (wishes->domain != NULL) {
        snprintf(whole, sizeof(whole), "x@%s", wishes->domain + (wishes->domain[0] == '@'));
        if (address_parse(domain, ADDRESS_INTERNAL, span_of(whole), &session->rules, &err) < 0)
            return session_refuse(&err);
        filter->domain = address_domain(domain);
    }
    if (wishes->until != NULL && !times_read(span_of(wishes->until), &filter->until)) {
        if (!times_read_length(span_of(wishes->until), &filter->until)) {
            fputs("leadgate: --until takes a time: 2026-12-24, 2026-12-24T10:00, 7d\n", stderr);
            return EX_USAGE;
        }
        filter->until += session->now;
    }
    return GO_ON;
}

/* --temporary and --permanent speak of opt-outs; without any kind it is opt-outs, too. */
static unsigned kinds_of(const struct wishes *wishes)
{
    unsigned kinds = wishes->temporary || wishes->permanent ? STANDING_OPTOUT : 0;

    kinds |= wishes->refused ? STANDING_REFUSED : 0;
    kinds |= wishes->allowed ? STANDING_ALLOWED : 0;
    if (kinds != 0)
        return kinds;
    if (wishes->cause != NULL && (strcmp(wishes->cause, cause_name(CAUSE_COMPLAINT)) == 0 ||
                                  strcmp(wishes->cause, cause_name(CAUSE_UNSUBSCRIBE)) == 0))
        return STANDING_REFUSED;
    return STANDING_OPTOUT;
}

static int list(struct session *session, const struct wishes *wishes, struct filter *filter)
{
    struct address domain;
    int status = read_filter(session, wishes, &domain, filter);

    if (status != GO_ON)
        return status;
    if (filter->format == FORMAT_CSV)
        walk_print_csv_header();
    return output_finish(walk(session, kinds_of(wishes), true, print_standing, filter));
}

int command_list(int argc, char **argv)
{
    static const char usage[] =
        "usage: leadgate list [-c FILE] [--temporary | --permanent] [--refused] [--allowed] [--cause CAUSE]\n"
        "                     [--domain DOMAIN] [--until T] [--format text|csv|json]\n"
        "\n"
        "Lists the leads that are opted out, in no order, as Redis names them.\n"
        "\n"
        "  --temporary, --permanent   only such opt-outs\n"
        "  --refused                  what recipients refused: complaints, unsubscribes\n"
        "  --allowed                  what is whitelisted, leads and @DOMAINs\n"
        "  --cause CAUSE              only this cause\n"
        "  --domain DOMAIN            only leads of this domain\n"
        "  --until T                  only what ends by then: 2026-12-24, 2026-12-24T10:00, 7d\n"
        "  --format                   text: columns separated by tabs; csv; json: one object a line\n"
        "\n"
        "Exit status: 0; 64, 75 (Redis is away), 78 (settings).\n";
    struct wishes wishes = { .cause = NULL };
    const struct cli_option options[] = {
        { "cause", &wishes.cause, NULL },         { "domain", &wishes.domain, NULL },
        { "until", &wishes.until, NULL },         { "format", &wishes.format, NULL },
        { "temporary", NULL, &wishes.temporary }, { "permanent", NULL, &wishes.permanent },
        { "refused", NULL, &wishes.refused },     { "allowed", NULL, &wishes.allowed },
    };
    struct cli_arguments arguments;
    struct filter filter = { .cause = CAUSE_NONE };
    struct session session;
    int status =
        cli_read_arguments(usage, options, sizeof(options) / sizeof(options[0]), argc, argv, &arguments);

    if (status != GO_ON)
        return status;
    if (arguments.n != 0)
        return cli_fail_usage(usage, NULL);
    if ((filter.format = cli_read_format(wishes.format, cli_formats)) < 0)
        return EX_USAGE;
    if ((status = session_open(&session, arguments.config)) == GO_ON)
        status = list(&session, &wishes, &filter);
    session_close(&session);
    return status;
}

int command_export(int argc, char **argv)
{
    static const char usage[] =
        "usage: leadgate export [-c FILE] [--format csv|json]\n"
        "\n"
        "Prints all opt-outs and refusals: what `leadgate import` reads back (csv), or one object a line\n"
        "(json).\n"
        "\n"
        "Exit status: 0; 64, 75 (Redis is away), 78 (settings).\n";
    const char *format = NULL;
    const struct cli_option options[] = { { "format", &format, NULL } };
    struct cli_arguments arguments;
    struct filter filter = { .cause = CAUSE_NONE };
    struct session session;
    int status = cli_read_arguments(usage, options, 1, argc, argv, &arguments);

    if (status != GO_ON)
        return status;
    if (arguments.n != 0)
        return cli_fail_usage(usage, NULL);
    if ((filter.format = cli_read_format(format, cli_formats + FORMAT_CSV)) < 0)
        return EX_USAGE;
    filter.format += FORMAT_CSV;
    if ((status = session_open(&session, arguments.config)) == GO_ON) {
        if (filter.format == FORMAT_CSV)
            walk_print_csv_header();
        status =
            output_finish(walk(&session, STANDING_OPTOUT | STANDING_REFUSED, true, print_standing, &filter));
    }
    session_close(&session);
    return status;
}
