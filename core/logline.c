/* SPDX-License-Identifier: BSD-2-Clause */
#include "leadgate/logline.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static struct {
    enum log_sink sink;
    const char *ident;
} out = { LOG_TO_STDERR, "leadgate" };

void log_open(enum log_sink sink, const char *ident)
{
    out.sink = sink;
    out.ident = ident;
    if (sink == LOG_TO_SYSLOG)
        openlog(ident, LOG_PID | LOG_NDELAY, LOG_MAIL);
}

static void put(struct logline *line, char c)
{
    if (line->n >= sizeof(line->text) - 1)
        return;
    line->text[line->n++] = c;
    line->text[line->n] = '\0';
}

static void put_text(struct logline *line, const char *text)
{
    while (*text != '\0')
        put(line, *text++);
}

void logline_start(struct logline *line, const char *word)
{
    line->n = 0;
    line->text[0] = '\0';
    put_text(line, word);
}

/* The bytes of the UTF-8 character at s, 0 when it is none or is not shown (C1 controls, over-long,
 * surrogates). */
static size_t utf8_length(struct span s)
{
    unsigned char c = (unsigned char)s.p[0];
    size_t n = c >= 0xc2 && c <= 0xdf ? 2 : c >= 0xe0 && c <= 0xef ? 3 : c >= 0xf0 && c <= 0xf4 ? 4 : 0;
    unsigned char d = s.n > 1 ? (unsigned char)s.p[1] : 0;

    if (n == 0 || n > s.n || (c == 0xc2 && d < 0xa0) || (c == 0xe0 && d < 0xa0) || (c == 0xed && d > 0x9f) ||
        (c == 0xf0 && d < 0x90) || (c == 0xf4 && d > 0x8f))
        return 0;
    /* U+2028, U+2029 and the bidirectional controls would let a value rearrange the line on a terminal. */
    if (c == 0xe2 && d == 0x80 && ((unsigned char)s.p[2] >= 0xa8 && (unsigned char)s.p[2] <= 0xae))
        return 0;
    for (size_t i = 1; i < n; i++)
        if (((unsigned char)s.p[i] & 0xc0) != 0x80)
            return 0;
    return n;
}

static bool needs_quotes(struct span value)
{
    for (size_t i = 0; i < value.n; i++)
        if (value.p[i] == ' ' || value.p[i] == '"' || value.p[i] == '=' || value.p[i] == '\\')
            return true;
    return value.n == 0;
}

void logline_span(struct logline *line, const char *key, struct span value)
{
    bool quotes = needs_quotes(value);

    /* Whole, cut with an ellipsis, or not there: half a key could be taken for another one. */
    if (strlen(key) + 16 > sizeof(line->text) - line->n)
        return;
    put(line, ' ');
    put_text(line, key);
    put_text(line, quotes ? "=\"" : "=");
    /* The 8 bytes in reserve keep a cut value's closing quote and an ellipsis inside the line. */
    while (value.n > 0 && line->n + 8 < sizeof(line->text)) {
        unsigned char c = (unsigned char)value.p[0];
        size_t n = c < 0x80 ? 1 : utf8_length(value);

        if (c == '"' || c == '\\')
            put(line, '\\');
        for (size_t i = 0; i < n; i++)
            put(line, c < 0x20 || c == 0x7f ? '?' : value.p[i]);
        if (n == 0)
            put(line, '?');
        value.p += n == 0 ? 1 : n;
        value.n -= n == 0 ? 1 : n;
    }
    if (value.n > 0)
        put_text(line, "...");
    if (quotes)
        put(line, '"');
}

void logline_text(struct logline *line, const char *key, const char *value)
{
    logline_span(line, key, span_of(value));
}

void logline_int(struct logline *line, const char *key, int64_t value)
{
    char text[24];

    snprintf(text, sizeof(text), "%lld", (long long)value);
    logline_text(line, key, text);
}

void logline_time(struct logline *line, const char *key, int64_t value)
{
    char text[TIME_TEXT_SIZE];

    if (value != 0)
        logline_text(line, key, time_text(text, value));
}

void logline_send(const struct logline *line, int priority)
{
    char text[sizeof(line->text) + 100];
    int n;

    if (out.sink == LOG_TO_SYSLOG) {
        syslog(priority, "%s", line->text);
        return;
    }
    n = snprintf(text, sizeof(text), "%s: %s\n", out.ident, line->text);
    if (n > 0 && write(STDERR_FILENO, text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1) < 0)
        return; /* nowhere left to say so */
}

void log_say(int priority, const char *fmt, ...)
{
    static const char *const words[] = {
        [LOG_ERR] = "error", [LOG_WARNING] = "warning", [LOG_NOTICE] = "notice", [LOG_INFO] = "info"
    };
    struct logline line;
    char text[1500];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    logline_start(&line, words[priority]);
    logline_text(&line, "text", text);
    logline_send(&line, priority);
}

const char *time_text(char dst[TIME_TEXT_SIZE], int64_t seconds)
{
    time_t when = (time_t)seconds;
    struct tm tm;

    /* Years beyond 9999 do not occur in mail, but a hand-written key can hold any number. */
    if (gmtime_r(&when, &tm) == NULL || strftime(dst, TIME_TEXT_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
        snprintf(dst, TIME_TEXT_SIZE, "%lld", (long long)seconds);
    return dst;
}
