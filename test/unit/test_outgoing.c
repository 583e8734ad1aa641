/* SPDX-License-Identifier: BSD-2-Clause */
/* Mail on its way out, as the milter signs it: which mail is seen to its end, what it is given, and what is
 * left alone. Settings come from a file, the store is a list of who has got which campaign. */
#include "captured_log.h"
#include "leadgate/signing.h"
#include "milter/message.h"
#include "private_key.h"
#include "store/counters.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define DAY   INT64_C(86400)
#define NOW   (INT64_C(20788) * DAY)
#define QUEUE "4XkZ2d"

static char folder[] = "/tmp/test_outgoing_XXXXXX";

/* --- the store: suppressed is one address, sent a list --- */

struct fake_store {
    enum store_rc rc;
    const char *suppressed;
    size_t finds, notes, asked; /* calls, calls, leads asked about in the latter */
    int64_t window;
    struct {
        uint64_t campaign;
        char lead[ADDRESS_SIZE], queue[16];
    } sent[16];
    size_t n;
};

static enum store_rc fake_find(void *ctx, const struct address *leads, size_t n, int64_t now,
                               struct suppression *found, struct err *err)
{
    struct fake_store *fake = ctx;

    (void)now;
    err_set(err, "connection refused");
    fake->finds++;
    for (size_t i = 0; i < n; i++) {
        found[i] = (struct suppression){ .allowed = false };
        if (fake->suppressed != NULL && strcmp(leads[i].text, fake->suppressed) == 0)
            found[i].optout =
                (struct optout){ .present = true, .kind = OPTOUT_PERMANENT, .cause = CAUSE_USER_UNKNOWN };
    }
    return fake->rc;
}

static enum store_rc fake_note(void *ctx, const struct campaign *campaign, const struct address *leads,
                               size_t n, bool *seen, struct err *err)
{
    struct fake_store *fake = ctx;

    err_set(err, "connection refused");
    fake->notes++;
    fake->window = campaign->window;
    for (size_t i = 0; fake->rc == STORE_OK && i < n; i++) {
        size_t at = 0;

        fake->asked++;
        while (at < fake->n &&
               (fake->sent[at].campaign != campaign->name || strcmp(fake->sent[at].lead, leads[i].text) != 0))
            at++;
        seen[i] = at < fake->n && !span_eq(span_of(fake->sent[at].queue), campaign->queue);
        if (at < fake->n)
            continue;
        assert_true(fake->n < 16);
        fake->sent[fake->n].campaign = campaign->name;
        memcpy(fake->sent[fake->n].lead, leads[i].text, ADDRESS_SIZE);
        span_copy(fake->sent[fake->n++].queue, 16, campaign->queue);
    }
    return fake->rc;
}

/* --- the house --- */

static const char *queue_id; /* of the next mail */

struct house {
    struct settings *settings;
    struct fake_store store;
    struct counters *counters;
    struct message_rules rules;
    struct message *message;
    struct captured_log log;
};

static struct settings *settings_of(const char *yaml)
{
    const char *place = strstr(yaml, "KEY");
    char path[64], key[64];
    struct settings *settings;
    struct err err;
    FILE *fp;

    snprintf(path, sizeof(path), "%s/config.yaml", folder);
    snprintf(key, sizeof(key), "%s/key", folder);
    fp = fopen(path, "w");
    assert_non_null(fp);
    fprintf(fp, "milter: { bounce_addresses: [ bounces@our.example ], filter_daemons: [ silent ] }\n");
    if (place == NULL)
        fputs(yaml, fp);
    else
        fprintf(fp, "%.*s%s%s", (int)(place - yaml), yaml, key, place + strlen("KEY"));
    fclose(fp);
    if (settings_load(&settings, path, &err) < 0)
        fail_msg("%s", err.text);
    unlink(path);
    return settings;
}

/* yaml: what else the settings say; KEY is the path of the key. */
static void furnish(struct house *house, const char *yaml)
{
    settings_free(house->settings);
    house->settings = settings_of(yaml);
    house->rules.settings = house->settings;
}

static int house_open(void **state)
{
    struct house *house = calloc(1, sizeof(*house));

    queue_id = QUEUE;
    house->store.rc = STORE_OK;
    house->counters = counters_new();
    house->rules = (struct message_rules){
        .store = { .find = fake_find, .note_campaign = fake_note, .ctx = &house->store },
        .counters = house->counters
    };
    house->message = message_new();
    captured_log_begin(&house->log);
    *state = house;
    return 0;
}

static int house_close(void **state)
{
    struct house *house = *state;

    captured_log_end(&house->log);
    message_free(house->message);
    counters_free(house->counters);
    settings_free(house->settings);
    free(house);
    return 0;
}

static const char *logged(struct house *house)
{
    return captured_log_text(&house->log);
}

