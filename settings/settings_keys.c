/* SPDX-License-Identifier: BSD-2-Clause */
/* Everything that config.yaml can say, one row a key, in the order of config.yaml.example. The ranges keep
 * what is computed from these numbers inside int64_t, and a slip of the finger (400 days as a time-out) out.
 *
 * The lifecycle and the causes have their defaults in lead/, where the rules are that give them meaning. */
#include "leadgate/settings.h"

#include "settings/settings_checks.h"

#define MINUTE INT64_C(60)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
#define KIB    INT64_C(1024)
#define GIB    (KIB * KIB * KIB)

static const char *const log_words[] = { "stderr", "syslog", NULL };
static const char *const on_failure_words[] = { "accept", "defer", NULL };
static const char *const enforce_words[] = { "on", "observe", "off", NULL };
static const char *const after_bounce_words[] = { "accept", "discard", NULL };
static const char *const processed_words[] = { "keep", "delete", NULL };
static const char *const end_words[] = { "never", "permanent", "longest", NULL };

_Static_assert((int)LOG_TO_STDERR == 0 && (int)LOG_TO_SYSLOG == 1, "log_words");
_Static_assert((int)ON_FAILURE_ACCEPT == 0 && (int)ON_FAILURE_DEFER == 1, "on_failure_words");
_Static_assert((int)ENFORCE_ON == 0 && (int)ENFORCE_OBSERVE == 1 && (int)ENFORCE_OFF == 2, "enforce_words");
_Static_assert((int)AFTER_BOUNCE_ACCEPT == 0 && (int)AFTER_BOUNCE_DISCARD == 1, "after_bounce_words");
_Static_assert((int)PROCESSED_KEEP == 0 && (int)PROCESSED_DELETE == 1, "processed_words");
_Static_assert((int)END_NEVER == 0 && (int)END_PERMANENT == 1 && (int)END_LONGEST == 2, "end_words");
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

#define AT(member) .at = offsetof(struct settings, member)
#define CAUSE(member)                                                                                        \
    AT(lead.causes[0].member), .each = cause_of_bounces, .each_n = CAUSES,                                   \
                               .stride = sizeof(struct cause_settings)

