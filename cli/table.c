/* SPDX-License-Identifier: BSD-2-Clause */
/* The names are those of Mailgun, SendGrid, Postmark, Amazon SES, Mailchimp, Brevo and our own export; a new
 * system is a new row. */
#include "cli/table.h"

#include <errno.h>
#include <string.h>

/* In lower case, letters and digits only. Where two columns of a header mean the same, the first row here
 * wins, so the better name goes first. */
static const struct {
    const char *name;
    enum column column;
} names[] = {
    { "address", COLUMN_ADDRESS },
    { "emailaddress", COLUMN_ADDRESS },
    { "email", COLUMN_ADDRESS },
    { "mail", COLUMN_ADDRESS },
    { "recipient", COLUMN_ADDRESS },
    { "recipientemail", COLUMN_ADDRESS },
    { "emailrecipient", COLUMN_ADDRESS },
    { "subscriber", COLUMN_ADDRESS },
    { "cause", COLUMN_REASON },
    { "suppressionreason", COLUMN_REASON },
    { "reason", COLUMN_REASON },
    { "bouncetype", COLUMN_REASON },
    { "type", COLUMN_REASON },
    { "unsubreason", COLUMN_REASON },
    { "since", COLUMN_DATE },
    { "createdat", COLUMN_DATE },
    { "created", COLUMN_DATE },
    { "date", COLUMN_DATE },
    { "time", COLUMN_DATE },
    { "timestamp", COLUMN_DATE },
    { "bouncedat", COLUMN_DATE },
    { "lastupdatetime", COLUMN_DATE },
    { "unsubtime", COLUMN_DATE },
    { "cleantime", COLUMN_DATE },
    { "addedat", COLUMN_DATE },
    { "status", COLUMN_STATUS },
    { "code", COLUMN_STATUS },
    { "smtpcode", COLUMN_STATUS },
    { "error", COLUMN_DIAG },
    { "diagnostic", COLUMN_DIAG },
    { "diagnosticcode", COLUMN_DIAG },
    { "details", COLUMN_DIAG },
    { "description", COLUMN_DIAG },
    { "kind", COLUMN_KIND },
    { "until", COLUMN_UNTIL },
    { "stream", COLUMN_STREAM },
};

#define NAMES (sizeof(names) / sizeof(names[0]))

/* NAMES when it is none of them. */
static size_t row_of(struct span name)
{
    char plain[32];
    size_t n = 0;

    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];

        if (c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        if ((c < 'a' || c > 'z') && (c < '0' || c > '9'))
            continue;
        if (n == sizeof(plain))
            return NAMES;
        plain[n++] = c;
    }
    for (size_t i = 0; i < NAMES; i++)
        if (span_eq((struct span){ plain, n }, span_of(names[i].name)))
            return i;
    return NAMES;
}

enum column column_of(struct span name)
{
    size_t row = row_of(name);

    return row < NAMES ? names[row].column : COLUMNS;
}

static void read_header(struct table *table, const struct csv_row *header, const char *column)
{
    size_t best[COLUMNS];

    for (int c = 0; c < COLUMNS; c++) {
        table->at[c] = -1;
        best[c] = NAMES;
    }
    for (size_t i = 0; i < header->n; i++) {
        size_t row = row_of(header->fields[i]);

        if (row == NAMES || row >= best[names[row].column])
            continue;
        best[names[row].column] = row;
        table->at[names[row].column] = (int)i;
    }
    if (column == NULL)
        return;
    table->at[COLUMN_ADDRESS] = -1;
    for (size_t i = 0; i < header->n; i++)
        if (span_eq_nocase(span_trim(header->fields[i]), span_of(column)))
            table->at[COLUMN_ADDRESS] = (int)i;
}

/* Whether the first line is a header: none of its fields is an address, and one names the column. */
static bool looks_like_header(struct span line)
{
    struct span rest = line;
    char separator = csv_guess_separator(line);

    if (memchr(line.p, '@', line.n) != NULL)
        return false;
    while (rest.n > 0)
        if (column_of(span_cut(&rest, separator)) == COLUMN_ADDRESS)
            return true;
    return false;
}

static int open_csv(struct table *table, const char *path, const char *column, struct err *err)
{
    struct csv_row header;

    table->file.separator = csv_guess_separator(csv_peek(&table->file));
    if (csv_next(&table->file, &header) != CSV_NEXT_ROW)
        return err_set(err, "%s: no first line that names the columns", path);
    read_header(table, &header, column);
    if (table->at[COLUMN_ADDRESS] >= 0)
        return 0;
    if (column != NULL)
        return err_set(err, "%s: no column is called \"%s\"", path, column);
    return err_set(err, "%s: the first line names no column for the address (address, email, recipient)",
                   path);
}

int table_open(struct table *table, const char *path, enum table_form form, const char *column,
               struct err *err)
{
    for (int c = 0; c < COLUMNS; c++)
        table->at[c] = c == COLUMN_ADDRESS ? 0 : -1;
    if (csv_open(&table->file, path) < 0)
        return err_set(err, "%s: %s", path, strerror(errno));
    if (form == TABLE_GUESS && (column != NULL || looks_like_header(csv_peek(&table->file))))
        form = TABLE_CSV;
    return form == TABLE_CSV ? open_csv(table, path, column, err) : 0;
}

void table_close(struct table *table)
{
    csv_close(&table->file);
}

struct span table_get(const struct table *table, const struct csv_row *row, enum column column)
{
    int at = table->at[column];

    return at >= 0 && (size_t)at < row->n ? span_trim(row->fields[at]) : SPAN_NONE;
}