/* How often that was counted since it was last asked. */
static int64_t counted(struct house *house, const char *name)
{
    int64_t value = 0;
    struct batch batch;

    if (!batch_take(&batch, house->counters))
        return 0;
    for (const struct counter *counter = batch.first; counter != NULL; counter = counter->next)
        if (span_eq((struct span){ counter->name, counter->n }, span_of(name)))
            value += counter->amount;
    while (batch.first != NULL)
        batch_answer(&batch, NULL);
    return value;
}

/* --- mails --- */

#define RECIPIENTS 4
#define FIELDS     4

struct mail {
    bool local;
    const char *daemon, *sender, *client, *login;
    const char *recipients[RECIPIENTS];
    const char *fields[FIELDS][2];
    const char *arguments[3];
    bool powerless; /* the MTA can only take recipients out */
    bool adds_only; /* it can add header fields, and not change them */
};

enum stage { AT_MAIL = 1, AT_DATA, AT_END };

/* One mail as Postfix tells it, until the verdict; *stage is where that fell. Does not reset the message. */
static enum verdict say(struct house *house, const struct mail *mail, enum stage *stage)
{
    struct message_origin origin = {
        .local = mail->local,
        .daemon = span_of(mail->daemon),
        .client_address = span_of(mail->client != NULL ? mail->client : "127.0.0.1"),
        .sasl_username = span_of(mail->login),
        .arguments = mail->arguments,
        .may = { !mail->powerless, !mail->powerless, !mail->powerless && !mail->adds_only }
    };
    const char *sender = mail->sender != NULL ? mail->sender : "<bounces@our.example>";
    enum verdict verdict = message_mail(house->message, &house->rules, &origin, span_of(sender));

    *stage = AT_MAIL;
    for (size_t i = 0; verdict == VERDICT_CONTINUE && i < RECIPIENTS && mail->recipients[i] != NULL; i++)
        message_recipient(house->message, span_of(mail->recipients[i]));
    if (verdict != VERDICT_CONTINUE)
        return verdict;
    *stage = AT_DATA;
    if ((verdict = message_data(house->message, span_of(queue_id), NOW)) != VERDICT_CONTINUE)
        return verdict;
    for (size_t i = 0; i < FIELDS && mail->fields[i][0] != NULL; i++)
        message_header(house->message, span_of(mail->fields[i][0]), span_of(mail->fields[i][1]));
    message_eoh(house->message);
    assert_int_equal(message_body(house->message, SPAN("hello")), VERDICT_SKIP_BODY);
    *stage = AT_END;
    return message_end(house->message, span_of(queue_id), NOW);
}

static void expect_accepted(struct house *house, const struct mail *mail, enum stage at)
{
    enum stage stage;

    assert_int_equal(say(house, mail, &stage), VERDICT_ACCEPT);
    assert_int_equal(stage, at);
}

/* What message_new_sender() says; NULL = nothing. */
static const char *new_sender(struct house *house)
{
    const char *sender, *arguments;

    return message_new_sender(house->message, &sender, &arguments) ? sender : NULL;
}

static const char *new_arguments(struct house *house)
{
    const char *sender, *arguments;

    return message_new_sender(house->message, &sender, &arguments) ? arguments : NULL;
}

static const struct message_field *new_field(struct house *house, size_t i)
{
    const struct message_field *field = NULL;
    size_t at = 0;

    for (i++; i > 0 && (field = message_next_field(house->message, &at)) != NULL; i--)
        ;
    return field;
}

static struct address address_of(const char *text)
{
    const struct address_rules rules = { .fold_local_part = true };
    struct address address;
    struct err err;

    if (address_parse(&address, address_form_of(span_of(text)), span_of(text), &rules, &err) < 0)
        fail_msg("%s: %s", text, err.text);
    return address;
}

/* The lead of a sender that is a path with a good token; "" when it is none. */
static const char *lead_of_path(struct house *house, const char *sender)
{
    static struct address lead; /* until the next call */
    char name[TOKEN_SIZE];
    struct address path;

    if (sender == NULL)
        return "";
    path = address_of(sender);
    return signing_check_path(house->settings, &path, NOW, &lead, name) == TOKEN_GOOD ? lead.text : "";
}

/* The lead of a sealed token; "" when it is none. */
static const char *lead_of_sealed(struct house *house, const char *text)
{
    struct token_claim claim = { .kind = TOKEN_BOUNCE, .domain = SPAN("our.example") };
    static char subject[ADDRESS_SIZE]; /* until the next call */

    return token_open(house->settings->keyring, span_of(text), &claim, subject, NOW, 10 * DAY) == TOKEN_GOOD
               ? subject
               : "";
}

