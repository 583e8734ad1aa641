/* SPDX-License-Identifier: BSD-2-Clause */
/* What the milter believes of what comes in, without libmilter and without Redis: which of it is applied,
 * which is set aside, and who leaves a stream. */
#include "milter/message.h"

#include "captured_log.h"
#include "leadgate/keyring.h"
#include "leadgate/signing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "some_address.h"

#define NOW INT64_C(1796083200)
#define DAY INT64_C(86400)

static char folder[] = "/tmp/test_incoming_XXXXXX";

/* --- the house --- */

/* What was done, in words: `bounce ann@example.com user-unknown token`, with ` mild` or ` aside` behind it.
 */
struct house {
    struct settings *settings;
    struct message *message;
    enum store_rc rc, aside_rc;
    char done[1024];
    struct captured_log log;
};

static struct house house;

static void note(const struct event *event, const char *how)
{
    size_t n = strlen(house.done);

    snprintf(house.done + n, sizeof(house.done) - n, "%s%s %s %s%s%.*s %s%s", n > 0 ? "; " : "",
             event_type_name(event->type), event->lead.text, cause_name(event->cause),
             event->stream.n > 0 ? " " : "", SPAN_FMT(event->stream),
             event->proof != NULL ? event->proof : "-", how);
}

static enum store_rc apply(void *ctx, const struct event *events, size_t n, int64_t now,
                           struct outcome *outcomes, struct err *err)
{
    (void)ctx;
    (void)now;
    err_set(err, "connection refused");
    for (size_t i = 0; house.rc == STORE_OK && i < n; i++) {
        assert_int_equal(events[i].at, NOW);
        note(&events[i], events[i].unverified ? " mild" : "");
        outcomes[i] = (struct outcome){ .effect = EFFECT_STRIKE };
    }
    return house.rc;
}

static enum store_rc set_aside(void *ctx, const struct event *events, size_t n, struct err *err)
{
    (void)ctx;
    err_set(err, "connection refused");
    for (size_t i = 0; house.aside_rc == STORE_OK && i < n; i++)
        note(&events[i], " aside");
    return house.aside_rc;
}

static struct settings *settings_of(const char *authenticity, const char *more)
{
    char path[64];
    struct settings *settings;
    struct err err;
    FILE *fp;

    snprintf(path, sizeof(path), "%s/config.yaml", folder);
    fp = fopen(path, "w");
    assert_non_null(fp);
    fprintf(fp,
            "milter: { bounce_addresses: [ bounces@our.example ], after_bounce: discard%s }\n"
            "signing: { keys: [ %s/key ], local_hosts: [ mx.our.example ], authenticity: %s }\n"
            "streams:\n"
            "  - { name: news, match: { sender: [ news.example ] }, unsubscribe: leave@our.example }\n"
            "  - { name: rest }\n",
            more, folder, authenticity);
    fclose(fp);
    if (settings_load(&settings, path, &err) < 0)
        fail_msg("%s", err.text);
    unlink(path);
    return settings;
}

static int set_up(void **state)
{
    char key[64];
    struct err err;

    (void)state;
    bounce_init();
    assert_non_null(mkdtemp(folder));
    snprintf(key, sizeof(key), "%s/key", folder);
    return keyring_create(key, &err);
}

static int tear_down(void **state)
{
    char key[64];

    (void)state;
    snprintf(key, sizeof(key), "%s/key", folder);
    unlink(key);
    return rmdir(folder);
}

static void open_house(const char *authenticity, const char *more)
{
    house = (struct house){ .settings = settings_of(authenticity, more),
                            .message = message_new(),
                            .rc = STORE_OK,
                            .aside_rc = STORE_OK };
    captured_log_begin(&house.log);
}

static void close_house(void)
{
    captured_log_end(&house.log);
    message_free(house.message);
    settings_free(house.settings);
}

static bool was_logged(const char *words)
{
    return strstr(captured_log_text(&house.log), words) != NULL;
}

/* --- mails --- */

