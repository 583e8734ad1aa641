/* SPDX-License-Identifier: BSD-2-Clause */
/* signing: which mail leaves with a token (token.h), and through which channels it comes back:
 *
 *   header       a header field of its own, which the returned mail shows. One for each recipient; by the
 *                policy server (PREPEND), or by the milter for mail from sendmail(1)
 *   envelope-id  ENVID (RFC 3461 4.4): comes back as Original-Envelope-Id; by the milter
 *   return-path  the envelope sender, SENDER+TOKEN=LEAD@DOMAIN: comes back as the bounce's recipient, even
 *                where nothing of the mail is returned; by the milter, for mail to one recipient
 *
 * Signed is outgoing mail whose bounces come back to us: its envelope sender is one of
 * milter.bounce_addresses, and its client is in signing.networks, has logged in, came in by one of
 * signing.daemons or through sendmail(1). A stranger who uses our sender gets no token. Pure but for the
 * keyring; any thread. */
#ifndef LEADGATE_SIGNING_H
#define LEADGATE_SIGNING_H

#include "leadgate/address.h"
#include "leadgate/settings.h"
#include "leadgate/stream.h"
#include "leadgate/token.h"

enum channel { CHANNEL_HEADER = 1, CHANNEL_ENVELOPE_ID = 2, CHANNEL_RETURN_PATH = 4 };

#define SIGNING_FIELD REPORT_TOKEN_FIELD /* it carries a sealed token */

/* Where a mail comes in. */
struct signing_origin {
    struct span client_address, sasl_username, daemon; /* empty = not known */
    bool local;                                        /* through sendmail(1) */
};

/* Whether a mail that comes in there is one of ours on its way out. */
bool signing_is_outgoing(const struct settings *settings, const struct signing_origin *origin);

/* Whether any mail is signed at all: there are keys and bounce addresses. */
bool signing_is_on(const struct settings *settings);

/* The channels of this mail, of enum channel, or-ed; 0 = it is not signed, else *sender is its envelope
 * sender. */
unsigned signing_channels(const struct settings *settings, const struct signing_origin *origin,
                          const struct stream *stream, struct span sender, enum address_form form,
                          struct address *out);

/* Whether an address is one of milter.bounce_addresses, with or without an extension. */
bool signing_is_bounce_address(const struct settings *settings, const struct address *address);

/* The value of SIGNING_FIELD. about: instance or queue id. */
bool signing_header(char dst[TOKEN_SEALED_SIZE], const struct settings *settings,
                    const struct address *sender, const struct address *lead, struct span about, int64_t now);

/* A recipient of ours that is a path (token.h): its lead and the token's name, and whether the token is good.
 * TOKEN_NONE: it is no path. */
enum token_rc signing_check_path(const struct settings *settings, const struct address *path, int64_t now,
                                 struct address *lead, char name[TOKEN_SIZE]);

/* Where the lead writes to leave the stream, STREAM.UNSUBSCRIBE+TOKEN=LEAD: who mails there need say no more.
 * about: the queue id. False when the stream has no such address, there is no key, or it would be too long
 * (token_path_make()). */
bool signing_unsubscribe_path(struct address *dst, const struct settings *settings,
                              const struct stream *stream, const struct address *lead, struct span about,
                              int64_t now);
/* A recipient of ours that is such a path: who leaves which stream, and the token's name; lead and stream are
 * meant only if it is TOKEN_GOOD. TOKEN_NONE: it is no path of any stream's unsubscribe address. */
enum token_rc signing_check_unsubscribe(const struct settings *settings, const struct address *path,
                                        int64_t now, struct address *lead, const struct stream **stream,
                                        char name[TOKEN_SIZE]);

#endif
