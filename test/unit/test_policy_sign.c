/* SPDX-License-Identifier: BSD-2-Clause */
/* Whose mail gets a token at RCPT TO, how many, and which bounces are refused there. */
#include "policy/policy_sign.h"

#include "leadgate/signing.h"
#include "private_key.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "some_address.h"

#define NOW INT64_C(1796083200)

static char folder[] = "/tmp/test_policy_sign_XXXXXX";

/* Settings from a file, as an operator writes them; `more` stands under `signing`. */
static struct settings *settings_of(const char *more)
{
    char path[64], key[64];
    struct settings *settings;
    struct err err;
    FILE *fp;

    snprintf(path, sizeof(path), "%s/config.yaml", folder);
    snprintf(key, sizeof(key), "%s/key", folder);
    fp = fopen(path, "w");
    assert_non_null(fp);
    fprintf(fp,
            "milter: { bounce_addresses: [ bounces@our.example ] }\n"
            "signing: { keys: [ %s ]%s }\n"
            "streams:\n"
            "  - { name: plain, match: { sender: [ bounces+plain@our.example ] }, signing: [ none ] }\n"
            "  - { name: rest }\n",
            key, more);
    fclose(fp);
    if (settings_load(&settings, path, &err) < 0)
        fail_msg("%s", err.text);
    unlink(path);
    return settings;
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

static struct policy_request request_of(const char *sender, const char *client, const char *sasl,
                                        const char *instance)
{
    struct policy_request request = { .size = 1 };

    for (size_t i = 0; i < POLICY_ATTRIBUTES; i++)
        request.value[i] = SPAN_NONE;
    request.value[POLICY_SENDER] = span_of(sender);
    request.value[POLICY_CLIENT_ADDRESS] = span_of(client);
    request.value[POLICY_SASL_USERNAME] = span_of(sasl);
    request.value[POLICY_INSTANCE] = span_of(instance);
    return request;
}

static void who_is_signed(void **state)
{
    static const struct {
        const char *sender, *client, *sasl;
        bool is_signed;
    } rows[] = {
        { "bounces@our.example", "127.0.0.1", "", true },
        { "Bounces+c42@Our.Example", "::1", "", true },
        { "bounces@our.example", "192.0.2.1", "shop", true },
        { "bounces@our.example", "192.0.2.1", "", false }, /* a stranger with our sender */
        { "bounces@our.example", "", "", false },
        { "bounces@our.example", "nonsense", "", false },
        { "news@our.example", "127.0.0.1", "", false },          /* its bounces do not come to us */
        { "bounces+plain@our.example", "127.0.0.1", "", false }, /* signing: [ none ] */
        { "", "127.0.0.1", "", false },
    };
    struct settings *settings = settings_of("");
    struct address lead = address_of("ann@example.com");

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct policy_request request = request_of(rows[i].sender, rows[i].client, rows[i].sasl, "1.2.3");
        struct policy_signed before = { .headers = 0 };
        char action[POLICY_ACTION_MAX + 1];

        if (policy_sign(action, settings, &request, &lead, &before, NOW) != rows[i].is_signed)
            fail_msg("row %zu", i);
    }
    settings_free(settings);
}

static void token_names_the_recipient(void **state)
{
    struct settings *settings = settings_of("");
    struct address lead = address_of("ann@example.com");
    struct policy_request request = request_of("bounces@our.example", "127.0.0.1", "", "1.2.3");
    struct policy_signed before = { .headers = 0 };
    struct token_claim claim = { .kind = TOKEN_BOUNCE, .domain = SPAN("our.example") };
    char action[POLICY_ACTION_MAX + 1], subject[ADDRESS_SIZE];
    const char head[] = "PREPEND " SIGNING_FIELD ": ";

    (void)state;
    assert_true(policy_sign(action, settings, &request, &lead, &before, NOW));
    assert_memory_equal(action, head, sizeof(head) - 1);
    assert_null(strstr(action, "ann"));
    assert_int_equal(
        token_open(settings->keyring, span_of(action + sizeof(head) - 1), &claim, subject, NOW, 864000),
        TOKEN_GOOD);
    assert_string_equal(subject, "ann@example.com");
    settings_free(settings);
}

