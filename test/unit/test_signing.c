/* SPDX-License-Identifier: BSD-2-Clause */
/* The addresses by which recipients leave a stream: who is understood, and who is not. What is signed at RCPT
 * TO is test_policy_sign.c's, what the milter signs test_outgoing.c's. */
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

#define DAY INT64_C(86400)
#define NOW (INT64_C(20788) * DAY)

static char folder[] = "/tmp/test_signing_XXXXXX";

static struct settings *settings_of(const char *streams)
{
    char path[64], key[64];
    struct settings *settings;
    struct err err;
    FILE *fp;

    snprintf(path, sizeof(path), "%s/config.yaml", folder);
    snprintf(key, sizeof(key), "%s/key", folder);
    fp = fopen(path, "w");
    assert_non_null(fp);
    fprintf(fp, "signing: { keys: [ %s ] }\n%s", key, streams);
    fclose(fp);
    if (settings_load(&settings, path, &err) < 0)
        fail_msg("%s", err.text);
    unlink(path);
    return settings;
}

/* Two streams with one address, one with another, one with none. */
static int open_house(void **state)
{
    *state = settings_of(
        "streams:\n"
        "  - { name: news, match: { sender: [ news.example ] }, unsubscribe: Leave@Our.Example }\n"
        "  - { name: offers, match: { sender: [ offers.example ] }, unsubscribe: leave@our.example }\n"
        "  - { name: club, match: { sender: [ club.example ] }, unsubscribe: bye+club@club.example }\n"
        "  - { name: rest }\n");
    return 0;
}

static int close_house(void **state)
{
    settings_free(*state);
    return 0;
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

static struct address path_of(const struct settings *settings, size_t stream, const char *lead)
{
    struct address path, address = address_of(lead);

    if (!signing_unsubscribe_path(&path, settings, &settings->streams.item[stream], &address, SPAN("4XkZ2d"),
                                  NOW))
        fail_msg("no path for %s", lead);
    return path;
}

/* Who writes there leaves the stream that the mail was of, also where two share the address; and a mail
 * system on the way may have changed the case. */
static void the_path_names_lead_and_stream(void **state)
{
    static const char *const begins[] = { "leave+", "leave+", "bye+club+" };
    const struct settings *settings = *state;

    for (size_t i = 0; i < 3; i++) {
        struct address path = path_of(settings, i, "ann@example.com"), lead;
        const struct stream *stream = NULL;
        char name[TOKEN_SIZE], shout[ADDRESS_SIZE];

        assert_memory_equal(path.text, begins[i], strlen(begins[i]));
        assert_non_null(strstr(path.text, "=ann=example.com@"));
        for (size_t at = 0; at <= path.n; at++)
            shout[at] =
                path.text[at] >= 'a' && path.text[at] <= 'z' ? (char)(path.text[at] - 32) : path.text[at];
        path = address_of(shout);
        assert_int_equal(signing_check_unsubscribe(settings, &path, NOW + DAY, &lead, &stream, name),
                         TOKEN_GOOD);
        assert_string_equal(lead.text, "ann@example.com");
        assert_ptr_equal(stream, &settings->streams.item[i]);
        assert_memory_equal(strstr(path.text, name), name, TOKEN_LENGTH);
    }
}

static enum token_rc check(const struct settings *settings, const struct address *path, int64_t now)
{
    const struct stream *stream = NULL;
    char name[TOKEN_SIZE];
    struct address lead;

    return signing_check_unsubscribe(settings, path, now, &lead, &stream, name);
}

static void other_addresses_are_none(void **state)
{
    static const struct {
        const char *text;
        enum token_rc rc;
    } rows[] = {
        { "leave@our.example", TOKEN_NONE },
        { "leave+ann=example.com@our.example", TOKEN_NONE },
        { "leave+TOKEN=bob=example.com@our.example", TOKEN_FORGED }, /* another lead */
        { "leave+TOKEN=ann=example.org@our.example", TOKEN_FORGED },
        { "leave+TOKEN=ann=example.com@club.example", TOKEN_NONE }, /* nobody's unsubscribe address */
        { "bye+club+TOKEN=ann=example.com@club.example", TOKEN_FORGED },
        { "other+TOKEN=ann=example.com@our.example", TOKEN_NONE },
        { "leave+x+TOKEN=ann=example.com@our.example", TOKEN_GOOD },
    };
    const struct settings *settings = *state;
    struct address path = path_of(settings, 0, "ann@example.com");

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *place = strstr(rows[i].text, "TOKEN");
        char text[ADDRESS_SIZE];
        struct address address;

        if (place == NULL)
            snprintf(text, sizeof(text), "%s", rows[i].text);
        else
            snprintf(text, sizeof(text), "%.*s%.*s%s", (int)(place - rows[i].text), rows[i].text,
                     TOKEN_LENGTH, path.text + strlen("leave+"), place + strlen("TOKEN"));
        address = address_of(text);
        if (check(settings, &address, NOW) != rows[i].rc)
            fail_msg("%s", text);
    }
}

/* A token says one thing only: nobody unsubscribes with what came in a return path, and the other way round.
 */
static void a_bounce_token_unsubscribes_nobody(void **state)
{
    const struct settings *settings = *state;
    struct token_claim claim = { TOKEN_BOUNCE, SPAN("our.example"), SPAN("ann@example.com"), SPAN_NONE };
    struct address base = address_of("leave@our.example"), lead = address_of("ann@example.com"), path;
    char token[TOKEN_SIZE], name[TOKEN_SIZE];

    assert_true(token_make(token, settings->keyring, &claim, SPAN("q"), NOW));
    assert_true(token_path_make(&path, &base, span_of(token), &lead));
    assert_int_equal(check(settings, &path, NOW), TOKEN_FORGED);
    path = path_of(settings, 0, "ann@example.com");
    assert_int_equal(signing_check_path(settings, &path, NOW, &lead, name), TOKEN_NONE);
}

static void it_is_over_one_day(void **state)
{
    const struct settings *settings = *state;
    struct address path = path_of(settings, 1, "ann@example.com");

    assert_int_equal(check(settings, &path, NOW + 10 * DAY), TOKEN_GOOD);
    assert_int_equal(check(settings, &path, NOW + 12 * DAY), TOKEN_EXPIRED);
}

static void not_every_mail_gets_one(void **state)
{
    const struct settings *settings = *state;
    struct settings *bare = settings_new();
    const struct stream *news = &settings->streams.item[0], *rest = &settings->streams.item[3];
    struct address path, ann = address_of("ann@example.com"), odd = address_of("o'hara@example.com");
    struct address far = address_of("someone.with.a.long.name@a.long.domain.example");

    assert_false(signing_unsubscribe_path(&path, settings, rest, &ann, SPAN("q"), NOW));
    assert_false(signing_unsubscribe_path(&path, settings, news, &odd, SPAN("q"), NOW));
    assert_false(signing_unsubscribe_path(&path, settings, news, &far, SPAN("q"), NOW));
    assert_non_null(bare); /* without keys */
    assert_false(signing_unsubscribe_path(&path, bare, news, &ann, SPAN("q"), NOW));
    assert_int_equal(bare->streams.item[0].unsubscribe.n, 0);
    settings_free(bare);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, open_house, close_house)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_path_names_lead_and_stream),
        TEST(other_addresses_are_none),
        TEST(a_bounce_token_unsubscribes_nobody),
        TEST(it_is_over_one_day),
        TEST(not_every_mail_gets_one),
    };

    return cmocka_run_group_tests(tests, make_key, remove_key);
}
