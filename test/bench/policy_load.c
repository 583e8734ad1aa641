/* SPDX-License-Identifier: BSD-2-Clause */
/* policy_load SOCKET CONNECTIONS SECONDS FIRST LAST WANT: asks a policy server as CONNECTIONS smtpd processes
 * do.
 *
 * Each connection is in lock-step: the next request goes out when the answer is there. One thread and one
 * epoll loop drive all of them, so that the generator costs as little as it can beside the server under test.
 * The recipients are lead0000000@example.com and so on, drawn between FIRST and LAST; every answer must begin
 * with WANT, or the measurement is void. After a warm-up of a fifth of the time it prints, tab separated:
 * answers a second, p50 and p99 in microseconds. */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define DIGITS     7
#define LONGEST_US 1000000 /* answers that take longer count as that long */
#define EVENTS     512

/* What Postfix 3.7 sends, all 29 attributes, in its order. */
static const char head[] =
    "request=smtpd_access_policy\nprotocol_state=RCPT\nprotocol_name=ESMTP\nclient_address=192.0.2.10\n"
    "client_name=app1.example.net\nclient_port=51480\nreverse_client_name=app1.example.net\n"
    "server_address=192.0.2.1\nserver_port=10587\nhelo_name=app1.example.net\n"
    "sender=bounce@news.example.net\nrecipient=lead";
static const char tail[] =
    "@example.com\nrecipient_count=0\nqueue_id=4XkZ2d0A9tz3jQ\ninstance=3716.6b0277b2.e75bb.0\nsize=51234\n"
    "etrn_domain=\nstress=\nsasl_method=plain\nsasl_username=newsletter\nsasl_sender=\nccert_subject=\n"
    "ccert_issuer=\nccert_fingerprint=\nccert_pubkey_fingerprint=\nencryption_protocol=TLSv1.3\n"
    "encryption_cipher=TLS_AES_256_GCM_SHA384\nencryption_keysize=256\npolicy_context=\n\n";

enum { REQUEST_SIZE = sizeof(head) - 1 + DIGITS + sizeof(tail) - 1 };

struct client {
    int fd;
    int64_t asked; /* nanoseconds */
    size_t n;
    char answer[512];
};

struct load {
    int epoll;
    uint64_t first, span, seed;
    const char *want;
    char request[REQUEST_SIZE];
    int64_t from, until; /* what is counted; nanoseconds */
    uint64_t answers;
    uint32_t took[LONGEST_US + 1]; /* how many took that many microseconds */
};

static void fail(const char *what)
{
    fprintf(stderr, "policy_load: %s: %s\n", what, strerror(errno));
    exit(EXIT_FAILURE);
}

static int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* xorshift64: the same recipients in every run. */
static uint64_t draw(struct load *load)
{
    load->seed ^= load->seed << 13;
    load->seed ^= load->seed >> 7;
    load->seed ^= load->seed << 17;
    return load->first + load->seed % load->span;
}

static void ask(struct load *load, struct client *client, int64_t now)
{
    char *digit = load->request + sizeof(head) - 1 + DIGITS;
    uint64_t lead = draw(load);

    for (int i = 0; i < DIGITS; i++, lead /= 10)
        *--digit = (char)('0' + lead % 10);
    client->n = 0;
    client->asked = now;
    if (send(client->fd, load->request, REQUEST_SIZE, MSG_NOSIGNAL) != REQUEST_SIZE)
        fail("send");
}

/* Takes an answer in; true when it is whole. */
static bool take_answer(const struct load *load, struct client *client)
{
    ssize_t n = recv(client->fd, client->answer + client->n, sizeof(client->answer) - 1 - client->n, 0);

    if (n <= 0)
        fail("the server closed a connection");
    client->n += (size_t)n;
    client->answer[client->n] = '\0';
    if (client->n < 2 || memcmp(client->answer + client->n - 2, "\n\n", 2) != 0)
        return false;
    if (strncmp(client->answer, load->want, strlen(load->want)) == 0)
        return true;
    fprintf(stderr, "policy_load: expected %s, got %s", load->want, client->answer);
    exit(EXIT_FAILURE);
}

static void count(struct load *load, int64_t asked, int64_t now)
{
    int64_t us = (now - asked) / 1000;

    if (now < load->from)
        return;
    load->answers++;
    load->took[us < LONGEST_US ? us : LONGEST_US]++;
}

static void open_client(struct load *load, struct client *client, const struct sockaddr_un *address)
{
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = client };

    client->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (client->fd < 0 || connect(client->fd, (const struct sockaddr *)address, sizeof(*address)) < 0)
        fail("connect");
    if (epoll_ctl(load->epoll, EPOLL_CTL_ADD, client->fd, &event) < 0)
        fail("epoll_ctl");
}

static void run(struct load *load)
{
    struct epoll_event events[EVENTS];
    int64_t now = now_ns();

    while (now < load->until) {
        int n = epoll_wait(load->epoll, events, EVENTS, 5000);

        if (n == 0) {
            errno = ETIMEDOUT;
            fail("no answer for 5 s");
        }
        for (int i = 0; i < n; i++) {
            struct client *client = events[i].data.ptr;

            if (!take_answer(load, client))
                continue;
            now = now_ns();
            count(load, client->asked, now);
            ask(load, client, now);
        }
    }
}

static unsigned percentile(const struct load *load, double share)
{
    uint64_t wanted = (uint64_t)((double)load->answers * share), seen = 0;
    unsigned us = 0;

    while (us < LONGEST_US && (seen += load->took[us]) <= wanted)
        us++;
    return us;
}

int main(int argc, char **argv)
{
    static struct load load = { .seed = 88172645463325252U };
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    struct client *clients;
    size_t connections;
    double seconds;

    if (argc != 7 || strlen(argv[1]) >= sizeof(address.sun_path)) {
        fprintf(stderr, "usage: policy_load SOCKET CONNECTIONS SECONDS FIRST LAST WANT\n");
        return EXIT_FAILURE;
    }
    memcpy(address.sun_path, argv[1], strlen(argv[1]));
    connections = strtoul(argv[2], NULL, 10);
    seconds = strtod(argv[3], NULL);
    load.first = strtoul(argv[4], NULL, 10);
    load.span = strtoul(argv[5], NULL, 10) - load.first + 1;
    load.want = argv[6];
    memcpy(load.request, head, sizeof(head) - 1);
    memcpy(load.request + sizeof(head) - 1 + DIGITS, tail, sizeof(tail) - 1);
    if ((load.epoll = epoll_create1(EPOLL_CLOEXEC)) < 0 ||
        (clients = calloc(connections, sizeof(*clients))) == NULL)
        fail("start");
    for (size_t i = 0; i < connections; i++)
        open_client(&load, &clients[i], &address);
    load.from = now_ns() + (int64_t)(seconds * 0.2e9);
    load.until = load.from + (int64_t)(seconds * 0.8e9);
    for (size_t i = 0; i < connections; i++)
        ask(&load, &clients[i], now_ns());
    run(&load);
    printf("%.0f\t%u\t%u\n", (double)load.answers / (seconds * 0.8), percentile(&load, 0.5),
           percentile(&load, 0.99));
    free(clients);
    return EXIT_SUCCESS;
}
