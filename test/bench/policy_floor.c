/* SPDX-License-Identifier: BSD-2-Clause */
/* policy_floor SOCKET: a policy server that asks nobody and always answers DUNNO.
 *
 * It is leadgate-policyd's own server, protocol and loop with an empty decision: what Postfix's asking and
 * our answering cost at the least on this machine. The benchmark reports the real one as a share of it. */
#include "leadgate/logline.h"
#include "policy/policy_server.h"
#include "policy/policy_sockets.h"

#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>

static void decide_nothing(struct policy_question *question)
{
    policy_server_answer(question, "DUNNO");
}

static void on_stop(evutil_socket_t signal_number, short what, void *arg)
{
    (void)signal_number;
    (void)what;
    policy_server_stop(arg);
}

int main(int argc, char **argv)
{
    char as_is[] = "";
    struct endpoint endpoint = { .kind = ENDPOINT_UNIX };
    struct policy_settings settings = { .listen = { &endpoint, 1 }, .socket = { 0666, as_is, as_is } };
    struct policy_sockets sockets;
    struct policy_server *server;
    struct event_base *base = event_base_new();
    struct event *stop;
    struct err err;

    if (argc != 2 || !span_copy(endpoint.host, sizeof(endpoint.host), span_of(argv[1]))) {
        log_say(LOG_ERR, "usage: policy_floor SOCKET");
        return EXIT_FAILURE;
    }
    if (base == NULL || (server = policy_server_new(base, decide_nothing, NULL)) == NULL ||
        (stop = evsignal_new(base, SIGTERM, on_stop, server)) == NULL || event_add(stop, NULL) < 0)
        return EXIT_FAILURE;
    if (policy_sockets_open(&sockets, &settings, &err) < 0) {
        log_say(LOG_ERR, "%s", err.text);
        return EXIT_FAILURE;
    }
    if (policy_server_listen(server, sockets.item[0].fd) < 0)
        return EXIT_FAILURE;
    event_base_dispatch(base);
    policy_sockets_close(&sockets);
    policy_server_free(server);
    event_free(stop);
    event_base_free(base);
    return EXIT_SUCCESS;
}
