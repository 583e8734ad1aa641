/* SPDX-License-Identifier: BSD-2-Clause */
/* fold: letters as they are compared: small, without accents, however they were written. Pure; any thread. */
#ifndef LEADGATE_BOUNCE_FOLD_H
#define LEADGATE_BOUNCE_FOLD_H

#include "leadgate/span.h"

#define FOLD_MOST 6 /* bytes that one character can become: GLib asks for so many */

/* Folds the character at the start of s (not empty) into dst; *used: how many bytes of s it was. Returns how
 * many of dst it became. What is no UTF-8 is one byte, and becomes '?'. */
size_t fold_character(char dst[FOLD_MOST], struct span s, size_t *used);

#endif
