/* SPDX-License-Identifier: BSD-2-Clause */
/* The start of a daemon, once: what the arguments say, what the file says, then the log. Until the settings
 * are there, errors go to standard error in plain words, where the operator or systemd's journal sees them;
 * from then on to where log.to says. */
#include "leadgate/startup.h"

#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#ifdef HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

#define DEFAULT_PATH LEADGATE_SYSCONFDIR "/leadgate/config.yaml"

/* getopt_long() values; a program's own options follow from OWN on. */
enum { OPTION_HELP = 256, OPTION_VERSION, OPTION_OWN };

#define COMMON 4

/* The file that startup() read, for startup_reload(): the only state, written before threads exist. */
static const char *config_path = DEFAULT_PATH;

struct arguments {
    const struct program *program;
    const struct program_option *own;
    size_t n_own;
    struct option *table; /* common options, own ones, and the end mark */
    const char *path;
    bool test;
};

static _Noreturn void say_help(const struct program *program)
{
    size_t n = strlen(program->usage);

    printf("usage: %s [option...]\n%s%s\n"
           "  -c, --config FILE  read FILE instead of " DEFAULT_PATH "\n"
           "  -t, --test         check the configuration and exit\n"
           "      --help         show this and exit\n"
           "      --version      show the version and exit\n",
           program->name, program->usage, n > 0 && program->usage[n - 1] == '\n' ? "" : "\n");
    exit(EX_OK);
}

static _Noreturn void fail_usage(const struct program *program)
{
    fprintf(stderr, "%s: try --help\n", program->name);
    exit(EX_USAGE);
}

static struct option *make_table(const struct program_option *own, size_t n)
{
    static const struct option common[COMMON] = {
        { "config", required_argument, NULL, 'c' },
        { "test", no_argument, NULL, 't' },
        { "help", no_argument, NULL, OPTION_HELP },
        { "version", no_argument, NULL, OPTION_VERSION },
    };
    struct option *table = calloc(COMMON + n + 1, sizeof(*table));

    if (table == NULL)
        exit(EX_OSERR);
    memcpy(table, common, sizeof(common));
    for (size_t i = 0; i < n; i++)
        table[COMMON + i] =
            (struct option){ own[i].name, own[i].value != NULL ? required_argument : no_argument, NULL,
                             OPTION_OWN + (int)i };
    return table;
}

static void take_option(struct arguments *arguments, int c)
{
    const struct program_option *own;

    switch (c) {
    case 'c': arguments->path = optarg; return;
    case 't': arguments->test = true; return;
    case OPTION_HELP: say_help(arguments->program);
    case OPTION_VERSION: printf("%s " LEADGATE_VERSION "\n", arguments->program->name); exit(EX_OK);
    }
    if (c < OPTION_OWN)
        fail_usage(arguments->program); /* getopt_long() has said what is wrong */
    own = &arguments->own[c - OPTION_OWN];
    if (own->value != NULL)
        *own->value = optarg;
    if (own->flag != NULL)
        *own->flag = true;
}

static void take_arguments(struct arguments *arguments, int argc, char **argv)
{
    int c;

    arguments->table = make_table(arguments->own, arguments->n_own);
    while ((c = getopt_long(argc, argv, "c:t", arguments->table, NULL)) != -1)
        take_option(arguments, c);
    if (optind < argc) {
        fprintf(stderr, "%s: unexpected argument '%s'\n", arguments->program->name, argv[optind]);
        fail_usage(arguments->program);
    }
    free(arguments->table);
}

struct settings *startup(const struct program *program, const struct program_option *options, size_t n,
                         int argc, char **argv)
{
    struct arguments arguments = { .program = program, .own = options, .n_own = n, .path = DEFAULT_PATH };
    struct settings *settings;
    struct err err;

    take_arguments(&arguments, argc, argv);
    if (settings_load(&settings, arguments.path, &err) < 0) {
        fprintf(stderr, "%s: %s\n", program->name, err.text);
        exit(EX_CONFIG);
    }
    if (arguments.test) {
        printf("%s: ok\n", arguments.path);
        settings_free(settings);
        exit(EX_OK);
    }
    config_path = arguments.path;
    log_open((enum log_sink)settings->log_to, program->name);
    /* A peer that is gone is told by write(2), to the code that wrote. */
    signal(SIGPIPE, SIG_IGN);
    return settings;
}

struct settings *startup_reload(void)
{
    struct settings *settings;
    struct err err;

    if (settings_load(&settings, config_path, &err) < 0) {
        log_say(LOG_ERR, "%s; the old settings stay", err.text);
        return NULL;
    }
    return settings;
}

#ifdef HAVE_SYSTEMD
void startup_ready(void)
{
    sd_notify(0, "READY=1");
}

/* With the time, for units of Type=notify-reload. */
void startup_reloading(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRId64,
               (int64_t)now.tv_sec * 1000000 + (int64_t)now.tv_nsec / 1000);
}

void startup_stopping(void)
{
    sd_notify(0, "STOPPING=1");
}
#else
void startup_ready(void)
{
}

void startup_reloading(void)
{
}

void startup_stopping(void)
{
}
#endif

static int find_owner(const char *name, uid_t *uid, struct err *err)
{
    const struct passwd *user;

    if (name[0] == '\0')
        return 0;
    if ((user = getpwnam(name)) == NULL)
        return err_set(err, "socket_owner: there is no user \"%s\"", name);
    *uid = user->pw_uid;
    return 0;
}

static int find_group(const char *name, gid_t *gid, struct err *err)
{
    const struct group *group;

    if (name[0] == '\0')
        return 0;
    if ((group = getgrnam(name)) == NULL)
        return err_set(err, "socket_group: there is no group \"%s\"", name);
    *gid = group->gr_gid;
    return 0;
}

int startup_socket_rights(const char *path, const struct socket_settings *rights, struct err *err)
{
    uid_t uid = (uid_t)-1; /* chown(2): leave it as it is */
    gid_t gid = (gid_t)-1;

    if (find_owner(rights->owner, &uid, err) < 0 || find_group(rights->group, &gid, err) < 0)
        return -1;
    /* The owner first: a mode set before it would be given to the old group. */
    if ((uid != (uid_t)-1 || gid != (gid_t)-1) && chown(path, uid, gid) < 0)
        return err_set(err, "%s: cannot set the owner or group: %s", path, strerror(errno));
    if (chmod(path, (mode_t)rights->mode) < 0)
        return err_set(err, "%s: cannot set the mode: %s", path, strerror(errno));
    return 0;
}
