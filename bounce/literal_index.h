/* SPDX-License-Identifier: BSD-2-Clause */
/* literal_index: which of many strings a text holds, found in one pass. Built once, then constant; any thread
 * may look. */
#ifndef LEADGATE_BOUNCE_LITERAL_INDEX_H
#define LEADGATE_BOUNCE_LITERAL_INDEX_H

#include "leadgate/span.h"

#include <glib.h>

struct literal_index;

struct literal_index *literal_index_new(void); /* never NULL: GLib ends the program when out of memory */
void literal_index_free(struct literal_index *index);

/* literal (3 bytes or more, borrowed) stands for the owner of this number. */
void literal_index_add(struct literal_index *index, struct span literal, size_t number);

/* Sets the bit of each owner of whom a literal is in text. */
void literal_index_look(const struct literal_index *index, struct span text, uint64_t *bits);

#endif