static const char *header_token(const char *lead, int64_t at)
{
    static char token[TOKEN_SEALED_SIZE];
    struct address sender = address_of("bounces@our.example"), address = address_of(lead);

    assert_true(signing_header(token, house.settings, &sender, &address, SPAN("q"), at));
    return token;
}

static const char *path_of(const char *lead)
{
    static struct address path;
    struct address base = address_of("bounces@our.example"), address = address_of(lead);
    const struct token_claim claim = { .kind = TOKEN_BOUNCE,
                                       .domain = SPAN("our.example"),
                                       .subject = address_span(&address) };
    char token[TOKEN_SIZE];

    assert_true(token_make(token, house.settings->keyring, &claim, SPAN("q"), NOW));
    assert_true(token_path_make(&path, &base, span_of(token), &address));
    return path.text;
}

static const char *leave_of(const char *lead, int64_t at)
{
    static struct address path;
    struct address address = address_of(lead);

    assert_true(signing_unsubscribe_path(&path, house.settings, &house.settings->streams.item[0], &address,
                                         SPAN("q"), at));
    return path.text;
}

struct mail {
    bool local;
    const char *sender, *to, *also; /* without <> */
    const char *header;             /* on top of the bounce's own */
    const char *token;              /* in the returned mail */
    const char *body;               /* in place of a bounce of ann@example.com's */
};

static void say_header(const char *name, const char *value)
{
    message_header(house.message, span_of(name), span_of(value));
}

static void say_bounce(const struct mail *mail)
{
    char text[4096];

    say_header("From", "MAILER-DAEMON@remote.example");
    say_header("Subject", "Undelivered Mail Returned to Sender");
    say_header("Content-Type", "multipart/report; report-type=delivery-status; boundary=b");
    message_eoh(house.message);
    snprintf(text, sizeof(text),
             "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; r.example\r\n\r\n"
             "Final-Recipient: rfc822; ann@example.com\r\nAction: failed\r\nStatus: 5.1.1\r\n"
             "Diagnostic-Code: smtp; 550 5.1.1 no such user\r\n\r\n"
             "--b\r\nContent-Type: message/rfc822\r\n\r\n%s%s%sSubject: News\r\nMessage-ID: "
             "<m1@our.example>\r\n\r\nx\r\n--b--\r\n",
             mail->token != NULL ? "X-Leadgate-Token: " : "", mail->token != NULL ? mail->token : "",
             mail->token != NULL ? "\r\n" : "");
    message_body(house.message, span_of(text));
}

static enum verdict say_end(void)
{
    enum verdict verdict = message_end(house.message, SPAN("4XkQ"), NOW);

    message_reset(house.message);
    return verdict;
}

static enum verdict receive(const struct mail *mail)
{
    const struct message_rules rules = { .settings = house.settings,
                                         .store = { .apply = apply, .set_aside = set_aside } };
    const struct message_origin origin = { .local = mail->local,
                                           .daemon = SPAN("smtpd"),
                                           .client_address =
                                               mail->local ? SPAN("127.0.0.1") : SPAN("192.0.2.1"),
                                           .sasl_username = SPAN_NONE,
                                           .server_port = SPAN_NONE };
    char sender[512], to[600];
    enum verdict verdict;

    house.done[0] = '\0';
    snprintf(sender, sizeof(sender), mail->local ? "%s" : "<%s>", mail->sender != NULL ? mail->sender : "");
    if ((verdict = message_mail(house.message, &rules, &origin, span_of(sender))) != VERDICT_CONTINUE)
        return verdict;
    snprintf(to, sizeof(to), "<%s>", mail->to != NULL ? mail->to : "bounces@our.example");
    message_recipient(house.message, span_of(to));
    snprintf(to, sizeof(to), "<%s>", mail->also != NULL ? mail->also : "");
    if (mail->also != NULL)
        message_recipient(house.message, span_of(to));
    if ((verdict = message_data(house.message, SPAN("4XkQ"), NOW)) != VERDICT_CONTINUE)
        return verdict;
    if (mail->header != NULL)
        say_header("Received", mail->header);
    if (mail->body == NULL) {
        say_bounce(mail);
    } else {
        say_header("From", "Ann <ann@example.com>");
        say_header("Subject", "Hello");
        message_eoh(house.message);
        message_body(house.message, span_of(mail->body));
    }
    return say_end();
}