static bool is_of_message(struct house *house, const char *text, const char *message_id)
{
    const struct token_claim claim = { .kind = TOKEN_MESSAGE,
                                       .domain = SPAN("our.example"),
                                       .subject = span_of(message_id) };

    return token_check(house->settings->keyring, span_of(text), &claim, NOW, 10 * DAY) == TOKEN_GOOD;
}

#define ALL_CHANNELS  "signing: { keys: [ KEY ], channels: [ header, envelope-id, return-path ] }\n"
#define ONLY(channel) "signing: { keys: [ KEY ], channels: [ " channel " ] }\n"

/* --- which mail --- */

/* What need not be touched is let go as soon as that is known. */
static void is_let_go_early(void **state)
{
    static const struct {
        const char *yaml;
        struct mail mail;
        enum stage stage;
    } rows[] = {
        { ALL_CHANNELS, { .recipients = { "<ann@example.com>" } }, AT_END },
        { ALL_CHANNELS, { .recipients = { "<ann@example.com>", "<bob@example.com>" } }, AT_END },
        { ALL_CHANNELS, { .client = "192.0.2.1", .recipients = { "<ann@example.com>" } }, AT_MAIL },
        { ALL_CHANNELS,
          { .client = "192.0.2.1", .login = "shop", .recipients = { "<ann@example.com>" } },
          AT_END },
        { ALL_CHANNELS, { .client = "", .recipients = { "<ann@example.com>" } }, AT_MAIL },
        { "signing: { keys: [ KEY ], channels: [ return-path ], daemons: [ submit ] }\n",
          { .client = "192.0.2.1", .daemon = "submit", .recipients = { "<ann@example.com>" } },
          AT_END },
        { "signing: { keys: [ KEY ], channels: [ return-path ], daemons: [ submit ] }\n",
          { .client = "192.0.2.1", .daemon = "mx", .recipients = { "<ann@example.com>" } },
          AT_MAIL },
        { "policy: { enforce: off }\n" ALL_CHANNELS,
          { .local = true, .sender = "bounces@our.example", .recipients = { "ann@example.com" } },
          AT_END },
        { ALL_CHANNELS, { .sender = "<ceo@our.example>", .recipients = { "<ann@example.com>" } }, AT_MAIL },
        { ALL_CHANNELS,
          { .sender = "<bounces@other.example>", .recipients = { "<ann@example.com>" } },
          AT_MAIL },
        { ALL_CHANNELS, { .sender = "nonsense", .recipients = { "<ann@example.com>" } }, AT_MAIL },
        { ALL_CHANNELS, { .powerless = true, .recipients = { "<ann@example.com>" } }, AT_MAIL },
        /* The policy server signs the header of what comes by SMTP. */
        { ONLY("header"), { .recipients = { "<ann@example.com>" } }, AT_MAIL },
        { ONLY("header"), { .daemon = "silent", .recipients = { "<ann@example.com>" } }, AT_END },
        { ONLY("header"),
          { .local = true, .sender = "bounces@our.example", .recipients = { "ann@example.com" } },
          AT_END },
        { ONLY("return-path"), { .recipients = { "<ann@example.com>" } }, AT_END },
        { ONLY("return-path"), { .recipients = { "<ann@example.com>", "<bob@example.com>" } }, AT_DATA },
        { ONLY("return-path"), { .recipients = { "<ann@example.com>", "<no address>" } }, AT_DATA },
        { ONLY("return-path"),
          { .arguments = { "SIZE=1000", "XVERP" }, .recipients = { "<ann@example.com>" } },
          AT_MAIL },
        { ONLY("envelope-id"),
          { .arguments = { "RET=HDRS", "envid=x" }, .recipients = { "<ann@example.com>" } },
          AT_MAIL },
        { ONLY("envelope-id"),
          { .arguments = { "RET=HDRS" }, .recipients = { "<ann@example.com>" } },
          AT_END },
        { "signing: { keys: [ KEY ], channels: [ ] }\n", { .recipients = { "<ann@example.com>" } }, AT_MAIL },
        { "signing: { channels: [ envelope-id, return-path ] }\n",
          { .recipients = { "<ann@example.com>" } },
          AT_MAIL },
        { ALL_CHANNELS "streams: [ { name: plain, match: { sender: [ our.example ] }, signing: [ none ] }, { "
                       "name: rest } ]\n",
          { .recipients = { "<ann@example.com>" } },
          AT_MAIL },
    };
    struct house *house = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        enum stage stage;

        furnish(house, rows[i].yaml);
        if (say(house, &rows[i].mail, &stage) != VERDICT_ACCEPT || stage != rows[i].stage)
            fail_msg("row %zu: stage %d", i, (int)stage);
    }
    assert_string_equal(logged(house), "");
}

