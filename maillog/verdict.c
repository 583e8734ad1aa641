/* SPDX-License-Identifier: BSD-2-Clause */
/* A log line and the report to the sender quote the same reply, and go to the same classifier in the same
 * form: what the bounce log of Postfix keeps on several lines stands on one, runs of blanks are one blank,
 * bytes that are no UTF-8 are `?`. */
#include "maillog/verdict.h"

#include <unistr.h>

#define WORDS_SIZE 4096 /* as much of a reply as is read of a report */

static size_t copy_words(char dst[WORDS_SIZE], struct span words)
{
    size_t n = 0;

    for (size_t i = 0, take; i < words.n; i += take) {
        unsigned char c = (unsigned char)words.p[i];
        int length = c < 0x80 ? 1 : u8_mblen((const uint8_t *)words.p + i, words.n - i);
        bool blank = c <= 0x20 || c == 0x7f;

        take = length < 1 ? 1 : (size_t)length;
        if (n + take >= WORDS_SIZE)
            break;
        if (blank && (n == 0 || dst[n - 1] == ' '))
            continue;
        if (blank || length < 1)
            dst[n++] = blank ? ' ' : '?';
        else
            for (size_t k = 0; k < take; k++)
                dst[n++] = words.p[i + k];
    }
    return n;
}

void verdict_find(struct finding *finding, const struct bounce_context *context, const struct reason *reason,
                  struct span status)
{
    char room[WORDS_SIZE];
    struct span words = { room, copy_words(room, reason->words) };

    classify_rejection(
        context, &(struct rejection){ .status = status, .diag = words, .local = !reason->remote }, finding);
    span_excerpt(finding->diag, sizeof(finding->diag), words);
}
