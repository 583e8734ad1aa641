/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/backoff.h"

#include <time.h>

enum { FIRST_WAIT_MS = 100, LONGEST_WAIT_MS = 5000 };

int64_t monotonic_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool backoff_may_try(const struct backoff *backoff)
{
    return backoff->wait == 0 || monotonic_ms() >= backoff->not_till;
}

void backoff_failed(struct backoff *backoff)
{
    backoff->wait = backoff->wait == 0 ? FIRST_WAIT_MS : backoff->wait * 2;
    if (backoff->wait > LONGEST_WAIT_MS)
        backoff->wait = LONGEST_WAIT_MS;
    backoff->not_till = monotonic_ms() + backoff->wait;
}

void backoff_succeeded(struct backoff *backoff)
{
    backoff->wait = 0;
}