static const struct config_key keys[] = {
    { .name = "redis.address",
      .type = CONFIG_ENDPOINT,
      AT(redis.address),
      .def = "unix:/run/redis/redis-server.sock",
      .help = "Where Redis listens." },
    { .name = "redis.database",
      .type = CONFIG_INT,
      AT(redis.database),
      .def = "0",
      .min = 0,
      .max = 9999,
      .help = "The number of the Redis database that holds the leads." },
    { .name = "redis.username",
      .type = CONFIG_TEXT,
      AT(redis.username),
      .def = "",
      .help = "The Redis user to log in as; empty is the default user." },
    { .name = "redis.password_file",
      .type = CONFIG_SECRET,
      AT(redis.password),
      .def = "",
      .help = "The file whose first line is the Redis password; empty is none." },
    { .name = "redis.timeout",
      .type = CONFIG_MILLISECONDS,
      AT(redis.timeout),
      .def = "500ms",
      .min = 10,
      .max = 60000,
      .help = "How long to wait for Redis to take a connection or to answer." },
    { .name = "redis.retention",
      .type = CONFIG_DURATION,
      AT(redis.retention),
      .def = "400d",
      .min = DAY,
      .max = 3650 * DAY,
      .help = "How long the history of a lead is kept after its last event." },

    { .name = "log.to",
      .type = CONFIG_WORD,
      AT(log_to),
      .def = "syslog",
      .words = log_words,
      .help = "Where log lines go." },

    { .name = "address.fold_local_part",
      .type = CONFIG_BOOL,
      AT(fold_local_part),
      .def = "true",
      .help = "Whether Ann@ and ann@ are one lead." },
    { .name = "address.default_domain",
      .type = CONFIG_TEXT,
      AT(default_domain),
      .def = "",
      .check = check_domain,
      .help = "The domain of a recipient that has none, as Postfix's myorigin." },

    { .name = "lifecycle.strike_spacing",
      .type = CONFIG_DURATION,
      AT(lead.strike_spacing),
      .def = "6h",
      .min = 0,
      .max = 7 * DAY,
      .help = "Bounces closer together than this are one strike." },
    { .name = "lifecycle.backoff",
      .type = CONFIG_INT,
      AT(lead.backoff),
      .def = "2",
      .min = 1,
      .max = 10,
      .help = "How many times longer each suspension is than the one before it." },
    { .name = "lifecycle.series_limit",
      .type = CONFIG_DURATION,
      AT(lead.series_limit),
      .def = "180d",
      .min = DAY,
      .max = 3650 * DAY,
      .help = "How long suspensions may go on before the next one is permanent." },
    { .name = "lifecycle.longest",
      .type = CONFIG_DURATION,
      AT(lead.longest),
      .def = "30d",
      .min = HOUR,
      .max = 365 * DAY,
      .help = "The longest suspension for causes that end in `longest`." },
    { .name = "lifecycle.jitter",
      .type = CONFIG_PERCENT,
      AT(lead.jitter),
      .def = "5%",
      .min = 0,
      .max = 100,
      .help = "By how much a suspension is made longer at most, at random." },

    { .name = "causes.*.strikes",
      .type = CONFIG_INT,
      CAUSE(strikes),
      .min = 0,
      .max = 1000,
      .help = "How many bounces in a row opt a lead out; 0 is never." },
    { .name = "causes.*.first",
      .type = CONFIG_DURATION,
      CAUSE(first),
      .min = 0,
      .max = 365 * DAY,
      .help = "The length of the first suspension; 0 is permanent at once." },
    { .name = "causes.*.ends",
      .type = CONFIG_WORD,
      CAUSE(end),
      .words = end_words,
      .help = "Where a series of suspensions leads to." },

    { .name = "policy.listen",
      .type = CONFIG_ENDPOINTS,
      AT(policy.listen),
      .def = "[unix:/run/leadgate/policy.sock]",
      .help = "Where the policy server listens." },
    { .name = "policy.socket_mode",
      .type = CONFIG_MODE,
      AT(policy.socket.mode),
      .def = "0660",
      .min = 0,
      .max = 0777,
      .help = "The mode of the policy server's unix sockets." },
    { .name = "policy.socket_owner",
      .type = CONFIG_TEXT,
      AT(policy.socket.owner),
      .def = "",
      .help = "The owner of the policy server's unix sockets; empty is the user it runs as." },
    { .name = "policy.socket_group",
      .type = CONFIG_TEXT,
      AT(policy.socket.group),
      .def = "",
      .help = "The group of the policy server's unix sockets; empty is the group it runs as." },
    { .name = "policy.on_failure",
      .type = CONFIG_WORD,
      AT(policy.on_failure),
      .def = "accept",
      .words = on_failure_words,
      .help = "What becomes of recipients while Redis is away." },
    { .name = "policy.enforce",
      .type = CONFIG_WORD,
      AT(policy.enforce),
      .def = "on",
      .words = enforce_words,
      .help = "Whether suppressed recipients are refused, only logged, or not looked up at all." },
    { .name = "policy.reply.temporary",
      .type = CONFIG_TEXT,
      AT(policy.reply_temporary),
      .def = "550 5.7.1 recipient suppressed until {until}: {cause}",
      .check = check_reply,
      .help = "The refusal of a recipient that is opted out for a time." },
    { .name = "policy.reply.permanent",
      .type = CONFIG_TEXT,
      AT(policy.reply_permanent),
      .def = "550 5.7.1 recipient suppressed: {cause}",
      .check = check_reply,
      .help = "The refusal of a recipient that is opted out for good." },
    { .name = "policy.reply.unavailable",
      .type = CONFIG_TEXT,
      AT(policy.reply_unavailable),
      .def = "450 4.3.0 suppression list not available",
      .check = check_temporary_reply,
      .help = "The answer while Redis is away and on_failure is `defer`." },
    { .name = "policy.never_refuse",
      .type = CONFIG_TEXTS,
      AT(policy.never_refuse),
      .def = "[postmaster, abuse]",
      .check = check_local_part,
      .help = "Local parts that are let pass in every domain." },

    { .name = "milter.listen",
      .type = CONFIG_ENDPOINT,
      AT(milter.listen),
      .def = "unix:/run/leadgate/milter.sock",
      .help = "Where the milter listens." },
    { .name = "milter.socket_mode",
      .type = CONFIG_MODE,
      AT(milter.socket.mode),
      .def = "0660",
      .min = 0,
      .max = 0777,
      .help = "The mode of the milter's unix socket." },
    { .name = "milter.socket_owner",
      .type = CONFIG_TEXT,
      AT(milter.socket.owner),
      .def = "",
      .help = "The owner of the milter's unix socket; empty is the user it runs as." },
    { .name = "milter.socket_group",
      .type = CONFIG_TEXT,
      AT(milter.socket.group),
      .def = "",
      .help = "The group of the milter's unix socket; empty is the group it runs as." },
    { .name = "milter.bounce_addresses",
      .type = CONFIG_TEXTS,
      AT(milter.bounce_addresses),
      .def = "[]",
      .check = check_address,
      .help = "The addresses to which bounces come back." },
    { .name = "milter.max_size",
      .type = CONFIG_SIZE,
      AT(milter.max_size),
      .def = "10MiB",
      .min = 64 * KIB,
      .max = GIB,
      .help = "How much of a bounce the milter reads." },
    { .name = "milter.after_bounce",
      .type = CONFIG_WORD,
      AT(milter.after_bounce),
      .def = "accept",
      .words = after_bounce_words,
      .help = "What becomes of a bounce that has been applied." },
    { .name = "milter.filter_daemons",
      .type = CONFIG_TEXTS,
      AT(milter.filter_daemons),
      .def = "[]",
      .help = "SMTP services whose suppressed recipients are removed without a refusal." },

    { .name = "feed.maildirs",
      .type = CONFIG_TEXTS,
      AT(feed.maildirs),
      .def = "[]",
      .check = check_path,
      .help = "The Maildirs into which bounces are delivered." },
    { .name = "feed.processed",
      .type = CONFIG_WORD,
      AT(feed.processed),
      .def = "keep",
      .words = processed_words,
      .help = "What becomes of a mail that has been applied." },
    { .name = "feed.max_size",
      .type = CONFIG_SIZE,
      AT(feed.max_size),
      .def = "10MiB",
      .min = 64 * KIB,
      .max = GIB,
      .help = "How much of a mail the feed reads." },
};

const struct config_key *settings_keys(size_t *n)
{
    *n = sizeof(keys) / sizeof(keys[0]);
    return keys;
}
