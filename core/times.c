/* SPDX-License-Identifier: BSD-2-Clause */
#include "leadgate/times.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define MINUTE  INT64_C(60)
#define HOUR    (60 * MINUTE)
#define DAY     (24 * HOUR)
#define CENTURY (36525 * DAY)

bool times_read_length(struct span text, int64_t *seconds)
{
    static const struct {
        char unit;
        int64_t length;
    } units[] = { { 's', 1 }, { 'm', MINUTE }, { 'h', HOUR }, { 'd', DAY }, { 'w', 7 * DAY } };
    int64_t number;

    if (text.n < 2 || text.p[0] == '-' || !span_int64((struct span){ text.p, text.n - 1 }, &number))
        return false;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (text.p[text.n - 1] != units[i].unit || number < 1 || number > CENTURY / units[i].length)
            continue;
        *seconds = number * units[i].length;
        return true;
    }
    return false;
}

/* Z, UTC, GMT, +02:00, +0200; nothing is UTC. */
static bool read_offset(const char *text, int64_t *seconds)
{
    int hours, minutes, end = 0;

    *seconds = 0;
    text += strspn(text, " ");
    if (*text == '\0' || strcmp(text, "Z") == 0 || strcmp(text, "UTC") == 0 || strcmp(text, "GMT") == 0)
        return true;
    if ((text[0] != '+' && text[0] != '-') ||
        (sscanf(text + 1, "%2d:%2d%n", &hours, &minutes, &end) != 2 &&
         sscanf(text + 1, "%2d%2d%n", &hours, &minutes, &end) != 2) ||
        text[1 + end] != '\0' || hours < 0 || hours > 14 || minutes < 0 || minutes > 59)
        return false;
    *seconds = (hours * HOUR + minutes * MINUTE) * (text[0] == '-' ? -1 : 1);
    return true;
}

/* What strptime(3) leaves, behind the seconds: a fraction, then an offset. */
static bool finish(struct tm *tm, const char *rest, int64_t *seconds)
{
    int64_t offset;
    int day = tm->tm_mday;

    if (*rest == '.')
        rest += 1 + strspn(rest + 1, "0123456789");
    if (!read_offset(rest, &offset))
        return false;
    *seconds = (int64_t)timegm(tm) - offset;
    /* timegm(3) makes the 31st of November the 1st of December. */
    return *seconds > 0 && tm->tm_mday == day;
}

/* 1795341185, 1795341185123, 1795341185.123 */
static bool read_number(struct span text, int64_t *seconds)
{
    struct span fraction = text, whole = span_cut(&fraction, '.');
    int64_t number;

    for (size_t i = 0; i < fraction.n; i++)
        if (fraction.p[i] < '0' || fraction.p[i] > '9')
            return false;
    /* Four digits are no time in 1970 but half of a date. */
    if (whole.n <= 8 || !span_int64(whole, &number) || number <= 0)
        return false;
    /* In seconds this would be the year 5138, in milliseconds it is 1973. */
    *seconds = number > INT64_C(100000000000) ? number / 1000 : number;
    return true;
}

bool times_read(struct span text, int64_t *seconds)
{
    static const char *const forms[] = { "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M",
                                         "%Y-%m-%d %H:%M",    "%Y-%m-%d",          "%a, %d %b %Y %H:%M:%S",
                                         "%d %b %Y %H:%M:%S" };
    char copy[64];

    text = span_trim(text);
    if (!span_copy(copy, sizeof(copy), text))
        return false;
    if (read_number(text, seconds))
        return true;
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        struct tm tm = { .tm_mday = 1 };
        const char *rest = strptime(copy, forms[i], &tm);

        if (rest != NULL && finish(&tm, rest, seconds))
            return true;
    }
    return false;
}

const char *times_length_text(char dst[LENGTH_TEXT_SIZE], int64_t seconds)
{
    static const struct {
        const char *unit;
        int64_t length;
    } units[] = { { "d", DAY }, { "h", HOUR }, { "min", MINUTE }, { "s", 1 } };
    size_t i = 0;

    while (units[i].length > 1 && seconds < 2 * units[i].length &&
           (seconds < units[i].length || seconds % units[i].length != 0))
        i++;
    /* To the nearest: a second after it was said, ten days are still ten. */
    snprintf(dst, LENGTH_TEXT_SIZE, "%lld %s", (long long)((seconds + units[i].length / 2) / units[i].length),
             units[i].unit);
    return dst;
}
