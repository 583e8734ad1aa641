/* SPDX-License-Identifier: BSD-2-Clause */
/* One refusal to one cause: the rules are sound as tables, and the evidence is weighed in the right order. */
#include "bounce/reply.h"
#include "leadgate/rules.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The shipped rules; made once, by main(). */
static struct bounce_context context;

static struct finding classify(const char *status, int reply, const char *diag, bool local)
{
    struct finding finding = { .cause = CAUSE_NONE };

    classify_rejection(&context,
                       &(struct rejection){
                           .status = span_of(status), .reply = reply, .diag = span_of(diag), .local = local },
                       &finding);
    return finding;
}

static void expect(const struct finding *finding, enum cause cause, const char *rule)
{
    if (finding->cause != cause || strcmp(finding->rule, rule) != 0)
        fail_msg("want %s by %s, got %s by %s", cause_name(cause), rule, cause_name(finding->cause),
                 finding->rule);
    assert_int_equal(finding->hardness, cause_info(cause)->hardness);
}

static void count_failure(void *ctx, const struct rule_trial *trial)
{
    size_t *failures = ctx;

    if (trial->passed)
        return;
    (*failures)++;
    if (trial->example == NULL)
        print_error("%s:%d: %s has no example\n", trial->rule.path, trial->line, trial->rule.name);
    else
        print_error("%s:%d: decided by %s, not by %s: %s\n", trial->rule.path, trial->line,
                    trial->finding.rule, trial->rule.name, trial->example);
}

/* A rule that others always beat would be dead weight: each has an example, and decides it. */
static void test_each_rule_wins_somewhere(void **state)
{
    size_t failures = 0;
    struct err err = { "" };

    (void)state;
    if (classifier_check(context.classifier, &err) < 0)
        fail_msg("%s", err.text);
    classifier_try(context.classifier, NULL, count_failure, &failures);
    assert_int_equal(failures, 0);
}

static const struct {
    const char *status;
    int reply;
    const char *diag;
    enum cause cause;
    const char *rule;
} remote[] = {
    /* The text tells, whatever the status says. */
    { "5.1.1", 0, "550 5.1.1 <a@b.example>: Recipient address rejected: Mailbox full", CAUSE_MAILBOX_FULL,
      "full.mailbox" },
    { "5.1.1", 0, "550 5.1.1 <a@b.example> over\r\n quota", CAUSE_MAILBOX_FULL, "full.quota" },
    { "5.1.1", 0, "550 5.1.1 user unknown; 192.0.2.1 blocked using bl.example", CAUSE_REPUTATION_BLOCK,
      "reputation.listed" },
    { "5.7.1", 0, "554 5.7.1 Service unavailable; listed at bl.example", CAUSE_REPUTATION_BLOCK,
      "reputation.listed" },
    { "5.7.1", 0, "550 5.7.1 <a@b.example>: User unknown", CAUSE_USER_UNKNOWN, "unknown.predicate" },
    { "5.1.1", 0, "550 5.1.1 rate limit exceeded", CAUSE_RATE_LIMITED, "rate.limited" },
    { "5.4.1", 0, "550 5.4.1 Recipient address rejected: Access denied. [x.prod.example]", CAUSE_USER_UNKNOWN,
      "microsoft.access-denied" },
    { "5.1.10", 0, "550 5.1.10 RESOLVER.ADR.RecipientNotFound; not found", CAUSE_USER_UNKNOWN,
      "microsoft.not-in-directory" },
    { "5.1.0", 0, "550 5.1.0 <n@s.example>: Sender address rejected: User unknown", CAUSE_SENDER_REFUSED,
      "sender.refused" },
    /* A telling status beats weak words; weak words beat a weak status. */
    { "5.2.1", 0, "550 5.2.1 that does not exist", CAUSE_MAILBOX_DISABLED, "status:x.2.1" },
    { "5.7.1", 0, "550 5.7.1 rejected for policy reasons", CAUSE_POLICY_BLOCK, "generic.policy" },
    { "5.7.1", 0, "550 5.7.1 spam", CAUSE_SPAM_BLOCK, "generic.spam" },
    { "5.7.1", 0, "550 5.7.1 no", CAUSE_POLICY_BLOCK, "status:x.7.1" },
    { "5.7.17", 0, "550 5.7.17 new owner", CAUSE_RECIPIENT_MOVED, "status:x.7.17" },
    { "5.1.1", 0, "", CAUSE_USER_UNKNOWN, "status:x.1.1" },
    /* The reply's own code, where the Status field says nothing. */
    { "5.0.0", 0, "552-5.2.2 no 552 5.2.2 room", CAUSE_MAILBOX_FULL, "status:x.2.2" },
    { "", 0, "sorry (#5.1.1)", CAUSE_USER_UNKNOWN, "status:x.1.1" },
    { "5.0.0", 0, "552 no room", CAUSE_MAILBOX_FULL, "reply:552" },
    { "5.5.0", 521, "go away", CAUSE_DOMAIN_MISCONFIGURED, "reply:521" },
    { "5.0.0", 0, "550 no", CAUSE_UNDETERMINED, "nothing matched" },
    { "", 0, "", CAUSE_UNDETERMINED, "nothing matched" },
    /* Time ran out: the last reply's cause, where it had one. */
    { "4.2.2", 0, "452 4.2.2 come back", CAUSE_MAILBOX_FULL, "status:x.2.2" },
    { "4.2.0", 0, "450 4.2.0 come back", CAUSE_EXPIRED, "given-up:status" },
    { "", 0, "451 come back", CAUSE_EXPIRED, "given-up:reply" },
    { "4.4.7", 0, "", CAUSE_EXPIRED, "generic.expired-status" },
    { "4.0.0", 0, "450 Requested mail action not taken: mailbox unavailable", CAUSE_EXPIRED, "generic.busy" },
    /* What is in a name or a link is no reason. */
    { "5.7.1", 0, "554 5.7.1 <spam.mailbox-full@b.example> see https://b.example/no%20such%20user",
      CAUSE_POLICY_BLOCK, "status:x.7.1" },
    { "5.0.0", 0, "550 user.unknown@b.example: no", CAUSE_UNDETERMINED, "nothing matched" },
    /* Our own refusal, however it was wrapped. */
    { "5.1.1", 0, "550 5.1.1 mailbox full until 2026-11-09 [leadgate-suppressed]", CAUSE_SUPPRESSED,
      "our own refusal" },
    { "5.1.1", 0, "550 5.1.1 mailbox full until 2026-11-09 [lead\r\n\tgate-suppressed]", CAUSE_SUPPRESSED,
      "our own refusal" },
};

