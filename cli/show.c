/* SPDX-License-Identifier: BSD-2-Clause */
/* leadgate show: one lead in words, and what the next bounce would do. That is not told from the rules a
 * second time: lead_apply() itself is asked, on a copy. */
#include "cli/command.h"
#include "cli/held.h"
#include "cli/output.h"
#include "cli/session.h"
#include "leadgate/answers.h"
#include "leadgate/decimal.h"
#include "leadgate/logline.h"
#include "leadgate/times.h"

#include <inttypes.h>
#include <stdio.h>
#include <sysexits.h>

/* `NAME           since when, how long ago`; the line goes on. */
static void print_moment(const struct session *session, const char *name, int64_t at)
{
    char time[TIME_TEXT_SIZE], ago[LENGTH_TEXT_SIZE];

    printf("%-13s %s", name, time_text(time, at));
    if (at <= session->now)
        printf(", %s ago", times_length_text(ago, session->now - at));
}

/* A whole line, where it ever was. */
static void print_time(const struct session *session, const char *name, int64_t at)
{
    if (at == 0)
        return;
    print_moment(session, name, at);
    putchar('\n');
}

static void print_end(const struct session *session, int64_t until)
{
    char time[TIME_TEXT_SIZE], left[LENGTH_TEXT_SIZE];

    if (until == 0)
        fputs("for good", stdout);
    else
        printf("until %s, %s left", time_text(time, until), times_length_text(left, until - session->now));
}

static void print_standing(const struct session *session, const struct dossier *dossier)
{
    const struct optout *optout = &dossier->optout;
    char since[TIME_TEXT_SIZE];

    fputs("opted out     ", stdout);
    if (!optout->present) {
        puts("no");
        return;
    }
    print_end(session, optout->until);
    printf(", for %s", cause_name(optout->cause));
    if (optout->since != 0)
        printf(", since %s", time_text(since, optout->since));
    if (optout->status[0] != '\0') {
        fputs(", status ", stdout);
        output_text(stdout, span_of(optout->status));
    }
    puts(dossier->allow.present || dossier->domain_allow.present ? "; not applied: whitelisted" : "");
}

static void print_refusals(const struct dossier *dossier)
{
    char since[TIME_TEXT_SIZE];

    for (size_t i = 0; i < dossier->n_refusals && i < DOSSIER_REFUSALS; i++) {
        fputs("refused       ", stdout);
        output_text(stdout, span_of(dossier->refusals[i].stream));
        printf(" (%s", cause_name(dossier->refusals[i].cause));
        if (dossier->refusals[i].since != 0)
            printf(", since %s", time_text(since, dossier->refusals[i].since));
        puts(")");
    }
    if (dossier->n_refusals > DOSSIER_REFUSALS)
        printf("refused       and %zu streams more\n", dossier->n_refusals - DOSSIER_REFUSALS);
}

static void print_note(const struct session *session, const char *name, bool present, int64_t until,
                       const char *text)
{
    if (!present)
        return;
    printf("%-13s ", name);
    print_end(session, until);
    if (text[0] != '\0') {
        fputs(": ", stdout);
        output_text(stdout, span_of(text));
    }
    putchar('\n');
}

static void print_held(const struct session *session, const struct address *address,
                       const struct dossier *dossier, const struct held *held)
{
    const char *exception = held_exception(session, address, dossier);

    if (!held->present)
        return;
    fputs("provider held ", stdout);
    held_print(held);
    if (exception != NULL)
        printf("; not applied: %s", exception);
    putchar('\n');
}

/* `; last: 5.2.2 mailbox full`: what the remote server said. */
static void print_words(const struct lead *lead)
{
    if (lead->status[0] != '\0' || lead->diag[0] != '\0')
        fputs("; last: ", stdout);
    output_text(stdout, span_of(lead->status));
    if (lead->status[0] != '\0' && lead->diag[0] != '\0')
        putchar(' ');
    output_text(stdout, span_of(lead->diag));
}

/* Bounces and deferrals. The lead keeps one status and diagnostic, those of the later one. */
static void print_failures(const struct session *session, const struct lead *lead)
{
    bool deferred_last = lead->deferred > lead->bounced;

    if (lead->deferred != 0) {
        print_moment(session, "deferred", lead->deferred);
        if (deferred_last)
            print_words(lead);
        putchar('\n');
    }
    print_time(session, "bounced", lead->bounced);
    if (lead->bounced != 0) {
        printf("%-13s %" PRId64 " of %s", "strikes", lead->strikes, cause_name(lead->cause));
        if (!deferred_last)
            print_words(lead);
        putchar('\n');
    }
}

static void print_history(const struct session *session, const struct dossier *dossier)
{
    const struct lead *lead = &dossier->lead;
    char score[DECIMAL_TEXT_SIZE], first[TIME_TEXT_SIZE];

    if (!dossier->known) {
        puts("history       none");
        return;
    }
    print_time(session, "first seen", lead->seen);
    print_time(session, "delivered", lead->delivered);
    print_time(session, "open, click", lead->engaged);
    print_time(session, "noticed", lead->noticed);
    print_failures(session, lead);
    if (lead->series != 0)
        printf("%-13s %" PRId64 ", the first one on %s\n", "suspensions", lead->cycle,
               time_text(first, lead->series));
    printf("%-13s %" PRId64 "\n", "deliveries", lead->deliveries);
    printf("%-13s %s of -10..10\n", "score",
           decimal_text(score, score_at(&session->settings->lead, lead, session->now)));
    if (lead->provider[0] != '\0') {
        printf("%-13s ", "provider");
        output_text(stdout, span_of(lead->provider));
        putchar('\n');
    }
}

