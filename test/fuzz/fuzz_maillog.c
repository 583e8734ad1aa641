/* SPDX-License-Identifier: BSD-2-Clause */
/* Logs, as whoever mails us or takes our mail may make Postfix write them. What is told must be usable:
 * recipients that are addresses, texts that are UTF-8, times in order. A table that is much too small is part
 * of it. */
#include "leadgate/maillog.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistr.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW INT64_C(1795338000) /* 2026-11-22 */

static struct maillog_settings settings;
static struct address bounce_address;
static struct network internal;

static void check_span(struct span span, size_t most)
{
    if (span.n > most || (span.n > 0 && span.p == NULL))
        abort();
}

static void check(void *ctx, const struct delivery *delivery)
{
    const struct finding *finding = &delivery->finding;
    bool sent = delivery->kind == DELIVERY_SENT;
    struct event event;

    (void)ctx;
    if (finding->lead.n == 0 || strlen(finding->lead.text) != finding->lead.n ||
        finding->lead.text[finding->lead.at] != '@' || strpbrk(finding->lead.text, "{}\n") != NULL)
        abort();
    if (finding->rule == NULL || memchr(finding->status, '\0', sizeof(finding->status)) == NULL ||
        memchr(finding->diag, '\0', sizeof(finding->diag)) == NULL ||
        u8_check((const uint8_t *)finding->diag, strlen(finding->diag)) != NULL)
        abort();
    if (sent != (finding->cause == CAUSE_NONE) || finding->hardness != cause_info(finding->cause)->hardness ||
        (delivery->kind == DELIVERY_DEFERRED && finding->cause == CAUSE_EXPIRED))
        abort();
    if (delivery->sent > delivery->at || delivery->queue_id.n == 0 || delivery->message.n == 0)
        abort();
    check_span(delivery->queue_id, 40);
    check_span(delivery->message, 255);
    check_span(delivery->provider, PROVIDER_SIZE - 1);
    check_span(delivery->sender, 1000);
    check_span(delivery->client_address, 1000);
    check_span(delivery->sasl_username, 1000);
    if (address_covers(&bounce_address, &finding->lead))
        abort();
    delivery_event(delivery, &event);
    if (event.type == EVENT_BOUNCE && event.cause == CAUSE_NONE)
        abort();
}

static void set_up(void)
{
    struct address_rules rules = { .fold_local_part = true };
    struct err err;

    setenv("TZ", "Europe/Berlin", 1);
    bounce_init();
    settings = (struct maillog_settings){
        .context = { .addresses = rules, .classifier = classifier_new(NULL, 0, &err) },
        .bounce_addresses = &bounce_address,
        .n_bounce_addresses = 1,
        .internal_relays = &internal,
        .n_internal_relays = 1,
        .messages = 3,
    };
    if (settings.context.classifier == NULL ||
        address_parse(&bounce_address, ADDRESS_INTERNAL, SPAN("bounce@shop.example"), &rules, &err) < 0 ||
        !network_parse(&internal, SPAN("127.0.0.0/8"), &err))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span rest = { (const char *)data, size };
    struct maillog_tally tally;
    struct maillog *maillog;
    int64_t lines = 0;

    if (settings.messages == 0)
        set_up();
    if ((maillog = maillog_new(&settings)) == NULL)
        abort();
    for (; rest.n > 0; lines++)
        (void)maillog_line(maillog, span_cut(&rest, '\n'), NOW, lines % 8 == 7 ? NULL : check, NULL);
    tally = maillog_tally(maillog);
    if (tally.lines != lines || tally.foreign > lines || tally.local > lines || tally.forgotten > lines)
        abort();
    maillog_free(maillog);
    return 0;
}
