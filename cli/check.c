/* SPDX-License-Identifier: BSD-2-Clause */
/* leadgate check: a list before it is mailed. What can be told from an address alone is told at once; what
 * Redis knows is asked in batches, first with the cheapest question there is, since of a good list nearly
 * nobody is suppressed. The findings of a batch are printed in the order of the list.
 *
 * A provider is the recipient's domain. Known to be dead are leads opted out for user-unknown and
 * domain-unknown, also when they are whitelisted: their provider knows of no whitelist. */
#include "cli/check_report.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/roles.h"
#include "cli/session.h"
#include "cli/syntax.h"
#include "cli/table.h"
#include "cli/typo.h"
#include "leadgate/decimal.h"
#include "leadgate/logline.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

enum { BATCH = 1024 };

/* One row of the list. */
struct entry {
    int64_t line;
    struct address address;
    unsigned found;  /* 1 << enum finding_kind */
    bool is_new;     /* the first of its domain */
    char text[256];  /* what is wrong with it, for bad syntax */
    char meant[128]; /* for a typing error */
};

struct check {
    struct session *session;
    struct table table;
    struct domains domains;
    struct seen seen;
    struct tally tally;
    struct check_limits limits;
    int format;
    bool summary_only;
    struct progress progress;
    size_t n;
    struct entry entries[BATCH];
    /* What is asked, as arrays side by side; `of` says which entry it is about. */
    struct address asked[BATCH];
    size_t of[BATCH];
    bool marked[BATCH];
    struct suppression suppressions[BATCH];
};

static void note(struct check *check, struct entry *entry, enum finding_kind kind)
{
    entry->found |= 1u << kind;
    check->tally.found[kind]++;
}

static bool is_dead(const struct suppression *suppression)
{
    return suppression->optout.present && (suppression->optout.cause == CAUSE_USER_UNKNOWN ||
                                           suppression->optout.cause == CAUSE_DOMAIN_UNKNOWN);
}

/* The entry of an address's domain; NULL: out of memory. */
static struct domain *find_domain(struct check *check, struct entry *entry)
{
    struct domain *domain = domains_find(&check->domains, address_domain(&entry->address), &entry->is_new);
    char meant[TYPO_SIZE];

    if (domain != NULL && entry->is_new && typo_suggest(meant, span_of(domain->name)))
        domain->meant = strdup(meant);
    return domain;
}

/* Bad syntax counts against its domain, where one can be made out. */
static int take_bad(struct check *check, struct entry *entry, struct span text)
{
    const char *at = memrchr(text.p, '@', text.n);
    struct domain *domain;
    char whole[ADDRESS_SIZE];
    struct err err;

    note(check, entry, FINDING_SYNTAX);
    check->tally.recipients++;
    check->tally.invalid++;
    entry->address.n = 0;
    if (at == NULL)
        return GO_ON;
    snprintf(whole, sizeof(whole), "x%.*s", (int)(text.p + text.n - at), at);
    if (address_parse(&entry->address, ADDRESS_INTERNAL, span_of(whole), &check->session->rules, &err) < 0) {
        entry->address.n = 0;
        return GO_ON;
    }
    if ((domain = find_domain(check, entry)) == NULL)
        return EX_OSERR;
    domain->recipients++;
    domain->invalid++;
    return GO_ON;
}

static int take_good(struct check *check, struct entry *entry)
{
    int there = seen_add(&check->seen, address_span(&entry->address));
    struct domain *domain;

    if (there == 1) {
        note(check, entry, FINDING_DUPLICATE);
        return GO_ON;
    }
    if (there < 0 || (domain = find_domain(check, entry)) == NULL)
        return EX_OSERR;
    domain->recipients++;
    check->tally.recipients++;
    if (role_is(address_local(&entry->address)))
        note(check, entry, FINDING_ROLE);
    if (domain->meant != NULL) {
        note(check, entry, FINDING_TYPO);
        span_excerpt(entry->meant, sizeof(entry->meant), span_of(domain->meant));
    }
    return GO_ON;
}

/* Whether Redis is to be asked about it. */
static bool is_asked(const struct entry *entry)
{
    return (entry->found & (1u << FINDING_SYNTAX | 1u << FINDING_DUPLICATE)) == 0;
}

static int ask_holds(struct check *check)
{
    struct domain *domain;
    struct err err;
    size_t n = 0;
    bool is_new;

    for (size_t i = 0; i < check->n; i++)
        if (check->entries[i].is_new)
            check->asked[n++] = check->entries[i].address;
    if (n > 0 && admin_find_marks(check->session->admin, MARK_DOMAIN_HOLD, check->asked, n, check->marked,
                                  &err) == STORE_DOWN)
        return session_fail(&err);
    for (size_t i = 0; i < n; i++)
        if ((domain = domains_find(&check->domains, address_domain(&check->asked[i]), &is_new)) != NULL)
            domain->held = check->marked[i];
    return GO_ON;
}