/* --- tests --- */

static void what_vouches_for_it(void **state)
{
    (void)state;
    open_house("require", "");
    receive(&(struct mail){ .token = header_token("ann@example.com", NOW - DAY) });
    assert_string_equal(house.done, "bounce ann@example.com user-unknown token");
    receive(&(struct mail){ .to = path_of("ben@example.com") });
    assert_string_equal(house.done, "bounce ben@example.com user-unknown token");
    receive(&(struct mail){ .local = true });
    assert_string_equal(house.done, "bounce ann@example.com user-unknown local");
    assert_true(was_logged("proof=token token=b"));
    close_house();
}

static void required(void **state)
{
    (void)state;
    open_house("require", "");
    assert_int_equal(receive(&(struct mail){ .sender = NULL }), VERDICT_DISCARD);
    assert_string_equal(house.done, "bounce ann@example.com user-unknown none aside");
    receive(&(struct mail){ .token = header_token("ann@example.com", NOW - 13 * DAY) });
    assert_string_equal(house.done, "bounce ann@example.com user-unknown expired aside");
    receive(&(struct mail){ .token = "baaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" });
    assert_string_equal(house.done, "bounce ann@example.com user-unknown forged aside");
    assert_true(was_logged("unverified lead=ann@example.com type=bounce cause=user-unknown proof=forged"));
    assert_false(was_logged("event "));
    /* The client's own Received field, as bounce(8) writes it: ours is not shown. */
    receive(
        &(struct mail){ .header = "by mx.our.example (Postfix) id 4XkZ; Mon, 30 Nov 2026 08:00:00 +0000" });
    assert_string_equal(house.done, "bounce ann@example.com user-unknown none aside");
    close_house();
}

static void preferred(void **state)
{
    (void)state;
    open_house("prefer", "");
    receive(&(struct mail){ .sender = NULL });
    assert_string_equal(house.done, "bounce ann@example.com user-unknown none mild");
    receive(&(struct mail){ .token = "baaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" });
    assert_string_equal(house.done, "bounce ann@example.com user-unknown forged aside");
    close_house();
    open_house("off", "");
    receive(&(struct mail){ .token = "baaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" });
    assert_string_equal(house.done, "bounce ann@example.com user-unknown forged");
    close_house();
}

/* A bounce from outside waits where it is; our own goes on. */
static void redis_away(void **state)
{
    (void)state;
    open_house("require", "");
    house.aside_rc = STORE_DOWN;
    assert_int_equal(receive(&(struct mail){ .sender = NULL }), VERDICT_TEMPFAIL);
    assert_int_equal(receive(&(struct mail){ .to = path_of("ann@example.com") }), VERDICT_DISCARD);
    house.rc = STORE_DOWN;
    assert_int_equal(receive(&(struct mail){ .to = path_of("ann@example.com") }), VERDICT_TEMPFAIL);
    assert_int_equal(receive(&(struct mail){ .local = true }), VERDICT_ACCEPT);
    assert_int_equal(receive(&(struct mail){
                         .sender = "ann@example.com", .to = leave_of("ann@example.com", NOW), .body = "x" }),
                     VERDICT_TEMPFAIL);
    assert_true(was_logged("bounce deferred") && was_logged("bounce not recorded") &&
                was_logged("unsubscribe deferred"));
    close_house();
}

static void plain_words(void **state)
{
    static const char refusal[] = "Sorry:\r\n550 5.1.1 User unknown\r\n";

    (void)state;
    open_house("require", ", feedback_addresses: [ fbl@our.example ]");
    receive(&(struct mail){ .to = path_of("ann@example.com"), .body = refusal });
    assert_string_equal(house.done, "bounce ann@example.com user-unknown token");
    /* From a person it is a letter; without a token, too. */
    assert_int_equal(receive(&(struct mail){
                         .sender = "ann@example.com", .to = path_of("ann@example.com"), .body = refusal }),
                     VERDICT_ACCEPT);
    assert_string_equal(house.done, "");
    receive(&(struct mail){ .body = refusal });
    assert_string_equal(house.done, "");
    close_house();
}

