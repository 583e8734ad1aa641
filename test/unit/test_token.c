/* SPDX-License-Identifier: BSD-2-Clause */
/* Tokens: what is signed is found good, all else is not; keys rotate; a path carries its recipient home. */
#include "leadgate/keyring.h"
#include "leadgate/token.h"

#include "core/base32.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "some_address.h"

#define DAY      ((int64_t)24 * 60 * 60)
#define T0       (INT64_C(20000) * DAY + 7 * 60 * 60)
#define LIFETIME (10 * DAY)

static char folder[] = "/tmp/test_token_XXXXXX";
static char paths[3][64];

static struct keyring *ring_of(const char *first, const char *second)
{
    const char *files[] = { first, second };
    struct err err = { "" };
    struct keyring *ring = keyring_load(files, second != NULL ? 2 : first != NULL ? 1 : 0, &err);

    if (ring == NULL)
        fail_msg("%s", err.text);
    return ring;
}

static int make_keys(void **state)
{
    struct err err;

    (void)state;
    assert_non_null(mkdtemp(folder));
    for (int i = 0; i < 3; i++) {
        snprintf(paths[i], sizeof(paths[i]), "%s/key%d", folder, i);
        assert_int_equal(keyring_create(paths[i], &err), 0);
    }
    return 0;
}

static int remove_keys(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        unlink(paths[i]);
    return rmdir(folder);
}

static struct token_claim claim_of(const char *lead)
{
    return (struct token_claim){ .kind = TOKEN_BOUNCE,
                                 .domain = SPAN("bounces.example.com"),
                                 .subject = span_of(lead) };
}

/* RFC 4648 10, in small letters and without padding. */
static void base32_vectors(void **state)
{
    static const char *const rows[][2] = { { "", "" },
                                           { "f", "my" },
                                           { "fo", "mzxq" },
                                           { "foo", "mzxw6" },
                                           { "foob", "mzxw6yq" },
                                           { "fooba", "mzxw6ytb" },
                                           { "foobar", "mzxw6ytboi" } };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        size_t n = strlen(rows[i][0]);
        char text[16] = "";
        unsigned char bytes[8] = "";

        base32_encode(text, (const unsigned char *)rows[i][0], n);
        assert_string_equal(text, rows[i][1]);
        assert_true(base32_decode(bytes, n, span_of(text)));
        assert_memory_equal(bytes, rows[i][0], n);
    }
    assert_false(base32_decode((unsigned char[1]){ 0 }, 1, SPAN("m1")));
    assert_false(base32_decode((unsigned char[1]){ 0 }, 1, SPAN("mz"))); /* bits left over */
    assert_false(base32_decode((unsigned char[1]){ 0 }, 1, SPAN("m")));
}

static void good(void **state)
{
    struct keyring *ring = ring_of(paths[0], NULL);
    struct token_claim claim = claim_of("ann@example.com"), upper = claim_of("ANN@example.COM");
    char token[TOKEN_SIZE], other[TOKEN_SIZE], folded[TOKEN_SIZE];

    (void)state;
    assert_true(token_make(token, ring, &claim, SPAN("4XkZ2d"), T0));
    assert_int_equal(strlen(token), TOKEN_LENGTH);
    assert_int_equal(token_check(ring, span_of(token), &claim, T0, LIFETIME), TOKEN_GOOD);
    assert_int_equal(token_check(ring, span_of(token), &upper, T0, LIFETIME), TOKEN_GOOD);
    for (size_t i = 0; i <= TOKEN_LENGTH; i++)
        folded[i] = (char)(token[i] >= 'a' && token[i] <= 'z' ? token[i] - 'a' + 'A' : token[i]);
    assert_int_equal(token_check(ring, span_of(folded), &claim, T0, LIFETIME), TOKEN_GOOD);
    assert_true(token_make(other, ring, &claim, SPAN("4XkZ2e"), T0));
    assert_string_not_equal(token, other);
    keyring_free(ring);
}

/* Every bit counts: of the token, and of what it vouches for. */
static void forged(void **state)
{
    struct keyring *ring = ring_of(paths[0], NULL);
    struct token_claim claim = claim_of("ann@example.com"), wrong;
    char token[TOKEN_SIZE];

    (void)state;
    assert_true(token_make(token, ring, &claim, SPAN("q"), T0));
    for (size_t i = 0; i < TOKEN_LENGTH; i++) {
        for (unsigned digit = 0; digit < 32; digit++) {
            char changed[TOKEN_SIZE];

            memcpy(changed, token, sizeof(changed));
            changed[i] = base32_digit(digit);
            if (changed[i] != token[i])
                assert_int_not_equal(token_check(ring, span_of(changed), &claim, T0, LIFETIME), TOKEN_GOOD);
        }
    }
    wrong = claim;
    wrong.subject = SPAN("bob@example.com");
    assert_int_equal(token_check(ring, span_of(token), &wrong, T0, LIFETIME), TOKEN_FORGED);
    wrong = claim;
    wrong.domain = SPAN("bounces.example.org");
    assert_int_equal(token_check(ring, span_of(token), &wrong, T0, LIFETIME), TOKEN_FORGED);
    wrong = claim;
    wrong.stream = SPAN("news");
    assert_int_equal(token_check(ring, span_of(token), &wrong, T0, LIFETIME), TOKEN_FORGED);
    wrong = claim;
    wrong.kind = TOKEN_UNSUBSCRIBE;
    assert_int_equal(token_check(ring, span_of(token), &wrong, T0, LIFETIME), TOKEN_FORGED);
    /* Fields do not run into each other. */
    wrong = claim;
    wrong.domain = SPAN("bounces.example.comann");
    wrong.subject = SPAN("@example.com");
    assert_int_equal(token_check(ring, span_of(token), &wrong, T0, LIFETIME), TOKEN_FORGED);
    keyring_free(ring);
}