/* Nobody's mail is signed twice: what comes back from a filter has its path already. */
static void leaves_signed_paths_alone(void **state)
{
    struct mail mail = { .recipients = { "<ann@example.com>" } };
    struct house *house = *state;
    char sender[ADDRESS_SIZE];

    furnish(house, ALL_CHANNELS);
    expect_accepted(house, &mail, AT_END);
    assert_non_null(new_sender(house));
    snprintf(sender, sizeof(sender), "%s", new_sender(house));
    mail.sender = sender;
    expect_accepted(house, &mail, AT_MAIL);
    assert_null(new_sender(house));
}

/* --- the return path --- */

static void signs_the_return_path(void **state)
{
    static const struct {
        const char *sender, *recipient, *lead, *begin, *end;
    } rows[] = {
        { "<bounces@our.example>", "<ann@example.com>", "ann@example.com", "<bounces+b",
          "=ann=example.com@our.example>" },
        { "<Bounces+C42@Our.Example>", "<Ann@Example.COM>", "ann@example.com", "<bounces+c42+b",
          "=ann=example.com@our.example>" },
        { "<bounces@our.example>", "<a=b@example.com>", "a=b@example.com", "<bounces+b",
          "=a=b=example.com@our.example>" },
        { "<bounces@our.example>", "<ann+news@example.com>", "ann+news@example.com", "<bounces+b",
          "=ann+news=example.com@our.example>" },
        { "<bounces@our.example>",
          "<ann@b\xc3\xbc"
          "cher.example>",
          "ann@xn--bcher-kva.example", "<bounces+b", "=ann=xn--bcher-kva.example@our.example>" },
    };
    struct house *house = *state;

    furnish(house, ONLY("return-path"));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct mail mail = { .sender = rows[i].sender, .recipients = { rows[i].recipient } };
        const char *sender;

        expect_accepted(house, &mail, AT_END);
        assert_non_null(sender = new_sender(house));
        assert_null(new_arguments(house));
        assert_null(new_field(house, 0));
        assert_string_equal(lead_of_path(house, sender), rows[i].lead);
        assert_memory_equal(sender, rows[i].begin, strlen(rows[i].begin));
        assert_string_equal(sender + strlen(sender) - strlen(rows[i].end), rows[i].end);
    }
    assert_int_equal(counted(house, "signing.signed.return-path"), 5);
}

/* Longer than 64 octets, or such that somebody on the way would misread it: the other channels have to do. */
static void some_addresses_fit_no_path(void **state)
{
    static const struct {
        const char *sender, *recipient;
    } rows[] = {
        { "<bounces@our.example>", "<someone.with.a.long.name@a.long.domain.example>" },
        { "<bounces+a.very.long.name.of.one.campaign@our.example>", "<ann@example.com>" },
        { "<bounces@our.example>", "<o'hara@example.com>" },
        { "<bounces@our.example>", "<\"ann smith\"@example.com>" },
        { "<bounces@our.example>", "<\xc3\xa4nn@example.com>" },
        { "<bounces@our.example>", "<not an address>" },
    };
    struct house *house = *state;

    furnish(house, ONLY("return-path"));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct mail mail = { .sender = rows[i].sender, .recipients = { rows[i].recipient } };

        expect_accepted(house, &mail, AT_END);
        assert_null(new_sender(house));
        assert_int_equal(counted(house, "signing.unsigned.return-path"), 1);
    }
    assert_string_equal(logged(house), ""); /* it comes again with each campaign */
}

/* Two mails on one day are told apart. */
static void another_mail_another_token(void **state)
{
    struct mail mail = { .recipients = { "<ann@example.com>" } };
    struct house *house = *state;
    char first[ADDRESS_SIZE];

    furnish(house, ONLY("return-path"));
    expect_accepted(house, &mail, AT_END);
    snprintf(first, sizeof(first), "%s", new_sender(house));
    expect_accepted(house, &mail, AT_END);
    assert_string_equal(new_sender(house), first);
    queue_id = "4XkZ3e";
    expect_accepted(house, &mail, AT_END);
    assert_string_not_equal(new_sender(house), first);
}

/* One recipient is left when the others have been taken out. */
static void signs_for_who_is_left(void **state)
{
    struct mail mail = { .local = true,
                         .sender = "bounces@our.example",
                         .recipients = { "ann@example.com", "bob@example.com" } };
    struct house *house = *state;
    size_t at = 0;

    furnish(house, ALL_CHANNELS);
    house->store.suppressed = "ann@example.com";
    expect_accepted(house, &mail, AT_END);
    assert_string_equal(message_next_removal(house->message, &at), "ann@example.com");
    assert_string_equal(lead_of_path(house, new_sender(house)), "bob@example.com");
    assert_string_equal(lead_of_sealed(house, new_field(house, 0)->value), "bob@example.com");
    assert_null(new_field(house, 1));
    house->store.rc = STORE_DOWN; /* nobody knows who is suppressed: signed all the same */
    expect_accepted(house, &mail, AT_END);
    assert_string_equal(lead_of_sealed(house, new_field(house, 1)->value), "bob@example.com");
}

