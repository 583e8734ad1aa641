/* SPDX-License-Identifier: BSD-2-Clause */
/* backoff: when to try again what failed: after 100 ms, then twice as long each time, at most 5 s. By the
 * monotonic clock. All zero is the start. */
#ifndef LEADGATE_STORE_BACKOFF_H
#define LEADGATE_STORE_BACKOFF_H

#include <stdbool.h>
#include <stdint.h>

struct backoff {
    int64_t wait;     /* milliseconds; 0 = the last try succeeded */
    int64_t not_till; /* monotonic milliseconds */
};

int64_t monotonic_ms(void);
bool backoff_may_try(const struct backoff *backoff);
void backoff_failed(struct backoff *backoff);
void backoff_succeeded(struct backoff *backoff);

#endif
