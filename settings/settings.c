/* SPDX-License-Identifier: BSD-2-Clause */
#include "leadgate/settings.h"

#include "leadgate/keyring.h"

#include "settings/lists.h"
#include "settings/provider_names.h"
#include "settings/signing_make.h"
#include "settings/stream_make.h"

#include <stdlib.h>

static int make_classifier(struct settings *settings, struct err *err)
{
    const struct config_texts *files = &settings->classify_rules;

    settings->classifier = classifier_new((const char *const *)files->item, files->n, err);
    return settings->classifier == NULL ? -1 : 0;
}

/* NULL with err. Every text is set, so nobody needs to ask for NULL. */
static struct settings *make_defaults(struct err *err)
{
    struct settings *settings = calloc(1, sizeof(*settings));
    size_t n;
    const struct config_key *keys = settings_keys(&n);

    if (settings == NULL) {
        err_set(err, "out of memory");
        return NULL;
    }
    lead_settings_default(&settings->lead);
    if (config_defaults(settings, keys, n, err) < 0 || streams_make(settings, err) < 0 ||
        lists_make(settings, err) < 0 || signing_make(settings, err) < 0 ||
        provider_names_make(settings, err) < 0) {
        settings_free(settings);
        return NULL;
    }
    return settings;
}

int settings_load(struct settings **out, const char *path, struct err *err)
{
    struct settings *settings = make_defaults(err);
    size_t n;
    const struct config_key *keys = settings_keys(&n);

    if (settings == NULL)
        return -1;
    if (config_read(settings, keys, n, path, NULL, NULL, err) < 0 || streams_make(settings, err) < 0 ||
        lists_make(settings, err) < 0 || signing_make(settings, err) < 0 ||
        provider_names_make(settings, err) < 0 || make_classifier(settings, err) < 0) {
        settings_free(settings);
        return -1;
    }
    *out = settings;
    return 0;
}

struct settings *settings_new(void)
{
    struct err err;
    struct settings *settings = make_defaults(&err);

    if (settings != NULL && make_classifier(settings, &err) < 0) {
        settings_free(settings);
        return NULL;
    }
    return settings;
}

void settings_free(struct settings *settings)
{
    size_t n;
    const struct config_key *keys = settings_keys(&n);

    if (settings == NULL)
        return;
    classifier_free(settings->classifier);
    streams_free(&settings->streams);
    lists_free(settings);
    provider_names_free(settings);
    keyring_free(settings->keyring);
    config_free(settings, keys, n);
    free(settings);
}

struct address_rules settings_address_rules(const struct settings *settings)
{
    return (struct address_rules){ .fold_local_part = settings->fold_local_part,
                                   .default_domain = settings->default_domain };
}

struct bounce_context settings_bounce_context(const struct settings *settings)
{
    return (struct bounce_context){ .addresses = settings_address_rules(settings),
                                    .classifier = settings->classifier };
}

static bool is_will(enum event_type type)
{
    return type == EVENT_COMPLAINT || type == EVENT_UNSUBSCRIBE || type == EVENT_RESUBSCRIBE;
}

void settings_report_event(const struct settings *settings, const struct report *report, size_t i,
                           enum event_source source, int64_t now, struct event *event)
{
    report_event(report, i, source, now, event);
    if (is_will(event->type))
        event->stream = stream_of_returned(settings, span_of(report->sender), span_of(report->list_id));
}

bool settings_never_refuses(const struct settings *settings, const struct address *lead)
{
    const struct config_texts *names = &settings->policy.never_refuse;

    for (size_t i = 0; i < names->n; i++)
        if (span_eq_nocase(span_of(names->item[i]), address_local(lead)))
            return true;
    return false;
}

struct maillog_settings settings_maillog(const struct settings *settings)
{
    return (struct maillog_settings){
        .context = settings_bounce_context(settings),
        .bounce_addresses = settings->bounce_addresses.item,
        .n_bounce_addresses = settings->bounce_addresses.n,
        .internal_relays = settings->internal_relays.item,
        .n_internal_relays = settings->internal_relays.n,
        .messages = (size_t)settings->feed.log_messages,
    };
}

static bool covers(const struct address_list *list, const struct address *address)
{
    for (size_t i = 0; i < list->n; i++)
        if (address_covers(&list->item[i], address))
            return true;
    return false;
}

bool settings_takes_reports(const struct settings *settings, const struct address *address)
{
    return covers(&settings->bounce_addresses, address) || covers(&settings->feedback_addresses, address);
}
