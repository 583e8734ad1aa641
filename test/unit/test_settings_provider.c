/* SPDX-License-Identifier: BSD-2-Clause */
/* Who answers for a lead, by the settings: groups, smarthosts, and what is said where they are wrong. */
#include "leadgate/settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char path[] = "/tmp/test_settings_provider_XXXXXX";

static int make_file(void **state)
{
    int fd = mkstemp(path);

    (void)state;
    return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

static int load_text(struct settings **settings, const char *text, struct err *err)
{
    FILE *fp = fopen(path, "w");

    assert_non_null(fp);
    assert_true(fputs(text, fp) >= 0);
    assert_int_equal(fclose(fp), 0);
    return settings_load(settings, path, err);
}

static struct address lead_of(const char *text)
{
    struct address_rules rules = { .fold_local_part = true };
    struct address lead;
    struct err err;

    assert_int_equal(address_parse(&lead, ADDRESS_MAILBOX, span_of(text), &rules, &err), 0);
    return lead;
}

static void test_mapping(void **state)
{
    static const char text[] = "providers:\n"
                               "  groups:\n"
                               "    - { name: google, domains: [ google.com, Gmail.com, googlemail.com ] }\n"
                               "    - { name: buch.example, domains: [ Bücher.example ] }\n"
                               "  smarthosts: [ smtp-relay.gmail.com, Relay.example.net. ]\n";
    static const struct {
        const char *host, *lead, *want;
    } rows[] = {
        /* The host tells. */
        { "outlook.com", "ann@shop.example", "outlook.com" },
        { "google.com", "ann@shop.example", "google" },
        { "googlemail.com", "ann@shop.example", "google" },
        { "xn--bcher-kva.example", "ann@shop.example", "buch.example" },
        /* A smarthost does not; a domain may be that as a host, and in a group for its mailboxes. */
        { "example.net", "ann@shop.example", "shop.example" },
        { "gmail.com", "ann@shop.example", "shop.example" },
        { "gmail.com", "ann@gmail.com", "google" },
        { "example.net", "ann@outlook.com", "outlook.com" },
        /* No host that has a name. */
        { "", "ann@shop.example", "shop.example" },
        { "", "ann@mail.eu.shop.example", "shop.example" },
        { "", "ann@mail.shop.co.uk", "shop.co.uk" },
        { "", "ann@bücher.example", "buch.example" },
        { "", "ann@googlemail.com", "google" },
        { "", "ann@co.uk", "co.uk" }, /* a public suffix can have mailboxes, too */
        { "", "ann@[192.0.2.7]", "" },
        /* What no host is called. */
        { "x}:hold.com", "ann@shop.example", "shop.example" },
        { "a/b.com", "ann@shop.example", "shop.example" },
        { "a b.com", "ann@shop.example", "shop.example" },
        { "", "ann@a23456789.b23456789.c23456789.d23456789.e23456789.f23456789.example",
          "f23456789.example" },
        { "", "ann@a234567890123456789012345678901234567890123456789012345678901.example", "" },
    };
    struct settings *settings = NULL;
    struct err err;

    (void)state;
    if (load_text(&settings, text, &err) < 0)
        fail_msg("%s", err.text);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct address lead = lead_of(rows[i].lead);
        struct span got = settings_provider(settings, span_of(rows[i].host), &lead);

        if (!span_eq(got, span_of(rows[i].want)))
            fail_msg("%s, %s: want \"%s\", got \"%.*s\"", rows[i].host, rows[i].lead, rows[i].want,
                     SPAN_FMT(got));
        assert_true(got.n < PROVIDER_SIZE);
    }
    settings_free(settings);
}

/* The numbers of lead/ and those of the file are one. */
static void test_defaults(void **state)
{
    struct settings *settings = settings_new();
    struct incident_settings numbers;
    struct guard_limits limits;

    (void)state;
    assert_non_null(settings);
    guard_limits_default(&limits);
    assert_memory_equal(&settings->guard.limits, &limits, sizeof(limits));
    incident_settings_default(&numbers);
    assert_memory_equal(&settings->incident.numbers, &numbers, sizeof(numbers));
    assert_true(settings->incident.detect);
    assert_int_equal(settings->incident.when_held, WHEN_HELD_DEFER);
    assert_int_equal(settings->guard.enforce, ENFORCE_ON);
    assert_int_equal(settings->provider_names.n, 0);
    assert_int_equal(settings->smarthosts.n, 0);
    settings_free(settings);
}

