/* SPDX-License-Identifier: BSD-2-Clause */
/* Whole mails, as anybody may send them to a bounce address. What is found must be usable: recipients that
 * are addresses, texts that are UTF-8. */
#include "leadgate/bounce.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct classifier *classifier;

/* Addresses go into keys: no control bytes, one '@' that at points to, a length that is true. */
static void check_finding(const struct finding *finding)
{
    if (finding->lead.n == 0 || strlen(finding->lead.text) != finding->lead.n ||
        finding->lead.text[finding->lead.at] != '@')
        abort();
    if (strlen(finding->diag) >= sizeof(finding->diag) || finding->rule == NULL)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct report report;
    struct err err;
    int rc;

    if (classifier == NULL) {
        bounce_init();
        if ((classifier = classifier_new(NULL, 0, &err)) == NULL)
            abort();
    }
    rc = report_read(
        &report, (struct span){ (const char *)data, size },
        &(struct bounce_context){ .addresses = { .fold_local_part = true }, .classifier = classifier }, &err);
    if (rc < 0 && report.n > 0)
        abort();
    if (report.n > REPORT_RECIPIENTS || (report.kind == MAIL_FAILURE && report.n == 0) ||
        (report.n > 0 && report.kind != MAIL_FAILURE && report.kind != MAIL_COMPLAINT))
        abort();
    for (size_t i = 0; i < report.n; i++)
        check_finding(&report.findings[i]);
    report_free(&report);
    return 0;
}