/* --- the envelope id --- */

static const char *envid(struct house *house)
{
    const char *arguments = new_arguments(house);

    if (arguments == NULL)
        return "";
    assert_memory_equal(arguments, "ENVID=", 6);
    assert_true(strlen(arguments + 6) <= 100); /* RFC 3461 4.4 */
    assert_int_equal(strspn(arguments + 6, "abcdefghijklmnopqrstuvwxyz234567"), strlen(arguments + 6));
    return arguments + 6;
}

static void signs_the_envelope_id(void **state)
{
    static const char forty_eight[] = "<somebody.with.a.name2@a.long.domain.name.example>";
    static const char forty_nine[] = "<somebody.with.a.name22@a.long.domain.name.example>";
    struct mail mail = { .recipients = { "<\xc3\xa4nn@example.com>" },
                         .arguments = { "RET=HDRS", "SMTPUTF8" },
                         .fields = { { "Subject", "x" }, { "Message-Id", " <one@our.example>" } } };
    struct house *house = *state;

    furnish(house, ONLY("envelope-id"));
    expect_accepted(house, &mail, AT_END);
    assert_string_equal(lead_of_sealed(house, envid(house)), "\xc3\xa4nn@example.com");
    assert_string_equal(new_sender(house), "<bounces@our.example>");

    mail.recipients[0] = forty_eight;
    assert_int_equal(strlen(forty_eight), 48 + 2);
    expect_accepted(house, &mail, AT_END);
    assert_string_equal(lead_of_sealed(house, envid(house)),
                        "somebody.with.a.name2@a.long.domain.name.example");
    mail.recipients[0] = forty_nine; /* one character more is too long for a token that names it */
    expect_accepted(house, &mail, AT_END);
    assert_true(is_of_message(house, envid(house), "one@our.example"));

    mail.recipients[0] = "<ann@example.com>";
    mail.recipients[1] = "<bob@example.com>";
    expect_accepted(house, &mail, AT_END);
    assert_true(is_of_message(house, envid(house), "one@our.example"));
    assert_false(is_of_message(house, envid(house), "two@our.example"));
    assert_int_equal(counted(house, "signing.signed.envelope-id"), 4);
}

/* For several the Message-ID has to vouch, as a report will show it. */
static void without_a_message_id(void **state)
{
    char longest[300] = "<", *end = longest + 1;
    const char *values[] = { "<a b@our.example>", "<a\n\tb@our.example>", "<>", "", longest };
    struct mail mail = { .recipients = { "<ann@example.com>", "<bob@example.com>" } };
    struct house *house = *state;

    memset(end, 'x', 256);
    end[256] = '>';
    furnish(house, ONLY("envelope-id"));
    expect_accepted(house, &mail, AT_END);
    assert_null(new_sender(house));
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        mail.fields[0][0] = "Message-ID";
        mail.fields[0][1] = values[i];
        expect_accepted(house, &mail, AT_END);
        assert_null(new_sender(house));
    }
    assert_int_equal(counted(house, "signing.unsigned.envelope-id"), 6);
}

static void both_at_once(void **state)
{
    struct mail mail = { .recipients = { "<ann@example.com>" } };
    struct house *house = *state;

    furnish(house, ALL_CHANNELS);
    expect_accepted(house, &mail, AT_END);
    assert_string_equal(lead_of_path(house, new_sender(house)), "ann@example.com");
    assert_string_equal(lead_of_sealed(house, envid(house)), "ann@example.com");
    mail.arguments[0] = "ENVID=theirs";
    expect_accepted(house, &mail, AT_END);
    assert_string_equal(lead_of_path(house, new_sender(house)), "ann@example.com");
    assert_null(new_arguments(house));
    mail.arguments[0] = "xverp=-=";
    expect_accepted(house, &mail, AT_END);
    assert_string_equal(new_sender(house), "<bounces@our.example>");
    assert_string_equal(lead_of_sealed(house, envid(house)), "ann@example.com");
    counted(house, "");
    mail.arguments[0] = NULL; /* several have no path, and so none that does not fit */
    mail.recipients[1] = "<bob@example.com>";
    expect_accepted(house, &mail, AT_END);
    assert_int_equal(counted(house, "signing.unsigned.return-path"), 0);
}

/* --- the header --- */

