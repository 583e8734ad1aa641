/* SPDX-License-Identifier: BSD-2-Clause */
/* The forms in which Postfix's SMTP client wraps a reply (smtp_proto.c, smtp_trouble.c, smtp_connect.c of its
 * sources). Where a report to the sender says `Diagnostic-Code: smtp;` the words are the server's, and the
 * log's wrapping is taken off, so that both are read alike; where it says `X-Postfix;` they are Postfix's. */
#include "leadgate/reason.h"

#include <string.h>

static const struct form {
    struct span start; /* what stands before the host */
    struct span said;  /* between it and its words; empty = nothing is quoted */
    bool command;      /* ` (in reply to RCPT TO command)` follows */
    bool reached;
} forms[] = {
    { { "host ", 5 }, { " said: ", 7 }, true, true },
    { { "host ", 5 }, { " refused to talk to me: ", 24 }, false, true },
    { { "SASL authentication failed; server ", 35 }, { " said: ", 7 }, false, true },
    { { "TLS is required, but host ", 26 }, { " refused to start TLS: ", 23 }, false, true },
    { { "connect to ", 11 }, { "", 0 }, false, false },
    { { "lost connection with ", 21 }, { "", 0 }, false, true },
    { { "conversation with ", 18 }, { "", 0 }, false, true },
    { { "local data error while talking to ", 34 }, { "", 0 }, false, true },
    { { "TLS is required, but was not offered by host ", 45 }, { "", 0 }, false, true },
};

bool peer_cut(struct span *rest, struct peer *peer)
{
    const char *open = rest->n == 0 ? NULL : memchr(rest->p, '[', rest->n), *close;
    struct span name, ip;

    if (open == NULL || open == rest->p)
        return false;
    name = (struct span){ rest->p, (size_t)(open - rest->p) };
    if (memchr(name.p, ' ', name.n) != NULL || (close = memchr(open, ']', rest->n - name.n)) == NULL)
        return false;
    ip = (struct span){ open + 1, (size_t)(close - open) - 1 };
    if (!ip_parse(&peer->ip, ip))
        return false;
    peer->name = name;
    *rest = (struct span){ close + 1, rest->n - name.n - ip.n - 2 };
    return true;
}

static bool cut(struct span *rest, struct span start)
{
    if (rest->n < start.n || memcmp(rest->p, start.p, start.n) != 0)
        return false;
    *rest = (struct span){ rest->p + start.n, rest->n - start.n };
    return true;
}

/* Without the last ` (in reply to ...)`, which Postfix wrote; the words may hold others. */
static struct span without_command(struct span words)
{
    static const struct span command = { " (in reply to ", 14 };

    for (size_t i = words.n; i >= command.n; i--)
        if (words.p[i - command.n] == ' ' && memcmp(words.p + i - command.n, command.p, command.n) == 0)
            return (struct span){ words.p, i - command.n };
    return words;
}

static bool fits(struct reason *out, struct span text, const struct form *form)
{
    struct peer peer;

    if (!cut(&text, form->start) || !peer_cut(&text, &peer) || !cut(&text, form->said))
        return false;
    out->peer = peer;
    out->has_peer = true;
    out->reached = form->reached;
    out->remote = form->said.n > 0;
    if (out->remote)
        out->words = form->command ? without_command(text) : text;
    return true;
}

void reason_read(struct reason *out, struct span text)
{
    /* A message is not tried where another one has just failed: error(8) and retry(8) quote why. */
    (void)cut(&text, SPAN("delivery temporarily suspended: "));
    *out = (struct reason){ .words = text };
    (void)cut(&text, SPAN("Protocol error: "));
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
        if (fits(out, text, &forms[i]))
            return;
}
