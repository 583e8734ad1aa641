/* SPDX-License-Identifier: BSD-2-Clause */
/* settings: everything that config.yaml can say, typed. Never changed after loading: a reload makes a new
 * one. */
#ifndef LEADGATE_SETTINGS_H
#define LEADGATE_SETTINGS_H

#include "leadgate/address.h"
#include "leadgate/bounce.h"
#include "leadgate/config.h"
#include "leadgate/incident.h"
#include "leadgate/lead.h"
#include "leadgate/logline.h"
#include "leadgate/maillog.h"
#include "leadgate/network.h"
#include "leadgate/provider.h"
#include "leadgate/store.h"
#include "leadgate/stream.h"

#define LEADGATE_VERSION "0.1"

enum on_failure { ON_FAILURE_ACCEPT, ON_FAILURE_DEFER };
enum after_bounce { AFTER_BOUNCE_ACCEPT, AFTER_BOUNCE_DISCARD };
enum processed_mail { PROCESSED_KEEP, PROCESSED_DELETE };

/* A listening socket's rights, for unix: endpoints. */
struct socket_settings {
    int64_t mode;
    char *owner, *group; /* names; "" = as the program runs */
};

struct policy_settings {
    struct config_endpoints listen;
    struct socket_settings socket;
    int on_failure; /* enum on_failure */
    int enforce;    /* enum enforce */
    char *reply_temporary, *reply_permanent,
        *reply_unavailable;           /* `code x.y.z text` with {lead} {cause} {until} {kind} */
    struct config_texts never_refuse; /* local parts */
};

struct milter_settings {
    struct endpoint listen;
    struct socket_settings socket;
    struct config_texts bounce_addresses;   /* addresses; a recipient extension after '+' belongs to them */
    struct config_texts feedback_addresses; /* the same, where reports come from any sender */
    int64_t max_size;                       /* bytes of a mail that are read */
    int after_bounce;                       /* enum after_bounce */
    struct config_texts
        filter_daemons; /* {daemon_name}s whose suppressed recipients are removed without a refusal */
};

struct feed_settings {
    struct config_texts maildirs;
    struct config_texts logs;            /* paths */
    struct config_texts internal_relays; /* networks */
    int64_t log_messages;                /* messages that are remembered while a log is read */
    bool applications;                   /* leadgate:events is read */
    int processed;                       /* enum processed_mail */
    int64_t max_size;                    /* bytes of a mail that are read */
};

/* One item of `streams`, as the file has it; what decisions are made by is struct stream. */
struct stream_settings {
    char *name;
    struct config_texts sender, sasl_username, client_address, policy_context, server_port, ccert_fingerprint;
    struct config_texts list_ids;            /* List-Ids of its mail */
    struct config_texts causes;              /* names of causes and groups of them */
    struct config_texts refusals_of;         /* names of streams */
    struct config_texts signing;             /* names of channels; or `inherit`, or `none` */
    char *unsubscribe;                       /* an address; "" = none */
    int64_t duplicates;                      /* seconds; 0 = they are not looked for */
    int enforce;                             /* enum enforce */
    char *reply_temporary, *reply_permanent; /* "" = policy.reply's */
};

enum authenticity { AUTHENTICITY_OFF, AUTHENTICITY_PREFER, AUTHENTICITY_REQUIRE };

/* As the file has it; see signing.h. */
struct signing_settings {
    struct config_texts keys; /* paths; the first signs */
    int64_t token_lifetime;   /* seconds */
    int authenticity;         /* enum authenticity */
    struct config_texts channels;
    int64_t headers_most; /* tokens in the header of one message */
    struct config_texts networks, daemons;
    bool authenticated;
    bool refuse_unsigned; /* at RCPT TO: the null sender to a bounce address without a good token */
    struct config_texts local_hosts; /* what this Postfix calls itself in Received fields */
};

struct duplicates_settings {
    char *header; /* the field that names the campaign; "" = Message-ID */
};

/* One item of `providers.groups`, as the file has it. */
struct provider_group {
    char *name;
    struct config_texts domains; /* registrable ones, in any spelling */
};

