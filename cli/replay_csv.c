/* SPDX-License-Identifier: BSD-2-Clause */
/* A rehearsal's days as lines for programs. */
#include "cli/output.h"
#include "cli/replay_report.h"
#include "leadgate/logline.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define DAY (INT64_C(24) * 60 * 60)

/* Where a line's counts stand. */
struct place {
    const struct replay_report *report;
    size_t provider, day;
};

static const struct rehearsal_day *day_of(const struct place *place, size_t way)
{
    return &place->report->way[way].providers[place->provider].days[place->day];
}

static const char *name_of(const struct place *place)
{
    return place->report->way[0].providers[place->provider].name;
}

/* By day, then by the provider's name. */
static int compare(const void *left, const void *right)
{
    const struct place *a = left, *b = right;
    int64_t x = day_of(a, 0)->day, y = day_of(b, 0)->day;

    return x != y ? (x > y) - (x < y) : strcmp(name_of(a), name_of(b));
}

static struct place *sorted_places(const struct replay_report *report, size_t *n)
{
    struct place *places;
    size_t all = 0;

    for (size_t i = 0; i < report->way[0].n_providers; i++)
        all += report->way[0].providers[i].n;
    *n = 0;
    if ((places = malloc((all + 1) * sizeof(*places))) == NULL)
        return NULL;
    for (size_t i = 0; i < report->way[0].n_providers; i++)
        for (size_t day = 0; day < report->way[0].providers[i].n; day++)
            places[(*n)++] = (struct place){ report, i, day };
    qsort(places, *n, sizeof(*places), compare);
    return places;
}

static void print_counts(FILE *to, int64_t mails, int64_t failed, int64_t invalid)
{
    fprintf(to, ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64, mails, mails - failed, failed, invalid);
}

static void print_place(FILE *to, const struct place *place)
{
    const struct rehearsal_day *day = day_of(place, 0);
    char text[TIME_TEXT_SIZE];

    fprintf(to, "%.10s,", time_text(text, day->day * DAY));
    output_csv(to, span_of(name_of(place)));
    print_counts(to, day->count.mails, day->count.failed, day->count.invalid);
    for (size_t way = 0; way < place->report->n; way++) {
        const struct rehearsal_count *count = &day_of(place, way)->count;

        print_counts(to, count->mails - count->saved - count->missed, count->failed - count->saved,
                     count->invalid - count->saved_invalid);
        fprintf(to, ",%" PRId64 ",%" PRId64, count->saved, count->missed);
    }
    putc('\n', to);
}

void replay_print_csv(FILE *to, const struct replay_report *report)
{
    static const char *const prefixes[REPLAY_WAYS] = { "leadgate", "compared" };
    size_t n;
    struct place *places = sorted_places(report, &n);

    fputs("day,provider,sent,delivered,vain,invalid", to);
    for (size_t way = 0; way < report->n; way++)
        fprintf(to, ",%s_sent,%s_delivered,%s_vain,%s_invalid,%s_saved,%s_missed", prefixes[way],
                prefixes[way], prefixes[way], prefixes[way], prefixes[way], prefixes[way]);
    putc('\n', to);
    for (size_t i = 0; i < n; i++)
        print_place(to, &places[i]);
    free(places);
}
