/* SPDX-License-Identifier: BSD-2-Clause */
/* json: the notifications of Amazon SES as they come by mail: a JSON text, alone or as the string inside of
 * an SNS envelope, with words for people behind it. */
#ifndef LEADGATE_BOUNCE_JSON_H
#define LEADGATE_BOUNCE_JSON_H

#include "leadgate/span.h"

enum json_event { JSON_NONE = 1, JSON_BOUNCE, JSON_COMPLAINT, JSON_DELIVERED, JSON_DELAYED };

/* One recipient of a notification. Spans point into the text, escapes still in them. */
struct json_recipient {
    struct span address, status, diagnostic;
};

/* What the text is; JSON_NONE when it is no such notification. A text inside of a string is unescaped where
 * it stands: text must be writable. *text is left at the notification. */
enum json_event json_event(struct span *text, char *writable);

/* The first string of that name in text; empty = none. */
struct span json_string(struct span text, struct span name);

/* Takes the next recipient off *rest (at first: the text); false when there is none left. */
bool json_next_recipient(struct span *rest, enum json_event event, struct json_recipient *out);

/* The envelope sender of the mail that the text is about; empty when it is not said. */
struct span json_sender(struct span text);

#endif
