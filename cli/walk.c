/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/walk.h"

#include "cli/output.h"
#include "cli/progress.h"
#include "leadgate/logline.h"

#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

struct walker {
    admin_standing_fn *fn;
    void *ctx;
    struct progress progress;
};

static bool on_standing(void *ctx, const struct standing *standing)
{
    struct walker *walker = ctx;

    return walker->fn(walker->ctx, standing) && !output_ends();
}

static void on_step(void *ctx, uint64_t keys)
{
    struct walker *walker = ctx;

    progress_step(&walker->progress, keys);
}

int walk(struct session *session, unsigned kinds, bool streams, admin_standing_fn *fn, void *ctx)
{
    struct walker walker = { .fn = fn, .ctx = ctx };
    const struct scan scan = { .kinds = kinds, .fn = on_standing, .step = on_step, .ctx = &walker };
    uint64_t keys, journal;
    enum store_rc rc;
    struct err err;

    if (admin_count(session->admin, &keys, &journal, &err) == STORE_DOWN)
        return session_fail(&err);
    walker.progress = progress_begin("keys", keys);
    walker.progress.shown = walker.progress.shown && output_allows_bar(streams);
    rc = admin_scan(session->admin, &scan, session->now, &err);
    progress_end(&walker.progress);
    return rc == STORE_DOWN ? session_fail(&err) : EX_OK;
}

const char *walk_kind_name(const struct standing *standing)
{
    switch (standing->kind) {
    case STANDING_OPTOUT: return optout_kind_name(standing->optout.kind);
    case STANDING_REFUSED: return "refused";
    case STANDING_ALLOWED: return "allowed";
    }
    return "?";
}

/* What a row says, as spans into it and into the texts. */
enum {
    FIELD_ADDRESS,
    FIELD_KIND,
    FIELD_CAUSE,
    FIELD_SINCE,
    FIELD_UNTIL,
    FIELD_STREAM,
    FIELD_STATUS,
    FIELD_TEXT,
    FIELDS
};

static const char *const field_names[FIELDS] = { "address", "kind",   "cause",  "since",
                                                 "until",   "stream", "status", "text" };

struct row {
    struct span fields[FIELDS];
    char since[TIME_TEXT_SIZE], until[TIME_TEXT_SIZE], name[ADDRESS_SIZE + 1];
};

static struct span time_span(char dst[TIME_TEXT_SIZE], int64_t at)
{
    return at == 0 ? SPAN_NONE : span_of(time_text(dst, at));
}

static void make_row(struct row *row, const struct standing *standing)
{
    bool allowed = standing->kind == STANDING_ALLOWED;

    row->fields[FIELD_ADDRESS] = standing->name;
    if (standing->whole_domain) {
        snprintf(row->name, sizeof(row->name), "@%.*s", SPAN_FMT(standing->name));
        row->fields[FIELD_ADDRESS] = span_of(row->name);
    }
    row->fields[FIELD_KIND] = span_of(walk_kind_name(standing));
    row->fields[FIELD_CAUSE] = allowed ? SPAN_NONE : span_of(cause_name(standing->optout.cause));
    row->fields[FIELD_SINCE] = allowed ? SPAN_NONE : time_span(row->since, standing->optout.since);
    row->fields[FIELD_UNTIL] = time_span(row->until, standing->optout.until);
    row->fields[FIELD_STREAM] = standing->stream;
    row->fields[FIELD_STATUS] =
        standing->kind == STANDING_OPTOUT ? span_of(standing->optout.status) : SPAN_NONE;
    row->fields[FIELD_TEXT] = allowed ? standing->text : SPAN_NONE;
}

void walk_print_csv_header(void)
{
    puts("address,kind,cause,since,until,stream,status,text");
}

void walk_print_csv(const struct standing *standing)
{
    struct row row;

    make_row(&row, standing);
    output_csv_row(row.fields, FIELDS);
}

void walk_print_json(const struct standing *standing)
{
    struct row row;
    bool first = true;

    make_row(&row, standing);
    putchar('{');
    for (int i = 0; i < FIELDS; i++)
        output_json_text(&first, field_names[i], row.fields[i]);
    puts("}");
}
