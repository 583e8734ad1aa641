/* SPDX-License-Identifier: BSD-2-Clause */
/* A wrong item has been refused by its row in the table of keys, with its place in the file; so what fails
 * here is memory, or a row that lets too much pass. */
#include "settings/maillog_settings.h"

#include <stdlib.h>

static int read_addresses(const struct settings *settings, struct maillog_lists *lists, struct err *err)
{
    const struct config_texts *texts = &settings->milter.bounce_addresses;
    struct address_rules rules = settings_address_rules(settings);
    struct err why;

    if ((lists->bounce_addresses = calloc(texts->n + 1, sizeof(*lists->bounce_addresses))) == NULL)
        return err_set(err, "out of memory");
    for (size_t i = 0; i < texts->n; i++)
        if (address_parse(&lists->bounce_addresses[i], ADDRESS_MAILBOX, span_of(texts->item[i]), &rules,
                          &why) < 0)
            return err_set(err, "milter.bounce_addresses: %s: %s", texts->item[i], why.text);
    lists->n_bounce_addresses = texts->n;
    return 0;
}

static int read_relays(const struct settings *settings, struct maillog_lists *lists, struct err *err)
{
    const struct config_texts *texts = &settings->feed.internal_relays;
    struct err why;

    if ((lists->internal_relays = calloc(texts->n + 1, sizeof(*lists->internal_relays))) == NULL)
        return err_set(err, "out of memory");
    for (size_t i = 0; i < texts->n; i++)
        if (!network_parse(&lists->internal_relays[i], span_of(texts->item[i]), &why))
            return err_set(err, "feed.internal_relays: %s", why.text);
    lists->n_internal_relays = texts->n;
    return 0;
}

int maillog_lists_make(struct settings *settings, struct err *err)
{
    if ((settings->maillog = calloc(1, sizeof(*settings->maillog))) == NULL)
        return err_set(err, "out of memory");
    return read_addresses(settings, settings->maillog, err) < 0 ||
                   read_relays(settings, settings->maillog, err) < 0
               ? -1
               : 0;
}

void maillog_lists_free(struct maillog_lists *lists)
{
    if (lists == NULL)
        return;
    free(lists->bounce_addresses);
    free(lists->internal_relays);
    free(lists);
}

struct maillog_settings settings_maillog(const struct settings *settings)
{
    const struct maillog_lists *lists = settings->maillog;

    return (struct maillog_settings){
        .context = settings_bounce_context(settings),
        .bounce_addresses = lists->bounce_addresses,
        .n_bounce_addresses = lists->n_bounce_addresses,
        .internal_relays = lists->internal_relays,
        .n_internal_relays = lists->n_internal_relays,
        .messages = (size_t)settings->feed.log_messages,
    };
}
