/* SPDX-License-Identifier: BSD-2-Clause */
/* reply: what can be read off a remote server's words before anybody knows what they mean: the reply code,
 * the enhanced status code, and the words themselves in a form that phrases can be looked for in. Pure; any
 * thread. */
#ifndef LEADGATE_BOUNCE_REPLY_H
#define LEADGATE_BOUNCE_REPLY_H

#include "leadgate/span.h"

#define STATUS_SIZE 16 /* as in struct finding */

/* Reads an enhanced status code at the start of s: "5.1.1 (no such user)" gives "5.1.1". False, and dst is
 * "", when there is none. */
bool status_read(char dst[STATUS_SIZE], struct span s);

/* The most telling enhanced status code in a reply; "" when there is none. */
void reply_find_status(char dst[STATUS_SIZE], struct span text);

/* True of "", x.0.0, x.1.0 and x.5.0: codes that tell nothing (sendmail's 5.5.0 is any 5xx). */
bool status_is_bare(const char *status);

/* The SMTP reply code: the one the text begins with, else one that stands before an enhanced status or behind
 * "said:"; 0 when there is none. */
int reply_find_code(struct span text);

/* Copies text folded (fold.h), blanks and line ends as one blank, without codes and angle brackets, each
 * address as "@" and each link cut behind its host: so a phrase is found across the lines of a reply, but
 * never in a recipient's name or in a link's path. Whole characters, UTF-8 in any case. Returns the length;
 * what does not fit is left out. */
size_t reply_normalise(char *dst, size_t size, struct span text);

/* Whether text holds word, blanks and line ends in text not counted. Case counts. */
bool reply_has_unfolded(struct span text, struct span word);

#endif
