/* SPDX-License-Identifier: BSD-2-Clause */
/* Everything that config.yaml can say, one row a key, in the order of config.yaml.example. The ranges keep
 * what is computed from these numbers inside int64_t, and a slip of the finger (400 days as a time-out) out.
 *
 * The lifecycle and the causes have their defaults in lead/, where the rules are that give them meaning. */
#include "leadgate/settings.h"

#include "settings/provider_names.h"
#include "settings/settings_checks.h"
#include "settings/stream_make.h"

#define MINUTE INT64_C(60)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
#define KIB    INT64_C(1024)
#define GIB    (KIB * KIB * KIB)

static const char *const log_words[] = { "stderr", "syslog", NULL };
static const char *const on_failure_words[] = { "accept", "defer", NULL };
static const char *const enforce_words[] = { "on", "observe", "off", NULL };
static const char *const stream_enforce_words[] = { "on", "observe", "off", "inherit", NULL };
static const char *const after_bounce_words[] = { "accept", "discard", NULL };
static const char *const processed_words[] = { "keep", "delete", NULL };
static const char *const authenticity_words[] = { "off", "prefer", "require", NULL };
static const char *const end_words[] = { "never", "permanent", "longest", NULL };
static const char *const when_held_words[] = { "defer", "accept", NULL };

_Static_assert((int)LOG_TO_STDERR == 0 && (int)LOG_TO_SYSLOG == 1, "log_words");
_Static_assert((int)ON_FAILURE_ACCEPT == 0 && (int)ON_FAILURE_DEFER == 1, "on_failure_words");
_Static_assert((int)ENFORCE_ON == 0 && (int)ENFORCE_OBSERVE == 1 && (int)ENFORCE_OFF == 2, "enforce_words");
_Static_assert((int)ENFORCE_INHERIT == 3, "stream_enforce_words");
_Static_assert((int)AFTER_BOUNCE_ACCEPT == 0 && (int)AFTER_BOUNCE_DISCARD == 1, "after_bounce_words");
_Static_assert((int)PROCESSED_KEEP == 0 && (int)PROCESSED_DELETE == 1, "processed_words");
_Static_assert((int)AUTHENTICITY_OFF == 0 && (int)AUTHENTICITY_PREFER == 1 && (int)AUTHENTICITY_REQUIRE == 2,
               "authenticity_words");
_Static_assert((int)END_NEVER == 0 && (int)END_PERMANENT == 1 && (int)END_LONGEST == 2, "end_words");
_Static_assert((int)WHEN_HELD_DEFER == 0 && (int)WHEN_HELD_ACCEPT == 1, "when_held_words");
_Static_assert(sizeof(enum cause_end) == sizeof(int), "CONFIG_WORD writes an int");

/* The others are no bounces (complaint, manual, ...) and have no such numbers. */
static const char *cause_of_bounces(size_t index)
{
    const struct cause_info *info = cause_info((enum cause)index);

    switch (info->fault) {
    case FAULT_LEAD:
    case FAULT_SENDER:
    case FAULT_MESSAGE:
    case FAULT_TRANSIENT: return info->name;
    case FAULT_WILL:
    case FAULT_NONE: return NULL;
    }
    return NULL;
}

#define KEY(word, kind, member) .name = word, .type = CONFIG_##kind, .at = offsetof(struct settings, member)
#define CAUSE_KEY(word, kind, member)                                                                        \
    KEY(word, kind, lead.causes[0].member), .each = cause_of_bounces, .each_n = CAUSES,                      \
                                            .stride = sizeof(struct cause_settings)

#define ENGAGEMENT_KEY(word, kind, member)                                                                   \
    KEY(word, kind, lead.engagement[0].member), .each = engagement_name, .each_n = ENGAGEMENTS,              \
                                                .stride = sizeof(struct engagement_settings)

#define GROUP_KEY(word, kind, member)                                                                        \
    .name = word, .type = CONFIG_##kind, .at = offsetof(struct provider_group, member)

#define STREAM_KEY(word, kind, member)                                                                       \
    .name = word, .type = CONFIG_##kind, .at = offsetof(struct stream_settings, member)

