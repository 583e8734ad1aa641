/* SPDX-License-Identifier: BSD-2-Clause */
/* Per connection there is a struct conn, made when the MTA opens it and freed when it closes it; per mail the
 * message inside it is reset, at the mail's end and when it is aborted. Whatever libmilter hands over is
 * borrowed: what must last longer is copied here or in message.c.
 *
 * Steps that we never object to are negotiated as "no reply": Postfix then sends header after header without
 * waiting for us. */
#include "milter/callbacks.h"

#include "leadgate/logline.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Connect, RCPT TO, each header field and their end are only listened to. */
#define STEPS_SILENT   (SMFIP_NR_CONN | SMFIP_NR_RCPT | SMFIP_NR_HDR | SMFIP_NR_EOH)
#define STEPS_UNUSED   (SMFIP_NOHELO | SMFIP_NOUNKNOWN)
#define ACTIONS_NEEDED SMFIF_DELRCPT
#define ACTIONS_ALL    (SMFIF_DELRCPT | SMFIF_CHGFROM | SMFIF_ADDHDRS | SMFIF_CHGHDRS)

struct conn {
    struct snapshot_slot *slot;
    struct snapshot *snapshot; /* held from MAIL FROM to the end of the mail, else NULL */
    struct message *message;
    unsigned long actions, steps;  /* as negotiated */
    bool local;                    /* no SMTP client at the other end */
    char client[INET6_ADDRSTRLEN]; /* its address; "" = not known */
};

static void conn_forget_mail(struct conn *conn)
{
    message_reset(conn->message);
    snapshot_release(conn->snapshot);
    conn->snapshot = NULL;
}

static void conn_free(struct conn *conn)
{
    if (conn->message != NULL)
        conn_forget_mail(conn);
    message_free(conn->message);
    free(conn);
}

/* A macro's value; valid until the callback returns. */
static struct span macro(SMFICTX *ctx, const char *name)
{
    return span_of(smfi_getsymval(ctx, (char *)name));
}

static sfsistat to_milter(const struct conn *conn, unsigned long silent_step, enum verdict verdict)
{
    switch (verdict) {
    case VERDICT_CONTINUE: return (conn->steps & silent_step) != 0 ? SMFIS_NOREPLY : SMFIS_CONTINUE;
    case VERDICT_ACCEPT: return SMFIS_ACCEPT;
    case VERDICT_DISCARD: return SMFIS_DISCARD;
    case VERDICT_TEMPFAIL: return SMFIS_TEMPFAIL;
    case VERDICT_SKIP_BODY: return (conn->steps & SMFIP_SKIP) != 0 ? SMFIS_SKIP : SMFIS_CONTINUE;
    }
    abort();
}

/* A verdict that ends the mail: no further callback comes for it. */
static sfsistat finish(struct conn *conn, enum verdict verdict)
{
    if (verdict != VERDICT_CONTINUE)
        conn_forget_mail(conn);
    return to_milter(conn, 0, verdict);
}

/* What the settings of the day may need, as far as the MTA offers it. A mail that comes by this connection
 * after they have changed makes do with it. */
static unsigned long choose_actions(struct snapshot_slot *slot, unsigned long offered)
{
    struct snapshot *snapshot = snapshot_slot_get(slot);
    struct message_powers needs = message_needs(snapshot_settings(snapshot));
    unsigned long wanted = ACTIONS_NEEDED | (needs.sender ? SMFIF_CHGFROM : 0) |
                           (needs.add_fields ? SMFIF_ADDHDRS : 0) | (needs.change_fields ? SMFIF_CHGHDRS : 0);

    if ((wanted & ~offered) != 0 && snapshot_may_complain(snapshot))
        log_say(LOG_WARNING, "the MTA does not let a milter change%s%s: not all mail is signed",
                (wanted & ~offered & SMFIF_CHGFROM) != 0 ? " the envelope sender" : "",
                (wanted & ~offered & (SMFIF_ADDHDRS | SMFIF_CHGHDRS)) != 0 ? " the header" : "");
    snapshot_release(snapshot);
    return wanted & offered;
}