static void test_order_of_evidence(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(remote) / sizeof(remote[0]); i++) {
        struct finding finding = classify(remote[i].status, remote[i].reply, remote[i].diag, false);

        expect(&finding, remote[i].cause, remote[i].rule);
    }
}

/* The text for people is asked after the server's words in each stage, but before the next stage. */
static void test_text_for_people(void **state)
{
    static const struct {
        const char *status, *diag, *human;
        enum cause cause;
    } rows[] = {
        { "", "", "Your message could not be delivered: the mailbox is full.", CAUSE_MAILBOX_FULL },
        { "5.1.1", "550 5.1.1 user unknown", "The mailbox is full.", CAUSE_USER_UNKNOWN },
        { "5.0.0", "554 delivery error", "The mailbox is full.", CAUSE_MAILBOX_FULL },
        { "5.1.1", "", "The mailbox is full.", CAUSE_MAILBOX_FULL },
        { "", "", "ann: sorry (#5.1.1)", CAUSE_USER_UNKNOWN },
        { "", "", "host mx.b.example said: 552 no", CAUSE_MAILBOX_FULL },
        { "5.1.1", "", "Refused [leadgate-suppressed]", CAUSE_SUPPRESSED },
        /* The footers of scanners and the advice of notices are no reasons. */
        { "5.1.1", "", "This e-mail has been scanned for all viruses by a gateway.", CAUSE_USER_UNKNOWN },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct finding finding = { .cause = CAUSE_NONE };

        classify_rejection(&context,
                           &(struct rejection){ .status = span_of(rows[i].status),
                                                .diag = span_of(rows[i].diag),
                                                .human = span_of(rows[i].human) },
                           &finding);
        if (finding.cause != rows[i].cause)
            fail_msg("row %zu: %s by %s", i, cause_name(finding.cause), finding.rule);
    }
}

/* One thing said in many ways: words that no example has, so that the families are tested, not the examples.
 */