/* What follows from it, in words. */
static void print_effect(const struct session *session, enum cause cause, enum effect effect,
                         const struct lead *after, const struct change *change, bool allowed)
{
    const struct lead_settings *settings = &session->settings->lead;
    char length[LENGTH_TEXT_SIZE];

    switch (effect) {
    case EFFECT_REPEAT: puts("would be a repeat: it changes nothing"); return;
    case EFFECT_IN_FLIGHT: puts("would be no strike: she is opted out"); return;
    case EFFECT_SPACED:
        printf("would be no strike: within %s of the last one\n",
               times_length_text(length, settings->strike_spacing));
        return;
    case EFFECT_RECORDED:
        puts(allowed ? "would be no strike: whitelisted" : "would be no strike: the settings say so");
        return;
    case EFFECT_STRIKE:
        printf("would be strike %" PRId64 " of %" PRId64 "\n", after->strikes,
               settings->causes[cause].strikes);
        return;
    case EFFECT_OPTOUT: break;
    case EFFECT_GOOD:
    case EFFECT_WILL:
    case EFFECTS: return; /* not by a bounce */
    }
    if (change->optout.cause == cause)
        printf("would be strike %" PRId64 " of %" PRId64 ": ", settings->causes[cause].strikes,
               settings->causes[cause].strikes);
    else
        printf("would bring the score to its floor: ");
    if (change->optout.kind == OPTOUT_PERMANENT)
        puts("opted out for good");
    else
        printf("opted out for %s%s\n", times_length_text(length, change->optout.until - session->now),
               cause_info(cause)->hardness == HARDNESS_HARD && change->optout.cause == cause &&
                       settings->causes[cause].first == 0
                   ? ", in doubt"
                   : "");
}

/* An incident excuses it as it does in the feed, where the provider is who answered for her domain before. */
static void print_next(const struct session *session, const struct address *address,
                       const struct dossier *dossier, const struct held *held, enum cause cause,
                       struct span status)
{
    struct optouts optouts = { .optout = dossier->optout,
                               .allowed = dossier->allow.present || dossier->domain_allow.present };
    struct event event = { .type = EVENT_BOUNCE,
                           .source = SOURCE_OPERATOR,
                           .lead = *address,
                           .cause = cause,
                           .at = session->now,
                           .sent = session->now,
                           .status = status,
                           .excused =
                               answers_excuse(session->settings, &held->incident, cause, session->now) };
    struct change change;
    struct lead after;
    enum effect effect =
        lead_apply(&session->settings->lead, &dossier->lead, &optouts, &event, session->now, &after, &change);

    printf("the next `%s` ", cause_name(cause));
    if (event.excused && effect == EFFECT_RECORDED) {
        fputs("would be no strike: explained by the incident of ", stdout);
        output_text(stdout, span_of(held->provider));
        putchar('\n');
        return;
    }
    print_effect(session, cause, effect, &after, &change, optouts.allowed);
}

static int show(struct session *session, struct span name)
{
    struct dossier dossier;
    struct address address;
    struct held held;
    struct err err;

    if (session_parse(session, name, &address, &err) < 0) {
        return session_refuse(&err);
    }
    if (admin_read(session->admin, &address, session->now, &dossier, &err) == STORE_DOWN ||
        held_find(session, &address, &held, &err) == STORE_DOWN)
        return session_fail(&err);
    output_text(stdout, address_span(&address));
    putchar('\n');
    print_standing(session, &dossier);
    print_refusals(&dossier);
    print_note(session, "whitelisted", dossier.allow.present, dossier.allow.until, dossier.allow.text);
    print_note(session, "whole domain", dossier.domain_allow.present, dossier.domain_allow.until,
               dossier.domain_allow.text);
    print_note(session, "domain held", dossier.domain_hold.present, dossier.domain_hold.until,
               dossier.domain_hold.text);
    print_held(session, &address, &dossier, &held);
    print_history(session, &dossier);
    print_next(session, &address, &dossier, &held, CAUSE_MAILBOX_FULL, SPAN("5.2.2"));
    print_next(session, &address, &dossier, &held, CAUSE_USER_UNKNOWN, SPAN("5.1.1"));
    return EX_OK;
}

int command_show(int argc, char **argv)
{
    static const char usage[] =
        "usage: leadgate show [-c FILE] ADDR\n"
        "\n"
        "Shows what is known of a lead: opt-out and time left, refusals, whitelisting, whether her domain or "
        "her\n"
        "provider is held, history, score, and what the next bounce would do.\n"
        "\n"
        "Exit status: 0, also for a lead that nothing is known of; 64, 75 (Redis is away), 78 (settings).\n";
    struct cli_arguments arguments;
    struct session session;
    int status = cli_read_arguments(usage, NULL, 0, argc, argv, &arguments);

    if (status != GO_ON)
        return status;
    if (arguments.n != 1)
        return cli_fail_usage(usage, NULL);
    if ((status = session_open(&session, arguments.config)) == GO_ON)
        status = output_finish(show(&session, span_of(arguments.operand[0])));
    session_close(&session);
    return status;
}
