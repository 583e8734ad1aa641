/* SPDX-License-Identifier: BSD-2-Clause */
/* table: a list of addresses as other systems export it: CSV whose header names the columns, or one address a
 * line. */
#ifndef LEADGATE_CLI_TABLE_H
#define LEADGATE_CLI_TABLE_H

#include "cli/csv.h"
#include "leadgate/err.h"

enum column {
    COLUMN_ADDRESS,
    COLUMN_REASON,
    COLUMN_DATE,
    COLUMN_STATUS, /* an SMTP reply code or an enhanced status */
    COLUMN_DIAG,   /* the remote server's words */
    COLUMN_KIND,   /* of our own export: permanent, temporary, refused */
    COLUMN_UNTIL,
    COLUMN_STREAM,
    COLUMNS
};

/* Which column a header's name means, whatever its case, blanks and dashes; COLUMNS when it is none. */
enum column column_of(struct span name);

enum table_form { TABLE_GUESS, TABLE_CSV, TABLE_LIST };

struct table {
    struct csv_file file;
    int at[COLUMNS]; /* which field holds it; -1 = none does */
};

/* Opens path. TABLE_GUESS: it is CSV when its first line names a column for the address. column: the name of
 * that column; NULL = one of the usual ones. 0, or -1 with err. End with table_close() in any case. */
int table_open(struct table *table, const char *path, enum table_form form, const char *column,
               struct err *err);
void table_close(struct table *table);

/* Empty when the table has no such column, or the row is too short. */
struct span table_get(const struct table *table, const struct csv_row *row, enum column column);

#endif
