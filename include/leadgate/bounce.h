/* SPDX-License-Identifier: BSD-2-Clause */
/* bounce: mail in, findings out. Knows delivery status notifications (RFC 3464, 6533), complaints (RFC 5965)
 * and notices that mail systems write for people; decides what kind of mail it is before it reads a recipient
 * from it. No sockets, no Redis, no clock. bounce_init() once per
 * process, then any thread: one mail is one call. */
#ifndef LEADGATE_BOUNCE_H
#define LEADGATE_BOUNCE_H

#include "leadgate/address.h"
#include "leadgate/cause.h"
#include "leadgate/err.h"
#include "leadgate/event.h"
#include "leadgate/provider.h"
#include "leadgate/span.h"

#include <stddef.h>
#include <stdint.h>

/* Stands in every refusal of ours. A report whose diagnostic carries it is our own word come back (design:
 * cause "suppressed"). Printable ASCII, no blank, survives re-wrapping. Never change it. */
#define LEADGATE_MARKER "[leadgate-suppressed]"

enum mail_kind {
    MAIL_NONE = 1,  /* no report: a person's mail, or nothing we can read */
    MAIL_FAILURE,   /* at least one recipient failed for good */
    MAIL_DELAYED,   /* only delays: the mail is still being tried */
    MAIL_DELIVERED, /* only deliveries, relays, expansions */
    MAIL_VACATION,  /* an auto-reply (RFC 3834) */
    MAIL_COMPLAINT, /* a feedback report (RFC 5965) */
};

/* What vouches for a finding; see authenticity.h. */
enum proof {
    PROOF_NONE = 0, /* nothing */
    PROOF_LOCAL,    /* this Postfix wrote the bounce itself */
    PROOF_TOKEN,    /* a good token for this lead */
    PROOF_MESSAGE,  /* a good token for the message, which went to several */
    PROOF_EXPIRED,  /* a token that was good once */
    PROOF_FORGED,   /* a token that none of our keys has made */
};

/* One recipient that failed for good. */
struct finding {
    struct address lead; /* the address that was mailed: Original-Recipient where there is one */
    enum cause cause;
    enum hardness hardness;
    char status[16];  /* enhanced status, "" = none */
    int reply;        /* SMTP reply code, 0 = none */
    const char *rule; /* the name of the rule that decided; lives as long as the classifier */
    char diag[512];   /* the remote server's words, as UTF-8, cut */
    enum proof proof; /* PROOF_NONE until authenticity_check() */
    char token[24];   /* the name of the token; "" = none */
    /* Who answered for this recipient, or reports the complaint; "" = not known. */
    char provider[PROVIDER_SIZE];
};

#define REPORT_BYTES      (16 * 1024 * 1024) /* of one mail; what a report says stands in front of the copy */
#define REPORT_RECIPIENTS 1000 /* of one mail; whoever reports on more in one has them left out */
#define REPORT_CAMPAIGNS  4

/* A field of the returned mail by which its sender tells his campaigns apart: Feedback-ID, X-...-Campaign. */
struct report_campaign {
    char name[48], value[128];
};

/* What a mail brings that can be checked; empty = not there. */
struct report_proof {
    /* Of the fields that our own Postfix put on top of the mail, above the topmost Received field. */
    char delivered_to[512]; /* X-Original-To, else Delivered-To: the bounce address */
    bool null_sender;       /* Return-Path: <> */
    char written_by[256];   /* who wrote the topmost Received field, where it names no client: the system that
                               wrote the bounce itself */
    char **tokens;          /* the values of X-Leadgate-Token in the returned mail */
    size_t n_tokens;
};

/* The field in which mail carries its token (signing.h). Never change it: mail that is under way has it. */
#define REPORT_TOKEN_FIELD "X-Leadgate-Token"
#define REPORT_TOKENS      100

