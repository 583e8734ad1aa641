/* SPDX-License-Identifier: BSD-2-Clause */
/* leadgate revert: bounces taken back, by an operator who knows better: revert.h does it, this prints. */
#include "leadgate/revert.h"

#include "cli/command.h"
#include "cli/output.h"
#include "cli/provider_name.h"
#include "cli/session.h"
#include "leadgate/decimal.h"
#include "leadgate/logline.h"
#include "leadgate/times.h"

#include <regex.h>
#include <stdio.h>
#include <sysexits.h>

struct wishes {
    const char *provider, *since, *until, *match, *format, *why;
    const char *causes[CLI_REPEATED + 1];
    bool dry_run, too_many;
};

/* --- printing --- */

static const char *deed_of(const struct reverted *lead)
{
    if (lead->bounces == 0)
        return "left-alone";
    return lead->optout.present ? "let-in" : "taken-back";
}

static void print_optout(const struct optout *optout)
{
    char until[TIME_TEXT_SIZE];

    if (optout->kind == OPTOUT_PERMANENT)
        printf("let in again: was opted out for good (%s)", cause_name(optout->cause));
    else
        printf("let in again: was opted out until %s (%s)", time_text(until, optout->until),
               cause_name(optout->cause));
}

static void print_text(const struct reverted *lead, bool dry_run)
{
    output_text(stdout, address_span(lead->lead));
    fputs(dry_run && lead->bounces > 0 ? ": would be " : ": ", stdout);
    if (lead->optout.present)
        print_optout(&lead->optout);
    else if (lead->bounces > 0)
        printf("taken back (%s): strikes %lld, were %lld", cause_name(lead->cause),
               (long long)lead->is->strikes, (long long)lead->was->strikes);
    if (lead->left_alone)
        printf("%sleft alone (%s): something stands on it", lead->bounces > 0 ? "; the rest " : "",
               cause_name(lead->cause));
    putchar('\n');
}

/* What a row says. */
enum {
    FIELD_ADDRESS,
    FIELD_DONE,
    FIELD_LEFT_ALONE,
    FIELD_CAUSE,
    FIELD_AT,
    FIELD_PROVIDER,
    FIELD_OPTOUT,
    FIELD_UNTIL,
    FIELD_SCORE_WAS,
    FIELD_SCORE,
    FIELD_EVIDENCE,
    FIELDS
};

static const char *const field_names[FIELDS] = { "address",   "done",     "left_alone", "cause",
                                                 "at",        "provider", "optout",     "until",
                                                 "score_was", "score",    "evidence" };

struct row {
    struct span fields[FIELDS];
    char at[TIME_TEXT_SIZE], until[TIME_TEXT_SIZE], score_was[DECIMAL_TEXT_SIZE], score[DECIMAL_TEXT_SIZE];
};

static void make_row(struct row *row, const struct reverted *lead)
{
    const struct optout *optout = &lead->optout;

    row->fields[FIELD_ADDRESS] = address_span(lead->lead);
    row->fields[FIELD_DONE] = span_of(deed_of(lead));
    row->fields[FIELD_LEFT_ALONE] = lead->left_alone ? SPAN("yes") : SPAN_NONE;
    row->fields[FIELD_CAUSE] = span_of(cause_name(lead->cause));
    row->fields[FIELD_AT] = span_of(time_text(row->at, lead->at));
    row->fields[FIELD_PROVIDER] = lead->provider;
    row->fields[FIELD_OPTOUT] = optout->present ? span_of(optout_kind_name(optout->kind)) : SPAN_NONE;
    row->fields[FIELD_UNTIL] =
        optout->present && optout->until != 0 ? span_of(time_text(row->until, optout->until)) : SPAN_NONE;
    row->fields[FIELD_SCORE_WAS] = span_of(decimal_text(row->score_was, lead->was->score));
    row->fields[FIELD_SCORE] = span_of(decimal_text(row->score, lead->is->score));
    row->fields[FIELD_EVIDENCE] = lead->words;
}