sfsistat callbacks_open(SMFICTX *ctx, struct snapshot_slot *slot, const struct callbacks_offer *offer)
{
    struct conn *conn;

    if ((offer->actions & ACTIONS_NEEDED) != ACTIONS_NEEDED) {
        log_say(LOG_ERR, "the MTA does not let a milter remove recipients");
        return SMFIS_REJECT;
    }
    if ((conn = calloc(1, sizeof(*conn))) == NULL || (conn->message = message_new()) == NULL ||
        smfi_setpriv(ctx, conn) != MI_SUCCESS) {
        log_say(LOG_ERR, "out of memory: a connection from the MTA is refused");
        if (conn != NULL)
            conn_free(conn);
        return SMFIS_REJECT;
    }
    conn->slot = slot;
    conn->steps = offer->steps & (STEPS_SILENT | STEPS_UNUSED | SMFIP_SKIP);
    conn->actions = choose_actions(slot, offer->actions);
    *offer->use_actions = conn->actions;
    *offer->use_steps = conn->steps;
    return SMFIS_CONTINUE;
}

/* Also sets conn->local. For mail that no SMTP client sent Postfix's cleanup(8) makes up a client: localhost,
 * 127.0.0.1, port 0. No TCP client has port 0. */
static void read_client(struct conn *conn, const _SOCK_ADDR *address)
{
    struct sockaddr_in in;
    struct sockaddr_in6 in6;

    conn->client[0] = '\0';
    conn->local = false;
    if (address == NULL)
        return;
    if (address->sa_family == AF_INET) {
        memcpy(&in, address, sizeof(in));
        inet_ntop(AF_INET, &in.sin_addr, conn->client, sizeof(conn->client));
        conn->local = in.sin_port == 0;
    } else if (address->sa_family == AF_INET6) {
        memcpy(&in6, address, sizeof(in6));
        inet_ntop(AF_INET6, &in6.sin6_addr, conn->client, sizeof(conn->client));
        conn->local = in6.sin6_port == 0;
    }
}

static sfsistat on_connect(SMFICTX *ctx, char *host, _SOCK_ADDR *address)
{
    struct conn *conn = smfi_getpriv(ctx);

    (void)host;
    read_client(conn, address);
    return to_milter(conn, SMFIP_NR_CONN, VERDICT_CONTINUE);
}

static sfsistat on_mail(SMFICTX *ctx, char **argv)
{
    struct conn *conn = smfi_getpriv(ctx);
    struct span sender = span_of(argv[0]);
    /* A proxy in front of smtpd can hide the client's port (XCLIENT), and a client can leave out the <>; what
     * has neither a port nor <> came from cleanup(8). */
    struct message_origin origin = {
        .local = conn->local && (sender.n == 0 || sender.p[0] != '<'),
        .daemon = macro(ctx, "{daemon_name}"),
        .client_address = span_of(conn->client),
        .sasl_username = macro(ctx, "{auth_authen}"),
        .server_port = macro(ctx, "{daemon_port}"), /* if milter_connect_macros names it */
        .arguments = (const char *const *)argv + 1,
        .may = { .sender = (conn->actions & SMFIF_CHGFROM) != 0,
                 .add_fields = (conn->actions & SMFIF_ADDHDRS) != 0,
                 .change_fields = (conn->actions & SMFIF_CHGHDRS) != 0 },
    };

    conn_forget_mail(conn);
    conn->snapshot = snapshot_slot_get(conn->slot);
    return finish(conn, message_mail(conn->message, snapshot_rules(conn->snapshot), &origin, sender));
}

static sfsistat on_recipient(SMFICTX *ctx, char **argv)
{
    struct conn *conn = smfi_getpriv(ctx);

    return to_milter(conn, SMFIP_NR_RCPT, message_recipient(conn->message, span_of(argv[0])));
}

static sfsistat on_data(SMFICTX *ctx)
{
    struct conn *conn = smfi_getpriv(ctx);

    return finish(conn, message_data(conn->message, macro(ctx, "i"), time(NULL)));
}

