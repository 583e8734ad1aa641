/* SPDX-License-Identifier: BSD-2-Clause */
/* leadgate guard: the shares that the guard goes by, the worst first, with who is held or released; and an
 * operator's word that somebody is released. What Redis says of a provider whom no share speaks of is told in
 * a row without numbers. */
#include "cli/command.h"
#include "cli/output.h"
#include "cli/provider_name.h"
#include "cli/subjects.h"
#include "leadgate/logline.h"
#include "leadgate/store_guard.h"
#include "leadgate/store_incident.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#define DAY 86400

enum { AT_ONCE = 500 }; /* providers that are asked about in one write */

/* How a provider stands. */
struct stand {
    bool held, released;
    int percent;       /* 100: no incident is open */
    int64_t until;     /* of the release; 0 = it has no end */
    int64_t since;     /* from these five minutes on risky leads may be under way */
    int64_t answered;  /* and so many of them are not any more */
    int64_t under_way; /* but so many */
};

struct overview {
    struct share_list shares;
    struct provider_list names; /* all that are known, in order */
    struct stand *stands;       /* of these */
};

struct row {
    const struct share *share;
    const struct stand *stand; /* NULL: nothing is known but the share */
    struct guard_count count;
};

/* --- what there is --- */

static int compare_names(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* NULL when he is not among those that are known. */
static struct stand *stand_of(const struct overview *overview, const char *provider)
{
    const struct provider_list *names = &overview->names;
    const char(*found)[PROVIDER_SIZE] =
        names->n == 0 ? NULL : bsearch(provider, names->name, names->n, sizeof(*names->name), compare_names);

    return found == NULL ? NULL : &overview->stands[found - (const char(*)[PROVIDER_SIZE])names->name];
}

static void note_answered(const struct session *session, struct overview *overview)
{
    for (size_t i = 0; i < overview->names.n; i++)
        overview->stands[i].since = under_way_since(session->now);
    for (size_t i = 0; i < overview->shares.n; i++) {
        const struct share *share = &overview->shares.item[i];
        struct stand *stand = strcmp(share->stream, "*") == 0 ? stand_of(overview, share->provider) : NULL;

        if (stand == NULL)
            continue;
        if (share->since > 0)
            stand->since = share->since;
        stand->answered = share->answered;
    }
}

static enum store_rc find_stands(struct session *session, struct overview *overview, size_t first, size_t n,
                                 struct err *err)
{
    struct incident_state *incidents = calloc(n, sizeof(*incidents));
    int64_t since[AT_ONCE], passed[AT_ONCE];
    struct release releases[AT_ONCE];
    struct span names[AT_ONCE];
    enum store_rc rc = STORE_DOWN;

    if (incidents == NULL) {
        err_set(err, "out of memory");
        return STORE_DOWN;
    }
    for (size_t i = 0; i < n; i++) {
        names[i] = span_of(overview->names.name[first + i]);
        since[i] = overview->stands[first + i].since;
    }
    if (store_find_incidents(session->store, names, n, session->now, incidents, err) == STORE_OK &&
        store_count_passed(session->store, names, n, since, passed, err) == STORE_OK)
        rc = store_find_releases(session->store, names, n, session->now, releases, err);
    for (size_t i = 0; rc == STORE_OK && i < n; i++) {
        struct stand *stand = &overview->stands[first + i];

        stand->held = incidents[i].hold.present;
        stand->percent = incidents[i].open && !incidents[i].neglected ? incidents[i].incident.percent : 100;
        stand->released = releases[i].present;
        stand->until = releases[i].until;
        stand->under_way = passed[i] > stand->answered ? passed[i] - stand->answered : 0;
    }
    free(incidents);
    return rc;
}

static enum store_rc read_all(struct session *session, struct overview *overview, struct err *err)
{
    struct provider_list *names = &overview->names;
    enum store_rc rc = STORE_OK;

    if (store_read_shares(session->store, &overview->shares, err) == STORE_DOWN ||
        store_list_providers(session->store, 0, names, err) == STORE_DOWN ||
        store_list_open(session->store, names, err) == STORE_DOWN ||
        store_list_passed(session->store, names, err) == STORE_DOWN)
        return STORE_DOWN;
    if ((overview->stands = calloc(names->n + 1, sizeof(*overview->stands))) == NULL) {
        err_set(err, "out of memory");
        return STORE_DOWN;
    }
    if (names->n > 0)
        qsort(names->name, names->n, sizeof(*names->name), compare_names);
    note_answered(session, overview);
    for (size_t i = 0; rc == STORE_OK && i < names->n; i += AT_ONCE)
        rc = find_stands(session, overview, i, names->n - i < AT_ONCE ? names->n - i : AT_ONCE, err);
    return rc;
}

/* --- what is printed --- */

static const char *level_name(enum guard_level level)
{
    switch (level) {
    case GUARD_CALM: return "calm";
    case GUARD_WARN: return "warn";
    case GUARD_LIMIT: return "limit";
    }
    return "?";
}

enum {
    FIELD_PROVIDER,
    FIELD_STREAM,
    FIELD_TRIES,
    FIELD_INVALID,
    FIELD_SHARE,
    FIELD_LEVEL,
    FIELD_UNDER_WAY,
    FIELD_HOLD,
    FIELD_PASS,
    FIELD_RELEASED,
    FIELDS
};

static const char *const field_names[FIELDS] = { "provider", "stream",    "tries", "invalid", "share",
                                                 "level",    "under-way", "hold",  "pass",    "released" };

/* A row's words. */
struct words {
    struct span fields[FIELDS];
    char numbers[5][24], until[TIME_TEXT_SIZE];
};

static void say_number(struct words *words, int field, char text[24], int64_t number)
{
    words->fields[field] = (struct span){ text, (size_t)snprintf(text, 24, "%" PRId64, number) };
}

static void say_stand(struct words *words, const struct stand *stand, bool all_mail)
{
    if (stand == NULL)
        return;
    if (all_mail && stand->under_way > 0)
        say_number(words, FIELD_UNDER_WAY, words->numbers[4], stand->under_way);
    if (stand->percent < 100) {
        words->fields[FIELD_HOLD] = SPAN("incident");
        say_number(words, FIELD_PASS, words->numbers[3], stand->held ? 0 : stand->percent);
    } else if (stand->held) {
        words->fields[FIELD_HOLD] = SPAN("hold");
        words->fields[FIELD_PASS] = SPAN("0");
    }
    if (stand->released)
        words->fields[FIELD_RELEASED] =
            stand->until == 0 ? SPAN("always") : span_of(time_text(words->until, stand->until));
}

static void make_words(struct words *words, const struct guard_limits *limits, const struct row *row)
{
    int64_t share = guard_share(limits, &row->count);
    char *text = words->numbers[2];

    *words = (struct words){ .until = "" };
    words->fields[FIELD_PROVIDER] = span_of(row->share->provider);
    words->fields[FIELD_STREAM] = span_of(row->share->stream);
    say_number(words, FIELD_TRIES, words->numbers[0], row->count.tries);
    say_number(words, FIELD_INVALID, words->numbers[1], row->count.invalid);
    words->fields[FIELD_SHARE] =
        (struct span){ text, (size_t)snprintf(text, 24, "%" PRId64 ".%" PRId64, share / 10, share % 10) };
    words->fields[FIELD_LEVEL] = span_of(level_name(guard_level(limits, &row->count)));
    say_stand(words, row->stand, strcmp(row->share->stream, "*") == 0);
}

static void print_json(const struct words *words)
{
    bool first = true;
    int64_t number;

    putchar('{');
    for (int i = 0; i < FIELDS; i++) {
        if (i == FIELD_SHARE)
            printf(",\"%s\":%.*s", field_names[i], SPAN_FMT(words->fields[i]));
        else if ((i == FIELD_TRIES || i == FIELD_INVALID || i == FIELD_PASS || i == FIELD_UNDER_WAY) &&
                 span_int64(words->fields[i], &number))
            output_json_int(&first, field_names[i], number);
        else
            output_json_text(&first, field_names[i], words->fields[i]);
    }
    puts("}");
}

static void print_padded(struct span text, size_t width)
{
    output_text(stdout, text);
    for (size_t n = text.n; n < width; n++)
        putchar(' ');
}

static void print_text(const struct words *words)
{
    const struct span *fields = words->fields;

    print_padded(fields[FIELD_PROVIDER], 30);
    putchar(' ');
    print_padded(fields[FIELD_STREAM], 16);
    printf(" %10.*s %10.*s %6.*s %%  ", SPAN_FMT(fields[FIELD_TRIES]), SPAN_FMT(fields[FIELD_INVALID]),
           SPAN_FMT(fields[FIELD_SHARE]));
    printf("%.*s", SPAN_FMT(fields[FIELD_LEVEL]));
    if (fields[FIELD_UNDER_WAY].n > 0)
        printf(", %.*s risky under way", SPAN_FMT(fields[FIELD_UNDER_WAY]));
    if (fields[FIELD_HOLD].n > 0)
        printf(", %.*s: %.*s %% pass", SPAN_FMT(fields[FIELD_HOLD]), SPAN_FMT(fields[FIELD_PASS]));
    if (fields[FIELD_RELEASED].n > 0)
        printf(", released: %.*s", SPAN_FMT(fields[FIELD_RELEASED]));
    putchar('\n');
}

static void print_head(const struct guard_limits *limits, int format)
{
    if (format == FORMAT_TEXT) {
        printf("warning at %" PRId64 " %%, limit at %" PRId64 " %% of %" PRId64
               " tries or more, in 24 hours\n\n",
               limits->warn, limits->limit, limits->floor);
        printf("%-30s %-16s %10s %10s %8s\n", "provider", "stream", "tries", "invalid", "share");
    }
    for (int i = 0; format == FORMAT_CSV && i < FIELDS; i++)
        printf("%s%c", field_names[i], i + 1 < FIELDS ? ',' : '\n');
}

static void print_row(const struct guard_limits *limits, int format, const struct row *row)
{
    struct words words;

    make_words(&words, limits, row);
    switch (format) {
    case FORMAT_CSV: output_csv_row(words.fields, FIELDS); break;
    case FORMAT_JSON: print_json(&words); break;
    default: print_text(&words);
    }
}

/* --- the rows --- */

/* Whoever is held or released, or has somebody under way, and has no share of all mail, gets a row all the
 * same. Writes him to extra; NULL where there is nothing to tell. */
static const struct share *tell_without(const struct overview *overview, size_t i, const bool *told,
                                        struct share *extra)
{
    const struct stand *stand = &overview->stands[i];

    if (told[i] || (!stand->held && !stand->released && stand->percent == 100 && stand->under_way == 0))
        return NULL;
    *extra = (struct share){ .stream = "*" };
    memcpy(extra->provider, overview->names.name[i], sizeof(extra->provider));
    return extra;
}

static size_t make_rows(const struct overview *overview, struct row *rows, struct share *extra, bool *told)
{
    size_t n = 0;

    for (size_t i = 0; i < overview->shares.n; i++) {
        const struct share *share = &overview->shares.item[i];
        const struct stand *stand = stand_of(overview, share->provider);

        if (stand != NULL && strcmp(share->stream, "*") == 0)
            told[stand - overview->stands] = true;
        rows[n++] = (struct row){ share, stand, { .tries = share->tries, .invalid = share->invalid } };
    }
    for (size_t i = 0; i < overview->names.n; i++)
        if (tell_without(overview, i, told, &extra[i]) != NULL)
            rows[n++] = (struct row){ &extra[i], &overview->stands[i], { .tries = 0 } };
    return n;
}

/* The worst first; for qsort_r(3). */
static int compare_rows(const void *a, const void *b, void *ctx)
{
    const struct row *x = a, *y = b;
    int64_t xs = guard_share(ctx, &x->count), ys = guard_share(ctx, &y->count);
    int order = (xs < ys) - (xs > ys);

    if (order == 0)
        order = strcmp(x->share->provider, y->share->provider);
    return order != 0 ? order : strcmp(x->share->stream, y->share->stream);
}

static bool print_rows(struct session *session, const struct overview *overview, int format)
{
    struct guard_limits *limits = &session->settings->guard.limits;
    struct row *rows = calloc(overview->shares.n + overview->names.n + 1, sizeof(*rows));
    struct share *extra = calloc(overview->names.n + 1, sizeof(*extra));
    bool *told = calloc(overview->names.n + 1, sizeof(*told));
    bool good = rows != NULL && extra != NULL && told != NULL;

    if (good) {
        size_t n = make_rows(overview, rows, extra, told);

        qsort_r(rows, n, sizeof(*rows), compare_rows, limits);
        print_head(limits, format);
        for (size_t i = 0; i < n && !output_ends(); i++)
            print_row(limits, format, &rows[i]);
    }
    free(told);
    free(extra);
    free(rows);
    return good;
}

static int show(struct session *session, int format)
{
    struct overview overview = { .stands = NULL };
    struct err err;
    enum store_rc rc = read_all(session, &overview, &err);

    if (rc == STORE_OK && !print_rows(session, &overview, format)) {
        err_set(&err, "out of memory");
        rc = STORE_DOWN;
    }
    free(overview.stands);
    provider_list_free(&overview.names);
    share_list_free(&overview.shares);
    return rc == STORE_OK ? EX_OK : session_fail(&err);
}

/* --- release --- */

static int release(struct session *session, const char *operand, int64_t until)
{
    char provider[PROVIDER_SIZE], text[TIME_TEXT_SIZE], at[TIME_TEXT_SIZE], words[160];
    struct span name = span_of(operand);
    struct err err;
    int status;

    if (!stream_is_name(name)) {
        fputs("leadgate: no provider has such a name: ", stderr);
        output_text(stderr, name);
        fputc('\n', stderr);
        return EX_USAGE;
    }
    if ((status = provider_name_find(session, operand, provider)) != GO_ON)
        return status;
    name = span_of(provider);
    time_text(text, until);
    snprintf(words, sizeof(words), "action=release at=%s by=operator until=%s", time_text(at, session->now),
             text);
    if (store_release(session->store, name, until - session->now, SPAN("by=operator"), &err) == STORE_DOWN ||
        store_tell(session->store, name, words, session->settings->redis.journal, &err) == STORE_DOWN)
        return session_fail(&err);
    output_text(stdout, name);
    printf(": released until %s\n", text);
    return EX_OK;
}

int command_guard(int argc, char **argv)
{
    static const char usage[] =
        "usage: leadgate guard [-c FILE] [--format text|csv|json]\n"
        "       leadgate guard [-c FILE] --release PROVIDER [--for LENGTH | --until T]\n"
        "\n"
        "Shows for each provider and stream, the worst first, how many recipients of the last 24 hours do "
        "not\n"
        "exist, and who is held back: past the limit risky leads wait. Stream * is all mail.\n"
        "\n"
        "  --format            text; csv; json: one object a line\n"
        "  --release PROVIDER  the guard lets his leads pass: a name as it is printed here, or a recipient "
        "domain\n"
        "  --for LENGTH        for so long: 90s 30m 12h 7d 2w; a day without it\n"
        "  --until T           2026-12-24, 2026-12-24T10:00, 7d\n"
        "\n"
        "Exit status: 0; 1 when no such provider is known; 64, 75 (Redis is away), 78 (settings).\n";
    const char *format = NULL, *provider = NULL, *until = NULL, *length = NULL;
    const struct cli_option options[] = { { "format", &format, NULL },
                                          { "release", &provider, NULL },
                                          { "until", &until, NULL },
                                          { "for", &length, NULL } };
    struct cli_arguments arguments;
    struct session session;
    int status = cli_read_arguments(usage, options, 4, argc, argv, &arguments), index;
    int64_t end = 0;

    if (status != GO_ON)
        return status;
    if (arguments.n != 0)
        return cli_fail_usage(usage, NULL);
    if (provider == NULL && (until != NULL || length != NULL))
        return cli_fail_usage(usage, "--for and --until say how long --release lasts");
    if ((index = cli_read_format(format, cli_formats)) < 0)
        return EX_USAGE;
    if ((status = session_open(&session, arguments.config)) == GO_ON &&
        (status = subjects_read_end(&session, until, length, &end)) == GO_ON)
        status =
            output_finish(provider == NULL ? show(&session, index)
                                           : release(&session, provider, end != 0 ? end : session.now + DAY));
    session_close(&session);
    return status;
}
