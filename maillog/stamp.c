/* SPDX-License-Identifier: BSD-2-Clause */
/* Dates are counted by hand and the zone is asked for with localtime(3), since mktime(3) guesses at the hour
 * that comes twice by what it was asked before. */
#include "maillog/stamp.h"

#include <stdbool.h>
#include <string.h>
#include <time.h>

#define DAY         86400
#define TRADITIONAL 15 /* length of "Nov 22 05:13:15" */
#define ISO         19 /* length of "2026-11-22T09:53:05" */

struct date {
    int year, month, day; /* month: 1 to 12 */
};

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int leaps_until(int year)
{
    return year / 4 - year / 100 + year / 400;
}

/* Days since 1970-01-01; -1 for a date that there is not. */
static int64_t days_of(struct date date)
{
    static const int before[] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365 };
    int leap = is_leap(date.year), length;

    if (date.year < 1970 || date.month < 1 || date.month > 12)
        return -1;
    length = before[date.month] - before[date.month - 1] + (date.month == 2 ? leap : 0);
    if (date.day < 1 || date.day > length)
        return -1;
    return 365 * (int64_t)(date.year - 1970) + leaps_until(date.year - 1) - leaps_until(1969) +
           before[date.month - 1] + (date.month > 2 ? leap : 0) + date.day - 1;
}

/* n digits; -1 when there is anything else. */
static int digits(const char *p, size_t n)
{
    int value = 0;

    for (size_t i = 0; i < n; i++) {
        if (p[i] < '0' || p[i] > '9')
            return -1;
        value = value * 10 + (p[i] - '0');
    }
    return value;
}

/* `05:13:15` as seconds of the day, -1 when it is no time; there are leap seconds. */
static int time_of_day(const char *p)
{
    int hour = digits(p, 2), minute = digits(p + 3, 2), second = digits(p + 6, 2);

    if (p[2] != ':' || p[5] != ':' || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 ||
        second > 60)
        return -1;
    return hour * 3600 + minute * 60 + second;
}

/* `.123456` */
static size_t fraction_length(struct span text)
{
    size_t n = 1;

    if (text.n == 0 || (text.p[0] != '.' && text.p[0] != ','))
        return 0;
    while (n < text.n && text.p[n] >= '0' && text.p[n] <= '9')
        n++;
    return n;
}

/* --- RFC 3339 --- */

/* `Z`, `+01:00` or `+0100`: its length, 0 when it is none. */
static size_t read_zone(struct span text, int *seconds)
{
    size_t colon;
    int hours, minutes;

    *seconds = 0;
    if (text.n > 0 && text.p[0] == 'Z')
        return 1;
    if (text.n < 5 || (text.p[0] != '+' && text.p[0] != '-'))
        return 0;
    colon = text.p[3] == ':';
    if (text.n < 5 + colon)
        return 0;
    hours = digits(text.p + 1, 2);
    minutes = digits(text.p + 3 + colon, 2);
    if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59)
        return 0;
    *seconds = (hours * 3600 + minutes * 60) * (text.p[0] == '-' ? -1 : 1);
    return 5 + colon;
}

size_t stamp_read_iso(struct span text, int64_t *at)
{
    size_t n = ISO, zone_n;
    int64_t days;
    int seconds, zone;

    if (text.n <= ISO || text.p[4] != '-' || text.p[7] != '-' || text.p[10] != 'T')
        return 0;
    days = days_of((struct date){ digits(text.p, 4), digits(text.p + 5, 2), digits(text.p + 8, 2) });
    if (days < 0 || (seconds = time_of_day(text.p + 11)) < 0)
        return 0;
    n += fraction_length((struct span){ text.p + n, text.n - n });
    if ((zone_n = read_zone((struct span){ text.p + n, text.n - n }, &zone)) == 0)
        return 0;
    *at = days * DAY + seconds - zone;
    return *at < 0 ? 0 : n + zone_n;
}

/* --- traditional --- */

static int month_of(const char *p)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

    for (int i = 0; i < 12; i++)
        if (memcmp(names + 3 * i, p, 3) == 0)
            return i + 1;
    return 0;
}

/* How far local time is ahead of UTC then. */
static int64_t offset_at(int64_t at)
{
    time_t seconds = (time_t)at;
    struct tm tm;

    return localtime_r(&seconds, &tm) == NULL ? 0 : tm.tm_gmtoff;
}

/* wall: what a clock on the wall shows, counted as if it were UTC. */
static int64_t from_wall(int64_t wall)
{
    int64_t before = wall - offset_at(wall - DAY), after = wall - offset_at(wall + DAY);
    int64_t first = before < after ? before : after, second = before < after ? after : before;

    if (first + offset_at(first) == wall)
        return first;
    if (second + offset_at(second) == wall)
        return second;
    return before; /* the hour that is left out when summer time begins */
}

/* Years of four digits. */
static int64_t bounded(int64_t now)
{
    const int64_t last = INT64_C(253402300799);

    return now < 0 ? 0 : now > last ? last : now;
}

/* The minute of each year, from the year after next back: next year's may be here already. A leap day is no
 * date of most years. */
static bool find_year(struct stamp_cache *cache, struct date date, int minutes, int64_t now, int second)
{
    time_t seconds = (time_t)now;
    struct tm tm;

    if (gmtime_r(&seconds, &tm) == NULL)
        return false;
    cache->until = INT64_MAX;
    for (date.year = tm.tm_year + 1902; date.year > tm.tm_year + 1890; date.year--) {
        int64_t days = days_of(date);

        if (days < 0) {
            /* No later year has been ruled out, then: do not keep this one for longer than now. */
            cache->until = cache->until == INT64_MAX ? now + 1 : cache->until;
            continue;
        }
        cache->base = from_wall(days * DAY + minutes * 60);
        if (cache->base + second <= now + DAY) {
            cache->since = cache->base + 60 - DAY;
            return true;
        }
        cache->until = cache->base - DAY;
    }
    return false;
}

size_t stamp_read_traditional(struct stamp_cache *cache, struct span text, int64_t now, int64_t *at)
{
    const char *p = text.p;
    struct date date;
    int second, seconds;

    if (text.n < TRADITIONAL || p[3] != ' ' || p[6] != ' ')
        return 0;
    second = digits(p + 13, 2);
    if (memcmp(p, cache->minute, sizeof(cache->minute)) == 0 && p[12] == ':' && second >= 0 && second <= 60 &&
        cache->since <= now && now < cache->until) {
        *at = cache->base + second;
        return TRADITIONAL + fraction_length((struct span){ p + TRADITIONAL, text.n - TRADITIONAL });
    }
    date = (struct date){ .month = month_of(p),
                          .day = digits(p[4] == ' ' ? p + 5 : p + 4, p[4] == ' ' ? 1 : 2) };
    cache->minute[0] = '\0';
    if (date.month == 0 || (seconds = time_of_day(p + 7)) < 0 ||
        !find_year(cache, date, (seconds - second) / 60, bounded(now), second))
        return 0;
    memcpy(cache->minute, p, sizeof(cache->minute));
    *at = cache->base + second;
    return TRADITIONAL + fraction_length((struct span){ p + TRADITIONAL, text.n - TRADITIONAL });
}
