/* SPDX-License-Identifier: BSD-2-Clause */
#include "settings/maillog_settings.h"

#include <stdlib.h>

int maillog_lists_make(struct settings *settings, struct err *err)
{
    struct maillog_lists *lists = calloc(1, sizeof(*lists));

    if ((settings->maillog = lists) == NULL)
        return err_set(err, "out of memory");
    if ((lists->bounce_addresses = settings_bounce_addresses(settings, err)) == NULL ||
        (lists->internal_relays = settings_internal_relays(settings, err)) == NULL)
        return -1;
    lists->n_bounce_addresses = settings->milter.bounce_addresses.n;
    lists->n_internal_relays = settings->feed.internal_relays.n;
    return 0;
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