static void test_families(void **state)
{
    static const struct {
        const char *diag;
        enum cause cause;
    } rows[] = {
        { "550 The account you are mailing does not exist", CAUSE_USER_UNKNOWN },
        { "550 5.7.1 recipient not found", CAUSE_USER_UNKNOWN },
        { "550 No mailbox with this name", CAUSE_USER_UNKNOWN },
        { "550 there is no such customer", CAUSE_USER_UNKNOWN },
        { "553 nonexistent recipient", CAUSE_USER_UNKNOWN },
        { "550 El buzón no existe", CAUSE_USER_UNKNOWN },
        { "550 L'utilisateur n'existe pas", CAUSE_USER_UNKNOWN },
        { "550 Destinatário desconhecido", CAUSE_USER_UNKNOWN },
        { "550 ПОЛЬЗОВАТЕЛЬ НЕ НАЙДЕН", CAUSE_USER_UNKNOWN },
        { "550 Unbekannter Empfänger", CAUSE_USER_UNKNOWN },
        { "550 该用户不存在", CAUSE_USER_UNKNOWN },
        { "452 the user has reached the storage quota", CAUSE_MAILBOX_FULL },
        { "550 user's mailbox is over its size limit", CAUSE_MAILBOX_FULL },
        { "550 El destinatario ha superado su cuota de espacio", CAUSE_MAILBOX_FULL },
        { "550 account temporarily suspended", CAUSE_MAILBOX_DISABLED },
        { "550 this mailbox has been deactivated", CAUSE_MAILBOX_DISABLED },
        { "550 5.1.1 your server is on our block list", CAUSE_REPUTATION_BLOCK },
        { "550 sender domain does not exist", CAUSE_SENDER_REFUSED },
        { "550 we do not relay for that domain", CAUSE_RELAY_DENIED },
        { "550 message was classified as junk mail", CAUSE_SPAM_BLOCK },
        { "552 your attachment is too big", CAUSE_MESSAGE_TOO_BIG },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct finding finding = classify("", 0, rows[i].diag, false);

        if (finding.cause != rows[i].cause)
            fail_msg("%s: %s by %s", rows[i].diag, cause_name(finding.cause), finding.rule);
    }
}

static struct finding classify_human(const char *human)
{
    struct finding finding = { .cause = CAUSE_NONE };

    classify_rejection(&context, &(struct rejection){ .human = span_of(human) }, &finding);
    return finding;
}

/* Cuts the next column off a line. */
static const char *next_column(char **line)
{
    return strsep(line, "\t\n");
}

/* The known forms: test/data/refusals.tsv. */
static void test_refusals(void **state)
{
    const char *data = getenv("TEST_DATA");
    char path[4096], text[1024], *line;
    size_t n = 0, wrong = 0;
    FILE *fp;

    (void)state;
    snprintf(path, sizeof(path), "%s/refusals.tsv", data == NULL ? "test/data" : data);
    assert_non_null(fp = fopen(path, "re"));
    while ((line = fgets(text, sizeof(text), fp)) != NULL) {
        const char *cause, *status, *diag;
        struct finding finding;

        if (line[0] == '#')
            continue;
        cause = next_column(&line);
        status = next_column(&line);
        diag = next_column(&line);
        assert_non_null(diag);
        finding = strcmp(status, "human") == 0 ? classify_human(diag) : classify(status, 0, diag, false);
        n++;
        if (strcmp(cause, "soft") == 0 ? finding.hardness != HARDNESS_SOFT
                                       : strcmp(cause_name(finding.cause), cause) != 0) {
            wrong++;
            print_error("%s by %s, not %s: %s\n", cause_name(finding.cause), finding.rule, cause, diag);
        }
    }
    fclose(fp);
    assert_true(n > 700);
    assert_int_equal(wrong, 0);
}

static void *classify_often(void *arg)
{
    size_t *right = arg;

    for (int i = 0; i < 200; i++) {
        *right += classify("", 0, "550 the mailbox is full", false).cause == CAUSE_MAILBOX_FULL;
        *right += classify("", 0, "550 unknown user", false).cause == CAUSE_USER_UNKNOWN;
    }
    return NULL;
}

/* A classifier is shared by the milter's threads, and compiles patterns when they are first needed. */
static void test_threads(void **state)
{
    const struct classifier *shared = context.classifier;
    struct classifier *fresh;
    pthread_t threads[4];
    size_t right[4] = { 0 };
    struct err err;

    (void)state;
    assert_non_null(fresh = classifier_new(NULL, 0, &err));
    context.classifier = fresh;
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, classify_often, &right[i]), 0);
    for (size_t i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(right[i], 400);
    }
    context.classifier = shared;
    classifier_free(fresh);
}

