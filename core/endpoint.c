/* SPDX-License-Identifier: BSD-2-Clause */
#include "leadgate/endpoint.h"

#include <stdio.h>
#include <sys/un.h>

#define ALLOWED "allowed are unix:/absolute/path and inet:host:port"

static int parse_unix(struct endpoint *out, struct span path, struct err *err)
{
    size_t room = sizeof(((struct sockaddr_un *)0)->sun_path);

    if (path.n == 0 || path.p[0] != '/')
        return err_set(err, "\"%.*s\" is not an absolute path; " ALLOWED, SPAN_FMT(path));
    if (path.n >= room || !span_copy(out->host, sizeof(out->host), path))
        return err_set(err, "the path of a unix socket has at most %zu bytes", room - 1);
    out->kind = ENDPOINT_UNIX;
    out->port = 0;
    return 0;
}

static int parse_inet(struct endpoint *out, struct span text, struct err *err)
{
    struct span host = text, port = SPAN_NONE;
    int64_t number;

    for (size_t i = text.n; i > 0; i--) {
        if (text.p[i - 1] == ':') {
            host.n = i - 1;
            port = (struct span){ text.p + i, text.n - i };
            break;
        }
    }
    if (host.n > 1 && host.p[0] == '[' && host.p[host.n - 1] == ']')
        host = (struct span){ host.p + 1, host.n - 2 };
    if (host.n == 0 || !span_int64(port, &number) || number < 1 || number > 65535)
        return err_set(err, "\"%.*s\" is not host:port with a port from 1 to 65535; " ALLOWED,
                       SPAN_FMT(text));
    if (!span_copy(out->host, sizeof(out->host), host))
        return err_set(err, "a host name has at most %zu bytes", sizeof(out->host) - 1);
    out->kind = ENDPOINT_INET;
    out->port = (uint16_t)number;
    return 0;
}

int endpoint_parse(struct endpoint *out, struct span text, struct err *err)
{
    struct span rest = text, scheme = span_cut(&rest, ':');

    if (span_eq(scheme, SPAN("unix")))
        return parse_unix(out, rest, err);
    if (span_eq(scheme, SPAN("inet")))
        return parse_inet(out, rest, err);
    return err_set(err, "\"%.*s\" is no endpoint; " ALLOWED, SPAN_FMT(text));
}

const char *endpoint_text(char dst[ENDPOINT_TEXT_SIZE], const struct endpoint *endpoint)
{
    int colon = 0;

    for (const char *p = endpoint->host; *p != '\0'; p++)
        colon |= *p == ':';
    if (endpoint->kind == ENDPOINT_UNIX)
        snprintf(dst, ENDPOINT_TEXT_SIZE, "unix:%s", endpoint->host);
    else
        snprintf(dst, ENDPOINT_TEXT_SIZE, colon ? "inet:[%s]:%u" : "inet:%s:%u", endpoint->host,
                 (unsigned)endpoint->port);
    return dst;
}