static sfsistat on_header(SMFICTX *ctx, char *name, char *value)
{
    struct conn *conn = smfi_getpriv(ctx);

    return to_milter(conn, SMFIP_NR_HDR, message_header(conn->message, span_of(name), span_of(value)));
}

static sfsistat on_eoh(SMFICTX *ctx)
{
    struct conn *conn = smfi_getpriv(ctx);

    return to_milter(conn, SMFIP_NR_EOH, message_eoh(conn->message));
}

static sfsistat on_body(SMFICTX *ctx, unsigned char *chunk, size_t n)
{
    struct conn *conn = smfi_getpriv(ctx);

    return to_milter(conn, 0, message_body(conn->message, (struct span){ (const char *)chunk, n }));
}

static void remove_recipients(SMFICTX *ctx, const struct message *message)
{
    const char *recipient;

    for (size_t at = 0; (recipient = message_next_removal(message, &at)) != NULL;)
        if (smfi_delrcpt(ctx, (char *)recipient) != MI_SUCCESS)
            log_say(LOG_WARNING, "the MTA keeps the recipient %s", recipient);
}

static void change_sender(SMFICTX *ctx, const struct message *message)
{
    const char *sender, *arguments;

    if (message_new_sender(message, &sender, &arguments) &&
        smfi_chgfrom(ctx, (char *)sender, (char *)arguments) != MI_SUCCESS)
        log_say(LOG_WARNING, "the MTA does not take the envelope sender %s", sender);
}

static void change_header(SMFICTX *ctx, const struct message *message)
{
    const struct message_field *field;

    for (size_t at = 0; (field = message_next_field(message, &at)) != NULL;) {
        int rc = field->replaces ? smfi_chgheader(ctx, (char *)field->name, 1, field->value)
                                 : smfi_addheader(ctx, (char *)field->name, field->value);

        if (rc != MI_SUCCESS)
            log_say(LOG_WARNING, "the MTA does not take the header field %s", field->name);
    }
}

static void set_try_again(SMFICTX *ctx)
{
    char code[] = "451", status[] = "4.3.0", words[] = "The bounce cannot be recorded now, try again later";

    if (smfi_setreply(ctx, code, status, words) != MI_SUCCESS)
        log_say(LOG_WARNING, "libmilter does not take the reply \"%s %s\"", code, status);
}

static sfsistat on_end(SMFICTX *ctx)
{
    struct conn *conn = smfi_getpriv(ctx);
    enum verdict verdict = message_end(conn->message, macro(ctx, "i"), time(NULL));

    if (verdict == VERDICT_ACCEPT) {
        remove_recipients(ctx, conn->message);
        change_sender(ctx, conn->message);
        change_header(ctx, conn->message);
    }
    if (verdict == VERDICT_TEMPFAIL)
        set_try_again(ctx);
    return finish(conn, verdict);
}

static sfsistat on_abort(SMFICTX *ctx)
{
    struct conn *conn = smfi_getpriv(ctx);

    conn_forget_mail(conn);
    return SMFIS_CONTINUE;
}

static sfsistat on_close(SMFICTX *ctx)
{
    struct conn *conn = smfi_getpriv(ctx);

    /* NULL: the connection ended, or was refused, before it was open. */
    if (conn != NULL)
        conn_free(conn);
    smfi_setpriv(ctx, NULL);
    return SMFIS_CONTINUE;
}

struct smfiDesc callbacks_describe(char *name)
{
    return (struct smfiDesc){
        .xxfi_name = name,
        .xxfi_version = SMFI_VERSION,
        .xxfi_flags = ACTIONS_ALL,
        .xxfi_connect = on_connect,
        .xxfi_envfrom = on_mail,
        .xxfi_envrcpt = on_recipient,
        .xxfi_data = on_data,
        .xxfi_header = on_header,
        .xxfi_eoh = on_eoh,
        .xxfi_body = on_body,
        .xxfi_eom = on_end,
        .xxfi_abort = on_abort,
        .xxfi_close = on_close,
    };
}
