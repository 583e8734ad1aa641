/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/session.h"

#include "cli/output.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#define DEFAULT_PATH LEADGATE_SYSCONFDIR "/leadgate/config.yaml"

/* An operator waits longer than Postfix does: a busy Redis shall answer, not fail. */
#define PATIENCE_MS 10000

const char *const cli_formats[] = { "text", "csv", "json", NULL };

enum { OPTION_HELP = 256, OPTION_OWN, OWN_MOST = 12 };

int cli_fail_usage(const char *usage, const char *why)
{
    if (why != NULL)
        fprintf(stderr, "leadgate: %s\n", why);
    fputs(usage, stderr);
    return EX_USAGE;
}

static void set_option(const struct cli_option *own, const char *value)
{
    int n = 0;

    if (own->value == NULL) {
        *own->flag = true;
        return;
    }
    while (own->flag != NULL && n < CLI_REPEATED && own->value[n] != NULL)
        n++;
    if (n == CLI_REPEATED)
        *own->flag = true;
    else
        own->value[n] = value;
}

int cli_read_arguments(const char *usage, const struct cli_option *own, size_t n, int argc, char **argv,
                       struct cli_arguments *out)
{
    struct option table[OWN_MOST + 3] = {
        { "config", required_argument, NULL, 'c' },
        { "help", no_argument, NULL, OPTION_HELP },
    };
    int c;

    *out = (struct cli_arguments){ .config = NULL };
    for (size_t i = 0; i < n; i++)
        table[2 + i] = (struct option){ own[i].name, own[i].value != NULL ? required_argument : no_argument,
                                        NULL, OPTION_OWN + (int)i };
    while ((c = getopt_long(argc, argv, "c:h", table, NULL)) != -1) {
        if (c == 'c') {
            out->config = optarg;
        } else if (c == OPTION_HELP || c == 'h') {
            fputs(usage, stdout);
            return EX_OK;
        } else if (c < OPTION_OWN) {
            return cli_fail_usage(usage, NULL); /* getopt_long() has said what is wrong */
        } else {
            set_option(&own[c - OPTION_OWN], optarg);
        }
    }
    out->operand = argv + optind;
    out->n = argc - optind;
    return GO_ON;
}

int cli_read_format(const char *text, const char *const *words)
{
    if (text == NULL)
        return 0;
    for (int i = 0; words[i] != NULL; i++)
        if (strcmp(text, words[i]) == 0)
            return i;
    fprintf(stderr, "leadgate: --format is one of:");
    for (int i = 0; words[i] != NULL; i++)
        fprintf(stderr, " %s", words[i]);
    fputc('\n', stderr);
    return -1;
}

static bool has_default_file(void)
{
    return access(DEFAULT_PATH, F_OK) == 0;
}

const char *session_settings_name(const char *config)
{
    return config != NULL ? config : has_default_file() ? DEFAULT_PATH : "the defaults";
}

static int load(struct session *session, const char *config)
{
    struct err err;

    if (config == NULL && !has_default_file()) {
        session->settings = settings_new();
        return session->settings != NULL ? GO_ON : EX_OSERR;
    }
    if (settings_load(&session->settings, config != NULL ? config : DEFAULT_PATH, &err) < 0) {
        fprintf(stderr, "leadgate: %s\n", err.text);
        return EX_CONFIG;
    }
    return GO_ON;
}

int session_open(struct session *session, const char *config)
{
    int status;

    *session = (struct session){ .now = (int64_t)time(NULL) };
    if ((status = load(session, config)) != GO_ON)
        return status;
    if (session->settings->redis.timeout < PATIENCE_MS)
        session->settings->redis.timeout = PATIENCE_MS;
    session->rules = settings_address_rules(session->settings);
    session->store = store_new(&session->settings->redis);
    session->admin = admin_new(&session->settings->redis);
    if (session->store == NULL || session->admin == NULL) {
        fputs("leadgate: out of memory\n", stderr);
        return EX_OSERR;
    }
    /* A Redis that hangs up is told by write(2), and so is a reader of our output: see output_ends(). */
    signal(SIGPIPE, SIG_IGN);
    return GO_ON;
}

void session_close(struct session *session)
{
    store_free(session->store);
    admin_free(session->admin);
    settings_free(session->settings);
    *session = (struct session){ .now = 0 };
}

int session_fail(const struct err *err)
{
    fprintf(stderr, "leadgate: %s\n", err->text);
    return EX_TEMPFAIL;
}

int session_refuse(const struct err *err)
{
    fputs("leadgate: ", stderr);
    output_text(stderr, span_of(err->text));
    fputc('\n', stderr);
    return EX_USAGE;
}

int session_parse(const struct session *session, struct span text, struct address *out, struct err *err)
{
    text = span_trim(text);
    return address_parse(out, address_form_of(text), text, &session->rules, err);
}

int session_parse_listed(const struct session *session, struct span text, struct address *out,
                         struct err *err)
{
    struct address_rules rules = { .fold_local_part = session->rules.fold_local_part };

    return address_parse(out, ADDRESS_MAILBOX, text, &rules, err);
}
