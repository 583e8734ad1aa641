/* SPDX-License-Identifier: BSD-2-Clause */
/* err: why a call failed, in words for the operator. The caller provides it, the failing call fills it,
 * and it is logged once, where the failure is decided on. */
#ifndef LEADGATE_ERR_H
#define LEADGATE_ERR_H

struct err {
    char text[512];
};

/* Sets the text (cut when too long) and returns -1, so that a function can end in `return err_set(...)`. */
__attribute__((format(printf, 2, 3))) int err_set(struct err *err, const char *fmt, ...);

#endif