/* clang-format off */
static const struct config_key stream_keys[] = {
    { STREAM_KEY("name", TEXT, name), .def = "", .check = check_stream_name,
      .help = "The stream's name in log lines, in replies and in lead:{ADDR}:refused." },
    { STREAM_KEY("match.sender", TEXTS, sender), .def = "[]", .check = check_sender,
      .help = "Envelope senders: addresses, domains, <> for the null sender." },
    { STREAM_KEY("match.sasl_username", TEXTS, sasl_username), .def = "[]",
      .help = "The names that clients have logged in with." },
    { STREAM_KEY("match.client_address", TEXTS, client_address), .def = "[]", .check = check_network,
      .help = "Addresses and networks of clients." },
    { STREAM_KEY("match.policy_context", TEXTS, policy_context), .def = "[]",
      .help = "The policy_context that the service names in check_policy_service." },
    { STREAM_KEY("match.server_port", TEXTS, server_port), .def = "[]", .check = check_port,
      .help = "The ports on which Postfix took the connection." },
    { STREAM_KEY("match.ccert_fingerprint", TEXTS, ccert_fingerprint), .def = "[]", .check = check_fingerprint,
      .help = "Fingerprints of client certificates or of their public keys." },
    { STREAM_KEY("list_ids", TEXTS, list_ids), .def = "[]", .check = check_list_id,
      .help = "The List-Ids of its mail, by which a complaint is told to be about it." },
    { STREAM_KEY("causes", TEXTS, causes), .def = "[all]", .check = check_cause,
      .help = "For which causes recipients are refused: names of causes and groups of them." },
    { STREAM_KEY("refusals_of", TEXTS, refusals_of), .def = "[]", .check = check_stream_name,
      .help = "The streams whose complaints and unsubscribes count here, too." },
    { STREAM_KEY("signing", TEXTS, signing), .def = "[inherit]", .check = check_stream_channel,
      .help = "By which channels its mail is signed: as signing.channels, or inherit, or none." },
    { STREAM_KEY("unsubscribe", TEXT, unsubscribe), .def = "", .check = check_address_or_none,
      .help = "The address to which its recipients can write to leave it; empty is none." },
    { STREAM_KEY("duplicates", DURATION, duplicates), .def = "0", .min = 0, .max = 365 * DAY,
      .help = "For how long nobody gets the same campaign a second time; 0 is not at all." },
    { STREAM_KEY("enforce", WORD, enforce), .def = "inherit", .words = stream_enforce_words,
      .help = "As policy.enforce, for this stream." },
    { STREAM_KEY("reply.temporary", TEXT, reply_temporary), .def = "", .check = check_reply_or_none,
      .help = "As policy.reply.temporary, for this stream; empty is that one." },
    { STREAM_KEY("reply.permanent", TEXT, reply_permanent), .def = "", .check = check_reply_or_none,
      .help = "As policy.reply.permanent, for this stream; empty is that one." },
};

static const struct config_table stream_table = {
    stream_keys, sizeof(stream_keys) / sizeof(stream_keys[0]), sizeof(struct stream_settings), streams_check
};

static const struct config_key group_keys[] = {
    { GROUP_KEY("name", TEXT, name), .def = "", .check = check_provider_name_or_none,
      .help = "What the provider is called." },
    { GROUP_KEY("domains", TEXTS, domains), .def = "[]", .check = check_provider_domain,
      .help = "The registrable domains of its hosts." },
};

static const struct config_table group_table = {
    group_keys, sizeof(group_keys) / sizeof(group_keys[0]), sizeof(struct provider_group), provider_groups_check
};