/* As the file has it; settings_provider() goes by what is made of it. */
struct providers_settings {
    struct config_items groups; /* struct provider_group */
    struct config_texts smarthosts;
};

enum when_held { WHEN_HELD_DEFER, WHEN_HELD_ACCEPT };

/* See incident.h. */
struct incidents_settings {
    bool detect;
    struct incident_settings numbers;
    int when_held; /* enum when_held: what becomes of recipients whose provider is held */
};

/* Against providers of whose leads too many do not exist. */
struct guard_settings {
    int enforce;         /* enum enforce, never ENFORCE_INHERIT */
    int64_t warn, limit; /* percent */
    int64_t floor;       /* tries in 24 hours before a share says anything */
};

struct reentry_settings {
    int64_t share; /* percent of what a provider is sent in an hour; 0 = no budget, all pass */
};

struct keyring;

/* Lists of texts, parsed. */
struct address_list {
    struct address *item;
    size_t n;
};

struct network_list {
    struct network *item;
    size_t n;
};

/* Domains, and the provider that each stands for. */
struct provider_names {
    struct provider_name {
        char domain[PROVIDER_SIZE]; /* in normal form */
        const char *name;
    } * item;
    size_t n;
};

struct settings {
    struct store_settings redis;
    int log_to; /* enum log_sink */
    bool fold_local_part;
    char *default_domain;
    struct lead_settings lead;
    struct config_texts classify_rules; /* paths of the operator's rule files */
    struct classifier *classifier;      /* made of them when they are loaded */
    struct policy_settings policy;
    struct milter_settings milter;
    struct feed_settings feed;
    struct signing_settings signing;
    struct duplicates_settings duplicates;
    struct providers_settings providers;
    struct incidents_settings incident;
    struct guard_settings guard;
    struct reentry_settings reentry;
    struct config_items stream_items; /* struct stream_settings */

    /* What is made of them when they are loaded. */
    struct keyring *keyring;                /* of signing.keys */
    struct address_list bounce_addresses;   /* milter.bounce_addresses, in normal form */
    struct address_list feedback_addresses; /* milter.feedback_addresses */
    struct network_list own_networks;       /* signing.networks */
    struct network_list internal_relays;    /* feed.internal_relays */
    struct provider_names provider_names;   /* providers.groups: the domain of one is that provider */
    struct provider_names smarthosts;       /* providers.smarthosts; the names are empty */
    struct streams streams;
};

/* The one table: loader, reference and tests. Static storage. */
const struct config_key *settings_keys(size_t *n);

/* Loads path over the defaults. 0, or -1 with err (`path:line:column: ...`) and *out untouched. */
int settings_load(struct settings **out, const char *path, struct err *err);
/* All defaults, as an empty file gives them. NULL when out of memory. */
struct settings *settings_new(void);
void settings_free(struct settings *settings); /* NULL is fine */

struct address_rules settings_address_rules(const struct settings *settings);
/* What mails are read by; borrows from the settings. */
struct bounce_context settings_bounce_context(const struct settings *settings);
/* What a delivery log is read by; borrows from the settings. */
struct maillog_settings settings_maillog(const struct settings *settings);

/* report_event(), and the stream that it is about: of a complaint, or what else is the recipient's will, that
 * of the mail which came back with it. The event borrows from the settings, too. */
void settings_report_event(const struct settings *settings, const struct report *report, size_t i,
                           enum event_source source, int64_t now, struct event *event);

/* Whether what comes to this address is read as a report: it is a bounce address or a feedback address, with
 * or without an extension. */
bool settings_takes_reports(const struct settings *settings, const struct address *address);

/* Who answers for a lead, by the settings: the name in provider:{NAME}. host: the registrable domain of the
 * host that answered; where that is empty or says nothing, it is the registrable domain of the lead's. Empty:
 * the lead's domain is an address, or too long. The answer lives in the settings, in host or in lead. */
struct span settings_provider(const struct settings *settings, struct span host, const struct address *lead);

/* Whether the lead is let pass in every stream and whatever stands against it (policy.never_refuse). */
bool settings_never_refuses(const struct settings *settings, const struct address *lead);

#endif
