/* SPDX-License-Identifier: BSD-2-Clause */
/* The policy protocol: all at once and byte by byte must be the same. */
#include "policy/policy_proto.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
    enum policy_feed feed;
    struct policy_request request;
};

static struct outcome feed(struct span input, size_t step)
{
    struct policy_parser parser = { 0 };
    struct outcome out = { .feed = POLICY_MORE };
    const char *why;

    for (size_t n = step < input.n ? step : input.n; out.feed == POLICY_MORE; n += step) {
        if (n > input.n)
            n = input.n;
        out.feed = policy_feed(&parser, (struct span){ input.p, n }, &out.request, &why);
        if (n == input.n)
            break;
    }
    return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span input = { (const char *)data, size };
    struct outcome whole, bytes;

    if (size > POLICY_REQUEST_MAX)
        return 0;
    whole = feed(input, size == 0 ? 1 : size);
    bytes = feed(input, 1);
    if (whole.feed != bytes.feed)
        abort();
    if (whole.feed != POLICY_DONE)
        return 0;
    for (size_t i = 0; i < POLICY_ATTRIBUTES; i++)
        if (!span_eq(whole.request.value[i], bytes.request.value[i]))
            abort();
    return 0;
}