static const struct config_key keys[] = {
    { KEY("redis.address", ENDPOINT, redis.address), .def = "inet:127.0.0.1:6379",
      .help = "Where Redis listens." },
    { KEY("redis.database", INT, redis.database), .def = "0", .min = 0, .max = 9999,
      .help = "The number of the Redis database that holds the leads." },
    { KEY("redis.username", TEXT, redis.username), .def = "",
      .help = "The Redis user to log in as; empty is the default user." },
    { KEY("redis.password_file", SECRET, redis.password), .def = "",
      .help = "The file whose first line is the Redis password; empty is none." },
    { KEY("redis.timeout", MILLISECONDS, redis.timeout), .def = "500ms", .min = 10, .max = 60000,
      .help = "How long to wait for Redis to take a connection or to answer." },
    { KEY("redis.retention", DURATION, redis.retention), .def = "400d", .min = DAY, .max = 3650 * DAY,
      .help = "How long the history of a lead is kept after its last event." },
    { KEY("redis.journal", INT, redis.journal), .def = "100000", .min = 1000, .max = 100000000,
      .help = "About how many changes of opt-outs leadgate:journal keeps." },
    { KEY("redis.unverified", INT, redis.unverified), .def = "10000", .min = 100, .max = 10000000,
      .help = "About how many bounces that nothing vouches for leadgate:unverified keeps." },

    { KEY("log.to", WORD, log_to), .def = "syslog", .words = log_words,
      .help = "Where log lines go." },

    { KEY("address.fold_local_part", BOOL, fold_local_part), .def = "true",
      .help = "Whether Ann@ and ann@ are one lead." },
    { KEY("address.default_domain", TEXT, default_domain), .def = "", .check = check_domain,
      .help = "The domain of a recipient that has none, as Postfix's myorigin." },

    { KEY("lifecycle.strike_spacing", DURATION, lead.strike_spacing), .def = "6h", .min = 0, .max = 7 * DAY,
      .help = "Bounces closer together than this are one strike." },
    { KEY("lifecycle.backoff", INT, lead.backoff), .def = "2", .min = 1, .max = 10,
      .help = "How many times longer each suspension is than the one before it." },
    { KEY("lifecycle.series_limit", DURATION, lead.series_limit),
      .def = "180d", .min = 1, .max = 3650 * DAY, .at_most = "redis.retention",
      .help = "How long suspensions may go on before the next one is permanent." },
    { KEY("lifecycle.longest", DURATION, lead.longest), .def = "30d", .min = 1, .max = 365 * DAY,
      .help = "The longest suspension for causes that end in `longest`." },
    { KEY("lifecycle.jitter", PERCENT, lead.jitter), .def = "5%", .min = 0, .max = 100,
      .help = "By how much a suspension is made longer at most, at random." },
    { KEY("lifecycle.activity_grace", DURATION, lead.activity_grace), .def = "7d", .min = 0, .max = 365 * DAY,
      .help = "How long after an open or click passing faults do not opt a lead out." },
    { KEY("lifecycle.trust_window", DURATION, lead.trust_window), .def = "90d", .min = 0, .max = 3650 * DAY,
      .help = "How long after an open or click a `no such user` is doubted." },
    { KEY("lifecycle.trust_score", DECIMAL, lead.trust_score), .def = "5", .min = -SCORE_MOST, .max = SCORE_MOST,
      .help = "From which score on a `no such user` is doubted." },
    { KEY("lifecycle.doubt", DURATION, lead.doubt), .def = "2d", .min = 0, .max = 365 * DAY,
      .help = "The suspension that a doubted `no such user` leads to; 0 doubts nothing." },

    { KEY("score.delivered", DECIMAL, lead.score.delivered), .def = "0.2", .min = 0, .max = SCORE_MOST,
      .help = "What a delivery adds to the score." },
    { KEY("score.delivered_most", DECIMAL, lead.score.delivered_most), .def = "3", .min = 0, .max = SCORE_MOST,
      .help = "The score that deliveries alone can reach." },
    { KEY("score.soft", DECIMAL, lead.score.soft), .def = "-1", .min = -2 * SCORE_MOST, .max = 0,
      .help = "What a soft bounce of the lead, or a passing fault, adds to the score." },
    { KEY("score.hard", DECIMAL, lead.score.hard), .def = "-5", .min = -2 * SCORE_MOST, .max = 0,
      .help = "What a hard bounce adds to the score." },
    { KEY("score.block", DECIMAL, lead.score.block), .def = "-0.5", .min = -2 * SCORE_MOST, .max = 0,
      .help = "What a bounce that is the sender's fault adds to the score." },
    { KEY("score.complaint", DECIMAL, lead.score.complaint), .def = "-5", .min = -2 * SCORE_MOST, .max = 0,
      .help = "What a complaint adds to the score." },
    { KEY("score.half_life", DURATION, lead.score.half_life), .def = "90d", .min = HOUR, .max = 3650 * DAY,
      .help = "In which time a score drifts half of its way to 0." },
    { KEY("score.floor", DECIMAL, lead.score.floor), .def = "-10", .min = -SCORE_MOST, .max = -1,
      .help = "At or below which score a lead is opted out." },
    { KEY("score.first", DURATION, lead.causes[CAUSE_SCORE].first), .def = "30d", .min = HOUR, .max = 365 * DAY,
      .help = "How long a lead at the floor is opted out." },

    { ENGAGEMENT_KEY("engagement.*.weight", DECIMAL, weight), .min = 0, .max = SCORE_MOST,
      .help = "What it adds to the score." },
    { ENGAGEMENT_KEY("engagement.*.reactivates", BOOL, reactivates),
      .help = "Whether it lifts an opt-out and counts as activity." },

    { KEY("sunset.after", DURATION, lead.sunset_after), .def = "0", .min = 0, .max = 3650 * DAY,
      .help = "How long without engagement until a lead is opted out as inactive; 0 is never." },
    { KEY("sunset.sends", INT, lead.sunset_sends), .def = "20", .min = 1, .max = 100000,
      .help = "How many deliveries there must have been." },
    { KEY("sunset.first", DURATION, lead.causes[CAUSE_INACTIVE].first), .def = "30d", .min = HOUR, .max = 365 * DAY,
      .help = "How long an inactive lead is opted out." },

    { CAUSE_KEY("causes.*.strikes", INT, strikes), .min = 0, .max = 1000,
      .help = "How many bounces in a row opt a lead out; 0 is never." },
    { CAUSE_KEY("causes.*.first", DURATION, first), .min = 0, .max = 365 * DAY,
      .help = "The length of the first suspension; 0 goes to the end at once." },
    { CAUSE_KEY("causes.*.ends", WORD, end), .words = end_words,
      .help = "Where a series of suspensions leads to." },

    { KEY("classify.rules", TEXTS, classify_rules), .def = "[]", .check = check_path,
      .help = "Files with rules of your own, for what refusals mean." },

    { KEY("policy.listen", ENDPOINTS, policy.listen), .def = "[unix:/var/spool/postfix/leadgate/policy]",
      .help = "Where the policy server listens." },
    { KEY("policy.socket_mode", MODE, policy.socket.mode), .def = "0660", .min = 0, .max = 0777,
      .help = "The mode of the policy server's unix sockets." },
    { KEY("policy.socket_owner", TEXT, policy.socket.owner), .def = "",
      .help = "The owner of the policy server's unix sockets; empty is the user it runs as." },
    { KEY("policy.socket_group", TEXT, policy.socket.group), .def = "",
      .help = "The group of the policy server's unix sockets; empty is the group it runs as." },
    { KEY("policy.on_failure", WORD, policy.on_failure), .def = "accept", .words = on_failure_words,
      .help = "What becomes of recipients while Redis is away." },
    { KEY("policy.enforce", WORD, policy.enforce), .def = "on", .words = enforce_words,
      .help = "Whether suppressed recipients are refused, only logged, or not looked up at all." },
    { KEY("policy.reply.temporary", TEXT, policy.reply_temporary),
      .def = "550 5.7.1 recipient suppressed until {until}: {cause}", .check = check_reply,
      .help = "The refusal of a recipient that is opted out for a time." },
    { KEY("policy.reply.permanent", TEXT, policy.reply_permanent),
      .def = "550 5.7.1 recipient suppressed: {cause}", .check = check_reply,
      .help = "The refusal of a recipient that is opted out for good." },
    { KEY("policy.reply.unavailable", TEXT, policy.reply_unavailable),
      .def = "450 4.3.0 suppression list not available", .check = check_temporary_reply,
      .help = "The answer while Redis is away and on_failure is `defer`." },
    { KEY("policy.reply.held", TEXT, policy.reply_held),
      .def = "450 4.7.1 mail for {provider} is held back for now: {cause}", .check = check_held_reply,
      .help = "The answer to a recipient whose provider is held, guarded, or has had enough leads come back." },
    { KEY("policy.never_refuse", TEXTS, policy.never_refuse),
      .def = "[postmaster, abuse]", .check = check_local_part,
      .help = "Local parts that are let pass in every domain." },

    { KEY("signing.keys", TEXTS, signing.keys), .def = "[]", .check = check_path,
      .help = "The files of the keys by which tokens are signed and checked; the first one signs." },
    { KEY("signing.channels", TEXTS, signing.channels), .def = "[header]", .check = check_channel,
      .help = "How mail carries its token: header, envelope-id, return-path." },
    { KEY("signing.token_lifetime", DURATION, signing.token_lifetime), .def = "10d", .min = DAY, .max = 60 * DAY,
      .help = "How long a token is good." },
    { KEY("signing.headers_most", INT, signing.headers_most), .def = "20", .min = 1, .max = 100,
      .help = "How many tokens one message gets in its header." },
    { KEY("signing.networks", TEXTS, signing.networks), .def = "[127.0.0.0/8, ::1]", .check = check_network,
      .help = "Clients whose mail is signed." },
    { KEY("signing.authenticated", BOOL, signing.authenticated), .def = "true",
      .help = "Whether the mail of clients that have logged in is signed." },
    { KEY("signing.daemons", TEXTS, signing.daemons), .def = "[]",
      .help = "SMTP services whose mail is signed, whoever the client is." },
    { KEY("signing.authenticity", WORD, signing.authenticity), .def = "prefer", .words = authenticity_words,
      .help = "What a bounce without a good token may do." },
    { KEY("signing.refuse_unsigned", BOOL, signing.refuse_unsigned), .def = "false",
      .help = "Whether bounces without a good token in the bounce address are refused at RCPT TO." },
    { KEY("signing.local_hosts", TEXTS, signing.local_hosts), .def = "[]", .check = check_host,
      .help = "What this Postfix calls itself in the Received fields of bounces it writes." },

    { KEY("duplicates.header", TEXT, duplicates.header), .def = "", .check = check_field_name_or_none,
      .help = "The header field that names a mail's campaign; empty is Message-ID." },

    { KEY("providers.groups", ITEMS, providers.groups), .def = "[]", .items = &group_table,
      .help = "Registrable domains that are one provider." },
    { KEY("providers.smarthosts", TEXTS, providers.smarthosts), .def = "[]", .check = check_provider_host,
      .help = "Hosts that say nothing of who answers for a lead." },

    { KEY("incident.detect", BOOL, incident.detect), .def = "true",
      .help = "Whether a provider's bad day is looked for." },
    { KEY("incident.window", DURATION, incident.numbers.window), .def = "15m", .min = MINUTE, .max = 6 * HOUR,
      .help = "How far back is looked for one." },
    { KEY("incident.floor", INT, incident.numbers.floor), .def = "50", .min = 1, .max = 1000000,
      .help = "How many leads must have been tried in that time." },
    { KEY("incident.share", PERCENT, incident.numbers.share), .def = "20%", .min = 1, .max = 99,
      .help = "From which share of failures on something is wrong." },
    { KEY("incident.hold", DURATION, incident.numbers.hold), .def = "30m", .min = 1, .max = DAY,
      .at_most = "incident.longest",
      .help = "The length of the first hold; each one after it is twice as long." },
    { KEY("incident.longest", DURATION, incident.numbers.longest), .def = "12h", .min = 1, .max = 7 * DAY,
      .help = "The longest hold." },
    { KEY("incident.when_held", WORD, incident.when_held), .def = "defer", .words = when_held_words,
      .help = "What becomes of recipients whose provider is held." },

    { KEY("guard.enforce", WORD, guard.enforce), .def = "on", .words = enforce_words,
      .help = "Whether risky recipients are held back, only logged, or not looked at." },
    { KEY("guard.warn", PERCENT, guard.limits.warn), .def = "5%", .min = 1, .max = 100,
      .at_most = "guard.limit",
      .help = "From which share of unknown users on it is said." },
    { KEY("guard.limit", PERCENT, guard.limits.limit), .def = "8%", .min = 1, .max = 100,
      .help = "From which share of unknown users on risky recipients are held back." },
    { KEY("guard.unanswered", PERCENT, guard.limits.unanswered), .def = "16%", .min = 0, .max = 100,
      .help = "How much of the risky recipients under way is taken for dead until the answers come; 0 is none." },
    { KEY("guard.floor", INT, guard.limits.floor), .def = "200", .min = 1, .max = 1000000,
      .help = "How many tries there must have been at the provider." },

    { KEY("reentry.share", PERCENT, reentry.share), .def = "2%", .min = 0, .max = 100,
      .help = "How much of a provider's mail may be to leads that come back; 0 is no limit." },

    { KEY("streams", ITEMS, stream_items), .def = "[]", .items = &stream_table,
      .help = "Kinds of mail, and what of all that stands against a recipient counts for each." },

    { KEY("milter.listen", ENDPOINT, milter.listen), .def = "unix:/var/spool/postfix/leadgate/milter",
      .help = "Where the milter listens." },
    { KEY("milter.socket_mode", MODE, milter.socket.mode), .def = "0660", .min = 0, .max = 0777,
      .help = "The mode of the milter's unix socket." },
    { KEY("milter.socket_owner", TEXT, milter.socket.owner), .def = "",
      .help = "The owner of the milter's unix socket; empty is the user it runs as." },
    { KEY("milter.socket_group", TEXT, milter.socket.group), .def = "",
      .help = "The group of the milter's unix socket; empty is the group it runs as." },
    { KEY("milter.bounce_addresses", TEXTS, milter.bounce_addresses), .def = "[]", .check = check_address,
      .help = "The addresses to which bounces come back." },
    { KEY("milter.feedback_addresses", TEXTS, milter.feedback_addresses), .def = "[]", .check = check_address,
      .help = "The addresses to which providers report complaints." },
    { KEY("milter.max_size", SIZE, milter.max_size), .def = "10MiB", .min = 64 * KIB, .max = GIB,
      .help = "How much of a bounce the milter reads." },
    { KEY("milter.after_bounce", WORD, milter.after_bounce), .def = "accept", .words = after_bounce_words,
      .help = "What becomes of a bounce that has been applied." },
    { KEY("milter.filter_daemons", TEXTS, milter.filter_daemons), .def = "[]",
      .help = "SMTP services whose suppressed recipients are removed without a refusal." },

    { KEY("feed.maildirs", TEXTS, feed.maildirs), .def = "[]", .check = check_path,
      .help = "The Maildirs into which bounces are delivered." },
    { KEY("feed.logs", TEXTS, feed.logs), .def = "[]", .check = check_path,
      .help = "Postfix's log files, which are followed." },
    { KEY("feed.internal_relays", TEXTS, feed.internal_relays), .def = "[127.0.0.0/8, ::1]",
      .check = check_network,
      .help = "Hosts that are no remote servers: what they take or refuse says nothing of a lead." },
    { KEY("feed.log_messages", INT, feed.log_messages), .def = "100000", .min = 1000, .max = 10000000,
      .help = "How many messages in the queue are remembered while a log is read." },
    { KEY("feed.applications", BOOL, feed.applications), .def = "true",
      .help = "Whether the stream leadgate:events is read, to which applications report." },
    { KEY("feed.processed", WORD, feed.processed), .def = "keep", .words = processed_words,
      .help = "What becomes of a mail that has been applied." },
    { KEY("feed.max_size", SIZE, feed.max_size), .def = "10MiB", .min = 64 * KIB, .max = GIB,
      .help = "How much of a mail the feed reads." },
};
/* clang-format on */

const struct config_key *settings_keys(size_t *n)
{
    *n = sizeof(keys) / sizeof(keys[0]);
    return keys;
}