static void leaving(void **state)
{
    char forged[512];

    (void)state;
    open_house("require", "");
    assert_int_equal(receive(&(struct mail){ .sender = "somebody@else.example",
                                             .to = leave_of("ann@example.com", NOW - DAY),
                                             .body = "x" }),
                     VERDICT_ACCEPT);
    assert_string_equal(house.done, "unsubscribe ann@example.com unsubscribe news token");
    /* However old, from whom it may be, whatever it looks like. */
    receive(&(struct mail){ .to = leave_of("ann@example.com", NOW - 300 * DAY) });
    assert_string_equal(house.done, "unsubscribe ann@example.com unsubscribe news token");
    receive(&(struct mail){ .sender = "a@b.example",
                            .to = "info@our.example",
                            .also = leave_of("ann@example.com", NOW),
                            .body = "x" });
    assert_string_equal(house.done, "unsubscribe ann@example.com unsubscribe news token");
    /* Together with a bounce, which is read all the same. */
    receive(&(struct mail){ .to = path_of("ben@example.com"), .also = leave_of("ann@example.com", NOW) });
    assert_string_equal(
        house.done,
        "unsubscribe ann@example.com unsubscribe news token; bounce ben@example.com user-unknown token");

    snprintf(forged, sizeof(forged), "%s", leave_of("ann@example.com", NOW));
    memcpy(strstr(forged, "ann="), "eve=", 4);
    assert_int_equal(receive(&(struct mail){ .sender = "a@b.example", .to = forged, .body = "x" }),
                     VERDICT_ACCEPT);
    assert_string_equal(house.done, "");
    assert_true(was_logged("unrecognised queue=4XkQ kind=unsubscribe"));
    receive(&(struct mail){ .sender = "a@b.example", .to = "leave@our.example", .body = "x" });
    assert_string_equal(house.done, "");
    /* A bounce's path is none of these, nor the other way round. */
    snprintf(forged, sizeof(forged), "leave%s", strchr(path_of("ann@example.com"), '+'));
    receive(&(struct mail){ .sender = "a@b.example", .to = forged, .body = "x" });
    assert_string_equal(house.done, "");
    snprintf(forged, sizeof(forged), "bounces%s", strchr(leave_of("ann@example.com", NOW), '+'));
    receive(&(struct mail){ .to = forged });
    assert_string_equal(house.done, "bounce ann@example.com user-unknown none aside");
    /* Mail that is for neither is let go at once. */
    assert_int_equal(
        receive(&(struct mail){ .sender = "a@b.example", .to = "info@our.example", .body = "x" }),
        VERDICT_ACCEPT);
    close_house();
}

/* However many recipients there are. */
static void many_paths(void **state)
{
    struct message_rules ours;
    const struct message_origin origin = { .daemon = SPAN("smtpd"),
                                           .client_address = SPAN("192.0.2.1"),
                                           .sasl_username = SPAN_NONE,
                                           .server_port = SPAN_NONE };

    (void)state;
    open_house("require", "");
    ours = (struct message_rules){ .settings = house.settings,
                                   .store = { .apply = apply, .set_aside = set_aside } };
    message_mail(house.message, &ours, &origin, SPAN("<>"));
    for (int i = 0; i < 1000; i++) {
        char to[64];

        snprintf(to, sizeof(to), "<bounces+c%d@our.example>", i);
        message_recipient(house.message, span_of(i == 50 ? path_of("ann@example.com") : to));
    }
    assert_int_equal(message_data(house.message, SPAN("4XkQ"), NOW), VERDICT_CONTINUE);
    say_bounce(&(struct mail){ .sender = NULL });
    assert_int_equal(say_end(), VERDICT_DISCARD);
    assert_string_equal(house.done, "bounce ann@example.com user-unknown token");
    close_house();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_vouches_for_it), cmocka_unit_test(required),    cmocka_unit_test(preferred),
        cmocka_unit_test(redis_away),          cmocka_unit_test(plain_words), cmocka_unit_test(leaving),
        cmocka_unit_test(many_paths),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
