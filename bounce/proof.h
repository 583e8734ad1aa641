/* SPDX-License-Identifier: BSD-2-Clause */
/* proof: what a mail brings by which it can be told true from forged. It is only read here; what it is worth
 * is decided where the keys are. */
#ifndef LEADGATE_BOUNCE_PROOF_H
#define LEADGATE_BOUNCE_PROOF_H

#include "bounce/fields.h"
#include "leadgate/bounce.h"

/* header: the mail's own. */
void proof_read_arrival(struct report_proof *proof, const struct header *header);
/* header: the returned mail's. */
void proof_read_tokens(struct report_proof *proof, const struct header *returned);
void proof_free(struct report_proof *proof); /* twice is fine */

#endif