static void print_csv(const struct reverted *lead)
{
    char numbers[3][24];
    struct span fields[FIELDS + 3];
    struct row row;

    make_row(&row, lead);
    snprintf(numbers[0], sizeof(numbers[0]), "%d", lead->bounces);
    snprintf(numbers[1], sizeof(numbers[1]), "%lld", (long long)lead->was->strikes);
    snprintf(numbers[2], sizeof(numbers[2]), "%lld", (long long)lead->is->strikes);
    for (int i = 0; i < FIELDS; i++)
        fields[i] = row.fields[i];
    for (int i = 0; i < 3; i++)
        fields[FIELDS + i] = span_of(numbers[i]);
    output_csv_row(fields, FIELDS + 3);
}

static void print_csv_header(void)
{
    for (int i = 0; i < FIELDS; i++)
        printf("%s,", field_names[i]);
    puts("bounces,strikes_was,strikes");
}

static void print_json(const struct reverted *lead)
{
    struct row row;
    bool first = true;

    make_row(&row, lead);
    putchar('{');
    for (int i = 0; i < FIELDS; i++)
        output_json_text(&first, field_names[i], row.fields[i]);
    output_json_int(&first, "bounces", lead->bounces);
    output_json_int(&first, "strikes_was", lead->was->strikes);
    output_json_int(&first, "strikes", lead->is->strikes);
    puts("}");
}

struct style {
    int format;
    bool dry_run;
};

static void print_lead(void *ctx, const struct reverted *lead)
{
    const struct style *style = ctx;

    switch (style->format) {
    case FORMAT_CSV: print_csv(lead); break;
    case FORMAT_JSON: print_json(lead); break;
    default: print_text(lead, style->dry_run);
    }
}

static void print_tally(const struct revert_tally *tally, bool dry_run)
{
    printf("%s: %lld bounces of %lld leads; let in again: %lld; left alone: %lld\n",
           dry_run ? "would be taken back" : "taken back", (long long)tally->bounces, (long long)tally->leads,
           (long long)tally->let_in, (long long)tally->left_alone);
}

/* --- the command --- */

static bool matches(void *ctx, struct span words)
{
    char text[256];

    span_excerpt(text, sizeof(text), words);
    return regexec(ctx, text, 0, NULL, 0) == 0;
}

/* A time, or a length: so long ago. */
static bool read_time(const struct session *session, const char *text, int64_t *out)
{
    int64_t seconds;

    if (times_read_length(span_of(text), &seconds))
        *out = session->now - seconds;
    else if (!times_read(span_of(text), out))
        return false;
    return true;
}

static int refuse(const char *why, const char *what)
{
    fprintf(stderr, "leadgate: %s", why);
    output_text(stderr, span_of(what));
    fputc('\n', stderr);
    return EX_USAGE;
}

/* GO_ON, or EX_USAGE. */
static int read_plan(const struct session *session, const struct wishes *wishes, struct revert_plan *plan)
{
    static const char times[] = "a time is 2026-12-14T18:00, or how long ago: 90s 30m 12h 2d; not ";
    enum cause cause;

    *plan = (struct revert_plan){ .provider = span_of(wishes->provider),
                                  .until = INT64_MAX, /* who bounces again at this moment is meant, too */
                                  .dry_run = wishes->dry_run,
                                  .by = SPAN("operator"),
                                  .why = span_of(wishes->why) };
    if (!read_time(session, wishes->since, &plan->since))
        return refuse(times, wishes->since);
    if (wishes->until != NULL && !read_time(session, wishes->until, &plan->until))
        return refuse(times, wishes->until);
    if (plan->since > plan->until)
        return refuse("--since is later than --until", "");
    if (plan->since > session->now)
        return refuse("--since is in the future: ", wishes->since);
    for (int i = 0; wishes->causes[i] != NULL; i++) {
        if (!cause_parse(span_of(wishes->causes[i]), &cause))
            return refuse("no such cause: ", wishes->causes[i]);
        plan->causes |= revert_cause(cause);
    }
    return GO_ON;
}

/* What is not kept any more is not seen either. */
static void warn_of_kept(const struct session *session, const struct revert_plan *plan)
{
    int64_t kept = session->now - revert_kept();
    char length[LENGTH_TEXT_SIZE], text[TIME_TEXT_SIZE];

    if (plan->since < kept)
        fprintf(stderr,
                "leadgate: bounces are kept for %s: those that were read before %s stay as they are\n",
                times_length_text(length, revert_kept()), time_text(text, kept));
}

/* Where nothing was found the name may be the reason. It is not looked for before: a provider of whom the
 * log tells nothing is known by the bounces alone. */
