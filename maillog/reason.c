/* SPDX-License-Identifier: BSD-2-Clause */
/* The forms in which Postfix's SMTP client wraps a reply (smtp_proto.c, smtp_trouble.c, smtp_connect.c of its
 * sources). Where a report to the sender says `Diagnostic-Code: smtp;` the words are the server's, and the
 * log's wrapping is taken off, so that both are read alike; where it says `X-Postfix;` they are Postfix's. */
#include "maillog/reason.h"

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

    if (!cut(&text, form->start) || !attempt_cut_peer(&text, &peer) || !cut(&text, form->said))
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

bool reason_is_of_smtp(struct span text)
{
    static const struct span words[] = { { "Name service error for name=", 28 },
                                         { "unable to look up host ", 23 },
                                         { " (nullMX)", 9 },
                                         { " loops back to myself", 21 },
                                         { "has a valid address record", 26 } };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (memmem(text.p, text.n, words[i].p, words[i].n) != NULL)
            return true;
    return false;
}