/* What config.yaml.example shows of groups, commented out, is good and names every key. */
static void test_example(void **state)
{
    char line[400], text[2000] = "providers:\n";
    size_t n = strlen(text);
    struct settings *settings = NULL;
    bool inside = false;
    struct err err;
    FILE *fp;

    (void)state;
    snprintf(line, sizeof(line), "%s/config.yaml.example", getenv("SOURCE_ROOT"));
    fp = fopen(line, "r");
    assert_non_null(fp);
    while (fgets(line, sizeof(line), fp) != NULL) {
        inside = strncmp(line, "  # ", 4) == 0 && (inside || strcmp(line, "  # groups:\n") == 0);
        if (inside)
            n += (size_t)snprintf(text + n, sizeof(text) - n, "  %s", line + 4);
        assert_true(n < sizeof(text));
    }
    fclose(fp);
    if (load_text(&settings, text, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(settings->providers.groups.n, 1);
    assert_string_equal(settings->provider_names.item[0].name, "microsoft");
    assert_true(settings->provider_names.n > 1);
    settings_free(settings);
}

static void test_errors(void **state)
{
    static const struct {
        const char *text, *want; /* want: behind "path:" */
    } rows[] = {
        { "providers: { groups: [ { domains: [ a.example ] } ] }\n",
          "1:24: providers.groups[0]: a group without a name; `name` is needed" },
        { "providers: { groups: [ { name: 'a b' } ] }\n",
          "1:32: providers.groups[0].name: found \"a b\"; allowed are up to 63 letters, digits, '-', '_' and "
          "'.'" },
        { "providers: { groups: [ { name: '{a}' } ] }\n", "1:32: providers.groups[0].name: found \"{a}\"" },
        { "providers:\n  groups:\n    - name: a\n    - name: a\n",
          "4:7: providers.groups[1].name: a second group of the name \"a\"" },
        { "providers: { groups: [ { name: a, domains: [ mx.a.example ] } ] }\n",
          "1:46: providers.groups[0].domains: found \"mx.a.example\"; allowed is a registrable domain, as "
          "a.example" },
        { "providers: { groups: [ { name: a, domains: [ co.uk ] } ] }\n",
          "1:46: providers.groups[0].domains: found \"co.uk\", which has no registrable domain" },
        { "providers:\n  groups:\n    - { name: a, domains: [ a.example ] }\n    - name: b\n      domains: [ "
          "b.example, A.Example ]\n",
          "5:7: providers.groups[1].domains: found \"A.Example\" a second time; a domain is one provider's" },
        { "providers: { smarthosts: [ 192.0.2.7 ] }\n",
          "1:28: providers.smarthosts: found \"192.0.2.7\", which has no registrable domain" },
        { "incident: { window: 30s }\n", "1:21: incident.window: found \"30s\", out of range" },
        { "incident: { share: 100% }\n", "1:20: incident.share: found \"100%\", out of range" },
        { "guard: { enforce: inherit }\n",
          "1:19: guard.enforce: found \"inherit\"; allowed is on, observe or off" },
        /* What contradicts another key, whose default may be what it contradicts. */
        { "guard:\n  warn: 10%\n  limit: 9%\n",
          "2:3: guard.warn: found 10%, more than guard.limit, which is 9%; allowed is no more" },
        { "guard:\n  limit: 9%\n  warn: 10%\n", "3:3: guard.warn: found 10%, more than guard.limit, which" },
        { "guard: { warn: 9% }\n", "1:10: guard.warn: found 9%, more than guard.limit, which is 8%" },
        { "guard: { limit: 4% }\n",
          "1:10: guard.limit: found 4%, less than guard.warn, which is 5%; allowed is no less" },
        { "incident:\n  hold: 13h\n",
          "2:3: incident.hold: found 13h, more than incident.longest, which is 12h; allowed is no more" },
        { "incident:\n  longest: 10m\n", "2:3: incident.longest: found 10m, less than incident.hold, which" },
        { "redis:\n  retention: 90d\n",
          "2:3: redis.retention: found 90d, less than lifecycle.series_limit, which is 180d; allowed is no" },
        { "lifecycle: { series_limit: 500d }\nredis: { retention: 499d }\n",
          "1:14: lifecycle.series_limit: found 500d, more than redis.retention, which is 499d; allowed is" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct settings *settings = NULL;
        struct err err = { "" };
        char want[400];

        snprintf(want, sizeof(want), "%s:%s", path, rows[i].want);
        if (load_text(&settings, rows[i].text, &err) == 0)
            fail_msg("%s was taken", rows[i].text);
        if (strncmp(err.text, want, strlen(want)) != 0)
            fail_msg("%s\n want %s\n got  %s", rows[i].text, want, err.text);
    }
}

/* As much as the other key is not more. */
static void test_on_the_edge(void **state)
{
    static const char *const rows[] = {
        "guard: { warn: 8% }\n",        "guard: { warn: 100%, limit: 100% }\n",
        "incident: { hold: 12h }\n",    "incident: { longest: 30m }\n",
        "redis: { retention: 180d }\n", "redis: { retention: 90d }\nlifecycle: { series_limit: 90d }\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct settings *settings = NULL;
        struct err err = { "" };

        if (load_text(&settings, rows[i], &err) < 0)
            fail_msg("%s", err.text);
        settings_free(settings);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mapping), cmocka_unit_test(test_defaults),    cmocka_unit_test(test_example),
        cmocka_unit_test(test_errors),  cmocka_unit_test(test_on_the_edge),
    };

    return cmocka_run_group_tests(tests, make_file, remove_file);
}
