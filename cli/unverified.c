/* SPDX-License-Identifier: BSD-2-Clause */
/* leadgate unverified: bounces that nothing vouches for. What is accepted is applied first and taken out of
 * the stream then: killed in between, it is still there, and accepted again it is a repeat. */
#include "cli/command.h"
#include "cli/output.h"
#include "cli/session.h"
#include "leadgate/logline.h"
#include "leadgate/store_unverified.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

enum task { TASK_LIST, TASK_ACCEPT, TASK_DROP };

struct order {
    struct session *session;
    enum task task;
    int format;
    enum cause cause;    /* CAUSE_NONE = any */
    struct address lead; /* empty = any */
    int status;
    bool some_bad; /* an id that is not there, an entry that is no event */
};

/* --- listing --- */

static const char *cause_or_type(const struct event *event)
{
    return event->type == EVENT_BOUNCE || event->type == 0 ? cause_name(event->cause)
                                                           : event_type_name(event->type);
}

static void print_text(const struct unverified *entry)
{
    char at[TIME_TEXT_SIZE] = "-";
    const struct span columns[] = { entry->id,
                                    entry->event.at != 0 ? span_of(time_text(at, entry->event.at))
                                                         : SPAN("-"),
                                    entry->lead,
                                    span_of(cause_or_type(&entry->event)),
                                    entry->event.status,
                                    entry->reason,
                                    entry->event.evidence };

    for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
        if (i > 0)
            putchar('\t');
        output_text(stdout, columns[i].n > 0 ? columns[i] : SPAN("-"));
    }
    putchar('\n');
}

static const char csv_header[] = "id,at,address,type,cause,status,proof,source,sent,message,stream,evidence";

static void print_csv(const struct unverified *entry)
{
    const struct event *event = &entry->event;
    char at[TIME_TEXT_SIZE] = "", sent[TIME_TEXT_SIZE] = "";
    const struct span fields[] = {
        entry->id,
        event->at != 0 ? span_of(time_text(at, event->at)) : SPAN_NONE,
        entry->lead,
        event->type != 0 ? span_of(event_type_name(event->type)) : SPAN_NONE,
        event->cause != CAUSE_NONE ? span_of(cause_name(event->cause)) : SPAN_NONE,
        event->status,
        entry->reason,
        event->source != 0 ? span_of(event_source_name(event->source)) : SPAN_NONE,
        event->sent != 0 ? span_of(time_text(sent, event->sent)) : SPAN_NONE,
        event->message,
        event->stream,
        event->evidence,
    };

    output_csv_row(fields, sizeof(fields) / sizeof(fields[0]));
}

static void print_json(const struct unverified *entry)
{
    const struct event *event = &entry->event;
    bool first = true;

    putchar('{');
    output_json_text(&first, "id", entry->id);
    output_json_time(&first, "at", event->at);
    output_json_text(&first, "address", entry->lead);
    if (event->type != 0)
        output_json_text(&first, "type", span_of(event_type_name(event->type)));
    if (event->cause != CAUSE_NONE)
        output_json_text(&first, "cause", span_of(cause_name(event->cause)));
    output_json_text(&first, "status", event->status);
    output_json_text(&first, "proof", entry->reason);
    if (event->source != 0)
        output_json_text(&first, "source", span_of(event_source_name(event->source)));
    output_json_time(&first, "sent", event->sent);
    output_json_text(&first, "message", event->message);
    output_json_text(&first, "stream", event->stream);
    output_json_text(&first, "evidence", event->evidence);
    puts("}");
}

static void print_entry(int format, const struct unverified *entry)
{
    switch (format) {
    case FORMAT_CSV: print_csv(entry); break;
    case FORMAT_JSON: print_json(entry); break;
    default: print_text(entry);
    }
}

/* --- accepting and dropping --- */

static void say(const struct unverified *entry, const char *what)
{
    output_text(stdout, entry->id);
    putchar('\t');
    output_text(stdout, entry->lead);
    printf("\t%s\n", what);
}

static bool drop(struct order *order, const struct unverified *entry)
{
    bool found;
    struct err err;

    if (store_drop_unverified(order->session->store, entry->id, &found, &err) == STORE_OK)
        return true;
    order->status = session_fail(&err);
    return false;
}

static void say_outcome(const struct unverified *entry, const struct outcome *outcome)
{
    const struct optout *optout = &outcome->change.optout;
    char until[TIME_TEXT_SIZE], text[160];

    if (outcome->change.kind != CHANGE_OPTOUT)
        snprintf(text, sizeof(text), "%s", effect_name(outcome->effect));
    else if (optout->kind == OPTOUT_PERMANENT)
        snprintf(text, sizeof(text), "opted out for good (%s)", cause_name(optout->cause));
    else
        snprintf(text, sizeof(text), "opted out until %s (%s)", time_text(until, optout->until),
                 cause_name(optout->cause));
    say(entry, text);
}

/* An operator vouches for it now. */
static bool accept(struct order *order, const struct unverified *entry)
{
    struct session *session = order->session;
    struct event event = entry->event;
    struct outcome outcome;
    struct err err;

    if (!entry->whole) {
        order->some_bad = true;
        say(entry, "is no event, left as it is");
        return true;
    }
    event.source = SOURCE_OPERATOR;
    if (store_apply(session->store, &session->settings->lead, &event, 1, session->now, &outcome, &err) ==
        STORE_DOWN) {
        order->status = session_fail(&err);
        return false;
    }
    say_outcome(entry, &outcome);
    return drop(order, entry);
}