static int explain_nothing(struct session *session, const char *wanted)
{
    char provider[PROVIDER_SIZE];
    int status = provider_name_find(session, wanted, provider);

    if (status != GO_ON)
        return status;
    if (span_eq_nocase(span_of(provider), span_of(wanted)))
        return EX_OK;
    fputs("leadgate: ", stderr);
    output_text(stderr, span_of(wanted));
    fputs(": no such provider, but a domain of ", stderr);
    output_text(stderr, span_of(provider));
    fputc('\n', stderr);
    return 1;
}

static int revert(struct session *session, const struct revert_plan *plan, int format)
{
    struct style style = { format, plan->dry_run };
    struct revert_tally tally;
    struct err err;
    enum store_rc rc;

    warn_of_kept(session, plan);
    if (format == FORMAT_CSV)
        print_csv_header();
    rc = revert_run(session->store, plan, session->now, print_lead, &style, &tally, &err);
    if (format == FORMAT_TEXT)
        print_tally(&tally, plan->dry_run);
    if (rc == STORE_DOWN)
        return session_fail(&err);
    return plan->provider.n > 0 && tally.leads == 0 && tally.left_alone == 0
               ? explain_nothing(session, plan->provider.p)
               : EX_OK;
}

/* With the expression, if there is one. */
static int revert_matching(struct session *session, struct revert_plan *plan, const char *match, int format)
{
    char why[200];
    regex_t regex;
    int status;

    if (match == NULL)
        return revert(session, plan, format);
    if ((status = regcomp(&regex, match, REG_EXTENDED | REG_ICASE | REG_NOSUB)) != 0) {
        regerror(status, &regex, why, sizeof(why));
        return refuse("--match: ", why);
    }
    plan->match = matches;
    plan->match_ctx = &regex;
    status = revert(session, plan, format);
    regfree(&regex);
    return status;
}

int command_revert(int argc, char **argv)
{
    static const char usage[] =
        "usage: leadgate revert [-c FILE] [--provider P] --since T [--until T] [--cause CAUSE]... [--match "
        "RE]\n"
        "                       [--dry-run] [--why TEXT] [--format text|csv|json]\n"
        "\n"
        "Takes bounces back: the leads are again as if these had never come, let in if they were opted out "
        "for\n"
        "them. Leads on whose bounces something later stands are left alone. Back to two days ago.\n"
        "\n"
        "  --provider P     whose server refused, as `leadgate why` says it; without it, any\n"
        "  --since, --until when it bounced: 2026-12-14T18:00, or how long ago: 90s 30m 12h 2d; until now\n"
        "  --cause CAUSE    only such; may be repeated\n"
        "  --match RE       only where the remote server's words match (POSIX extended, case ignored)\n"
        "  --dry-run        changes nothing, prints what it would do\n"
        "  --why TEXT       for the leads' logs and the journal\n"
        "  --format         text; csv; json: one object a line\n"
        "\n"
        "Exit status: 0; 1 when nothing is known of that provider; 64, 75 (Redis is away; run it again), 78 "
        "(settings).\n";
    struct wishes wishes = { .provider = "", .why = "by hand" };
    const struct cli_option options[] = {
        { "provider", &wishes.provider, NULL }, { "since", &wishes.since, NULL },
        { "until", &wishes.until, NULL },       { "cause", wishes.causes, &wishes.too_many },
        { "match", &wishes.match, NULL },       { "dry-run", NULL, &wishes.dry_run },
        { "why", &wishes.why, NULL },           { "format", &wishes.format, NULL },
    };
    struct cli_arguments arguments;
    struct revert_plan plan;
    struct session session;
    int format, status = cli_read_arguments(usage, options, sizeof(options) / sizeof(options[0]), argc, argv,
                                            &arguments);

    if (status != GO_ON)
        return status;
    if (arguments.n > 0 || wishes.too_many)
        return cli_fail_usage(usage, wishes.too_many ? "too many causes" : NULL);
    if (wishes.since == NULL)
        return cli_fail_usage(usage, "--since when?");
    if ((format = cli_read_format(wishes.format, cli_formats)) < 0)
        return EX_USAGE;
    if ((status = session_open(&session, arguments.config)) == GO_ON &&
        (status = read_plan(&session, &wishes, &plan)) == GO_ON)
        status = output_finish(revert_matching(&session, &plan, wishes.match, format));
    session_close(&session);
    return status;
}
