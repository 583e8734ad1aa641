/* SPDX-License-Identifier: BSD-2-Clause */
/* A log line and the report to the sender quote the same reply, and go to the same classifier in the same
 * form: the reply as its diagnostic, all of the text, which names the command that was answered, as what the
 * report says to people. Of either, runs of blanks are one blank, and bytes that are no UTF-8 are `?`. */
#include "maillog/verdict.h"

#include <string.h>
#include <unistr.h>

#define WORDS_SIZE 4096 /* as much of a reply as is read of a report */

static size_t copy_words(char dst[WORDS_SIZE], struct span words)
{
    size_t n = 0;

    for (size_t i = 0, take; i < words.n; i += take) {
        unsigned char c = (unsigned char)words.p[i];
        bool blank = c <= 0x20 || c == 0x7f;
        int length = c < 0x80 ? 1 : u8_mblen((const uint8_t *)words.p + i, words.n - i);

        take = length < 1 ? 1 : (size_t)length;
        if (n + take >= WORDS_SIZE)
            break;
        if (length > 1) {
            memcpy(dst + n, words.p + i, take);
            n += take;
        } else if (!blank || (n > 0 && dst[n - 1] != ' ')) {
            dst[n++] = blank ? ' ' : length < 1 ? '?' : (char)c;
        }
    }
    return n;
}

void verdict_find(struct finding *finding, const struct bounce_context *context, const struct reason *reason,
                  const struct attempt *attempt)
{
    char room[WORDS_SIZE], all_room[WORDS_SIZE];
    struct span words = { room, copy_words(room, reason->words) };
    struct span all = { all_room, copy_words(all_room, attempt->text) };

    classify_rejection(context,
                       &(struct rejection){ .status = attempt->dsn,
                                            .diag = words,
                                            .human = all,
                                            .reporter = SPAN("postfix"),
                                            .local = !reason->remote },
                       finding);
    span_excerpt(finding->diag, sizeof(finding->diag), words);
}
