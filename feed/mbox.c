/* SPDX-License-Identifier: BSD-2-Clause */
/* The file is searched for "\nFrom " and each hit is judged by the line before it, so that the search runs at
 * the speed of memmem(3). Not handled: the Content-Length variants of old System V mailers, and bodies in
 * which nobody quoted a "From " after an empty line; the delivery agents of Postfix quote it. */
#include "feed/mbox.h"

#include <string.h>
#include <time.h>

static const struct span separator = { "From ", 5 };

static bool starts_mail(struct span s)
{
    return s.n >= separator.n && memcmp(s.p, separator.p, separator.n) == 0;
}

/* s without the line end that it ends in; false when it ends in none. */
static bool chop_line_end(struct span *s)
{
    if (s->n == 0 || s->p[s->n - 1] != '\n')
        return false;
    s->n--;
    if (s->n > 0 && s->p[s->n - 1] == '\r')
        s->n--;
    return true;
}

/* "From ann@example.com  Sun Nov 22 05:13:16 2026": what asctime(3) wrote, at the end because a quoted sender
 * may hold blanks. Local time without saying whose: read as UTC, since all that it has to be is the same at
 * every reading. */
static int64_t separator_time(struct span line)
{
    enum { ASCTIME_LENGTH = 24 };
    char text[ASCTIME_LENGTH + 1];
    struct tm tm = { .tm_isdst = 0 };
    const char *end;

    line = span_trim(line);
    if (line.n < ASCTIME_LENGTH ||
        !span_copy(text, sizeof(text), (struct span){ line.p + line.n - ASCTIME_LENGTH, ASCTIME_LENGTH }))
        return 0;
    end = strptime(text, "%a %b %e %H:%M:%S %Y", &tm);
    return end != NULL && *end == '\0' ? (int64_t)timegm(&tm) : 0;
}

/* Where the next mail's separator line begins in `body`, which follows a separator line; its end when there
 * is none. *mail is what stands before it and the empty line. */
static const char *find_end(struct span body, struct span *mail)
{
    const char *from = body.p, *end = body.p + body.n, *hit;

    /* The body begins on a new line, so an empty first line counts as one too. */
    while ((hit = memmem(from, (size_t)(end - from), "\nFrom ", 6)) != NULL) {
        *mail = (struct span){ body.p, (size_t)(hit + 1 - body.p) };
        /* The empty line: the line end found, and right before it another or nothing. */
        if (chop_line_end(mail) && (mail->n == 0 || mail->p[mail->n - 1] == '\n'))
            return hit + 1;
        from = hit + 1;
    }
    *mail = body;
    return end;
}

int mbox_start(struct mbox *mbox, struct span file, struct err *err)
{
    while (file.n > 0 && (file.p[0] == '\n' || file.p[0] == '\r')) {
        file.p++;
        file.n--;
    }
    if (file.n > 0 && !starts_mail(file))
        return err_set(err, "not an mbox: it does not begin with a \"From \" line");
    mbox->rest = file;
    return 0;
}

bool mbox_next(struct mbox *mbox, struct mbox_mail *out)
{
    struct span body = mbox->rest, line;
    const char *end;

    if (body.n == 0)
        return false;
    line = span_cut(&body, '\n');
    end = find_end(body, &out->mail);
    out->at = separator_time(line);
    mbox->rest = (struct span){ end, (size_t)(body.p + body.n - end) };
    return true;
}