/* One more message on the same connection counts anew. */
static void so_many_a_message(void **state)
{
    static const struct {
        const char *instance;
        bool is_signed;
    } rows[] = { { "a", true }, { "a", true }, { "a", false }, { "a", false }, { "b", true }, { "a", true } };
    struct settings *settings = settings_of(", headers_most: 2");
    struct address lead = address_of("ann@example.com");
    struct policy_signed before = { .headers = 0 };
    char action[POLICY_ACTION_MAX + 1];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct policy_request request = request_of("bounces@our.example", "127.0.0.1", "", rows[i].instance);

        if (policy_sign(action, settings, &request, &lead, &before, NOW) != rows[i].is_signed)
            fail_msg("row %zu", i);
    }
    settings_free(settings);
}

/* As long as the protocol allows, and longer than the reply may be: passed without a token. */
static void too_long(void **state)
{
    struct settings *settings = settings_of("");
    struct policy_request request = request_of("bounces@our.example", "127.0.0.1", "", "1");
    struct policy_signed before = { .headers = 0 };
    char text[ADDRESS_SIZE], action[POLICY_ACTION_MAX + 1];
    struct address lead;

    (void)state;
    snprintf(text, sizeof(text), "%064d@%060d.%060d.%060d.example", 1, 2, 3, 4);
    lead = address_of(text);
    assert_false(policy_sign(action, settings, &request, &lead, &before, NOW));
    assert_int_equal(before.headers, 0);
    settings_free(settings);
}

static void unsigned_bounces(void **state)
{
    struct settings *ask = settings_of(", refuse_unsigned: true"), *take = settings_of("");
    struct address base = address_of("bounces@our.example"), lead = address_of("ann@example.com"), path, old;
    struct address other = address_of("info@our.example");
    struct policy_request bounce = request_of("", "192.0.2.1", "", "1");
    struct policy_request mail = request_of("bob@example.com", "192.0.2.1", "", "1");
    struct token_claim claim = { TOKEN_BOUNCE, SPAN("our.example"), SPAN("ann@example.com"), SPAN_NONE };
    char token[TOKEN_SIZE];
    const char *refusal;

    (void)state;
    assert_true(token_make(token, ask->keyring, &claim, SPAN("q"), NOW));
    assert_true(token_path_make(&path, &base, span_of(token), &lead));
    assert_true(token_make(token, ask->keyring, &claim, SPAN("q"), NOW - 12 * 86400));
    assert_true(token_path_make(&old, &base, span_of(token), &lead));

    assert_null(policy_refuse_unsigned(ask, &bounce, &path, NOW));
    assert_non_null(refusal = policy_refuse_unsigned(ask, &bounce, &base, NOW));
    assert_memory_equal(refusal, "550 5.7.1 ", 10);
    assert_non_null(policy_refuse_unsigned(ask, &bounce, &old, NOW));
    path.text[path.n - strlen("example.com@our.example") - 2] ^= 2; /* another recipient: ann -> anl */
    assert_non_null(policy_refuse_unsigned(ask, &bounce, &path, NOW));
    assert_null(policy_refuse_unsigned(ask, &bounce, &other, NOW));
    assert_null(policy_refuse_unsigned(ask, &mail, &base, NOW));
    assert_null(policy_refuse_unsigned(take, &bounce, &base, NOW));
    settings_free(ask);
    settings_free(take);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_signed),     cmocka_unit_test(token_names_the_recipient),
        cmocka_unit_test(so_many_a_message), cmocka_unit_test(too_long),
        cmocka_unit_test(unsigned_bounces),
    };

    return cmocka_run_group_tests(tests, make_key, remove_key);
}