static void no_token(void **state)
{
    static const char *const rows[] = { "",
                                        "b",
                                        "x234567234567234567abcd",
                                        "b23456723456723456 abcd",
                                        "b234567234567234567abc",
                                        "b234567234567234567abcde",
                                        "b\xff 3456723456723456abcd" };
    struct keyring *ring = ring_of(paths[0], NULL), *empty = ring_of(NULL, NULL);
    struct token_claim claim = claim_of("ann@example.com");
    char token[TOKEN_SIZE], subject[ADDRESS_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(token_check(ring, span_of(rows[i]), &claim, T0, LIFETIME), TOKEN_NONE);
        assert_int_not_equal(token_open(ring, span_of(rows[i]), &claim, subject, T0, LIFETIME), TOKEN_GOOD);
    }
    claim = claim_of("ann@example.com");
    assert_false(token_make(token, empty, &claim, SPAN("q"), T0));
    assert_true(token_make(token, ring, &claim, SPAN("q"), T0));
    assert_int_equal(token_check(empty, span_of(token), &claim, T0, LIFETIME), TOKEN_FORGED);
    keyring_free(empty);
    keyring_free(ring);
}

static void days(void **state)
{
    static const struct {
        int64_t later;
        enum token_rc rc;
    } rows[] = { { 0, TOKEN_GOOD },
                 { 10 * DAY, TOKEN_GOOD },
                 { 11 * DAY, TOKEN_EXPIRED },
                 { -DAY, TOKEN_GOOD },
                 { -2 * DAY, TOKEN_EXPIRED },
                 { 400 * DAY, TOKEN_EXPIRED },
                 { 16384 * DAY, TOKEN_EXPIRED } };
    struct keyring *ring = ring_of(paths[0], NULL);
    struct token_claim claim = claim_of("ann@example.com");
    char token[TOKEN_SIZE];

    (void)state;
    assert_true(token_make(token, ring, &claim, SPAN("q"), T0));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(token_check(ring, span_of(token), &claim, T0 + rows[i].later, LIFETIME), rows[i].rc);
    keyring_free(ring);
}

static void rotation(void **state)
{
    struct keyring *old = ring_of(paths[0], NULL), *both = ring_of(paths[1], paths[0]);
    struct keyring *fresh = ring_of(paths[1], NULL);
    struct token_claim claim = claim_of("ann@example.com");
    char before[TOKEN_SIZE], after[TOKEN_SIZE];

    (void)state;
    assert_true(token_make(before, old, &claim, SPAN("q"), T0));
    assert_true(token_make(after, both, &claim, SPAN("q"), T0));
    assert_int_equal(token_check(both, span_of(before), &claim, T0, LIFETIME), TOKEN_GOOD);
    assert_int_equal(token_check(both, span_of(after), &claim, T0, LIFETIME), TOKEN_GOOD);
    assert_int_equal(token_check(fresh, span_of(before), &claim, T0, LIFETIME), TOKEN_FORGED);
    assert_int_equal(token_check(old, span_of(after), &claim, T0, LIFETIME), TOKEN_FORGED);
    keyring_free(old);
    keyring_free(both);
    keyring_free(fresh);
}

static void sealed(void **state)
{
    struct keyring *ring = ring_of(paths[1], paths[0]);
    char token[TOKEN_SEALED_SIZE], subject[ADDRESS_SIZE], lead[ADDRESS_SIZE + 1];

    (void)state;
    for (size_t n = 3; n < ADDRESS_SIZE; n += n < 40 ? 1 : 57) {
        struct token_claim claim, open;

        memset(lead, 'a', n);
        lead[1] = '@';
        lead[n] = '\0';
        claim = claim_of(lead);
        open = claim_of("");
        assert_true(token_seal(token, ring, &claim, SPAN("q"), T0));
        assert_null(strchr(token, '@'));
        assert_int_equal(token_open(ring, span_of(token), &open, subject, T0, LIFETIME), TOKEN_GOOD);
        assert_string_equal(subject, lead);
        assert_int_equal(open.subject.n, n);
        /* What is hidden is vouched for, too. */
        token[TOKEN_LENGTH] = base32_digit((unsigned)base32_value(token[TOKEN_LENGTH]) ^ 1);
        assert_int_equal(token_open(ring, span_of(token), &open, subject, T0, LIFETIME), TOKEN_FORGED);
    }
    memset(lead, 'a', ADDRESS_SIZE);
    lead[ADDRESS_SIZE] = '\0';
    assert_false(token_seal(token, ring,
                            &(struct token_claim){ TOKEN_BOUNCE, SPAN("x"), span_of(lead), SPAN_NONE },
                            SPAN("q"), T0));
    keyring_free(ring);
}