static void signs_the_header_where_nobody_else_does(void **state)
{
    struct mail mail = { .local = true,
                         .sender = "bounces@our.example",
                         .recipients = { "ann@example.com", "odd address", "postmaster@example.com",
                                         "\"ann smith\"@example.com" } };
    struct house *house = *state;

    furnish(house, "signing: { keys: [ KEY ], headers_most: 2 }\n");
    expect_accepted(house, &mail, AT_END);
    for (size_t i = 0; i < 2; i++) {
        assert_string_equal(new_field(house, i)->name, "X-Leadgate-Token");
        assert_false(new_field(house, i)->replaces);
    }
    assert_string_equal(lead_of_sealed(house, new_field(house, 0)->value), "ann@example.com");
    assert_string_equal(lead_of_sealed(house, new_field(house, 1)->value), "postmaster@example.com");
    assert_null(new_field(house, 2));
    assert_null(new_sender(house));
    mail.fields[0][0] = "x-leadgate-TOKEN"; /* a policy server was asked after all */
    mail.fields[0][1] = "bxyz";
    expect_accepted(house, &mail, AT_END);
    assert_null(new_field(house, 0));
}

/* --- List-Unsubscribe --- */

#define STREAMS                                                                                              \
    "streams:\n"                                                                                             \
    "  - { name: news, match: { sender: [ our.example ] }, unsubscribe: leave@our.example, signing: [ none " \
    "] }\n"                                                                                                  \
    "  - { name: rest }\n"

static void offers_the_way_out(void **state)
{
    static const struct {
        const char *theirs, *begin;
        bool added;
    } rows[] = {
        { NULL, "<mailto:leave+u", true },
        { "<https://our.example/u/1>,\n <mailto:bye@our.example>",
          "<https://our.example/u/1>,\n <mailto:bye@our.example>,\n\t<mailto:leave+u", true },
        { "<mailto:leaver@our.example?to=leave@our.example>",
          "<mailto:leaver@our.example?to=leave@our.example>,", true },
        { "<mailto:Leave@Our.Example?subject=x>", NULL, false },
        { "<https://our.example>, <mailto:leave+ann=example.com@our.example>", NULL, false },
    };
    struct house *house = *state;

    furnish(house, ALL_CHANNELS STREAMS);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct mail mail = { .recipients = { "<Ann@example.com>" } };
        const struct message_field *field;
        const struct stream *stream = NULL;
        struct address path, lead;
        char name[TOKEN_SIZE], text[ADDRESS_SIZE];
        const char *at;

        if (rows[i].theirs != NULL) {
            mail.fields[0][0] = "list-unsubscribe";
            mail.fields[0][1] = rows[i].theirs;
        }
        expect_accepted(house, &mail, AT_END);
        assert_null(new_field(house, 1));
        field = new_field(house, 0);
        assert_int_equal(field != NULL, rows[i].added);
        if (field == NULL)
            continue;
        assert_string_equal(field->name, "List-Unsubscribe");
        assert_int_equal(field->replaces, rows[i].theirs != NULL);
        assert_memory_equal(field->value, rows[i].begin, strlen(rows[i].begin));
        assert_non_null(at = strstr(field->value, "<mailto:leave+u"));
        snprintf(text, sizeof(text), "%.*s", (int)strcspn(at + 8, "?"), at + 8);
        assert_string_equal(at + 8 + strlen(text), "?subject=unsubscribe>");
        path = address_of(text);
        assert_int_equal(signing_check_unsubscribe(house->settings, &path, NOW, &lead, &stream, name),
                         TOKEN_GOOD);
        assert_string_equal(lead.text, "ann@example.com");
        assert_string_equal(stream->name, "news");
    }
    assert_int_equal(counted(house, "signing.signed.list-unsubscribe"), 3);
}

static void some_mail_offers_no_way_out(void **state)
{
    static const struct {
        struct mail mail;
        enum stage stage;
    } rows[] = {
        { { .recipients = { "<ann@example.com>", "<bob@example.com>" } }, AT_DATA },
        { { .recipients = { "<o'hara@example.com>" } }, AT_END },
        { { .recipients = { "<ann@example.com>" }, .fields = { { "DKIM-Signature", "v=1" } } }, AT_END },
        { { .adds_only = true,
            .recipients = { "<ann@example.com>" },
            .fields = { { "List-Unsubscribe", "<https://our.example>" } } },
          AT_END },
        /* Whoever wants to leave may be its sender: only the recipients tell. */
        { { .client = "192.0.2.1", .recipients = { "<ann@example.com>" } }, AT_DATA },
        { { .sender = "<a@other.example>", .recipients = { "<ann@example.com>" } }, AT_DATA },
        { { .powerless = true, .recipients = { "<ann@example.com>" } }, AT_DATA },
    };
    struct house *house = *state;

    furnish(house, "signing: { keys: [ KEY ] }\n" STREAMS);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        enum stage stage;

        if (say(house, &rows[i].mail, &stage) != VERDICT_ACCEPT || stage != rows[i].stage)
            fail_msg("row %zu: stage %d", i, (int)stage);
        assert_null(new_field(house, 0));
    }
    furnish(house, STREAMS);
    expect_accepted(house, &(struct mail){ .recipients = { "<ann@example.com>" } }, AT_MAIL);
}

