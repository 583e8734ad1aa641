/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of keys, the example that documents it and what is said about a broken file. */
#include "leadgate/settings.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/test_settings_XXXXXX";
static char path[sizeof(folder) + 16];

static int make_folder(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(path, sizeof(path), "%s/config.yaml", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

static int load_text(struct settings **settings, const char *text, struct err *err)
{
    FILE *fp = fopen(path, "w");

    assert_non_null(fp);
    assert_true(fputs(text, fp) >= 0);
    assert_int_equal(fclose(fp), 0);
    return settings_load(settings, path, err);
}

static size_t count_of(const struct config_key *key)
{
    return key->each == NULL ? 1 : key->each_n;
}

static bool is_number(enum config_type type)
{
    return type == CONFIG_INT || type == CONFIG_DURATION || type == CONFIG_MILLISECONDS ||
           type == CONFIG_SIZE || type == CONFIG_PERCENT || type == CONFIG_DECIMAL || type == CONFIG_MODE;
}

/* A row that is wrong would be found only by the operator who uses it. */
static void check_rows(const struct config_key *keys, size_t n, const void *defaults, size_t size)
{
    for (size_t i = 0; i < n; i++) {
        const struct config_key *key = &keys[i];
        bool starred = strchr(key->name, '*') != NULL;
        char shown[200];

        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(key->name, keys[j].name);
            assert_true(key->at != keys[j].at);
        }
        assert_true(key->at < size);
        assert_int_equal(starred, key->each != NULL);
        assert_int_equal(starred, key->def == NULL);
        assert_int_equal(key->type == CONFIG_WORD, key->words != NULL);
        assert_int_equal(key->type == CONFIG_ITEMS, key->items != NULL);
        assert_int_equal(is_number(key->type), key->min < key->max);
        assert_true(strlen(key->help) > 10 && key->help[strlen(key->help) - 1] == '.');
        if (!starred) {
            assert_true(config_show(shown, sizeof(shown), defaults, key, 0));
            assert_string_equal(shown, key->def);
        }
    }
}

/* What an item of such a list is read by. */
static const struct config_table *table_of(const char *name)
{
    size_t n;
    const struct config_key *keys = settings_keys(&n);

    for (size_t i = 0; i < n; i++)
        if (strcmp(keys[i].name, name) == 0)
            return keys[i].items;
    fail_msg("no key `%s`", name);
    return NULL;
}

static void check_item_rows(const char *name, void *item, size_t size)
{
    const struct config_table *table = table_of(name);
    struct err err;

    memset(item, 0, size);
    assert_int_equal(table->size, size);
    assert_int_equal(config_defaults(item, table->keys, table->n, &err), 0);
    check_rows(table->keys, table->n, item, size);
    config_free(item, table->keys, table->n);
}

/* Two keys that are compared are numbers of one kind. */
static void test_pairs(void **state)
{
    size_t n;
    const struct config_key *keys = settings_keys(&n);
    size_t pairs = 0;

    (void)state;
    for (size_t i = 0; i < n; i++) {
        const char *most = keys[i].at_most;
        size_t j = 0;

        if (most == NULL)
            continue;
        pairs++;
        while (j < n && strcmp(keys[j].name, most) != 0)
            j++;
        assert_true(j < n && keys[j].type == keys[i].type && is_number(keys[i].type));
        assert_true(keys[i].each == NULL && keys[j].each == NULL);
    }
    assert_int_equal(pairs, 3);
}

static void test_rows(void **state)
{
    size_t n;
    const struct config_key *keys = settings_keys(&n);
    struct settings *settings = settings_new();
    struct stream_settings stream;
    struct provider_group group;

    (void)state;
    assert_non_null(settings);
    check_rows(keys, n, settings, sizeof(*settings));
    settings_free(settings);
    check_item_rows("streams", &stream, sizeof(stream));
    check_item_rows("providers.groups", &group, sizeof(group));
}

/* Defaults that lead/ fills in must be values that the file could say. */
static void test_lead_defaults(void **state)
{
    size_t n;
    const struct config_key *keys = settings_keys(&n);
    struct settings *settings = settings_new();
    struct lead_settings lead;

    (void)state;
    memset(&lead, 0, sizeof(lead)); /* the padding */
    lead_settings_default(&lead);
    assert_non_null(settings);
    assert_memory_equal(&settings->lead, &lead, sizeof(lead));
    for (size_t i = 0; i < n; i++) {
        for (size_t index = 0; index < count_of(&keys[i]); index++) {
            const char *member = (const char *)settings + keys[i].at + index * keys[i].stride;
            int64_t value;

            if (!is_number(keys[i].type) || (keys[i].each != NULL && keys[i].each(index) == NULL))
                continue;
            memcpy(&value, member, sizeof(value));
            assert_true(value >= keys[i].min && value <= keys[i].max);
        }
    }
    settings_free(settings);
}

struct names {
    char list[8000];
};

static void note_name(void *ctx, const char *name)
{
    struct names *names = ctx;
    size_t n = strlen(names->list);

    assert_true(n + strlen(name) + 2 < sizeof(names->list));
    snprintf(names->list + n, sizeof(names->list) - n, "%s\n", name);
}

static void assert_named(const struct names *names, const struct config_key *key, size_t index)
{
    const char *star = strchr(key->name, '*');
    char line[200];

    if (star == NULL)
        snprintf(line, sizeof(line), "%s\n", key->name);
    else
        snprintf(line, sizeof(line), "%.*s%s%s\n", (int)(star - key->name), key->name, key->each(index),
                 star + 1);
    if (strstr(names->list, line) == NULL)
        fail_msg("config.yaml.example does not name %s", line);
}

/* The example is the reference: every key with its default. */
static void test_example(void **state)
{
    size_t n;
    const struct config_key *keys = settings_keys(&n);
    struct settings *defaults = settings_new(), *loaded = settings_new();
    struct names names = { "" };
    char example[4096], want[200], got[200];
    struct err err;

    (void)state;
    assert_non_null(getenv("SOURCE_ROOT"));
    snprintf(example, sizeof(example), "%s/config.yaml.example", getenv("SOURCE_ROOT"));
    if (config_read(loaded, keys, n, example, note_name, &names, &err) < 0)
        fail_msg("%s", err.text);
    for (size_t i = 0; i < n; i++) {
        for (size_t index = 0; index < count_of(&keys[i]); index++) {
            if (keys[i].each != NULL && keys[i].each(index) == NULL)
                continue;
            assert_named(&names, &keys[i], index);
            assert_true(config_show(want, sizeof(want), defaults, &keys[i], index));
            assert_true(config_show(got, sizeof(got), loaded, &keys[i], index));
            if (strcmp(want, got) != 0)
                fail_msg("config.yaml.example has %s = %s, the default is %s", keys[i].name, got, want);
        }
    }
    settings_free(defaults);
    settings_free(loaded);
}

/* The text of the example, and the commented-out part of it that begins with `# streams:`. */
static void read_example_streams(char *dst, size_t size)
{
    char line[400];
    bool inside = false;
    size_t n = 0;
    FILE *fp;

    snprintf(line, sizeof(line), "%s/config.yaml.example", getenv("SOURCE_ROOT"));
    fp = fopen(line, "r");
    assert_non_null(fp);
    while (fgets(line, sizeof(line), fp) != NULL) {
        inside = line[0] == '#' && (inside || strcmp(line, "# streams:\n") == 0);
        if (inside)
            n += (size_t)snprintf(dst + n, size - n, "%s", line[1] == ' ' ? line + 2 : line + 1);
        assert_true(n < size);
    }
    fclose(fp);
}

/* Streams have no default that could stand in the example; what it shows commented out is good all the same,
 * and names every key. */
static void test_example_streams(void **state)
{
    size_t n;
    const struct config_key *keys = settings_keys(&n);
    const struct config_table *table = table_of("streams");
    struct settings *settings = NULL, *again = settings_new();
    struct names names = { "" };
    char text[8000] = "", want[100];
    struct err err;

    (void)state;
    read_example_streams(text, sizeof(text));
    if (load_text(&settings, text, &err) < 0 ||
        config_read(again, keys, n, path, note_name, &names, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(settings->streams.n, 4);
    for (size_t i = 0; i < table->n; i++) {
        snprintf(want, sizeof(want), "streams[0].%s\n", table->keys[i].name);
        if (strstr(names.list, want) == NULL)
            fail_msg("config.yaml.example does not show %s", want);
    }
    settings_free(settings);
    settings_free(again);
}

static void test_values(void **state)
{
    static const char text[] =
        "redis: { address: 'inet:[::1]:6379', timeout: 2s }\n"
        "address: { fold_local_part: false, default_domain: example.com }\n"
        "causes:\n"
        "  mailbox-full: { first: 12h }\n"
        "  spam-block: { ends: never }\n"
        "policy: { enforce: observe, never_refuse: [], listen: [ inet:127.0.0.1:10040 ] }\n"
        "milter: { bounce_addresses: [ bounce@example.com, <b@example.org> ] }\n";
    struct settings *settings = NULL;
    struct address_rules rules;
    struct err err;

    (void)state;
    if (load_text(&settings, text, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(settings->redis.address.kind, ENDPOINT_INET);
    assert_int_equal(settings->redis.timeout, 2000);
    assert_int_equal(settings->lead.causes[CAUSE_MAILBOX_FULL].first, 12 * 3600);
    assert_int_equal(settings->lead.causes[CAUSE_MAILBOX_FULL].strikes, 2);
    assert_int_equal(settings->lead.causes[CAUSE_SPAM_BLOCK].end, END_NEVER);
    assert_int_equal(settings->policy.enforce, ENFORCE_OBSERVE);
    assert_int_equal(settings->policy.never_refuse.n, 0);
    assert_int_equal(settings->policy.listen.n, 1);
    assert_int_equal(settings->milter.bounce_addresses.n, 2);
    rules = settings_address_rules(settings);
    assert_false(rules.fold_local_part);
    assert_string_equal(rules.default_domain, "example.com");
    settings_free(settings);
}

/* What a delivery log is read by is read once, by the settings' own rules. */
static void test_maillog(void **state)
{
    static const char text[] = "address: { default_domain: Example.Com }\n"
                               "feed: { internal_relays: [ 10.0.0.0/8 ], log_messages: 5000 }\n"
                               "milter: { bounce_addresses: [ Bounce@Bücher.example, <b@example.org> ] }\n";
    struct settings *settings = NULL;
    struct maillog_settings maillog;
    struct ip inside, outside;
    struct err err;

    (void)state;
    if (load_text(&settings, text, &err) < 0)
        fail_msg("%s", err.text);
    maillog = settings_maillog(settings);
    assert_int_equal(maillog.n_bounce_addresses, 2);
    assert_string_equal(maillog.bounce_addresses[0].text, "bounce@xn--bcher-kva.example");
    assert_string_equal(maillog.bounce_addresses[1].text, "b@example.org");
    assert_true(ip_parse(&inside, SPAN("10.1.2.3")) && ip_parse(&outside, SPAN("127.0.0.1")));
    assert_int_equal(maillog.n_internal_relays, 1);
    assert_true(network_holds(&maillog.internal_relays[0], &inside));
    assert_false(network_holds(&maillog.internal_relays[0], &outside));
    assert_int_equal(maillog.messages, 5000);
    assert_ptr_equal(maillog.context.classifier, settings->classifier);
    settings_free(settings);
    settings = settings_new();
    assert_int_equal(settings_maillog(settings).n_internal_relays, 2);
    assert_int_equal(settings_maillog(settings).n_bounce_addresses, 0);
    settings_free(settings);
}

static void test_errors(void **state)
{
    static const struct {
        const char *text, *want; /* want: behind "path:" */
    } rows[] = {
        { "redis:\n  timout: 1s\n", "2:3: redis: unknown key \"timout\"; the nearest is \"timeout\"" },
        { "redis:\n  timeout: 500\n", "2:12: redis.timeout: found \"500\", which has no unit; "
                                      "allowed is a number with a unit (ms, s, m, h, d, w) from 10ms to 1m" },
        { "redis:\n  retention: 400y\n", "2:14: redis.retention: found \"400y\"; "
                                         "allowed is a number with a unit (s, m, h, d, w) from 1d to 3650d" },
        { "redis: /run/redis.sock\n", "1:8: redis: found a value; allowed are the keys address, database, "
                                      "username, password_file, timeout, retention" },
        { "redis:\n  address: /run/redis.sock\n", "2:12: redis.address: \"/run/redis.sock\" is no endpoint; "
                                                  "allowed are unix:/absolute/path and inet:host:port" },
        { "redis:\n  password_file: /nonexistent/x\n",
          "2:18: redis.password_file: /nonexistent/x: No such file or directory" },
        { "log: { to: file }\n", "1:12: log.to: found \"file\"; allowed is stderr or syslog" },
        { "address:\n  default_domain: a b\n", "2:19: address.default_domain: the domain \"a b\" has a " },
        { "address:\n  default_domain: a@b\n", "2:19: address.default_domain: the domain \"a@b\" has a " },
        { "lifecycle: { backoff: 11 }\n", "1:23: lifecycle.backoff: found \"11\", out of range; "
                                          "allowed is a whole number from 1 to 10" },
        { "lifecycle: { jitter: 5 }\n",
          "1:22: lifecycle.jitter: found \"5\", which has no unit; allowed is a "
          "number with a % sign from 0 to 100%" },
        { "lifecycle: { strike_spacing: 8d }\n",
          "1:30: lifecycle.strike_spacing: found \"8d\", out of range" },
        { "causes: { mailbox_full: {} }\n", "1:11: causes: unknown key \"mailbox_full\"; "
                                            "the nearest is \"mailbox-full\"" },
        { "causes: { complaint: {} }\n",
          "1:11: causes: unknown key \"complaint\"; allowed here are user-unknown, " },
        { "causes:\n  expired: { ends: soon }\n",
          "2:20: causes.expired.ends: found \"soon\"; allowed is never, permanent or longest" },
        { "policy: { listen: unix:/x }\n", "1:19: policy.listen: found a value; allowed is a list of " },
        { "policy: { on_failure: reject }\n",
          "1:23: policy.on_failure: found \"reject\"; allowed is accept or defer" },
        { "policy: { enforce: true }\n",
          "1:20: policy.enforce: found \"true\"; allowed is on, observe or off" },
        { "policy: { socket_mode: 660 }\n",
          "1:24: policy.socket_mode: found \"660\"; allowed is an octal number" },
        { "policy: { reply: \"550 5.7.1 no\" }\n", "1:18: policy.reply: found a value; allowed are the keys "
                                                   "temporary, permanent, unavailable" },
        { "policy: { never_refuse: [ abuse@example.com ] }\n",
          "1:27: policy.never_refuse: found \"abuse@example" },
        { "duplicates: { header: \"X-Campaign:\" }\n",
          "1:23: duplicates.header: found \"X-Campaign:\"; allowed is the name of a header field" },
        { "streams: [ { name: a, unsubscribe: leave } ]\n",
          "1:36: streams[0].unsubscribe: \"leave\" has no domain" },
        { "streams: [ { name: a, duplicates: 366d } ]\n",
          "1:35: streams[0].duplicates: found \"366d\", out of range" },
        { "milter: { feedback_addresses: [ fbl ] }\n",
          "1:33: milter.feedback_addresses: \"fbl\" has no domain" },
        { "milter: { bounce_addresses: [ bounce ] }\n",
          "1:31: milter.bounce_addresses: \"bounce\" has no domain" },
        { "milter: { max_size: 10MB }\n",
          "1:21: milter.max_size: found \"10MB\"; allowed is a number of bytes, "
          "KiB, MiB or GiB from 64KiB to 1GiB" },
        { "feed:\n  maildirs:\n    - /var/x\n    - Maildir\n",
          "4:7: feed.maildirs: found \"Maildir\"; allowed is an absolute path" },
        { "feed:\n  processed: move\n", "2:14: feed.processed: found \"move\"; allowed is keep or delete" },
        { "feed: {}\nfeed: {}\n", "2:1: feed: found a second time; the first is in line 1" },
        { "feed: [\n",
          "1:7: feed: found a list; allowed are the keys maildirs, logs, internal_relays, log_messages, "
          "applications, processed, max_size" },
        { "feed: {\n", "2:1: not valid YAML: " },
        { "streams: news\n", "1:10: streams: found a value; allowed is a list of mappings" },
        { "streams: [ { match: {} } ]\n", "1:12: streams[0]: a stream without a name; `name` is needed" },
        { "streams: [ { name: '' } ]\n", "1:14: streams[0].name: a stream without a name" },
        { "streams: [ { name: '*' } ]\n",
          "1:20: streams[0].name: found \"*\"; allowed are up to 63 letters, digits, '-', '_' and '.'" },
        { "streams: [ { name: "
          "x23456789012345678901234567890123456789012345678901234567890123x } ]\n",
          "1:20: streams[0].name: found \"x2345" },
        { "streams:\n  - name: a\n    match: { sender: [ x ] }\n  - name: a\n",
          "4:5: streams[1].name: a second stream of the name \"a\"" },
        { "streams:\n  - name: a\n    match: { sender: [ x ] }\n",
          "3:5: streams[0].match: the last stream must take all mail that is left: it may have no `match`" },
        { "streams:\n  - name: a\n  - name: b\n",
          "2:5: streams[0]: without a `match` it takes all mail, and" },
        { "streams:\n  - name: a\n    match:\n  - name: b\n", "3:5: streams[0].match: without a `match` it" },
        { "streams:\n  - name: a\n    refusals_of: [ a, b ]\n",
          "3:5: streams[0].refusals_of: found \"b\"; allowed are the names of streams" },
        { "streams: [ { name: a, causes: [ hard, ful ] } ]\n",
          "1:39: streams[0].causes: found \"ful\"; allowed are the names of causes and all, none, hard, "
          "soft, "
          "lead, sender, message, transient, will" },
        { "streams: [ { name: a, causes: [ hard, none ] } ]\n",
          "1:23: streams[0].causes: found \"none\" among others; it stands alone" },
        { "streams: [ { name: a, enforce: no } ]\n",
          "1:32: streams[0].enforce: found \"no\"; allowed is on, observe, off or inherit" },
        { "streams: [ { name: a, reply: { permanent: no } } ]\n",
          "1:43: streams[0].reply.permanent: found \"no\"; allowed is `4xx" },
        { "streams: [ { name: a, match: { sendr: [ x ] } } ]\n",
          "1:32: streams[0].match: unknown key \"sendr\"; the nearest is \"sender\"" },
        { "streams: [ { name: a, match: { sender: [ 'a b@c d' ] } } ]\n",
          "1:42: streams[0].match.sender: the domain \"c d\"" },
        { "streams: [ { name: a, list_ids: [ 'News <a.example>' ] } ]\n",
          "1:35: streams[0].list_ids: found \"News <a.example>\"; allowed is what stands between < and >" },
        { "streams: [ { name: a, list_ids: [ '<>' ] } ]\n", "1:35: streams[0].list_ids: found \"<>\"; " },
        { "streams: [ { name: a, list_ids: [ '' ] } ]\n", "1:35: streams[0].list_ids: " },
        { "streams: [ { name: a, match: { sender: [ '@' ] } } ]\n",
          "1:42: streams[0].match.sender: \"x\" has no " },
        { "streams: [ { name: a, match: { client_address: [ example.com ] } } ]\n",
          "1:50: streams[0].match.client_address: found \"example.com\"; allowed is an IP address, or one "
          "with " },
        { "streams: [ { name: a, match: { client_address: [ 10.0.0.1/8 ] } } ]\n",
          "1:50: streams[0].match.client_address: found \"10.0.0.1/8\", whose address does not end in zeros "
          "behind its first 8 bits" },
        { "streams: [ { name: a, match: { server_port: [ smtp ] } } ]\n",
          "1:47: streams[0].match.server_port: found \"smtp\"; allowed is a port number from 1 to 65535" },
        { "streams: [ { name: a, match: { server_port: [ 0587 ] } } ]\n",
          "1:47: streams[0].match.server_port: found \"0587\"" },
        { "streams: [ { name: a, match: { ccert_fingerprint: [ sha256 ] } } ]\n",
          "1:53: streams[0].match.ccert_fingerprint: found \"sha256\"; allowed are pairs of hexadecimal "
          "digits" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct settings *settings = NULL;
        struct err err = { "" };
        char want[600];

        snprintf(want, sizeof(want), "%s:%s", path, rows[i].want);
        if (load_text(&settings, rows[i].text, &err) == 0)
            fail_msg("%s was taken", rows[i].text);
        assert_null(settings);
        if (strncmp(err.text, want, strlen(want)) != 0)
            fail_msg("%s\n want %s\n got  %s", rows[i].text, want, err.text);
    }
}

/* Postfix takes what does not begin with a code for a list of restrictions, and answers 451 to all mail. */
static void test_reply_templates(void **state)
{
    static const struct {
        const char *reply, *want; /* want NULL: good */
    } rows[] = {
        { "550 5.7.1 no", NULL },
        { "450 4.2.1 wait, {lead}: {cause} {kind} {until} {stream} }", NULL },
        { "599 5.123.123 no", NULL },
        { "", "allowed is `4xx" },
        { "recipient suppressed", "allowed is `4xx" },
        { "REJECT 550 5.7.1 no", "allowed is `4xx" },
        { "250 2.1.5 ok", "allowed is `4xx" },
        { "550 4.7.1 no", "allowed is `4xx" },
        { "450 5.7.1 no", "allowed is `4xx" },
        { "550 no", "allowed is `4xx" },
        { "55 5.7.1 no", "allowed is `4xx" },
        { "5500 5.7.1 no", "allowed is `4xx" },
        { "550-5.7.1 no", "allowed is `4xx" },
        { "550 5.7 no", "allowed is `4xx" },
        { "550 5.7.1000 no", "allowed is `4xx" },
        { "550 5.7.1", "allowed is `4xx" },
        { "550 5.7.1   ", "allowed is `4xx" },
        { " 550 5.7.1 no", "allowed is `4xx" },
        { "550 5.7.1 n\xc3\xb6", "character 12 is not printable ASCII" },
        { "550 5.7.1 a\\nb", "character 12 is not printable ASCII" },
        { "550 5.7.1 {reason}",
          "unknown word {reason}; allowed are {lead}, {cause}, {until}, {kind} and {stream}" },
        { "550 5.7.1 {cause", "unknown word {cause}" },
        { "550 5.7.1 {}", "unknown word {}" },
        { "550 5.7.1 {lead} {{lead}", "unknown word {{lead}" },
    };
    struct settings *settings = NULL;
    char text[600], longest[260];
    struct err err;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        snprintf(text, sizeof(text), "policy: { reply: { permanent: \"%s\" } }\n", rows[i].reply);
        if (rows[i].want == NULL) {
            if (load_text(&settings, text, &err) < 0)
                fail_msg("%s: %s", rows[i].reply, err.text);
            settings_free(settings);
        } else if (load_text(&settings, text, &err) == 0) {
            fail_msg("%s was taken", rows[i].reply);
        } else if (strstr(err.text, ":1:31: policy.reply.permanent: ") == NULL ||
                   strstr(err.text, rows[i].want) == NULL) {
            fail_msg("%s: want %s, got %s", rows[i].reply, rows[i].want, err.text);
        }
    }
    /* 200 characters, and one more. */
    for (int n = 190; n <= 191; n++) {
        snprintf(longest, sizeof(longest), "550 5.7.1 %0*d", n, 0);
        snprintf(text, sizeof(text), "policy: { reply: { temporary: \"%s\" } }\n", longest);
        assert_int_equal(load_text(&settings, text, &err), n == 190 ? 0 : -1);
        if (n == 190)
            settings_free(settings);
    }
    assert_non_null(strstr(err.text, "found 201 characters; allowed are 200"));
    /* What is not known must not be refused for good. */
    assert_int_equal(load_text(&settings, "policy: { reply: { unavailable: 550 5.7.1 no } }", &err), -1);
    assert_non_null(strstr(err.text, "a permanent refusal; allowed is `4xx 4.x.y text`"));
    /* Nor what is held. */
    assert_int_equal(load_text(&settings, "policy: { reply: { held: 550 5.7.1 no } }", &err), -1);
    assert_non_null(strstr(err.text, "a permanent refusal"));
    assert_int_equal(load_text(&settings, "policy: { reply: { held: '450 4.7.1 {until}' } }", &err), -1);
    assert_non_null(strstr(err.text, "unknown word {until}; allowed are {lead}, {cause}, {stream}"));
    assert_int_equal(load_text(&settings, "policy: { reply: { unavailable: '450 4.7.1 {provider}' } }", &err),
                     -1);
    assert_int_equal(
        load_text(&settings, "policy: { reply: { held: '451 4.7.0 {provider} {cause} {stream}' } }", &err),
        0);
    settings_free(settings);
}

static void test_secret(void **state)
{
    struct settings *settings = NULL;
    char secret[sizeof(path)], text[200], want[300];
    struct err err;
    FILE *fp;

    (void)state;
    snprintf(secret, sizeof(secret), "%s/password", folder);
    snprintf(text, sizeof(text), "redis:\n  password_file: %s\n", secret);
    fp = fopen(secret, "w");
    assert_non_null(fp);
    assert_true(fputs("s3cret\n", fp) >= 0);
    assert_int_equal(fclose(fp), 0);

    assert_int_equal(chmod(secret, 0644), 0);
    assert_int_equal(load_text(&settings, text, &err), -1);
    snprintf(want, sizeof(want), "%s:2:18: redis.password_file: %s has mode 0644: ", path, secret);
    assert_int_equal(strncmp(err.text, want, strlen(want)), 0);

    assert_int_equal(chmod(secret, 0640), 0);
    assert_int_equal(load_text(&settings, text, &err), 0);
    assert_string_equal(settings->redis.password, "s3cret");
    settings_free(settings);
    unlink(secret);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pairs),           cmocka_unit_test(test_rows),
        cmocka_unit_test(test_lead_defaults),   cmocka_unit_test(test_example),
        cmocka_unit_test(test_example_streams), cmocka_unit_test(test_values),
        cmocka_unit_test(test_maillog),         cmocka_unit_test(test_errors),
        cmocka_unit_test(test_reply_templates), cmocka_unit_test(test_secret),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