static void path(void **state)
{
    static const char *const leads[] = { "ann@example.com", "a=b+c@x.example",
                                         "a.b-c_d@xn--bcher-kva.example" };
    struct keyring *ring = ring_of(paths[0], NULL);
    struct address base = address_of("bounces@our.example"), made, read, lead;
    struct address_rules rules = { .fold_local_part = true };
    char token[TOKEN_SIZE];
    struct span found;

    (void)state;
    for (size_t i = 0; i < sizeof(leads) / sizeof(leads[0]); i++) {
        struct token_claim claim = claim_of(leads[i]);

        lead = address_of(leads[i]);
        assert_true(token_make(token, ring, &claim, SPAN("q"), T0));
        assert_true(token_path_make(&made, &base, span_of(token), &lead));
        assert_int_equal(made.n, strlen(made.text));
        assert_true(address_covers(&base, &made));
        made = address_of(made.text);
        assert_true(token_path_split(&made, &found, &read, &rules));
        assert_string_equal(read.text, leads[i]);
        assert_int_equal(token_check(ring, found, &claim, T0, LIFETIME), TOKEN_GOOD);
    }
    keyring_free(ring);
}

/* 64 octets are the most, and one more is too many; odd local parts stay at home. */
static void path_refused(void **state)
{
    static const char token[] = "b234567234567234567abcd";
    struct address base = address_of("bounces@our.example"), made, lead;
    /* bounces + 23 = lead = domain: 7 + 1 + 23 + 1 + n + 1 + 11 */
    char text[64];

    (void)state;
    snprintf(text, sizeof(text), "%.20s@example.com", "aaaaaaaaaaaaaaaaaaaaaaaaa");
    lead = address_of(text);
    assert_true(token_path_make(&made, &base, span_of(token), &lead));
    assert_int_equal(address_local(&made).n, 64);
    snprintf(text, sizeof(text), "%.21s@example.com", "aaaaaaaaaaaaaaaaaaaaaaaaa");
    lead = address_of(text);
    assert_false(token_path_make(&made, &base, span_of(token), &lead));
    lead = address_of("\"a b\"@x.example");
    assert_false(token_path_make(&made, &base, span_of(token), &lead));
    lead = address_of("a!b@x.example");
    assert_false(token_path_make(&made, &base, span_of(token), &lead));
    lead = address_of("m\xc3\xbcller@x.example");
    assert_false(token_path_make(&made, &base, span_of(token), &lead));
}

static void path_not_one(void **state)
{
    static const char *const rows[] = { "bounces@our.example",
                                        "bounces+c42@our.example",
                                        "bounces+b234567234567234567abcd@our.example",
                                        "bounces+b234567234567234567abcd=@our.example",
                                        "bounces+b234567234567234567abcd=ann@our.example",
                                        "bounces+b234567234567234567abcd==x.example@our.example",
                                        "b234567234567234567abcd=ann=x.example@our.example" };
    struct address_rules rules = { .fold_local_part = true };
    struct address lead;
    struct span token;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct address row = address_of(rows[i]);

        if (token_path_split(&row, &token, &lead, &rules))
            fail_msg("%s", rows[i]);
    }
}

static void key_files(void **state)
{
    char bad[96];
    const char *files[] = { paths[0], bad };
    struct err err;
    struct stat st;
    FILE *fp;

    (void)state;
    assert_int_equal(stat(paths[0], &st), 0);
    assert_int_equal(st.st_mode & 0007, 0);
    assert_int_equal(keyring_create(paths[0], &err), -1); /* never over an old one */
    assert_non_null(strstr(err.text, "File exists"));

    snprintf(bad, sizeof(bad), "%s/bad", folder);
    assert_null(keyring_load(files, 2, &err));
    assert_non_null(strstr(err.text, "No such file"));
    fp = fopen(bad, "w");
    assert_non_null(fp);
    fputs("leadgate-key-1 short\n", fp);
    fclose(fp);
    chmod(bad, 0600);
    assert_null(keyring_load(files, 2, &err));
    assert_non_null(strstr(err.text, "holds no key"));
    assert_null(strstr(err.text, "short"));
    chmod(bad, 0604);
    assert_null(keyring_load(files, 2, &err));
    assert_non_null(strstr(err.text, "others"));
    unlink(bad);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base32_vectors), cmocka_unit_test(good),      cmocka_unit_test(forged),
        cmocka_unit_test(no_token),       cmocka_unit_test(days),      cmocka_unit_test(rotation),
        cmocka_unit_test(sealed),         cmocka_unit_test(path),      cmocka_unit_test(path_refused),
        cmocka_unit_test(path_not_one),   cmocka_unit_test(key_files),
    };

    return cmocka_run_group_tests(tests, make_keys, remove_keys);
}
