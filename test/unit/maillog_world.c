/* SPDX-License-Identifier: BSD-2-Clause */
#include "maillog_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static struct address bounce_address;
static struct network internal;
static const struct classifier *classifier;

struct maillog_settings world_settings(void)
{
    struct address_rules rules = { .fold_local_part = true };
    struct err err;

    if (classifier == NULL) {
        setenv("TZ", "UTC", 1);
        tzset();
        bounce_init();
        classifier = classifier_new(NULL, 0, &err); /* one for the whole program */
        assert_non_null(classifier);
        assert_true(network_parse(&internal, SPAN("127.0.0.0/8"), &err));
        assert_int_equal(
            address_parse(&bounce_address, ADDRESS_INTERNAL, SPAN("bounce@shop.example"), &rules, &err), 0);
    }
    return (struct maillog_settings){
        .context = { .addresses = rules, .classifier = classifier },
        .bounce_addresses = &bounce_address,
        .n_bounce_addresses = 1,
        .internal_relays = &internal,
        .n_internal_relays = 1,
        .messages = 100,
    };
}

void world_open(struct world *world, const struct maillog_settings *settings)
{
    *world = (struct world){ .maillog = maillog_new(settings) };
    assert_non_null(world->maillog);
}

void world_close(struct world *world)
{
    maillog_free(world->maillog);
}

void world_tell(void *ctx, const struct delivery *delivery)
{
    static const char *const kinds[] = { "?", "sent", "bounced", "deferred", "expired" };
    const struct finding *finding = &delivery->finding;
    struct world *world = ctx;
    size_t room = sizeof(world->told) - world->n;
    int n;

    if (delivery->kind == DELIVERY_SENT)
        n = snprintf(world->told + world->n, room, "sent %s\n", finding->lead.text);
    else
        n = snprintf(world->told + world->n, room, "%s %s %s %s %d\n", kinds[delivery->kind],
                     finding->lead.text, cause_name(finding->cause), finding->status, finding->reply);
    assert_true(n > 0 && (size_t)n < room);
    world->n += (size_t)n;
    world->last = *finding;
    world->at = delivery->at;
    world->sent = delivery->sent;
    assert_true(span_copy(world->message, sizeof(world->message), delivery->message));
    assert_true(span_copy(world->relay, sizeof(world->relay), delivery->relay));
    assert_true(span_copy(world->provider, sizeof(world->provider), delivery->provider));
}

const char *world_read(struct world *world, const char *lines)
{
    struct span rest = span_of(lines), line;

    world->n = 0;
    world->told[0] = '\0';
    while (span_line(&rest, &line)) {
        /* Exactly as large as the line, so that a sanitizer sees a read behind it. */
        char *copy = malloc(line.n == 0 ? 1 : line.n);

        assert_non_null(copy);
        memcpy(copy, line.p, line.n);
        (void)maillog_line(world->maillog, (struct span){ copy, line.n }, WORLD_NOW, world_tell, world);
        free(copy);
    }
    return world->told;
}