/* Leaves in asked[] and of[] the entries that have something against them; *n is how many. */
static int ask_marks(struct check *check, size_t *n)
{
    struct err err;
    size_t asked = 0;

    for (size_t i = 0; i < check->n; i++) {
        if (!is_asked(&check->entries[i]))
            continue;
        check->of[asked] = i;
        check->asked[asked++] = check->entries[i].address;
    }
    *n = 0;
    if (asked > 0 && admin_find_marks(check->session->admin, MARK_SUPPRESSED, check->asked, asked,
                                      check->marked, &err) == STORE_DOWN)
        return session_fail(&err);
    for (size_t i = 0; i < asked; i++) {
        if (!check->marked[i])
            continue;
        check->of[*n] = check->of[i];
        check->asked[(*n)++] = check->asked[i];
    }
    return GO_ON;
}

static int ask_suppressions(struct check *check, size_t n)
{
    struct domain *domain;
    struct err err;
    bool is_new;

    if (n > 0 && store_find_suppressions(check->session->store, check->asked, n, check->session->now,
                                         check->suppressions, &err) == STORE_DOWN)
        return session_fail(&err);
    for (size_t i = 0; i < n; i++) {
        const struct suppression *suppression = &check->suppressions[i];
        struct entry *entry = &check->entries[check->of[i]];

        if (suppression->optout.present && !suppression->allowed)
            note(check, entry, FINDING_OPTED_OUT);
        if (suppression->n_refusals > 0)
            note(check, entry, FINDING_REFUSED);
        if (!is_dead(suppression))
            continue;
        check->tally.invalid++;
        if ((domain = domains_find(&check->domains, address_domain(&entry->address), &is_new)) != NULL)
            domain->invalid++;
    }
    return GO_ON;
}

static void find_holds(struct check *check)
{
    bool is_new;

    for (size_t i = 0; i < check->n; i++) {
        struct entry *entry = &check->entries[i];
        const struct domain *domain;

        if (!is_asked(entry))
            continue;
        domain = domains_find(&check->domains, address_domain(&entry->address), &is_new);
        if (domain != NULL && domain->held)
            note(check, entry, FINDING_HOLD);
    }
}

static void print_optout(const struct check *check, const struct entry *entry,
                         const struct suppression *suppression)
{
    const struct optout *optout = &suppression->optout;
    char text[128], until[TIME_TEXT_SIZE];

    if (optout->kind == OPTOUT_PERMANENT)
        snprintf(text, sizeof(text), "permanent, %s", cause_name(optout->cause));
    else
        snprintf(text, sizeof(text), "until %s, %s", time_text(until, optout->until),
                 cause_name(optout->cause));
    check_print_finding(check->format, entry->line, address_span(&entry->address), FINDING_OPTED_OUT,
                        span_of(text));
}

/* The findings of one entry; suppression is NULL when nothing stands against it. */
static void print_entry(const struct check *check, const struct entry *entry,
                        const struct suppression *suppression)
{
    struct span detail;

    for (int kind = 0; kind < FINDINGS; kind++) {
        bool bad = kind == FINDING_SYNTAX;

        if ((entry->found & 1u << kind) == 0)
            continue;
        if (kind == FINDING_OPTED_OUT) {
            print_optout(check, entry, suppression);
            continue;
        }
        detail = bad ? span_of(entry->text) : kind == FINDING_TYPO ? span_of(entry->meant) : SPAN_NONE;
        if (kind == FINDING_REFUSED)
            detail = span_of(cause_name(suppression->refusals[0].cause));
        check_print_finding(check->format, entry->line, bad ? SPAN_NONE : address_span(&entry->address),
                            (enum finding_kind)kind, detail);
    }
}

static int finish_batch(struct check *check)
{
    size_t suppressed = 0, next = 0;
    int status;

    if ((status = ask_holds(check)) != GO_ON || (status = ask_marks(check, &suppressed)) != GO_ON ||
        (status = ask_suppressions(check, suppressed)) != GO_ON)
        return status;
    find_holds(check);
    for (size_t i = 0; i < check->n; i++) {
        bool has = next < suppressed && check->of[next] == i;

        if (check->entries[i].found != 0 && !check->summary_only)
            print_entry(check, &check->entries[i], has ? &check->suppressions[next] : NULL);
        next += has;
    }
    check->n = 0;
    return GO_ON;
}

static int take_row(struct check *check, const struct csv_row *row, bool readable)
{
    struct entry *entry = &check->entries[check->n++];
    struct span text = readable ? table_get(&check->table, row, COLUMN_ADDRESS) : SPAN_NONE;
    const char *fault;
    struct err err;
    int status;

    check->tally.rows++;
    entry->line = row->line;
    entry->found = 0;
    entry->is_new = false;
    if (!readable) {
        err_set(&err, "a quotation mark is never closed, or the line is too long");
        status = take_bad(check, entry, text);
    } else if (session_parse_listed(check->session, text, &entry->address, &err) < 0) {
        status = take_bad(check, entry, text);
    } else if ((fault = syntax_fault(text, &entry->address)) != NULL) {
        err_set(&err, "\"%.*s\": %s", SPAN_FMT(text), fault);
        status = take_bad(check, entry, text);
    } else {
        status = take_good(check, entry);
    }
    if (entry->found & 1u << FINDING_SYNTAX)
        span_excerpt(entry->text, sizeof(entry->text), span_of(err.text));
    if (status == GO_ON && check->n == BATCH)
        status = finish_batch(check);
    return status;
}

