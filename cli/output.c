/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/output.h"

#include "leadgate/logline.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>
#include <unistr.h>

/* C0, DEL, C1 (which some terminals obey), and what turns the direction of a line around (Unicode's bidi
 * controls: a name could be made to read as another one). */
static bool is_control(ucs4_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x200e && c <= 0x200f) ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

/* The length of the character at the beginning of text, 1..text.n; *c is what it is, or 0xfffd for a byte
 * that is no UTF-8. */
static size_t next_character(struct span text, ucs4_t *c)
{
    int n;

    *c = (unsigned char)text.p[0];
    if (*c < 0x80)
        return 1;
    n = u8_mbtoucr(c, (const uint8_t *)text.p, text.n);
    if (n > 0)
        return (size_t)n;
    *c = 0xfffd;
    return 1;
}

/* Printable ASCII without `special` and `special_too`: nearly everything, so it goes out in one piece. */
static bool is_plain(struct span text, char special, char special_too)
{
    for (size_t i = 0; i < text.n; i++)
        if ((unsigned char)text.p[i] < 0x20 || (unsigned char)text.p[i] >= 0x7f || text.p[i] == special ||
            text.p[i] == special_too)
            return false;
    return true;
}

void output_text(FILE *to, struct span text)
{
    if (text.n == 0)
        return;
    if (is_plain(text, '\0', '\0')) {
        fwrite(text.p, 1, text.n, to);
        return;
    }
    while (text.n > 0) {
        ucs4_t c;
        size_t n = next_character(text, &c);

        if (c == 0xfffd || is_control(c))
            fputc('?', to);
        else
            fwrite(text.p, 1, n, to);
        text = (struct span){ text.p + n, text.n - n };
    }
}

void output_csv(FILE *to, struct span text)
{
    struct span rest = text, piece;
    bool quoted = false;

    for (size_t i = 0; i < text.n && !quoted; i++)
        quoted = text.p[i] == ',' || text.p[i] == ';' || text.p[i] == '"' || (unsigned char)text.p[i] <= ' ';
    if (!quoted) {
        output_text(to, text);
        return;
    }
    putc('"', to);
    while (rest.n > 0) {
        bool more = memchr(rest.p, '"', rest.n) != NULL;

        piece = span_cut(&rest, '"');
        output_text(to, piece);
        if (more)
            fputs("\"\"", to);
    }
    putc('"', to);
}

void output_csv_row(const struct span *fields, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            putchar(',');
        output_csv(stdout, fields[i]);
    }
    putchar('\n');
}

void output_json(struct span text)
{
    putchar('"');
    if (text.n > 0 && is_plain(text, '"', '\\')) {
        fwrite(text.p, 1, text.n, stdout);
        putchar('"');
        return;
    }
    while (text.n > 0) {
        ucs4_t c;
        size_t n = next_character(text, &c);

        if (c == '"' || c == '\\')
            printf("\\%c", (char)c);
        else if (is_control(c))
            printf("\\u%04x", (unsigned)c);
        else if (c == 0xfffd)
            fputs("\xef\xbf\xbd", stdout);
        else
            fwrite(text.p, 1, n, stdout);
        text = (struct span){ text.p + n, text.n - n };
    }
    putchar('"');
}

static void json_name(bool *first, const char *name)
{
    fputs(*first ? "\"" : ",\"", stdout);
    fputs(name, stdout);
    fputs("\":", stdout);
    *first = false;
}

void output_json_text(bool *first, const char *name, struct span value)
{
    if (value.n == 0)
        return;
    json_name(first, name);
    output_json(value);
}

void output_json_int(bool *first, const char *name, int64_t value)
{
    json_name(first, name);
    printf("%" PRId64, value);
}

void output_json_time(bool *first, const char *name, int64_t value)
{
    char text[TIME_TEXT_SIZE];

    if (value != 0)
        output_json_text(first, name, span_of(time_text(text, value)));
}

bool output_ends(void)
{
    return ferror(stdout) != 0;
}

bool output_allows_bar(bool streams)
{
    struct stat stat;

    if (isatty(STDOUT_FILENO))
        return !streams;
    return fstat(STDOUT_FILENO, &stat) == 0 && !S_ISFIFO(stat.st_mode) && !S_ISSOCK(stat.st_mode);
}

int output_file(const char *path, void (*print)(FILE *to, const void *what), const void *what)
{
    FILE *file = fopen(path, "we");
    bool failed;

    if (file != NULL) {
        print(file, what);
        failed = ferror(file) != 0;
        if (fclose(file) == 0 && !failed)
            return 0;
    }
    fprintf(stderr, "leadgate: %s: %s\n", path, strerror(errno));
    return -1;
}

int output_finish(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    if (errno == EPIPE)
        return status;
    fprintf(stderr, "leadgate: standard output: %s\n", strerror(errno));
    return EX_IOERR;
}