static bool is_wanted(const struct order *order, const struct unverified *entry)
{
    return (order->cause == CAUSE_NONE || entry->event.cause == order->cause) &&
           (order->lead.n == 0 || span_eq(address_span(&order->lead), entry->lead));
}

static bool do_one(void *ctx, const struct unverified *entry)
{
    struct order *order = ctx;

    if (!is_wanted(order, entry))
        return true;
    switch (order->task) {
    case TASK_LIST: print_entry(order->format, entry); return !output_ends();
    case TASK_ACCEPT: return accept(order, entry);
    case TASK_DROP:
        if (!drop(order, entry))
            return false;
        say(entry, "dropped");
        return true;
    }
    return false;
}

static int do_named(struct order *order, struct span id)
{
    bool found;
    struct err err;

    id = span_trim(id);
    if (store_find_unverified(order->session->store, id, do_one, order, &found, &err) == STORE_DOWN)
        return session_fail(&err);
    if (!found) {
        order->some_bad = true;
        fputs("leadgate: ", stderr);
        output_text(stderr, id);
        fputs(": no such entry\n", stderr);
    }
    return order->status;
}

/* The ids in the first column of what the list prints. */
static int do_input(struct order *order)
{
    char line[4096];
    int status = GO_ON;

    while (status == GO_ON && fgets(line, sizeof(line), stdin) != NULL) {
        struct span rest = span_of(line), id = span_trim(span_cut(&rest, '\t'));

        if (id.n > 0)
            status = do_named(order, id);
    }
    return status;
}

/* --- the command --- */

struct wishes {
    const char *format, *cause, *lead;
    bool accept, accept_all, drop;
};

/* GO_ON, or EX_USAGE. */
static int read_wishes(struct order *order, const struct wishes *wishes)
{
    struct err err;

    if (wishes->cause != NULL && !cause_parse(span_of(wishes->cause), &order->cause)) {
        fprintf(stderr, "leadgate: no cause `%s`\n", wishes->cause);
        return EX_USAGE;
    }
    if (wishes->lead != NULL && session_parse(order->session, span_of(wishes->lead), &order->lead, &err) < 0)
        return session_refuse(&err);
    return GO_ON;
}

static int run(struct order *order, const struct wishes *wishes, const struct cli_arguments *arguments)
{
    int status = read_wishes(order, wishes);
    struct err err;

    if (status != GO_ON)
        return status;
    order->task = wishes->accept || wishes->accept_all ? TASK_ACCEPT : wishes->drop ? TASK_DROP : TASK_LIST;
    if (order->task == TASK_LIST && order->format == FORMAT_CSV)
        puts(csv_header);
    for (int i = 0; i < arguments->n && status == GO_ON; i++)
        status = strcmp(arguments->operand[i], "-") == 0 ? do_input(order)
                                                         : do_named(order, span_of(arguments->operand[i]));
    /* In the order in which they came: what is older than what has been applied is a repeat. */
    if (arguments->n == 0) {
        if (store_each_unverified(order->session->store, order->task == TASK_LIST, do_one, order, &err) ==
            STORE_DOWN)
            return session_fail(&err);
        status = order->status;
    }
    if (status != GO_ON)
        return status;
    return output_finish(order->some_bad ? 1 : EX_OK);
}

int command_unverified(int argc, char **argv)
{
    static const char usage[] =
        "usage: leadgate unverified [-c FILE] [--cause CAUSE] [--lead ADDR] [--format text|csv|json]\n"
        "       leadgate unverified [-c FILE] --accept ID... | --drop ID...\n"
        "       leadgate unverified [-c FILE] --accept-all [--cause CAUSE] [--lead ADDR]\n"
        "\n"
        "Lists the bounces and complaints that nothing vouches for (signing.authenticity), the newest "
        "first:\n"
        "ID, time, lead, cause, status, proof (none, expired, forged, message), the remote server's words.\n"
        "\n"
        "  --cause, --lead   only such\n"
        "  --format          text: columns separated by tabs; csv; json: one object a line\n"
        "  --accept          applies them as true, prints what they did, and takes them off the list\n"
        "  --accept-all      the same with all, or all such, the oldest first\n"
        "  --drop            takes them off the list\n"
        "\n"
        "- reads IDs from standard input, as the list prints them.\n"
        "\n"
        "Exit status: 0; 1 when an ID is not there or names no event; 64, 75 (Redis is away), 78 "
        "(settings).\n";
    struct wishes wishes = { .format = NULL };
    const struct cli_option options[] = {
        { "cause", &wishes.cause, NULL },   { "lead", &wishes.lead, NULL },
        { "format", &wishes.format, NULL }, { "accept", NULL, &wishes.accept },
        { "drop", NULL, &wishes.drop },     { "accept-all", NULL, &wishes.accept_all },
    };
    struct cli_arguments arguments;
    struct session session;
    struct order order = { .session = &session, .cause = CAUSE_NONE, .status = GO_ON };
    int status =
        cli_read_arguments(usage, options, sizeof(options) / sizeof(options[0]), argc, argv, &arguments);

    if (status != GO_ON)
        return status;
    if (wishes.accept + wishes.accept_all + wishes.drop > 1)
        return cli_fail_usage(usage, "--accept, --accept-all and --drop exclude each other");
    if ((arguments.n > 0) != (wishes.accept || wishes.drop))
        return cli_fail_usage(usage, arguments.n > 0 ? "what is to be done with them?" : "which ones?");
    if ((order.format = cli_read_format(wishes.format, cli_formats)) < 0)
        return EX_USAGE;
    if ((status = session_open(&session, arguments.config)) == GO_ON)
        status = run(&order, &wishes, &arguments);
    session_close(&session);
    return status;
}