static int take_rows(struct check *check, const char *path)
{
    struct csv_row row;
    int status = GO_ON;

    while (status == GO_ON && !output_ends()) {
        uint64_t before = check->table.file.taken;
        enum csv_next next = csv_next(&check->table.file, &row);

        switch (next) {
        case CSV_NEXT_ROW:
        case CSV_NEXT_BAD: status = take_row(check, &row, next == CSV_NEXT_ROW); break;
        case CSV_NEXT_END: return finish_batch(check);
        case CSV_NEXT_FAILED: fprintf(stderr, "leadgate: %s: %s\n", path, strerror(errno)); return EX_NOINPUT;
        }
        progress_step(&check->progress, check->table.file.taken - before);
    }
    return status;
}

static void begin_progress(struct check *check)
{
    struct stat stat;
    bool has_size = fstat(check->table.file.fd, &stat) == 0 && S_ISREG(stat.st_mode);

    check->progress = progress_begin("bytes", has_size ? (uint64_t)stat.st_size : 0);
    check->progress.shown = check->progress.shown && output_allows_bar(!check->summary_only);
}

static int run(struct check *check, const char *path, const char *column)
{
    struct err err;
    int status;

    if (table_open(&check->table, path, TABLE_GUESS, column, &err) < 0) {
        fprintf(stderr, "leadgate: %s\n", err.text);
        return EX_NOINPUT;
    }
    if (!check->summary_only)
        check_print_header(check->format);
    begin_progress(check);
    status = take_rows(check, path);
    progress_end(&check->progress);
    if (status == EX_OSERR)
        fputs("leadgate: out of memory\n", stderr);
    if (status != GO_ON)
        return status;
    return check_print_summary(check->format, &check->tally, &check->domains, &check->limits) ? EX_OK : 1;
}

/* `10`, `10%`, `2.5%`. */
static bool read_limit(const char *text, int64_t *limit)
{
    struct span number = span_of(text);

    if (number.n > 0 && number.p[number.n - 1] == '%')
        number.n--;
    return decimal_parse(span_trim(number), limit) && *limit >= 0 && *limit <= 100 * DECIMAL_ONE;
}

static const char usage[] =
    "usage: leadgate check [-c FILE] [--column NAME] [--limit PERCENT] [--floor N] [--summary]\n"
    "                      [--format text|csv|json] LIST\n"
    "\n"
    "Says whether a list is fit to be mailed. LIST (- is standard input) has one address a line, or is CSV\n"
    "whose first line names the columns. Finds bad syntax, duplicates, leads that are opted out or refused,\n"
    "role addresses, likely typing errors in the domain, domains on hold. Nothing is changed.\n"
    "\n"
    "  --column NAME    the column of the address; without it one of the usual names\n"
    "  --limit PERCENT  of invalid recipients, in the list and at each provider; default 10%\n"
    "  --floor N        a provider with fewer recipients than N is not judged by itself; default 50\n"
    "  --summary        only the summary\n"
    "  --format         csv: the summary goes to standard error; json: one object a line, the summary last\n"
    "\n"
    "Exit status: 0 the list is fit; 1 it is not; 64, 66 (no such file), 75 (Redis is away), 78 "
    "(settings).\n";

int command_check(int argc, char **argv)
{
    const char *format = NULL, *column = NULL, *limit = "10", *floor = "50";
    bool summary = false;
    const struct cli_option options[] = { { "format", &format, NULL },
                                          { "column", &column, NULL },
                                          { "limit", &limit, NULL },
                                          { "floor", &floor, NULL },
                                          { "summary", NULL, &summary } };
    struct cli_arguments arguments;
    struct session session = { .now = 0 };
    struct check *check;
    int status = cli_read_arguments(usage, options, 5, argc, argv, &arguments);

    if (status != GO_ON)
        return status;
    if (arguments.n != 1)
        return cli_fail_usage(usage, NULL);
    if ((check = calloc(1, sizeof(*check))) == NULL)
        return EX_OSERR;
    check->session = &session;
    check->summary_only = summary;
    check->table.file.fd = -1;
    if ((check->format = cli_read_format(format, cli_formats)) < 0)
        status = EX_USAGE;
    else if (!read_limit(limit, &check->limits.limit))
        status = cli_fail_usage(usage, "--limit takes 0 to 100, with up to three decimals");
    else if (!span_int64(span_of(floor), &check->limits.floor) || check->limits.floor < 1)
        status = cli_fail_usage(usage, "--floor takes a number from 1 on");
    else if ((status = session_open(&session, arguments.config)) == GO_ON)
        status = output_finish(run(check, arguments.operand[0], column));
    session_close(&session);
    table_close(&check->table);
    domains_free(&check->domains);
    seen_free(&check->seen);
    free(check);
    return status;
}