/* --- duplicates --- */

#define ONCE(more)                                                                                           \
    more "streams:\n  - { name: news, match: { sender: [ our.example ] }, duplicates: 2d }\n"                \
         "  - { name: rest }\n"

static const struct mail campaign_mail = { .recipients = { "<ann@example.com>", "<bob@example.com>" },
                                           .fields = { { "Message-ID", "<c1@our.example>" },
                                                       { "X-Campaign", " spring " } } };

static void removes_who_has_got_it(void **state)
{
    struct mail mail = campaign_mail;
    struct house *house = *state;
    enum stage stage;
    size_t at = 0;

    furnish(house, ONCE(""));
    mail.recipients[1] = NULL;
    expect_accepted(house, &mail, AT_END);
    assert_null(message_next_removal(house->message, &at));
    assert_int_equal(house->store.window, 2 * DAY);
    expect_accepted(house, &mail, AT_END); /* the same mail, told again: the milter died in between */
    assert_null(message_next_removal(house->message, &at));

    queue_id = "4XkZ3e";
    mail.recipients[1] = "<bob@example.com>";
    at = 0;
    expect_accepted(house, &mail, AT_END);
    assert_string_equal(message_next_removal(house->message, &at), "<ann@example.com>");
    assert_null(message_next_removal(house->message, &at));
    assert_non_null(strstr(logged(house),
                           "duplicate lead=ann@example.com campaign=c1@our.example action=removed "
                           "stream=news queue=4XkZ3e sender=bounces@our.example\n"));
    queue_id = "4XkZ4f";
    assert_int_equal(say(house, &mail, &stage), VERDICT_DISCARD);
    assert_int_equal(counted(house, "duplicates.removed"), 3);
    mail.fields[0][1] = "<c2@our.example>"; /* another campaign */
    at = 0;
    expect_accepted(house, &mail, AT_END);
    assert_null(message_next_removal(house->message, &at));
}

/* The campaign is what the operator says it is; whoever has none is not looked at. */
static void a_field_names_the_campaign(void **state)
{
    struct mail mail = campaign_mail;
    struct house *house = *state;
    enum stage stage;

    furnish(house, ONCE("duplicates: { header: x-campaign }\n"));
    expect_accepted(house, &mail, AT_END);
    queue_id = "4XkZ3e";
    mail.fields[0][1] = "<c2@our.example>";
    assert_int_equal(say(house, &mail, &stage), VERDICT_DISCARD);
    assert_non_null(strstr(logged(house), " campaign=spring "));
    mail.fields[1][1] = "summer";
    expect_accepted(house, &mail, AT_END);
    house->store.notes = 0;
    mail.fields[1][1] = "";
    expect_accepted(house, &mail, AT_END);
    mail.fields[1][0] = NULL;
    expect_accepted(house, &mail, AT_END);
    assert_int_equal(house->store.notes, 0);
}

static void some_mail_may_come_twice(void **state)
{
    struct mail postmaster = campaign_mail, other = campaign_mail, stranger = campaign_mail,
                filtered = campaign_mail;
    struct house *house = *state;

    furnish(house, ONCE(""));
    postmaster.recipients[0] = "<postmaster@example.com>";
    postmaster.recipients[1] = NULL;
    expect_accepted(house, &postmaster, AT_END);
    assert_int_equal(house->store.asked, 0);
    other.sender = "<a@other.example>"; /* another stream */
    expect_accepted(house, &other, AT_MAIL);
    stranger.client = "192.0.2.1";
    expect_accepted(house, &stranger, AT_MAIL);
    filtered.sender =
        "<bounces+bacdefghijklmnopqrstuvw=ann=example.com@our.example>"; /* it was here before */
    expect_accepted(house, &filtered, AT_MAIL);
    furnish(house, ONCE("policy: { enforce: off }\n"));
    expect_accepted(house, &campaign_mail, AT_MAIL);
    assert_int_equal(house->store.asked, 0);
}

static void only_logs_duplicates_when_told_to_observe(void **state)
{
    struct house *house = *state;
    size_t at = 0;

    furnish(house, ONCE("policy: { enforce: observe }\n"));
    expect_accepted(house, &campaign_mail, AT_END);
    queue_id = "4XkZ3e";
    expect_accepted(house, &campaign_mail, AT_END);
    assert_null(message_next_removal(house->message, &at));
    assert_non_null(
        strstr(logged(house), "duplicate lead=bob@example.com campaign=c1@our.example action=observed "));
    assert_int_equal(counted(house, "duplicates.observed"), 2);
}