static void test_local_verdict(void **state)
{
    static const struct {
        const char *status, *diag;
        enum cause cause;
    } rows[] = {
        { "5.1.0", "Domain b.example does not accept mail (nullMX)", CAUSE_DOMAIN_MISCONFIGURED },
        { "5.4.6", "mail for b.example loops back to myself", CAUSE_DOMAIN_MISCONFIGURED },
        { "5.4.4",
          "Host or domain name not found. Name service error for name=b.example type=A: Host not found",
          CAUSE_DOMAIN_UNKNOWN },
        { "4.4.3",
          "Host or domain name not found. Name service error for name=b.example type=MX: Host not found, try "
          "again",
          CAUSE_NETWORK_ERROR },
        { "4.4.1", "connect to b.example[192.0.2.1]:25: Connection timed out", CAUSE_NETWORK_ERROR },
        { "4.4.2", "lost connection with b.example[192.0.2.1] while sending end of data",
          CAUSE_NETWORK_ERROR },
        { "5.1.1", "unknown user: \"ann\"", CAUSE_USER_UNKNOWN },
        { "5.2.2", "maildir delivery failed: create maildir file: Disk quota exceeded", CAUSE_MAILBOX_FULL },
        { "4.3.0", "something new", CAUSE_REMOTE_SYSTEM },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(classify(rows[i].status, 0, rows[i].diag, true).cause, rows[i].cause);
}

static void test_codes_are_read_where_codes_stand(void **state)
{
    static const struct {
        const char *text;
        int reply;
        const char *status;
    } rows[] = {
        { "550 5.1.1 no such user", 550, "5.1.1" },
        { "550-5.7.26 a 550-5.7.26 b 550 5.7.26 c", 550, "5.7.26" },
        { "550 no such user", 550, "" },
        { "550", 550, "" },
        { "host mx[192.0.2.1] said: 451 4.3.0 later", 451, "4.3.0" },
        { "5.1.1 smtp;550 5.1.1 no", 550, "5.1.1" },
        { "5.0.0 and then 550-5.2.1 no", 550, "5.2.1" },
        { "5.1.1", 0, "5.1.1" },
        { "(#5.1.1)", 0, "5.1.1" },
        { "mail server 4.94.2 at 5.1.1.1 took 500 messages", 0, "" },
        { "size 552000 exceeded", 0, "" },
        { "x5.1.1 15.1.1 5.1.1234 5.1. 5..1 6.1.1", 0, "" },
        { "", 0, "" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char status[STATUS_SIZE];

        assert_int_equal(reply_find_code(span_of(rows[i].text)), rows[i].reply);
        reply_find_status(status, span_of(rows[i].text));
        assert_string_equal(status, rows[i].status);
    }
}

static void test_normal_form(void **state)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        { "550-5.2.2 Mailbox is over\n 550 5.2.2 QUOTA", "mailbox is over quota" },
        { "<a@b.example>: Recipient  address\trejected", "@: recipient address rejected" },
        { "a@b.example: no (see http://b.example/why?x=no+user)", "@: no (see http://b.example)" },
        { "see help.b.example/no-such-user", "see help.b.example" },
        { "USUÁRIO Não DOESN’T", "usuario nao doesn't" },
        { "メール\r\n ボックス \xff", "メールボックス ?" },
        { "550-Message refused", "message refused" },
        { "", "" },
    };
    char dst[64], small[8];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(reply_normalise(dst, sizeof(dst), span_of(rows[i].text)), strlen(rows[i].want));
        assert_string_equal(dst, rows[i].want);
    }
    assert_int_equal(reply_normalise(small, sizeof(small), SPAN("mailbox full")), sizeof(small) - 1);
    assert_string_equal(small, "mailbox");
}

/* A word may be torn by folds; where nothing is said, none is found, and nothing is read. */
static void test_unfolded_words(void **state)
{
    (void)state;
    assert_true(reply_has_unfolded(SPAN("550 mail box un\n avail able"), SPAN("unavailable")));
    assert_false(reply_has_unfolded(SPAN("550 unavail"), SPAN("unavailable")));
    assert_false(reply_has_unfolded((struct span){ NULL, 0 }, SPAN("unavailable")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unfolded_words),
        cmocka_unit_test(test_each_rule_wins_somewhere),
        cmocka_unit_test(test_order_of_evidence),
        cmocka_unit_test(test_text_for_people),
        cmocka_unit_test(test_families),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_local_verdict),
        cmocka_unit_test(test_codes_are_read_where_codes_stand),
        cmocka_unit_test(test_normal_form),
    };
    struct classifier *classifier;
    struct err err;
    int failed;

    context.classifier = classifier = classifier_new(NULL, 0, &err);
    failed = classifier == NULL ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
    classifier_free(classifier);
    return failed;
}