/* What a mail says. Owns its texts; free with report_free(). */
struct report {
    enum mail_kind kind;
    const char *rule;         /* why it is of that kind, static storage: "action:failed", "no report" */
    struct finding *findings; /* MAIL_FAILURE: at least one; MAIL_COMPLAINT: those who complain */
    size_t n;
    struct finding *delayed; /* MAIL_DELAYED: those who wait, by their addresses; never an event */
    size_t n_delayed;
    /* Why not all of the mail was read, for a log line; static storage, NULL = it was. Of a mail with more
     * than REPORT_RECIPIENTS recipients the first are findings as always. The others are lost: nothing keeps
     * them, to read the mail again finds the same first ones, and they bounce again with the next mail to
     * them. Of a mail longer than REPORT_BYTES the beginning is read. Time and memory do not grow with what
     * is left out. */
    const char *cut;
    const char *reporter; /* whose notice it is, static storage: "exim", "qmail"; "" = not known */
    int64_t at;           /* when it came: the topmost Received field, else Date; 0 = not known */
    int64_t sent; /* when the mail that it is about was sent: Arrival-Date, else its Date; 0 = not known */
    /* Of the mail that it is about; "" = not known. */
    char message[256];     /* Message-ID, without <>; else the queue id */
    char queue_id[64];     /* at the reporting system */
    char envelope_id[128]; /* Original-Envelope-Id: ours */
    char list_id[256];     /* List-Id, as the field has it */
    char sender[256];      /* Return-Path or, in a complaint, what that says of it; else From */
    struct report_campaign campaigns[REPORT_CAMPAIGNS];
    size_t n_campaigns;
    char reporting_mta[256];
    char remote_mta[256]; /* of the first failed recipient */
    struct report_proof proof;
};

/* The rules by which refusals are understood: those that ship with the program and the operator's. Never
 * changed after it is made; any number of threads may use it at once. */
struct classifier;

/* files: the operator's rule files, later ones before earlier ones, all before the shipped rules. NULL with
 * err
 * (`path:line: ...`) for a file that cannot be read or is wrong, or when out of memory. */
struct classifier *classifier_new(const char *const *files, size_t n, struct err *err);
void classifier_free(struct classifier *classifier); /* NULL is fine */

struct finding;
struct rejection;

/* What mails are read by. Borrowed. */
struct bounce_context {
    struct address_rules addresses; /* how recipients are normalised */
    const struct classifier *classifier;
    /* Whom the mail is about, where that is certain and the mail came from the null sender: a good token in
     * the bounce address says so. Then a notice that names nobody, and one that has no form of a report but
     * says why in plain words, is a failure, too. NULL = not known. */
    const struct address *recipient;
    /* For `leadgate classify --explain`: is shown each rejection with what was made of it. NULL = nobody. */
    void (*show)(void *ctx, const struct rejection *rejection, const struct finding *finding);
    void *ctx;
};

/* Sets up the MIME library. Once, before threads exist. */
void bounce_init(void);

/* Reads one mail: header and body as they are on disk, LF or CRLF. *out is
 * always set up for report_free(). 0, or -1 with err when the mail cannot be read at all (no header: out of
 * shape). */
int report_read(struct report *out, struct span mail, const struct bounce_context *context, struct err *err);
void report_free(struct report *report); /* leaves it empty; twice is fine */

/* Turns finding i into the event that it is. now bounds the times, and stands in where the mail names none.
 */
void report_event(const struct report *report, size_t i, enum event_source source, int64_t now,
                  struct event *event);

/* What is known of one refusal. Spans are borrowed for the call; any may be empty. All text is UTF-8. */
struct rejection {
    struct span status; /* the reporting system's Status field, as given */
    int reply;          /* SMTP reply code where it was given apart; 0 = read it off `diag` */
    struct span diag;   /* the remote server's words: Diagnostic-Code without its type, a log line's reply */
    struct span human;  /* what the notice says about this recipient in its text for people */
    struct span notice; /* all of that text, for rules about a sentence that stands apart from recipients */
    bool alone;         /* nobody else failed: what the notice says at all, it says about this recipient */
    struct span reporter; /* who wrote the notice: a template's or system's name, "exim", "exchange" */
    bool local;           /* the local mail system's own verdict ("X-Postfix;"), not the remote server's */
};

/* What one refusal means; shared by reports and, later, the delivery log. Fills in cause, hardness, rule, and
 * the status and reply code that were believed. */
void classify_rejection(const struct bounce_context *context, const struct rejection *rejection,
                        struct finding *finding);

const char *mail_kind_name(
    enum mail_kind kind); /* as `leadgate classify` prints it: none, vacation, delayed, ... */

#endif
