/* SPDX-License-Identifier: BSD-2-Clause */
/* settings_checks: conditions on texts that their type does not say; the `check` of a row. False with err.
 * Inside settings/ only. */
#ifndef SETTINGS_CHECKS_H
#define SETTINGS_CHECKS_H

#include "leadgate/err.h"

#include <stdbool.h>

/* `550 5.7.1 text`, one line of printable ASCII with the words {lead} {cause} {until} {kind} {stream}. */
bool check_reply(const char *text, struct err *err);
bool check_reply_or_none(const char *text, struct err *err); /* or empty */
/* The same with a 4xx code. */
bool check_temporary_reply(const char *text, struct err *err);

bool check_address(const char *text, struct err *err);
bool check_address_or_none(const char *text, struct err *err); /* or empty */
bool check_local_part(const char *text, struct err *err);
bool check_domain(const char *text, struct err *err); /* or empty */
bool check_path(const char *text, struct err *err);   /* absolute */

/* For streams. */
bool check_stream_name(const char *text, struct err *err); /* or empty */
bool check_sender(const char *text, struct err *err);
bool check_network(const char *text, struct err *err);
bool check_port(const char *text, struct err *err);
bool check_fingerprint(const char *text, struct err *err);
bool check_list_id(const char *text, struct err *err);
bool check_cause(const char *text, struct err *err); /* or a group of causes */

/* The name of a header field (RFC 5322 2.2), or empty. */
bool check_field_name_or_none(const char *text, struct err *err);

/* For signing. */
bool check_channel(const char *text, struct err *err);
bool check_stream_channel(const char *text, struct err *err); /* or inherit, or none */
bool check_host(const char *text, struct err *err);

#endif
