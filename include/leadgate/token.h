/* SPDX-License-Identifier: BSD-2-Clause */
/* token: a word that only this site can have written, and that a bounce brings back: that a mail was sent,
 * from which domain, to whom and on which day (design: "Whose bounce is it, and is it real").
 *
 * A token is 23 letters and digits of base32 (RFC 4648) and survives being folded to one case: one for its
 * kind and version, one for its key, three for the day, two that tell apart what was sent on one day, and 80
 * bits of HMAC-SHA-256 over all that it vouches for. What it vouches for is not in it. A sealed token carries
 * it enciphered behind the 23 (XChaCha20 under a key of its own, with the MAC as nonce: the construction of
 * SIV, RFC 5297), so that a header can name its recipient to us and to nobody else who gets the mail. A path
 * carries its recipient in the clear; only he sees it.
 *
 * Comparison takes the same time whatever differs. Pure but for the keyring; any thread. */
#ifndef LEADGATE_TOKEN_H
#define LEADGATE_TOKEN_H

#include "leadgate/address.h"
#include "leadgate/keyring.h"
#include "leadgate/span.h"

#include <stdbool.h>
#include <stdint.h>

enum token_kind {
    TOKEN_BOUNCE = 1,  /* a mail to one recipient; the subject is the lead */
    TOKEN_MESSAGE,     /* a mail to several; the subject is its Message-ID */
    TOKEN_UNSUBSCRIBE, /* the lead may leave the stream by it */
};

/* What a token vouches for. Borrowed. ASCII case does not count in any of them. */
struct token_claim {
    enum token_kind kind;
    struct span domain;  /* of the sender, in A-labels */
    struct span subject; /* the lead in normal form, or the Message-ID without <> */
    struct span stream;  /* TOKEN_UNSUBSCRIBE; else empty */
};

#define TOKEN_LENGTH      23
#define TOKEN_SIZE        (TOKEN_LENGTH + 1)
#define TOKEN_SEALED_SIZE (TOKEN_SIZE + (ADDRESS_SIZE * 8 + 4) / 5)

/* about: the message, as its instance or queue id: two messages get two tokens (with one chance in 1024 to be
 * alike). False when the ring is empty. */
bool token_make(char dst[TOKEN_SIZE], const struct keyring *keyring, const struct token_claim *claim,
                struct span about, int64_t now);
/* The same, with the subject enciphered behind it. Also false for a subject of ADDRESS_SIZE bytes or more. */
bool token_seal(char dst[TOKEN_SEALED_SIZE], const struct keyring *keyring, const struct token_claim *claim,
                struct span about, int64_t now);

enum token_rc {
    TOKEN_GOOD = 1,
    TOKEN_NONE,    /* this is no token */
    TOKEN_FORGED,  /* none of our keys has made it for this claim */
    TOKEN_EXPIRED, /* one has, but longer ago than the lifetime, or for a day that has not come */
};

/* lifetime: seconds. The day of a token is counted as its end: one of the first day of a lifetime of ten is
 * good on the tenth day behind it. */
enum token_rc token_check(const struct keyring *keyring, struct span text, const struct token_claim *claim,
                          int64_t now, int64_t lifetime);
/* Of a sealed token: claim->subject is read from it, into `subject`; the rest of the claim is the caller's.
 */
enum token_rc token_open(const struct keyring *keyring, struct span text, struct token_claim *claim,
                         char subject[ADDRESS_SIZE], int64_t now, int64_t lifetime);

/* Whether text is a token's 23 characters, and its kind; nothing is said of its being good. */
bool token_looks_like(struct span text, enum token_kind *kind);
/* The token's name for log lines and for remembering that it was used: its 23 characters in small letters. */
bool token_name(char dst[TOKEN_SIZE], struct span text);

/* A path: an address of ours with a token and the lead behind its local part:
 *
 *   bounces@our.example, ann@example.com -> bounces+b3k7d2a...=ann=example.com@our.example
 *
 * False when the local part would have more than 64 octets (RFC 5321 4.5.3.1.1), or the lead has characters
 * in its local part that are not letters, digits or one of `.-_+=`, by which a mail system on the way could
 * be led astray. */
bool token_path_make(struct address *dst, const struct address *base, struct span token,
                     const struct address *lead);
/* Takes a path apart: *token points into path; lead is parsed by the rules. False when it is none. */
bool token_path_split(const struct address *path, struct span *token, struct address *lead,
                      const struct address_rules *rules);

#endif