/* While Redis is away mail passes: rather twice than not at all. */
static void duplicates_pass_while_redis_is_away(void **state)
{
    struct house *house = *state;
    size_t at = 0;

    furnish(house, ONCE(""));
    expect_accepted(house, &campaign_mail, AT_END);
    house->store.rc = STORE_DOWN;
    queue_id = "4XkZ3e";
    expect_accepted(house, &campaign_mail, AT_END);
    assert_null(message_next_removal(house->message, &at));
    assert_non_null(strstr(logged(house), "duplicates not looked for"));
}

/* Who has got it is taken out first; then whoever is left is the only one. */
static void a_duplicate_leaves_one_to_sign_for(void **state)
{
    struct mail mail = campaign_mail;
    struct house *house = *state;

    furnish(house, "signing: { keys: [ KEY ], channels: [ return-path ] }\n"
                   "streams: [ { name: all, duplicates: 1h } ]\n");
    mail.recipients[1] = NULL;
    expect_accepted(house, &mail, AT_END);
    queue_id = "4XkZ3e";
    expect_accepted(house, &campaign_mail, AT_END);
    assert_string_equal(lead_of_path(house, new_sender(house)), "bob@example.com");
}

/* --- the rest --- */

/* What is asked of the MTA is what the settings need. */
static void needs_what_the_settings_say(void **state)
{
    static const struct {
        const char *yaml;
        struct message_powers needs;
    } rows[] = {
        { "", { false, false, false } },
        { "signing: { channels: [ return-path ] }\n", { false, false, false } },
        { ONLY("header"), { false, true, false } },
        { ONLY("envelope-id"), { true, false, false } },
        { ONLY("return-path"), { true, false, false } },
        { "signing: { keys: [ KEY ], channels: [ ] }\nstreams: [ { name: a, signing: [ return-path ] } ]\n",
          { true, false, false } },
        { "signing: { keys: [ KEY ], channels: [ ] }\n" STREAMS, { false, true, true } },
        { STREAMS, { false, false, false } },
        { ONCE(""), { false, false, false } },
    };
    struct house *house = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct message_powers needs;

        furnish(house, rows[i].yaml);
        needs = message_needs(house->settings);
        if (needs.sender != rows[i].needs.sender || needs.add_fields != rows[i].needs.add_fields ||
            needs.change_fields != rows[i].needs.change_fields)
            fail_msg("row %zu", i);
    }
}

/* Many mails come over one connection: nothing of one gets into the next. */
static void keeps_nothing_for_the_next_mail(void **state)
{
    struct mail first = { .local = true,
                          .sender = "bounces@our.example",
                          .recipients = { "ann@example.com" },
                          .fields = { { "Message-ID", "<a@b>" },
                                      { "List-Unsubscribe", "<x>" },
                                      { "DKIM-Signature", "x" },
                                      { "X-Leadgate-Token", "x" } } };
    struct mail second = { .local = true,
                           .sender = "bounces@our.example",
                           .recipients = { "bob@example.com", "cy@example.com" } };
    struct house *house = *state;

    furnish(house, ALL_CHANNELS);
    expect_accepted(house, &first, AT_END);
    assert_non_null(new_sender(house));
    assert_null(new_field(house, 0));
    expect_accepted(house, &second, AT_END); /* without a reset between */
    assert_null(new_sender(house));          /* no Message-ID, and two recipients */
    assert_string_equal(lead_of_sealed(house, new_field(house, 0)->value), "bob@example.com");
    message_reset(house->message);
    assert_null(new_field(house, 0));
    assert_null(new_sender(house));
}

static int make_key(void **state)
{
    (void)state;
    return private_key_make(folder);
}

static int remove_key(void **state)
{
    (void)state;
    return private_key_remove(folder);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, house_open, house_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(is_let_go_early),
        TEST(leaves_signed_paths_alone),
        TEST(signs_the_return_path),
        TEST(some_addresses_fit_no_path),
        TEST(another_mail_another_token),
        TEST(signs_for_who_is_left),
        TEST(signs_the_envelope_id),
        TEST(without_a_message_id),
        TEST(both_at_once),
        TEST(signs_the_header_where_nobody_else_does),
        TEST(offers_the_way_out),
        TEST(some_mail_offers_no_way_out),
        TEST(removes_who_has_got_it),
        TEST(a_field_names_the_campaign),
        TEST(some_mail_may_come_twice),
        TEST(only_logs_duplicates_when_told_to_observe),
        TEST(duplicates_pass_while_redis_is_away),
        TEST(a_duplicate_leaves_one_to_sign_for),
        TEST(needs_what_the_settings_say),
        TEST(keeps_nothing_for_the_next_mail),
    };

    return cmocka_run_group_tests(tests, make_key, remove_key);
}
