/* SPDX-License-Identifier: BSD-2-Clause */
/* What an application reports, for tests: `report_event CONFIG TYPE ADDRESS` applies one event of this moment
 * to one lead, as every program applies its events, and logs what it did. */
#include "leadgate/logline.h"
#include "leadgate/settings.h"
#include "leadgate/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

/* EVENT_TYPES when there is no such word. */
static enum event_type find_type(const char *word)
{
    for (int type = EVENT_BOUNCE; type < EVENT_TYPES; type++)
        if (strcmp(word, event_type_name((enum event_type)type)) == 0)
            return (enum event_type)type;
    return EVENT_TYPES;
}

static int apply(const struct settings *settings, const struct event *event, struct err *err)
{
    struct store *store = store_new(&settings->redis);
    struct outcome outcome;
    enum store_rc rc;

    if (store == NULL)
        return err_set(err, "out of memory");
    rc = store_apply(store, &settings->lead, event, 1, event->at, &outcome, err);
    store_free(store);
    if (rc != STORE_OK)
        return -1;
    outcome_log(event, &outcome);
    return 0;
}

int main(int argc, char **argv)
{
    struct event event = { .source = SOURCE_APPLICATION, .at = time(NULL) };
    struct settings *settings = NULL;
    struct address_rules rules;
    struct err err;
    int status = EX_USAGE;

    if (argc != 4 || (event.type = find_type(argv[2])) == EVENT_TYPES) {
        fprintf(stderr, "usage: report_event CONFIG TYPE ADDRESS\n");
        return status;
    }
    if (settings_load(&settings, argv[1], &err) < 0)
        goto out;
    rules = settings_address_rules(settings);
    if (address_parse(&event.lead, ADDRESS_MAILBOX, span_of(argv[3]), &rules, &err) < 0)
        goto out;
    status = apply(settings, &event, &err) == 0 ? EX_OK : EX_TEMPFAIL;
out:
    if (status != EX_OK)
        fprintf(stderr, "report_event: %s\n", err.text);
    settings_free(settings);
    return status;
}
