/* SPDX-License-Identifier: BSD-2-Clause */
/* html: the words of an HTML text, in lines as a reader sees them. */
#ifndef LEADGATE_BOUNCE_HTML_H
#define LEADGATE_BOUNCE_HTML_H

#include "bounce/text.h"

/* Appends the words of HTML in a charset, as UTF-8. */
struct span html_append(struct text *text, struct span html, struct span charset);

#endif
