/* SPDX-License-Identifier: BSD-2-Clause */
/* text: what is written in a part, whatever it is wrapped in: transfer encoding and charset undone, HTML made
 * plain, as UTF-8. Only the start of a long text: what a notice has to say stands at its front. Any thread.
 */
#ifndef LEADGATE_BOUNCE_TEXT_H
#define LEADGATE_BOUNCE_TEXT_H

#include "bounce/mail.h"

#define TEXT_MAX (48 * 1024) /* of all texts of one mail, as UTF-8 */

/* Texts one behind the other. Set n to 0 to begin. */
struct text {
    char p[TEXT_MAX];
    size_t n;
};

/* Appends what the part says; what does not fit is left out. Returns what was appended, which stays where it
 * is as long as the text. HTML is made plain. */
struct span text_append_part(struct text *text, const struct mail_part *part);

/* Appends bytes of a charset ("" = not said), as UTF-8. */
struct span text_append(struct text *text, struct span bytes, struct span charset);

/* Appends a header's value with its encoded words (RFC 2047) decoded, on one line. */
struct span text_append_field(struct text *text, struct span value);

#endif
