/* SPDX-License-Identifier: BSD-2-Clause */
/* fields: `Name: value` lines with RFC 5322 folding, one after the other, out of borrowed bytes. Delivery
 * status parts and header blocks are both made of them. No allocation, no I/O; any thread. */
#ifndef LEADGATE_BOUNCE_FIELDS_H
#define LEADGATE_BOUNCE_FIELDS_H

#include "leadgate/span.h"

struct field {
    struct span name;  /* trimmed: some mailers write "Action : failed" */
    struct span value; /* trimmed, the folds still in it */
};

/* FIELD_BLANK: an empty line, or several. Lines that are neither field nor fold are stepped over. */
enum field_rc { FIELD_ONE = 1, FIELD_BLANK, FIELD_END };

/* Takes the next field off *rest; spans point into it. */
enum field_rc field_next(struct span *rest, struct field *out);

/* Copies a value with each fold (a line break and the blanks around it) as one blank, control bytes as
 * blanks, and what is not UTF-8 as '?'. Returns the length. Cut at a whole character when dst is too small.
 */
size_t field_unfold(char *dst, size_t size, struct span value);

/* The length of the UTF-8 character that s begins with; 0 when it is none (over-long forms and surrogates
 * included). s must not be empty. */
size_t utf8_length(struct span s);

#define HEADER_FIELDS 128 /* of one header block; no report has what it needs further down */

/* A header block, looked up by name. */
struct header {
    struct field fields[HEADER_FIELDS];
    size_t n;
};

/* Takes the fields up to the first empty line off *rest, which is left at what follows the line. */
void header_read(struct header *header, struct span *rest);

/* The value of the topmost field of that name; empty when there is none. */
struct span header_find(const struct header *header, struct span name);
bool header_has(const struct header *header, struct span name);

#endif
