/* SPDX-License-Identifier: BSD-2-Clause */
/* milter_floor SOCKET [quiet]: a filter that is shown each message to its end, and does nothing with it.
 * quiet: it is not waited for where it has nothing to say, as leadgate-milter is not.
 *
 * What it costs Postfix that there is a milter; the benchmark reports the one that signs as a share of it. */
#include <libmilter/mfapi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* libmilter passes nothing of ours to its callbacks. */
static unsigned long silent;

#define SILENT                                                                                               \
    (SMFIP_NR_CONN | SMFIP_NR_MAIL | SMFIP_NR_RCPT | SMFIP_NR_DATA | SMFIP_NR_HDR | SMFIP_NR_EOH |           \
     SMFIP_NR_BODY)

static sfsistat answer(unsigned long step)
{
    return (silent & step) != 0 ? SMFIS_NOREPLY : SMFIS_CONTINUE;
}

static sfsistat on_negotiate(SMFICTX *ctx, unsigned long actions, unsigned long steps, unsigned long f2,
                             unsigned long f3, unsigned long *use_actions, unsigned long *use_steps,
                             unsigned long *use_f2, unsigned long *use_f3)
{
    (void)ctx;
    (void)actions;
    (void)f2;
    (void)f3;
    *use_actions = *use_f2 = *use_f3 = 0;
    *use_steps = steps & (silent != 0 ? silent | SMFIP_NOHELO | SMFIP_NOUNKNOWN : 0);
    return SMFIS_CONTINUE;
}

static sfsistat on_connect(SMFICTX *ctx, char *host, _SOCK_ADDR *address)
{
    (void)ctx;
    (void)host;
    (void)address;
    return answer(SMFIP_NR_CONN);
}

static sfsistat on_helo(SMFICTX *ctx, char *name)
{
    (void)ctx;
    (void)name;
    return SMFIS_CONTINUE;
}

static sfsistat on_mail(SMFICTX *ctx, char **argv)
{
    (void)ctx;
    (void)argv;
    return answer(SMFIP_NR_MAIL);
}

static sfsistat on_recipient(SMFICTX *ctx, char **argv)
{
    (void)ctx;
    (void)argv;
    return answer(SMFIP_NR_RCPT);
}

static sfsistat on_data(SMFICTX *ctx)
{
    (void)ctx;
    return answer(SMFIP_NR_DATA);
}

static sfsistat on_header(SMFICTX *ctx, char *name, char *value)
{
    (void)ctx;
    (void)name;
    (void)value;
    return answer(SMFIP_NR_HDR);
}

static sfsistat on_eoh(SMFICTX *ctx)
{
    (void)ctx;
    return answer(SMFIP_NR_EOH);
}

static sfsistat on_body(SMFICTX *ctx, unsigned char *chunk, size_t n)
{
    (void)ctx;
    (void)chunk;
    (void)n;
    return answer(SMFIP_NR_BODY);
}

static sfsistat on_end(SMFICTX *ctx)
{
    (void)ctx;
    return SMFIS_CONTINUE;
}

int main(int argc, char **argv)
{
    char name[] = "milter_floor", socket[256];
    struct smfiDesc description = {
        .xxfi_name = name,
        .xxfi_version = SMFI_VERSION,
        .xxfi_connect = on_connect,
        .xxfi_helo = on_helo,
        .xxfi_envfrom = on_mail,
        .xxfi_envrcpt = on_recipient,
        .xxfi_header = on_header,
        .xxfi_eoh = on_eoh,
        .xxfi_body = on_body,
        .xxfi_eom = on_end,
        .xxfi_data = on_data,
        .xxfi_negotiate = on_negotiate,
    };

    if (argc < 2 || snprintf(socket, sizeof(socket), "unix:%s", argv[1]) >= (int)sizeof(socket)) {
        fputs("usage: milter_floor SOCKET [quiet]\n", stderr);
        return EXIT_FAILURE;
    }
    silent = argc > 2 && strcmp(argv[2], "quiet") == 0 ? SILENT : 0;
    umask(0);
    if (smfi_register(description) != MI_SUCCESS || smfi_setconn(socket) != MI_SUCCESS)
        return EXIT_FAILURE;
    return smfi_main() == MI_SUCCESS ? EXIT_SUCCESS : EXIT_FAILURE;
}
